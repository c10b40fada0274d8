//! Who intervened, and whether the guard could see: tables of what happened at both arms, at one, at neither.

use judge::verdict::{GuardArm, GuardHealth, Moderation, ModerationTable, Side, Source, Verdict};
use serde::Serialize;

use super::names;
use crate::format;

/// The section; absent where no guard looked at anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ModerationView {
    /// Tables, one a source and side.
    pub(crate) groups: Vec<ModerationGroup>,
    /// How to read the last column.
    pub(crate) notes: Vec<String>,
    /// What the guard looked at.
    pub(crate) guard: Option<GuardView>,
}

/// What one party did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ModerationGroup {
    /// Who intervened, in what.
    pub(crate) title: String,
    /// By category.
    pub(crate) rows: Vec<ModerationRow>,
    /// The row of everything, which is drawn as a square.
    pub(crate) whole: Option<ModerationRow>,
}

/// One 2x2 table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ModerationRow {
    /// Category, in words.
    pub(crate) label: String,
    /// A guardrail has a margin for it.
    pub(crate) is_judged: bool,
    /// It happened at both arms.
    pub(crate) both: String,
    /// At the baseline alone.
    pub(crate) only_baseline: String,
    /// At the candidate alone.
    pub(crate) only_candidate: String,
    /// At neither.
    pub(crate) neither: String,
    /// What follows.
    pub(crate) says: String,
    /// Worth a look.
    pub(crate) is_flagged: bool,
}

/// The guard's own health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct GuardView {
    /// Whether it saw both answers of the pairs.
    pub(crate) summary: String,
    /// Figures of both arms.
    pub(crate) rows: Vec<GuardRow>,
}

/// One figure of both arms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct GuardRow {
    /// What is counted.
    pub(crate) label: String,
    /// At the baseline.
    pub(crate) baseline: String,
    /// Its share, where it is a part; may be empty.
    pub(crate) baseline_share: String,
    /// At the candidate.
    pub(crate) candidate: String,
    /// Its share.
    pub(crate) candidate_share: String,
}

pub(super) fn moderation(verdict: &Verdict) -> Option<ModerationView> {
    let guard = verdict.instrument.guard.as_ref();
    let tables = verdict.moderation.as_ref();
    if guard.is_none() && tables.is_none() {
        return None;
    }
    Some(ModerationView {
        groups: tables.map(groups).unwrap_or_default(),
        notes: tables.map(notes).unwrap_or_default(),
        guard: guard.map(health),
    })
}

fn groups(moderation: &Moderation) -> Vec<ModerationGroup> {
    let mut groups: Vec<ModerationGroup> = Vec::new();
    for table in &moderation.tables {
        let title = match (table.source, table.side) {
            (Source::ProviderBlock, _) => "Blocked by the provider",
            (Source::Refusal, _) => "Refused by the model",
            (Source::Guard, Side::Response) => "Answers flagged by the guard",
            (Source::Guard, Side::Request) => "Requests flagged by the guard",
        };
        let row = row(table, moderation.alpha);
        let whole = (table.category == "all").then(|| row.clone());
        match groups.iter_mut().find(|group| group.title == title) {
            Some(group) => {
                group.rows.push(row);
                group.whole = group.whole.take().or(whole);
            }
            None => groups.push(ModerationGroup { title: title.to_owned(), rows: vec![row], whole }),
        }
    }
    groups
}

fn row(table: &ModerationTable, alpha: f64) -> ModerationRow {
    let proven = |p: Option<f64>| p.filter(|p| *p <= alpha);
    let (says, is_flagged) = match (proven(table.p_more), proven(table.p_fewer)) {
        (Some(p), _) => (format!("more at the candidate, {}", p_said(p)), true),
        (None, Some(p)) => (format!("fewer at the candidate, {}", p_said(p)), true),
        (None, None) if table.p_more.is_none() => ("the same text for both".to_owned(), false),
        (None, None) => ("no difference shown".to_owned(), false),
    };
    ModerationRow {
        label: if table.category == "all" { "Everything".to_owned() } else { names::reason(&table.category) },
        is_judged: table.guardrail.is_some(),
        both: format::count(table.both),
        only_baseline: format::count(table.only_baseline),
        only_candidate: format::count(table.only_candidate),
        neither: format::count(table.neither),
        says,
        is_flagged,
    }
}

fn p_said(p: f64) -> String {
    let said = format::p_value(p);
    if said.starts_with(|first: char| first.is_ascii_digit()) { format!("p = {said}") } else { format!("p {said}") }
}

