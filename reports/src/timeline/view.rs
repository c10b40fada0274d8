//! What the page shows: formatted strings only.

use gate::audit::{Entry, Evidence, What};
use serde::Serialize;

use super::decisions::{self, Decided};
use super::drawing::{self, Told};
use super::weights::{is_here, moves};
use super::{Chain, Story};
use crate::charts::story::{Shade, Sign, StoryChart};
use crate::format;
use crate::palette::Ink;
use crate::pictures::Heading;
use crate::states;

/// Characters of a hash that people compare.
const SHORT: usize = 12;

#[derive(Serialize)]
pub(super) struct Page {
    version: &'static str,
    migration: String,
    target: String,
    tone: &'static str,
    word: String,
    meaning: String,
    why: String,
    figures: Vec<Figure>,
    states: Vec<StateView>,
    has_looks: bool,
    lanes_left_out: usize,
    missing: Vec<String>,
    rows: Vec<Row>,
    left_out: String,
}

#[derive(Serialize)]
struct Figure {
    label: &'static str,
    value: String,
    detail: String,
}

#[derive(Serialize)]
struct StateView {
    name: &'static str,
    word: &'static str,
}

#[derive(Serialize)]
struct Row {
    line: String,
    when: String,
    until: String,
    who: String,
    what: &'static str,
    tone: &'static str,
    sign: &'static str,
    move_: String,
    why: String,
    verdict: &'static str,
    verdict_tone: &'static str,
    rests_on: String,
    link: Option<String>,
    target: Option<String>,
    is_out_of_order: bool,
}

pub(super) fn page(story: &Story<'_>, chart: &StoryChart) -> Page {
    let told = drawing::told(story);
    let (rows, left_out) = decisions::rows(&told.events);
    let (tone, word) = answer(story, &told);
    Page {
        version: env!("CARGO_PKG_VERSION"),
        migration: story.migration.to_owned(),
        target: told.course.target.clone(),
        tone,
        word,
        meaning: meaning(&told),
        why: told
            .events
            .iter()
            .rev()
            .find(|event| moves(event.entry.what))
            .map_or_else(String::new, |event| event.entry.why.clone()),
        figures: figures(story, &told),
        states: occurring(chart),
        has_looks: told.lanes.looks > 0,
        lanes_left_out: told.lanes.left_out,
        missing: missing(story, &told),
        rows: rows.iter().map(|row| view(story, &told, row)).collect(),
        left_out: if left_out == 0 { String::new() } else { format::count(left_out as u64) },
    }
}

/// What stands above the picture.
pub(super) fn heading(story: &Story<'_>) -> Heading {
    let told = drawing::told(story);
    let (tone, word) = answer(story, &told);
    let ink = match tone {
        "go" => Ink::Pass,
        "no-go" => Ink::Fail,
        _ => Ink::Regressed,
    };
    let origin = told.events.last().map_or_else(String::new, |event| event.entry.at.clone());
    Heading {
        ink,
        word,
        what: format!("{}: the candidate's weight over time", story.migration),
        sentence: meaning(&told),
        origin: format!("weighbridge {} · {origin}", env!("CARGO_PKG_VERSION")),
    }
}

/// Tone and word: where the weight is now, by what moved it last.
fn answer(story: &Story<'_>, told: &Told<'_>) -> (&'static str, String) {
    let last = told.events.iter().rev().find(|event| moves(event.entry.what)).map(|event| event.entry.what);
    let word = told.course.now().map_or_else(|| format::NOTHING.to_owned(), format::weight);
    let tone = match (story.chain, last) {
        (Chain::Broken { .. }, _) | (_, Some(What::Rollback)) => "no-go",
        (_, Some(What::Raise)) => "go",
        _ => "hold",
    };
    (tone, word)
}

fn count_of(told: &Told<'_>, what: What) -> usize {
    told.events.iter().filter(|event| event.entry.what == what).count()
}

fn meaning(told: &Told<'_>) -> String {
    let (raises, rollbacks) = (raises(told), count_of(told, What::Rollback));
    format!("{}, {}, over {}.", times(raises, "raise"), times(rollbacks, "rollback"), told.axis.length())
}

