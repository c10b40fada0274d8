//! Alibaba Cloud's content safety, version 2022-03-02: TextModerationPlus and MultiModalGuard.
//!
//! A request is signed and carries its parameters in a form, every byte of a value encoded that is not a letter, a digit or
//! one of `-_.~`, so that what is signed and what arrives are the same whatever the text holds. An error of the service may
//! come behind the status 200: the body has a `Code` of its own, and only 200 is a verdict.
//!
//! Levels of content and attacks are words, those of sensitive data S0 to S4; both are one scale here, as in the gateways
//! that people come from.

mod guard;
mod label;
mod signature;
mod text_plus;

use super::{Call, Cut, Moment, Secret};
use crate::verdict::{Failure, Level, Phase, Verdict};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};
use signature::Signer;

const VERSION: &str = "2022-03-02";
/// What stays as it is in a form.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The service, as it is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Aliyun {
    /// Scheme, host and port, such as [`Aliyun::base_url`] gives it.
    pub base_url: String,
    /// Id of the access key.
    pub key_id: Secret,
    /// Its secret.
    pub key_secret: Secret,
    /// Token of a temporary key.
    pub token: Option<Secret>,
    /// Which of its two ways of judging.
    pub action: Action,
    /// Service code for what users say.
    pub request_service: String,
    /// Service code for what models say.
    pub response_service: String,
    /// How long texts are cut.
    pub cut: Cut,
}

/// How it judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Risks, attacks and sensitive data, a level for each.
    TextModerationPlus,
    /// A list of dimensions, each with a level and a suggestion.
    MultiModalGuard,
}

impl Action {
    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TextModerationPlus => "TextModerationPlus",
            Self::MultiModalGuard => "MultiModalGuard",
        }
    }

    /// The service codes for texts of users and of models.
    #[must_use]
    pub const fn services(self) -> (&'static str, &'static str) {
        match self {
            Self::TextModerationPlus => ("llm_query_moderation", "llm_response_moderation"),
            Self::MultiModalGuard => ("query_security_check", "response_security_check"),
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Code")]
    code: Value,
    #[serde(rename = "Data")]
    data: Option<Value>,
}

impl Aliyun {
    /// The address of a region, such as `cn-shanghai`.
    #[must_use]
    pub fn base_url(region: &str) -> String {
        format!("https://green-cip.{region}.aliyuncs.com")
    }

    pub(super) fn call(&self, phase: Phase, piece: &str, session: Option<&str>, moment: &Moment) -> Call {
        let mut parameters = json!({"content": piece});
        if let Some(session) = session {
            parameters["sessionId"] = Value::from(session);
        }
        let service = match phase {
            Phase::Request => &self.request_service,
            Phase::Response => &self.response_service,
        };
        let encoded = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
        let body = format!("Service={}&ServiceParameters={}", encoded(service), encoded(&parameters.to_string()));
        let mut headers = vec![
            ("host", self.host().to_owned()),
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ("x-acs-action", self.action.name().to_owned()),
            ("x-acs-content-sha256", signature::digest(body.as_bytes())),
            ("x-acs-date", signature::date(moment.now_us)),
            ("x-acs-signature-nonce", format!("{:032x}", moment.nonce)),
            ("x-acs-version", VERSION.to_owned()),
        ];
        if let Some(token) = &self.token {
            headers.push(("x-acs-security-token", token.expose().to_owned()));
        }
        let signer = Signer { key_id: self.key_id.expose(), key_secret: self.key_secret.expose() };
        headers.push(("authorization", signer.authorization("POST", "/", "", &headers, body.as_bytes())));
        Call { url: format!("{}/", self.base_url), headers, body: body.into_bytes() }
    }

    /// As it is sent, and signed: without a port that the scheme implies.
    fn host(&self) -> &str {
        let (scheme, host) = self.base_url.split_once("://").unwrap_or(("https", &self.base_url));
        let implied = if scheme == "http" { ":80" } else { ":443" };
        host.strip_suffix(implied).unwrap_or(host)
    }

    pub(super) fn read(&self, piece: &str, body: &[u8]) -> Result<Verdict, Failure> {
        let answer: Answer = serde_json::from_slice(body).map_err(|_| Failure::Malformed)?;
        match answer.code.as_u64().or_else(|| answer.code.as_str()?.parse().ok()) {
            Some(200) => {}
            Some(_) => return Err(Failure::Refused),
            None if answer.code.is_string() => return Err(Failure::Refused),
            None => return Err(Failure::Malformed),
        }
        let data = answer.data.filter(Value::is_object).ok_or(Failure::Malformed)?;
        match self.action {
            Action::TextModerationPlus => text_plus::read(piece, data),
            Action::MultiModalGuard => guard::read(piece, data),
        }
    }
}

/// Both scales.
fn level(name: &str) -> Result<Level, Failure> {
    match name.to_ascii_lowercase().as_str() {
        "none" | "s0" => Ok(Level::None),
        "low" | "s1" => Ok(Level::Low),
        "medium" | "s2" => Ok(Level::Medium),
        "high" | "s3" => Ok(Level::High),
        "max" | "s4" => Ok(Level::Max),
        _ => Err(Failure::Malformed),
    }
}

/// From 0 to 100, to 0 to 1; nothing for anything else.
fn score(confidence: Option<f64>) -> Option<f64> {
    confidence.filter(|confidence| (0.0..=100.0).contains(confidence)).map(|confidence| confidence / 100.0)
}

/// The words of a list in a text.
fn listed(words: &str) -> impl Iterator<Item = &str> {
    words.split([',', '，', '、', '&'])
}

#[cfg(test)]
mod tests;
