//! One look: judge, ask the gate, ask the pilot, log, do.

use super::{Ramp, bug};
use crate::cmd::demo::files;
use crate::cmd::evaluate;
use crate::outcome::Failure;
use ::gate::audit::{Entry, Evidence, What};
use ::gate::pilot::{self, Judged, Move};
use ::gate::rule;
use ::gate::signature::{self, Opened};
use ::gate::state::{History, InForce};
use evaluator::{Options, output};
use gateway::admin::{MigrationState, WeightChange};
use judge::verdict::Verdict;

impl Ramp<'_> {
    /// Looks once; `true` when the story has reached its end.
    pub(super) async fn look(&mut self) -> Result<bool, Failure> {
        let verdict = self.judge().await?;
        let opened = self.signed(&verdict)?;
        let state = self.state().await?;
        let (gate, mv) = self.decide(&opened, &state)?;
        self.keep(&opened, &mv)?;
        let word = verdict.verdict.word();
        let is_end = match (&mv, mv.to_percent()) {
            (_, Some(to)) => {
                let why = if mv.is_raise() { gate.why.clone() } else { reason(&verdict) };
                self.carry_out(&opened, &state, &mv, to, &why).await?;
                self.say(
                    state.weight_percent,
                    word,
                    &format!("{} to {to}%", if mv.is_raise() { "raised" } else { "lowered" }),
                );
                false
            }
            (Move::Wait(why), None) => {
                let mut entry = self.entry(What::Stay, Some((state.weight_percent, state.weight_percent)), why);
                entry.evidence = Some(Evidence::of(&opened.0.verdict, &opened.0.digest, &opened.0.signed));
                self.append(&entry)?;
                self.say(state.weight_percent, word, why);
                state.weight_percent >= 98.0 && verdict.verdict == judge::verdict::Decision::Go
            }
            (_, None) => false,
        };
        self.verdict = Some(verdict);
        Ok(is_end)
    }

    /// All records that are evidence, judged.
    pub(super) async fn judge(&self) -> Result<Verdict, Failure> {
        let stage = self.stage;
        let mut options = Options::new(stage.policy.clone(), env!("CARGO_PKG_VERSION"));
        options.tariffs = Some(stage.prices.tariffs()?);
        options.since_epoch = self.past()?.since_epoch();
        let records = stage.out.join("records.ndjson");
        let judged = tokio::task::spawn_blocking(move || evaluator::evaluate(&[records], &options));
        let outcome = judged.await.map_err(bug)?.map_err(|error| evaluate::failure(&error))?;
        Ok(outcome.verdict)
    }

    fn past(&self) -> Result<pilot::History, Failure> {
        Ok(pilot::History::of(files::MIGRATION, self.log.read().map_err(Failure::world)?))
    }

    /// The verdict as a file that is signed, read again as the gate reads it.
    fn signed(&self, verdict: &Verdict) -> Result<(Opened, String), Failure> {
        let text = signature::sign(output::to_json(verdict).as_bytes(), &self.stage.sign_key).map_err(bug)?;
        let opened =
            signature::open(text.as_bytes(), std::slice::from_ref(self.stage.sign_key.public())).map_err(bug)?;
        Ok((opened, text))
    }

    fn target(&self) -> String {
        self.stage.plane.shown().to_owned()
    }

    /// What the gate and the pilot say.
    fn decide(
        &self,
        (opened, _): &(Opened, String),
        state: &MigrationState,
    ) -> Result<(rule::Decision, Move), Failure> {
        let in_force = InForce {
            target: self.target(),
            migration: Some(state.name.clone()),
            weight_percent: state.weight_percent,
            shadow_percent: Some(state.shadow_percent),
            epoch: Some(state.epoch),
            generation: None,
            changed_at_us: i64::try_from(state.epoch).ok().map(|epoch| epoch.saturating_mul(1000)),
        };
        let now_us = jiff::Timestamp::now().as_microsecond();
        let past = self.past()?;
        let evidence = Evidence::of(&opened.verdict, &opened.digest, &opened.signed);
        let history = History::of(past.entries(), files::MIGRATION, &in_force.target, &evidence);
        let situation = rule::Situation { now_us, signed: &opened.signed, killed: false, history };
        let gate = rule::decide(&opened.verdict, &in_force, &self.gate, situation);
        let judged = Judged { verdict: &opened.verdict, gate: &gate, since_epoch: past.since_epoch() };
        let mv = pilot::decide(
            &pilot::Situation {
                migration: files::MIGRATION,
                judged: Ok(judged),
                in_force: &in_force,
                shadow_paused: state.shadow_paused.as_ref().map(|pause| pause.reason.as_str()),
                history: &past,
                spent: None,
                now_us,
            },
            &self.pilot,
        );
        Ok((gate, mv))
    }

    /// The look's folder: the verdict always, its report where something follows or the answer changed.
    fn keep(&mut self, (opened, text): &(Opened, String), mv: &Move) -> Result<(), Failure> {
        self.looks += 1;
        let folder = self.stage.out.join(files::LOOKS).join(format!("{:04}-{}", self.looks, mv.name()));
        std::fs::create_dir_all(&folder).map_err(Failure::world)?;
        evaluate::write(&folder.join("verdict.json"), text.as_bytes())?;
        if mv.to_percent().is_some() || self.reported != Some(opened.verdict.verdict) {
            let options = reports::Options { pictures: false, ..reports::Options::default() };
            reports::write(&opened.verdict, &folder, options).map_err(Failure::world)?;
            self.reported = Some(opened.verdict.verdict);
        }
        Ok(())
    }

    /// A raise is logged before it is made, and not made if it cannot be logged; what takes traffic away is made first.
    async fn carry_out(
        &self,
        (opened, _): &(Opened, String),
        state: &MigrationState,
        mv: &Move,
        to: f64,
        why: &str,
    ) -> Result<(), Failure> {
        let from = state.weight_percent;
        let what = if mv.is_raise() {
            What::Raise
        } else if to > 0.0 {
            What::Lower
        } else {
            What::Rollback
        };
        let mut entry = self.entry(what, Some((from, to)), why);
        entry.evidence = Some(Evidence::of(&opened.verdict, &opened.digest, &opened.signed));
        if mv.is_raise() {
            self.append(&entry)?;
            if self.set(state, to, why).await?.is_none() {
                return self.note(What::Failure, Some((from, from)), "somebody else changed the weight meanwhile");
            }
            return Ok(());
        }
        entry.epoch = self.set(state, to, why).await?.map(|state| state.epoch);
        self.append(&entry)
    }

    pub(super) async fn state(&self) -> Result<MigrationState, Failure> {
        let state = self.stage.plane.weight(files::MIGRATION).await?;
        state.ok_or_else(|| bug("the gateway lost its migration"))
    }

    /// Sets the weight if the epoch is still the one that was read; `None` if not.
    pub(super) async fn set(
        &self,
        state: &MigrationState,
        to: f64,
        why: &str,
    ) -> Result<Option<MigrationState>, Failure> {
        let reason = why.chars().take(200).collect();
        self.stage.plane.raise(&state.name, state.epoch, WeightChange { weight_percent: to, reason }).await
    }

    pub(super) fn entry(&self, what: What, weights: Option<(f64, f64)>, why: &str) -> Entry {
        Entry {
            at: jiff::Timestamp::now().to_string(),
            what,
            who: "autopilot".to_owned(),
            replica: None,
            migration: files::MIGRATION.to_owned(),
            target: self.target(),
            from_percent: weights.map(|(from, _)| from),
            to_percent: weights.map(|(_, to)| to),
            epoch: None,
            why: why.to_owned(),
            evidence: None,
        }
    }

    pub(super) fn append(&self, entry: &Entry) -> Result<(), Failure> {
        self.log.append(entry).map(|_| ()).map_err(Failure::world)
    }

    pub(super) fn note(&self, what: What, weights: Option<(f64, f64)>, why: &str) -> Result<(), Failure> {
        self.append(&self.entry(what, weights, why))
    }
}

fn reason(verdict: &Verdict) -> String {
    verdict.reasons.first().cloned().unwrap_or_else(|| verdict.verdict.word().to_owned())
}
