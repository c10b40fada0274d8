//! The compatibility matrix: what becomes of each feature of a request at a provider, one row a feature.
//!
//! The table *is* the rewrite: [`super::draft`] walks a request's members and does what their rows say, so what is
//! documented, what preflight prints and what happens cannot differ. A member without a row passes untouched: a
//! gateway must not stand in the way of what providers add next week.

use super::draft::{Draft, Scene};
use super::{Target, Unfit};
use crate::request::Request;
use serde_json::value::RawValue;

/// One feature of requests, and what becomes of it.
pub struct Row {
    /// Name of the feature, for people and for [`Unfit`].
    pub feature: &'static str,
    /// Member of the request that it is about.
    pub member: &'static str,
    /// What becomes of it.
    pub treatment: Treatment,
    /// Why, in one sentence.
    pub why: &'static str,
    /// Whether a member's value has the feature.
    pub(super) when: When,
    /// What else is to be done; runs after the treatment.
    pub(super) step: Step,
}

/// Whether a value has a row's feature.
pub(super) type When = fn(&Scene<'_>, &RawValue) -> bool;
/// A change to the request.
pub(super) type Step = fn(&mut Draft<'_>, &RawValue) -> Result<(), Unfit>;

/// What becomes of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// It passes as it is.
    Same,
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
        Self { feature, member, treatment, why, when: always, step: nothing }
    }

    pub(super) const fn same(member: &'static str, feature: &'static str, why: &'static str) -> Self {
        Self::new(member, feature, Treatment::Same, why)
    }

    pub(super) const fn renamed(member: &'static str, to: &'static str, why: &'static str) -> Self {
        Self::new(member, member, Treatment::Renamed(to), why)
    }

    pub(super) const fn dropped(member: &'static str, why: &'static str) -> Self {
        Self::new(member, member, Treatment::Dropped(member), why)
    }

    pub(super) const fn rewritten(member: &'static str, feature: &'static str, step: Step, why: &'static str) -> Self {
        Self { step, ..Self::new(member, feature, Treatment::Rewritten, why) }
    }

    pub(super) const fn baseline(member: &'static str, feature: &'static str, why: &'static str) -> Self {
        Self::new(member, feature, Treatment::Baseline, why)
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

#[expect(clippy::unnecessary_wraps, reason = "stands for a step that can fail")]
const fn nothing(_draft: &mut Draft<'_>, _value: &RawValue) -> Result<(), Unfit> {
    Ok(())
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

/// Rows whose feature a request has, in the order of its members: what preflight says about it.
#[must_use]
pub fn applying(table: &'static [Row], request: &Request<'_>, target: &Target<'_>) -> Vec<&'static Row> {
    let scene = Scene::new(request, target);
    let present = request.object.members().filter(|(_, value)| value.get() != "null");
    present
        .flat_map(|(name, value)| rows_of(table, name).iter().map(move |row| (row, value)))
        .filter(|(row, value)| (row.when)(&scene, value))
        .map(|(row, _)| row)
        .collect()
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
