use super::*;
use serde_json::value::RawValue;
use std::sync::atomic::{AtomicU64, Ordering};
use wire::{Usage, UsageSource};

/// Friday 05:00 UTC, off DeepSeek's peak.
const NOW_US: i64 = 1_795_150_800_000_000;

fn row(id: u64, body: &str) -> LoggedRequest {
    LoggedRequest::chat(format!("r{id}"), id as i64 * 100_000, RawValue::from_string(body.to_owned()).unwrap())
}

const PLAIN: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"abcd abcd"}]}"#;

fn answered(id: u64, body: &str, prompt: u64, completion: u64) -> LoggedRequest {
    let mut recorded = datasets::Recorded::new("openai", "gpt-4o-mini", 200);
    recorded.usage = Some(Usage::new(prompt, completion, UsageSource::Provider));
    LoggedRequest { recorded: Some(recorded), ..row(id, body) }
}

fn options(arm: &str) -> ReplayOptions {
    ReplayOptions {
        target: "http://127.0.0.1:1".into(),
        arm: arm.parse().unwrap(),
        models: BTreeMap::from([("gpt-4o-mini".into(), "deepseek-flash".into())]),
        ..ReplayOptions::default()
    }
}

fn dry(rows: Vec<LoggedRequest>, options: &ReplayOptions) -> DryRun {
    look(open(rows), options, |_| false, NOW_US).unwrap()
}

fn open(rows: Vec<LoggedRequest>) -> impl Fn() -> Result<Rows, ReplayError> + Clone + Send + 'static {
    move || Ok(Box::new(rows.clone().into_iter().map(Ok)))
}

#[test]
fn both_arms_are_priced_whoever_is_called() {
    let rows = || vec![answered(0, PLAIN, 1_000, 500), answered(1, PLAIN, 1_000, 500)];
    let routed = dry(rows(), &options("as-routed"));
    // 1,000 prompt and 500 completion tokens: 0.15 and 0.60 USD per million at OpenAI.
    assert_eq!(routed.baseline.cost_nanos_expected, 2 * 450_000);
    // DeepSeek's small model costs the same at this hour, and twice as much four hours earlier.
    assert_eq!(routed.candidate.cost_nanos_expected, 2 * 450_000);
    let peak = look(open(rows()), &options("as-routed"), |_| false, NOW_US - 4 * 3_600_000_000).unwrap();
    assert_eq!((peak.baseline.cost_nanos_expected, peak.candidate.cost_nanos_expected), (900_000, 1_800_000));
    assert!(routed.baseline.cost_nanos_at_most > routed.baseline.cost_nanos_expected);
    assert_eq!(routed.cost_nanos_estimate, None);
    let candidate = dry(rows(), &options("candidate"));
    assert_eq!(candidate.cost_nanos_estimate, Some(candidate.candidate.cost_nanos_expected));
    let unnamed = ReplayOptions { models: BTreeMap::new(), ..options("as-routed") };
    let unnamed = dry(rows(), &unnamed);
    assert_eq!((unnamed.candidate.unpriced_rows, unnamed.candidate.unmapped["gpt-4o-mini"]), (2, 2));
}

