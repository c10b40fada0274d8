//! Alibaba Cloud's content safety service: two actions, signed requests, verdicts by words.
//!
//! Three kinds of answers have to be told apart by a client, and this mock gives all three: a verdict; an error of the
//! service, which is a `Code` other than 200 in a body behind the HTTP status 200; and an error of the provider's gateway,
//! which has an HTTP status and a `Code` that is a word. Parameters are accepted in the query and in a form.
//!
//! The names of risks and the texts of errors are not all public; where they are not, they are ours.

mod judge;
mod session;
mod signature;
mod verdict;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use crate::dice::{self, Dice};
use crate::envelope;
use crate::profile::{Fault, Profile};
use crate::timeline::{Delivery, Timeline};
use session::Sessions;
use signature::{Keys, Nonces, Signed};
use verdict::Subject;

const VERSION: &str = "2022-03-02";
/// Texts are judged up to here, characters.
const CHARACTERS_MAX: usize = 2000;
/// Names of sessions are remembered, so they have a bound.
const SESSION_BYTES_MAX: usize = 256;

/// Services of TextModerationPlus, and whether they judge what a user says.
const TEXT_SERVICES: [(&str, bool); 4] = [
    ("llm_query_moderation", true),
    ("llm_response_moderation", false),
    ("query_security_check", true),
    ("response_security_check", false),
];
/// The same of MultiModalGuard.
const GUARD_SERVICES: [(&str, bool); 6] = [
    ("query_security_check", true),
    ("response_security_check", false),
    ("query_security_check_intl", true),
    ("response_security_check_intl", false),
    ("img_query_security_check", true),
    ("img_response_security_check", false),
];

/// An error of the provider's gateway.
#[derive(Debug)]
pub(crate) struct Denial {
    status: u16,
    code: &'static str,
    message: String,
}

impl Denial {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }
}

/// An error of the service itself: its code, and what it says.
struct Complaint(u16, String);

/// What has to be known to start one.
pub(crate) struct Settings {
    pub(crate) seed: u64,
    pub(crate) profile: Profile,
    pub(crate) access_key_id: String,
    pub(crate) access_key_secret: String,
    pub(crate) security_token: Option<String>,
    pub(crate) blocked_words: Vec<String>,
}

/// The service.
pub(crate) struct Green {
    seed: u64,
    profile: Profile,
    keys: Keys,
    blocked_words: Vec<String>,
    nonces: Mutex<Nonces>,
    sessions: Mutex<Sessions>,
}

/// A request as it arrived.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    /// Unix seconds.
    pub(crate) now: u64,
}

/// An answer, and when it is due.
pub(crate) struct Judged {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) fault: Option<Fault>,
    /// `None`: the connection breaks.
    pub(crate) timeline: Option<Timeline>,
}

impl Green {
    pub(crate) fn new(settings: Settings) -> Self {
        let Settings { seed, profile, access_key_id, access_key_secret, security_token, blocked_words } = settings;
        let keys = Keys { id: access_key_id, secret: access_key_secret, token: security_token };
        let (nonces, sessions) = (Mutex::default(), Mutex::default());
        Self { seed, profile, keys, blocked_words, nonces, sessions }
    }

