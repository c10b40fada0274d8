//! A webhook: whoever keeps weights somewhere that weighbridge does not know is told by a POST.
//!
//! **What is in force** comes from a GET of the same address ([`message::State`]): the gate compares it with the weight
//! that was judged, and must not take a person's word for it without saying so. A receiver that cannot answer a GET is
//! therefore used only with `--in-force PERCENT`, and every plan and log line made that way says that the number was told
//! and not read. With `--in-force` the receiver is not asked, so that there is one source and not two.
//!
//! **The POST** ([`message::Message`]) carries the absolute new weight, so that receiving it twice does no harm, and an
//! idempotency key, so that the receiver can tell that it was one decision. It is tried again after a timeout, a lost
//! connection, 429 and 5xx, with the same bytes, at most four times in all. Only 2xx is done; 409 and 412 say that
//! somebody else was faster. If no try was answered, the outcome is unknown: it is read again where it can be, else said.
//!
//! **Signature.** With `WEIGHBRIDGE_WEBHOOK_SECRET` set, `weighbridge-signature: sha256=HEX` is HMAC-SHA256 of the body's
//! bytes. The body holds the time and the key of the decision, so an old message that is played again is told by them.
//! The GET is not signed: it changes nothing and asks for one number.

pub mod message;

use crate::http::{self, Answer, Unanswered};
use crate::secret::Secret;
use crate::{Applied, Because, Found, Options, Plan, TargetError, Wanted, answer, shares};
use gate::InForce;
use hmac::{Hmac, KeyInit, Mac};
use message::{Message, SCHEMA, State};
use reqwest::{StatusCode, Url, header};
use sha2::Sha256;
use std::fmt;
use std::time::Duration;

/// See the module's text.
pub struct WebhookTarget {
    url: Url,
    /// Without query, which may be a secret.
    shown: String,
    secret: Option<Secret>,
    in_force_percent: Option<f64>,
    client: reqwest::Client,
    pauses: [Duration; 3],
}

impl fmt::Debug for WebhookTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WebhookTarget").field("shown", &self.shown).finish_non_exhaustive()
    }
}

impl WebhookTarget {
    /// From `webhook+https://...`, given without `webhook+`.
    ///
    /// # Errors
    /// It is no address, or holds a user name or password.
    pub(crate) fn parse(address: &str, options: &Options) -> Result<Self, TargetError> {
        let url = http::address(address, "webhook+https://ops.example/weights")?;
        let shown = format!("webhook+{}", http::without_query(&url));
        let client = http::built(http::builder(), &shown)?;
        let in_force_percent =
            options.in_force_percent.map(|percent| shares::exact(percent, "--in-force")).transpose()?;
        let secret = options.environment.secret("WEIGHBRIDGE_WEBHOOK_SECRET");
        Ok(Self { url, shown, secret, in_force_percent, client, pauses: options.pauses })
    }

