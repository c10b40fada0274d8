//! Clients: the requests between two looks.

use super::Ramp;
use super::bug;
use crate::cmd::replay as replay_command;
use crate::outcome::Failure;
use datasets::LoggedRequest;
use replay::ReplayOptions;

impl Ramp<'_> {
    /// Sends them all, and waits for their answers.
    pub(super) async fn play(&self, requests: &[LoggedRequest]) -> Result<(), Failure> {
        let options = ReplayOptions {
            target: format!("http://{}", self.stage.gateway.address),
            rate: self.stage.scenario.rate.parse().map_err(Failure::usage)?,
            seed: self.stage.seed,
            ..ReplayOptions::default()
        };
        let silent = replay::progress::Silent;
        let summary = replay::run(requests.to_vec(), options, &silent, self.stage.stop.clone())
            .await
            .map_err(replay_command::failure)?;
        if summary.sent == 0 && !self.stage.stop.is_cancelled() {
            return Err(bug("the replay sent nothing"));
        }
        Ok(())
    }
}