/// Raises that came about: one that failed is logged as well.
fn raises(told: &Told<'_>) -> usize {
    count_of(told, What::Raise).saturating_sub(told.course.undone)
}

fn times(count: usize, what: &str) -> String {
    format!("{} {what}{}", format::count(count as u64), if count == 1 { "" } else { "s" })
}

fn figures(story: &Story<'_>, told: &Told<'_>) -> Vec<Figure> {
    let count = |what| format::count(count_of(told, what) as u64);
    let alone = count_of(told, What::Stay) + count_of(told, What::DryRun);
    let mut figures = vec![Figure {
        label: "Decisions",
        value: format::count(told.events.len() as u64),
        detail: format!(
            "{} raised, {} lowered, {} rolled back, {} left alone",
            format::count(raises(told) as u64),
            count(What::Lower),
            count(What::Rollback),
            format::count(alone as u64)
        ),
    }];
    if count_of(told, What::Alarm) > 0 {
        let detail = slowest(told).map_or_else(
            || "no rollback followed".to_owned(),
            |us| format!("the weight was back after {} at most, in real time", format::micros(us as f64)),
        );
        figures.push(Figure { label: "Alarms", value: count(What::Alarm), detail });
    }
    if let Some((_, spent)) = told.lanes.extra_failures.last() {
        figures.push(Figure {
            label: "Extra failures",
            value: format::few(*spent),
            detail: "failed requests more than the baseline would have had, as the last look counts them".to_owned(),
        });
    }
    if let Some((_, (sum, currency))) = told.lanes.shadow.last() {
        figures.push(Figure {
            label: "Paid for copies",
            value: format::money_brief(sum, currency),
            detail: "what the shadow calls cost".to_owned(),
        });
    }
    figures.push(chain(story));
    figures
}

fn chain(story: &Story<'_>) -> Figure {
    let label = "The log";
    let lines = format::count(story.entries.len() as u64);
    match story.chain {
        Chain::Whole { head } => Figure {
            label,
            value: "whole".to_owned(),
            detail: format!("{lines} lines, each chained to the one before; head {}", short(head)),
        },
        Chain::Torn { head } => Figure {
            label,
            value: "cut off".to_owned(),
            detail: format!(
                "the last line was not written to its end; {lines} lines before it hold; head {}",
                short(head)
            ),
        },
        Chain::Broken { why } => {
            Figure { label, value: "broken".to_owned(), detail: format!("{why} What is shown is what stands before.") }
        }
    }
}

fn short(hash: &str) -> String {
    hash.chars().take(SHORT).collect()
}

/// The longest time from an alarm to the next rollback, microseconds; `None` where an alarm has none.
fn slowest(told: &Told<'_>) -> Option<i64> {
    let mut slowest = None;
    for (index, alarm) in told.events.iter().enumerate().filter(|(_, event)| event.entry.what == What::Alarm) {
        // A rollback may be logged in front of the alarm that it answers: both are of one instant.
        let after = told.events.iter().skip(index + 1).find(|event| event.entry.what == What::Rollback)?;
        slowest = slowest.max(Some(after.at_us.saturating_sub(alarm.at_us)));
    }
    slowest
}

/// Signs of the states that occur.
fn occurring(chart: &StoryChart) -> Vec<StateView> {
    let occurs = |state: &judge::verdict::State| {
        let mut cells = chart.lanes.iter().flat_map(|lane| &lane.cells);
        cells.any(|cell| cell.shade == Shade::State(*state))
    };
    let view = |state| StateView { name: states::name(state), word: states::word(state) };
    states::ALL.into_iter().filter(occurs).map(view).collect()
}

