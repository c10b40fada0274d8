use super::*;
use crate::config::{BackendConfig, Judge, TlsRoots};
use crate::upstream::BreakerState;
use guard::remote::{Backend, Cut, OpenAi, Thresholds};
use guard::{Category, Level};
use serde_json::json;
use std::time::Duration;
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

fn config(base_url: &str) -> BackendConfig {
    let backend = Backend::OpenAi(OpenAi {
        base_url: base_url.to_owned(),
        key: None,
        model: "omni-moderation-latest".to_owned(),
        thresholds: Thresholds::default(),
        cut: Cut::new(200, 20),
    });
    BackendConfig {
        name: "judge".to_owned(),
        judge: Judge::Remote { backend, address: base_url.parse().unwrap(), roots: TlsRoots::Bundled },
        timeout: Duration::from_secs(5),
        calls_in_flight_max: 4,
        cache_bytes_max: 1 << 20,
        cache_for: Duration::from_secs(600),
    }
}

fn moderators(config: BackendConfig) -> Moderators {
    Moderators::new(&BTreeMap::from([("judge".to_owned(), config)]), None).unwrap()
}

fn verdict(score: f64) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"results": [{"category_scores": {"hate": score}}]}))
}

async fn server(answer: impl Respond + 'static) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path("/moderations")).respond_with(answer).mount(&server).await;
    server
}

