//! A weight that follows latencies, first tokens or requests in flight, as load balancers set it. Pure.
//!
//! **This is no evidence.** A candidate that answers nonsense quickly is given more traffic, one that is careful less. Nothing is
//! compared on the same requests, no chance is bounded, cost and quality are not asked. It stands here for those who used it
//! elsewhere and want it, and says so wherever it acts.
//!
//! What is read is the mean over the last hundred calls of each arm, in which a failed call counts as twice the slowest
//! good one. A *plain minimum* gives all traffic it may to the arm whose mean is lower. That jumps: the arm that gets the
//! traffic gets slower by it, and at the next look the other one wins. So the default goes to *parity* in steps. Parity is where
//! both arms have as many requests under way: by Little's law that is rate times duration, so the candidate's share is
//! `b / (b + c)` for the means `b` and `c` of the baseline and the candidate, and half where both are alike. Each look goes at
//! most one step towards it, and stays where it is within a hundredth of the traffic ([`DEAD_BAND`]), for the mean of a hundred
//! calls is never still. Where requests in flight are read, they are divided by the share that made them, which comes to the same.
//!
//! The candidate never falls below [`EXPLORED`]: an arm that is not asked has no numbers, and would never come back. Above
//! the largest share of the policy it never rises.

/// Smallest share, hundredths of a percent: one request in a hundred.
pub const EXPLORED: u16 = 100;
/// How far from parity is near enough, hundredths of a percent.
pub const DEAD_BAND: u16 = 100;
/// What every reason begins with.
pub const NOT_EVIDENCE: &str = "not evidence-based: ";
/// Calls of an arm before its mean is believed.
pub const CALLS_MIN: u64 = 10;

/// What the weight follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Time to the last byte.
    Latency,
    /// Time to the first token.
    FirstToken,
    /// Requests under way.
    InFlight,
}

impl Mode {
    /// The name in configurations and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::FirstToken => "first-token",
            Self::InFlight => "in-flight",
        }
    }
}

/// How the weight may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// What it follows.
    pub mode: Mode,
    /// Largest share of the candidate, hundredths of a percent.
    pub share_max_hundredths: u16,
    /// Largest change of one look, hundredths of a percent; 0 jumps as a plain minimum does.
    pub step_hundredths: u16,
}

/// What was read of one arm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Arm {
    /// Calls in the mean, at most a hundred.
    pub calls: u64,
    /// Failed ones among them.
    pub failures: u64,
    /// Mean of what the mode follows, in whatever unit is that of both arms: microseconds, or thousandths of a request in flight.
    /// `None` where there is none, because every call failed or nothing was timed.
    pub mean: Option<u64>,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjusted {
    /// The candidate's share, hundredths of a percent; the one in force where nothing changes.
    pub to_hundredths: u16,
    /// Why, for people and for the log: it says that this is no evidence.
    pub why: String,
}

/// The share that follows on `now_hundredths`. Never above the policy's largest, and never below [`EXPLORED`] unless that
/// is above the largest.
#[must_use]
pub fn adjust(now_hundredths: u16, baseline: Arm, candidate: Arm, policy: &Policy) -> Adjusted {
    let most = policy.share_max_hundredths.min(10_000);
    let (least, now) = (EXPLORED.min(most), now_hundredths.min(10_000));
    let (target, found) = target(now, baseline, candidate, policy, (least, most));
    let step = if policy.step_hundredths == 0 { 10_000 } else { policy.step_hundredths };
    let stepped = target.clamp(now.saturating_sub(step), now.saturating_add(step));
    // Bounds go before steps: a share above the largest is not borne for some looks more.
    let bounded = stepped.clamp(least, most);
    let near = policy.step_hundredths > 0 && target.abs_diff(now) <= DEAD_BAND && (least..=most).contains(&now);
    let to_hundredths = if near { now } else { bounded };
    let mode = policy.mode.name();
    Adjusted { to_hundredths, why: format!("{NOT_EVIDENCE}follows {mode}; {found}") }
}

/// Where to go, and what that follows from.
fn target(now: u16, baseline: Arm, candidate: Arm, policy: &Policy, (least, most): (u16, u16)) -> (u16, String) {
    if candidate.calls < CALLS_MIN || baseline.calls < CALLS_MIN {
        let found = format!("{} calls of the baseline and {} of the candidate", baseline.calls, candidate.calls);
        return (now.clamp(least, most), format!("{found} are too few to follow"));
    }
    if candidate.failures >= candidate.calls {
        return (least, "every call of the candidate failed".to_owned());
    }
    if baseline.failures >= baseline.calls {
        return (most, "every call of the baseline failed".to_owned());
    }
    let (Some(b), Some(c)) = (baseline.mean, candidate.mean) else {
        return (now.clamp(least, most), "an arm has no mean".to_owned());
    };
    let found = format!("the means are {b} and {c}");
    if policy.step_hundredths == 0 {
        let best = if c < b { most } else { least };
        return (best, format!("{found}, the lower takes all it may"));
    }
    (parity(b, c).clamp(least, most), found)
}