/// What the page cannot show, and why.
fn missing(story: &Story<'_>, told: &Told<'_>) -> Vec<String> {
    let mut missing = Vec::new();
    if story.clock_speed > 1 {
        missing.push(format!(
            "Time was compressed: one real second stands for {} of this story. Log, records and verdicts keep real instants.",
            format::span(0, i64::from(story.clock_speed).saturating_mul(1_000_000))
        ));
    }
    missing.extend(told.course.gaps.iter().cloned());
    let untold = told.course.gap_count - told.course.gaps.len();
    if untold > 0 {
        missing.push(format!("{} more changes that nobody logged.", format::count(untold as u64)));
    }
    let disordered = told.events.iter().filter(|event| event.is_out_of_order).count();
    if disordered > 0 {
        missing.push(format!(
            "Lines whose instant lies before that of a line in front of them: {}. A clock was set back; they are shown in the order of the log.",
            format::count(disordered as u64)
        ));
    }
    if told.lanes.looks == 0 {
        missing.push("No verdicts of the looks were given: what the evidence said in between is not shown.".to_owned());
    }
    for (from, to) in told.lanes.gaps.iter().take(5) {
        missing.push(format!("Nobody looked from {} to {}.", told.axis.said(*from), told.axis.said(*to)));
    }
    let elsewhere = told.events.iter().filter(|event| !is_here(event.entry, &told.course.target)).count();
    if elsewhere > 0 {
        missing.push(format!(
            "{} decisions are about other targets: they are in the table, not in the picture.",
            format::count(elsewhere as u64)
        ));
    }
    let others = story.entries.len() - told.events.len();
    if others > 0 {
        missing.push(format!("{} lines of the log are about other migrations.", format::count(others as u64)));
    }
    missing
}

fn view(story: &Story<'_>, told: &Told<'_>, row: &Decided<'_>) -> Row {
    let Decided { first, last, times } = *row;
    let entry = last.entry;
    let (what, tone) = word(entry.what);
    let evidence = entry.evidence.as_ref();
    let link = evidence.and_then(|evidence| {
        let look = story.looks.iter().find(|look| look.is_what_an_entry_rests_on(evidence))?;
        look.folder.as_ref().filter(|folder| is_plain(folder)).map(|folder| format!("{folder}/index.html"))
    });
    Row {
        line: format::count(first.n as u64),
        when: told.axis.said(first.at_us),
        until: if times == 1 {
            String::new()
        } else {
            format!("{} times, until {}", format::count(times as u64), told.axis.said(last.at_us))
        },
        who: who(entry),
        what,
        tone,
        sign: drawing::sign(entry.what).map_or("", Sign::character),
        move_: moved(entry),
        why: entry.why.clone(),
        verdict: evidence.map_or("", |evidence| evidence.verdict.word()),
        verdict_tone: evidence.map_or("", |evidence| drawing::tone(evidence.verdict)),
        rests_on: evidence.map_or_else(String::new, rests_on),
        link,
        target: (!is_here(entry, &told.course.target)).then(|| entry.target.clone()),
        is_out_of_order: first.is_out_of_order || last.is_out_of_order,
    }
}

/// A folder's name that needs no escaping in an address.
fn is_plain(folder: &str) -> bool {
    folder.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c)) && !folder.starts_with('/')
}

fn who(entry: &Entry) -> String {
    match &entry.replica {
        Some(replica) => format!("{} ({replica})", entry.who),
        None => entry.who.clone(),
    }
}

/// What was decided in words, and its tone.
const fn word(what: What) -> (&'static str, &'static str) {
    match what {
        What::Raise => ("raised", "moved"),
        What::Lower => ("lowered", "moved"),
        What::Rollback => ("rolled back", "fail"),
        What::Set => ("set by hand", "moved"),
        What::Stay => ("left alone", ""),
        What::DryRun => ("asked only", ""),
        What::ShadowPause => ("copies paused", "moved"),
        What::ShadowResume => ("copies resumed", "moved"),
        What::Alarm => ("alarm", "fail"),
        What::Failure => ("failed", "doubt"),
        What::Lead => ("leadership", ""),
    }
}

/// `1% → 5%`; one weight where there is no other.
fn moved(entry: &Entry) -> String {
    match (entry.from_percent, entry.to_percent) {
        (Some(from), Some(to)) if !super::weights::is_same(from, to) => {
            format!("{} → {}", format::weight(from), format::weight(to))
        }
        (Some(only), _) | (None, Some(only)) => format::weight(only),
        (None, None) => String::new(),
    }
}

/// Digest of the verdict, and who signed it.
fn rests_on(evidence: &Evidence) -> String {
    match &evidence.signed_by {
        Some(key) => format!("{}, signed {}", short(&evidence.digest), short(key)),
        None => format!("{}, unsigned", short(&evidence.digest)),
    }
}
