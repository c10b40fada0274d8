//! How evidence came about, in words: a sentence a guardrail, what blocks first.

use judge::verdict::{Course, Look, State, Verdict};
use serde::Serialize;

use super::names;
use crate::{format, states};

/// One guardrail over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CourseView {
    /// What it measures, with its part of the traffic.
    pub(crate) title: String,
    /// State in the verdict's spelling: the class name.
    pub(crate) state: &'static str,
    /// State in words.
    pub(crate) word: &'static str,
    /// Since when.
    pub(crate) sentence: String,
    /// There are several looks, and the bounds hold at each of them.
    pub(crate) sequential: bool,
    /// Its place in the verdict, which is the place of its picture.
    pub(crate) index: usize,
}

/// All courses, those that keep a GO away first.
pub(crate) fn courses(verdict: &Verdict) -> Vec<CourseView> {
    let mut views: Vec<(u8, CourseView)> = verdict
        .evidence
        .course
        .iter()
        .enumerate()
        .filter_map(|(index, course)| course.looks.last().map(|last| (rank(last.state), view(course, last, index))))
        .collect();
    views.sort_by_key(|(rank, _)| *rank);
    views.into_iter().map(|(_, view)| view).collect()
}

/// What to look at first.
const fn rank(state: State) -> u8 {
    match state {
        State::Fail => 0,
        State::Futile => 1,
        State::HoldConflict => 2,
        State::HoldInstrument => 3,
        State::HoldInsufficient => 4,
        State::PassRegressed => 5,
        State::Pass => 6,
    }
}

fn view(course: &Course, last: &Look, index: usize) -> CourseView {
    CourseView {
        title: names::guardrail(&course.metric, &course.segment),
        state: states::name(last.state),
        word: states::word(last.state),
        sentence: sentence(course, last),
        sequential: course.looks.len() > 1,
        index,
    }
}

/// Since when it has been in its state, and on how many observations that rested. A doubt about the measuring is of the
/// last look only, for looks of before say what their bounds say: then the sentence is theirs.
fn sentence(course: &Course, last: &Look) -> String {
    let (looks, last, is_doubted) = match course.looks.split_last() {
        Some((_, before)) if last.state == State::HoldInstrument && !before.is_empty() => {
            (before, before.last().unwrap_or(last), true)
        }
        _ => (course.looks.as_slice(), last, false),
    };
    let same = looks.iter().rev().take_while(|look| look.state == last.state);
    let (count, since) = same.fold((0, last), |(count, _), look| (count + 1, look));
    let (at, n, word) = (format::moment(since.at_us), format::count(since.n), states::word(last.state));
    match last.state {
        _ if is_doubted => format!("By its bounds alone {word} since {at} UTC, at {n} observations."),
        State::HoldInsufficient if last.n == 0 => "There are no observations yet.".to_owned(),
        State::HoldInsufficient if count == looks.len() => format!("{} observations so far.", format::count(last.n)),
        _ if count == looks.len() => format!("From the first look on, at {n} observations."),
        _ => format!("Since {at} UTC, at {n} observations."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use judge::verdict::Scale;

    fn course(states: &[State]) -> Course {
        let look = |(index, state): (usize, &State)| Look {
            at_us: 1_795_082_400_000_000 + index as i64 * 3_600_000_000,
            n: 100 * (index as u64 + 1),
            estimate: Some(0.001),
            lower: None,
            upper: Some(0.004),
            state: *state,
        };
        Course {
            metric: "errors".to_owned(),
            segment: "all".to_owned(),
            scale: Scale::Difference,
            margin: 0.005,
            looks: states.iter().enumerate().map(look).collect(),
        }
    }

    fn said(states: &[State]) -> String {
        let course = course(states);
        sentence(&course, course.looks.last().unwrap())
    }

    #[test]
    fn a_sentence_says_since_when() {
        let waits = State::HoldInsufficient;
        assert_eq!(said(&[waits, waits, State::Pass, State::Pass]), "Since 19 Nov, 12:00 UTC, at 300 observations.");
        // A state that was left and came back counts from its return.
        assert_eq!(said(&[State::Pass, waits, State::Pass]), "Since 19 Nov, 12:00 UTC, at 300 observations.");
        // A doubt is of the last look; what was before says what the bounds said.
        assert_eq!(
            said(&[waits, State::Pass, State::Pass, State::HoldInstrument]),
            "By its bounds alone within margin since 19 Nov, 11:00 UTC, at 200 observations."
        );
        assert_eq!(said(&[State::HoldInstrument]), "From the first look on, at 100 observations.");
        assert_eq!(said(&[waits, waits]), "200 observations so far.");
        assert_eq!(said(&[State::Fail]), "From the first look on, at 100 observations.");
    }

    #[test]
    fn what_keeps_a_go_away_comes_first_and_empty_courses_are_left_out() {
        let mut verdict = crate::tests::fixture("go");
        verdict.evidence.course =
            vec![course(&[State::Pass]), course(&[]), course(&[State::HoldInsufficient]), course(&[State::Fail])];
        let places: Vec<usize> = courses(&verdict).into_iter().map(|view| view.index).collect();
        assert_eq!(places, [3, 2, 0]);
    }
}
