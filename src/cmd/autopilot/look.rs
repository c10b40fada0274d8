//! One look: who leads, what is in force, what happened, what the records say, and the move that follows.

use super::act::{self, Act};
use super::judging::{self, Judged};
use super::leader::Standing;
use super::money::Ledger;
use super::records::{self, Extent, File};
use super::tell::Teller;
use super::{Flight, Looked, adjusting, shelf};
use crate::cmd::gate::{AdminPlane, Change};
use crate::outcome::{Exit, Failure};
use gate::adjust::NOT_EVIDENCE;
use gate::audit::{Entry, Evidence, What};
use gate::pilot::{self, History, Move, Spent};
use gate::{InForce, rule};
use gateway::admin::MigrationState;
use judge::verdict::Decision;
use std::path::Path;
use std::sync::Arc;

/// The files that were judged, and the first epoch that counted.
type Seen = (Vec<File>, u64);

/// What one look leaves for the next. All of it can be lost: it only saves work and words.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Evidence that was judged last, and what came of it.
    judged: Option<(Seen, Arc<Judged>)>,
    ledger: Ledger,
    /// The last verdict's answer: a report is written when it changes.
    decision: Option<Decision>,
    /// The lead that was logged last.
    led: Option<u64>,
    pub teller: Teller,
}

impl Memory {
    pub(super) fn begin(out: &Path) -> Self {
        Self { decision: shelf::last_decision(out), ..Self::default() }
    }
}

impl Flight {
    /// See the module's text.
    ///
    /// # Errors
    /// Something could not be read or done; nothing was raised that is not logged.
    pub(super) async fn look(&mut self) -> Result<Looked, Failure> {
        let standing = self.leader.standing();
        let state = self.plane.migration(&self.config.migration).await?;
        if let Standing::Follows(leader) = &standing {
            self.memory.led = None;
            self.memory.teller.say(&format!("waiting: {leader} leads"));
            return Ok(Looked { decision: None, moved: false, at_the_top: false, epoch: state.epoch });
        }
        let history = self.history(&state, &standing).await;
        if let Some(policy) = self.config.adjust {
            return adjusting::look(self, &state, &standing, (&history?, policy)).await;
        }
        // Without the log nothing rises, and what does harm still falls.
        let (history, unlogged) = match history {
            Ok(history) => (history, None),
            Err(failure) => (History::default(), Some(failure)),
        };
        let files = self.files().await?;
        let judged = self.judged(&files, &state, &history).await;
        let spent = self.spent(&files).await;
        let known = spent.as_ref().ok().copied().flatten();
        let mut decided = self.decide(&state, &history, (judged.as_ref(), known), &standing);
        if let (true, Some(failure)) = (decided.next.is_raise(), &unlogged) {
            decided.next = Move::Wait(format!("nothing is raised without a log: {}", failure.message));
        }
        let looked = self.carry_out(&state, &standing, judged.as_ref().ok(), decided).await?;
        // What went wrong beside it is told after what could be done. A verdict that cannot be made yet, or not of these
        // records, was told as the reason for waiting.
        let judging = judged.err().filter(|failure| failure.exit != Exit::Usage);
        match unlogged.or(spent.err()).or(judging) {
            Some(failure) => Err(failure),
            None => Ok(looked),
        }
    }

    /// What was decided so far: the log, with what the gateway's trail knows beyond it.
    async fn history(&mut self, state: &MigrationState, standing: &Standing) -> Result<History, Failure> {
        let migration = &self.config.migration;
        let log = self.log.clone();
        let entries = blocking(move || log.read().map_err(Failure::world)).await?;
        let mut history = History::of(migration, entries);
        if *standing == Standing::Watches {
            return Ok(history);
        }
        if let Standing::Leads(fence) = standing
            && self.memory.led.replace(*fence) != Some(*fence)
        {
            let why = format!("{} leads from now on, with fence {fence}", self.leader.holder());
            let entry = Entry { why, ..self.entry(What::Lead, state) };
            self.append(&mut history, entry).await?;
        }
        let trail = self.plane.trail().await?;
        for change in trail.iter().filter(|change| change.migration == *migration) {
            if let Some(entry) = seen(change, &history, self.plane.shown()) {
                self.append(&mut history, entry).await?;
            }
        }
        if let Some(raise) = history.unfinished(state.epoch).cloned() {
            let why = format!("the raise of {} was not made: its epoch is in force still", raise.at);
            let failure = Entry {
                to_percent: raise.from_percent,
                evidence: raise.evidence,
                why,
                ..self.entry(What::Failure, state)
            };
            self.append(&mut history, failure).await?;
        }
        Ok(history)
    }

    async fn append(&self, history: &mut History, entry: Entry) -> Result<(), Failure> {
        act::append(&self.log, &entry).await?;
        history.push(entry);
        Ok(())
    }

    async fn files(&self) -> Result<Vec<File>, Failure> {
        let paths = self.config.records.clone();
        blocking(move || records::list(&paths)).await
    }

