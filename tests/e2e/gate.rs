//! The gate as a command: what it shows, what it refuses, and that its log knows everything it did.

use crate::command::{Ran, finish, weighbridge};
use crate::harness::{House, Plan};
use crate::rollout::{Files, asked, files, go};
use ::gate::audit::{Entry, Expected, Log, Outcome, What, verify};
use ::gate::signature::{SecretKey, sign};
use serde_json::Value;
use std::io::BufReader;
use std::path::Path;

/// A gateway at 0%, and a signed GO for 50% in its epoch.
async fn scene() -> (House, Files) {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    let files = files();
    go(&files.verdict, "move", house.gateway.epoch(), 50.0);
    sign_in_place(&files.verdict, &key(&files));
    (house, files)
}

fn key(files: &Files) -> SecretKey {
    SecretKey::from_pem(&std::fs::read(&files.sign_key).unwrap()).unwrap()
}

fn sign_in_place(verdict: &Path, key: &SecretKey) {
    let text = sign(&std::fs::read(verdict).unwrap(), key).unwrap();
    std::fs::write(verdict, text).unwrap();
}

fn target(house: &House) -> String {
    format!("http://{}", house.gateway.admin_address)
}

async fn gate(house: &House, files: &Files, more: &[&str]) -> Ran {
    finish(asked(&target(house), files, more)).await
}

/// The log, which is sound.
fn logged(files: &Files) -> Vec<Entry> {
    let file = std::fs::File::open(&files.audit).unwrap();
    let outcome = verify(BufReader::new(file), &Expected::default()).unwrap();
    let Outcome::Verified(verified) = outcome else { panic!("{outcome:?}") };
    let entries = Log::new(&files.audit).read().unwrap();
    assert_eq!(verified.head.lines, entries.len() as u64);
    entries
}

fn words(ran: &Ran) -> String {
    ran.out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn weight(house: &House) -> f64 {
    house.gateway.weight_percent()
}

#[tokio::test]
async fn a_dry_run_shows_every_check_and_the_exact_change_and_makes_none() {
    let (house, files) = scene().await;
    let ran = gate(&house, &files, &[]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    for check in [
        "schema",
        "verdict",
        "signature",
        "age",
        "migration",
        "epoch",
        "generation",
        "weight",
        "degraded",
        "next-weight",
        "ladder",
        "cool-down",
        "unused",
        "freeze",
        "kill-switch",
    ] {
        let line = ran.out.lines().find(|line| line.starts_with(&format!("  {check} "))).expect(check);
        assert!(line.contains("  ok  "), "{line}");
    }
    let change = [
        format!("PUT {}/admin/v1/migrations/move/weight", target(&house)),
        format!("if-match: \"{}\"", house.gateway.epoch()),
        "-weight_percent: 0".to_owned(),
        "+weight_percent: 50".to_owned(),
    ];
    for line in change {
        assert!(ran.out.contains(&format!("  {line}\n")), "{line} is not in\n{}", ran.out);
    }
    assert!(words(&ran).contains("would raise move from 0% to 50%; --apply does it"), "{}", ran.out);
    let wide = ran.out.lines().filter(|line| line.chars().count() > 80 && !line.contains("/tmp")).collect::<Vec<_>>();
    assert!(wide.is_empty(), "{wide:?}");
    assert!(weight(&house).abs() < 1e-9);
    let [entry] = &logged(&files)[..] else { panic!("one line a decision") };
    assert_eq!((entry.what, entry.who.as_str(), entry.to_percent), (What::DryRun, "gate", Some(50.0)));
    let evidence = entry.evidence.as_ref().unwrap();
    let digest = datasets::digest::of_bytes(&std::fs::read(&files.verdict).unwrap());
    assert_eq!((&evidence.digest, evidence.signed_by.as_deref()), (&digest, Some(key(&files).public().fingerprint())));
    assert_eq!(entry.target, target(&house));
}

#[tokio::test]
async fn programs_read_the_same_as_json() {
    let (house, files) = scene().await;
    let ran = gate(&house, &files, &["--json", "--apply"]).await;
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &told["schema"], &told["outcome"]), (0, &"weighbridge.gate/1".into(), &"raised".into()));
    assert_eq!((&told["from_percent"], &told["to_percent"]), (&0.0.into(), &50.0.into()), "{told}");
    let checks = told["checks"].as_array().unwrap();
    assert!(checks.len() == 15 && checks.iter().all(|check| check["passed"] == true), "{told}");
    assert!((weight(&house) - 50.0).abs() < 1e-9);
    let [entry] = &logged(&files)[..] else { panic!("one line a decision") };
    assert_eq!((entry.what, entry.from_percent, entry.to_percent), (What::Raise, Some(0.0), Some(50.0)));
    let again: Value = serde_json::from_str(&gate(&house, &files, &["--json", "--apply"]).await.out).unwrap();
    assert_eq!((&again["outcome"], &again["exit_code"]), (&"stayed".into(), &3.into()));
    let failed =
        |name: &str| again["checks"].as_array().unwrap().iter().any(|c| c["name"] == name && c["passed"] == false);
    assert!(failed("epoch") && failed("weight") && failed("unused"), "{again}");
    assert_eq!(again["log"]["lines"], 2);
}

