//! What can go wrong at the gate: it is killed at each step of a raise, verdicts are stale, forged or about something else,
//! clocks step, the log cannot be written, Redis is gone. Never a raise, never a lost line: after each case the log verifies
//! and tells what happened.

use crate::command::{Ran, finish, run, weighbridge};
use crate::harness::{House, Plan, until};
use crate::redis_server::RedisServer;
use crate::rollout;
use gate::audit::{Entry, Expected, Log, Outcome, What, verify};
use gate::signature::{self, SecretKey};
use serde_json::{Value, json};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// Keys, verdict and log of one test.
struct Desk {
    folder: TempDir,
    key: SecretKey,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap(), key: SecretKey::generate().unwrap() };
        std::fs::write(desk.path("public.pem"), desk.key.public().to_pem()).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> Log {
        Log::new(self.path("audit.ndjson"))
    }

    /// Writes a verdict that is signed after `change`.
    fn verdict(&self, house: &House, change: impl FnOnce(&mut Value)) {
        let mut verdict = go(house);
        change(&mut verdict);
        let text = signature::sign(verdict.to_string().as_bytes(), &self.key).unwrap();
        std::fs::write(self.path("verdict.json"), text).unwrap();
    }

    fn command(&self, target: &str) -> std::process::Command {
        let mut command = weighbridge(["gate"]);
        command.arg(self.path("verdict.json")).args(["--apply", "--target", target]);
        command.arg("--key-file").arg(self.path("public.pem")).arg("--audit").arg(self.log().path());
        command.current_dir(self.folder.path());
        command
    }

    async fn gate(&self, house: &House) -> Ran {
        finish(self.command(&plane(house))).await
    }

    /// The log verifies, and these are its decisions.
    fn tells(&self, expected: &[What]) -> Vec<Entry> {
        let path = self.log().path().to_owned();
        if expected.is_empty() && !path.exists() {
            return Vec::new();
        }
        let file = BufReader::new(std::fs::File::open(&path).unwrap());
        let outcome = verify(file, &Expected::default()).unwrap();
        assert!(matches!(outcome, Outcome::Verified(_)), "{outcome:?}");
        let entries = self.log().read().unwrap();
        let told: Vec<What> = entries.iter().map(|entry| entry.what).collect();
        assert_eq!(told, expected, "{entries:?}");
        entries
    }
}

fn plane(house: &House) -> String {
    format!("http://{}", house.gateway.admin_address)
}

/// A GO about what is in force, for the first rung.
fn go(house: &House) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = rollout::go(&folder.path().join("go.json"), "move", house.gateway.epoch(), 1.0);
    let mut verdict: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    verdict["weight_percent"] = house.gateway.weight_percent().into();
    verdict
}

fn stays_at(house: &House, percent: f64, case: &str) {
    assert!((house.gateway.weight_percent() - percent).abs() < 1e-9, "{case}: {}", house.gateway.weight_percent());
}

fn hours_from_now(hours: i64) -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours)).to_string()
}

