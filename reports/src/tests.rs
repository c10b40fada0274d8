//! The whole report, from verdict files to bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use judge::verdict::{
    Bill, Evidence, GuardArm, GuardHealth, Guardrail, Moderation, ModerationTable, Scale, Side, Source, State, Verdict,
};

use crate::{Language, Options, html, junit, write};

const NAMES: [&str; 4] = ["go", "hold", "no-go", "full"];

pub(crate) fn fixture(name: &str) -> Verdict {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format!("{name}.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A verdict over whose answers a guard looked.
pub(crate) fn guarded() -> Verdict {
    let table = |source, side, category: &str, cells: [u64; 4], p: Option<[f64; 2]>, guardrail: Option<&str>| {
        let [both, only_baseline, only_candidate, neither] = cells;
        ModerationTable {
            source,
            side,
            category: category.to_owned(),
            pairs: cells.iter().sum(),
            both,
            only_baseline,
            only_candidate,
            neither,
            p_more: p.map(|p| p[0]),
            p_fewer: p.map(|p| p[1]),
            guardrail: guardrail.map(str::to_owned),
        }
    };
    let (request, response) = (Side::Request, Side::Response);
    let tables = vec![
        table(Source::ProviderBlock, response, "all", [31, 4, 6, 5959], Some([1.0, 1.0]), Some("blocked")),
        table(Source::Refusal, response, "all", [10, 40, 12, 5900], Some([1.0, 0.0021]), Some("refusals")),
        table(Source::Guard, response, "all", [40, 11, 96, 5733], Some([1e-15, 1.0]), Some("guard_flags")),
        table(Source::Guard, response, "self_harm", [5, 2, 3, 5870], Some([1.0, 1.0]), None),
        table(Source::Guard, request, "all", [80, 2, 1, 5917], None, None),
    ];
    let arm = |failed: u64| {
        let mut arm =
            GuardArm { exchanges: 6000, judged: 6000 - failed, failed, requests: 6000, ..GuardArm::default() };
        if failed > 0 {
            arm.fail("llama:timeout", failed);
        }
        arm
    };
    let mut verdict = fixture("no-go");
    verdict.moderation = Some(Moderation { tables, questions: 8, alpha: 0.01, categories_left_out: 3 });
    verdict.instrument.guard = Some(GuardHealth {
        baseline: arm(0),
        candidate: arm(110),
        pairs: 6000,
        pairs_only_baseline: 15,
        pairs_only_candidate: 5,
    });
    verdict
}

/// A verdict with everything that a bill can say.
pub(crate) fn billed() -> Verdict {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bill.json");
    Verdict { bill: serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap(), ..fixture("full") }
}

/// A verdict with everything that can be in one.
pub(crate) fn complete() -> Verdict {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pictures.json");
    let mut pictures: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut verdict = Verdict { moderation: guarded().moderation, ..billed() };
    verdict.instrument.guard = guarded().instrument.guard;
    verdict.bill.by_consumer = serde_json::from_value(pictures["by_consumer"].take()).unwrap();
    verdict.evidence.course = serde_json::from_value(pictures["course"].take()).unwrap();
    verdict.evidence.quantiles = serde_json::from_value(pictures["quantiles"].take()).unwrap();
    verdict.evidence.first_token = serde_json::from_value(pictures["first_token"].take()).unwrap();
    verdict.evidence.examples = serde_json::from_value(pictures["examples"].take()).unwrap();
    verdict
}

fn markdown(verdict: &Verdict) -> String {
    crate::markdown(verdict, Language::En)
}

/// A verdict with as little in it as the format allows.
fn bare() -> Verdict {
    Verdict {
        reasons: Vec::new(),
        needed: Vec::new(),
        guardrails: Vec::new(),
        instrument: judge::verdict::Instrument::default(),
        bill: Bill::default(),
        window: judge::verdict::Window::default(),
        inputs: Vec::new(),
        evidence: Evidence::default(),
        ..fixture("hold")
    }
}

fn unbounded(scale: Scale) -> Guardrail {
    Guardrail {
        estimate: Some(f64::INFINITY),
        lower: Some(f64::NEG_INFINITY),
        upper: Some(f64::INFINITY),
        baseline_value: Some(f64::NAN),
        candidate_value: Some(f64::INFINITY),
        state: State::HoldInsufficient,
        scale,
        ..fixture("hold").guardrails[2].clone()
    }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

/// Width and height from the header of a PNG file, after a check of its frame.
fn png_size(bytes: &[u8]) -> (u32, u32) {
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!(&bytes[12..16], b"IHDR");
    assert_eq!(&bytes[bytes.len() - 8..bytes.len() - 4], b"IEND");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn summaries_read_as_they_should() {
    for name in NAMES {
        insta::assert_snapshot!(name, markdown(&fixture(name)));
    }
    insta::assert_snapshot!("billed", markdown(&billed()));
    insta::assert_snapshot!("complete", markdown(&complete()));
    insta::assert_snapshot!("junit", junit(&fixture("hold")));
}

#[test]
fn a_report_is_complete_and_lists_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("deep/report");
    let written = write(&fixture("no-go"), &out, Options::default()).unwrap();
    assert_eq!(written.page, out.join("index.html"));
    let found = files(&out);
    let expected = [
        "cost.png",
        "cost@2x.png",
        "course.csv",
        "evidence.csv",
        "guardrails.png",
        "guardrails@2x.png",
        "index.html",
        "junit.xml",
        "latency.png",
        "latency@2x.png",
        "outcomes.png",
        "outcomes@2x.png",
        "quantiles.csv",
        "report.md",
        "verdict.json",
    ];
    assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), expected);
    assert_eq!(written.files.len(), expected.len());
    assert!(written.files.iter().all(|path| path.is_file()));
    for (name, width) in [("guardrails", 1016), ("latency", 1056), ("cost", 776)] {
        let one = png_size(&found[&format!("{name}.png")]);
        let two = png_size(&found[&format!("{name}@2x.png")]);
        assert_eq!(one.0, width, "{name}");
        assert_eq!(two, (one.0 * 2, one.1 * 2), "{name}");
    }
}

#[test]
fn the_same_verdict_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    write(&fixture("go"), folder.path(), Options::default()).unwrap();
    let first = files(folder.path());
    // A second run over the first report leaves it as it was.
    write(&fixture("go"), folder.path(), Options::default()).unwrap();
    assert!(files(folder.path()) == first);
}

