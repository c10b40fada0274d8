//! Whoever is told by a POST.

use crate::fake::{Fake, Reply, Request};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use std::time::Duration;
use targets::{Applied, Because, Environment, Options, Target, TargetError, Wanted};

const SECRET: &str = "keep me";

fn because() -> Because {
    Because {
        migration: "chat".into(),
        reason: "GO of 2026-11-22".into(),
        evidence: Some("ab".repeat(32)),
        at: "2026-11-23T10:00:00Z".into(),
    }
}

fn wanted(weight_percent: f64) -> Wanted {
    Wanted { weight_percent, mirror_percent: None }
}

fn options() -> Options {
    let environment = Environment::default().with("WEIGHBRIDGE_WEBHOOK_SECRET", SECRET);
    Options { environment, pauses: [Duration::from_millis(1); 3], ..Options::default() }
}

fn target(fake: &Fake, options: &Options) -> Target {
    Target::parse(&format!("webhook+{}", fake.url("/weights")), options).unwrap()
}

fn state(percent: f64) -> Reply {
    let state = json!({"schema": "weighbridge.weight/1", "weight_percent": percent, "generation": "g7"});
    Reply::Answer(200, state.to_string())
}

/// Plays a receiver that keeps one weight; `posts` are what it does with each POST in turn, the last one for ever.
fn receiver(posts: Vec<(bool, Reply)>) -> Fake {
    let (mut weight, mut posts) = (5.0, posts.into_iter().peekable());
    Fake::start(move |request: &Request| {
        if request.line.starts_with("GET") {
            return state(weight);
        }
        let (acts, reply) = if posts.len() > 1 { posts.next().unwrap() } else { posts.peek().cloned().unwrap() };
        if acts {
            let body: Value = serde_json::from_str(&request.body).unwrap();
            weight = body["to_percent"].as_f64().unwrap();
        }
        reply
    })
}

async fn told(fake: &Fake) -> Result<Applied, TargetError> {
    let target = target(fake, &options());
    let found = target.read().await.unwrap();
    let plan = target.plan(&found, wanted(10.0), &because()).unwrap();
    target.apply(&plan).await
}

fn posts(fake: &Fake) -> Vec<Request> {
    fake.seen().into_iter().filter(|request| request.line.starts_with("POST")).collect()
}

#[tokio::test]
async fn the_receiver_gets_exactly_what_is_documented() {
    let fake = receiver(vec![(true, Reply::Answer(204, String::new()))]);
    let applied = told(&fake).await.unwrap();
    assert_eq!((applied.in_force.weight_percent, applied.settled, applied.notes), (10.0, true, vec![]));
    let seen = fake.seen();
    let body = format!(
        r#"{{
  "schema": "weighbridge.weight/1",
  "migration": "chat",
  "from_percent": 5.0,
  "to_percent": 10.0,
  "generation": "g7",
  "reason": "GO of 2026-11-22",
  "evidence": "{}",
  "decided_at": "2026-11-23T10:00:00Z",
  "idempotency_key": "{}"
}}"#,
        "ab".repeat(32),
        seen[1].header("idempotency-key").unwrap()
    );
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature = datasets::digest::hex(&mac.finalize().into_bytes());
    let agent = concat!("user-agent: weighbridge/", env!("CARGO_PKG_VERSION"));
    let get = format!("GET /weights\naccept: application/json\n{agent}\n\n");
    assert_eq!([seen[0].told(), seen[2].told()], [get.clone(), get]);
    let key = seen[1].header("idempotency-key").unwrap();
    assert_eq!(
        seen[1].told(),
        format!(
            "POST /weights\naccept: */*\ncontent-type: application/json\nidempotency-key: {key}\n{agent}\n\
             weighbridge-signature: sha256={signature}\n\n{body}"
        )
    );
}

#[tokio::test]
async fn a_failure_is_tried_again_with_the_same_bytes() {
    let failed = || (false, Reply::Answer(503, String::new()));
    let fake = receiver(vec![failed(), (false, Reply::Drop), (true, Reply::Answer(200, String::new()))]);
    assert!(told(&fake).await.unwrap().settled);
    let posts = posts(&fake);
    assert_eq!(posts.len(), 3);
    assert!(posts.iter().all(|post| post.told() == posts[0].told()));
}

