//! Services that judge a text in one call and sign nothing: Azure's content safety, and a guard model behind chat
//! completions.
//!
//! Both find what the moderation mock finds, by the same lists, and say it in their own way. What they share is here: who
//! may ask, what a fault looks like, and when the answer is due.

mod azure;
mod guard_model;

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use crate::dice;
use crate::envelope;
use crate::green::{Asked, Judged};
use crate::profile::{Fault, Profile};
use crate::timeline::{Delivery, Timeline};
pub(crate) use azure::Azure;
pub(crate) use guard_model::GuardModel;

/// An answer with an error status.
#[derive(Debug, PartialEq)]
pub(crate) struct Refused {
    status: u16,
    body: Value,
}

/// What one service does differently.
pub(crate) trait Manners: Send + Sync {
    /// Whether this request shows a key, and which.
    fn key<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str>;
    /// An error in the service's shape.
    fn refused(&self, status: u16, code: &str, message: &str) -> Refused;
    /// The verdict; `stem` makes its id.
    fn answer(&self, asked: &Asked<'_>, body: &Value, stem: &str) -> Result<Value, Refused>;
}

/// A service as a whole.
pub(crate) struct Judge {
    pub(crate) seed: u64,
    pub(crate) profile: Profile,
    /// The only key accepted; `None` accepts any.
    pub(crate) accept_key: Option<String>,
    pub(crate) manners: Box<dyn Manners>,
}

impl Judge {
    /// Judges a request.
    pub(crate) fn judge(&self, asked: Asked<'_>) -> Judged {
        let mut dice = dice::for_bytes(self.seed, b"judge", &[asked.query.as_bytes(), asked.body]);
        let stem = envelope::hexadecimal(&mut dice);
        let mut delivery = Delivery::draw(&self.profile, "", 1.0, dice);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let (status, fault, body) = match self.admitted(asked) {
            Err(refused) => (refused.status, None, refused.body),
            Ok(()) if delivery.fault == Some(Fault::Reset) => {
                return Judged { status: 0, headers, fault: delivery.fault, timeline: None };
            }
            Ok(()) => match self.answered(asked, delivery.fault, &stem) {
                Ok(body) => (200, delivery.fault, body),
                Err((fault, refused)) => (refused.status, fault, refused.body),
            },
        };
        if status == 429 {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        let mut timeline = Timeline::with_capacity(0, 0);
        timeline.bytes.extend_from_slice(body.to_string().as_bytes());
        timeline.due(if status == 200 { delivery.pace.skip(1) } else { 0 });
        Judged { status, headers, fault, timeline: Some(timeline) }
    }

    /// A body that arrived incompletely, or too large.
    pub(crate) fn unreadable(&self, problem: &str) -> (u16, Value) {
        let refused = self.manners.refused(400, "InvalidRequest", &format!("the body could not be read: {problem}"));
        (refused.status, refused.body)
    }

    fn admitted(&self, asked: Asked<'_>) -> Result<(), Refused> {
        let key = self.manners.key(asked.headers);
        match (&self.accept_key, key) {
            (Some(expected), key) if key != Some(expected) => {
                Err(self.manners.refused(401, "401", "the key is not known or not there"))
            }
            _ => Ok(()),
        }
    }

    fn answered(&self, asked: Asked<'_>, fault: Option<Fault>, stem: &str) -> Result<Value, (Option<Fault>, Refused)> {
        let refused = match fault {
            Some(Fault::Error402 | Fault::Error429) => Some((429, "429", "too many requests: try again later")),
            Some(Fault::Error500 | Fault::ErrorEvent | Fault::LateError) => Some((500, "InternalError", "it failed")),
            Some(Fault::Error503) => Some((503, "ServiceUnavailable", "it cannot answer now")),
            _ => None,
        };
        if let Some((status, code, message)) = refused {
            return Err((fault, self.manners.refused(status, code, message)));
        }
        if asked.method != "POST" {
            return Err((None, self.manners.refused(405, "MethodNotAllowed", "only POST is known here")));
        }
        let body: Value = serde_json::from_slice(asked.body)
            .map_err(|_| (None, self.manners.refused(400, "InvalidRequestBody", "the body is no JSON")))?;
        self.manners.answer(&asked, &body, stem).map_err(|refused| (None, refused))
    }
}

/// `{"error": {"code", "message"}}`.
fn error_body(status: u16, code: &str, message: &str) -> Refused {
    Refused { status, body: json!({"error": {"code": code, "message": message}}) }
}