/// Stale, forged, mismatched and twice-told verdicts: never a raise, and each time a line.
#[tokio::test]
async fn no_verdict_but_the_one_that_was_signed_raises() {
    let (house, files) = scene().await;
    let good = std::fs::read_to_string(&files.verdict).unwrap();
    let stranger = SecretKey::generate().unwrap();
    let unsigned = || {
        let mut value: Value = serde_json::from_str(&good).unwrap();
        value.as_object_mut().unwrap().shift_remove("signature");
        value
    };
    let signed = |change: &dyn Fn(&mut Value), key: &SecretKey| {
        let mut value = unsigned();
        change(&mut value);
        sign(value.to_string().as_bytes(), key).unwrap()
    };
    let own = key(&files);
    let cases: [(String, i32, &str); 11] = [
        (unsigned().to_string(), 3, "nobody signed the verdict"),
        (signed(&|_| (), &stranger), 3, "which is not trusted"),
        (
            good.replace("\"next_weight_percent\": 50.0", "\"next_weight_percent\": 100.0"),
            3,
            "changed after it was signed",
        ),
        (good.replace("\"verdict\": \"go\"", "\"verdict\": \"go\", \"verdict\": \"go\""), 2, "stands there twice"),
        (good.replace("\"schema\"", "\"schema\": \"weighbridge.verdict/1\", \"schema\""), 2, "stands there twice"),
        (signed(&|v| v["created_at"] = "2026-01-01T00:00:00Z".into(), &own), 3, "evaluate newer records"),
        (signed(&|v| v["created_at"] = "2126-01-01T00:00:00Z".into(), &own), 3, "in the future"),
        (signed(&|v| v["epoch"] = 7.into(), &own), 3, "the verdict judged epoch 7"),
        (signed(&|v| v["weight_percent"] = 25.into(), &own), 3, "the verdict judged 25%"),
        (signed(&|v| v["next_weight_percent"] = 100.into(), &own), 3, "the next rung above 0% is 50%, not 100%"),
        (signed(&|v| v["verdict"] = "no-go".into(), &own), 1, "the verdict is NO-GO"),
    ];
    let mut lines = 0;
    for (text, code, word) in cases {
        std::fs::write(&files.verdict, text).unwrap();
        let ran = gate(&house, &files, &["--apply"]).await;
        assert_eq!(ran.code, code, "{word}: {ran:?}");
        let said = format!("{} {}", words(&ran), ran.err);
        assert!(said.contains(word), "`{word}` is not in {said}");
        assert!(weight(&house).abs() < 1e-9, "{word}");
        // What is no verdict at all is no decision either.
        lines += u64::from(code != 2);
    }
    let entries = logged(&files);
    assert_eq!(entries.len() as u64, lines);
    assert!(entries.iter().all(|entry| entry.what == What::Stay && entry.to_percent == Some(0.0)), "{entries:?}");
    // And the one that was signed still does.
    std::fs::write(&files.verdict, good).unwrap();
    assert_eq!(gate(&house, &files, &["--apply"]).await.code, 0);
    assert!((weight(&house) - 50.0).abs() < 1e-9);
}

