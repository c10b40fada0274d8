//! `weighbridge autopilot` before a real gateway: up on proof, down at once, one leader, and a kill that changes nothing.
#![expect(clippy::float_cmp, reason = "weights are hundredths of a percent, which are exact")]

use crate::command::{Ran, finish, run, weighbridge};
use crate::harness::{House, Plan};
use crate::redis_server::RedisServer;
use crate::rollout::{files, play};
use mocks::{Faults, Profile};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

/// What an autopilot works with, in a folder of its own.
struct Cockpit {
    folder: tempfile::TempDir,
}

/// An autopilot that runs; killed when it is dropped.
struct Flying {
    child: Child,
    said: PathBuf,
}

impl Cockpit {
    /// Beside a gateway that writes its records; `more` are lines before the tables, or tables.
    fn of(house: &House, more: &str) -> Self {
        Self::at(&house.gateway.admin_address.to_string(), &house.records, more)
    }

    fn at(admin: &str, records: &Path, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("policy.toml", &std::fs::read_to_string(&files().policy).unwrap());
        write("gate.toml", "ladder_percent = [50, 100]\n");
        write("sign.pem", &gate::signature::SecretKey::generate().unwrap().to_pem().unwrap());
        let text = format!(
            "migration = \"move\"\nrecords = [{records:?}]\ninterval = \"200ms\"\nlease = \"1s\"\npolicy = \
             \"policy.toml\"\ngate_policy = \"gate.toml\"\nsign_key = \"sign.pem\"\n{more}\n[gateway]\ntarget = \
             \"http://{admin}\"\n"
        );
        write("autopilot.toml", &text);
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, more: &[&str]) -> std::process::Command {
        let mut command =
            weighbridge(["autopilot".as_ref(), "--config".as_ref(), self.path("autopilot.toml").as_os_str()]);
        command.args(more);
        command
    }

    async fn once(&self) -> Ran {
        finish(self.command(&["--once"])).await
    }

    fn fly(&self, name: &str) -> Flying {
        let said = self.path(name);
        let mut command = self.command(&[]);
        command.stdout(Stdio::null()).stderr(std::fs::File::create(&said).unwrap());
        Flying { child: command.spawn().unwrap(), said }
    }

    /// The lines of the log, as they stand in the file.
    fn log(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("weighbridge-audit.ndjson")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["entry"].clone()).collect()
    }

    fn logged(&self, what: &str) -> Vec<Value> {
        self.log().into_iter().filter(|entry| entry["what"] == what).collect()
    }

    fn folders(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("autopilot")).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The chain of the log holds.
    fn verify(&self) {
        let file = std::io::BufReader::new(std::fs::File::open(self.path("weighbridge-audit.ndjson")).unwrap());
        let outcome = gate::audit::verify(file, &gate::audit::Expected::default()).unwrap();
        assert!(matches!(outcome, gate::audit::Outcome::Verified(_)), "{outcome:?}");
    }
}

impl Flying {
    fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap()
    }

    /// Ends it without a word, as a machine does that loses its power.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Flying {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Waits for a condition; an evaluation on a busy machine takes its time.
async fn until(what: &str, flying: &[&Flying], mut condition: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let said: Vec<String> = flying.iter().map(|flying| flying.said()).collect();
    panic!("never came: {what}\n{}", said.join("\n---\n"));
}

