//! Carrying a move out, and the line of it.
//!
//! A raise is logged before it is made: one that cannot be logged is not made. If it then does not come about, a second line says
//! so. Anything else is made before it is logged, because a full disk must not keep the candidate in traffic that it harms; a
//! line that is lost so is written at the next look from the gateway's own trail.

use super::Flight;
use super::leader::Standing;
use super::look::blocking;
use crate::cmd::gate::Swapped;
use crate::outcome::Failure;
use gate::audit::{Entry, Evidence, Log, What};
use gate::pilot::{Move, PAUSED_FOR_MONEY};
use gateway::admin::{MigrationState, WeightChange};

/// A move with what it rests on.
#[derive(Debug)]
pub(super) struct Act {
    pub next: Move,
    pub evidence: Option<Evidence>,
    /// The gate has nothing against a raise: there is none to make.
    pub at_the_top: bool,
}

/// What came of it.
pub(super) struct Done {
    pub moved: bool,
    /// For people.
    pub told: String,
}

/// Appends a line, off the async threads.
pub(super) async fn append(log: &Log, entry: &Entry) -> Result<(), Failure> {
    let (log, entry) = (log.clone(), entry.clone());
    blocking(move || log.append(&entry).map(drop).map_err(Failure::world)).await
}

/// See the module's text.
///
/// # Errors
/// The gateway or the log did not do it.
pub(super) async fn carry_out(
    flight: &Flight,
    state: &MigrationState,
    standing: &Standing,
    act: &Act,
) -> Result<Done, Failure> {
    let stays = |told: String| Ok(Done { moved: false, told });
    if let Move::Wait(why) = &act.next {
        return stays(why.clone());
    }
    if flight.dry_run {
        return stays(format!("would do: {}", act.next.name()));
    }
    match &act.next {
        Move::Wait(why) => stays(why.clone()),
        Move::PauseShadow(why) => shadow(flight, state, true, why).await,
        Move::ResumeShadow => shadow(flight, state, false, "there is money for copies again").await,
        Move::Raise(to) | Move::HoldBack(to) => raise(flight, state, standing, act, *to).await,
        Move::Finish => raise(flight, state, standing, act, 100.0).await,
        Move::Lower(to) => lower(flight, state, standing, act, *to).await,
        Move::RollBack => lower(flight, state, standing, act, 0.0).await,
    }
}

/// The reason for the gateway's trail and the log.
fn reason(act: &Act) -> String {
    let judged = act.evidence.as_ref().map_or_else(String::new, |evidence| {
        format!(
            "{} of {}, epoch {} at {}%, policy {}",
            evidence.verdict.word(),
            evidence.created_at,
            evidence.epoch,
            evidence.weight_percent,
            evidence.policy_digest
        )
    });
    format!("{}: {judged}", act.next.name())
}

async fn raise(
    flight: &Flight,
    state: &MigrationState,
    standing: &Standing,
    act: &Act,
    to: f64,
) -> Result<Done, Failure> {
    let Standing::Leads(fence) = *standing else {
        return Ok(Done { moved: false, told: "only who leads may raise".to_owned() });
    };
    let line = Entry {
        to_percent: Some(to),
        evidence: act.evidence.clone(),
        why: reason(act),
        ..flight.entry(What::Raise, state)
    };
    append(&flight.log, &line).await?;
    let failed = |to_percent, why: &str| Entry {
        to_percent,
        evidence: act.evidence.clone(),
        why: why.to_owned(),
        ..flight.entry(What::Failure, state)
    };
    let change = WeightChange { weight_percent: to, reason: reason(act) };
    let stayed = match flight.plane.swap(state, &change, Some(fence)).await {
        Ok(Swapped::Done(new)) => {
            return Ok(Done { moved: true, told: format!("{} to {to}%, epoch {}", verb(&act.next), new.epoch) });
        }
        Ok(Swapped::Epoch) => "not raised: somebody else has changed the weight meanwhile",
        Ok(Swapped::Fenced) => "not raised: this autopilot does not lead any more",
        Err(failure) => {
            // Whether it was made is not known: the next look sees it.
            append(&flight.log, &failed(None, &failure.message)).await?;
            return Err(failure);
        }
    };
    append(&flight.log, &failed(Some(state.weight_percent), stayed)).await?;
    Ok(Done { moved: false, told: stayed.to_owned() })
}

async fn lower(
    flight: &Flight,
    state: &MigrationState,
    standing: &Standing,
    act: &Act,
    to: f64,
) -> Result<Done, Failure> {
    // Where nobody knows who leads, this gateway's epoch alone decides: less traffic is never the wrong thing to do twice.
    let fence = if let Standing::Leads(fence) = standing { Some(*fence) } else { None };
    let change = WeightChange { weight_percent: to, reason: reason(act) };
    match flight.plane.swap(state, &change, fence).await? {
        Swapped::Done(new) => {
            let what = if to > 0.0 { What::Lower } else { What::Rollback };
            let line = Entry {
                to_percent: Some(to),
                epoch: Some(new.epoch),
                evidence: act.evidence.clone(),
                why: reason(act),
                ..flight.entry(what, state)
            };
            append(&flight.log, &line).await?;
            Ok(Done { moved: true, told: format!("{} to {to}%, epoch {}", verb(&act.next), new.epoch) })
        }
        // Looked at again at once.
        Swapped::Epoch => Err(Failure::world("not lowered: somebody else has changed the weight meanwhile")),
        Swapped::Fenced => {
            Ok(Done { moved: false, told: "not lowered: this autopilot does not lead any more".to_owned() })
        }
    }
}

async fn shadow(flight: &Flight, state: &MigrationState, paused: bool, why: &str) -> Result<Done, Failure> {
    let reason = format!("{PAUSED_FOR_MONEY}{why}");
    flight.plane.pause_shadow(&state.name, paused, &reason).await?;
    let what = if paused { What::ShadowPause } else { What::ShadowResume };
    let line = Entry { from_percent: None, why: why.to_owned(), ..flight.entry(what, state) };
    append(&flight.log, &line).await?;
    let told = if paused { "the shadow is paused" } else { "the shadow goes on" };
    Ok(Done { moved: true, told: format!("{told}: {why}") })
}

const fn verb(next: &Move) -> &'static str {
    match next {
        Move::HoldBack(_) => "raised, but for the hold-back,",
        Move::Finish => "finished: raised",
        Move::Raise(_) => "raised",
        Move::RollBack => "rolled back",
        Move::Lower(_) => "lowered",
        Move::Wait(_) | Move::PauseShadow(_) | Move::ResumeShadow => "moved",
    }
}
