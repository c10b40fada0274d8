//! AI routes of the Higress console, by its REST interface.
//!
//! `GET` and `PUT /v1/ai/routes/NAME`. A route is written whole, as it was read but for two weights. Its `version` (the
//! resource version of the ConfigMap behind it) travels with it, so a route that somebody has changed meanwhile is not
//! overwritten: the console answers 409. A route without a version is refused, because then it would be.
//!
//! Weights are whole percents that total 100. A wanted share between two of them is rounded down, as file targets do it.
//! The console cannot mirror.
//!
//! **Who we are.** The console takes the cookie of a login, or user and password with each request (`Authorization:
//! Basic`). We use the second: two requests need no session that would have to be ended. It splits the decoded text at
//! every colon, so a password with a colon cannot be used. User and password come from `HIGRESS_CONSOLE_USER` and
//! `HIGRESS_CONSOLE_PASSWORD`, and travel by https only, or to this machine.
//!
//! **What is not atomic.** The console first stores the route and then rewrites the objects that the gateway reads; if that
//! fails it tries to restore the old ones. An answer with an error is therefore followed by reading again.

mod route;

use crate::http::{self, Answer, Unanswered};
use crate::{Applied, Found, Options, Plan, TargetError, Wanted, answer, diff, shares};
use base64::Engine as _;
use gate::InForce;
use reqwest::{StatusCode, Url, header};
use route::{Arms, Route};
use serde_json::Value;

/// See the module's text.
#[derive(Debug)]
pub struct ConsoleTarget {
    /// Address of the route in the console's interface.
    url: Url,
    shown: String,
    arms: Arms,
    authorization: header::HeaderValue,
    client: reqwest::Client,
}

impl ConsoleTarget {
    /// From `https://CONSOLE/ROUTE`; a path in front of the route's name is the console's own.
    ///
    /// # Errors
    /// It is no address of a route, an arm is not named, or user and password are missing.
    pub(crate) fn parse(address: &str, options: &Options) -> Result<Self, TargetError> {
        const EXAMPLE: &str = "higress+https://console.example/ROUTE";
        let mut url = http::address(address, EXAMPLE)?;
        let shown = format!("higress+{}", http::without_query(&url));
        let wrong = |why: &str| TargetError::Usage(format!("{shown} {why}: expected {EXAMPLE}"));
        if url.query().is_some() {
            return Err(wrong("has a query"));
        }
        if url.scheme() == "http" && !http::is_this_machine(&url) {
            return Err(wrong(
                "would carry the console's password in clear; use https, or forward a port to this machine",
            ));
        }
        let path = url.path().to_owned();
        let (console, name) = path.rsplit_once('/').unwrap_or_default();
        if name.is_empty() {
            return Err(wrong("names no route"));
        }
        // What is escaped already is not escaped again.
        url.set_path(&format!("{console}/v1/ai/routes/{name}"));
        let arm = |name: &Option<String>, option: &str| {
            let name = name.as_deref().filter(|name| !name.is_empty());
            let missing =
                || TargetError::Usage(format!("{shown}: which provider is which? name it with {option} NAME"));
            name.map(str::to_owned).ok_or_else(missing)
        };
        let arms = Arms {
            baseline: arm(&options.baseline, "--baseline")?,
            candidate: arm(&options.candidate, "--candidate")?,
        };
        if arms.baseline == arms.candidate {
            return Err(TargetError::Usage(format!("{shown}: baseline and candidate are both {}", arms.baseline)));
        }
        let authorization = authorization(options)?;
        let client = http::built(http::builder(), &shown)?;
        Ok(Self { url, shown, arms, authorization, client })
    }