    /// The verdict on the evidence there is, published if it is new.
    async fn judged(
        &mut self,
        files: &[File],
        state: &MigrationState,
        history: &History,
    ) -> Result<Arc<Judged>, Failure> {
        let since_epoch = history.since_epoch();
        let hours = self.config.policy.evidence.max_age_hours;
        // A cast saturates.
        let extent = Extent { epoch: state.epoch, since_epoch, max_age_us: (hours * 3.6e9) as i64 };
        let key = (records::evidence(files, extent), since_epoch);
        if let Some((known, judged)) = &self.memory.judged
            && *known == key
        {
            return Ok(Arc::clone(judged));
        }
        let judged = Arc::new(judging::judge(&self.config, &key.0, since_epoch).await?);
        if !self.dry_run {
            shelf::put_latest(&self.config.out, &judged.text)?;
            let published = self.plane.publish(&self.config.migration, &judged.text).await;
            if let Err(failure) = published {
                super::tell::note(&format!("the gateway did not take the verdict: {}", failure.message));
            }
        }
        self.memory.judged = Some((key, Arc::clone(&judged)));
        Ok(judged)
    }

    /// What copies have cost, where there is a budget.
    async fn spent(&mut self, files: &[File]) -> Result<Option<Spent>, Failure> {
        if self.config.pilot.copies_budget_nanos.is_none() {
            return Ok(None);
        }
        let (config, files) = (Arc::clone(&self.config), files.to_vec());
        let mut ledger = std::mem::take(&mut self.memory.ledger);
        let (ledger, spent) = blocking(move || {
            let now = jiff::Timestamp::now();
            let spent = ledger.spent(&files, &config.migration, &config.tariffs, config.period, now);
            Ok((ledger, spent))
        })
        .await?;
        self.memory.ledger = ledger;
        spent.map(Some).map_err(Failure::world)
    }

    /// Pure, but for the kill switch and the clock.
    fn decide(
        &self,
        state: &MigrationState,
        history: &History,
        (judged, spent): (Result<&Arc<Judged>, &Failure>, Option<Spent>),
        standing: &Standing,
    ) -> Act {
        let now_us = jiff::Timestamp::now().as_microsecond();
        let in_force = in_force(&self.plane, state);
        let gated = judged.ok().map(|judged| {
            let opened = &judged.opened;
            let evidence = Evidence::of(&opened.verdict, &opened.digest, &opened.signed);
            let policy = &self.config.gate_policy;
            let situation = rule::Situation {
                now_us,
                signed: &opened.signed,
                killed: policy.killed(|name| std::env::var_os(name)).is_some(),
                history: gate::state::History::of(
                    history.entries(),
                    &self.config.migration,
                    &in_force.target,
                    &evidence,
                ),
            };
            (rule::decide(&opened.verdict, &in_force, policy, situation), evidence)
        });
        let judged = judged.map(|judged| (&judged.opened.verdict, judged.since_epoch));
        let situation = pilot::Situation {
            migration: &self.config.migration,
            judged: match (judged, &gated) {
                (Ok((verdict, since_epoch)), Some((gate, _))) => Ok(pilot::Judged { verdict, gate, since_epoch }),
                (Err(failure), _) => Err(&failure.message),
                (Ok(_), None) => Err("the gate was not asked"),
            },
            in_force: &in_force,
            shadow_paused: state.shadow_paused.as_ref().map(|pause| pause.reason.as_str()),
            history,
            spent,
            now_us,
        };
        let mut next = pilot::decide(&situation, &self.config.pilot);
        if let (true, Standing::Unknown(why)) = (next.is_raise(), standing) {
            next = Move::Wait(format!("nobody leads, so nothing is raised: {why}"));
        }
        let at_the_top = gated.as_ref().is_some_and(|(gate, _)| gate.obstacle().is_none());
        Act { next, evidence: gated.map(|(_, evidence)| evidence), at_the_top }
    }

    /// Moves, says so, and writes a report where something was decided.
    async fn carry_out(
        &mut self,
        state: &MigrationState,
        standing: &Standing,
        judged: Option<&Arc<Judged>>,
        act: Act,
    ) -> Result<Looked, Failure> {
        let decision = judged.map(|judged| judged.opened.verdict.verdict);
        let word = decision.map_or("no verdict", Decision::word);
        let done = act::carry_out(self, state, standing, &act).await?;
        let is_new = self.memory.teller.say(&format!("{word} at {}%: {}", state.weight_percent, done.told));
        let turned = decision.is_some() && decision != self.memory.decision;
        if let Some(judged) = judged.filter(|_| !self.dry_run && (done.moved || turned)) {
            let what = if done.moved { act.next.name() } else { format!("verdict-{}", word.to_lowercase()) };
            let (out, kept) = (&self.config.out, self.config.reports_kept);
            let folder = shelf::report(out, &what, &judged.opened.verdict, &judged.text, kept).await?;
            super::tell::note(&format!("report {}", folder.display()));
        }
        if is_new && self.dry_run && act.next.to_percent().is_some() {
            self.log_dry_run(state, &act).await?;
        }
        self.memory.decision = decision.or(self.memory.decision);
        Ok(Looked { decision, moved: done.moved, at_the_top: act.at_the_top, epoch: state.epoch })
    }