#[test]
fn pictures_can_be_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let written = write(&fixture("go"), folder.path(), Options { pictures: false, ..Options::default() }).unwrap();
    assert_eq!(written.files.len(), 7);
    assert!(files(folder.path()).keys().all(|name| !name.ends_with(".png")));
}

#[test]
fn a_summary_stays_below_a_mebibyte_whatever_the_verdict() {
    let mut verdict = complete();
    let long = "a long & tedious <text> ".repeat(2_000);
    for (index, guardrail) in verdict.guardrails.iter_mut().enumerate() {
        guardrail.why = format!("{long}{index}");
        guardrail.segment = format!("model={long}{index}");
    }
    verdict.guardrails = std::iter::repeat_n(verdict.guardrails, 40).flatten().collect();
    verdict.reasons = vec![long.clone(); 500];
    verdict.instrument.alarms = vec![long.clone(); 500];
    verdict.needed = std::iter::repeat_n(verdict.needed, 200).flatten().collect();
    verdict.segments = std::iter::repeat_n(verdict.segments, 200).flatten().collect();
    verdict.inputs = std::iter::repeat_n(verdict.inputs, 2_000).flatten().collect();
    verdict.evidence.course = std::iter::repeat_n(verdict.evidence.course, 40).flatten().collect();
    verdict.bill.by_arm = std::iter::repeat_n(verdict.bill.by_arm, 400).flatten().collect();
    let summary = markdown(&verdict);
    assert!(summary.len() < 1024 * 1024, "{}", summary.len());
    // What was asked comes first, and what is left out is said.
    assert!(summary.starts_with("## ⛔ NO-GO: openai-to-deepseek"));
    assert!(summary.contains("- Guardrails: ") && summary.contains(" more are in the page and in the verdict."));
    assert_eq!(summary.matches("<details>").count(), summary.matches("</details>").count());
    assert!(!markdown(&complete()).contains("Left out here"));
}

