//! The compatibility matrix: what becomes of each feature of a request at a provider, one row a feature.
//!
//! The table *is* the rewrite: [`super::draft`] walks a request's members and does what their rows say, so what is
//! documented, what preflight prints and what happens cannot differ. A member without a row passes untouched: a
//! gateway must not stand in the way of what providers add next week.

use super::draft::{Draft, Scene};
use super::{Loss, Remedy, Target};
use crate::endpoint::Endpoint;
use crate::request::Request;
use serde_json::value::RawValue;

/// One feature of requests, and what becomes of it.
pub struct Row {
    /// Name of the feature, for people and for [`Unfit`](super::Unfit).
    pub feature: &'static str,
    /// Member of the request that it is about.
    pub member: &'static str,
    /// What becomes of it.
    pub treatment: Treatment,
    /// Why, in one sentence.
    pub why: &'static str,
    /// What is lost; `None` where nothing is, or where nothing is sent.
    pub loss: Option<Loss>,
    /// What helps where the request stays on the baseline.
    pub remedy: Remedy,
    /// Whether the provider says no in a clear error, which its own client may as well see: where no other provider
    /// could take the request, it is sent all the same.
    pub(super) refusal: bool,
    /// Whether a member's value has the feature.
    pub(super) when: When,
    /// What else is to be done; runs after the treatment.
    pub(super) step: Step,
    /// Whether the rewrite does it when all members are known, without asking this row.
    pub(super) settled: bool,
    /// Numbers of this request; never content.
    pub(super) detail: Detail,
}

/// Whether a value has a row's feature.
pub(super) type When = fn(&Scene<'_>, &RawValue) -> bool;
/// A change to the request.
pub(super) type Step = fn(&mut Draft<'_>, &RawValue);
/// What is to be said of a value that has a row's feature.
pub(super) type Detail = fn(&Scene<'_>, &RawValue) -> Option<String>;

/// What becomes of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// It passes as it is.
    Same,
    /// It passes as it is, and something may be lost. Only looked at in predictions, so it may take its time.
    Noted,
    /// Its member gets this name.
    Renamed(&'static str),
    /// It is left out, under this name in the warning header `x-weighbridge-dropped`.
    Dropped(&'static str),
    /// It is said in the provider's own way.
    Rewritten,
    /// The provider cannot do it: the request stays on the baseline.
    Baseline,
}

impl Treatment {
    /// The name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Noted => "passes, with a loss",
            Self::Renamed(_) => "renamed",
            Self::Dropped(_) => "dropped",
            Self::Rewritten => "rewritten",
            Self::Baseline => "baseline",
        }
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Row")
            .field("feature", &self.feature)
            .field("member", &self.member)
            .field("treatment", &self.treatment)
            .finish_non_exhaustive()
    }
}

impl Row {
    const fn new(member: &'static str, feature: &'static str, treatment: Treatment, why: &'static str) -> Self {
        Self {
            feature,
            member,
            treatment,
            why,
            loss: None,
            remedy: Remedy::StayOnBaseline,
            refusal: false,
            when: always,
            step: nothing,
            settled: false,
            detail: no_detail,
        }
    }

    pub(super) const fn same(member: &'static str, feature: &'static str, why: &'static str) -> Self {
        Self::new(member, feature, Treatment::Same, why)
    }

    pub(super) const fn renamed(member: &'static str, to: &'static str, why: &'static str) -> Self {
        Self::new(member, member, Treatment::Renamed(to), why)
    }

    pub(super) const fn dropped(member: &'static str, why: &'static str) -> Self {
        Self { loss: Some(Loss::Behaviour), ..Self::new(member, member, Treatment::Dropped(member), why) }
    }

    pub(super) const fn noted(member: &'static str, feature: &'static str, loss: Loss, why: &'static str) -> Self {
        Self { loss: Some(loss), ..Self::new(member, feature, Treatment::Noted, why) }
    }

    pub(super) const fn rewritten(member: &'static str, feature: &'static str, step: Step, why: &'static str) -> Self {
        Self { step, ..Self::new(member, feature, Treatment::Rewritten, why) }
    }

    /// Said in another way when all members are known.
    pub(super) const fn settled(member: &'static str, feature: &'static str, why: &'static str) -> Self {
        Self { settled: true, ..Self::new(member, feature, Treatment::Rewritten, why) }
    }

    pub(super) const fn baseline(member: &'static str, feature: &'static str, why: &'static str) -> Self {
        Self::new(member, feature, Treatment::Baseline, why)
    }

    /// The provider would refuse the value, and so would most others.
    pub(super) const fn refused(member: &'static str, feature: &'static str, when: When, why: &'static str) -> Self {
        Self { refusal: true, remedy: Remedy::FixRequest, when, ..Self::baseline(member, feature, why) }
    }

    pub(super) const fn loses(self, loss: Loss) -> Self {
        Self { loss: Some(loss), ..self }
    }

    pub(super) const fn remedy(self, remedy: Remedy) -> Self {
        Self { remedy, ..self }
    }

    pub(super) const fn detail(self, detail: Detail) -> Self {
        Self { detail, ..self }
    }

    /// Whether it matters to the rewrite, and not to predictions alone.
    pub(super) const fn acts(&self) -> bool {
        !self.settled && !matches!(self.treatment, Treatment::Same | Treatment::Noted)
    }

    /// Whether it keeps a request that has its feature from this target.
    pub(super) const fn keeps_from(&self, target: &Target<'_>) -> bool {
        matches!(self.treatment, Treatment::Baseline) && !(self.refusal && target.last_resort)
    }

    pub(super) const fn named(self, feature: &'static str) -> Self {
        Self { feature, ..self }
    }

    pub(super) const fn when(self, when: When) -> Self {
        Self { when, ..self }
    }

    pub(super) const fn then(self, step: Step) -> Self {
        Self { step, ..self }
    }
}

const fn always(_scene: &Scene<'_>, _value: &RawValue) -> bool {
    true
}

const fn nothing(_draft: &mut Draft<'_>, _value: &RawValue) {}

const fn no_detail(_scene: &Scene<'_>, _value: &RawValue) -> Option<String> {
    None
}

/// What stands for a whole endpoint that a provider does not have.
static ABSENT: [Row; 5] = [
    Row::baseline("", "chat", "the provider has no such endpoint"),
    Row::baseline("", "completions", "the provider has no such endpoint"),
    Row::baseline("", "embeddings", "the provider has no such endpoint"),
    Row::baseline("", "responses", "the provider has no such endpoint"),
    Row::baseline("", "moderations", "the provider has no such endpoint"),
];

/// The row of an endpoint that a provider does not have.
pub(super) fn absent(endpoint: Endpoint) -> Option<&'static Row> {
    ABSENT.iter().find(|row| row.feature == endpoint.name())
}

/// All rows that stand for endpoints.
pub(super) fn absences() -> &'static [Row] {
    &ABSENT
}

/// The rows of a member in a table that is ordered by member.
pub(super) fn rows_of<'t>(table: &'t [Row], member: &str) -> &'t [Row] {
    let start = table.partition_point(|row| before(row.member, member));
    let rest = table.get(start..).unwrap_or_default();
    let length = rest.iter().take_while(|row| row.member == member).count();
    rest.get(..length).unwrap_or_default()
}