#[tokio::test]
async fn freeze_windows_and_kill_switches_stop_what_would_else_rise() {
    let (house, files) = scene().await;
    let base = std::fs::read_to_string(&files.gate).unwrap();
    let stop = files.gate.with_file_name("stop");
    let dated = "[[freeze]]\nwhy = \"year's end\"\nfrom = \"2020-01-01T00:00:00Z\"\nto = \"2120-01-01T00:00:00Z\"\n";
    for (more, word) in [
        ("cool_down = \"100d\"\n", "wait"),
        (dated, "year's end"),
        ("kill_switch_variable = \"STOP_RAISING\"\n", "the variable STOP_RAISING is set"),
        ("kill_switch = \"stop\"\n", "stop exists"),
        ("kill_switch = \"not-mounted/stop\"\n", "cannot be looked into"),
        ("ladder_percent = [1, 50]\n", "the next rung above 0% is 1%"),
    ] {
        let base = if more.starts_with("ladder") { "keys = [\"sign-key.pub.pem\"]\n" } else { &base };
        std::fs::write(&files.gate, format!("{base}{more}")).unwrap();
        std::fs::write(&stop, "").unwrap();
        let mut command = asked(&target(&house), &files, &["--apply"]);
        command.env("STOP_RAISING", "yes");
        let ran = finish(command).await;
        assert_eq!(ran.code, 3, "{more}: {ran:?}");
        assert!(words(&ran).contains(word), "`{word}` is not in {}", ran.out);
    }
    assert!(weight(&house).abs() < 1e-9);
    assert_eq!(logged(&files).len(), 6);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_its_line_in_the_log_nothing_is_raised() {
    let (house, mut files) = scene().await;
    // A folder, a device without room, a file of something else.
    let diary = files.gate.with_file_name("diary.txt");
    std::fs::write(&diary, "dear diary\n").unwrap();
    for (audit, word) in [
        (files.gate.parent().unwrap().to_owned(), "is no ordinary file"),
        ("/dev/full".into(), "is no ordinary file"),
        ("/nowhere/audit.ndjson".into(), "create the folder"),
        (diary.clone(), "audit verify"),
    ] {
        files.audit = audit;
        for more in [&["--apply"][..], &[]] {
            let ran = gate(&house, &files, more).await;
            assert!(ran.code == 4 && ran.err.contains(word), "{}: {ran:?}", files.audit.display());
        }
    }
    assert_eq!(std::fs::read_to_string(&diary).unwrap(), "dear diary\n");
    assert!(weight(&house).abs() < 1e-9);
}

/// The disk is full when the line is written: a limit on file size stands for it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_disk_that_is_full_raises_nothing_and_loses_no_line() {
    let (house, files) = scene().await;
    while std::fs::metadata(&files.audit).map_or(0, |meta| meta.len()) < 1024 {
        assert_eq!(gate(&house, &files, &[]).await.code, 0);
    }
    let before = std::fs::read(&files.audit).unwrap();
    let command = asked(&target(&house), &files, &["--apply"]);
    let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_str().unwrap());
    let line = [command.get_program()].into_iter().chain(command.get_args()).map(quoted).collect::<Vec<_>>().join(" ");
    let mut limited = weighbridge([""; 0]);
    let variables: Vec<_> =
        limited.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
    limited = std::process::Command::new("sh");
    // Two blocks of 512 or 1024 bytes: no room for another line, or for a part of it only.
    limited.args(["-c", &format!("trap '' XFSZ; ulimit -f 2; exec {line}")]).envs(variables);
    let ran = finish(limited).await;
    assert!(ran.code == 4 && ran.err.contains("nothing is raised without its line"), "{ran:?}");
    assert!(weight(&house).abs() < 1e-9);
    assert_eq!(std::fs::read(&files.audit).unwrap(), before, "what was begun is taken back");
    assert_eq!(gate(&house, &files, &["--apply"]).await.code, 0, "and with room again it rises");
    assert_eq!(logged(&files).last().unwrap().what, What::Raise);
}

#[tokio::test]
async fn of_gates_that_run_at_once_one_raises_and_no_line_is_lost() {
    let (house, files) = scene().await;
    let runs = (0..4).map(|_| gate(&house, &files, &["--apply"]));
    let ran = futures_util::future::join_all(runs).await;
    let codes: Vec<i32> = ran.iter().map(|ran| ran.code).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{ran:?}");
    assert!(codes.iter().all(|code| [0, 3].contains(code)), "{ran:?}");
    assert!((weight(&house) - 50.0).abs() < 1e-9);
    let entries = logged(&files);
    let count = |what: What| entries.iter().filter(|entry| entry.what == what).count();
    // Whoever logged a raise and lost says so in a second line.
    assert_eq!(count(What::Raise), 1 + count(What::Failure), "{entries:?}");
    assert_eq!(count(What::Raise) + count(What::Stay), 4, "{entries:?}");
}