#[tokio::test]
async fn stale_forged_and_mismatched_verdicts_raise_nothing_and_are_told() {
    type Change = fn(&mut Value);
    let house = Plan::default().build().await;
    let cases: [(&str, Change); 8] = [
        ("stale", |v| v["created_at"] = hours_from_now(-25).into()),
        ("from the future: a clock was set back", |v| v["created_at"] = hours_from_now(1).into()),
        ("another epoch", |v| v["epoch"] = json!(v["epoch"].as_u64().unwrap() + 1)),
        ("another weight", |v| v["weight_percent"] = json!(5.0)),
        ("a HOLD", |v| v["verdict"] = "hold".into()),
        ("a NO-GO", |v| v["verdict"] = "no-go".into()),
        ("a degraded replay", |v| v["instrument"]["replay_degraded"] = true.into()),
        ("more than there is", |v| v["next_weight_percent"] = json!(1e300)),
    ];
    let desk = Desk::new();
    for (index, (case, change)) in cases.into_iter().enumerate() {
        desk.verdict(&house, change);
        let ran = desk.gate(&house).await;
        assert_ne!(ran.code, 0, "{case}: {ran:?}");
        stays_at(&house, 0.0, case);
        desk.tells(&vec![What::Stay; index + 1]);
    }

    // Forged: changed after it was signed, signed by somebody else, by nobody, or with a member twice.
    let desk = Desk::new();
    desk.verdict(&house, |_| {});
    let sound = std::fs::read_to_string(desk.path("verdict.json")).unwrap();
    let signed_by_another =
        signature::sign(go(&house).to_string().as_bytes(), &SecretKey::generate().unwrap()).unwrap();
    let forged = [
        ("a changed byte", sound.replace("all guardrails passed", "all guardrails pussed")),
        ("another key", signed_by_another),
        ("no signature", go(&house).to_string()),
        ("a member twice", sound.replacen('{', "{\"verdict\":\"go\",", 1)),
        ("cut off", sound[..sound.len() / 2].to_owned()),
    ];
    let mut lines = 0;
    for (case, text) in forged {
        std::fs::write(desk.path("verdict.json"), text).unwrap();
        let ran = desk.gate(&house).await;
        assert_ne!(ran.code, 0, "{case}: {ran:?}");
        stays_at(&house, 0.0, case);
        // What is no verdict is refused before there is anything to decide about.
        lines += usize::from(ran.code != 2);
        desk.tells(&vec![What::Stay; lines]);
    }
    assert!(lines >= 3, "wrong signatures are decisions");

    // The same desk raises what is sound, once.
    std::fs::write(desk.path("verdict.json"), &sound).unwrap();
    let ran = desk.gate(&house).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    stays_at(&house, 1.0, "sound");
    let again = desk.gate(&house).await;
    assert_ne!(again.code, 0, "{again:?}");
    stays_at(&house, 1.0, "used");
}

#[tokio::test]
async fn a_log_that_cannot_be_written_means_that_nothing_is_raised() {
    let house = Plan::default().build().await;
    let desk = Desk::new();
    desk.verdict(&house, |_| {});
    // A folder stands where the file should be.
    std::fs::create_dir(desk.log().path()).unwrap();
    let ran = desk.gate(&house).await;
    assert_ne!(ran.code, 0, "{ran:?}");
    stays_at(&house, 0.0, "no file");
    std::fs::remove_dir(desk.log().path()).unwrap();

    // Somebody changed a line.
    desk.verdict(&house, |v| v["verdict"] = "hold".into());
    desk.gate(&house).await;
    let text = std::fs::read_to_string(desk.log().path()).unwrap();
    std::fs::write(desk.log().path(), text.replacen("\"who\":\"gate\"", "\"who\":\"gute\"", 1)).unwrap();
    desk.verdict(&house, |_| {});
    let ran = desk.gate(&house).await;
    assert_ne!(ran.code, 0, "{ran:?}");
    stays_at(&house, 0.0, "a changed line");

    // Somebody was killed in the middle of a line: nothing is lost, and the next line tells of it.
    std::fs::write(desk.log().path(), format!("{text}{{\"n\":2,\"prev")).unwrap();
    let ran = desk.gate(&house).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    stays_at(&house, 1.0, "torn");
    desk.tells(&[What::Stay, What::Raise]);
}

/// Where a connection to the admin plane is stopped for good.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stop {
    /// The state is asked for, and no answer comes.
    AtReading,
    /// The change is on its way, and does not arrive.
    BeforeTheChange,
    /// The change is made, and nobody hears of it.
    AfterTheChange,
}

/// An address before the admin plane that stops there; told when it has.
async fn stopped(house: &House, stop: Stop) -> (String, Arc<Notify>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (reached, told) = (Arc::new(Notify::new()), house.gateway.admin_address);
    let notify = Arc::clone(&reached);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass_on(client, told, stop, Arc::clone(&notify)));
        }
    });
    (address, reached)
}

