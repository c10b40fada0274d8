//! `weighbridge gate`: the only hand that raises a weight.

mod decide;

use crate::args;
use crate::outcome::{Exit, Failure};
use crate::{render, verdict_file};
use decide::{Step, decide};
use gateway::admin::{MigrationState, WeightChange};
use judge::verdict::Verdict;
use reqwest::{StatusCode, header};
use std::time::Duration;

pub(super) async fn run(args: &args::Gate) -> Result<Exit, Failure> {
    let verdict = verdict_file::read(&args.verdict)?;
    let max_age = super::duration("--max-age", &args.max_age)?;
    let token = std::env::var(&args.token_env)
        .map_err(|_| Failure::usage(format!("the variable {} is not set: export the admin token", args.token_env)))?;
    let plane = AdminPlane::new(&args.target, &token)?;
    let step = pass(&plane, &verdict, max_age, args.apply).await?;
    render::result(&step.text);
    Ok(step.exit)
}

/// What the gate did or would do.
pub(super) struct Passed {
    pub text: String,
    pub exit: Exit,
    /// The weight was raised.
    pub raised: bool,
}

/// Reads the gateway's state, decides, and applies if told to.
pub(super) async fn pass(
    plane: &AdminPlane,
    verdict: &Verdict,
    max_age: Duration,
    apply: bool,
) -> Result<Passed, Failure> {
    let Some(state) = plane.weight(&verdict.migration).await? else {
        let text = format!("left alone: the gateway at {} has no migration {}", plane.target, verdict.migration);
        return Ok(Passed { text, exit: Exit::Hold, raised: false });
    };
    let now_us = jiff::Timestamp::now().as_microsecond();
    match decide(verdict, &state, now_us, max_age) {
        Step::Stay { why, exit } => Ok(Passed { text: format!("left alone: {why}"), exit, raised: false }),
        Step::Raise { to_percent } => {
            let from = state.weight_percent;
            if !apply {
                let text = format!("would raise {} from {from}% to {to_percent}%; --apply does it", verdict.migration);
                return Ok(Passed { text, exit: Exit::Done, raised: false });
            }
            let reason = format!("GO of {}, policy {}", verdict.created_at, verdict.policy_digest);
            match plane.raise(&state, WeightChange { weight_percent: to_percent, reason }).await? {
                Some(new) => {
                    let text =
                        format!("raised {} from {from}% to {}%, epoch {}", new.name, new.weight_percent, new.epoch);
                    Ok(Passed { text, exit: Exit::Done, raised: true })
                }
                None => {
                    let text = "left alone: the weight was changed by somebody else meanwhile".to_owned();
                    Ok(Passed { text, exit: Exit::Hold, raised: false })
                }
            }
        }
    }
}

/// The gateway's admin plane, from outside.
pub(super) struct AdminPlane {
    client: reqwest::Client,
    target: String,
    authorization: header::HeaderValue,
}

impl AdminPlane {
    pub(super) fn new(target: &str, token: &str) -> Result<Self, Failure> {
        let mut authorization = header::HeaderValue::from_str(&format!("Bearer {}", token.trim()))
            .map_err(|_| Failure::usage("the admin token has characters that no header may carry"))?;
        authorization.set_sensitive(true);
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Failure::world)?;
        Ok(Self { client, target: target.trim_end_matches('/').to_owned(), authorization })
    }

    fn weight_url(&self, migration: &str) -> String {
        format!("{}/admin/v1/migrations/{migration}/weight", self.target)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, Failure> {
        request.header(header::AUTHORIZATION, self.authorization.clone()).send().await.map_err(|error| {
            Failure::world(format!(
                "cannot reach the admin plane at {}: {error}; is `weighbridge serve` running?",
                self.target
            ))
        })
    }

    /// The state of a migration; `None` if the gateway does not have it.
    async fn weight(&self, migration: &str) -> Result<Option<MigrationState>, Failure> {
        let response = self.send(self.client.get(self.weight_url(migration))).await?;
        match response.status() {
            StatusCode::OK => self.state(response).await.map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::UNAUTHORIZED => Err(Failure::usage("the admin plane refused the token")),
            status => Err(Failure::world(format!("the admin plane at {} answered {status}", self.target))),
        }
    }

    /// Sets the weight; `None` if the epoch has changed meanwhile.
    async fn raise(&self, state: &MigrationState, change: WeightChange) -> Result<Option<MigrationState>, Failure> {
        let request = self
            .client
            .put(self.weight_url(&state.name))
            .header(header::IF_MATCH, format!("\"{}\"", state.epoch))
            .json(&change);
        let response = self.send(request).await?;
        match response.status() {
            StatusCode::OK => self.state(response).await.map(Some),
            StatusCode::PRECONDITION_FAILED => Ok(None),
            status => Err(Failure::world(format!("the admin plane at {} answered {status}", self.target))),
        }
    }

    async fn state(&self, response: reqwest::Response) -> Result<MigrationState, Failure> {
        response.json().await.map_err(|error| {
            Failure::world(format!(
                "the answer of {} is no migration state: {error}; is it an admin plane?",
                self.target
            ))
        })
    }
}
