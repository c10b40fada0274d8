//! Who may import whom: the table of the design, held against what Cargo resolved.

use crate::command::root;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Package, what it may import of ours, and what it must never import of others.
const TABLE: [(&str, &[&str], &[&str]); 15] = [
    ("wire", &[], &["tokio", "axum", "reqwest"]),
    ("judge", &[], &["polars", "tokio", "axum", "reqwest"]),
    ("datasets", &["wire"], &["tokio", "axum", "reqwest", "polars"]),
    ("guard", &["wire", "datasets"], &["tokio", "axum", "reqwest", "redis"]),
    ("lease", &[], &["tokio", "axum", "reqwest", "redis"]),
    ("gate", &["judge", "datasets"], &["tokio", "axum", "reqwest", "redis", "polars"]),
    ("targets", &["gate", "datasets"], &["axum", "redis", "polars"]),
    ("gateway", &["wire", "datasets", "judge", "guard", "lease", "gate"], &["polars"]),
    ("replay", &["wire", "datasets"], &["polars", "axum"]),
    ("mocks", &["wire"], &["polars"]),
    ("bill", &["judge", "datasets", "wire"], &["polars", "tokio", "axum", "reqwest"]),
    ("preflight", &["bill", "datasets", "wire"], &["polars", "tokio", "axum", "reqwest"]),
    ("evaluator", &["judge", "bill", "datasets", "wire"], &["tokio", "axum", "reqwest"]),
    ("reports", &["judge", "bill", "preflight", "wire", "gate"], &["polars", "tokio", "axum", "reqwest"]),
    (
        "weighbridge",
        &[
            "wire",
            "judge",
            "datasets",
            "gateway",
            "gate",
            "targets",
            "guard",
            "lease",
            "replay",
            "mocks",
            "bill",
            "preflight",
            "evaluator",
            "reports",
        ],
        &["polars", "axum"],
    ),
];

/// Dependencies of each package of ours, those of its tests left out.
fn edges() -> BTreeMap<String, BTreeSet<String>> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let normal = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        all.filter(|dependency| dependency["kind"].is_null()).map(name).collect()
    };
    metadata["packages"].as_array().unwrap().iter().map(|package| (name(package), normal(package))).collect()
}

#[test]
fn imports_follow_the_table() {
    let edges = edges();
    let ours: BTreeSet<&str> = TABLE.iter().map(|(name, ..)| *name).collect();
    assert_eq!(
        edges.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        ours,
        "a package without a row, or a row without one"
    );
    for (package, may, never) in TABLE {
        for import in &edges[package] {
            let import = import.as_str();
            assert!(!ours.contains(import) || may.contains(&import), "{package} must not import {import}");
            assert!(!never.contains(&import), "{package} must never import {import}");
        }
    }
}

#[test]
fn only_the_evaluator_names_polars() {
    for (package, imports) in edges() {
        assert!(package == "evaluator" || !imports.contains("polars"), "{package}");
    }
}

#[test]
fn the_top_level_is_the_one_agreed_on() {
    let agreed = [
        "Cargo.toml",
        "Cargo.lock",
        "gateway",
        "replay",
        "evaluator",
        "mocks",
        "datasets",
        "reports",
        "tests",
        "README.md",
        "src",
        "wire",
        "LICENSE",
        "CHANGELOG.md",
    ];
    let output = std::process::Command::new("git").args(["ls-files"]).current_dir(root()).output();
    let Some(output) = output.ok().filter(|output| output.status.success() && !output.stdout.is_empty()) else {
        crate::command::say("skipped: no git checkout here, so its top level cannot be listed");
        return;
    };
    let files = String::from_utf8(output.stdout).unwrap();
    let top: BTreeSet<&str> = files.lines().filter_map(|file| file.split('/').next()).collect();
    for entry in top {
        assert!(entry.starts_with('.') || agreed.contains(&entry), "{entry} does not belong to the top level");
    }
}