/// `b / (b + c)`, hundredths of a percent, half up; a half where both are nothing.
fn parity(b: u64, c: u64) -> u16 {
    let (b, sum) = (u128::from(b), u128::from(b) + u128::from(c));
    if sum == 0 {
        return 5000;
    }
    // At most 10 000.
    u16::try_from((b * 20_000 + sum) / (2 * sum)).unwrap_or(10_000)
}

/// Requests in flight as a mean for [`Arm`]: thousandths of a request, as if the arm had the whole traffic. `None` without a
/// share.
#[must_use]
pub fn in_flight_mean(in_flight: u64, share_hundredths: u16) -> Option<u64> {
    (share_hundredths > 0).then(|| in_flight.saturating_mul(10_000_000) / u64::from(share_hundredths))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAMPED: Policy = Policy { mode: Mode::Latency, share_max_hundredths: 6000, step_hundredths: 500 };
    const PLAIN: Policy = Policy { step_hundredths: 0, ..DAMPED };

    fn arm(mean: u64) -> Arm {
        Arm { calls: 100, failures: 0, mean: Some(mean) }
    }

    fn to(now: u16, b: Arm, c: Arm, policy: &Policy) -> u16 {
        let adjusted = adjust(now, b, c, policy);
        assert!(adjusted.why.starts_with("not evidence-based"), "{}", adjusted.why);
        adjusted.to_hundredths
    }

    #[test]
    fn damped_steps_end_at_parity_within_the_cap() {
        let climb = |b: u64, c: u64| {
            let mut course = vec![100];
            while course.len() < 40 {
                course.push(to(course[course.len() - 1], arm(b), arm(c), &DAMPED));
            }
            course
        };
        let alike = climb(1000, 1000);
        assert_eq!((alike[1], alike[2], alike[39]), (600, 1100, 5000));
        assert_eq!(climb(1000, 3000)[39], 2500);
        assert_eq!(climb(3000, 1000)[39], 6000, "the cap");
        assert_eq!(climb(1, u64::MAX)[39], 100, "always asked");
        assert_eq!(to(4950, arm(1000), arm(1000), &DAMPED), 4950, "near enough");
    }

    #[test]
    fn a_plain_minimum_jumps_and_the_cap_holds() {
        assert_eq!(to(100, arm(1000), arm(999), &PLAIN), 6000);
        assert_eq!(to(6000, arm(1000), arm(1000), &PLAIN), 100);
    }

    #[test]
    fn arms_without_numbers_move_nothing_and_those_that_fail_lose() {
        let few = Arm { calls: CALLS_MIN - 1, ..arm(1) };
        assert_eq!((to(0, arm(1000), few, &DAMPED), to(300, few, arm(1000), &DAMPED)), (100, 300));
        let failed = Arm { calls: 100, failures: 100, mean: None };
        assert_eq!((to(5000, arm(1000), failed, &DAMPED), to(5000, arm(1000), failed, &PLAIN)), (4500, 100));
        assert_eq!((to(5000, failed, arm(1000), &DAMPED), to(5000, failed, failed, &PLAIN)), (5500, 100));
        let untimed = Arm { calls: 100, failures: 0, mean: None };
        assert_eq!(to(5000, untimed, arm(1), &DAMPED), 5000);
        assert_eq!(to(9000, arm(1000), arm(1), &DAMPED), 6000, "what is above the cap falls to it at once");
    }

    #[test]
    fn requests_in_flight_are_put_on_one_scale() {
        // 9 in flight at 90 %, 1 at 10 %: both are as slow.
        assert_eq!((in_flight_mean(9, 9000), in_flight_mean(1, 1000)), (Some(10_000), Some(10_000)));
        assert_eq!((in_flight_mean(5, 0), in_flight_mean(u64::MAX, 1)), (None, Some(u64::MAX)));
        assert_eq!((parity(0, 0), parity(1, 0), parity(0, 1), parity(u64::MAX, u64::MAX)), (5000, 10_000, 0, 5000));
    }

    proptest! {
        #[test]
        fn never_out_of_bounds_and_never_more_than_a_step_but_into_bounds(
            now in 0..=u16::MAX,
            (b, c) in (any::<Option<u64>>(), any::<Option<u64>>()),
            (calls, failures) in (any::<[u64; 2]>(), any::<[u64; 2]>()),
            share_max_hundredths in 0..=u16::MAX,
            step_hundredths in 0..=u16::MAX,
        ) {
            let policy = Policy { mode: Mode::InFlight, share_max_hundredths, step_hundredths };
            let arm = |place: usize, mean| Arm { calls: calls[place], failures: failures[place], mean };
            let next = adjust(now, arm(0, b), arm(1, c), &policy).to_hundredths;
            let most = share_max_hundredths.min(10_000);
            prop_assert!(next <= most && next >= EXPLORED.min(most));
            let inside = now.clamp(EXPLORED.min(most), most);
            if step_hundredths > 0 && inside == now {
                prop_assert!(next.abs_diff(now) <= step_hundredths);
            }
        }
    }
}