#[test]
fn the_page_loads_nothing_and_runs_nothing() {
    let verdicts = NAMES.map(fixture).into_iter().chain([billed(), complete()]);
    for (verdict, name) in verdicts.zip(NAMES.into_iter().chain(["billed", "complete"])) {
        let page = html(&verdict).unwrap();
        for forbidden in
            ["http://", "https://", "<script", "@import", "url(", "src=", " on", "<iframe", "<link rel=\"style"]
        {
            let found = page.find(forbidden).map(|at| page[at..].chars().take(60).collect::<String>());
            // ` on` is looked for as the beginning of an event handler only.
            let is_harmless = forbidden == " on" && !page.contains(" onload=") && !page.contains(" onclick=");
            assert!(found.is_none() || is_harmless, "{name}: {found:?}");
        }
        let inside = page.matches("href=\"#").count();
        assert_eq!(page.matches("href=").count(), 1 + inside, "only the empty icon and the page itself");
        assert!(page.contains("href=\"data:,\""));
        for link in page.split("href=\"#").skip(1) {
            let target = link.split('"').next().unwrap();
            assert_eq!(page.matches(&format!(" id=\"{target}\"")).count(), 1, "{target}");
        }
    }
}

#[test]
fn the_first_screen_says_what_matters() {
    let page = html(&fixture("go")).unwrap();
    let first: String = page[page.find("<body>").unwrap()..page.find("<main>").unwrap()].to_owned();
    for expected in [
        "<h1>GO</h1>",
        "openai-to-deepseek",
        "0%",
        "1%",
        "one rung at a time",
        "$1.87 → $0.582",
        "95% interval",
        "$3.50",
    ] {
        assert!(first.contains(expected), "{expected} is not in {first}");
    }
    let hold = html(&fixture("hold")).unwrap();
    assert!(hold.contains("What is still needed") && hold.contains("3420"));
    assert!(!page.contains("What is still needed"));
    let no_go = html(&fixture("no-go")).unwrap();
    assert!(no_go.contains("What stands out"));
}

#[test]
fn markup_in_a_verdict_stays_text() {
    let hostile = "<script>alert(1)</script>\"'&|`\n# x";
    let mut verdict = fixture("no-go");
    verdict.migration = hostile.to_owned();
    verdict.reasons[0] = hostile.to_owned();
    verdict.next_weight_bound = hostile.to_owned();
    verdict.version = hostile.to_owned();
    verdict.inputs[0].name = hostile.to_owned();
    verdict.instrument.alarms = vec![hostile.to_owned()];
    verdict.bill.notes = vec![hostile.to_owned()];
    verdict.bill.currency = hostile.to_owned();
    verdict.bill.baseline_per_1000 = hostile.to_owned();
    for guardrail in &mut verdict.guardrails {
        guardrail.metric = hostile.to_owned();
        guardrail.segment = hostile.to_owned();
        guardrail.why = hostile.to_owned();
        guardrail.method = hostile.to_owned();
    }
    for distribution in &mut verdict.evidence.latency {
        distribution.metric = hostile.to_owned();
    }
    for tokens in &mut verdict.evidence.tokens {
        tokens.model = hostile.to_owned();
    }
    for outcomes in &mut verdict.evidence.outcomes {
        outcomes.errors[0].name = hostile.to_owned();
    }
    verdict.bill = Bill { notes: verdict.bill.notes.clone(), ..billed().bill };
    verdict.bill.currency = hostile.to_owned();
    verdict.bill.by_model[0].model = Some(hostile.to_owned());
    verdict.bill.by_arm[0].role = Some(hostile.to_owned());
    verdict.bill.stale[0].why = hostile.to_owned();
    verdict.bill.cache.as_mut().unwrap().rows[0].name = hostile.to_owned();
    let watched = guarded();
    verdict.moderation = watched.moderation;
    verdict.instrument.guard = watched.instrument.guard;
    verdict.moderation.as_mut().unwrap().tables[3].category = hostile.to_owned();
    verdict.instrument.guard.as_mut().unwrap().candidate.fail(hostile, 7);
    let page = html(&verdict).unwrap().to_lowercase();
    assert!(!page.contains("<script"), "markup came through");
    assert!(page.contains("&lt;script&gt;"));
    let summary = markdown(&verdict).to_lowercase();
    assert!(!summary.contains("<script") && summary.contains("&lt;script&gt;"));
    assert!(summary.lines().all(|line| !line.starts_with("# ")), "{summary}");
    let folder = tempfile::tempdir().unwrap();
    write(&verdict, folder.path(), Options::default()).unwrap();
}

