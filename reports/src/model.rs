//! What the page and the summary show: formatted strings, nothing else. Templates choose places, never numbers; all
//! words and figures are decided here and in [`crate::format`], where they can be tested without any markup.
//!
//! Strings here are *not* escaped: the templates do that, each in its own language.

use judge::verdict::{State, Verdict};
use serde::Serialize;

mod guardrails;
mod headline;
pub(crate) mod names;
mod operations;
mod tables;

pub(crate) use guardrails::GuardrailView;
pub(crate) use headline::{Figure, Headline, MoneyView, NeededView};
pub(crate) use operations::{InstrumentView, MethodView, ProvenanceView};
pub(crate) use tables::{LatencyView, OutcomeView, TokensView};

/// A name with what stands beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    /// What it is.
    pub(crate) label: String,
    /// Its value.
    pub(crate) value: String,
    /// What to know about it; may be empty.
    pub(crate) detail: String,
}

impl Entry {
    fn new(label: &str, value: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { label: label.to_owned(), value: value.into(), detail: detail.into() }
    }
}

/// The whole report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Page {
    /// The answer and what follows from it.
    pub(crate) headline: Headline,
    /// The figures to know first.
    pub(crate) figures: Vec<Figure>,
    /// What is still missing.
    pub(crate) needed: Vec<NeededView>,
    /// The guardrails to know about before anything else.
    pub(crate) notable: Vec<GuardrailView>,
    /// How many guardrails are in which state.
    pub(crate) guardrails_summary: String,
    /// All guardrails.
    pub(crate) guardrails: Vec<GuardrailView>,
    /// The signs that occur, for the legend.
    pub(crate) states: Vec<StateView>,
    /// Latency at the usual quantiles.
    pub(crate) latency: Vec<LatencyView>,
    /// Money; absent if nothing could be priced.
    pub(crate) money: Option<MoneyView>,
    /// Tokens by arm.
    pub(crate) tokens: Vec<TokensView>,
    /// Errors and finish reasons by arm.
    pub(crate) outcomes: Vec<OutcomeView>,
    /// Health of the measuring.
    pub(crate) instrument: InstrumentView,
    /// Methods that occur, in words.
    pub(crate) methods: Vec<MethodView>,
    /// Where all this comes from.
    pub(crate) provenance: ProvenanceView,
}

/// A state in the legend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct StateView {
    /// Name in the verdict.
    pub(crate) name: &'static str,
    /// What it says.
    pub(crate) word: &'static str,
}

/// Puts the report together.
pub(crate) fn page(verdict: &Verdict) -> Page {
    let occurs = |state: &State| verdict.guardrails.iter().any(|g| g.state == *state);
    let states = crate::states::ALL.into_iter().filter(occurs);
    Page {
        headline: headline::headline(verdict),
        figures: headline::figures(verdict),
        needed: headline::needed(verdict),
        notable: guardrails::notable(verdict),
        guardrails_summary: guardrails::summary(verdict),
        guardrails: guardrails::views(verdict),
        states: states.map(|s| StateView { name: crate::states::name(s), word: crate::states::word(s) }).collect(),
        latency: tables::latency(&verdict.evidence),
        money: headline::money(verdict),
        tokens: tables::tokens(&verdict.evidence),
        outcomes: tables::outcomes(&verdict.evidence),
        instrument: operations::instrument(verdict),
        methods: operations::methods(verdict),
        provenance: operations::provenance(verdict),
    }
}
