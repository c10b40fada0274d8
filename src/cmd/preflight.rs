//! `weighbridge preflight`: what would become of a log's requests at another provider.

mod logs;
mod route;
mod table;

use super::evaluate::{is_standard_output, write};
use crate::args::{self, FailOn};
use crate::outcome::{Exit, Failure};
use crate::render;
use logs::Logs;
use preflight::{Document, Options, Place, Preflight};
use std::path::{Path, PathBuf};
use wire::price::Tariffs;

/// How often the progress is told, requests.
const PROGRESS_EVERY: u64 = 5_000;

pub(super) fn run(args: &args::Preflight) -> Result<Exit, Failure> {
    if let Some(out) = args.out.as_deref() {
        super::not_read(&args.logs, out)?;
    }
    let now = args.now.unwrap_or_else(jiff::Timestamp::now);
    let course = route::course(args, now.as_microsecond())?;
    let tariffs = args.prices.tariffs()?;
    let document = read(args, &course, &tariffs)?;
    if document.log.requests == 0 {
        let told = document.log.broken.examples.first().map(|first| format!(": {first}")).unwrap_or_default();
        return Err(Failure::usage(format!("no request could be read{told}")));
    }
    let json = serde_json::to_string_pretty(&document)
        .map_err(|error| Failure { exit: Exit::Bug, message: format!("a preflight does not serialise: {error}") })?
        + "\n";
    let to_output = args.out.as_deref().is_some_and(is_standard_output);
    render::result(&if args.json || to_output { json.clone() } else { table::text(&document, render::colour()) });
    if let Some(out) = args.out.as_deref().filter(|out| !is_standard_output(out)) {
        keep(&document, &json, out)?;
    }
    let (exit, why) = exit(&document, args.fail_on, args.skip_broken);
    if let Some(why) = why {
        render::note(why);
    }
    Ok(exit)
}

fn read(args: &args::Preflight, course: &route::Course, tariffs: &Tariffs) -> Result<Document, Failure> {
    let mut logs = Logs::open(&args.logs, &super::import::options(&args.from)?)?;
    let options = Options { untimed: logs.are_untimed(), ..course.options.clone() };
    let mut preflight = Preflight::new(options, tariffs, |asked| course.route(asked));
    let mut seen = 0u64;
    while args.limit.is_none_or(|limit| seen < limit) {
        let Some(row) = logs.next_row()? else { break };
        let place = Place { file: row.file, line: row.line, request: row.request };
        preflight.see(&row.logged, &place);
        seen += 1;
        if seen.is_multiple_of(PROGRESS_EVERY) {
            render::progress(&format!("{seen} requests"));
        }
    }
    render::progress("");
    for log in logs.told() {
        preflight.file(&log.name);
        preflight.broken(log.skipped, log.skips);
    }
    Ok(preflight.finish())
}

/// Writes the result: one file where one is named, else all of its forms into a folder.
fn keep(document: &Document, json: &str, out: &Path) -> Result<(), Failure> {
    let single = out.extension().is_some_and(|extension| extension == "json");
    if single {
        return write(out, json.as_bytes());
    }
    super::evaluate::check_folder("--out", out)?;
    std::fs::create_dir_all(out)
        .map_err(|error| Failure::world(format!("cannot make the folder {}: {error}", out.display())))?;
    let path: PathBuf = out.join("preflight.json");
    write(&path, json.as_bytes())?;
    let others = reports::write_preflight(document, out).map_err(|error| Failure::world(error.to_string()))?;
    let page = others.first().map_or(&path, |page| page);
    render::note(&format!("written to {}", page.display()));
    Ok(())
}

/// How the run ends, and why where the result does not say it. What was not read or not judged is never a pass.
const fn exit(document: &Document, fail_on: FailOn, skip_broken: bool) -> (Exit, Option<&'static str>) {
    let totals = &document.totals;
    let counted = match fail_on {
        FailOn::Fails => totals.fails,
        FailOn::Loses => totals.fails + (totals.loses - totals.loses_harmless),
        FailOn::Never => 0,
    };
    if counted > 0 {
        return (Exit::NoGo, None);
    }
    if document.log.broken.count > 0 && !skip_broken {
        return (
            Exit::Usage,
            Some("error: broken rows are in no sum, so nothing is known of them: mend the log, or add --skip-broken"),
        );
    }
    if totals.judged() == 0 && !matches!(fail_on, FailOn::Never) {
        return (
            Exit::Hold,
            Some("no request was judged, so this is no pass: look at the models and rules that leave them out"),
        );
    }
    (Exit::Done, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use datasets::LoggedRequest;
    use preflight::Route;
    use std::sync::Arc;
    use wire::provider::{Policy, Provider};

    fn document(outside: bool, broken: u64) -> Document {
        let options = Options {
            version: "0".to_owned(),
            migration: "m".to_owned(),
            candidate_name: "deepseek".to_owned(),
            baseline: Provider::OpenAi,
            candidate: Provider::DeepSeek,
            policy: Policy::default(),
            untimed: true,
            now_us: 0,
        };
        let tariffs = Tariffs::embedded().unwrap();
        let route = |_: &preflight::Asked<'_>| match outside {
            true => Route::Outside,
            false => Route::To(Arc::from("deepseek-flash"), preflight::Chosen::Given),
        };
        let mut preflight = Preflight::new(options, &tariffs, route);
        let body = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}"#;
        let body = serde_json::value::RawValue::from_string(body.to_owned()).unwrap();
        preflight.see(&LoggedRequest::chat("a", 0, body), &Place { file: "f", line: None, request: 1 });
        preflight.broken(broken, []);
        preflight.finish()
    }

    #[test]
    fn what_was_not_read_or_not_judged_is_no_pass() {
        for (outside, broken, fail_on, skip_broken, expected) in [
            (false, 0, FailOn::Fails, false, Exit::Done),
            (false, 1, FailOn::Fails, false, Exit::Usage),
            (false, 1, FailOn::Fails, true, Exit::Done),
            (false, 1, FailOn::Never, false, Exit::Usage),
            (true, 0, FailOn::Fails, false, Exit::Hold),
            (true, 0, FailOn::Loses, false, Exit::Hold),
            (true, 1, FailOn::Fails, true, Exit::Hold),
            (true, 0, FailOn::Never, false, Exit::Done),
        ] {
            let (exit, why) = exit(&document(outside, broken), fail_on, skip_broken);
            assert_eq!(exit, expected, "{outside} {broken} {fail_on:?} {skip_broken}");
            assert_eq!(why.is_some(), exit != Exit::Done, "the reason is told");
        }
    }
}
