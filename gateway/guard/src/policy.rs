//! What is done about what was found.
//!
//! A policy names the back ends of each phase, the bar of each category and what happens at it. [`decide`] puts the
//! answers of all back ends about one text together. It never forgets a failure: a back end that has not answered is in
//! the decision whether the policy lets the text pass (`open`) or not (`closed`).
//!
//! Masking needs to know where something stands. A finding without a place is blocked where others are masked, as Higress
//! does it: leaving it in would be to pass what the owner wants out.

use crate::names;
use crate::verdict::{Category, Failure, Finding, Level, Phase, Verdict};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// Whether a policy acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Everything passes; what would have been done is on record.
    Observe,
    /// Violations are blocked or masked.
    #[default]
    Enforce,
}

/// What becomes of a text that a back end has not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// It passes.
    #[default]
    Open,
    /// It is blocked.
    Closed,
}

/// Which messages of a request are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The last message of the user.
    LastUser,
    /// Every message of the user.
    #[default]
    User,
    /// Every message, instructions, results and arguments of tools included.
    All,
}

/// Where a category begins to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bar {
    /// Hardly.
    Low,
    /// In part.
    Medium,
    /// Surely.
    High,
    /// Only what a back end calls more than that.
    Max,
    /// Never.
    Off,
}

impl Bar {
    /// Whether a level reaches it.
    #[must_use]
    pub const fn is_reached(self, level: Level) -> bool {
        let bar = match self {
            Self::Low => Level::Low,
            Self::Medium => Level::Medium,
            Self::High => Level::High,
            Self::Max => Level::Max,
            Self::Off => return false,
        };
        level as u8 >= bar as u8
    }
}

/// What happens at a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// The configured sentence takes the text's place.
    #[default]
    Block,
    /// What was found is taken out; where its place is not known, the text is blocked.
    Mask,
}

/// A value for each category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByCategory<T> {
    /// For those that are not named.
    pub default: T,
    /// For those that are.
    pub named: BTreeMap<Category, T>,
}

impl<T: Copy> ByCategory<T> {
    /// The same for all.
    pub const fn all(default: T) -> Self {
        Self { default, named: BTreeMap::new() }
    }

    /// The value of a category.
    pub fn of(&self, category: Category) -> T {
        self.named.get(&category).copied().unwrap_or(self.default)
    }
}

/// How streamed answers are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Text goes out as soon as the window that holds it was judged.
    Window {
        /// Characters that are new in each window.
        characters: usize,
        /// Characters that stay back until the next window was judged, too: nothing shorter can slip through between two.
        overlap: usize,
    },
    /// Text goes out at once and is judged before the end mark: a violation can only be told, not prevented.
    End,
    /// Nothing goes out before everything was judged.
    Full,
}

/// The form of the answer to a violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum AnswerForm {
    /// A completion that says the configured sentence.
    #[default]
    Completion,
    /// The same with a JSON text, as newer releases of Higress have it.
    Json,
    /// Status 400 with code `content_filter`; in a stream that has begun, an error event.
    Error,
}

/// How a cut answer says that it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// As Higress does.
    #[default]
    Stop,
    /// As OpenAI does.
    ContentFilter,
}

impl Finish {
    /// The word in chat's answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::ContentFilter => "content_filter",
        }
    }
}

/// One policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: Arc<str>,
    /// Whether it acts.
    pub mode: Mode,
    /// Back ends of requests, in order; none: requests are not judged.
    pub request: Vec<Arc<str>>,
    /// Back ends of answers, in order; none: answers are not judged.
    pub response: Vec<Arc<str>>,
    /// Bars.
    pub bars: ByCategory<Bar>,
    /// What happens at them.
    pub deeds: ByCategory<Deed>,
    /// What becomes of what was not judged.
    pub on_failure: OnFailure,
    /// Which messages of a request.
    pub check: Check,
    /// Most texts of one request that are judged.
    pub texts_max: usize,
    /// Most characters of all of them together.
    pub characters_max: usize,
    /// How streams are judged.
    pub stream: Stream,
    /// The form of the answer to a violation.
    pub answer: AnswerForm,
    /// The sentence in it.
    pub sentence: String,
    /// How it ends.
    pub finish: Finish,
}