#[test]
fn moderation_has_a_section_where_a_guard_looked_and_none_elsewhere() {
    let (verdict, without) = (guarded(), fixture("no-go"));
    let section = html(&verdict).unwrap();
    let section = between(&section, "<h2 id=\"moderation\">", "<h2 id=\"measuring\">");
    for said in ["Answers flagged by the guard", "more at the candidate, p below 0.0001", "self harm", "llama: timeout"]
    {
        assert!(section.contains(said), "{said}");
    }
    assert_eq!(section.matches("class=\"mark\"").count(), 3, "what decides is marked");
    let summary = markdown(&verdict);
    assert!(summary.contains("| Answers flagged by the guard: Everything (guardrail) | 40 | 11 | 96 | 5733 | 🔶 more"));
    assert!(summary.contains("| … llama: timeout | 0 (0%) | 110 (1.83%) |"), "{summary}");
    assert!(!html(&without).unwrap().contains("id=\"moderation\"") && !markdown(&without).contains("### Moderation"));
    // A guard that judged nothing has no tables, and says so.
    let dead = Verdict { moderation: None, ..verdict };
    assert!(html(&dead).unwrap().contains("The guard judged no pair whole."));
}

#[test]
fn money_says_who_was_paid_the_month_the_cache_and_the_doubts() {
    let verdict = billed();
    let page = html(&verdict).unwrap();
    let chapter = between(&page, "<h2 id=\"money\">", "<h2 id=\"outcomes\">");
    for said in [
        "83 days ago",
        "<span class=\"mark flag\">stale price</span>",
        "95% interval $457.20 to $483.60",
        "each hour of the week as it was in 9 d",
        "cold, as just after a switch",
        "The candidate is cheaper at any hit rate.",
        "higher at 01–04, 06–10 UTC",
        "for 5929 both costs are known",
        "copies for comparison",
        "gpt-4o-mini at openai",
        "2026-11-11",
        "not known",
        "Characters each",
    ] {
        assert!(chapter.contains(said), "{said} is not in\n{chapter}");
    }
    let first = between(&page, "<body>", "<main>");
    assert!(first.contains("Saved a month") && first.contains("$470.80"), "{first}");
    let without = html(&fixture("full")).unwrap();
    assert!(!without.contains("What was paid"));
    assert!(without.contains("the evidence does not tell what a month costs"));
    let folder = tempfile::tempdir().unwrap();
    write(&verdict, folder.path(), Options::default()).unwrap();
    let (width, _) = png_size(&fs::read(folder.path().join("bill.png")).unwrap());
    assert_eq!(width, 1056);
}

#[test]
fn a_bare_verdict_still_makes_a_report() {
    let folder = tempfile::tempdir().unwrap();
    write(&bare(), folder.path(), Options::default()).unwrap();
    let page = html(&bare()).unwrap();
    for expected in ["No guardrail was judged", "no latency distributions", "Nothing could be priced", "no outcomes"] {
        assert!(page.contains(expected), "{expected}");
    }
    assert!(markdown(&bare()).contains("No guardrail was judged"));
}

#[test]
fn infinities_are_words() {
    let mut verdict = bare();
    verdict.guardrails = vec![unbounded(Scale::Ratio), unbounded(Scale::Difference)];
    verdict.weight_percent = f64::NAN;
    verdict.bill = Bill { pairs_priced: 1, ratio: Some(f64::INFINITY), ..Bill::default() };
    let folder = tempfile::tempdir().unwrap();
    write(&verdict, folder.path(), Options::default()).unwrap();
    let (page, summary) = (html(&verdict).unwrap(), markdown(&verdict));
    for text in [&page, &summary] {
        assert!(text.contains("unbounded"));
        assert!(!text.contains("NaN") && !text.contains("inf,") && !text.contains(">inf<") && !text.contains("| inf"));
    }
}

#[test]
fn the_table_has_one_line_a_guardrail_in_plain_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let verdict = fixture("no-go");
    write(&verdict, folder.path(), Options { pictures: false, ..Options::default() }).unwrap();
    let mut reader = csv::Reader::from_path(folder.path().join("evidence.csv")).unwrap();
    assert_eq!(
        reader.headers().unwrap().iter().take(5).collect::<Vec<_>>(),
        ["metric", "segment", "state", "scale", "estimate"]
    );
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.unwrap()).collect();
    assert_eq!(rows.len(), verdict.guardrails.len());
    assert_eq!(rows[0].iter().take(5).collect::<Vec<_>>(), ["errors", "all", "fail", "difference", "0.0175"]);
    assert_eq!(rows[0][7].parse::<f64>().unwrap().to_bits(), 0.005_f64.to_bits());
    // Verdicts of before say nothing of this; it is what held for them.
    assert_eq!(rows[0].iter().skip(16).collect::<Vec<_>>(), ["paired", "true", "", "1", ""]);
}