async fn calls(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

fn failed(moderators: &Moderators, kind: Failure) -> u64 {
    let reading = &moderators.readings()[0];
    reading.failures.iter().find(|(name, _)| *name == kind.name()).unwrap().1
}

/// A verdict of the whole text, as a client's request asks for it.
async fn check(
    moderators: &Moderators,
    backend: &str,
    phase: Phase,
    text: &str,
    session: Option<&str>,
) -> Result<Verdict, Failure> {
    let opinion = moderators.check(backend, phase, text, session, Asker::Client).await;
    opinion.failure.map_or(Ok(opinion.verdict), Err)
}

#[tokio::test]
async fn what_is_judged_for_the_record_leaves_room_for_those_who_wait() {
    let server = MockServer::start().await;
    let hangs = verdict(0.0).set_delay(Duration::from_secs(60));
    Mock::given(body_string_contains("record")).respond_with(hangs).with_priority(1).mount(&server).await;
    Mock::given(method("POST")).respond_with(verdict(0.0)).mount(&server).await;
    let moderators = moderators(BackendConfig { timeout: Duration::from_secs(2), ..config(&server.uri()) });
    let texts: Vec<String> = (0..40).map(|number| format!("record {number}")).collect();
    let load = texts.iter().map(|text| moderators.check("judge", Phase::Response, text, None, Asker::Record));
    let served = async {
        while calls(&server).await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let served = check(&moderators, "judge", Phase::Request, "a client's", None).await;
        (served, calls(&server).await)
    };
    let (evidence, served) = tokio::join!(futures_util::future::join_all(load), served);
    assert_eq!(served, (Ok(Verdict::default()), 2), "one of four calls is the record's");
    assert!(evidence.iter().all(|opinion| opinion.failure.is_some()), "{evidence:?}");
}

#[tokio::test]
async fn a_text_is_judged_once_and_remembered_by_phase() {
    let server = server(verdict(0.9)).await;
    let moderators = moderators(config(&server.uri()));
    for _ in 0..3 {
        let verdict = check(&moderators, "judge", Phase::Request, "hello", None).await.unwrap();
        assert_eq!((verdict.findings[0].category, verdict.level()), (Category::Hate, Level::High));
    }
    assert_eq!(calls(&server).await, 1);
    let session = Some("a session that this service has no use for");
    check(&moderators, "judge", Phase::Response, "hello", session).await.unwrap();
    check(&moderators, "judge", Phase::Response, "hello", None).await.unwrap();
    assert_eq!(calls(&server).await, 2);
    let reading = &moderators.readings()[0];
    assert_eq!((reading.checks, reading.calls, reading.cached), (5, 2, 3));
    assert!(reading.cache_bytes() > 0 && reading.in_flight() == 0);
    assert_eq!(check(&moderators, "judge", Phase::Request, " ", None).await, Ok(Verdict::default()));
    assert_eq!(calls(&server).await, 2, "nothing was asked about nothing");
    assert_eq!(check(&moderators, "another", Phase::Request, "hello", None).await, Err(Failure::Unreachable));
}

#[tokio::test]
async fn those_who_ask_the_same_at_the_same_time_share_one_call() {
    let server = server(verdict(0.0).set_delay(Duration::from_millis(100))).await;
    let moderators = moderators(config(&server.uri()));
    let all = (0..20).map(|_| check(&moderators, "judge", Phase::Request, "hello", None));
    let results = futures_util::future::join_all(all).await;
    assert!(results.iter().all(|result| *result == Ok(Verdict::default())));
    assert_eq!(calls(&server).await, 1);
}

#[tokio::test]
async fn a_long_text_is_judged_in_pieces_and_its_worst_counts() {
    let server = MockServer::start().await;
    Mock::given(body_string_contains("BAD")).respond_with(verdict(0.6)).with_priority(1).mount(&server).await;
    Mock::given(method("POST")).respond_with(verdict(0.1)).mount(&server).await;
    let moderators = moderators(config(&server.uri()));
    let filler = |from: u32| (from..from + 80).map(|number| format!("word{number} ")).collect::<String>();
    let text = format!("{} BAD {}", filler(100), filler(300));
    let verdict = check(&moderators, "judge", Phase::Request, &text, None).await.unwrap();
    assert_eq!((verdict.findings.len(), verdict.level()), (1, Level::Medium));
    assert!(calls(&server).await >= 6, "1200 characters in pieces of 200");
}

#[tokio::test]
async fn a_failure_is_not_remembered_and_not_a_verdict() {
    let server = MockServer::start().await;
    let once = Mock::given(method("POST")).respond_with(ResponseTemplate::new(500)).up_to_n_times(1);
    once.with_priority(1).mount(&server).await;
    Mock::given(method("POST")).respond_with(verdict(0.0)).mount(&server).await;
    let moderators = moderators(config(&server.uri()));
    assert_eq!(check(&moderators, "judge", Phase::Request, "hello", None).await, Err(Failure::Refused));
    assert_eq!(check(&moderators, "judge", Phase::Request, "hello", None).await, Ok(Verdict::default()));
    assert_eq!((failed(&moderators, Failure::Refused), calls(&server).await), (1, 2));
}

#[tokio::test]
async fn a_piece_that_fails_hides_nothing_of_what_was_found_in_another() {
    let server = MockServer::start().await;
    Mock::given(body_string_contains("BROKEN"))
        .respond_with(ResponseTemplate::new(503))
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(body_string_contains("BAD")).respond_with(verdict(0.9)).with_priority(2).mount(&server).await;
    Mock::given(method("POST")).respond_with(verdict(0.6)).mount(&server).await;
    let moderators = moderators(config(&server.uri()));
    let filler = "word ".repeat(50);
    let ask = async |text: String| check(&moderators, "judge", Phase::Request, &text, None).await;
    assert_eq!(ask(format!("{filler} BROKEN {filler}")).await, Err(Failure::Refused));
    for (word, level) in [("BAD", Level::High), ("word", Level::Medium)] {
        let text = format!("{filler} BROKEN {filler} {filler} {word}");
        let opinion = moderators.check("judge", Phase::Request, &text, None, Asker::Client).await;
        assert_eq!((opinion.verdict.level(), opinion.failure), (level, Some(Failure::Refused)), "{word}");
    }
    assert!(failed(&moderators, Failure::Refused) >= 2, "it is counted all the same");
}

#[tokio::test]
async fn a_slow_service_costs_its_deadline_and_whoever_waits_for_room_is_told_so() {
    let server = server(verdict(0.0).set_delay(Duration::from_secs(60))).await;
    let slow = BackendConfig { timeout: Duration::from_millis(200), calls_in_flight_max: 2, ..config(&server.uri()) };
    let moderators = moderators(slow);
    let start = std::time::Instant::now();
    let texts: Vec<String> = (0..4).map(|number| format!("text {number}")).collect();
    let all = texts.iter().map(|text| check(&moderators, "judge", Phase::Request, text, None));
    let results = futures_util::future::join_all(all).await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let count = |kind| results.iter().filter(|result| **result == Err(kind)).count();
    assert_eq!((count(Failure::Timeout), count(Failure::Busy)), (2, 2), "{results:?}");
    assert_eq!((failed(&moderators, Failure::Timeout), failed(&moderators, Failure::Busy)), (2, 2));
}

/// Fails until it is told to work.
struct Switch(Arc<std::sync::atomic::AtomicBool>);

impl Respond for Switch {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        if self.0.load(std::sync::atomic::Ordering::Relaxed) { verdict(0.0) } else { ResponseTemplate::new(500) }
    }
}

