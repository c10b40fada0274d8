//! `weighbridge demo`: the whole loop on loopback, in this process.
//!
//! Nothing here is a shortcut: the same mocks, gateway, replay, evaluator, report and gate run as from the command
//! line, and each step prints the command that does it.

mod files;
mod labels;
mod ramp;
mod scenario;
mod stage;

use crate::args;
use crate::outcome::{Exit, Failure};
use crate::render;
use judge::verdict::{Decision, Verdict};
use scenario::Scenario;
use stage::Stage;
use std::path::Path;
use std::time::Instant;

/// Runs the loop. The exit code says whether it ran through; the verdicts' own codes are those of `evaluate` and
/// `gate`.
pub(super) async fn run(args: args::Demo) -> Result<Exit, Failure> {
    let began = Instant::now();
    let scenario = Scenario::load(&args)?;
    let stage = Stage::open(&args, scenario).await?;
    let is_ramp = stage.scenario.is_ramp;
    let page = if is_ramp { ramp::perform(&stage).await } else { perform(&stage).await };
    stage.close().await;
    let page = page?;
    render::result(&format!(
        "\nDone in {:.0} s. Everything is in {}.",
        began.elapsed().as_secs_f64(),
        args.out.display()
    ));
    render::result(&format!("Look at     {}", page.display()));
    if !is_ramp {
        render::result(
            "            the coloured band says what was decided; below it the guardrails: a bar that ends left of\n            \
         the margin is proven safe, one that begins right of it is proven worse.",
        );
    }
    if args.open {
        open(&page);
    }
    Ok(Exit::Done)
}

/// The two acts; returns the page to look at last.
async fn perform(stage: &Stage) -> Result<std::path::PathBuf, Failure> {
    render::result(&stage.introduction());
    let shadow = stage.act("shadow", stage.scenario.shadow_requests(), &[]).await?;
    if !stage.gate(&shadow, true).await? {
        render::result(&why_stopped(&shadow.verdict));
        return Ok(shadow.page);
    }
    let Some(requests) = stage.scenario.canary_requests() else { return Ok(shadow.page) };
    let canary = stage.act("canary", requests, &shadow.replay_summaries).await?;
    stage.gate(&canary, false).await?;
    Ok(canary.page)
}

fn why_stopped(verdict: &Verdict) -> String {
    match verdict.verdict {
        Decision::Go => "The weight stays: there was nothing to raise.".to_owned(),
        Decision::Hold => {
            "The weight stays at 0%: not proven safe is not safe. The report says what is missing.".to_owned()
        }
        Decision::NoGo => "The weight stays at 0%: no client ever met the candidate.".to_owned(),
    }
}

/// Opens a page in the browser of the desktop, if there is one.
fn open(page: &Path) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if std::process::Command::new(program).arg(page).spawn().is_err() {
        render::note(&format!("{program} is not there: open the page by hand"));
    }
}
