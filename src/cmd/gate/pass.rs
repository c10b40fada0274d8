//! One passage of the gate: read, decide, log, carry out.
//!
//! **The log comes first.** A raise is written to the audit log before it is carried out, and it is carried out only if the line
//! is on disk: a disk that refuses means that nothing is raised, and no raise is ever missing from the log. What can be there too
//! much is a line: if the process is killed in between, the log tells of a raise that nobody made. That errs to the safe side:
//! the verdict counts as used, cool-down begins, and the next verdict is judged at the weight that really is in force. The
//! other order could lose a raise that clients have met, which no later line could make good.
//!
//! If the target refuses, a second line says so (`failure`): with the old weight behind it where the weight certainly stayed,
//! with none where nobody knows.

use super::place::{NotChanged, Place};
use crate::outcome::{Exit, Failure};
use ::gate::audit::{Entry, Evidence, Head, Log, What};
use ::gate::rule::{Decision, Situation, Step, decide};
use ::gate::signature::Opened;
use ::gate::{History, InForce, Policy};
use judge::verdict::Decision as Answer;
use std::ffi::OsString;
use targets::{Because, Found, Plan, Wanted};

/// What is asked.
pub(super) struct Question<'a> {
    pub place: Place<'a>,
    pub opened: &'a Opened,
    pub policy: &'a Policy,
    /// Looks an environment variable up, for the kill switch, which is looked at when it matters: after what takes time.
    pub variable: fn(&str) -> Option<OsString>,
    pub log: &'a Log,
    /// Mirrored share that is wanted with a raise, percent.
    pub mirror_percent: Option<f64>,
    /// Carry it out. Without it, only say what would happen.
    pub apply: bool,
    /// What is in force was told and not read: no change can be tied to it.
    pub told: bool,
}

/// What the gate did or would do.
pub(crate) struct Passed {
    /// In a sentence or two.
    pub text: String,
    pub exit: Exit,
    /// The weight was raised.
    pub raised: bool,
    /// The weight before, percent.
    pub from_percent: Option<f64>,
    /// The weight that a raise goes to, percent.
    pub to_percent: Option<f64>,
    /// Every check; `None` where there was no weight to ask about.
    pub decision: Option<Decision>,
    /// The exact change as people read it, where there is one.
    pub change: Option<String>,
    /// What else the target says.
    pub notes: Vec<String>,
    /// The log behind it.
    pub head: Head,
}