/// Passes request by request on, until the one to stop at.
async fn pass_on(mut client: TcpStream, to: std::net::SocketAddr, stop: Stop, reached: Arc<Notify>) {
    let mut server = TcpStream::connect(to).await.unwrap();
    let mut bytes = vec![0; 65_536];
    loop {
        // Requests of the gate are small: one read has them, or the next one has their rest.
        let Ok(count @ 1..) = client.read(&mut bytes).await else { return };
        let is_change = bytes[..count].starts_with(b"PUT");
        let stops = match stop {
            Stop::AtReading => true,
            Stop::BeforeTheChange => is_change,
            Stop::AfterTheChange => false,
        };
        if stops {
            break;
        }
        server.write_all(&bytes[..count]).await.unwrap();
        if stop == Stop::AfterTheChange && is_change {
            // The rest of the change too, until the gateway has answered.
            let mut answer = [0; 1];
            loop {
                tokio::select! {
                    more = client.read(&mut bytes) => match more {
                        Ok(count @ 1..) => server.write_all(&bytes[..count]).await.unwrap(),
                        _ => return,
                    },
                    _ = server.read(&mut answer) => break,
                }
            }
            break;
        }
        let Ok(count @ 1..) = server.read(&mut bytes).await else { return };
        client.write_all(&bytes[..count]).await.unwrap();
    }
    reached.notify_one();
    std::future::pending::<()>().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_gate_that_is_killed_at_any_step_raises_once_at_most_and_no_line_is_lost() {
    for (stop, expected, percent) in [
        (Stop::AtReading, &[][..], 0.0),
        (Stop::BeforeTheChange, &[What::Raise][..], 0.0),
        (Stop::AfterTheChange, &[What::Raise][..], 1.0),
    ] {
        let house = Plan::default().build().await;
        let desk = Desk::new();
        desk.verdict(&house, |_| {});
        let (address, reached) = stopped(&house, stop).await;
        let mut child = desk.command(&address).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        reached.notified().await;
        child.kill().unwrap();
        tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
        desk.tells(expected);
        stays_at(&house, percent, &format!("{stop:?}"));

        // Whoever comes next does not raise a second time on what was used or is over, and goes on in the same log.
        let ran = desk.gate(&house).await;
        let after = house.gateway.weight_percent();
        assert!(after <= 1.0, "{stop:?}: {after} {ran:?}");
        let entries = desk.log().read().unwrap();
        assert_eq!(entries.len(), expected.len() + 1, "{stop:?}: {entries:?}");
        desk.tells(&entries.iter().map(|entry| entry.what).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn without_redis_nothing_is_raised_and_the_log_says_that_it_was_tried() {
    let Some(mut redis) = RedisServer::start() else { return };
    let extra = format!(
        "\n[redis]\nurl = \"{}\"\ntimeout = \"150ms\"\npoll_interval = \"100ms\"\nlost_after = \"500ms\"\n",
        redis.url()
    );
    let house = Plan { extra: Box::leak(extra.into_boxed_str()), ..Plan::default() }.build().await;
    let desk = Desk::new();
    desk.verdict(&house, |_| {});
    redis.kill();
    let ran = desk.gate(&house).await;
    assert_ne!(ran.code, 0, "{ran:?}");
    stays_at(&house, 0.0, "Redis is gone");
    let entries = desk.log().read().unwrap();
    assert!(
        entries.iter().all(|entry| entry.what != What::Raise) || entries.last().unwrap().what == What::Failure,
        "{entries:?}"
    );
    let shown = run([Path::new("audit"), Path::new("verify"), desk.log().path()]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
}

#[tokio::test]
async fn the_gateway_logs_what_its_admin_plane_changed_and_the_chain_holds_with_several_writers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.ndjson");
    let extra = format!("\n[audit]\npath = \"{}\"\n", path.display());
    let house = Plan { extra: Box::leak(extra.into_boxed_str()), ..Plan::default() }.build().await;
    let desk = Desk::new();
    desk.verdict(&house, |_| {});
    let mut command = desk.command(&plane(&house));
    command.arg("--audit").arg(&path);
    let text: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect();
    // The last `--audit` stands; the first is left out.
    let args: Vec<String> = {
        let first = text.iter().position(|arg| arg == "--audit").unwrap();
        text.iter().enumerate().filter(|(at, _)| *at != first && *at != first + 1).map(|(_, arg)| arg.clone()).collect()
    };
    let ran = run(&args).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let log = Log::new(&path);
    until("both have written", || log.read().is_ok_and(|entries| entries.len() == 2)).await;
    let told: Vec<(What, String)> = log.read().unwrap().into_iter().map(|entry| (entry.what, entry.target)).collect();
    assert_eq!(told[0].0, What::Raise);
    assert_eq!(told[1], (What::Set, "gateway".to_owned()));
    // The timeline takes both for one.
    let out = folder.path().join("timeline");
    let ran = run([Path::new("report"), &path, Path::new("--out"), &out]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let page = std::fs::read_to_string(out.join("timeline.html")).unwrap();
    assert!(page.contains("<h1>1%</h1>") && page.contains("1 raise, 0 rollbacks") && !page.contains("nobody logged"));
}