#[tokio::test]
async fn a_dead_service_is_left_alone_and_tried_again() {
    let works = Arc::default();
    let server = server(Switch(Arc::clone(&works))).await;
    let moderators = moderators(BackendConfig { cache_bytes_max: 0, ..config(&server.uri()) });
    let ask = || check(&moderators, "judge", Phase::Request, "hello", None);
    for _ in 0..5 {
        assert_eq!(ask().await, Err(Failure::Refused));
    }
    assert_eq!(ask().await, Err(Failure::Unreachable), "it is left alone");
    assert_eq!((calls(&server).await, moderators.readings()[0].breaker()), (5, BreakerState::Open));
    works.store(true, std::sync::atomic::Ordering::Relaxed);
    while moderators.readings()[0].breaker() == BreakerState::Open {
        assert_eq!(calls(&server).await, 5);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(ask().await, Ok(Verdict::default()));
    assert_eq!(moderators.readings()[0].breaker(), BreakerState::Closed);
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let moderators = moderators(config(&address));
    assert_eq!(check(&moderators, "judge", Phase::Request, "hello", None).await, Err(Failure::Unreachable));
}

#[tokio::test]
async fn a_new_configuration_keeps_what_has_not_changed() {
    let server = server(verdict(0.0)).await;
    let first = moderators(config(&server.uri()));
    check(&first, "judge", Phase::Request, "hello", None).await.unwrap();
    let same = Moderators::new(&BTreeMap::from([("judge".to_owned(), config(&server.uri()))]), Some(&first)).unwrap();
    check(&same, "judge", Phase::Request, "hello", None).await.unwrap();
    assert_eq!(calls(&server).await, 1, "its memory went on");
    let other = BackendConfig { cache_for: Duration::from_secs(1), ..config(&server.uri()) };
    let changed = Moderators::new(&BTreeMap::from([("judge".to_owned(), other)]), Some(&same)).unwrap();
    check(&changed, "judge", Phase::Request, "hello", None).await.unwrap();
    assert_eq!(calls(&server).await, 2, "another one begins without memory");
    assert_eq!(changed.readings()[0].calls, 2, "but its counters go on");
}

fn inline(judge: Judge) -> Moderators {
    moderators(BackendConfig { judge, ..config("http://127.0.0.1:1") })
}

#[tokio::test]
async fn lists_and_forms_of_personal_data_are_asked_like_services() {
    let source = guard::ListSource { file: "own.txt", text: "rivalcorp\n" };
    let compiled = crate::config::Compiled::new(&[source]).unwrap();
    let lists = inline(Judge::Lists(compiled));
    let verdict = check(&lists, "judge", Phase::Response, "We like RivalCorp.", None).await.unwrap();
    assert_eq!((verdict.findings[0].category, verdict.findings[0].spans[0].clone()), (Category::Custom, 8..17));
    let long = format!("{} rivalcorp", "word ".repeat(100_000));
    let verdict = check(&lists, "judge", Phase::Request, &long, None).await.unwrap();
    assert_eq!(verdict.findings.len(), 1, "a long text is judged elsewhere, but it is");
    let personal = inline(Judge::Personal(guard::Personal::default()));
    let verdict = check(&personal, "judge", Phase::Request, "write to anna@example.org", None).await.unwrap();
    assert_eq!((verdict.findings[0].category, verdict.findings[0].label.as_str()), (Category::SensitiveData, "email"));
    assert_eq!((lists.readings()[0].checks, lists.readings()[0].calls), (2, 2));
}