    async fn log_dry_run(&self, state: &MigrationState, act: &Act) -> Result<(), Failure> {
        let entry = Entry {
            to_percent: act.next.to_percent(),
            evidence: act.evidence.clone(),
            why: format!("would do: {}", act.next.name()),
            ..self.entry(What::DryRun, state)
        };
        act::append(&self.log, &entry).await
    }

    /// An entry about what is in force, to be filled in.
    pub(super) fn entry(&self, what: What, state: &MigrationState) -> Entry {
        Entry {
            at: jiff::Timestamp::now().to_string(),
            what,
            who: "autopilot".to_owned(),
            replica: Some(self.leader.holder().to_owned()),
            migration: self.config.migration.clone(),
            target: self.plane.shown().to_owned(),
            from_percent: Some(state.weight_percent),
            to_percent: None,
            epoch: None,
            why: String::new(),
            evidence: None,
        }
    }
}

fn in_force(plane: &AdminPlane, state: &MigrationState) -> InForce {
    InForce {
        target: plane.shown().to_owned(),
        migration: Some(state.name.clone()),
        weight_percent: state.weight_percent,
        shadow_percent: Some(state.shadow_percent),
        epoch: Some(state.epoch),
        generation: None,
        changed_at_us: i64::try_from(state.epoch).ok().and_then(|ms| ms.checked_mul(1000)),
    }
}

/// The line for a change of the gateway's trail that the log does not have: what others did, and what this one did last before
/// it was killed.
fn seen(change: &Change, history: &History, target: &str) -> Option<Entry> {
    let is_weight = matches!(change.what.as_str(), "weight" | "rollback");
    let is_ours = change.who == "autopilot";
    if !is_weight
        || history.knows_epoch(change.epoch)
        || (is_ours && history.announces(change.to_percent, change.epoch))
    {
        return None;
    }
    let falls = change.to_percent < change.from_percent;
    let what = match (change.what.as_str(), change.who.as_str()) {
        ("rollback", _) => What::Rollback,
        _ if change.reason.starts_with(NOT_EVIDENCE) => What::Set,
        (_, "autopilot") if falls && change.to_percent > 0.0 => What::Lower,
        (_, "autopilot") if falls => What::Rollback,
        (_, "autopilot") => What::Raise,
        _ => What::Set,
    };
    Some(Entry {
        at: change.at.clone(),
        what,
        who: change.who.clone(),
        replica: change.replica.clone(),
        migration: change.migration.clone(),
        target: target.to_owned(),
        from_percent: Some(change.from_percent),
        to_percent: Some(change.to_percent),
        epoch: Some(change.epoch),
        why: format!("seen in the gateway's trail: {}", change.reason),
        evidence: None,
    })
}

/// What would hold up the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Failure { exit: Exit::Bug, message: "work in the background panicked".to_owned() })?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(what: &str, who: &str, (from_percent, to_percent): (f64, f64), epoch: u64) -> Change {
        Change {
            at: "2026-11-23T12:00:00Z".into(),
            migration: "m".into(),
            what: what.into(),
            from_percent,
            to_percent,
            epoch,
            reason: "r".into(),
            who: who.into(),
            replica: None,
        }
    }

    #[test]
    fn what_the_gateway_tells_and_the_log_does_not_know_is_logged_once() {
        let mut history = History::of("m", Vec::new());
        for (what, who, weights, expected) in [
            ("rollback", "live-guard", (10.0, 0.0), What::Rollback),
            ("weight", "token", (0.0, 5.0), What::Set),
            ("weight", "autopilot", (10.0, 5.0), What::Lower),
            ("weight", "autopilot", (5.0, 0.0), What::Rollback),
            ("weight", "autopilot", (0.0, 1.0), What::Raise),
        ] {
            let epoch = 7 + history.entries().len() as u64;
            let change = change(what, who, weights, epoch);
            let entry = seen(&change, &history, "t").unwrap();
            assert_eq!((entry.what, entry.who.as_str(), entry.epoch), (expected, who, Some(epoch)));
            history.push(entry);
            assert_eq!(seen(&change, &history, "t"), None);
        }
        assert_eq!(seen(&change("shadow", "token", (1.0, 0.0), 99), &history, "t"), None);
        // The line of a raise was written before the raise, without its epoch.
        let mut raise = seen(&change("weight", "autopilot", (1.0, 5.0), 50), &history, "t").unwrap();
        (raise.epoch, raise.evidence) = (None, Some(evidence(40)));
        history.push(raise);
        assert_eq!(seen(&change("weight", "autopilot", (1.0, 5.0), 50), &history, "t"), None);
        assert!(seen(&change("weight", "autopilot", (1.0, 5.0), 40), &history, "t").is_some());
    }

    fn evidence(epoch: u64) -> Evidence {
        Evidence {
            verdict: Decision::Go,
            digest: String::new(),
            created_at: String::new(),
            policy_digest: String::new(),
            epoch,
            weight_percent: 1.0,
            signed_by: None,
        }
    }
}
