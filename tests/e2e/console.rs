//! The console, as a person uses it: in a real browser, by clicks and keys, against a real gateway.
//!
//! What is done here is looked up at the gateway, and what the gateway does is looked for on the page. The page's modules
//! are the page's own: a test that needs hundreds of documents gives them to the very function that the stream calls.

#[path = "console/browser.rs"]
mod browser;

use crate::harness::{House, Plan, TOKEN, chat};
use browser::{Browser, Driver};
use serde_json::{Value, json};

/// Where pieces of the card are.
const CHANGE: &str = "[data-slot=change]";
const ROLL_BACK: &str = "[data-slot=rollback]";
const SHADOW: &str = "[data-slot=shadow]";
const WEIGHT: &str = "[data-slot=weight]";

/// Keys, as WebDriver spells them.
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

/// Texts that would do something if they were markup.
const HOSTILE: &str = "<img src=x onerror=\"window.harmed=1\"><script>window.harmed=1</script>\u{202e}";

async fn house() -> House {
    let house = Plan { weight_percent: 5.0, shadow_percent: 100.0, ..Plan::default() }.build().await;
    for turn in 0..5 {
        assert_eq!(house.ask(&chat(&format!("question {turn}"), &json!({}))).await.status, 200);
    }
    house
}

fn console(house: &House) -> String {
    format!("http://{}/console", house.gateway.admin_address)
}

/// Goes to the console and signs in.
async fn sign_in(browser: &Browser<'_>, house: &House) {
    browser.open(&console(house)).await;
    browser.until("the login", "return !document.getElementById('login').hidden").await;
    browser.write("#token", TOKEN).await;
    browser.click("#login-button").await;
    browser.until_shows("#stream-word", "Live").await;
    browser.until("a card", "return document.querySelector('.card') !== null").await;
}

/// Fills the dialog of a new weight and looks at what it says before it is done.
async fn ask_for_weight(browser: &Browser<'_>, percent: &str, reason: &str) {
    browser.click(CHANGE).await;
    browser.write("#weight-number", percent).await;
    browser.write("#weight-reason", reason).await;
    browser.click("#weight-go").await;
    browser.until("what will happen", "return document.getElementById('weight-move').checkVisibility()").await;
}

async fn weight(house: &House) -> Value {
    house.admin("/admin/v1/migrations/move/weight").await.json()["weight_percent"].clone()
}

#[test]
fn the_library_is_the_one_whose_digest_is_written_down() {
    let folder = crate::command::root().join("gateway/console");
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    for file in ["uplot.js", "uplot.css"] {
        let digest = datasets::digest::of_bytes(&std::fs::read(folder.join(file)).unwrap());
        assert!(readme.contains(&format!("gateway/console/{file}")) && readme.contains(&digest), "{file} is {digest}");
    }
}

#[tokio::test]
async fn only_the_token_opens_the_console_and_it_stays_outside_the_page() {
    let Some(driver) = Driver::start().await else { return };
    let house = house().await;
    let browser = driver.browser().await;
    browser.open(&console(&house)).await;
    browser.until("the login", "return !document.getElementById('login').hidden").await;
    assert_eq!(browser.run("return document.activeElement.id", &json!([])).await, "token");
    browser.write("#token", "not-the-token").await;
    browser.click("#login-button").await;
    browser.until_shows("#login-failure", "not the admin token").await;
    assert_eq!(browser.run("return document.querySelector('.card')", &json!([])).await, Value::Null);

    sign_in(&browser, &house).await;
    let kept = "return [document.cookie, localStorage.length, sessionStorage.length, document.getElementById('token').value, \
                document.documentElement.outerHTML.includes(arguments[0])]";
    let kept = browser.run(kept, &json!([TOKEN])).await;
    assert_eq!(kept, json!(["", 0, 0, "", false]), "neither token nor session can be read by a script");

    browser.click("#sign-out").await;
    browser.until("the login again", "return document.getElementById('login').checkVisibility()").await;
    let status = "return fetch('/admin/v1/console').then((answer) => answer.status)";
    assert_eq!(browser.run(status, &json!([])).await, 401, "the session has ended at the gateway, too");
}