#[test]
fn preflight_says_what_passes_changes_is_lost_and_cannot_be_served() {
    let with = |members: &str| PLAIN.replacen("{", &format!("{{{members},"), 1);
    let rows = vec![
        row(0, PLAIN),
        row(1, &with(r#""n":3"#)),
        row(2, &with(r#""seed":7"#)),
        row(3, &with(r#""max_completion_tokens":50"#)),
    ];
    let routed = dry(rows.clone(), &options("as-routed"));
    assert_eq!((routed.rows, routed.baseline.same, routed.baseline.unfit), (4, 4, 0));
    let candidate = &routed.candidate;
    assert_eq!(candidate.same + candidate.rewritten + candidate.losing + candidate.unfit, 4);
    assert_eq!((candidate.unfit, candidate.unfit_because["n>1"], candidate.losing), (1, 1, 1), "{candidate:?}");
    assert_eq!(candidate.lost, BTreeMap::from([("seed".to_owned(), 1)]));
    assert_eq!(routed.skipped, BTreeMap::new());
    let forced = dry(rows, &options("candidate"));
    assert_eq!((forced.rows, forced.skipped["n>1"]), (3, 1));
    let text = forced.to_text();
    assert!(text.contains("1 lose members (1 seed)") && text.contains("1 cannot be served (1 n>1)"), "{text}");
}

#[test]
fn rows_span_and_peak_are_those_of_the_schedule() {
    let rows: Vec<_> = (0..100).map(|n| row(n, PLAIN)).collect();
    let recorded = dry(rows.clone(), &options("as-routed"));
    assert_eq!((recorded.rows, recorded.span_us, recorded.peak_per_second), (100, Some(9_900_000), Some(10)));
    let at = |rate: &str| dry(rows.clone(), &ReplayOptions { rate: rate.parse().unwrap(), ..options("as-routed") });
    assert_eq!((at("50/s").span_us, at("50/s").peak_per_second), (Some(1_980_000), Some(50)));
    assert_eq!((at("max:4").span_us, at("max:4").peak_per_second), (None, None));
    let ramp = at("ramp:10/s..30/s");
    assert!(ramp.span_us.unwrap() < 5_000_000 && ramp.remarks[0].contains("count"), "{ramp:?}");
    let cut = ReplayOptions { duration: Some(std::time::Duration::from_secs(2)), ..options("as-routed") };
    assert_eq!((dry(rows.clone(), &cut).rows, dry(rows, &cut).too_late), (20, 80));
}

#[test]
fn an_endless_log_ends_with_the_duration_or_after_one_lap() {
    let endless = |rate: &str, seconds: Option<u64>| ReplayOptions {
        rate: rate.parse().unwrap(),
        selection: Selection { laps: None, ..Selection::default() },
        duration: seconds.map(std::time::Duration::from_secs),
        ..options("as-routed")
    };
    let rows = || (0..10).map(|n| row(n, PLAIN)).collect::<Vec<_>>();
    let timed = dry(rows(), &endless("recorded", Some(3)));
    assert_eq!((timed.rows, timed.endless, timed.selected.laps), (30, false, 4));
    let closed = dry(rows(), &endless("max:2", Some(3)));
    assert_eq!((closed.rows, closed.endless), (10, true));
    assert!(closed.remarks[0].contains("one lap"), "{closed:?}");
}

#[test]
fn what_would_be_refused_is_said_beforehand() {
    let refused = |options: &ReplayOptions, rows| dry(rows, options).refused_because.join("\n");
    assert_eq!(refused(&options("candidate"), vec![row(0, PLAIN)]), "");
    let remote = ReplayOptions { target: "https://api.deepseek.com".into(), ..options("candidate") };
    assert!(refused(&remote, vec![row(0, PLAIN)]).contains("--allow-remote"));
    let uncapped = ReplayOptions { allow_remote: true, ..remote };
    assert!(refused(&uncapped, vec![row(0, PLAIN)]).contains("--budget-usd"));
    let unnamed = ReplayOptions { models: BTreeMap::new(), ..options("candidate") };
    assert!(refused(&unnamed, vec![row(0, PLAIN)]).contains("`gpt-4o-mini=deepseek-flash`"));
    let broken = refused(&options("as-routed"), vec![row(0, PLAIN), row(1, r#"{"messages":[]}"#)]);
    assert!(broken.contains("`r1`") && broken.contains("model"), "{broken}");
    let poor = ReplayOptions { budget_nanos: Some(1), ..options("candidate") };
    assert!(dry(vec![row(0, PLAIN)], &poor).remarks[0].contains("budget"));
    assert!(matches!(look(open(vec![]), &poor, |_| false, NOW_US), Err(ReplayError::Empty)));
}

#[test]
fn what_was_done_before_is_left_out_and_time_begins_with_the_rest() {
    let rows: Vec<_> = (0..10).map(|n| row(n, PLAIN)).collect();
    let rest = look(open(rows), &options("as-routed"), |id| id < "r4", NOW_US).unwrap();
    assert_eq!((rest.rows, rest.already_done, rest.span_us), (6, 4, Some(500_000)));
}

#[test]
fn it_holds_no_rows() {
    // Every row drops a token when it is dropped; more than the window must never be alive at once.
    static ALIVE: AtomicU64 = AtomicU64::new(0);
    let open = || -> Result<Rows, ReplayError> {
        Ok(Box::new((0..30_000).map(|n| {
            ALIVE.fetch_add(1, Ordering::SeqCst);
            Ok(row(n, PLAIN))
        })))
    };
    let options = ReplayOptions {
        selection: Selection { reorder_rows: 10, limit: Some(5_000), ..Selection::default() },
        ..options("as-routed")
    };
    let dry = look(open, &options, |_| false, NOW_US).unwrap();
    assert_eq!((dry.rows, dry.selected.read), (5_000, 5_000));
    // Read ahead no farther than it takes to put rows in order.
    assert!(ALIVE.load(Ordering::SeqCst) <= 5_000 + 12);
}

#[test]
fn countless_model_names_are_summed_up() {
    let rows = (0..300).map(|n| row(n, &PLAIN.replace("gpt-4o-mini", &format!("m{n}")))).collect();
    let dry = dry(rows, &options("as-routed"));
    assert_eq!((dry.models.len(), dry.models["other"], dry.candidate.unmapped.len()), (MODELS_MAX + 1, 200, 101));
    assert_eq!(dry.models.values().sum::<u64>(), 300);
}