/// Order of a table: by length first, because comparing numbers decides most comparisons.
fn before(a: &str, b: &str) -> bool {
    (a.len(), a) < (b.len(), b)
}

/// Members that count and that the table knows, each with its rows and its value: a member that is null asks for nothing,
/// and the last double counts.
///
/// Doubles are looked for only of members with rows. Those have few names, and of each name the gaps between doubles add up
/// to one walk, so a request of very many members costs no square of their number.
fn counting<'r>(
    table: &'static [Row],
    request: &'r Request<'_>,
) -> impl Iterator<Item = (&'static [Row], &'r RawValue)> {
    let counts = |index: usize, name: &str| !request.object.members().skip(index + 1).any(|(later, _)| later == name);
    request.object.members().enumerate().filter_map(move |(index, (name, value))| {
        let rows = rows_of(table, name);
        (!rows.is_empty() && value.get() != "null" && counts(index, name)).then_some((rows, value))
    })
}

/// Rows whose feature a request has, each with the value that has it, in the order of the request's members.
pub(super) fn applying<'r>(
    table: &'static [Row],
    scene: &'r Scene<'r>,
) -> impl Iterator<Item = (&'static Row, &'r RawValue)> {
    applying_of(table, scene, |_| true)
}

/// The same of some rows only; the others are not looked at.
pub(super) fn applying_of<'r>(
    table: &'static [Row],
    scene: &'r Scene<'r>,
    wanted: impl Fn(&Row) -> bool,
) -> impl Iterator<Item = (&'static Row, &'r RawValue)> {
    counting(table, scene.request)
        .flat_map(|(rows, value)| rows.iter().map(move |row| (row, value)))
        .filter(move |(row, value)| wanted(row) && (row.when)(scene, value))
}

/// The table as Markdown, for the documentation.
#[must_use]
pub fn to_markdown(table: &[Row]) -> String {
    let mut rows: Vec<&Row> = table.iter().collect();
    rows.sort_by_key(|row| row.member);
    let mut out = String::from("| member | feature | treatment | why |\n|---|---|---|---|\n");
    for row in rows {
        let detail = match row.treatment {
            Treatment::Renamed(to) => format!("renamed to `{to}`"),
            Treatment::Dropped(name) => format!("dropped, warned as `{name}`"),
            Treatment::Baseline => "stays on the baseline".to_owned(),
            other => other.name().to_owned(),
        };
        out.push_str(&format!("| `{}` | {} | {detail} | {} |\n", row.member, row.feature, row.why));
    }
    out
}

/// Whether a table is in the order that [`rows_of`] needs; a test of each table asks this.
#[cfg(test)]
pub(super) fn is_ordered(table: &[Row]) -> bool {
    table.is_sorted_by(|a, b| a.member == b.member || before(a.member, b.member))
}
