//! The gateway's admin plane, from outside.
//!
//! `--target` is easily given the gateway's own address, or that of something else. Whatever does not answer as an
//! admin plane is therefore never taken for one: only its own words say that a migration does not exist.

mod lead;

pub(crate) use lead::{Change, Means, Swapped};

use super::address;
use crate::outcome::Failure;
use crate::render;
use gateway::admin::{MigrationState, WeightChange};
use reqwest::{StatusCode, Url, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Where to ask, and with which token.
pub(crate) struct AdminPlane {
    client: reqwest::Client,
    target: Url,
    authorization: header::HeaderValue,
    /// The option that gave the address.
    option: &'static str,
}

/// What an admin plane says when it refuses.
#[derive(Default)]
struct Refusal {
    code: String,
    message: String,
}

impl AdminPlane {
    pub(crate) fn new(target: &str, token: &str) -> Result<Self, Failure> {
        Self::given_by("--target", target, token)
    }

    /// With the option that gave the address, for messages.
    pub(crate) fn given_by(option: &'static str, target: &str, token: &str) -> Result<Self, Failure> {
        let target = address::parse(option, target)?;
        if let Some(warning) = address::warning(&target) {
            render::note(&warning);
        }
        let mut authorization = header::HeaderValue::from_str(&format!("Bearer {}", token.trim()))
            .map_err(|_| Failure::usage("the admin token has characters that no header may carry"))?;
        authorization.set_sensitive(true);
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(Failure::world)?;
        Ok(Self { client, target, authorization, option })
    }

    /// The address, as people write it.
    pub(crate) fn shown(&self) -> &str {
        self.target.as_str().trim_end_matches('/')
    }

    /// An address below the admin plane's own.
    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.target.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["admin", "v1"]).extend(segments);
        }
        url
    }

    /// The address of a migration's weight.
    pub(crate) fn weight_url(&self, migration: &str) -> Url {
        self.url(&["migrations", migration, "weight"])
    }

    /// Reads what stands at an address.
    pub(crate) async fn get<T: DeserializeOwned>(&self, segments: &[&str]) -> Result<T, Failure> {
        self.answered(self.client.get(self.url(segments))).await
    }

    /// Posts a document, if that of the given generation is still in force, and reads the answer.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        body: &impl Serialize,
        generation: Option<u64>,
    ) -> Result<T, Failure> {
        let mut request = self.client.post(self.url(segments)).json(body);
        if let Some(generation) = generation {
            request = request.header(header::IF_MATCH, format!("\"{generation}\""));
        }
        self.answered(request).await
    }

    async fn answered<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, Failure> {
        let response = self.send(request).await?;
        match response.status() {
            status if status.is_success() => {
                let body = response.bytes().await;
                let body =
                    body.map_err(|error| Failure::world(format!("the answer of {} broke off: {error}", self.shown())))?;
                // Not repeated: it may hold a key.
                serde_json::from_slice(&body).map_err(|_| self.none_here("something that this program does not know"))
            }
            StatusCode::UNAUTHORIZED => Err(self.unauthorised()),
            status => match refusal(response).await {
                refusal if refusal.code.is_empty() => Err(self.none_here(&status.to_string())),
                refusal => Err(self.failed(status, &refusal)),
            },
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, Failure> {
        request.header(header::AUTHORIZATION, self.authorization.clone()).send().await.map_err(|error| {
            Failure::world(format!(
                "cannot reach the admin plane at {}: {error}; is `weighbridge serve` running?",
                self.shown()
            ))
        })
    }

    /// The state of a migration; `None` if the gateway says that it does not have it.
    pub(crate) async fn weight(&self, migration: &str) -> Result<Option<MigrationState>, Failure> {
        let response = self.send(self.client.get(self.weight_url(migration))).await?;
        match response.status() {
            StatusCode::OK => self.state(response).await.map(Some),
            StatusCode::UNAUTHORIZED => Err(self.unauthorised()),
            StatusCode::NOT_FOUND => match refusal(response).await {
                Refusal { code, message } if code == "not_found" && message == "unknown migration" => Ok(None),
                _ => Err(self.none_here(&StatusCode::NOT_FOUND.to_string())),
            },
            status if status.is_server_error() => Err(self.failed(status, &refusal(response).await)),
            status => Err(self.none_here(&status.to_string())),
        }
    }

    /// Sets the weight of a migration that is in this epoch; `None` if the epoch has changed meanwhile.
    pub(crate) async fn raise(
        &self,
        migration: &str,
        epoch: u64,
        change: WeightChange,
    ) -> Result<Option<MigrationState>, Failure> {
        let request =
            self.client.put(self.weight_url(migration)).header(header::IF_MATCH, format!("\"{epoch}\"")).json(&change);
        let response = self.send(request).await?;
        match response.status() {
            // Whatever it says behind this, the weight may be raised: that is no refusal.
            StatusCode::OK => self.state(response).await.map(Some).map_err(|failure| Failure::world(failure.message)),
            StatusCode::PRECONDITION_FAILED => Ok(None),
            status => Err(self.failed(status, &refusal(response).await)),
        }
    }

    /// Gives the gateway a verdict to show beside the weight; returns why it says nothing about the weight in force, if it
    /// does not.
    pub(crate) async fn publish(&self, migration: &str, verdict: &str) -> Result<String, Failure> {
        #[derive(serde::Deserialize)]
        struct Shown {
            why_not: String,
        }
        let request = self.client.put(self.url(&["migrations", migration, "verdict"]));
        let request = request.header(header::CONTENT_TYPE, "application/json").body(verdict.to_owned());
        let shown: Shown = self.answered(request).await?;
        Ok(shown.why_not)
    }

    /// What was used. `query` is passed on.
    pub(crate) async fn usage(&self, query: &[(&str, &str)]) -> Result<gateway::usage::Report, Failure> {
        let mut url = self.target.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["admin", "v1", "usage"]);
        }
        url.query_pairs_mut().extend_pairs(query);
        let response = self.send(self.client.get(url)).await?;
        let status = response.status();
        if status == StatusCode::OK {
            return response.json().await.map_err(|_| self.none_here("with something else"));
        }
        if status == StatusCode::UNAUTHORIZED {
            return Err(Failure::usage(format!(
                "the admin plane at {} refused the token: check the variable that --token-env names, and --target",
                self.shown()
            )));
        }
        match refusal(response).await {
            Refusal { message, .. } if message.is_empty() => Err(self.none_here(&status.to_string())),
            Refusal { message, .. } => {
                Err(Failure::usage(format!("the gateway at {} answered: {message}", self.shown())))
            }
        }
    }

    async fn state(&self, response: reqwest::Response) -> Result<MigrationState, Failure> {
        let text = response
            .text()
            .await
            .map_err(|error| Failure::world(format!("the answer of {} broke off: {error}", self.shown())))?;
        serde_json::from_str(&text).map_err(|_| self.none_here("something else than a migration's state"))
    }

    fn unauthorised(&self) -> Failure {
        Failure::usage(format!(
            "the admin plane at {} refused the token: check the variable that --token-env names, and {}",
            self.shown(),
            self.option
        ))
    }

    fn none_here(&self, answer: &str) -> Failure {
        Failure::usage(format!(
            "{} answered {answer}: this is no admin plane; is {} the admin address (default \
             http://127.0.0.1:8081)?",
            self.shown(),
            self.option
        ))
    }

    /// A refusal is for the user to change, a failure for the world.
    fn failed(&self, status: StatusCode, refusal: &Refusal) -> Failure {
        let said = if refusal.message.is_empty() { String::new() } else { format!(": {}", refusal.message) };
        let message = format!("the admin plane at {} answered {status}{said}", self.shown());
        if status.is_client_error() { Failure::usage(message) } else { Failure::world(message) }
    }
}

/// The error in a body, as far as there is one.
async fn refusal(response: reqwest::Response) -> Refusal {
    let body = response.bytes().await.unwrap_or_default();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let word = |key: &str| body.pointer(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    Refusal { code: word("/error/code"), message: word("/error/message") }
}
