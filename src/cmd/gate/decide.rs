//! The gate's rule, pure: only a fresh GO for exactly this migration, epoch and weight raises anything.

use crate::outcome::Exit;
use gateway::admin::MigrationState;
use judge::verdict::{Decision, Verdict};
use std::time::Duration;

/// Clocks of two machines may differ by this much before a verdict counts as one from the future.
const CLOCK_SKEW_US: i64 = 5 * 60 * 1_000_000;

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// Set this weight.
    Raise { to_percent: f64 },
    /// Leave it, for this reason.
    Stay { why: String, exit: Exit },
}

/// Decides at `now_us`, microseconds since the Unix epoch.
pub(super) fn decide(verdict: &Verdict, state: &MigrationState, now_us: i64, max_age: Duration) -> Step {
    let stay = |exit, why: String| Step::Stay { why, exit };
    let first_reason = || verdict.reasons.first().map_or("no reason given", String::as_str);
    match verdict.verdict {
        Decision::NoGo => return stay(Exit::NoGo, format!("the verdict is NO-GO: {}", first_reason())),
        Decision::Hold => return stay(Exit::Hold, format!("the verdict is HOLD: {}", first_reason())),
        Decision::Go => {}
    }
    if verdict.migration != state.name {
        return stay(Exit::Hold, format!("the verdict is about {}, not {}", verdict.migration, state.name));
    }
    if verdict.epoch != state.epoch {
        let why = format!("the verdict judged epoch {}, the gateway is in epoch {}", verdict.epoch, state.epoch);
        return stay(Exit::Hold, format!("{why}: evaluate newer records"));
    }
    if (verdict.weight_percent - state.weight_percent).abs() > 1e-9 {
        let why = format!("the verdict judged {}%, the gateway runs {}%", verdict.weight_percent, state.weight_percent);
        return stay(Exit::Hold, why);
    }
    if let Some(why) = stale(verdict, now_us, max_age) {
        return stay(Exit::Hold, why);
    }
    let next = verdict.next_weight_percent;
    if !next.is_finite() || next > 100.0 {
        return stay(Exit::Usage, format!("next_weight_percent is {next}: expected at most 100"));
    }
    if next <= state.weight_percent {
        let why = format!("GO, but the next weight is {next}% ({} bound): nothing to raise", verdict.next_weight_bound);
        return stay(Exit::Done, why);
    }
    Step::Raise { to_percent: next }
}

fn stale(verdict: &Verdict, now_us: i64, max_age: Duration) -> Option<String> {
    let Ok(created) = verdict.created_at.parse::<jiff::Timestamp>() else {
        return Some(format!("created_at is `{}`: expected a time", verdict.created_at));
    };
    let age_us = now_us - created.as_microsecond();
    if age_us < -CLOCK_SKEW_US {
        return Some(format!(
            "the newest evidence is of {}, which is in the future: check the clocks",
            verdict.created_at
        ));
    }
    let max_age_us = i64::try_from(max_age.as_micros()).unwrap_or(i64::MAX);
    (age_us > max_age_us).then(|| {
        format!("the newest evidence is of {}, older than --max-age: evaluate newer records", verdict.created_at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-22T12:00:00Z";

    fn go() -> Verdict {
        serde_json::from_value(serde_json::json!({
            "schema": judge::verdict::SCHEMA, "verdict": "go", "reasons": ["all guardrails passed"],
            "migration": "m", "epoch": 7, "weight_percent": 5.0, "next_weight_percent": 10.0, "next_weight_bound": "ladder",
            "needed": [], "guardrails": [],
            "instrument": judge::verdict::Instrument::default(), "bill": judge::verdict::Bill::default(),
            "window": {"from_us": 0, "to_us": 0}, "inputs": [], "policy_digest": "p", "tariff_digest": "t", "seed": 0,
            "version": "0", "created_at": "2026-11-22T11:00:00Z", "evidence": judge::verdict::Evidence::default(),
        }))
        .unwrap()
    }

    fn state() -> MigrationState {
        MigrationState {
            name: "m".into(),
            weight_percent: 5.0,
            shadow_percent: 0.0,
            epoch: 7,
            baseline: "openai".into(),
            candidate: "deepseek".into(),
            shadow_paused: None,
        }
    }

    fn step(verdict: &Verdict, state: &MigrationState) -> Step {
        let now = NOW.parse::<jiff::Timestamp>().unwrap().as_microsecond();
        decide(verdict, state, now, Duration::from_secs(24 * 3600))
    }

    #[test]
    fn a_fresh_matching_go_raises() {
        assert_eq!(step(&go(), &state()), Step::Raise { to_percent: 10.0 });
    }

    #[test]
    fn anything_else_leaves_the_weight_alone_and_says_why() {
        type Change = (fn(&mut Verdict, &mut MigrationState), Exit, &'static str);
        let changes: [Change; 10] = [
            (|v, _| v.verdict = Decision::NoGo, Exit::NoGo, "NO-GO"),
            (|v, _| v.verdict = Decision::Hold, Exit::Hold, "HOLD"),
            (|v, _| v.migration = "other".into(), Exit::Hold, "about other"),
            (|_, s| s.epoch = 8, Exit::Hold, "epoch 8"),
            (|_, s| s.weight_percent = 6.0, Exit::Hold, "runs 6%"),
            (|v, _| v.created_at = "2026-11-21T11:59:59Z".into(), Exit::Hold, "older than"),
            (|v, _| v.created_at = "2026-11-22T12:06:00Z".into(), Exit::Hold, "future"),
            (|v, _| v.created_at = "soon".into(), Exit::Hold, "expected a time"),
            (|v, _| v.next_weight_percent = 5.0, Exit::Done, "nothing to raise"),
            (|v, _| v.next_weight_percent = 101.0, Exit::Usage, "at most 100"),
        ];
        for (change, expected, word) in changes {
            let (mut verdict, mut state) = (go(), state());
            change(&mut verdict, &mut state);
            let Step::Stay { why, exit } = step(&verdict, &state) else { panic!("{word}: raised") };
            assert_eq!(exit, expected, "{why}");
            assert!(why.contains(word), "{why}");
        }
    }
}
