//! `weighbridge gate`: the only hand that raises a weight.

mod address;
mod decide;
mod plane;

use crate::args;
use crate::outcome::{Exit, Failure};
use crate::{lines, render, verdict_file};
use decide::{Step, decide};
use gateway::admin::WeightChange;
use judge::verdict::Verdict;
use std::time::Duration;

pub(super) use plane::{AdminPlane, Change, Means, Swapped};

pub(super) async fn run(args: &args::Gate) -> Result<Exit, Failure> {
    let verdict = verdict_file::read(&args.verdict)?;
    let max_age = super::duration("--max-age", &args.max_age)?;
    let token = std::env::var(&args.token_env)
        .map_err(|_| Failure::usage(format!("the variable {} is not set: export the admin token", args.token_env)))?;
    let plane = AdminPlane::new(&args.target, &token)?;
    let step = pass(&plane, &verdict, max_age, args.apply).await?;
    render::result(&told(&verdict, &step.text));
    Ok(step.exit)
}

/// The verdict in a line, and below it what follows from it.
fn told(verdict: &Verdict, text: &str) -> String {
    let judged = format!(
        "{}, epoch {} at {} %, evidence until {}",
        render::name(&verdict.migration),
        verdict.epoch,
        verdict.weight_percent,
        verdict.created_at
    );
    let label = |name: &str, words: &str| format!("{name:<8}{}\n", lines::wrapped(words, 8, 8));
    label(verdict.verdict.word(), &judged) + &label("gate", &render::name(text))
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
        let text = format!("left alone: the gateway at {} has no migration {}", plane.shown(), verdict.migration);
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