    /// Judges a request.
    pub(crate) fn judge(&self, asked: Asked<'_>) -> Judged {
        let mut dice: Dice = dice::for_bytes(self.seed, b"green", &[asked.query.as_bytes(), asked.body]);
        let request_id = envelope::uuid(&mut dice).to_uppercase();
        let mut delivery = Delivery::draw(&self.profile, "", 1.0, dice);
        let mut timeline = Timeline::with_capacity(0, 0);
        let (status, fault, body) = match self.admitted(asked) {
            Err(denial) => (denial.status, None, denied(&denial, asked, &request_id)),
            Ok(()) => match delivery.fault {
                Some(Fault::Reset) => {
                    return Judged { status: 0, headers: HeaderMap::new(), fault: delivery.fault, timeline: None };
                }
                fault => self.answered(asked, fault, &request_id),
            },
        };
        timeline.bytes.extend_from_slice(body.to_string().as_bytes());
        let due_us = if status == 200 { delivery.pace.skip(1) } else { 0 };
        timeline.due(due_us);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            headers.insert("x-acs-request-id", id);
        }
        Judged { status, headers, fault, timeline: Some(timeline) }
    }

    /// Whether the request may come in: a signature, and an action of the right version.
    fn admitted(&self, asked: Asked<'_>) -> Result<(), Denial> {
        let Asked { method, path, query, headers, body, now } = asked;
        if !matches!(method, "POST" | "GET") || path != "/" {
            return Err(Denial::new(404, "InvalidApi.NotFound", "There is no such interface."));
        }
        let signed = Signed { method, path, query, headers, body };
        let nonce = signed.check(&self.keys, now)?;
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner).take(nonce)?;
        if header(headers, "x-acs-version") != VERSION {
            return Err(Denial::new(400, "InvalidVersion", "The version is not supported."));
        }
        match header(headers, "x-acs-action") {
            "TextModerationPlus" | "MultiModalGuard" | "MultiModalGuardForBase64" => Ok(()),
            _ => Err(Denial::new(404, "InvalidAction.NotFound", "The action is unknown.")),
        }
    }

    fn answered(&self, asked: Asked<'_>, fault: Option<Fault>, request_id: &str) -> (u16, Option<Fault>, Value) {
        let body = |code: u16, message: &str| json!({"Code": code, "Message": message, "RequestId": request_id});
        let gateway = |status, code, message: &str| {
            (status, fault, denied(&Denial::new(status, code, message), asked, request_id))
        };
        match fault {
            Some(Fault::Error402) => (200, fault, body(408, "PERMISSION_DENY")),
            Some(Fault::Error429) => gateway(400, "Throttling.User", "Request was denied due to user flow control."),
            Some(Fault::Error500 | Fault::ErrorEvent | Fault::LateError) => (200, fault, body(500, "GENERAL_ERROR")),
            Some(Fault::Error503) => {
                gateway(503, "ServiceUnavailable", "The request has failed due to a temporary failure.")
            }
            _ => match self.verdict(asked) {
                Ok(data) => {
                    let mut answer = body(200, "OK");
                    answer["Data"] = data;
                    (200, fault, answer)
                }
                Err(Complaint(code, message)) => (200, None, body(code, &message)),
            },
        }
    }

    fn verdict(&self, asked: Asked<'_>) -> Result<Value, Complaint> {
        let parameters = parameters(asked);
        let bad = |message: &str| Complaint(400, message.to_owned());
        let service = parameters.get("Service").ok_or_else(|| bad("the parameter Service is missing"))?;
        let given =
            parameters.get("ServiceParameters").ok_or_else(|| bad("the parameter ServiceParameters is missing"))?;
        let given: Value = serde_json::from_str(given)
            .map_err(|_| bad("the parameter ServiceParameters is not a JSON object in a text"))?;
        let action = header(asked.headers, "x-acs-action");
        let services: &[(&str, bool)] = if action == "TextModerationPlus" { &TEXT_SERVICES } else { &GUARD_SERVICES };
        let known = services.iter().find(|(name, _)| name == service);
        let (_, from_user) = known.ok_or_else(|| bad("the service is not one of this action"))?;
        let text = |name: &str| given.get(name).and_then(Value::as_str);
        let content = text("content").unwrap_or_default();
        let pictures = pictures(&given, parameters.get("ImageBase64Str").map(String::as_str));
        if content.is_empty() && (pictures.is_empty() || action == "TextModerationPlus") {
            return Err(bad("the content is empty"));
        }
        if content.chars().count() > CHARACTERS_MAX {
            return Err(bad("the content is longer than 2000 characters"));
        }
        let session = text("sessionId").unwrap_or_default();
        if session.len() > SESSION_BYTES_MAX {
            return Err(bad("the sessionId is longer than 256 bytes"));
        }
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let chained = sessions.chained(session, content);
        drop(sessions);
        let judged = if pictures.is_empty() { chained } else { format!("{chained}\n{pictures}") };
        let subject = Subject {
            text: &judged,
            data_id: text("dataId"),
            blocked_words: &self.blocked_words,
            from_user: *from_user,
        };
        Ok(if action == "TextModerationPlus" { verdict::text_plus(&subject) } else { verdict::guard(&subject) })
    }
}

/// What can be seen in pictures: the words of their addresses, and the letters among their bytes.
fn pictures(given: &Value, base64: Option<&str>) -> String {
    let addresses = given.get("imageUrls").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let address = given.get("imageUrl").and_then(Value::as_str);
    let bytes = base64.and_then(|text| STANDARD.decode(text).ok());
    let seen = bytes.as_deref().map(String::from_utf8_lossy);
    addresses.chain(address).chain(seen.as_deref()).collect::<Vec<_>>().join("\n")
}

/// Those of the query and those of the form, if the body is one.
fn parameters(asked: Asked<'_>) -> HashMap<String, String> {
    let is_form = header(asked.headers, "content-type").starts_with("application/x-www-form-urlencoded");
    let form = if is_form { asked.body } else { b"" };
    let pairs = form_urlencoded::parse(asked.query.as_bytes()).chain(form_urlencoded::parse(form));
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn denied(denial: &Denial, asked: Asked<'_>, request_id: &str) -> Value {
    json!({
        "RequestId": request_id,
        "HostId": header(asked.headers, "host"),
        "Code": denial.code,
        "Message": denial.message,
        "Recommend": format!("https://api.aliyun.com/troubleshoot?q={}", denial.code),
    })
}

/// Whether a text would turn a model against its instructions.
pub(crate) fn attacks(text: &str) -> bool {
    !judge::attacks(text).is_empty()
}

/// A body that arrived incompletely, or too large.
pub(crate) fn unreadable(problem: &str) -> Bytes {
    json!({"Code": "InvalidParameter", "Message": format!("the body could not be read: {problem}")}).to_string().into()
}
