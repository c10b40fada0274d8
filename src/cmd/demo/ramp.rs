//! The week of an autopilot in minutes: real requests through the gateway and the mocks, the autopilot's own rules, and a
//! provider that breaks in the middle.
//!
//! **Time is compressed**: one real second stands for [`CLOCK_SPEED`] seconds of the story. The durations of the policies
//! (cool-down, waiting after a rollback, hold-back) are divided by it, and the timeline's axis is multiplied by it. Nothing else
//! is: records, log and verdicts keep real instants, so that whoever checks them finds what happened. Neither is the way of
//! deciding another one: the same judge, the same gate and the same pilot as from the command line, with smaller floors
//! and wider margins, which the policy beside the report names.
//!
//! The story ends when the hold-back is reached. A machine that is too slow, or a candidate that is not let up, ends it earlier,
//! and then the demo says so.

mod decide;
mod incident;
mod play;

use super::super::evaluate;
use super::super::report::timeline;
use super::files;
use super::stage::{Stage, command};
use crate::outcome::{Exit, Failure};
use crate::table::shortened;
use crate::{lines, render};
use ::gate::audit::{Log, What};
use ::gate::pilot;
use judge::verdict::{Decision, Verdict};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Seconds of the story for one real second: a day is eighteen seconds.
pub(super) const CLOCK_SPEED: u32 = 4800;
/// Requests between two looks, where nobody says otherwise.
pub(super) const REQUESTS_EACH: usize = 600;
/// After so many looks the story ends, wherever it is.
pub(super) const LOOKS_MAX: usize = 60;
/// From this weight on the provider may break, percent.
const INCIDENT_FROM: f64 = 25.0;

/// Characters of a reason that are shown.
const SAID: usize = 84;

/// A real time of a policy as long as it is in this story.
fn compressed(real: Duration) -> Duration {
    real / CLOCK_SPEED
}

/// What the story has come to.
struct Ramp<'a> {
    stage: &'a Stage,
    log: Log,
    gate: ::gate::Policy,
    pilot: pilot::Policy,
    began: Instant,
    looks: usize,
    /// What the last look with a report said.
    reported: Option<Decision>,
    verdict: Option<Verdict>,
}

/// Plays the story; returns the timeline's page.
pub(super) async fn perform(stage: &Stage) -> Result<PathBuf, Failure> {
    render::result(&stage.introduction());
    let mut ramp = Ramp::new(stage)?;
    render::result(&ramp.rules());
    ramp.note(What::Lead, None, "the demo's autopilot begins")?;
    let mut had_incident = false;
    for requests in stage.scenario.looks().take(LOOKS_MAX) {
        stage.go_on()?;
        if !had_incident && stage.gateway.weight_percent() >= INCIDENT_FROM {
            ramp.incident(requests).await?;
            had_incident = true;
        } else {
            ramp.play(requests).await?;
        }
        stage.gateway.settle().await;
        if ramp.look().await? {
            break;
        }
    }
    ramp.end(had_incident)
}

impl<'a> Ramp<'a> {
    fn new(stage: &'a Stage) -> Result<Self, Failure> {
        let hours = |hours| compressed(Duration::from_hours(hours));
        Ok(Self {
            stage,
            log: Log::new(stage.out.join(files::AUDIT)),
            gate: ::gate::Policy { cool_down: hours(6), ..stage.gate_policy.clone() },
            pilot: pilot::Policy { hold_back: hours(7 * 24), after_rollback: hours(24), ..pilot::Policy::default() },
            began: Instant::now(),
            looks: 0,
            reported: None,
            verdict: None,
        })
    }

    /// How the story is played, before it begins.
    fn rules(&self) -> String {
        let said = |text: &str| lines::paragraph(text, 2);
        let mut rules = String::from("\n");
        rules += &said(&format!(
            "One second is {} minutes of the story, so that a day takes 18 seconds: only the policies' durations and \
             the timeline are compressed, records and log keep real instants.",
            CLOCK_SPEED / 60
        ));
        rules += &said(&format!(
            "Judged by {} after each {} requests: the rules are the usual ones, floors and margins such that so few \
             can prove something.",
            self.stage.out.join("policy.toml").display(),
            self.stage.scenario.shadow_requests().len()
        ));
        rules += &said(
            "Raised only by a signed GO of the epoch in force, a rung at a time, 6 h apart at least; after a rollback \
             24 h on new evidence; the baseline keeps 2% in the end.",
        );
        rules + "\n  day, hour      weight  verdict  what follows"
    }

    /// The story's time.
    fn clock(&self) -> String {
        let told = self.began.elapsed().as_secs().saturating_mul(u64::from(CLOCK_SPEED));
        format!("day {}, {:02}:{:02}", told / 86_400 + 1, told / 3600 % 24, told / 60 % 60)
    }

    /// One step of the story, in two lines at most; the log has all of it.
    fn say(&self, weight_percent: f64, verdict: &str, what: &str) {
        let head = format!("  {:<13}{:>8}%  {verdict:<7}  ", self.clock(), weight_percent);
        let indent = head.chars().count();
        render::result(&format!("{head}{}", lines::wrapped(&shortened(what, SAID), indent, indent)));
    }

    /// Timeline and the report of what serves now.
    fn end(&self, had_incident: bool) -> Result<PathBuf, Failure> {
        let out = &self.stage.out;
        let weight = self.stage.gateway.weight_percent();
        if weight < 98.0 || !had_incident {
            render::result(&lines::paragraph(
                &format!(
                    "degraded: {} looks ended at {weight}%, before the story did. A slow machine proves less in the same \
                     time; what was decided is in the timeline, and nothing was raised without its GO.",
                    self.looks
                ),
                2,
            ));
        }
        if let Some(verdict) = &self.verdict {
            let folder = out.join("report-canary");
            let written = evaluate::write_report(verdict, &folder, reports::Language::En)?;
            render::result(&format!("\n  {written}"));
        }
        command(&format!(
            "weighbridge report {} --looks {} --clock-speed {CLOCK_SPEED} --out {}",
            self.log.path().display(),
            out.join(files::LOOKS).display(),
            out.display()
        ));
        timeline::write(&timeline::Wanted {
            log: self.log.path(),
            looks: Some(&out.join(files::LOOKS)),
            migration: None,
            clock_speed: CLOCK_SPEED,
            out,
            language: reports::Language::En,
        })
    }
}

/// What should not be possible.
fn bug(message: impl std::fmt::Display) -> Failure {
    Failure { exit: Exit::Bug, message: message.to_string() }
}
