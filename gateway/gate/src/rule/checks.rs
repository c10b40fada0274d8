//! The checks, each for itself.

use super::{CLOCK_SKEW_US, Check, Situation, hundredths};
use crate::policy::Policy;
use crate::signature::Signed;
use crate::state::InForce;
use jiff::Timestamp;
use judge::verdict::{Decision, Guardrail, SCHEMA, State, Verdict};
use std::time::Duration;

/// Pairs with halves in two epochs, percent of all, beyond which nobody knows what weight was judged. The judge has a limit of
/// its own, which its policy may widen; this one stays.
const MIXED_EPOCHS_MAX_PERCENT: u64 = 5;
/// Epochs of a gateway are milliseconds since the Unix epoch; what lies outside these (2001 and 2100) counts something else.
const EPOCHS_AS_INSTANTS: std::ops::Range<u64> = 1_000_000_000_000..4_102_444_800_000;
/// Texts of a verdict are shown up to this many characters.
const SHOWN_CHARACTERS: usize = 200;

/// Everything that is asked about.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub verdict: &'a Verdict,
    pub in_force: &'a InForce,
    pub policy: &'a Policy,
    pub situation: Situation<'a>,
}

/// It holds, or it does not; both with what was found.
type Found = Result<String, String>;

fn check(name: &'static str, found: Found) -> Check {
    let passed = found.is_ok();
    Check { name, passed, why: found.unwrap_or_else(|why| why) }
}

/// A verdict's own text, short and on one line.
pub(super) fn word(text: &str) -> String {
    let plain = |character: char| if character.is_control() { ' ' } else { character };
    text.chars().take(SHOWN_CHARACTERS).map(plain).collect()
}