#[tokio::test]
async fn a_click_changes_the_weight_and_a_second_browser_sees_it() {
    let Some(driver) = Driver::start().await else { return };
    let house = house().await;
    let (first, second) = (driver.browser().await, driver.browser().await);
    sign_in(&first, &house).await;
    sign_in(&second, &house).await;
    second.until_shows(WEIGHT, "5 %").await;
    second.run("window.untouched = true", &json!([])).await;

    // Without a reason nothing goes on.
    first.click(CHANGE).await;
    first.write("#weight-number", "12.5").await;
    first.click("#weight-go").await;
    assert_eq!(first.run("return document.getElementById('weight-confirm').hidden", &json!([])).await, true);
    first.write("#weight-reason", "the errors are fine").await;
    first.click("#weight-go").await;
    first.until_shows("#weight-move", "5 % → to 12.5 %").await;
    first.until_shows("#weight-warning", "No verdict").await;
    assert_eq!(weight(&house).await, 5.0, "nothing is changed before it is confirmed");
    first.click("#weight-go").await;
    first.until_shows(WEIGHT, "12.5 %").await;
    assert_eq!(weight(&house).await, 12.5);

    second.until_shows(WEIGHT, "12.5 %").await;
    second.until_shows("#audit", "the errors are fine").await;
    assert_eq!(second.run("return window.untouched", &json!([])).await, true, "it was not loaded again");
    let audit = house.admin("/admin/v1/audit").await.json();
    assert_eq!(audit["changes"][0]["reason"], "the errors are fine");
}

#[tokio::test]
async fn a_rollback_and_a_paused_shadow_are_a_click_and_a_reason_away() {
    let Some(driver) = Driver::start().await else { return };
    let house = house().await;
    let browser = driver.browser().await;
    sign_in(&browser, &house).await;

    browser.click(SHADOW).await;
    browser.write("#shadow-reason", "the candidate's account is full").await;
    browser.click("#shadow-go").await;
    browser.until_shows("[data-slot=mirrored]", "paused").await;
    browser.until_shows("[data-slot=notices]", "the candidate's account is full").await;
    let copies = house.deepseek.requests().counts().received;
    assert_eq!(house.ask(&chat("while it is paused", &json!({}))).await.status, 200);
    house.gateway.settle().await;
    assert_eq!(house.deepseek.requests().counts().received, copies, "nothing is mirrored");
    browser.until_shows(SHADOW, "Resume shadow").await;
    browser.click(SHADOW).await;
    browser.write("#shadow-reason", "paid").await;
    browser.click("#shadow-go").await;
    browser.until_shows("[data-slot=mirrored]", "100 %").await;

    // By keys alone: the button opens the dialog, Escape closes it, and the focus is where it was.
    browser.run("document.querySelector('[data-slot=rollback]').focus()", &json!([])).await;
    browser.write(ROLL_BACK, ENTER).await;
    browser.until("the dialog", "return document.activeElement.id === 'rollback-reason'").await;
    browser.write("#rollback-reason", ESCAPE).await;
    browser.until("the focus is back", "return document.activeElement.dataset.slot === 'rollback'").await;

    browser.click(ROLL_BACK).await;
    // A reason of blanks is none.
    browser.write("#rollback-reason", "  ").await;
    browser.click("#rollback-go").await;
    assert_eq!(weight(&house).await, 5.0);
    browser.write("#rollback-reason", "errors rise").await;
    browser.click("#rollback-go").await;
    browser.until_shows(WEIGHT, "0 %").await;
    assert_eq!(weight(&house).await, 0.0);
    browser.until_shows("#audit", "errors rise").await;
}

#[tokio::test]
async fn who_comes_second_is_told_what_is_in_force_and_asked_again() {
    let Some(driver) = Driver::start().await else { return };
    let house = house().await;
    let browser = driver.browser().await;
    sign_in(&browser, &house).await;
    ask_for_weight(&browser, "50", "more of it").await;
    assert_eq!(house.set_weight(7.0, house.gateway.epoch()).await.status, 200);
    browser.click("#weight-go").await;
    browser.until_shows("#weight-failure", "the weight is 7 % now").await;
    assert_eq!(weight(&house).await, 7.0, "the second one has changed nothing");
    // What was written is still there; it is confirmed again, from the newer weight.
    browser.click("#weight-go").await;
    browser.until_shows("#weight-move", "7 % → to 50 %").await;
    browser.click("#weight-go").await;
    browser.until_shows(WEIGHT, "50 %").await;
    assert_eq!(weight(&house).await, 50.0);
}

