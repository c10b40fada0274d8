//! A headless Chromium, driven through chromedriver with plain WebDriver requests.
//!
//! WebDriver is a few JSON requests, so the client that the tests have anyway speaks it. One driver a test, on a port that
//! it chooses itself; its browsers end with it, also after a panic. Where there is no Chromium or no chromedriver, a test
//! says so aloud and passes; `WEIGHBRIDGE_REQUIRE_BROWSER` makes that a failure.

use crate::command::say;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};

const PROGRAM: &str = "chromedriver";
/// Chromium by the names that it goes by; the driver finds its own beside them.
const BROWSERS: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
/// No screen, no sandbox (tests may run as root), and no calls home.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1440,1000",
];
/// How long a start, or a condition of a page, may take on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// An element, as WebDriver names it.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Browsers are heavy: so many tests of this process have one at a time.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// The driver of one test.
pub(crate) struct Driver {
    process: Child,
    port: u16,
    client: reqwest::Client,
    _place: SemaphorePermit<'static>,
}

/// One browser of its own: no cookie of another one.
pub(crate) struct Browser<'a> {
    driver: &'a Driver,
    session: String,
}

impl Driver {
    /// A driver and its first browser are there, or `None` was said aloud.
    pub(crate) async fn start() -> Option<Self> {
        let place = AT_ONCE.acquire().await.unwrap();
        let Some(browser) = BROWSERS.iter().find(|path| std::path::Path::new(path).exists()) else {
            return missing("no Chromium here");
        };
        let mut command = Command::new(PROGRAM);
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = match command.spawn() {
            Ok(process) => process,
            Err(error) => return missing(&format!("no {PROGRAM} here: {error}")),
        };
        let port = port_of(&mut process);
        let client = reqwest::Client::builder().timeout(2 * WAIT_MAX).build().unwrap();
        assert!(port > 0, "{PROGRAM} ended before it listened; {browser} is there");
        Some(Self { process, port, client, _place: place })
    }

    /// Another browser.
    pub(crate) async fn browser(&self) -> Browser<'_> {
        let binary = BROWSERS.iter().find(|path| std::path::Path::new(path).exists()).unwrap();
        let options = json!({"binary": binary, "args": FLAGS});
        let asked = json!({"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}});
        let answer = self.call(Method::POST, "/session", Some(&asked)).await.unwrap();
        let browser = Browser { driver: self, session: answer["sessionId"].as_str().unwrap().to_owned() };
        // Scripts that wait for hundreds of frames are slow where machines are busy.
        let patience = json!({"script": WAIT_MAX.as_millis() as u64});
        browser.call(Method::POST, "/timeouts", Some(&patience)).await.unwrap();
        browser
    }

    /// The value of an answer, or the error's name and words.
    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let mut request = self.client.request(method, format!("http://127.0.0.1:{}{path}", self.port));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| error.to_string())?;
        let status = response.status();
        let mut answer: Value = response.json().await.map_err(|error| error.to_string())?;
        let value = answer["value"].take();
        if status.is_success() { Ok(value) } else { Err(format!("{}: {}", value["error"], value["message"])) }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The driver ends its browsers, which would outlive it if it were killed at once.
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let request =
                format!("GET /shutdown HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\n\r\n", self.port);
            let told = stream.set_read_timeout(Some(Duration::from_secs(10))).is_ok()
                && stream.write_all(request.as_bytes()).is_ok();
            if told {
                _ = stream.read_to_end(&mut Vec::new());
            }
        }
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until && matches!(self.process.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// Says that there is no browser; a failure where one is required.
fn missing(why: &str) -> Option<Driver> {
    assert!(std::env::var_os("WEIGHBRIDGE_REQUIRE_BROWSER").is_none(), "{why}");
    say(&format!("skipped: {why}, so the console is not looked at"));
    None
}

/// The port that the driver says it listens on; 0 if it ends without saying so. Goes on reading, so that it never waits.
fn port_of(process: &mut Child) -> u16 {
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let said = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    std::thread::spawn(move || lines.for_each(drop));
    said.unwrap_or(0)
}

impl Browser<'_> {
    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, String> {
        self.driver.call(method, &format!("/session/{}{path}", self.session), body).await
    }

    /// Goes to an address.
    pub(crate) async fn open(&self, url: &str) {
        self.call(Method::POST, "/url", Some(&json!({"url": url}))).await.unwrap();
    }

    /// Runs the body of a function in the page; a promise is waited for.
    pub(crate) async fn run(&self, script: &str, arguments: &Value) -> Value {
        let body = json!({"script": script, "args": arguments});
        self.call(Method::POST, "/execute/sync", Some(&body)).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// A command of the browser's own debugging protocol.
    pub(crate) async fn debug(&self, command: &str, parameters: &Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.call(Method::POST, "/goog/cdp/execute", Some(&body))
            .await
            .unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Waits until a script returns something that counts as true, and returns that.
    pub(crate) async fn until(&self, what: &str, script: &str) -> Value {
        let began = Instant::now();
        loop {
            // While the page is being left there is nothing to run it in.
            let body = json!({"script": script, "args": []});
            let answer = self.call(Method::POST, "/execute/sync", Some(&body)).await.unwrap_or_default();
            if !matches!(answer, Value::Null | Value::Bool(false)) && answer != json!("") && answer != json!(0) {
                return answer;
            }
            assert!(began.elapsed() < WAIT_MAX, "never came: {what}; the page says:\n{}", self.page().await);
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until an element shows a text.
    pub(crate) async fn until_shows(&self, selector: &str, wanted: &str) {
        let shows = format!(
            "return [...document.querySelectorAll({})].some((one) => one.checkVisibility() && \
             one.textContent.replaceAll(/\\s+/g, ' ').includes({}))",
            json!(selector),
            json!(wanted)
        );
        self.until(&format!("{selector} shows {wanted}"), &shows).await;
    }

    /// Text of the whole page as it is seen.
    async fn page(&self) -> String {
        let seen = self.run("return document.body.innerText", &json!([])).await;
        seen.as_str().unwrap_or_default().to_owned()
    }

    async fn find(&self, selector: &str) -> String {
        let body = json!({"using": "css selector", "value": selector});
        let found = self.call(Method::POST, "/element", Some(&body)).await;
        let found = found.unwrap_or_else(|error| panic!("{selector}: {error}"));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// Presses what a person could press: it has to be in sight, and nothing before it.
    pub(crate) async fn click(&self, selector: &str) {
        let element = self.find(selector).await;
        let done = self.call(Method::POST, &format!("/element/{element}/click"), Some(&json!({}))).await;
        done.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Types into a field.
    pub(crate) async fn write(&self, selector: &str, words: &str) {
        let element = self.find(selector).await;
        let body = json!({"text": words});
        let done = self.call(Method::POST, &format!("/element/{element}/value"), Some(&body)).await;
        done.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }
}