impl Case<'_> {
    /// All of them, those about the verdict itself first.
    pub(super) fn all(self) -> Vec<Check> {
        vec![
            check("schema", self.schema()),
            check("verdict", self.answer()),
            check("signature", self.signature()),
            check("age", self.age()),
            check("migration", self.migration()),
            check("epoch", self.epoch()),
            check("generation", self.generation()),
            check("weight", self.weight()),
            check("degraded", self.degraded()),
            check("next-weight", self.next_weight()),
            check("ladder", self.ladder()),
            check("cool-down", self.cool_down()),
            check("unused", self.unused()),
            check("freeze", self.freeze()),
            check("kill-switch", self.kill_switch()),
        ]
    }

    fn schema(self) -> Found {
        let schema = word(&self.verdict.schema);
        if schema == SCHEMA {
            return Ok(schema);
        }
        Err(format!("the schema is `{schema}`, this version knows {SCHEMA}: use the same version everywhere"))
    }

    fn answer(self) -> Found {
        let first = self.verdict.reasons.first().map_or_else(|| "no reason given".to_owned(), |reason| word(reason));
        match self.verdict.verdict {
            Decision::Go => Ok("the verdict is GO".to_owned()),
            other => Err(format!("the verdict is {}: {first}", other.word())),
        }
    }

    fn signature(self) -> Found {
        match self.situation.signed {
            Signed::By(key) => Ok(format!("signed by the trusted key {}", short(key))),
            Signed::Unsigned if self.policy.allow_unsigned => {
                Ok("nobody signed it, which the policy allows".to_owned())
            }
            Signed::Unsigned => Err("nobody signed the verdict: `weighbridge evaluate --sign-key` signs it, and \
                                     `unsigned = \"allow\"` in the gate's policy does without"
                .to_owned()),
            Signed::Wrong(why) => Err(format!("the signature does not hold: {}", word(why))),
        }
    }

    fn created_us(self) -> Result<i64, String> {
        let at = &self.verdict.created_at;
        let read = at.parse::<Timestamp>().map(Timestamp::as_microsecond);
        read.map_err(|_| format!("created_at is `{}`: expected a time such as 2026-11-23T12:00:00Z", word(at)))
    }

    fn age(self) -> Found {
        let created_us = self.created_us()?;
        let at = word(&self.verdict.created_at);
        let age_us = self.situation.now_us.saturating_sub(created_us);
        if age_us < -CLOCK_SKEW_US {
            return Err(format!("the newest evidence is of {at}, which is in the future: check the clocks"));
        }
        let max_age = self.policy.max_age;
        if age_us > i64::try_from(max_age.as_micros()).unwrap_or(i64::MAX) {
            return Err(format!(
                "the newest evidence is of {at}, older than {}: evaluate newer records",
                span(max_age)
            ));
        }
        Ok(format!("the newest evidence is {} old, at most {} is allowed", span_us(age_us.max(0)), span(max_age)))
    }

    fn migration(self) -> Found {
        let judged = word(&self.verdict.migration);
        match &self.in_force.migration {
            None => Ok(format!("{judged}; the target knows no names")),
            Some(name) if *name == self.verdict.migration => Ok(judged),
            Some(name) => Err(format!("the verdict is about {judged}, not {}", word(name))),
        }
    }

    /// Where the target counts epochs, the judged one is in force. Elsewhere what was judged has to be newer than the last
    /// change: all of the evidence, or the epoch it is about, where that is an instant.
    fn epoch(self) -> Found {
        let judged = self.verdict.epoch;
        if let Some(epoch) = self.in_force.epoch {
            if epoch == judged {
                return Ok(format!("epoch {epoch} was judged and is in force"));
            }
            return Err(format!(
                "the verdict judged epoch {judged}, in force is epoch {epoch}: evaluate newer records"
            ));
        }
        let Some(changed_us) = self.in_force.changed_at_us.max(self.situation.history.changed_at_us) else {
            return Ok("the target counts no epochs, and no change of it is known".to_owned());
        };
        let created_us = self.created_us()?;
        let epoch_us =
            EPOCHS_AS_INSTANTS.contains(&judged).then(|| i64::try_from(judged).unwrap_or(0).saturating_mul(1000));
        let is_newer = |from_us: i64| from_us > changed_us && from_us <= created_us;
        if is_newer(self.verdict.window.from_us) || epoch_us.is_some_and(is_newer) {
            return Ok(format!("what was judged is newer than the last change, of {}", instant(changed_us)));
        }
        Err(format!(
            "the target was changed at {}, and the evidence began before: evaluate records from after that",
            instant(changed_us)
        ))
    }

    /// A change has to be tied to what was read, or it could undo somebody else's unseen.
    fn generation(self) -> Found {
        match (&self.in_force.generation, self.in_force.epoch) {
            (Some(generation), None) => {
                Ok(format!("the change is tied to {}", word(generation).chars().take(40).collect::<String>()))
            }
            (_, Some(epoch)) => Ok(format!("the change is tied to epoch {epoch}")),
            (None, None) => Err("the target gives no generation: a change could undo another one unseen".to_owned()),
        }
    }

    fn weight(self) -> Found {
        let (judged, now) = (self.verdict.weight_percent, self.in_force.weight_percent);
        let Some(in_force) = hundredths(now) else {
            return Err(format!("the weight in force is {now}%: expected 0 to 100 in steps of 0.01"));
        };
        if hundredths(judged) == Some(in_force) {
            return Ok(format!("{now}% was judged and is in force"));
        }
        Err(format!("the verdict judged {judged}%, in force is {now}%: evaluate newer records"))
    }

    fn degraded(self) -> Found {
        let instrument = &self.verdict.instrument;
        if instrument.replay_degraded {
            return Err("the replay that drove the traffic was degraded: replay at a rate that can be kept".to_owned());
        }
        if let Some(alarm) = instrument.alarms.first() {
            return Err(format!("the measuring is in doubt: {}", word(alarm)));
        }
        let mixed = instrument.mixed_epochs;
        if u128::from(mixed) * 100 > u128::from(instrument.pairs.max(mixed)) * u128::from(MIXED_EPOCHS_MAX_PERCENT) {
            return Err(format!(
                "{mixed} pairs have halves in two epochs: evaluate records from one side of the change"
            ));
        }
        let guardrails = &self.verdict.guardrails;
        if let Some(odd) = guardrails.iter().find(|guardrail| contradicts_go(guardrail)) {
            return Err(format!(
                "the verdict contradicts itself: GO, although {} ({}) is no proven pass",
                word(&odd.metric),
                word(&odd.segment)
            ));
        }
        let proven = guardrails.iter().filter(|guardrail| guardrail.decides).count();
        if proven == 0 && self.verdict.verdict == Decision::Go {
            return Err("the verdict contradicts itself: GO without a guardrail that proves anything".to_owned());
        }
        Ok(format!("no alarm; {proven} guardrails decide"))
    }

    fn next_weight(self) -> Found {
        let (next, bound) = (self.verdict.next_weight_percent, word(&self.verdict.next_weight_bound));
        let Some(wanted) = hundredths(next) else {
            return Err(format!("next_weight_percent is {next}: expected 0 to 100 in steps of 0.01"));
        };
        if hundredths(self.in_force.weight_percent).is_some_and(|now| wanted < now) {
            let now = self.in_force.weight_percent;
            return Err(format!(
                "the next weight is {next}% ({bound} bound), below the {now}% in force: this gate only raises, lower it by hand"
            ));
        }
        Ok(format!("{next}% ({bound} bound)"))
    }

    /// The next rung above the weight in force, and never more; not less either, for the ladder is what was agreed on.
    fn ladder(self) -> Found {
        let (now, next) = (self.in_force.weight_percent, self.verdict.next_weight_percent);
        let (Some(from), Some(to)) = (hundredths(now), hundredths(next)) else {
            return Err("one of the weights is no percentage".to_owned());
        };
        if to <= from {
            return Ok("nothing to climb".to_owned());
        }
        let rungs = self.policy.ladder_percent.iter().filter_map(|rung| hundredths(*rung));
        match rungs.filter(|rung| *rung > from).min() {
            Some(rung) if rung == to => Ok(format!("{next}% is the next rung above {now}%")),
            Some(rung) => {
                let rung = f64::from(rung) / 100.0;
                Err(format!(
                    "the next rung above {now}% is {rung}%, not {next}%: see ladder_percent in the gate's policy"
                ))
            }
            None => Err(format!("{now}% is the top of the ladder: see ladder_percent in the gate's policy")),
        }
    }

    fn cool_down(self) -> Found {
        let cool_down = self.policy.cool_down;
        let Some(raised_us) = self.in_force.changed_at_us.max(self.situation.history.raised_at_us) else {
            return Ok("no raise is known".to_owned());
        };
        let passed_us = self.situation.now_us.saturating_sub(raised_us);
        if passed_us < -CLOCK_SKEW_US {
            return Err(format!(
                "the last raise was at {}, which is in the future: check the clocks",
                instant(raised_us)
            ));
        }
        let wait_us = i64::try_from(cool_down.as_micros()).unwrap_or(i64::MAX);
        if passed_us.max(0) < wait_us {
            return Err(format!(
                "the last change was {} ago, less than {}: wait",
                span_us(passed_us.max(0)),
                span(cool_down)
            ));
        }
        Ok(format!("the last change was {} ago, at least {} is asked for", span_us(passed_us.max(0)), span(cool_down)))
    }

    fn unused(self) -> Found {
        match self.situation.history.used_at_us {
            None => Ok("this evidence has raised nothing yet".to_owned()),
            Some(at_us) => {
                Err(format!("this evidence raised the weight at {} already: evaluate newer records", instant(at_us)))
            }
        }
    }

    fn freeze(self) -> Found {
        match self.policy.freeze.iter().find(|freeze| freeze.is_open(self.situation.now_us)) {
            Some(freeze) => Err(format!("nothing is raised now: {freeze}")),
            None if self.policy.freeze.is_empty() => Ok("no window is declared".to_owned()),
            None => Ok(format!("none of {} windows is open", self.policy.freeze.len())),
        }
    }

    fn kill_switch(self) -> Found {
        if self.situation.killed {
            return Err("the kill switch is pulled, or cannot be read".to_owned());
        }
        let has = self.policy.kill_switch.is_some() || self.policy.kill_switch_variable.is_some();
        Ok(if has { "not pulled" } else { "there is none" }.to_owned())
    }
}