#[tokio::test]
async fn a_gateway_gets_no_options_of_other_targets_and_an_unknown_kind_is_named() {
    let (house, files) = scene().await;
    for option in [["--mirror", "5"], ["--baseline", "a"], ["--out", "x"], ["--in-force", "5"]] {
        let ran = gate(&house, &files, &option).await;
        assert!(ran.code == 2 && ran.err.contains(option[0]) && ran.err.contains("httproute:"), "{ran:?}");
    }
    let ran = finish(asked("carrier-pigeon:home", &files, &[])).await;
    assert!(ran.code == 2 && ran.err.contains("this is no target: expected json:FILE"), "{ran:?}");
    let ran = finish(asked("gateway:8081", &files, &[])).await;
    assert!(ran.code == 2 && ran.err.contains("such as http://127.0.0.1:8081"), "{ran:?}");
    let ran = gate(&house, &files, &["--key-file", files.sign_key.to_str().unwrap()]).await;
    assert!(ran.code == 2 && ran.err.contains("this is a private key: give the public one"), "{ran:?}");
    assert!(!files.audit.exists());
}

/// Another place than our own gateway: a number in a file.
#[tokio::test]
async fn a_file_is_shown_as_a_diff_and_changed_in_place() {
    let files = files();
    go(&files.verdict, "move", 7, 50.0);
    sign_in_place(&files.verdict, &key(&files));
    let path = files.gate.with_file_name("weights.json");
    let text = "{ \"candidate\": 0,\t\"owner\": \"me\" }\n";
    std::fs::write(&path, text).unwrap();
    let target = format!("json:{}#/candidate", path.display());
    let ran = finish(asked(&target, &files, &[])).await;
    assert!(ran.code == 0 && ran.out.contains("  +{ \"candidate\": 50,"), "{ran:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    let ran = finish(asked(&target, &files, &["--apply"])).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text.replace("0,", "50,"));
    // Somebody sets it back by hand: the same evidence does not raise it again.
    std::fs::write(&path, text).unwrap();
    let ran = finish(asked(&target, &files, &["--apply"])).await;
    assert!(ran.code == 3 && words(&ran).contains("the evidence began before"), "{ran:?}");
    let whats: Vec<What> = logged(&files).iter().map(|entry| entry.what).collect();
    assert_eq!(whats, [What::DryRun, What::Raise, What::Stay]);
}

#[tokio::test]
async fn keys_are_made_once_and_for_their_owner_and_sign() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let weighbridge = |words: &[&str]| {
        let mut command = weighbridge(words);
        command.current_dir(folder.path());
        finish(command)
    };
    let made = weighbridge(&["sign", "--new-key", "key.pem"]).await;
    assert_eq!(made.code, 0, "{made:?}");
    let fingerprint = made.out.split_whitespace().last().unwrap().to_owned();
    let secret = std::fs::read_to_string(file("key.pem")).unwrap();
    assert!(!made.out.contains(secret.lines().nth(1).unwrap()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(file("key.pem")).unwrap().permissions().mode() & 0o777, 0o600);
    }
    for again in ["key.pem", "key"] {
        let ran = weighbridge(&["sign", "--new-key", again]).await;
        assert!(ran.code == 2 && ran.err.contains("no key is overwritten"), "{ran:?}");
    }
    assert!(!file("key").exists());
    assert_eq!(std::fs::read_to_string(file("key.pem")).unwrap(), secret);

    go(&file("verdict.json"), "move", 1, 50.0);
    let unsigned = std::fs::read(file("verdict.json")).unwrap();
    let ran = weighbridge(&["sign", "verdict.json", "--key-file", "key.pem", "--out", "signed.json"]).await;
    assert!(ran.code == 0 && ran.err.contains(&fingerprint), "{ran:?}");
    assert_eq!(std::fs::read(file("verdict.json")).unwrap(), unsigned);
    assert_eq!(weighbridge(&["sign", "verdict.json", "--key-file", "key.pem"]).await.code, 0);
    assert_eq!(std::fs::read(file("verdict.json")).unwrap(), std::fs::read(file("signed.json")).unwrap());
    let value: Value = serde_json::from_slice(&std::fs::read(file("signed.json")).unwrap()).unwrap();
    assert_eq!(value["signature"]["key"], fingerprint.as_str());
    let ran = weighbridge(&["sign", "verdict.json", "--key-file", "key.pub.pem"]).await;
    assert!(ran.code == 2 && ran.err.contains("key.pub.pem: this is a public key"), "{ran:?}");
    let ran = weighbridge(&["sign", "key.pub.pem", "--key-file", "key.pem"]).await;
    assert!(ran.code == 2 && ran.err.contains("key.pub.pem, line 1: no verdict"), "{ran:?}");
    let ran = weighbridge(&["sign", "verdict.json"]).await;
    assert!(ran.code == 2 && ran.err.contains("--key-file"), "{ran:?}");
}