    /// The address.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    pub(crate) async fn read(&self) -> Result<Found, TargetError> {
        let answer = http::call(self.request(reqwest::Method::GET)).await;
        let answer = answer.map_err(|why| why.while_reading(&self.shown))?;
        self.found(&answer)
    }

    pub(crate) fn plan(&self, found: &Found, wanted: Wanted) -> Result<Plan, TargetError> {
        if wanted.mirror_percent.is_some_and(|percent| percent > 0.0) {
            return Err(TargetError::Usage(format!(
                "{}: the console's routes cannot mirror: leave the mirrored share away",
                self.shown
            )));
        }
        let route = Route::read(&found.text, &self.arms).map_err(|why| self.wrong(&why))?;
        let new = route.with(wanted.weight_percent).map_err(|why| self.wrong(&why))?;
        let wanted = Wanted { weight_percent: new.weight_percent, mirror_percent: None };
        let diff = diff::unified(&self.shown, &found.text, &new.text);
        if diff.is_empty() {
            return Ok(Plan { found: found.in_force.clone(), wanted, text: String::new(), shown: new.note });
        }
        let shown = format!(
            "{}{diff}\nPUT {}\ncontent-type: application/json\n\n{}",
            new.note,
            http::without_query(&self.url),
            new.text
        );
        Ok(Plan { found: found.in_force.clone(), wanted, text: new.text, shown })
    }

    pub(crate) async fn apply(&self, plan: &Plan) -> Result<Applied, TargetError> {
        if plan.text.is_empty() {
            return Ok(Applied { in_force: plan.found.clone(), settled: true, notes: Vec::new() });
        }
        let request = self.request(reqwest::Method::PUT).header(header::CONTENT_TYPE, "application/json");
        let why = match http::call(request.body(plan.text.clone())).await {
            Ok(answer) if answer.status == StatusCode::CONFLICT => {
                let why = format!("{}: somebody else has changed the route since it was read; look again", self.shown);
                return Err(TargetError::Changed(why));
            }
            Ok(answer) if answer.status.is_success() => {
                // What it answers is what it stored; what is not an answer of its own is read again.
                if let Ok(found) = self.found(&answer) {
                    return self.applied(plan, found, Vec::new());
                }
                "its answer is no route".to_owned()
            }
            Ok(answer) if answer.status.is_server_error() => format!("it answered {}{}", answer.status, said(&answer)),
            Ok(answer) => return Err(self.refused(&answer)),
            Err(Unanswered::Lost(why)) => why,
            Err(why @ Unanswered::Unreachable(_)) => return Err(why.while_reading(&self.shown)),
        };
        let found = self.read().await.map_err(|error| {
            TargetError::World(format!(
                "{}: whether the change was made is not known ({why}), and reading again did not work: {error}",
                self.shown
            ))
        })?;
        if shares::same(found.in_force.weight_percent, plan.found.weight_percent) {
            return Err(TargetError::World(format!("{}: nothing was changed: {why}; try again", self.shown)));
        }
        let note = format!("{}: {why}; read again", self.shown);
        self.applied(plan, found, vec![note])
    }

    fn applied(&self, plan: &Plan, found: Found, mut notes: Vec<String>) -> Result<Applied, TargetError> {
        let (in_force, wanted) = (found.in_force, plan.wanted.weight_percent);
        let settled = shares::same(in_force.weight_percent, wanted);
        if !settled {
            notes.push(format!("{}: {wanted}% was sent, and {}% is stored", self.shown, in_force.weight_percent));
        }
        Ok(Applied { in_force, settled, notes })
    }

    fn request(&self, method: reqwest::Method) -> reqwest::RequestBuilder {
        self.client
            .request(method, self.url.clone())
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, self.authorization.clone())
    }

    fn found(&self, answer: &Answer) -> Result<Found, TargetError> {
        if !answer.status.is_success() {
            return Err(self.refused(answer));
        }
        let none = || {
            TargetError::Usage(format!(
                "{} answered something that is no answer of a Higress console: check the address",
                self.shown
            ))
        };
        let body = answer.json().filter(|body| body["success"].is_boolean()).ok_or_else(none)?;
        if body["success"] != Value::Bool(true) {
            return Err(self.wrong(&format!("the console refuses{}", said(answer))));
        }
        if !body["data"].is_object() {
            return Err(self.wrong("the console has no such AI route"));
        }
        let text = serde_json::to_string_pretty(&body["data"]).map_err(|_| none())? + "\n";
        let route = Route::read(&text, &self.arms).map_err(|why| self.wrong(&why))?;
        let in_force = InForce {
            target: self.shown.clone(),
            weight_percent: route.weight_percent(),
            generation: Some(route.version().to_owned()),
            ..InForce::default()
        };
        Ok(Found { in_force, text })
    }

    fn wrong(&self, why: &str) -> TargetError {
        TargetError::Usage(format!("{}: {why}", self.shown))
    }

    fn refused(&self, answer: &Answer) -> TargetError {
        let (shown, status, said) = (&self.shown, answer.status, said(answer));
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => TargetError::Usage(format!(
                "{shown}: the console does not let us in{said}; check HIGRESS_CONSOLE_USER and HIGRESS_CONSOLE_PASSWORD"
            )),
            status if status.is_redirection() => TargetError::Usage(format!(
                "{shown}: {status} instead of an answer: this is not the console's own address"
            )),
            status if status.is_server_error() => {
                TargetError::World(format!("{shown}: the console answered {status}{said}; try again"))
            }
            status => TargetError::Usage(format!("{shown}: the console answered {status}{said}; check the address")),
        }
    }
}

/// The console's message, if it gave one.
fn said(answer: &Answer) -> String {
    let body = answer.json().unwrap_or_default();
    let message = answer::quoted(body["message"].as_str().unwrap_or_default());
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

fn authorization(options: &Options) -> Result<header::HeaderValue, TargetError> {
    let secret = |name: &str| {
        let missing = || TargetError::Usage(format!("{name} is not set: export the console's user and password"));
        options.environment.secret(name).ok_or_else(missing)
    };
    let (user, password) = (secret("HIGRESS_CONSOLE_USER")?, secret("HIGRESS_CONSOLE_PASSWORD")?);
    for (secret, name) in [(&user, "HIGRESS_CONSOLE_USER"), (&password, "HIGRESS_CONSOLE_PASSWORD")] {
        if secret.text().contains(':') {
            let why = "holds a colon, at which the console splits: choose one without";
            return Err(TargetError::Usage(format!("{name} {why}")));
        }
    }
    let both = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", user.text(), password.text()));
    http::hidden(&format!("Basic {both}"), "the console's user or password")
}
