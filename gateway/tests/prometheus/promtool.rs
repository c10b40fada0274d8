//! What promtool says of the shipped files.

use crate::server::{configuration, deploy, has};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Runs it in the folder of the shipped files.
pub(crate) fn promtool<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    Command::new("promtool").args(arguments).current_dir(deploy().join("prometheus")).output().unwrap()
}

fn assert_passes(output: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

fn cases() -> Vec<PathBuf> {
    let files = std::fs::read_dir(deploy().join("prometheus/tests")).unwrap();
    files.map(|file| file.unwrap().path()).filter(|path| path.extension() == Some("yml".as_ref())).collect()
}

#[test]
fn the_configuration_and_the_rules_are_sound() {
    if !has("promtool") {
        return;
    }
    // As shipped: the file with the token is nowhere but in the container.
    assert_passes(&promtool(["check", "config", "--syntax-only", "prometheus.yml"]));
    assert_passes(&promtool(["check", "rules", "--lint=all", "--lint-fatal", "rules.yml"]));
    // And whole, as another test starts it.
    let folder = tempfile::tempdir().unwrap();
    let path = configuration(folder.path(), ([127, 0, 0, 1], 9).into(), "token");
    assert_passes(&promtool([OsStr::new("check"), OsStr::new("config"), path.as_os_str()]));
}

#[test]
fn alerts_fire_when_they_should_and_not_otherwise() {
    if !has("promtool") {
        return;
    }
    let files = cases();
    assert!(!files.is_empty());
    let arguments = ["test", "rules"].map(PathBuf::from).into_iter().chain(files);
    assert_passes(&promtool(arguments));
}

#[test]
fn every_alert_has_a_case_that_fires_it_and_words_for_whom_it_wakes() {
    let rules = std::fs::read_to_string(deploy().join("prometheus/rules.yml")).unwrap();
    let cases: String = cases().into_iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let mut names = BTreeSet::new();
    for alert in rules.split("      - alert: ").skip(1) {
        let name = alert.lines().next().unwrap();
        assert!(name.starts_with("Weighbridge") && names.insert(name.to_owned()), "{name}");
        assert!(cases.contains(&format!("alertname=\"{name}\"")), "{name} has no case");
        assert!(["severity: critical", "severity: warning"].iter().any(|severity| alert.contains(severity)), "{name}");
        for words in ["summary: ", "description: ", "runbook: "] {
            assert!(alert.contains(words), "{name} has no {words}");
        }
    }
    assert!(names.len() > 20);
}
