//! Who intervened, as tables: the provider that blocks, the gateway's guard that flags, the model that refuses.
//!
//! The three are kept apart because they are three different facts: a provider's block is its policy, a refusal the
//! model's manners, and the guard is the same over both arms, so that its difference is one between the answers. Each is a
//! 2x2 table over the pairs, for everything and by category. What decides is one guardrail each (`blocked`, `refusals`,
//! `guard_flags`); the categories only describe, so that whoever reads a difference finds where it comes from.
//!
//! Each table is asked in both directions by the e-value on its discordant pairs ([`discordant`], McNemar's test that may
//! be looked at after every pair), and its p-value is multiplied by the number of all questions (Bonferroni), at most 1. It
//! takes pairs as independent of each other, as a description may. Of the request side nothing is asked: both arms got the
//! same text, so what differs there is the guard's own wavering.

use serde::{Deserialize, Serialize};

use crate::counters::PairedCounts;
use crate::policy::Policy;
use crate::stats::discordant;
use crate::verdict::Guardrail;
use crate::words;

/// Categories that are told apart, at most.
pub const CATEGORIES_MAX: usize = 20;
/// Name of the table over all categories.
pub const ALL: &str = "all";

/// Who intervened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The provider's own moderation blocked request or answer.
    ProviderBlock,
    /// The model refused.
    Refusal,
    /// The gateway's guard flagged, masked or blocked the text.
    Guard,
}

/// Which text it was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What was answered; of a provider's block, either.
    Response,
    /// What was asked: the same text for both arms.
    Request,
}

/// A counted table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counted {
    source: Source,
    side: Side,
    category: String,
    table: PairedCounts,
}

impl Counted {
    fn key(&self) -> (Source, Side, bool, &str) {
        // The table over everything comes before its categories, whatever they are called.
        (self.source, self.side, self.category != ALL, &self.category)
    }
}

/// Tables over pairs as they are counted; empty where no guard looked at any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModerationCounts {
    tables: Vec<Counted>,
    /// Categories that were met and have no table.
    left_out: u64,
}

impl ModerationCounts {
    /// Adds a table to the one of this source, side and category.
    pub fn add(&mut self, source: Source, side: Side, category: &str, table: PairedCounts) {
        let added = Counted { source, side, category: category.to_owned(), table };
        match self.tables.binary_search_by(|own| own.key().cmp(&added.key())) {
            Ok(at) => self.tables[at].table = self.tables[at].table.merged(table),
            Err(at) => self.tables.insert(at, added),
        }
    }

    /// Notes categories that were met and have no table.
    pub const fn leave_out(&mut self, categories: u64) {
        self.left_out = if self.left_out > categories { self.left_out } else { categories };
    }

    /// Adds the tables of other pairs.
    pub fn merge(&mut self, other: &Self) {
        for counted in &other.tables {
            self.add(counted.source, counted.side, &counted.category, counted.table);
        }
        self.leave_out(other.left_out);
    }

    /// Nothing was counted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }
}

/// One 2x2 table of the verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModerationTable {
    /// Who intervened.
    pub source: Source,
    /// In which text.
    pub side: Side,
    /// `all`, or one category.
    pub category: String,
    /// Pairs that could be asked: the four cells together.
    pub pairs: u64,
    /// It happened at both arms.
    pub both: u64,
    /// It happened at the baseline alone.
    pub only_baseline: u64,
    /// It happened at the candidate alone.
    pub only_candidate: u64,
    /// It happened at neither.
    pub neither: u64,
    /// p-value of "not more often at the candidate", valid at every look and adjusted for all questions; absent where both
    /// arms had the same text.
    #[serde(default)]
    pub p_more: Option<f64>,
    /// The same of "not less often at the candidate".
    #[serde(default)]
    pub p_fewer: Option<f64>,
    /// Guardrail that judges this table with a margin; absent where the table only describes.
    #[serde(default)]
    pub guardrail: Option<String>,
}

/// All tables, where a guard looked at the answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Moderation {
    /// By source, side and category.
    pub tables: Vec<ModerationTable>,
    /// Questions that the p-values are adjusted for: two for each table of answers.
    pub questions: u64,
    /// A p-value of at most this is worth a second look.
    pub alpha: f64,
    /// Categories that were met and have no table of their own.
    pub categories_left_out: u64,
}

/// The tables with what they say; `None` where no guard looked.
pub(crate) fn judged(counts: &ModerationCounts, guardrails: &[Guardrail], policy: &Policy) -> Option<Moderation> {
    if counts.is_empty() {
        return None;
    }
    let (kept, left_out) = bounded(counts);
    let questions = 2 * kept.iter().filter(|counted| counted.side == Side::Response).count() as u64;
    let tables = kept.into_iter().map(|counted| table(counted, questions, guardrails)).collect();
    Some(Moderation { tables, questions, alpha: policy.levels.alpha_nogo, categories_left_out: left_out })
}

/// Evidence of several files may bring more categories together than are told apart: those with the most events stay. How
/// often something happened says nothing about which arm has more of it, so that the choice does not bias the questions.
fn bounded(counts: &ModerationCounts) -> (Vec<&Counted>, u64) {
    let events = |name: &str| -> u64 {
        let of_name = counts.tables.iter().filter(|counted| counted.category == name);
        of_name.map(|counted| counted.table.pairs().saturating_sub(counted.table.both_good)).sum()
    };
    let mut names: Vec<(&str, u64)> = Vec::new();
    for counted in counts.tables.iter().filter(|counted| counted.category != ALL) {
        if !names.iter().any(|(name, _)| *name == counted.category) {
            names.push((&counted.category, events(&counted.category)));
        }
    }
    names.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let dropped = names.split_off(names.len().min(CATEGORIES_MAX));
    let kept = |counted: &&Counted| !dropped.iter().any(|(name, _)| *name == counted.category);
    (counts.tables.iter().filter(kept).collect(), counts.left_out.saturating_add(dropped.len() as u64))
}

fn table(counted: &Counted, questions: u64, guardrails: &[Guardrail]) -> ModerationTable {
    let cells = counted.table;
    let asked = counted.side == Side::Response;
    let p = |worse: u64| asked.then(|| p_value(worse, cells.discordant(), questions));
    ModerationTable {
        source: counted.source,
        side: counted.side,
        category: counted.category.clone(),
        pairs: cells.pairs(),
        both: cells.both_bad,
        only_baseline: cells.only_baseline_bad,
        only_candidate: cells.only_candidate_bad,
        neither: cells.both_good,
        p_more: p(cells.only_candidate_bad),
        p_fewer: p(cells.only_baseline_bad),
        guardrail: guardrail(counted).filter(|name| asked && is_judged(guardrails, name)).map(str::to_owned),
    }
}

/// The guardrail that has a margin for this table.
fn guardrail(counted: &Counted) -> Option<&'static str> {
    (counted.category == ALL).then_some(match counted.source {
        Source::ProviderBlock => "blocked",
        Source::Guard => "guard_flags",
        Source::Refusal => "refusals",
    })
}

fn is_judged(guardrails: &[Guardrail], name: &str) -> bool {
    guardrails.iter().any(|guardrail| guardrail.metric == name && guardrail.segment == words::ALL)
}

/// One over the e-value is a p-value at every look (Ville's inequality).
fn p_value(worse: u64, discordant_pairs: u64, questions: u64) -> f64 {
    let log_e = discordant::log_e_value(worse, discordant_pairs).unwrap_or(f64::NEG_INFINITY);
    ((questions as f64).ln() - log_e).exp().min(1.0)
}

#[cfg(test)]
mod tests;