/// The weights that the gateway was given, from its own trail.
async fn course(house: &House) -> Vec<f64> {
    let trail = house.admin("/admin/v1/audit").await.json();
    let weights = trail["changes"].as_array().unwrap().iter().filter(|change| change["what"] != "shadow");
    weights.map(|change| change["to_percent"].as_f64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_climbs_on_proof_alone_and_being_killed_changes_nothing() {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    let cockpit = Cockpit::of(&house, "");
    // What decides is what a rung has seen as a whole: traffic comes while nobody looks.
    play(&house, 0, 1000).await;
    let mut first = cockpit.fly("first");
    until("the first rung", &[&first], || house.gateway.weight_percent() == 50.0).await;
    first.kill();

    // Traffic at that rung is judged by its successor, after the lead of the killed one is over.
    play(&house, 1000, 2000).await;
    let mut second = cockpit.fly("second");
    until("the hold-back", &[&second], || house.gateway.weight_percent() == 98.0).await;
    until("its report", &[&second], || second.said().contains("hold-back-98")).await;
    second.kill();
    let third = cockpit.fly("third");
    until("it goes on", &[&third], || third.said().contains("at 98%")).await;
    drop(third);

    assert_eq!(course(&house).await, [50.0, 98.0], "each step once");
    let raises = cockpit.logged("raise");
    let steps: Vec<_> =
        raises.iter().map(|entry| (entry["from_percent"].clone(), entry["to_percent"].clone())).collect();
    assert_eq!(steps, [(0.0.into(), 50.0.into()), (50.0.into(), 98.0.into())], "{raises:?}");
    assert!(raises.iter().all(|entry| entry["evidence"]["signed_by"].is_string()), "{raises:?}");
    assert_eq!(cockpit.logged("lead").len(), 3, "each began to lead");
    cockpit.verify();
    let folders = cockpit.folders();
    let folder = folders.iter().find(|name| name.ends_with("hold-back-98")).unwrap_or_else(|| panic!("{folders:?}"));
    assert!(cockpit.path("autopilot").join(folder).join("index.html").exists());
    // What it published is what it judged.
    let published = house.admin("/admin/v1/migrations/move/verdict").await.json();
    let latest = std::fs::read_to_string(cockpit.path("autopilot/latest/verdict.json")).unwrap();
    assert_eq!(published, serde_json::from_str::<Value>(&latest).unwrap());
    let long = std::fs::read_to_string(cockpit.path("second")).unwrap();
    assert!(long.lines().all(|line| line.contains('/') || line.chars().count() <= 80), "{long}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn harm_takes_the_weight_to_nothing_and_only_evidence_from_after_it_counts() {
    let faults = Faults { error_500: 0.2, ..Faults::default() };
    let bad = Profile { faults, ..Profile::instant() };
    let plan = Plan { weight_percent: 50.0, shadow_percent: 100.0, deepseek: bad, ..Plan::default() };
    let house = plan.build().await;
    let cockpit = Cockpit::of(&house, "");
    play(&house, 0, 800).await;
    let ran = cockpit.once().await;
    assert_eq!((ran.code, house.gateway.weight_percent()), (1, 0.0), "{ran:?}");
    assert!(ran.err.contains("rolled back"), "{ran:?}");
    let back = cockpit.logged("rollback");
    assert_eq!(
        (back.len(), &back[0]["from_percent"], &back[0]["evidence"]["verdict"]),
        (1, &50.0.into(), &"no-go".into())
    );
    assert_eq!(back[0]["epoch"], house.gateway.epoch());

    let ran = cockpit.once().await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("no exchange yet since epoch"), "{ran:?}");
    // Somebody rolls back by hand: that is a rollback, too, and is known from the gateway's trail.
    assert_eq!(house.set_weight(50.0, house.gateway.epoch()).await.status, 200);
    assert_eq!(house.set_weight(0.0, house.gateway.epoch()).await.status, 200);
    cockpit.once().await;
    let set = cockpit.logged("set");
    assert_eq!((set.len(), &set[1]["who"], &set[1]["to_percent"]), (2, &"token".into(), &0.0.into()), "{set:?}");
    cockpit.once().await;
    assert_eq!(cockpit.logged("set").len(), 2, "each once");
    cockpit.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_by_cron_says_how_it_went_and_a_dry_run_changes_nothing() {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    let cockpit = Cockpit::of(&house, "");
    let ran = cockpit.once().await;
    assert!(ran.code == 3 && ran.err.contains("no exchange to judge"), "{ran:?}");
    play(&house, 0, 1000).await;
    let ran = finish(cockpit.command(&["--once", "--dry-run"])).await;
    assert!(ran.code == 0 && ran.err.contains("would do: raise-50"), "{ran:?}");
    assert_eq!((house.gateway.weight_percent(), cockpit.logged("dry-run").len()), (0.0, 1));
    assert_eq!(cockpit.logged("lead").len() + cockpit.logged("raise").len(), 1, "the first look led");

    let ran = cockpit.once().await;
    assert_eq!((ran.code, house.gateway.weight_percent()), (0, 50.0), "{ran:?}");
    let ran = cockpit.once().await;
    assert_eq!((ran.code, house.gateway.weight_percent()), (3, 50.0), "its epoch has no evidence yet: {ran:?}");

    // A broken line is no verdict, and no end; a gateway that is away is the world's fault.
    let text = std::fs::read_to_string(&house.records).unwrap();
    std::fs::write(&house.records, format!("{text}{{\n{{}}\n")).unwrap();
    let ran = cockpit.once().await;
    assert!(ran.code == 3 && ran.err.contains("there is no verdict"), "{ran:?}");
    let away = Cockpit::at("127.0.0.1:9", &house.records, "");
    let ran = away.once().await;
    assert!(ran.code == 4 && ran.err.contains("cannot reach the admin plane"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raise_that_cannot_be_logged_is_not_made() {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    let cockpit = Cockpit::of(&house, "audit = \"log\"");
    std::fs::create_dir(cockpit.path("log")).unwrap();
    play(&house, 0, 1000).await;
    let ran = cockpit.once().await;
    assert_eq!((ran.code, house.gateway.weight_percent()), (4, 0.0), "{ran:?}");
    assert_eq!(course(&house).await, [0.0; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn harm_is_undone_even_where_nothing_can_be_logged() {
    let faults = Faults { error_500: 0.2, ..Faults::default() };
    let bad = Profile { faults, ..Profile::instant() };
    let plan = Plan { weight_percent: 50.0, shadow_percent: 100.0, deepseek: bad, ..Plan::default() };
    let house = plan.build().await;
    let cockpit = Cockpit::of(&house, "audit = \"log\"");
    std::fs::create_dir(cockpit.path("log")).unwrap();
    play(&house, 0, 800).await;
    let ran = cockpit.once().await;
    assert_eq!((ran.code, house.gateway.weight_percent()), (4, 0.0), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_one_leads_and_the_other_takes_over_when_it_is_killed() {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    let (a, b) = (Cockpit::of(&house, "name = \"a\""), Cockpit::of(&house, "name = \"b\""));
    play(&house, 0, 1000).await;
    let mut leads = a.fly("said");
    until("the first leads", &[&leads], || a.logged("lead").len() == 1).await;
    let follows = b.fly("said");
    until("the second waits", &[&leads, &follows], || follows.said().contains("waiting: a/")).await;
    until("the first raises", &[&leads, &follows], || house.gateway.weight_percent() == 50.0).await;
    assert!(b.log().is_empty(), "who waits decides nothing");
    leads.kill();
    until("the second leads", &[&leads, &follows], || b.logged("lead").len() == 1).await;
    play(&house, 1000, 2000).await;
    until("the second raises", &[&leads, &follows], || house.gateway.weight_percent() == 98.0).await;
    assert_eq!(course(&house).await, [50.0, 98.0]);
    // What the first one did is in the second one's log, too, from the gateway.
    assert_eq!(b.logged("raise").len(), 2, "{:?}", b.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_two_replicas_one_leads_and_without_redis_nobody_raises() {
    let Some(mut redis) = RedisServer::start() else { return };
    let house = async |name: &str| {
        let lines = format!(
            "[redis]\nurl = \"{}\"\ntimeout = \"2s\"\npoll_interval = \"100ms\"\nlost_after = \"500ms\"\nname = \"{name}\"\n",
            redis.url()
        );
        Plan { shadow_percent: 100.0, extra: lines.leak(), ..Plan::default() }.build().await
    };
    let (one, two) = (house("one").await, house("two").await);
    let (a, b) = (Cockpit::of(&one, "name = \"a\""), Cockpit::of(&two, "name = \"b\""));
    let mut leads = a.fly("said");
    until("the first leads", &[&leads], || a.logged("lead").len() == 1).await;
    let follows = b.fly("said");
    until("the second waits", &[&leads, &follows], || follows.said().contains("waiting: a/")).await;
    leads.kill();
    until("the second leads", &[&leads, &follows], || b.logged("lead").len() == 1).await;

    redis.kill();
    play(&two, 0, 1000).await;
    // A raise is due; it comes when Redis is back, and not before.
    until("nobody leads", &[&follows], || follows.said().contains("nobody leads, so nothing is raised")).await;
    assert_eq!((one.gateway.weight_percent(), two.gateway.weight_percent()), (0.0, 0.0), "{}", follows.said());
    redis.restart();
    until("the raise on both", &[&follows], || {
        one.gateway.weight_percent() == 50.0 && two.gateway.weight_percent() == 50.0
    })
    .await;
    drop(redis);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_latencies_says_everywhere_that_it_is_no_evidence() {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    let adjust = "[adjust]\nmode = \"latency\"\nshare_max_percent = 12\nstep_percent = 10\n";
    let cockpit = Cockpit::of(&house, &format!("{adjust}i_know_this_is_not_evidence = false"));
    let ran = cockpit.once().await;
    assert!(ran.code == 2 && ran.err.contains("i_know_this_is_not_evidence = true"), "{ran:?}");

    let cockpit = Cockpit::of(&house, &format!("{adjust}i_know_this_is_not_evidence = true"));
    play(&house, 0, 200).await;
    let recent = house.admin("/admin/v1/migrations/move/recent").await.json();
    assert_eq!((&recent["baseline"]["calls"], &recent["candidate"]["calls"]), (&100.into(), &100.into()), "{recent}");
    for _ in 0..4 {
        let ran = cockpit.once().await;
        assert!(ran.code == 0 && ran.err.contains("not evidence-based"), "{ran:?}");
        assert!(house.gateway.weight_percent() <= 12.0, "the cap");
    }
    assert!(house.gateway.weight_percent() >= 1.0);
    let trail = house.admin("/admin/v1/audit").await.json();
    let reasons: Vec<&str> =
        trail["changes"].as_array().unwrap().iter().map(|change| change["reason"].as_str().unwrap()).collect();
    assert!(
        !reasons.is_empty() && reasons.iter().all(|reason| reason.starts_with("not evidence-based")),
        "{reasons:?}"
    );
    let set = cockpit.logged("set");
    assert!(!set.is_empty() && set.iter().all(|entry| entry["why"].as_str().unwrap().contains("not evidence-based")));
    assert!(!cockpit.path("autopilot/latest/verdict.json").exists(), "nothing was judged");
}

#[tokio::test]
async fn a_wrong_configuration_ends_it_with_file_line_and_what_was_meant() {
    let records = PathBuf::from("records.ndjson");
    for (more, expected) in [
        ("intervall = \"1m\"", "line 8: unknown key `intervall`; the nearest known key is `interval`"),
        ("[hold_back]\npercent = 51", "`hold_back.percent` is 51: expected 0 to 50"),
        ("[hold_back]\nthen = \"leave\"", "unknown variant `leave`"),
        ("[rollback]\nwait = \"soon\"", "`rollback.wait` is `soon`"),
        ("[copies]\nbudget = \"1e3\"", "`copies.budget` is `1e3`"),
        ("labels = 7", "line 8: invalid type"),
    ] {
        let ran = Cockpit::at("127.0.0.1:9", &records, more).once().await;
        assert!(ran.code == 2 && ran.err.contains(expected), "{more}: {ran:?}");
        assert!(ran.err.contains("autopilot.toml"), "{ran:?}");
    }
    let cockpit = Cockpit::at("127.0.0.1:9", &records, "");
    std::fs::remove_file(cockpit.path("sign.pem")).unwrap();
    let ran = cockpit.once().await;
    assert!(ran.code == 2 && ran.err.contains("cannot read the key"), "{ran:?}");
    let ran = run(["autopilot", "--config", "nowhere.toml"]).await;
    assert!(ran.code == 2 && ran.err.contains("check --config"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_flies_itself_where_it_is_told_to() {
    let house = Plan::default().build().await;
    let cockpit = Cockpit::of(&house, "");
    let config =
        Plan::default().config(&house.openai.base_url(), &house.deepseek.base_url(), &cockpit.path("r.ndjson"));
    std::fs::write(cockpit.path("gateway.toml"), config).unwrap();
    let said = cockpit.path("said");
    let mut command = weighbridge(["serve".as_ref(), "--config".as_ref(), cockpit.path("gateway.toml").as_os_str()]);
    command.env("KEY", crate::harness::PROVIDER_KEY);
    command.args(["--autopilot".as_ref(), cockpit.path("autopilot.toml").as_os_str()]);
    command.stdout(Stdio::null()).stderr(std::fs::File::create(&said).unwrap());
    // It flies the other gateway here, whose address is known before.
    let flying = Flying { child: command.spawn().unwrap(), said };
    until("it looks", &[&flying], || flying.said().contains("by evidence") && !cockpit.logged("lead").is_empty()).await;
}