fn notes(moderation: &Moderation) -> Vec<String> {
    let mut notes = vec![format!(
        "A row of answers is a test of its own in both directions (McNemar's, as an e-value, so that it holds however often \
         one looks); p is adjusted for all {} questions, and at most {} is marked. Only rows with “guardrail” decide, by their \
         margin.",
        format::count(moderation.questions),
        format::p_value(moderation.alpha).trim_end_matches('0')
    )];
    if moderation.tables.iter().any(|table| table.side == Side::Request) {
        notes.push(
            "Requests are the same text for both arms: what differs there is the guard's own wavering, and says how much of a \
             difference between answers may be just that."
                .to_owned(),
        );
    }
    if moderation.categories_left_out > 0 {
        let left_out = format::count(moderation.categories_left_out);
        notes.push(format!("{left_out} rarer categories have no row of their own; “Everything” holds them."));
    }
    notes
}

fn health(health: &GuardHealth) -> GuardView {
    let alone = |count: u64, arm: &str| format!("at the {arm}'s alone in {}", format::count(count));
    let summary = if health.pairs == 0 {
        "It looked at no pair of answers.".to_owned()
    } else {
        let both = health.pairs.saturating_sub(health.pairs_only_baseline).saturating_sub(health.pairs_only_candidate);
        format!(
            "Of {} pairs of answers it looked at both in {}, {}, {}.",
            format::count(health.pairs),
            format::count(both),
            alone(health.pairs_only_baseline, "baseline"),
            alone(health.pairs_only_candidate, "candidate")
        )
    };
    GuardView { summary, rows: figures(&health.baseline, &health.candidate) }
}

fn figures(baseline: &GuardArm, candidate: &GuardArm) -> Vec<GuardRow> {
    let part = |label: &str, of: &dyn Fn(&GuardArm) -> (u64, u64)| {
        let cell = |arm: &GuardArm| {
            let (part, whole) = of(arm);
            (format::count(part), format::share_of(part, whole))
        };
        let ((baseline, baseline_share), (candidate, candidate_share)) = (cell(baseline), cell(candidate));
        GuardRow { label: label.to_owned(), baseline, baseline_share, candidate, candidate_share }
    };
    let mut rows = vec![
        GuardRow {
            label: "Exchanges to be judged".to_owned(),
            baseline: format::count(baseline.exchanges),
            baseline_share: String::new(),
            candidate: format::count(candidate.exchanges),
            candidate_share: String::new(),
        },
        part("Answers judged by all back ends", &|arm| (arm.judged, arm.exchanges)),
        part("Without a verdict of some back end", &|arm| (arm.failed, arm.exchanges)),
    ];
    let mut failures: Vec<&str> = Vec::new();
    for failure in baseline.failures.iter().chain(&candidate.failures) {
        if !failures.contains(&failure.name.as_str()) {
            failures.push(&failure.name);
        }
    }
    for name in failures {
        let count = |arm: &GuardArm| {
            arm.failures.iter().find(|failure| failure.name == name).map_or(0, |failure| failure.count)
        };
        rows.push(part(&format!("… {}", name.replace(':', ": ")), &|arm| (count(arm), arm.exchanges)));
    }
    if baseline.requests > 0 || candidate.requests > 0 {
        rows.push(part("Requests flagged, of those judged", &|arm| (arm.requests_flagged, arm.requests)));
    }
    if baseline.served > 0 || candidate.served > 0 {
        rows.push(part("Served outside of pairs and not looked at", &|arm| (arm.served_unseen, arm.served)));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{fixture, guarded};

    #[test]
    fn without_a_guard_there_is_no_section() {
        assert_eq!(moderation(&fixture("go")), None);
    }

    #[test]
    fn what_is_proven_is_flagged_and_what_decides_is_named() {
        let view = moderation(&guarded()).unwrap();
        let titles: Vec<&str> = view.groups.iter().map(|group| group.title.as_str()).collect();
        assert_eq!(
            titles,
            [
                "Blocked by the provider",
                "Refused by the model",
                "Answers flagged by the guard",
                "Requests flagged by the guard"
            ]
        );
        let answers = &view.groups[2].rows;
        assert!(answers[0].is_judged && answers[0].is_flagged, "{answers:?}");
        assert_eq!(answers[0].says, "more at the candidate, p below 0.0001");
        assert_eq!((answers[1].label.as_str(), answers[1].is_judged), ("self harm", false));
        assert_eq!(view.groups[3].rows[0].says, "the same text for both");
        assert_eq!(view.groups[1].rows[0].says, "fewer at the candidate, p = 0.002");
        assert!(view.notes[0].contains("all 8 questions") && view.notes[0].contains("at most 0.01 is marked"));
        assert!(view.notes[2].starts_with("3 rarer categories"));
    }

    #[test]
    fn the_guard_s_health_names_its_back_ends() {
        let guard = moderation(&guarded()).unwrap().guard.unwrap();
        assert!(guard.summary.contains("looked at both in 5980, at the baseline's alone in 15"), "{}", guard.summary);
        let failed = guard.rows.iter().find(|row| row.label == "… llama: timeout").unwrap();
        assert_eq!((failed.baseline.as_str(), failed.candidate.as_str()), ("0", "110"));
        assert_eq!(failed.candidate_share, "1.83%");
    }
}
