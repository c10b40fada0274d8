use super::*;
use gate::audit::{Evidence, What};
use judge::verdict::Decision;

const MIGRATION: &str = "openai-to-deepseek";

pub(crate) fn entry(minute: i64, what: What, who: &str, weights: (f64, f64), why: &str) -> Entry {
    let at = jiff::Timestamp::from_second(1_795_442_400 + minute * 60).unwrap();
    Entry {
        at: at.to_string(),
        what,
        who: who.to_owned(),
        replica: None,
        migration: MIGRATION.to_owned(),
        target: "http://127.0.0.1:8081".to_owned(),
        from_percent: Some(weights.0),
        to_percent: Some(weights.1),
        epoch: Some(1),
        why: why.to_owned(),
        evidence: None,
    }
}

fn rests_on(mut entry: Entry, verdict: Decision, digest: &str) -> Entry {
    entry.evidence = Some(Evidence {
        verdict,
        digest: digest.to_owned(),
        created_at: entry.at.clone(),
        policy_digest: "77".repeat(32),
        epoch: 1,
        weight_percent: 1.0,
        signed_by: Some("ab".repeat(32)),
    });
    entry
}

/// A ramp with an incident in its middle.
pub(crate) fn ramp() -> (Vec<Entry>, Vec<Look>) {
    let go = "Every guardrail is proven within its margin.";
    let entries = vec![
        entry(0, What::Lead, "autopilot", (0.0, 0.0), "began to lead"),
        rests_on(entry(10, What::Stay, "autopilot", (0.0, 0.0), "not decided: 800 more pairs"), Decision::Hold, "aa"),
        rests_on(entry(20, What::Stay, "autopilot", (0.0, 0.0), "not decided: 400 more pairs"), Decision::Hold, "bb"),
        rests_on(entry(60, What::Raise, "autopilot", (0.0, 1.0), go), Decision::Go, &"c0".repeat(32)),
        rests_on(entry(180, What::Raise, "autopilot", (1.0, 5.0), go), Decision::Go, "dd"),
        rests_on(entry(400, What::Raise, "autopilot", (5.0, 10.0), go), Decision::Go, "ee"),
        entry(600, What::Alarm, "live-guard", (10.0, 5.0), "errors: 41 of 120 requests against 1 of 900"),
        entry(600, What::Rollback, "live-guard", (10.0, 5.0), "errors: 41 of 120 requests against 1 of 900"),
        entry(700, What::ShadowPause, "autopilot", (5.0, 5.0), "the money for copies is spent"),
        entry(1000, What::ShadowResume, "autopilot", (5.0, 5.0), "a new period began"),
        entry(1200, What::Set, "token", (5.0, 2.5), "<b>by hand</b> & more"),
        entry(1300, What::Raise, "gate", (2.5, 5.0), go),
        entry(1300, What::Failure, "gate", (2.5, 2.5), "the gateway answered 412"),
        rests_on(entry(2000, What::Raise, "autopilot", (4.0, 25.0), go), Decision::Go, "ff"),
        entry(1990, What::Raise, "autopilot", (25.0, 50.0), go),
        entry(2400, What::Raise, "autopilot", (50.0, 98.0), go),
    ];
    let fixtures = ["hold", "hold", "go", "full", "no-go", "hold", "go"].map(crate::tests::fixture);
    let looks = fixtures.into_iter().zip([10, 20, 60, 180, 600, 610, 2400]).enumerate().map(
        |(index, (mut verdict, minute))| {
            verdict.created_at = jiff::Timestamp::from_second(1_795_442_400 + minute * 60).unwrap().to_string();
            verdict.weight_bounds.spent_requests = Some(index as f64 * 3.5);
            let digest = if index == 2 { "c0".repeat(32) } else { format!("{index}") };
            Look::new(&verdict, digest, Some(format!("{index:04}-look"))).unwrap()
        },
    );
    (entries, looks.collect())
}

fn whole() -> Chain {
    Chain::Whole { head: "0123456789abcdef".repeat(4) }
}

pub(crate) fn story<'a>(entries: &'a [Entry], looks: &'a [Look], chain: &'a Chain) -> Story<'a> {
    Story { migration: MIGRATION, entries, looks, chain, clock_speed: 1 }
}

#[test]
fn the_page_says_when_who_what_why_and_from_what() {
    let (entries, looks) = ramp();
    let chain = whole();
    let page = timeline_html(&story(&entries, &looks, &chain)).unwrap();
    for said in [
        "<h1>98%</h1>",
        "6 raises, 1 rollback, over 1 d 16 h.",
        "2 times, until 23 Nov, 14:20:00",
        "10% → 5%",
        "&lt;b&gt;by hand&lt;&#x2f;b&gt; &amp; more",
        "<a href=\"0002-look&#x2f;index.html\">c0c0c0c0c0c0, signed abababababab</a>",
        "Line 14 finds 4% where the lines before it left 2.5%: nobody logged that change.",
        "lies before that of a line in front of them: 1.",
        "Nobody looked from",
        "16 lines, each chained to the one before; head 0123456789ab",
    ] {
        assert!(page.contains(said) || page.contains(&said.replace('/', "&#x2f;")), "{said} is not in the page");
    }
    assert!(!page.contains("<script") && !page.contains("http-equiv=\"refresh\"") && !page.contains("<b>by hand"));
}

#[test]
fn a_change_that_failed_is_undone_and_one_that_nobody_logged_is_found() {
    let (entries, _) = ramp();
    let events = weights::events(&entries, MIGRATION);
    let course = weights::course(&events);
    let levels: Vec<f64> = course.steps.iter().map(|step| step.percent).collect();
    assert_eq!(levels, [0.0, 1.0, 5.0, 10.0, 5.0, 2.5, 5.0, 2.5, 4.0, 25.0, 50.0, 98.0]);
    assert_eq!(course.steps.iter().filter(|step| step.is_found).count(), 1);
    assert_eq!(course.gap_count, 1);
    assert!(events.is_sorted_by_key(|event| event.at_us));
}

