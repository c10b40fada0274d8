//! How the bounds closed in on their margins while evidence came in.
//!
//! A verdict shows where the bounds are; people also want to see how they came there: whether they are still moving, and
//! since when something is proven. The judge's bounds hold at every look, so the looks that nobody took at the time may be
//! taken afterwards: evidence is counted in stretches of time, and after each stretch the guardrails are asked of
//! everything so far. Nothing is counted twice.
//!
//! Each look is what a judge would have said then *under the plan of today*: with today's frozen thresholds (their own
//! reference requests are not tested at any look), today's policy, the alarm level split over the guardrails of today, the
//! noise floor of today's repetitions, and of served traffic the epochs that count today. Three things differ from a
//! verdict that was really given then. Requests that have aged out or were answered by a model that was replaced since are
//! in no look. The instrument's alarms and the floor of the judged epoch are not asked, because they belong to the whole and
//! not to an instant: a look is what the bounds alone say. And the guardrails of other parts of the traffic are not there,
//! which futility would have waited for. The last look is no such look but the verdict's own line, doubts included.
//!
//! With `looks = "one"` the bounds hold at one look only, and the course is that look.

use crate::counters::{Canary, PairedEvidence};
use crate::decide::Judged;
use crate::evidence::Evidence;
use crate::guardrail::{self, LevelsInForce, Views};
use crate::policy::{Looks, Policy};
use crate::verdict::{Course, Guardrail, Look};
use crate::words::{ALL, CANARY};

/// Looks of a course, at most.
pub const LOOKS_MAX: usize = 48;
/// Guardrails whose course is shown, at most.
pub const COURSES_MAX: usize = 24;
/// Looks at equal numbers of observations; the others lie before the first of these, closer and closer together.
const EQUAL_LOOKS: usize = 32;
/// Observations between two looks, at least.
const STEP_MIN: usize = 10;

/// Evidence that came in during a stretch of time. Its clusters are closed, and hold what the stretch adds to those before
/// it; see [`crate::counters::Clusters::close_in_steps`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stretch {
    /// The newest evidence in it, microseconds since the Unix epoch.
    pub at_us: i64,
    /// Its pairs.
    pub paired: PairedEvidence,
    /// Its served traffic.
    pub canary: Option<Canary>,
}

/// After how many of `n` observations, ascending, a course that may have `looks` of them looks; the last one is `n`.
///
/// Two thirds of the looks are at equal numbers of observations, so that whatever happened is dated to within 1/32 of the
/// evidence. A bound falls with the root of the number, most steeply at the beginning: there the others lie, each at 1/√2
/// of the next one's number. At least ten observations lie between two looks.
#[must_use]
pub fn places(n: usize, looks: usize) -> Vec<usize> {
    let looks = looks.clamp(1, LOOKS_MAX);
    let equal = (looks * EQUAL_LOOKS / LOOKS_MAX).max(1);
    let share = |numerator: usize, denominator: usize| (n as u128 * numerator as u128).div_ceil(denominator as u128);
    let mut places: Vec<usize> =
        (1..=equal).map(|step| usize::try_from(share(step, equal)).unwrap_or(n)).filter(|place| *place > 0).collect();
    let first = n as f64 / equal as f64;
    let early = 1..=i32::try_from(looks - equal).unwrap_or(0);
    places.extend(early.map(|halving| (first * 0.5_f64.powf(f64::from(halving) / 2.0)) as usize));
    places.sort_unstable_by(|a, b| b.cmp(a));
    let mut next = usize::MAX;
    places.retain(|place| {
        let far = *place > 0 && next - *place >= STEP_MIN && (*place >= STEP_MIN || *place == n);
        if far {
            next = *place;
        }
        far
    });
    places.reverse();
    places
}

/// The courses of the guardrails that a GO needs: over everything first, then of served traffic, then of critical segments
/// (which have no looks but the last, because only everything is counted in stretches); at most [`COURSES_MAX`].
/// `stretches` merged are the evidence that `judged` was said about.
#[must_use]
pub fn course(stretches: &[Stretch], evidence: &Evidence, policy: &Policy, judged: &Judged) -> Vec<Course> {
    let rank = |guardrail: &&Guardrail| match guardrail.segment.as_str() {
        ALL => 0,
        CANARY => 1,
        _ => 2,
    };
    let mut shown: Vec<&Guardrail> = judged.guardrails.iter().filter(|guardrail| guardrail.decides).collect();
    shown.sort_by_key(rank);
    shown.truncate(COURSES_MAX);
    let mut courses: Vec<Course> = shown.iter().map(|guardrail| empty(guardrail)).collect();
    let (last, earlier) = match stretches.split_last() {
        Some((last, earlier)) => (last.at_us, earlier),
        None => (0, stretches),
    };
    if policy.levels.looks == Looks::Any {
        let levels = LevelsInForce::new(policy, judged.guardrails.len());
        look_at_each(earlier, evidence, policy, levels, &mut courses);
    }
    for (course, guardrail) in courses.iter_mut().zip(shown) {
        course.looks.push(Look {
            at_us: last,
            n: guardrail.n,
            estimate: guardrail.estimate,
            lower: guardrail.lower,
            upper: guardrail.upper,
            state: guardrail.state,
        });
    }
    courses
}

fn empty(guardrail: &Guardrail) -> Course {
    Course {
        metric: guardrail.metric.clone(),
        segment: guardrail.segment.clone(),
        scale: guardrail.scale,
        margin: guardrail.margin,
        looks: Vec::new(),
    }
}

fn look_at_each(
    stretches: &[Stretch],
    evidence: &Evidence,
    policy: &Policy,
    levels: LevelsInForce,
    courses: &mut [Course],
) {
    let mut so_far = Evidence {
        plan: evidence.plan.clone(),
        repeat: evidence.repeat.clone(),
        instrument: evidence.instrument.clone(),
        canary: evidence.canary.as_ref().map(|_| Canary::default()),
        ..Evidence::default()
    };
    for stretch in stretches {
        so_far.paired.merge(&stretch.paired);
        if let (Some(canary), Some(served)) = (&mut so_far.canary, &stretch.canary) {
            canary.merge(served);
        }
        let views = Views::new(&so_far);
        let (mut questions, _) = guardrail::questions(&views, &so_far, policy);
        questions.retain(|question| question.decides && matches!(question.segment.as_str(), ALL | CANARY));
        let numbers = guardrail::numbers(&questions, levels, policy);
        for (question, numbers) in questions.iter().zip(numbers).filter(|(_, numbers)| numbers.n > 0) {
            let own = |course: &&mut Course| course.metric == question.metric && course.segment == question.segment;
            if let Some(course) = courses.iter_mut().find(own) {
                course.looks.push(Look {
                    at_us: stretch.at_us,
                    n: numbers.n,
                    estimate: numbers.estimate,
                    lower: numbers.lower,
                    upper: numbers.upper,
                    state: numbers.state,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