#[tokio::test]
async fn texts_from_outside_are_text_and_nothing_outside_is_asked() {
    let Some(driver) = Driver::start().await else { return };
    let house = house().await;
    let browser = driver.browser().await;
    // Before any script of the page: what the policy refuses is remembered.
    let remember = "window.refused = []; window.harmed = 0; addEventListener('error', (event) => event.error && refused.push(event.message)); \
                    document.addEventListener('securitypolicyviolation', (event) => refused.push(event.violatedDirective))";
    browser.debug("Page.addScriptToEvaluateOnNewDocument", &json!({"source": remember})).await;
    sign_in(&browser, &house).await;
    ask_for_weight(&browser, "6", HOSTILE).await;
    browser.click("#weight-go").await;
    browser.until_shows("#audit", HOSTILE).await;

    let document = house.admin("/admin/v1/console").await.json();
    // The stream goes on, and its next document may come between; then it is shown once more.
    let show = "const [given, words] = arguments; return (async () => { const { take } = await import('/console/app.js'); \
        const frame = () => new Promise((done) => requestAnimationFrame(done)); \
        const shown = (selector) => document.querySelector(selector)?.textContent ?? ''; \
        for (let tries = 0; tries < 50; tries += 1) { \
          take(given); await frame(); await frame(); \
          const seen = ['#migrations bdi', '#consumers', '#guards', '#prices-stale', '[data-slot=reasons]', '[data-slot=guardrails]'].map(shown); \
          if (seen.every((one) => one.includes(words))) \
            return [document.querySelectorAll('#main img, #main script, #main [onerror]').length, window.harmed, window.refused]; \
        } \
        return document.body.innerText; })()";
    let seen = browser.run(show, &json!([hostile(document), HOSTILE])).await;
    assert_eq!(seen, json!([0, 0, []]));

    let asked = browser.run("return performance.getEntriesByType('resource').map((one) => one.name)", &json!([])).await;
    let origin = format!("http://{}/", house.gateway.admin_address);
    let asked = asked.as_array().unwrap();
    assert!(asked.len() > 10, "{asked:?}");
    for address in asked {
        assert!(address.as_str().unwrap().starts_with(&origin), "{address}");
    }
}

/// A document with hostile words wherever a name or a sentence of others stands.
fn hostile(mut document: Value) -> Value {
    let migration = &mut document["migrations"][0];
    for key in ["name", "baseline", "candidate"] {
        migration[key] = json!(HOSTILE);
    }
    migration["verdict"] = verdict(1, HOSTILE);
    document["consumers"] = json!([{"name": HOSTILE, "today": null, "quotas": [{"limit": HOSTILE, "unit": HOSTILE,
        "max": 1, "used": 1, "set_aside": 0, "left_percent": 0.0, "resets_us": null}]}]);
    document["guards"] = json!([{"backend": HOSTILE, "checks": 1, "failures": 1, "breaker": HOSTILE}]);
    document["providers"][0]["name"] = json!(HOSTILE);
    document["prices"]["stale"] = json!([{"provider": HOSTILE, "model": HOSTILE}]);
    document["shadow"]["dropped_by_reason"] = json!({HOSTILE: 3, "__proto__": 4, "constructor": 5});
    document["replicas"] = json!({"redis_up": false, "names": [HOSTILE]});
    document
}

/// A verdict as documents carry it, with some sentences.
fn verdict(received_us: u64, words: &str) -> Value {
    let guardrail = |metric: &str, state: &str| {
        json!({"metric": metric, "segment": words, "state": state, "scale": "difference", "estimate": 0.001, "lower": null,
            "upper": 0.003, "margin": 0.005, "n": 500, "decides": true, "why": words})
    };
    let guardrails = json!([guardrail("errors", "pass"), guardrail("__proto__", "fail"), guardrail(words, words)]);
    json!({"verdict": "hold", "reasons": [words], "epoch": 1, "weight_percent": 5.0, "next_weight_percent": 5.0,
        "next_weight_bound": words, "created_at": words, "received_us": received_us, "matches": true, "stale": false,
        "why_not": words, "needed": [{"metric": words, "segment": words, "pairs": null, "hours": null}],
        "guardrails": guardrails, "course": [{"at_us": 1, "verdict": "hold", "guardrails": guardrails}]})
}