#[test]
fn what_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("latency.png")).unwrap();
    let error = write(&fixture("go"), folder.path(), Options::default()).unwrap_err().to_string();
    assert!(error.contains("latency.png"), "{error}");
    assert!(files_only(folder.path()).iter().all(|name| !name.starts_with(".partial")), "something was left behind");
}

/// The page between two texts.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let start = page.find(from).unwrap_or_else(|| panic!("no `{from}`"));
    let length = page[start..].find(to).unwrap_or_else(|| panic!("no `{to}` after `{from}`"));
    &page[start..start + length]
}

#[test]
fn what_decides_stands_before_what_is_watched_and_parts_of_the_traffic_apart() {
    let page = html(&fixture("full")).unwrap();
    let deciding = between(&page, "<caption>The same in real units", "Watched only");
    let parts = ["All traffic", "Served traffic", "Where model=gpt-4o"];
    let places = parts.map(|part| deciding.find(&format!(">{part}</th>")).unwrap_or_else(|| panic!("no {part}")));
    assert!(places.is_sorted(), "{places:?}");
    let watched = between(&page, "Watched only", "The next weight");
    assert_eq!(watched.matches("<tr class=\"said\">").count(), 5);
    assert!(watched.contains(">Served traffic</th>") && !watched.contains("All traffic"));
    // The picture holds what decides and what fails, not what is watched and undecided.
    let picture = between(&page, "<desc id=\"guardrails-broad", "</desc>");
    assert!(picture.contains("Served traffic, watched, Time to first token, p99: beyond margin"), "{picture}");
    assert!(picture.contains("Total time, p99: not decided, measured +12.0%, at worst unbounded"), "{picture}");
    assert_eq!(picture.matches(" allowed ").count(), 26 + 1);
}

#[test]
fn every_state_has_its_sign_its_word_and_its_reason() {
    let page = html(&fixture("full")).unwrap();
    let table = between(&page, "<caption>The same in real units", "Watched only");
    for (class, word) in [("futile", "will not pass"), ("hold-conflict", "contradicted"), ("fail", "beyond margin")] {
        assert!(table.contains(&format!("<span class=\"state {class}\">")) && table.contains(word), "{class}");
    }
    for why in ["next to no chance that more evidence", "both cannot be right", "missing evidence is never a pass"] {
        assert!(table.contains(why), "{why}");
    }
    assert!(table.contains("pairs and served requests · 141 events · design effect 1.8, 43 clusters"));
}

#[test]
fn the_measuring_shows_the_repetition_the_lengths_and_what_was_refused() {
    let page = html(&fixture("full")).unwrap();
    let section = between(&page, "Is the measuring sound?", "<h2 id=\"methods\">");
    for said in [
        "164 requests were answered twice",
        "unbounded below to +31.0%",
        "too few to tell",
        "4096 to 8191",
        "p = 0.21",
        "Refused: duration of zero",
        "Pairs of two epochs",
        "e = 0.03",
    ] {
        assert!(section.contains(said), "{said}");
    }
    assert!(!html(&fixture("go")).unwrap().contains("answered twice"), "nothing was repeated there");
}

fn files_only(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

#[test]
fn headings_are_in_order_and_tables_have_scopes() {
    for verdict in NAMES.map(fixture).into_iter().chain([billed(), complete()]) {
        let page = html(&verdict).unwrap();
        assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"));
        let levels: Vec<u32> = page
            .match_indices("<h")
            .filter_map(|(at, _)| page[at + 2..].chars().next().and_then(|c| c.to_digit(10)))
            .collect();
        assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
        assert_eq!(page.matches("<th ").count() + page.matches("<thead>").count(), page.matches("<th").count());
        assert_eq!(page.matches("<th ").count(), page.matches("<th scope=").count());
        for chart in page.split("<svg class=\"chart").skip(1) {
            assert!(chart.contains("role=\"img\" aria-labelledby=") && chart.contains("<desc"));
        }
    }
}