#[tokio::test]
async fn after_the_last_try_it_is_read_again() {
    // It acted, but no try was ever answered.
    let fake = receiver(vec![(true, Reply::Drop)]);
    let applied = told(&fake).await.unwrap();
    assert!(applied.settled && applied.notes[0].contains("says that it is done"), "{applied:?}");
    assert_eq!(posts(&fake).len(), 4);
    let fake = receiver(vec![(false, Reply::Answer(500, String::new()))]);
    let error = told(&fake).await.unwrap_err();
    assert!(
        matches!(&error, TargetError::World(why) if why.contains("did not act") && why.contains("4 tries")),
        "{error}"
    );
    // The first try acted and was lost; a receiver that knows no keys says to the second that it is too late.
    let fake = receiver(vec![(true, Reply::Drop), (false, Reply::Answer(409, String::new()))]);
    assert!(told(&fake).await.unwrap().settled);
    // Taken, and not acted upon.
    let fake = receiver(vec![(false, Reply::Answer(202, String::new()))]);
    let applied = told(&fake).await.unwrap();
    assert!(!applied.settled && applied.notes[0].contains("still says 5%"), "{applied:?}");
}

#[tokio::test]
async fn refusals_are_not_tried_again() {
    type Is = fn(&TargetError) -> bool;
    let cases: [(u16, Is, &str); 5] = [
        (409, |error| matches!(error, TargetError::Changed(_)), "something else is in force"),
        (412, |error| matches!(error, TargetError::Changed(_)), "something else is in force"),
        (401, |error| matches!(error, TargetError::Usage(_)), "WEIGHBRIDGE_WEBHOOK_SECRET"),
        (400, |error| matches!(error, TargetError::Usage(_)), "no \u{fffd} such"),
        (302, |error| matches!(error, TargetError::Usage(_)), "expected 2xx"),
    ];
    for (status, is, word) in cases {
        let fake = receiver(vec![(false, Reply::Headed(status, "location: /x\r\n", "no \u{fffd} such\n".into()))]);
        let error = told(&fake).await.unwrap_err();
        assert!(is(&error) && error.to_string().contains(word), "{error}");
        assert_eq!(posts(&fake).len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_receiver_that_says_nothing_needs_to_be_told() {
    let fake = Fake::start(|request| match request.line.as_str() {
        "POST /weights" => Reply::Answer(200, String::new()),
        _ => Reply::Answer(405, String::new()),
    });
    let error = target(&fake, &options()).read().await.unwrap_err();
    assert!(error.to_string().contains("--in-force PERCENT"), "{error}");
    let target = target(&fake, &Options { in_force_percent: Some(2.5), ..options() });
    let found = target.read().await.unwrap();
    let plan = target.plan(&found, wanted(5.0), &because()).unwrap();
    assert!(plan.shown.contains("in force: 2.5% (told by --in-force, not read)"), "{}", plan.shown);
    assert_eq!(target.apply(&plan).await.unwrap().in_force.weight_percent, 5.0);
    assert_eq!(fake.seen().len(), 2, "it is not asked what it cannot say");
}

#[tokio::test]
async fn nonsense_is_not_taken_for_a_weight() {
    for body in [
        "",
        "[]",
        r#"{"schema":"weighbridge.weight/2","weight_percent":1}"#,
        r#"{"schema":"weighbridge.weight/1","weight_percent":101}"#,
        r#"{"schema":"weighbridge.weight/1","weight_percent":-1}"#,
        r#"{"schema":"weighbridge.weight/1","weight_percent":null}"#,
    ] {
        let fake = Fake::start(move |_| Reply::Answer(200, body.to_owned()));
        let error = target(&fake, &options()).read().await.unwrap_err();
        assert!(matches!(error, TargetError::Usage(_)), "{body}: {error}");
    }
}

#[test]
fn two_decisions_never_share_a_key_and_a_repeated_one_does() {
    let target = Target::parse("webhook+https://ops.example/weights?token=hidden", &options()).unwrap();
    assert!(!format!("{target:?}").contains("token"), "{target:?}");
    let found = targets::Found { in_force: gate::InForce::default(), text: String::new() };
    let key = |wanted: Wanted, because: &Because| {
        let plan = target.plan(&found, wanted, because).unwrap();
        assert!(!plan.shown.contains("hidden=") && !plan.shown.contains("token"), "{}", plan.shown);
        serde_json::from_str::<Value>(&plan.text).unwrap()["idempotency_key"].as_str().unwrap().to_owned()
    };
    let one = key(wanted(5.0), &because());
    assert_eq!(one, key(wanted(5.0), &because()));
    assert_ne!(one, key(wanted(6.0), &because()));
    assert_ne!(one, key(wanted(5.0), &Because { at: "2026-11-23T10:00:01Z".into(), ..because() }));
    assert!(!format!("{target:?}").contains(SECRET));
}

#[test]
fn bad_addresses_say_what_is_expected_and_repeat_no_secret() {
    for text in
        ["", "webhook", "webhook+https:/x", "webhook+https://user:pass-word@x/y", "webhook+https://x/#a", "pass-word@x"]
    {
        let error = Target::parse(text, &Options::default()).unwrap_err().to_string();
        assert!(error.contains("expected") && !error.contains("pass-word"), "{text}: {error}");
    }
}