impl Policy {
    /// Whether a text that was not judged is blocked.
    #[must_use]
    pub fn blocks_failures(&self) -> bool {
        self.on_failure == OnFailure::Closed && self.mode == Mode::Enforce
    }

    /// A decision over what no back end could be asked about; `why` is the failure's name.
    #[must_use]
    pub fn unjudged(&self, phase: Phase, why: &'static str) -> Decision {
        Decision {
            action: if self.blocks_failures() { Action::Blocked } else { Action::None },
            failed: self.backends(phase).iter().map(|backend| (Arc::clone(backend), why)).collect(),
            ..Decision::default()
        }
    }

    /// Back ends of a phase.
    #[must_use]
    pub fn backends(&self, phase: Phase) -> &[Arc<str>] {
        match phase {
            Phase::Request => &self.request,
            Phase::Response => &self.response,
        }
    }
}

/// What was done. Later ones outweigh earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Action {
    /// Nothing had to be done.
    #[default]
    None,
    /// Something reached its bar, but the policy only observes.
    Flagged,
    /// It was taken out.
    Masked,
    /// The text was replaced.
    Blocked,
}

impl Action {
    /// Name in records and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Flagged => "flagged",
            Self::Masked => "masked",
            Self::Blocked => "blocked",
        }
    }
}

/// A part of a text that is taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// Bytes of the text, on character boundaries.
    pub span: Range<usize>,
    /// What stands there instead.
    pub instead: String,
}

/// What is done about one text, or several put together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// What is done.
    pub action: Action,
    /// The worst level that anybody named, below a bar or not.
    pub level: Level,
    /// Categories at or above their bars with the worst level of each.
    pub categories: BTreeMap<Category, Level>,
    /// Back ends that have not judged.
    pub failed: BTreeSet<(Arc<str>, &'static str)>,
    /// What is taken out, in order, none overlapping another; empty unless the action is [`Action::Masked`].
    pub masks: Vec<Mask>,
}

impl Decision {
    /// Adds what was decided of another text of the same message or answer; masks belong to one text and are left alone.
    pub fn merge(&mut self, other: &Self) {
        self.action = self.action.max(other.action);
        self.level = self.level.max(other.level);
        for (category, level) in &other.categories {
            let worst = self.categories.entry(*category).or_default();
            *worst = (*worst).max(*level);
        }
        self.failed.extend(other.failed.iter().cloned());
    }

    /// Whether the text must not go on.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.action == Action::Blocked
    }
}

/// What one back end said.
pub type Judged = (Arc<str>, Result<Verdict, Failure>);

/// Puts the answers about one text together. `end` is where the text ends for certain: findings that reach beyond it are
/// left for a later look, because what follows may turn them into something else. `begin` is where it begins to be new:
/// findings that end before it have been decided.
#[must_use]
pub fn decide(policy: &Policy, results: &[Judged], text: &str, begin: usize, end: usize) -> Decision {
    let mut decision = Decision::default();
    for (backend, result) in results {
        match result {
            Ok(verdict) => {
                for finding in &verdict.findings {
                    take(policy, &mut decision, finding, text, begin..end);
                }
            }
            Err(failure) => {
                decision.failed.insert((Arc::clone(backend), failure.name()));
                if policy.blocks_failures() {
                    decision.action = Action::Blocked;
                }
            }
        }
    }
    if decision.action == Action::Masked {
        decision.masks = joined(std::mem::take(&mut decision.masks));
    } else {
        decision.masks = Vec::new();
    }
    decision
}