#[tokio::test]
async fn a_gateway_that_has_stopped_is_not_shown_as_well() {
    let Some(driver) = Driver::start().await else { return };
    let house = house().await;
    let browser = driver.browser().await;
    sign_in(&browser, &house).await;
    browser.until_shows("[data-slot=sentence]", "No verdict has been published").await;
    // Nobody looks: documents are taken and not drawn; the newest one is there at the first look.
    let look_away =
        "Object.defineProperty(document, 'hidden', { get: () => window.away, configurable: true }); window.away = true";
    browser.run(look_away, &json!([])).await;
    assert_eq!(house.set_weight(9.0, house.gateway.epoch()).await.status, 200);
    let seen = "const [before, done] = [document.getElementById('about').textContent, Promise.withResolvers()]; \
                setTimeout(() => done.resolve([before, document.getElementById('about').textContent]), 2500); return done.promise";
    let seen = browser.run(seen, &json!([])).await;
    assert_eq!(seen[0], seen[1], "nothing is drawn while nobody looks");
    browser.run("window.away = false; document.dispatchEvent(new Event('visibilitychange'))", &json!([])).await;
    browser.until_shows(WEIGHT, "9 %").await;

    let House { gateway, .. } = house;
    gateway.shutdown().await;
    browser.until_shows("#stream-word", "The gateway has stopped").await;
    browser.until_shows("[data-slot=condition]", "Unknown").await;
    browser.until_shows("#about", "old").await;
    assert_eq!(browser.run("return document.title", &json!([])).await, "? weighbridge");
}

/// What is done to a document of a sound canary, and what its headline has to begin with.
const HEADLINES: [(&str, &str); 12] = [
    ("", "Well: No sign of trouble in 400 requests served in the last 5 min."),
    ("served.errors = 40", "Trouble: Errors: 10.0 % of the candidate's answers, 0.25 % of the baseline's (+9.75 pp)."),
    ("served.errors = 3", "Well"),
    (
        "served.ttft_us.p95 = 9e6",
        "Look here: Time to first token, p95: 9.00 s with the candidate, 1.00 s with the baseline (+800 %).",
    ),
    ("served.ttft_us.p95 = 9e6; served.requests = 40", "Well"),
    ("served.requests = 0; served.ttft_us = null", "Idle"),
    (
        "migration.weight_percent = 0",
        "Idle: The candidate serves nothing. Its last 400 requests came under an earlier weight.",
    ),
    (
        "migration.verdict.guardrails = [{state: 'hold-instrument', why: 'Errors: fine, but the measuring is in doubt: Late.'}]",
        "Look here: The measuring is in doubt (1 guardrail). Late.",
    ),
    ("migration.verdict = null", "Look here: No verdict has been published"),
    ("migration.verdict.matches = false", "Look here: The verdict says nothing about now. all is proven"),
    (
        "migration.verdict.verdict = 'no-go'",
        "Trouble: The verdict is NO-GO and the candidate still serves 10 %. all is proven",
    ),
    (
        "document.providers.find((one) => one.name === 'deepseek').serving.breaker = 'half_open'",
        "Trouble: The candidate is left alone: the breaker of deepseek is half open.",
    ),
];

#[tokio::test]
async fn the_headline_says_what_is_wrong_and_is_quiet_about_chance() {
    let Some(driver) = Driver::start().await else { return };
    let house = house().await;
    let browser = driver.browser().await;
    sign_in(&browser, &house).await;
    let mut document = house.admin("/admin/v1/console").await.json();
    document["migrations"][0]["weight_percent"] = json!(10.0);
    document["migrations"][0]["verdict"] = verdict(1, "all is proven");
    document["migrations"][0]["verdict"]["guardrails"] = json!([]);
    for arm in document["migrations"][0]["arms"].as_array_mut().unwrap() {
        let quantiles = json!({"p50": 400_000, "p95": 1_000_000, "p99": 2_000_000});
        let numbers = json!({"window_seconds": 300, "requests": 400, "errors": 1, "unpriced": 0, "fallbacks": 0,
            "ttft_us": quantiles, "duration_us": quantiles});
        for (name, number) in numbers.as_object().unwrap() {
            arm[name] = number.clone();
        }
    }
    document["migrations"][0]["arms"].as_array_mut().unwrap().retain(|arm| arm["role"] == "served");
    let read = "const [given] = arguments; return (async () => { \
        const { headline, signs } = await import('/console/health.js'); \
        const document = structuredClone(given), migration = document.migrations[0]; \
        const served = migration.arms.find((arm) => arm.arm === 'candidate'); \
        DONE; \
        const { condition, sentence } = headline(migration, signs(migration, document)); \
        return `${condition}: ${sentence}`.replaceAll('\\u00a0', ' '); })()";
    for (done, wanted) in HEADLINES {
        let said = browser.run(&read.replace("DONE", done), &json!([document])).await;
        assert!(said.as_str().unwrap().starts_with(wanted), "{done}: {said}");
    }
}

/// Documents before and after the first look: a console takes as many in minutes.
const DOCUMENTS: u32 = 300;
/// Looks at the size after them.
const LOOKS: usize = 100;
/// The reason of the verdict by which the size is taken.
const AS_BEFORE: &str = "as before";
/// Documents in one call, which must not take too long on a busy machine.
const AT_ONCE: u32 = 20;