#[tokio::test]
async fn a_gateway_is_given_the_signature_with_the_verdict() {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    let files = files();
    crate::rollout::play(&house, 0, 40).await;
    let target = target(&house);
    let mut command = weighbridge(["evaluate".as_ref(), house.records.as_os_str()]);
    command.arg("--out").arg(&files.verdict).arg("--sign-key").arg(&files.sign_key).args(["--publish", &target]);
    let ran = finish(command).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    let kept = house.admin("/admin/v1/migrations/move/verdict").await;
    let keys = [key(&files).public().clone()];
    for bytes in [std::fs::read(&files.verdict).unwrap(), kept.text.clone().into_bytes()] {
        let opened = ::gate::signature::open(&bytes, &keys).unwrap();
        assert_eq!(opened.signed, ::gate::signature::Signed::By(keys[0].fingerprint().to_owned()));
    }
}

#[tokio::test]
async fn a_log_is_verified_and_shown() {
    let (house, files) = scene().await;
    gate(&house, &files, &[]).await;
    gate(&house, &files, &["--apply"]).await;
    gate(&house, &files, &["--apply"]).await;
    let log = files.audit.to_str().unwrap();
    let audit = |words: Vec<String>| {
        let mut command = weighbridge(["audit"]);
        command.args(words);
        finish(command)
    };
    let of = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let sound = audit(of(&["verify", log])).await;
    assert!(sound.code == 0 && sound.out.contains("3 decisions, each as it was written"), "{sound:?}");
    let head = sound.out.lines().find_map(|line| line.strip_prefix("head")).unwrap().trim().to_owned();
    let shown = audit(of(&["show", log])).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    for word in [
        "asked only 0% → 50%, move by gate",
        "raise 0% → 50%, move by gate",
        "left alone at 50%, move by gate",
        "signed by",
    ] {
        assert!(words(&shown).contains(word), "`{word}` is not in\n{}", shown.out);
    }
    let wide: Vec<&str> = shown.out.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "{wide:?}");
    let lines = audit(of(&["show", log, "--json"])).await;
    let whats: Vec<String> =
        lines.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["what"].to_string()).collect();
    assert_eq!(whats, ["\"dry-run\"", "\"raise\"", "\"stay\""]);

    // Cut off, and changed.
    let text = std::fs::read_to_string(&files.audit).unwrap();
    let cut: String = text.split_inclusive('\n').take(2).collect();
    std::fs::write(&files.audit, &cut).unwrap();
    assert_eq!(audit(of(&["verify", log])).await.code, 0, "by itself it cannot know");
    for expected in [["--expect-head", &head], ["--expect-lines", "3"]] {
        let ran = audit(of(&[&["verify", log][..], &expected].concat())).await;
        assert!(ran.code == 2 && ran.out.contains("BROKEN") && ran.out.contains("cut off"), "{ran:?}");
    }
    std::fs::write(&files.audit, text.replacen("dry-run", "set", 1)).unwrap();
    let ran = audit(of(&["verify", log, "--json"])).await;
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &told["outcome"], &told["line"]), (2, &"broken".into(), &1.into()), "{told}");
    assert!(audit(of(&["show", log])).await.err.contains("audit verify"));
    assert_eq!(gate(&house, &files, &["--apply"]).await.code, 4, "and nothing is decided on it");
    let ran = audit(of(&["verify", "/nowhere"])).await;
    assert!(ran.code == 2 && ran.err.contains("/nowhere"), "{ran:?}");
    let ran = audit(of(&["verify", log, "--expect-head", "abc"])).await;
    assert!(ran.code == 2 && ran.err.contains("64 hexadecimal digits"), "{ran:?}");
}

/// A server that answers each request, given its first line, with one JSON body.
async fn server(mut answer: impl FnMut(&str) -> String + Send + 'static) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 64 * 1024];
            let read = stream.read(&mut request).await.unwrap_or_default();
            let line = String::from_utf8_lossy(&request[..read]).lines().next().unwrap_or_default().to_owned();
            let body = answer(&line);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length:";
            let _gone = stream.write_all(format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes()).await;
        }
    });
    address.to_string()
}

