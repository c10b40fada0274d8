//! The incident: from one moment to the next the candidate's provider fails at every other request, and is well again as soon
//! as the weight is back.
//!
//! The gateway's live guard is the first to see it. Where it does not, the autopilot's watch looks at the records again and
//! again, and its NO-GO needs no cool-down. Whoever it was, the log names them.

use super::Ramp;
use crate::outcome::Failure;
use ::gate::audit::What;
use datasets::LoggedRequest;
use mocks::Faults;
use std::time::{Duration, Instant};

/// Requests come in for so long before the provider breaks, so that the rung has some evidence of its own.
const CALM: Duration = Duration::from_millis(500);
/// The gateway's weight is read so often.
const POLL: Duration = Duration::from_millis(50);
/// The watch looks at the records so often.
const WATCH: Duration = Duration::from_millis(400);

impl Ramp<'_> {
    /// Sends requests while the provider breaks.
    pub(super) async fn incident(&mut self, requests: &[LoggedRequest]) -> Result<(), Failure> {
        let stage = self.stage;
        let Some(provider) = stage.mocks.get(1) else { return Ok(()) };
        let before = stage.gateway.weight_percent();
        let faults = Faults { error_503: 0.5, ..Faults::default() };
        let playing = self.play(requests);
        let watching = async {
            tokio::time::sleep(CALM).await;
            provider.set_incident(Some(faults)).map_err(super::bug)?;
            let broke = Instant::now();
            self.say(before, "", "the provider breaks: every other request fails");
            let mut looked = Instant::now();
            loop {
                tokio::time::sleep(POLL).await;
                if stage.gateway.weight_percent() < before {
                    return Ok::<_, Failure>(Some(broke.elapsed()));
                }
                if looked.elapsed() >= WATCH {
                    if let Some(why) = self.harm().await? {
                        return self.roll_back(&why).await.map(|()| Some(broke.elapsed()));
                    }
                    looked = Instant::now();
                }
            }
        };
        let mut fell = None;
        tokio::pin!(playing, watching);
        tokio::select! {
            played = &mut playing => played?,
            watched = &mut watching => {
                fell = watched?;
                // Its load is gone: it is well again.
                provider.set_incident(None).map_err(super::bug)?;
                playing.await?;
            }
        }
        provider.set_incident(None).map_err(super::bug)?;
        let after = stage.gateway.weight_percent();
        match fell {
            Some(after_break) => self.say(
                after,
                "",
                &format!(
                    "rolled back {:.1} s after it broke, in real time; the provider recovers",
                    after_break.as_secs_f64()
                ),
            ),
            None => self.say(after, "", "the requests ended before anybody saw it; the provider recovers"),
        }
        Ok(())
    }

    /// Why the records prove harm at the weight in force, if they do.
    async fn harm(&self) -> Result<Option<String>, Failure> {
        let verdict = self.judge().await?;
        let is_harm = verdict.verdict == judge::verdict::Decision::NoGo;
        Ok(is_harm.then(|| verdict.reasons.first().cloned().unwrap_or_else(|| "NO-GO".to_owned())))
    }

    /// Takes the weight away at once: first done, then logged, for no disk may keep it from being done.
    async fn roll_back(&self, why: &str) -> Result<(), Failure> {
        let state = self.state().await?;
        let from = state.weight_percent;
        let changed = self.set(&state, 0.0, why).await?;
        self.note(What::Alarm, Some((from, from)), why)?;
        let mut entry = self.entry(What::Rollback, Some((from, 0.0)), why);
        entry.epoch = changed.map(|state| state.epoch);
        self.append(&entry)
    }
}
