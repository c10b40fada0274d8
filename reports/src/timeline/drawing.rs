//! From the story to the data of its picture.

use gate::audit::What;
use judge::verdict::Decision;

use super::Story;
use super::axis::Axis;
use super::lanes::{self, Lanes, Span};
use super::weights::{self, Course, Event};
use crate::charts::story::{Cell, Curve, Lane, Mark, Shade, Sign, StoryChart, Weight};
use crate::format;
use crate::model::names;

/// Everything that the page needs, computed once.
pub(super) struct Told<'a> {
    pub(super) events: Vec<Event<'a>>,
    pub(super) course: Course,
    pub(super) lanes: Lanes,
    pub(super) axis: Axis,
}

pub(super) fn told<'a>(story: &Story<'a>) -> Told<'a> {
    let events = weights::events(story.entries, story.migration);
    let course = weights::course(&events);
    let ends = events.iter().map(|event| event.at_us).chain(story.looks.iter().map(|look| look.at_us));
    let axis = Axis::over(ends.clone(), story.clock_speed);
    let lanes = lanes::lanes(story.looks, ends.max().unwrap_or(0));
    Told { events, course, lanes, axis }
}

/// The chart of a story.
pub(super) fn chart(story: &Story<'_>) -> StoryChart {
    let Told { events, course, lanes, axis } = told(story);
    let mut all = vec![Lane {
        label: "Verdict".to_owned(),
        cells: cells(&axis, &lanes.verdicts, |decision| Shade::Verdict(*decision)),
    }];
    all.extend(lanes.guardrails.iter().map(|lane| Lane {
        label: names::metric(&lane.metric),
        cells: cells(&axis, &lane.spans, |state| Shade::State(*state)),
    }));
    all.retain(|lane| !lane.cells.is_empty());
    StoryChart {
        title: "The candidate's weight over time".to_owned(),
        description: described(&course, &events, &axis),
        ticks: [axis.ticks(8), axis.ticks(4)],
        weights: course
            .steps
            .iter()
            .map(|step| Weight { at: axis.place(step.at_us), percent: step.percent, is_found: step.is_found })
            .collect(),
        marks: marks(&axis, &events, &course),
        lanes: all,
        curves: curves(&axis, &lanes),
        gaps: lanes.gaps.iter().map(|(from, to)| (axis.place(*from), axis.place(*to))).collect(),
    }
}

fn cells<T>(axis: &Axis, spans: &[Span<T>], shade: impl Fn(&T) -> Shade) -> Vec<Cell> {
    let cell =
        |span: &Span<T>| Cell { from: axis.place(span.from_us), to: axis.place(span.to_us), shade: shade(&span.value) };
    spans.iter().map(cell).collect()
}

fn marks(axis: &Axis, events: &[Event<'_>], course: &Course) -> Vec<Mark> {
    let here = events.iter().enumerate().filter(|(_, event)| weights::is_here(event.entry, &course.target));
    let told_first = here.filter(|(place, event)| !weights::is_echo(event, events.get(..*place).unwrap_or_default()));
    told_first.filter_map(|(_, event)| mark(axis, event)).collect()
}

fn mark(axis: &Axis, event: &Event<'_>) -> Option<Mark> {
    let sign = sign(event.entry.what)?;
    let percent = event.entry.to_percent.or(event.entry.from_percent).filter(|percent| (0.0..=100.0).contains(percent));
    Some(Mark { at: axis.place(event.at_us), percent, sign })
}

/// The sign of what was done; looks that changed nothing have none.
pub(super) const fn sign(what: What) -> Option<Sign> {
    match what {
        What::Raise => Some(Sign::Raise),
        What::Lower => Some(Sign::Lower),
        What::Rollback => Some(Sign::Rollback),
        What::Set => Some(Sign::Set),
        What::Alarm => Some(Sign::Alarm),
        What::Failure => Some(Sign::Failure),
        What::ShadowPause => Some(Sign::Pause),
        What::ShadowResume => Some(Sign::Resume),
        What::Stay | What::DryRun | What::Lead => None,
    }
}

fn curves(axis: &Axis, lanes: &Lanes) -> Vec<Curve> {
    let mut curves = Vec::new();
    if let Some((_, last)) = lanes.extra_failures.last() {
        let points = lanes.extra_failures.iter().map(|(at, value)| (axis.place(*at), *value)).collect();
        curves.push(Curve { label: "Extra failures".to_owned(), last: format::few(*last), points });
    }
    if let Some((_, (sum, currency))) = lanes.shadow.last() {
        let known = |sum: &str| format::to_number(sum).unwrap_or(0.0);
        let points = lanes.shadow.iter().map(|(at, (sum, _))| (axis.place(*at), known(sum))).collect();
        curves.push(Curve { label: "Paid for copies".to_owned(), last: format::money_brief(sum, currency), points });
    }
    curves
}

/// The course in words, for those who cannot see it.
fn described(course: &Course, events: &[Event<'_>], axis: &Axis) -> String {
    const TOLD: usize = 40;
    let moves =
        events.iter().filter(|event| weights::is_here(event.entry, &course.target) && weights::moves(event.entry.what));
    let said: Vec<String> = moves
        .clone()
        .take(TOLD)
        .filter_map(|event| Some(format!("{} {}", axis.said(event.at_us), format::weight(event.entry.to_percent?))))
        .collect();
    let more = moves.count().saturating_sub(said.len());
    match (said.is_empty(), more) {
        (true, _) => "The weight did not change.".to_owned(),
        (false, 0) => format!("{}.", said.join("; ")),
        (false, more) => format!("{}; and {} more.", said.join("; "), format::count(more as u64)),
    }
}

/// The verdict's tone on the page.
pub(super) const fn tone(decision: Decision) -> &'static str {
    match decision {
        Decision::Go => "go",
        Decision::Hold => "hold",
        Decision::NoGo => "no-go",
    }
}