/// What is decided of a request that has more than its policy has judged; `None` if it has not. It is blocked whatever
/// `on_failure` says: how long a request is lies in its sender's hand, and length must be no way round the guard.
#[must_use]
pub fn too_long(policy: &Policy, texts: &[&str]) -> Option<Decision> {
    let mut left = policy.characters_max;
    let fits = |text: &&str| {
        let count = text.chars().take(left.saturating_add(1)).count();
        let fits = count <= left;
        left = left.saturating_sub(count);
        fits
    };
    if texts.len() <= policy.texts_max && texts.iter().all(fits) {
        return None;
    }
    Some(Decision {
        action: if policy.mode == Mode::Enforce { Action::Blocked } else { Action::None },
        failed: policy.request.iter().map(|backend| (Arc::clone(backend), "too_long")).collect(),
        ..Decision::default()
    })
}

/// How much of a text can be decided now: up to `end`, or to where the first finding begins that reaches over it. What
/// follows may make that finding longer, or turn it into something else.
#[must_use]
pub fn settled(policy: &Policy, results: &[Judged], text: &str, begin: usize, end: usize) -> usize {
    if end >= text.len() {
        return text.len();
    }
    let findings = results.iter().filter_map(|(_, result)| result.as_ref().ok()).flat_map(|verdict| &verdict.findings);
    let reached = findings.filter(|finding| policy.bars.of(finding.category).is_reached(finding.level));
    let mut spans: Vec<&Range<usize>> =
        reached.flat_map(|finding| &finding.spans).filter(|span| is_place(text, span)).collect();
    spans.sort_by_key(|span| std::cmp::Reverse(span.end));
    // From the last one on: each that is left for later may leave the one before it, which it overlaps, for later, too.
    let mut border = end;
    let mut moved = true;
    while std::mem::take(&mut moved) {
        for span in &spans {
            if span.start < border && span.end > border {
                (border, moved) = (span.start, true);
            }
        }
    }
    border.max(begin)
}

fn take(policy: &Policy, decision: &mut Decision, finding: &Finding, text: &str, within: Range<usize>) {
    let spans = || finding.spans.iter().filter(|span| is_place(text, span));
    let placed = spans().next().is_some();
    let here = |span: &&Range<usize>| span.end > within.start && span.end <= within.end;
    if placed && !spans().any(|span| here(&span)) {
        return;
    }
    decision.level = decision.level.max(finding.level);
    if !policy.bars.of(finding.category).is_reached(finding.level) {
        return;
    }
    let worst = decision.categories.entry(finding.category).or_default();
    *worst = (*worst).max(finding.level);
    let action = match (policy.mode, policy.deeds.of(finding.category)) {
        (Mode::Observe, _) => Action::Flagged,
        (Mode::Enforce, Deed::Mask) if placed && finding.spans.iter().all(|span| is_place(text, span)) => {
            let instead = instead(finding);
            let masks = spans().filter(here).map(|span| Mask { span: span.clone(), instead: instead.clone() });
            decision.masks.extend(masks);
            Action::Masked
        }
        (Mode::Enforce, _) => Action::Blocked,
    };
    decision.action = decision.action.max(action);
}

fn is_place(text: &str, span: &Range<usize>) -> bool {
    span.start < span.end && text.is_char_boundary(span.start) && text.is_char_boundary(span.end)
}

/// What stands where something was taken out: its kind, by the back end's name for it if that is a plain one.
fn instead(finding: &Finding) -> String {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    let label =
        Some(finding.label.as_str()).filter(|label| (1..=32).contains(&label.len()) && label.bytes().all(plain));
    format!("[{}]", label.unwrap_or(names::category(finding.category)))
}

/// Masks in order; those that overlap become one, with the name of the first.
fn joined(mut masks: Vec<Mask>) -> Vec<Mask> {
    masks.sort_by_key(|mask| (mask.span.start, std::cmp::Reverse(mask.span.end)));
    let mut all: Vec<Mask> = Vec::with_capacity(masks.len());
    for mask in masks {
        match all.last_mut().filter(|last| mask.span.start < last.span.end) {
            Some(last) => last.span.end = last.span.end.max(mask.span.end),
            None => all.push(mask),
        }
    }
    all
}

/// A text with its masks in place.
#[must_use]
pub fn masked(text: &str, masks: &[Mask]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for mask in masks {
        out.push_str(text.get(from..mask.span.start).unwrap_or_default());
        out.push_str(&mask.instead);
        from = mask.span.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
pub(crate) mod tests;