/// What no GO of the judge can hold: a failure, or a pass that its own numbers do not bear out.
fn contradicts_go(guardrail: &Guardrail) -> bool {
    let passes = matches!(guardrail.state, State::Pass | State::PassRegressed);
    let fails = matches!(guardrail.state, State::Fail | State::Futile);
    let proven = guardrail.upper.is_some_and(|upper| upper.is_finite() && upper < guardrail.margin);
    fails || (guardrail.decides && !passes) || (passes && !proven)
}

fn short(fingerprint: &str) -> String {
    fingerprint.chars().take(16).collect()
}

fn instant(us: i64) -> String {
    Timestamp::from_microsecond(us).map_or_else(|_| "an unreadable time".to_owned(), |at| format!("{at:.0}"))
}

fn span(length: Duration) -> String {
    span_us(i64::try_from(length.as_micros()).unwrap_or(i64::MAX))
}

/// A length of time with its two largest units.
fn span_us(us: i64) -> String {
    let seconds = us / 1_000_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let two = |large: i64, name: &str, small: i64, small_name: &str| match small {
        0 => format!("{large}{name}"),
        _ => format!("{large}{name} {small}{small_name}"),
    };
    match seconds {
        86_400.. => two(days, "d", hours, "h"),
        3600.. => two(hours, "h", minutes, "m"),
        60.. => two(minutes, "m", seconds % 60, "s"),
        _ => format!("{seconds}s"),
    }
}