    /// The address without secrets.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    pub(crate) async fn read(&self) -> Result<Found, TargetError> {
        if let Some(weight_percent) = self.in_force_percent {
            let in_force = InForce { target: self.shown.clone(), weight_percent, ..InForce::default() };
            return Ok(Found { in_force, text: String::new() });
        }
        let answer = http::call(self.client.get(self.url.clone()).header(header::ACCEPT, "application/json")).await;
        let answer = answer.map_err(|why| why.while_reading(&self.shown))?;
        if answer.status != StatusCode::OK {
            return Err(self.mute(&format!("answered {} to a GET", answer.status)));
        }
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let state: State = serde_json::from_slice(&answer.body)
            .map_err(|error| self.mute(&format!("answered a GET with something else than {SCHEMA} ({error})")))?;
        Ok(Found { in_force: self.in_force(state)?, text })
    }

    fn in_force(&self, state: State) -> Result<InForce, TargetError> {
        if state.schema != SCHEMA {
            return Err(
                self.mute(&format!("answered a GET with schema `{}`, not {SCHEMA}", answer::quoted(&state.schema)))
            );
        }
        for percent in [Some(state.weight_percent), state.mirror_percent].into_iter().flatten() {
            if !(0.0..=100.0).contains(&percent) {
                return Err(self.mute(&format!("answered a GET with {percent}%, which is no share of the traffic")));
            }
        }
        Ok(InForce {
            target: self.shown.clone(),
            migration: state.migration,
            weight_percent: state.weight_percent,
            shadow_percent: state.mirror_percent,
            epoch: None,
            generation: state.generation,
            changed_at_us: None,
        })
    }

    fn mute(&self, what: &str) -> TargetError {
        TargetError::Usage(format!(
            "{} {what}: let it answer what is in force (schema {SCHEMA}), or say it with --in-force PERCENT",
            self.shown
        ))
    }

    pub(crate) fn plan(&self, found: &Found, wanted: Wanted, because: &Because) -> Result<Plan, TargetError> {
        let mut wanted = wanted;
        wanted.weight_percent = shares::exact(wanted.weight_percent, &self.shown)?;
        let mirror = wanted.mirror_percent.map(|percent| shares::exact(percent, &self.shown));
        wanted.mirror_percent = mirror.transpose()?;
        let message = Message::new(&found.in_force, wanted, because);
        let text = serde_json::to_string_pretty(&message)
            .map_err(|error| TargetError::Usage(format!("the message cannot be written as JSON: {error}")))?;
        let signed = if self.secret.is_some() { "weighbridge-signature: sha256=(of the body)\n" } else { "" };
        let told = if self.in_force_percent.is_some() { "told by --in-force, not read" } else { "as it says itself" };
        let shown = format!(
            "in force: {}% ({told})\n\nPOST {}\ncontent-type: application/json\nidempotency-key: {}\n{signed}\n{text}\n",
            found.in_force.weight_percent,
            http::without_query(&self.url),
            message.idempotency_key,
        );
        Ok(Plan { found: found.in_force.clone(), wanted, text, shown })
    }

    pub(crate) async fn apply(&self, plan: &Plan) -> Result<Applied, TargetError> {
        let told = self.tell(plan).await?;
        let wanted = InForce {
            weight_percent: plan.wanted.weight_percent,
            shadow_percent: plan.wanted.mirror_percent.or(plan.found.shadow_percent),
            generation: None,
            ..plan.found.clone()
        };
        if self.in_force_percent.is_some() {
            return match told {
                Told::Done => Ok(Applied { in_force: wanted, settled: true, notes: Vec::new() }),
                Told::Unknown(why) => Err(TargetError::World(format!(
                    "{} may or may not have acted: {why}; look there before anything else is decided",
                    self.shown
                ))),
            };
        }
        self.confirmed(plan, &told).await
    }

    /// Reads again, and compares.
    async fn confirmed(&self, plan: &Plan, told: &Told) -> Result<Applied, TargetError> {
        let found = self.read().await.map_err(|error| match told {
            Told::Done => TargetError::World(format!("{} took the change, but then: {error}", self.shown)),
            Told::Unknown(why) => TargetError::World(format!(
                "{} may or may not have acted ({why}), and reading again did not work: {error}",
                self.shown
            )),
        })?;
        let in_force = found.in_force;
        let arrived = shares::same(in_force.weight_percent, plan.wanted.weight_percent);
        match told {
            Told::Done if arrived => Ok(Applied { in_force, settled: true, notes: Vec::new() }),
            Told::Done => {
                let note = format!("{} took the change and still says {}%", self.shown, in_force.weight_percent);
                Ok(Applied { in_force, settled: false, notes: vec![note] })
            }
            Told::Unknown(why) if arrived => {
                let note = format!("no answer came ({why}), but {} says that it is done", self.shown);
                Ok(Applied { in_force, settled: true, notes: vec![note] })
            }
            Told::Unknown(why) => Err(TargetError::World(format!(
                "{} did not act: {why}; it still says {}%",
                self.shown, in_force.weight_percent
            ))),
        }
    }

    async fn tell(&self, plan: &Plan) -> Result<Told, TargetError> {
        let mut why = String::new();
        let mut may_have_acted = false;
        for pause in self.pauses.iter().map(Some).chain([None]) {
            match http::call(self.post(plan)?).await {
                Ok(answer) if answer.status.is_success() => return Ok(Told::Done),
                Ok(answer) if is_worth_another_try(answer.status) => {
                    may_have_acted = true;
                    why = format!("it answered {}", answer.status);
                }
                // An earlier try may have arrived, and the refusal be about that one.
                Ok(answer) if may_have_acted => {
                    return Ok(Told::Unknown(format!("{why}, then: {}", self.refused(&answer))));
                }
                Ok(answer) => return Err(self.refused(&answer)),
                Err(Unanswered::Unreachable(cause)) => why = cause,
                Err(Unanswered::Lost(cause)) => {
                    may_have_acted = true;
                    why = cause;
                }
            }
            if let Some(pause) = pause {
                tokio::time::sleep(*pause).await;
            }
        }
        let tries = self.pauses.len() + 1;
        if may_have_acted {
            return Ok(Told::Unknown(format!("{why}, after {tries} tries")));
        }
        Err(TargetError::World(format!("cannot reach {} in {tries} tries: {why}", self.shown)))
    }

    fn post(&self, plan: &Plan) -> Result<reqwest::RequestBuilder, TargetError> {
        let key = message::key_of(&plan.text).ok_or_else(|| {
            TargetError::Usage("the plan holds no idempotency key: it was made by something else".to_owned())
        })?;
        let mut request = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", key)
            .body(plan.text.clone());
        if let Some(secret) = &self.secret {
            request = request.header("weighbridge-signature", signature(secret, plan.text.as_bytes())?);
        }
        Ok(request)
    }

    fn refused(&self, answer: &Answer) -> TargetError {
        let said = answer::quoted(&String::from_utf8_lossy(&answer.body));
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        match answer.status {
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => {
                TargetError::Changed(format!("{} says that something else is in force by now{said}", self.shown))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => TargetError::Usage(format!(
                "{} answered {}{said}: check WEIGHBRIDGE_WEBHOOK_SECRET, which must be the receiver's",
                self.shown, answer.status
            )),
            status => TargetError::Usage(format!(
                "{} answered {status}{said}: expected 2xx; check the address and the receiver's log",
                self.shown
            )),
        }
    }
}

/// What is known after telling.
enum Told {
    Done,
    /// Why it is not known.
    Unknown(String),
}

fn is_worth_another_try(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::REQUEST_TIMEOUT
}

/// The header's value for a body.
fn signature(secret: &Secret, body: &[u8]) -> Result<header::HeaderValue, TargetError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.text().as_bytes())
        .map_err(|_| TargetError::Usage("WEIGHBRIDGE_WEBHOOK_SECRET is no key for HMAC-SHA256".to_owned()))?;
    mac.update(body);
    http::hidden(&format!("sha256={}", datasets::digest::hex(&mac.finalize().into_bytes())), "the signature")
}