#[tokio::test]
async fn hours_of_documents_leave_the_page_as_large_as_it_was() {
    let Some(driver) = Driver::start().await else { return };
    let house = house().await;
    let browser = driver.browser().await;
    sign_in(&browser, &house).await;
    let mut document = house.admin("/admin/v1/console").await.json();
    document["migrations"][0]["verdict"] = verdict(1, AS_BEFORE);
    feed(&browser, &document, 0).await;
    let before = size(&browser, &document).await;
    feed(&browser, &document, DOCUMENTS).await;
    // What is thrown away is collected sooner or later: it is waited for.
    for look in 0.. {
        let after = size(&browser, &document).await;
        assert_eq!(after.elements, before.elements, "{before:?} became {after:?}");
        if !after.has_grown(&before) {
            break;
        }
        assert!(look < LOOKS, "with each document something stays: {before:?} became {after:?}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// Gives the page documents with numbers, verdicts and consumers that change, each drawn before the next one comes.
async fn feed(browser: &Browser<'_>, document: &Value, from: u32) {
    let script = "const [given, from, to] = arguments; return (async () => { const { take } = await import('/console/app.js'); \
        const drawn = () => new Promise((done) => requestAnimationFrame(done)); \
        for (let turn = from; turn < to; turn += 1) { \
          const now = structuredClone(given); delete now.history; now.at_us += turn * 5e6; \
          const migration = now.migrations[0]; migration.weight_percent = turn % 40; migration.epoch += turn; \
          migration.verdict.received_us += turn; migration.verdict.reasons = ['look ' + turn]; \
          for (const arm of migration.arms) { arm.requests += turn; arm.errors = turn % 9; \
            arm.point = { at_us: now.at_us, per_second: turn % 7, error_share: 0.1, ttft_p50_us: 1, ttft_p95_us: 2000 + turn, duration_p95_us: 3, cost_nanos: turn }; } \
          now.consumers = [0, 1, 2].map((one) => ({ name: 'consumer ' + ((turn + one) % 50), today: { requests: turn, tokens: turn, cost_nanos: turn }, quotas: [] })); \
          now.audit = [0, 1].map((one) => ({ at: new Date((now.at_us / 1000) + one).toISOString(), migration: 'move', what: 'weight', from_percent: 1, to_percent: 2, epoch: turn + one, reason: 'turn ' + turn, who: 'console', replica: null })); \
          take(now); await drawn(); \
        } })()";
    for turn in (from..from + DOCUMENTS).step_by(AT_ONCE as usize) {
        browser.run(script, &json!([document, turn, turn + AT_ONCE])).await;
    }
}

/// What grows when a page leaks.
#[derive(Debug)]
struct Size {
    /// Elements of the page.
    elements: u64,
    /// Nodes that are kept, on the page or not.
    nodes: f64,
    listeners: f64,
    heap_bytes: f64,
}

impl Size {
    /// Whether something of each document is still there: a node, a listener, or some kilobytes, which a document has.
    fn has_grown(&self, before: &Self) -> bool {
        let documents = f64::from(DOCUMENTS);
        self.nodes >= before.nodes + documents
            || self.listeners >= before.listeners + documents
            || self.heap_bytes >= before.heap_bytes + documents * 2e3
    }
}

async fn size(browser: &Browser<'_>, document: &Value) -> Size {
    // The stream goes on, and its next document may come between; then it is counted once more.
    let count = "const [given, words] = arguments; return (async () => { const { take } = await import('/console/app.js'); \
        for (let tries = 0; tries < 50; tries += 1) { \
          take(given); await new Promise((done) => requestAnimationFrame(done)); \
          if (document.querySelector('[data-slot=reasons]').textContent === words) return document.querySelectorAll('*').length; \
        } })()";
    let elements = browser.run(count, &json!([document, AS_BEFORE])).await.as_u64().unwrap();
    browser.debug("Performance.enable", &json!({})).await;
    browser.debug("HeapProfiler.collectGarbage", &json!({})).await;
    let metrics = browser.debug("Performance.getMetrics", &json!({})).await;
    let metric = |name: &str| {
        let found = metrics["metrics"].as_array().unwrap().iter().find(|one| one["name"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {metrics}"))["value"].as_f64().unwrap()
    };
    let [nodes, listeners, heap_bytes] = ["Nodes", "JSEventListeners", "JSHeapUsedSize"].map(metric);
    Size { elements, nodes, listeners, heap_bytes }
}
