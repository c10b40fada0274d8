//! The mode that follows latencies instead of evidence, for those who asked for it by name. Every line says so.
//!
//! It takes nothing back that was proven: once somebody or the gateway's live guard has rolled back, the weight rises again only
//! after somebody has set it by hand. Falling it goes on to follow.

use super::leader::Standing;
use super::{Flight, Looked, act};
use crate::cmd::gate::{Means, Swapped};
use crate::outcome::Failure;
use gate::adjust::{self, Adjusted, Arm, Mode};
use gate::audit::{Entry, What};
use gate::pilot::History;
use gateway::admin::{MigrationState, WeightChange};

/// Reads the means, and goes one step.
///
/// # Errors
/// The gateway or the log did not do it.
pub(super) async fn look(
    flight: &mut Flight,
    state: &MigrationState,
    standing: &Standing,
    (history, policy): (&History, adjust::Policy),
) -> Result<Looked, Failure> {
    let recent = flight.plane.recent(&state.name).await?;
    // Hundredths of a percent, at most 10 000.
    let now = (state.weight_percent * 100.0).round() as u16;
    let baseline = arm(&recent.baseline, policy.mode, 10_000 - now.min(10_000));
    let candidate = arm(&recent.candidate, policy.mode, now);
    let Adjusted { to_hundredths, why } = adjust::adjust(now, baseline, candidate, &policy);
    let to = f64::from(to_hundredths) / 100.0;
    // The next step follows on new calls: a look never follows at once.
    let looked = |epoch| Looked { decision: None, moved: false, at_the_top: true, epoch };
    if to_hundredths == now {
        flight.memory.teller.say(&format!("{to}% stays: {why}"));
        return Ok(looked(state.epoch));
    }
    if to_hundredths > now
        && let Some(why) = held_down(history)
    {
        flight.memory.teller.say(&why);
        return Ok(looked(state.epoch));
    }
    if flight.dry_run {
        flight.memory.teller.say(&format!("would set {to}%: {why}"));
        return Ok(looked(state.epoch));
    }
    let fence = match standing {
        Standing::Leads(fence) => Some(*fence),
        _ if to_hundredths > now => {
            flight.memory.teller.say("nobody leads, so nothing is raised");
            return Ok(looked(state.epoch));
        }
        _ => None,
    };
    let line = Entry { to_percent: Some(to), why: why.clone(), ..flight.entry(What::Set, state) };
    let raises = to_hundredths > now;
    if raises {
        act::append(&flight.log, &line).await?;
    }
    let change = WeightChange { weight_percent: to, reason: why.clone() };
    match flight.plane.swap(state, &change, fence).await? {
        Swapped::Done(new) => {
            if !raises {
                act::append(&flight.log, &Entry { epoch: Some(new.epoch), ..line }).await?;
            }
            flight.memory.teller.say(&format!("set from {}% to {to}%: {why}", state.weight_percent));
            Ok(looked(new.epoch))
        }
        Swapped::Epoch | Swapped::Fenced => {
            let why = "somebody else has changed the weight or leads";
            let failure = Entry {
                to_percent: Some(state.weight_percent),
                why: why.to_owned(),
                ..flight.entry(What::Failure, state)
            };
            act::append(&flight.log, &failure).await?;
            Err(Failure::world(why))
        }
    }
}

/// Why nothing rises after a rollback.
fn held_down(history: &History) -> Option<String> {
    (history.rollbacks() > 0).then(|| "it was rolled back: set a weight by hand to go on".to_owned())
}

fn arm(means: &Means, mode: Mode, share_hundredths: u16) -> Arm {
    let mean = match mode {
        Mode::Latency => means.mean_duration_us,
        Mode::FirstToken => means.mean_first_token_us,
        Mode::InFlight => adjust::in_flight_mean(means.in_flight, share_hundredths),
    };
    Arm { calls: means.calls, failures: means.failures, mean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_is_not_undone_until_somebody_sets_a_weight() {
        let entry = |what, who: &str, (from, to): (f64, f64), epoch| Entry {
            at: "2026-11-23T12:00:00Z".to_owned(),
            what,
            who: who.to_owned(),
            replica: None,
            migration: "m".to_owned(),
            target: "t".to_owned(),
            from_percent: Some(from),
            to_percent: Some(to),
            epoch: Some(epoch),
            why: String::new(),
            evidence: None,
        };
        let mut history = History::of("m", vec![entry(What::Set, "autopilot", (1.0, 6.0), 1)]);
        assert_eq!(held_down(&history), None);
        history.push(entry(What::Rollback, "live-guard", (6.0, 1.0), 2));
        history.push(entry(What::Set, "config", (1.0, 0.0), 3));
        assert!(held_down(&history).is_some());
        history.push(entry(What::Set, "console", (0.0, 1.0), 4));
        assert_eq!(held_down(&history), None);
    }
}