#[test]
fn a_gateway_that_tells_the_same_change_tells_it_once() {
    let itself = |entry: Entry| Entry { target: "gateway".to_owned(), ..entry };
    let entries = [
        entry(0, What::Raise, "autopilot", (0.0, 5.0), "GO"),
        itself(entry(0, What::Set, "token", (0.0, 5.0), "GO")),
        itself(entry(9, What::Alarm, "live-guard", (5.0, 1.0), "errors")),
        itself(entry(9, What::Rollback, "live-guard", (5.0, 1.0), "errors")),
        entry(12, What::Stay, "autopilot", (1.0, 1.0), "waits"),
    ];
    let chain = whole();
    let chart = drawing::chart(&story(&entries, &[], &chain));
    let levels: Vec<f64> = chart.weights.iter().map(|weight| weight.percent).collect();
    assert_eq!(levels, [0.0, 5.0, 1.0]);
    assert_eq!(chart.marks.len(), 3, "{:?}", chart.marks);
    let page = timeline_html(&story(&entries, &[], &chain)).unwrap();
    assert!(!page.contains("nobody logged") && !page.contains("other targets"));
}

#[test]
fn odd_logs_make_a_page_too() {
    let odd = |from: Option<f64>, to: Option<f64>, at: &str| Entry {
        at: at.to_owned(),
        from_percent: from,
        to_percent: to,
        ..entry(0, What::Set, "\u{1}", (0.0, 0.0), "`|*")
    };
    let logs = [
        Vec::new(),
        vec![odd(None, None, "never")],
        vec![odd(Some(-5.0), Some(1e300), "never"), odd(Some(3.0), Some(4.0), "0001-01-01T00:00:00Z")],
        vec![odd(None, Some(1.0), "9999-12-30T22:00:00Z"), odd(None, Some(2.0), "-009999-01-02T01:59:59Z")],
    ];
    for entries in &logs {
        for chain in
            [whole(), Chain::Torn { head: "é".to_owned() }, Chain::Broken { why: "Line 3 is another one.".to_owned() }]
        {
            for clock_speed in [0, 1, 2400, u32::MAX] {
                let story = Story { clock_speed, ..story(entries, &[], &chain) };
                assert!(timeline_html(&story).unwrap().contains("</html>"));
                assert!(timeline_markdown(&story).unwrap().starts_with("## openai-to-deepseek"));
            }
        }
    }
}

#[test]
fn ten_thousand_decisions_still_give_a_small_page() {
    let why = "w".repeat(400);
    let entries: Vec<Entry> = (0..10_000)
        .map(|n| {
            let what = [What::Raise, What::Rollback, What::Stay, What::Alarm][n % 4];
            rests_on(entry(n as i64, what, "autopilot", ((n % 7) as f64, (n % 11) as f64), &why), Decision::Go, "aa")
        })
        .collect();
    let looks: Vec<Look> = (0..3_000)
        .map(|n| {
            let mut verdict = crate::tests::fixture(if n % 2 == 0 { "full" } else { "no-go" });
            verdict.created_at = jiff::Timestamp::from_second(1_795_442_400 + n * 200).unwrap().to_string();
            Look::new(&verdict, format!("{n}"), None).unwrap()
        })
        .collect();
    let chain = whole();
    let page = timeline_html(&story(&entries, &looks, &chain)).unwrap();
    assert!(page.len() < 2_000_000, "{}", page.len());
    assert!(page.contains("decisions are left out here, those that changed nothing first"));
    assert!(page.contains("more changes that nobody logged"));
    assert!(timeline_markdown(&story(&entries, &looks, &chain)).unwrap().len() < 1_000_000);
}

#[test]
fn files_are_written_and_links_lead_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let (entries, mut looks) = ramp();
    looks[2].folder = Some("javascript:alert(1)".to_owned());
    let chain = whole();
    let written =
        write_timeline(&story(&entries, &looks, &chain), &folder.path().join("new"), Options::default()).unwrap();
    let names: Vec<_> = written.files.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["timeline.html", "timeline.md", "timeline.json", "timeline.png", "timeline@2x.png"]);
    assert!(!std::fs::read_to_string(&written.page).unwrap().contains("javascript"));
    let twin: serde_json::Value = serde_json::from_slice(&std::fs::read(&written.files[2]).unwrap()).unwrap();
    assert_eq!(twin["schema"], "weighbridge.timeline/1");
    assert_eq!(twin["decisions"].as_array().unwrap().len(), entries.len());
    assert_eq!(twin["gap_count"], 1);
}

#[test]
fn time_that_is_compressed_is_told_as_the_story_has_it() {
    let (entries, looks) = ramp();
    let chain = whole();
    let page = timeline_html(&Story { clock_speed: 60, ..story(&entries, &looks, &chain) }).unwrap();
    assert!(page.contains("<span>day 3, 12:00</span>"), "an hour of the log is two days and a half of the story");
    assert!(page.contains("one real second stands for 1 min of this story"));
}

#[test]
fn markdown_has_a_row_for_each_decision() {
    let (entries, looks) = ramp();
    let chain = whole();
    let text = timeline_markdown(&story(&entries, &looks, &chain)).unwrap();
    assert!(text.contains("| 24 Nov, 00:00:00 | 🚨 alarm | 10% → 5% | live-guard |"), "{text}");
    assert!(text.contains("\n| 23 Nov, 15:00:00 | 🔼 raised | 0% → 1% |"), "{text}");
}
