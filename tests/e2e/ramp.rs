//! The whole story as `demo --scenario ramp` tells it, on fewer requests: shadow, proofs, rungs, an incident that is rolled
//! back, recovery, the hold-back; and its timeline.

use crate::command::run;
use gate::audit::{Expected, Log, Outcome, What, verify};
use std::io::BufReader;

#[tokio::test]
async fn a_week_of_the_autopilot_ends_at_the_hold_back_and_its_log_tells_everything() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("demo");
    let ran = run(["demo", "--scenario", "ramp", "--requests", "300", "--out", out.to_str().unwrap()]).await;
    assert_eq!(ran.code, 0, "{ran:?}");

    let log = Log::new(out.join("audit.ndjson"));
    let file = BufReader::new(std::fs::File::open(log.path()).unwrap());
    assert!(matches!(verify(file, &Expected::default()).unwrap(), Outcome::Verified(_)));
    let entries = log.read().unwrap();
    let raises: Vec<(f64, f64)> = entries
        .iter()
        .filter(|entry| entry.what == What::Raise)
        .map(|entry| (entry.from_percent.unwrap(), entry.to_percent.unwrap()))
        .collect();
    // Never more than a rung, and never without a signed GO about what was in force.
    let ladder = [0.0, 1.0, 5.0, 10.0, 25.0, 50.0, 98.0];
    for (from, to) in &raises {
        let rung = ladder.iter().position(|rung| (rung - from).abs() < 1e-9).expect("a rung");
        assert_eq!(ladder.get(rung + 1), Some(to), "{raises:?}");
    }
    for entry in entries.iter().filter(|entry| entry.what == What::Raise) {
        let evidence = entry.evidence.as_ref().unwrap();
        assert_eq!(evidence.verdict, judge::verdict::Decision::Go);
        assert!(evidence.signed_by.is_some());
        assert_eq!(Some(evidence.weight_percent), entry.from_percent);
    }
    let page = std::fs::read_to_string(out.join("timeline.html")).unwrap();
    assert!(page.contains("one real second stands for") && page.contains("day 1"));
    if ran.out.contains("degraded:") {
        crate::command::say(&format!("degraded: this machine was too slow for the whole story\n{}", ran.out));
        return;
    }
    assert!(entries.iter().any(|entry| entry.what == What::Rollback), "{}", ran.out);
    assert_eq!(raises.last(), Some(&(50.0, 98.0)), "{}", ran.out);
    assert!(page.contains("<h1>98%</h1>"), "{}", ran.out);
    assert!(out.join("report-canary/index.html").exists() && out.join("timeline@2x.png").exists());
}
