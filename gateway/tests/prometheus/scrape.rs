//! The whole chain: gateway, Prometheus, rules, dashboard.

use crate::dashboard::{Dashboard, Question};
use crate::house::{House, MIGRATION, READ_TOKEN};
use crate::server::{Prometheus, configuration, has};
use regex::Regex;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Until everything has happened and was scraped, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_expression_of_the_dashboard_returns_data_and_every_rule_is_sound() {
    if !has("prometheus") {
        return;
    }
    let Some(house) = House::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let prometheus = Prometheus::start(&configuration(folder.path(), house.gateway.admin_address, READ_TOKEN)).await;

    let dashboard = Dashboard::read();
    let mut open = dashboard.questions(MIGRATION);
    assert!(open.len() > 100, "{}", open.len());
    let begun = Instant::now();
    let mut round = 0;
    loop {
        house.live(round).await;
        seen(&prometheus, house.gateway.epoch()).await;
        open = unanswered(&prometheus, open).await;
        let unknown = unsound(&prometheus).await;
        if open.is_empty() && unknown.is_empty() {
            break;
        }
        let late = begun.elapsed() > PATIENCE;
        assert!(!late, "no data for\n{open:#?}\nin rules, not there:\n{unknown:#?}\n{}", prometheus.log());
        round += 1;
    }
    for (label, series) in dashboard.label_values(MIGRATION) {
        let values = prometheus.ask("series", &[("match[]", &series)]).await.unwrap();
        assert!(values.as_array().unwrap().iter().any(|one| one[&label].is_string()), "{label} of {series}");
    }
    check_metrics(&house.page().await);
    house.gateway.shutdown().await;
}

/// Waits until Prometheus has an epoch that has just begun: what a change looks like can be asked for a short while only.
async fn seen(prometheus: &Prometheus, epoch: u64) {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let values = prometheus.values(&format!("weighbridge_epoch{{migration=\"{MIGRATION}\"}} == {epoch}")).await;
        if values.is_ok_and(|values| !values.is_empty()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("epoch {epoch} was never scraped\n{}", prometheus.log());
}

/// Those that have no data yet.
async fn unanswered(prometheus: &Prometheus, questions: Vec<Question>) -> Vec<Question> {
    let mut open = Vec::new();
    for question in questions {
        match prometheus.values(&question.expression).await {
            Ok(values) if !values.is_empty() => {}
            Ok(_) => open.push(question),
            Err(error) => panic!("{}: {error}\n{}", question.place, question.expression),
        }
    }
    open
}

/// Rules that have not been evaluated yet, and metrics of rules that are not there yet. No rule may fail.
async fn unsound(prometheus: &Prometheus) -> BTreeSet<String> {
    let known = prometheus.get("label/__name__/values").await.unwrap();
    let known: BTreeSet<&str> = known.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    // Also recorded ones, whose names have colons.
    let name = Regex::new(r"\b(?:\w+:)?(?:weighbridge|process)[_:][a-z0-9_]+(?::\w+)?").unwrap();
    let data = prometheus.get("rules").await.unwrap();
    let groups = data["groups"].as_array().unwrap();
    let rules: Vec<_> = groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    assert!(rules.len() > 40);
    let mut open = BTreeSet::new();
    for rule in rules {
        assert_ne!(rule["health"], "err", "{rule:#}");
        if rule["health"] != "ok" {
            open.insert(format!("{} was not evaluated", rule["name"]));
        }
        let names = name.find_iter(rule["query"].as_str().unwrap()).map(|found| found.as_str().to_owned());
        open.extend(names.filter(|name| !known.contains(name.as_str())));
    }
    open
}

/// promtool's own opinion of names, types and help.
fn check_metrics(page: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{page}");
}
