//! What the page and the summary show: formatted strings, nothing else. Templates choose places, never numbers; all
//! words and figures are decided here and in [`crate::format`], where they can be tested without any markup.
//!
//! Strings here are *not* escaped: the templates do that, each in its own language.

use judge::verdict::{State, Verdict};
use serde::Serialize;

pub(crate) mod bill;
pub(crate) mod course;
mod examples;
mod first_token;
pub(crate) mod guardrails;
mod headline;
mod instrument;
mod methods;
mod moderation;
pub(crate) mod names;
mod parts;
mod provenance;
mod tables;
mod weight;

pub(crate) use bill::BillView;
pub(crate) use course::CourseView;
pub(crate) use examples::ExamplesView;
pub(crate) use first_token::FirstTokenView;
pub(crate) use guardrails::{GuardrailGroup, GuardrailView};
pub(crate) use headline::{Figure, Headline, MoneyView, NeededView, sentence};
pub(crate) use instrument::InstrumentView;
pub(crate) use methods::MethodView;
pub(crate) use moderation::ModerationView;
pub(crate) use parts::{PartView, RemarkView};
pub(crate) use provenance::ProvenanceView;
pub(crate) use tables::{LatencyView, OutcomeView, TokensView};
pub(crate) use weight::WeightView;

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
    /// How many more of them there are.
    pub(crate) more_notable: usize,
    /// How many guardrails are in which state.
    pub(crate) guardrails_summary: String,
    /// The guardrails that a GO needs, by part of the traffic.
    pub(crate) guardrails: Vec<GuardrailGroup>,
    /// Those that are only watched.
    pub(crate) watched: Vec<GuardrailGroup>,
    /// Whether requests of one consumer resemble each other noticeably anywhere.
    pub(crate) has_resemblance: bool,
    /// How their bounds closed in on the margins, what blocks first.
    pub(crate) course: Vec<CourseView>,
    /// How far the weight may go; absent where the verdict does not say.
    pub(crate) weight: Option<WeightView>,
    /// The signs that occur, for the legend.
    pub(crate) states: Vec<StateView>,
    /// Latency at the usual quantiles.
    pub(crate) latency: Vec<LatencyView>,
    /// What the first visible text waits for.
    pub(crate) first_token: Option<FirstTokenView>,
    /// Money; absent if nothing could be priced.
    pub(crate) money: Option<MoneyView>,
    /// What the bill says beyond the pairs; absent in verdicts that say no more.
    pub(crate) bill: Option<BillView>,
    /// Tokens by arm.
    pub(crate) tokens: Vec<TokensView>,
    /// Errors and finish reasons by arm.
    pub(crate) outcomes: Vec<OutcomeView>,
    /// Who intervened, where a guard looked.
    pub(crate) moderation: Option<ModerationView>,
    /// Parts of the traffic, reported and not judged.
    pub(crate) parts: Vec<PartView>,
    /// Where the candidate is worse, in a sentence.
    pub(crate) parts_summary: String,
    /// Pairs that differ most.
    pub(crate) examples: Option<ExamplesView>,
    /// Figures that are reported and not judged.
    pub(crate) remarks: Vec<RemarkView>,
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
    let (notable, more_notable) = guardrails::notable(verdict);
    let (guardrails, watched) = (guardrails::deciding(verdict), guardrails::watched(verdict));
    let has_resemblance =
        guardrails.iter().chain(&watched).flat_map(|g| &g.rows).any(|row| !row.resemblance.is_empty());
    let states = crate::states::ALL.into_iter().filter(occurs);
    Page {
        headline: headline::headline(verdict),
        figures: headline::figures(verdict),
        needed: headline::needed(verdict),
        notable,
        more_notable,
        guardrails_summary: guardrails::summary(verdict),
        guardrails,
        watched,
        has_resemblance,
        course: course::courses(verdict),
        weight: weight::weight(verdict),
        states: states.map(|s| StateView { name: crate::states::name(s), word: crate::states::word(s) }).collect(),
        latency: tables::latency(&verdict.evidence),
        first_token: first_token::first_token(&verdict.evidence),
        money: headline::money(verdict),
        bill: bill::bill(&verdict.bill),
        tokens: tables::tokens(&verdict.evidence),
        outcomes: tables::outcomes(&verdict.evidence),
        moderation: moderation::moderation(verdict),
        parts: parts::parts(verdict),
        parts_summary: parts::summary(verdict),
        examples: examples::examples(verdict),
        remarks: parts::remarks(verdict),
        instrument: instrument::instrument(verdict),
        methods: methods::methods(verdict),
        provenance: provenance::provenance(verdict),
    }
}