impl Question<'_> {
    /// Decides, and carries it out if told to.
    pub(super) async fn answer(self) -> Result<Passed, Failure> {
        let migration = &self.opened.verdict.migration;
        let Some(found) = self.place.read(migration).await? else {
            let text = format!("left alone: the gateway at {} has no migration {migration}", self.place.shown());
            return self.left_alone(None, None, text, Exit::Hold);
        };
        let mut judged = found.in_force.clone();
        if self.told {
            judged.generation.get_or_insert_with(|| "what --in-force says".to_owned());
        }
        let decision = self.decide(&judged)?;
        let from = found.in_force.weight_percent;
        match decision.step {
            Step::Raise { to_percent } => self.raise(found, decision, to_percent).await,
            Step::Stay => {
                let exit = match decision.obstacle() {
                    _ if self.opened.verdict.verdict == Answer::NoGo => Exit::NoGo,
                    Some(_) => Exit::Hold,
                    None => Exit::Done,
                };
                let text = format!("left alone: {}", decision.why);
                self.left_alone(Some(from), Some(decision), text, exit)
            }
        }
    }

    fn decide(&self, in_force: &InForce) -> Result<Decision, Failure> {
        let verdict = &self.opened.verdict;
        let entries = self.log.read().map_err(Failure::world)?;
        let history = History::of(&entries, &verdict.migration, self.place.shown(), &self.evidence());
        let situation = Situation {
            now_us: jiff::Timestamp::now().as_microsecond(),
            signed: &self.opened.signed,
            killed: self.killed().is_some(),
            history,
        };
        Ok(decide(verdict, in_force, self.policy, situation))
    }

    /// Why the kill switch counts as pulled, if it does.
    fn killed(&self) -> Option<String> {
        self.policy.killed(self.variable)
    }

    fn evidence(&self) -> Evidence {
        Evidence::of(&self.opened.verdict, &self.opened.digest, &self.opened.signed)
    }

    fn entry(&self, what: What, from_percent: Option<f64>, to_percent: Option<f64>, why: &str) -> Entry {
        let policy: String = self.policy.digest().chars().take(12).collect();
        Entry {
            at: jiff::Timestamp::now().to_string(),
            what,
            who: "gate".to_owned(),
            replica: None,
            migration: self.opened.verdict.migration.clone(),
            target: self.place.shown().to_owned(),
            from_percent,
            to_percent,
            epoch: None,
            why: format!("{why} (gate policy {policy})"),
            evidence: Some(self.evidence()),
        }
    }

    fn write(&self, entry: &Entry) -> Result<Head, Failure> {
        self.log.append(entry).map_err(|error| Failure::world(format!("{error}; nothing is raised without its line")))
    }

    fn left_alone(
        &self,
        from_percent: Option<f64>,
        decision: Option<Decision>,
        text: String,
        exit: Exit,
    ) -> Result<Passed, Failure> {
        let what = if self.apply { What::Stay } else { What::DryRun };
        let head = self.write(&self.entry(what, from_percent, from_percent, &text))?;
        let nothing = Passed {
            text,
            exit,
            raised: false,
            from_percent,
            to_percent: None,
            decision,
            change: None,
            notes: self.killed().iter().map(|why| format!("kill switch: {why}")).collect(),
            head,
        };
        Ok(nothing)
    }

    async fn raise(&self, found: Found, decision: Decision, to_percent: f64) -> Result<Passed, Failure> {
        let verdict = &self.opened.verdict;
        let wanted = Wanted { weight_percent: to_percent, mirror_percent: self.mirror_percent };
        let because = Because {
            migration: verdict.migration.clone(),
            reason: format!("GO of {}, policy {}", verdict.created_at, verdict.policy_digest),
            evidence: Some(self.opened.digest.clone()),
            at: jiff::Timestamp::now().to_string(),
        };
        let plan = self.place.plan(&found, wanted, &because)?;
        let notes = self.place.rehearse(&plan).await?;
        let from = found.in_force.weight_percent;
        // The server may have taken its time over the rehearsal.
        if let Some(why) = self.killed() {
            let text = format!("left alone: the kill switch was pulled meanwhile: {why}");
            return self.left_alone(Some(from), Some(decision), text, Exit::Hold);
        }
        // What will be in force: the target may have rounded down.
        let to_percent = plan.wanted.weight_percent;
        let mut passed = Passed {
            text: format!("would raise {} from {from}% to {to_percent}%; --apply does it", verdict.migration),
            exit: Exit::Done,
            raised: false,
            from_percent: Some(from),
            to_percent: Some(to_percent),
            decision: Some(decision),
            change: Some(plan.shown.clone()),
            notes,
            head: Head::none(),
        };
        if !self.apply {
            passed.head = self.write(&self.entry(
                What::DryRun,
                Some(from),
                Some(to_percent),
                &self.told_beside(&passed.text, &plan),
            ))?;
            return Ok(passed);
        }
        passed.head = self.write(&self.entry(
            What::Raise,
            Some(from),
            Some(to_percent),
            &self.told_beside(&because.reason, &plan),
        ))?;
        self.carry_out(&plan, &because, passed).await
    }

    /// What a line has to tell beside the reason: the mirrored share that is set as well, and that nobody has read the weight.
    fn told_beside(&self, reason: &str, plan: &Plan) -> String {
        let mirror =
            plan.wanted.mirror_percent.map_or_else(String::new, |share| format!("; mirrored share to {share}%"));
        let told = if self.told { "; the weight in force was told by --in-force, not read" } else { "" };
        format!("{reason}{mirror}{told}")
    }

    async fn carry_out(&self, plan: &Plan, because: &Because, mut passed: Passed) -> Result<Passed, Failure> {
        let (name, from) = (&because.migration, plan.found.weight_percent);
        let (exit, after, why) = match self.place.apply(plan, because).await {
            Ok(applied) => {
                passed.notes.extend(applied.notes);
                let epoch = applied.in_force.epoch.map_or_else(String::new, |epoch| format!(", epoch {epoch}"));
                passed.text = format!("raised {name} from {from}% to {}%{epoch}", applied.in_force.weight_percent);
                passed.raised = true;
                if applied.settled {
                    return Ok(passed);
                }
                let why = "it is written, but those who act on it have not said that they do".to_owned();
                (Exit::World, None, format!("{}; {why}", passed.text))
            }
            Err(NotChanged::Changed(why)) => (Exit::Hold, Some(from), format!("left alone: {why}")),
            Err(NotChanged::Refused(why)) => (Exit::Usage, Some(from), format!("left alone: {why}")),
            Err(NotChanged::Unknown(why)) => (Exit::World, None, format!("the weight may or may not be raised: {why}")),
        };
        (passed.text, passed.exit) = (why, exit);
        // The weight is what it is, and is told whether the log takes this or not.
        match self.log.append(&self.entry(What::Failure, Some(from), after, &passed.text)) {
            Ok(head) => passed.head = head,
            Err(error) => passed.notes.push(format!("this is not in the log: {error}")),
        }
        Ok(passed)
    }
}
