//! Files by their addresses, and what holds for all of them.

use std::path::Path;
use targets::{Applied, Because, Options, Target, TargetError, Wanted, Write};

fn options() -> Options {
    Options { baseline: Some("openai".into()), candidate: Some("deepseek".into()), ..Options::default() }
}

const SPLIT: &str = "split_clients \"$request_id\" $llm {\n    5.00% deepseek;  # canary\n    *     openai;\n}\n";

async fn to_ten(path: &Path, options: &Options) -> Result<Applied, TargetError> {
    let target = Target::parse(&format!("nginx:{}", path.display()), options).unwrap();
    let found = target.read().await.unwrap();
    assert_eq!(found.in_force.weight_percent, 5.0);
    let because = Because { migration: "m".into(), reason: "r".into(), evidence: None, at: "t".into() };
    let wanted = Wanted { weight_percent: 10.0, mirror_percent: None };
    let plan = target.plan(&found, wanted, &because).unwrap();
    assert_eq!(target.rehearse(&plan).await.unwrap(), Vec::<String>::new());
    target.apply(&plan).await
}

#[tokio::test]
async fn a_file_is_changed_in_place_or_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("split.conf"), folder.path().join("new.conf"));
    std::fs::write(&path, SPLIT).unwrap();
    let applied = to_ten(&path, &Options { out: Some(out.clone()), ..options() }).await.unwrap();
    assert_eq!((applied.in_force.weight_percent, applied.settled), (10.0, true));
    assert!(applied.notes[0].contains("is as it was"), "{applied:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), SPLIT);
    let applied = to_ten(&path, &options()).await.unwrap();
    assert_eq!((applied.in_force.weight_percent, applied.notes), (10.0, vec![]));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), std::fs::read_to_string(&out).unwrap());
    assert_ne!(std::fs::read_to_string(&path).unwrap(), SPLIT);
}

#[test]
fn an_option_that_would_do_nothing_is_refused() {
    let given = [
        ("webhook+https://ops.example/x", Options { out: Some("x".into()), ..options() }, "--out"),
        ("httproute://shop/chat", Options { out: Some("x".into()), ..options() }, "--out"),
        ("httproute:route.yaml", Options { kubeconfig: Some("x".into()), ..options() }, "--kubeconfig"),
        ("higress+https://c.example/x", Options { write: Write::Patch, ..options() }, "--write"),
        ("json:x#/a", Options { in_force_percent: Some(1.0), ..options() }, "--in-force"),
        ("httproute://shop/chat", Options { in_force_percent: Some(1.0), ..options() }, "--in-force"),
    ];
    for (address, options, option) in given {
        let error = Target::parse(address, &options).unwrap_err().to_string();
        assert!(error.starts_with(option) && error.ends_with("leave it out"), "{address}: {error}");
    }
}

#[test]
fn what_is_no_target_is_told_every_form() {
    for address in ["", "route.yaml", "toml:x", "json://x", "https://gate:pass-word@x", "nginx+https://x"] {
        let error = Target::parse(address, &options()).unwrap_err().to_string();
        for form in ["json:FILE#/pointer", "httproute://NAMESPACE/NAME", "webhook+https://"] {
            assert!(error.contains(form) && !error.contains("pass-word"), "{address}: {error}");
        }
    }
}

/// The log knows a target by what is shown.
#[test]
fn detours_in_a_path_make_no_other_target() {
    let shown = |text: &str| Target::parse(text, &Options::default()).unwrap().shown().to_owned();
    assert_eq!(shown("json:./routes//./a.json#/weight"), "json:routes/a.json#/weight");
    assert_eq!(shown("json:routes/a.json#/weight"), "json:routes/a.json#/weight");
}
