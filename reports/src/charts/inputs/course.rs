//! From the course of a guardrail to the data of its chart.

use judge::verdict::{Course, Verdict};

use super::{Axis, effect};
use crate::charts::course::{CourseLook, CoursePanel};
use crate::format;
use crate::model::names;

/// One panel a guardrail, in the order of the verdict.
pub(crate) fn panels(verdict: &Verdict) -> Vec<CoursePanel> {
    let looks = || verdict.evidence.course.iter().flat_map(|course| &course.looks);
    // One axis of time for all, so that panels may be compared.
    let from = looks().map(|look| look.at_us).min().unwrap_or(0).min(first(verdict));
    let to = looks().map(|look| look.at_us).max().unwrap_or(from);
    verdict.evidence.course.iter().map(|course| panel(course, from, to)).collect()
}

/// When evidence began; the end of time where the verdict does not say.
const fn first(verdict: &Verdict) -> i64 {
    if verdict.window.to_us > verdict.window.from_us { verdict.window.from_us } else { i64::MAX }
}

fn panel(course: &Course, from_us: i64, to_us: i64) -> CoursePanel {
    let axis = Axis::new(course.scale, course.margin);
    let span = to_us.saturating_sub(from_us);
    // Without extent in time everything stands at the end.
    let at = |at_us: i64| {
        if span <= 0 { 1.0 } else { (at_us.saturating_sub(from_us) as f64 / span as f64).clamp(0.0, 1.0) }
    };
    let looks: Vec<CourseLook> = course
        .looks
        .iter()
        .map(|look| CourseLook {
            at: at(look.at_us),
            point: axis.place_known(look.estimate),
            lower: axis.place_known(look.lower),
            upper: axis.place_known(look.upper),
            state: look.state,
        })
        .collect();
    let top = CoursePanel::top(&looks);
    // Where the margin has no width of its own, no difference is a tick like the others.
    let shares = [-1.0, 0.0, 1.0, 2.0, 3.0, 4.0].into_iter().filter(|share| *share <= top);
    let shares: Vec<f64> =
        shares.filter(|share| top < 3.0 || share % 2.0 == 0.0 || (share - 1.0).abs() < 1e-9).collect();
    let ticks = shares.into_iter().map(|share| (share, effect(course.scale, axis.value(share)))).collect();
    let counts = (course.looks.first(), course.looks.last());
    let observations = match counts {
        (Some(first), Some(last)) if first.n != last.n => {
            format!("{} to {} observations", format::count(first.n), format::count(last.n))
        }
        (_, Some(last)) => format!("{} observations", format::count(last.n)),
        _ => String::new(),
    };
    CoursePanel {
        title: names::guardrail(&course.metric, &course.segment),
        description: described(course),
        looks,
        neutral: axis.neutral(),
        ticks,
        ends: [format::moment(from_us), format::moment(to_us)],
        observations,
    }
}

/// The first and the last look in words.
fn described(course: &Course) -> String {
    let bound = |value: Option<f64>| value.map_or_else(|| "unbounded".to_owned(), |v| effect(course.scale, v));
    let margin = effect(course.scale, course.margin);
    let said: Vec<String> = [course.looks.first(), course.looks.last()]
        .into_iter()
        .flatten()
        .map(|look| {
            let (at, n) = (format::moment(look.at_us), format::count(look.n));
            format!("{at}, {n} observations: from {} to {}", bound(look.lower), bound(look.upper))
        })
        .collect();
    format!("The margin is {margin}. {}.", said.join("; "))
}