#[tokio::test]
async fn a_kill_switch_that_is_pulled_while_the_target_answers_still_stops() {
    let files = files();
    go(&files.verdict, "move", 1, 50.0);
    sign_in_place(&files.verdict, &key(&files));
    let policy = std::fs::read_to_string(&files.gate).unwrap();
    std::fs::write(&files.gate, format!("kill_switch = \"stop\"\n{policy}")).unwrap();
    let stop = files.gate.with_file_name("stop");
    let (told, mut tell) = tokio::sync::mpsc::channel(16);
    let address = server(move |line| {
        std::fs::write(&stop, "").unwrap();
        told.try_send(line.split(' ').next().unwrap_or_default().to_owned()).unwrap();
        r#"{"schema": "weighbridge.weight/1", "weight_percent": 0.0, "generation": "g"}"#.to_owned()
    })
    .await;
    let ran = finish(asked(&format!("webhook+http://{address}/weight"), &files, &["--apply"])).await;
    assert!(ran.code == 3 && words(&ran).contains("stop exists"), "{ran:?}");
    assert_eq!((tell.recv().await.as_deref(), tell.try_recv().ok()), (Some("GET"), None));
    let [entry] = &logged(&files)[..] else { panic!("one line a decision") };
    assert_eq!((entry.what, entry.to_percent), (What::Stay, Some(0.0)));
}

/// A gateway of another version may have raised the weight and say so in other words.
#[tokio::test]
async fn an_answer_that_is_not_understood_takes_no_raise_back() {
    let (house, files) = scene().await;
    let state = house.admin("/admin/v1/migrations/move/weight").await.text;
    let address = server(move |line| if line.starts_with("PUT") { "{}".to_owned() } else { state.clone() }).await;
    let ran = finish(asked(&format!("http://{address}"), &files, &["--apply"])).await;
    assert!(ran.code == 4 && words(&ran).contains("may or may not be raised"), "{ran:?}");
    let [raise, failure] = &logged(&files)[..] else { panic!("a line of the raise, and one of what became of it") };
    assert_eq!((raise.what, raise.to_percent), (What::Raise, Some(50.0)));
    assert_eq!((failure.what, failure.to_percent), (What::Failure, None), "it does not claim to know");
}

#[tokio::test]
async fn the_log_tells_what_the_target_really_gets() {
    let files = files();
    go(&files.verdict, "move", 1, 50.0);
    sign_in_place(&files.verdict, &key(&files));
    let file = |name: &str| files.gate.with_file_name(name).display().to_string();
    std::fs::write(file("weights.map"), "openai 3\ndeepseek 0\n").unwrap();
    let arms = ["--baseline", "openai", "--candidate", "deepseek"];
    let ran =
        finish(asked(&format!("haproxy:{}", file("weights.map")), &files, &[&arms[..], &["--apply"]].concat())).await;
    assert!(ran.code == 0 && words(&ran).contains("from 0% to 33.33%"), "{ran:?}");
    assert_eq!(std::fs::read_to_string(file("weights.map")).unwrap(), "openai 2\ndeepseek 1\n");

    let route = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: chat}\nspec:\n  rules:\n  \
                 - filters:\n    - type: RequestMirror\n      requestMirror: {backendRef: {name: deepseek}, percent: 0}\n    \
                 backendRefs:\n    - {name: openai, weight: 100}\n    - {name: deepseek, weight: 0}\n";
    std::fs::write(file("route.yaml"), route).unwrap();
    let ran = finish(asked(
        &format!("httproute:{}", file("route.yaml")),
        &files,
        &[&arms[..], &["--apply", "--mirror", "20"]].concat(),
    ))
    .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let webhook = "webhook+http://127.0.0.1:9/weight";
    assert_eq!(finish(asked(webhook, &files, &["--in-force", "0"])).await.code, 0);

    let [rounded, mirrored, told] = &logged(&files)[..] else { panic!("one line a decision") };
    assert_eq!((rounded.what, rounded.to_percent), (What::Raise, Some(33.33)));
    assert!(mirrored.to_percent == Some(50.0) && mirrored.why.contains("mirrored share to 20%"), "{}", mirrored.why);
    assert!(told.what == What::DryRun && told.why.contains("told by --in-force, not read"), "{}", told.why);
}
