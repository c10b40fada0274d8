//! The address of a target, and who acts on it.

use crate::webhook::WebhookTarget;
use crate::{Applied, Because, Found, Options, Plan, TargetError, Wanted};

/// Kinds as an address names them, each with an example.
const KINDS: [(&str, &str); 1] = [("webhook+https", "webhook+https://ops.example/weights")];

/// A place where a weight lives.
#[derive(Debug)]
pub enum Target {
    /// Whoever takes a POST.
    Webhook(WebhookTarget),
}

impl Target {
    /// Reads an address. Nothing is opened or called yet, but credentials of a cluster are found.
    ///
    /// # Errors
    /// The kind is unknown or the rest is not of its form; the error says which form is expected.
    pub fn parse(text: &str, options: &Options) -> Result<Self, TargetError> {
        let Some((kind, rest)) = text.split_once(':') else {
            return Err(unknown(text));
        };
        match (kind, rest.strip_prefix("//")) {
            ("webhook+https" | "webhook+http", Some(_)) => {
                WebhookTarget::parse(text.trim_start_matches("webhook+"), options).map(Self::Webhook)
            }
            _ => Err(unknown(kind)),
        }
    }

    /// The address as people may see it.
    #[must_use]
    pub fn shown(&self) -> &str {
        match self {
            Self::Webhook(target) => target.shown(),
        }
    }

    /// Reads what is in force.
    ///
    /// # Errors
    /// It cannot be read, or does not say which share is the candidate's.
    pub async fn read(&self) -> Result<Found, TargetError> {
        match self {
            Self::Webhook(target) => target.read().await,
        }
    }

    /// Makes the exact change. Pure.
    ///
    /// # Errors
    /// What is wanted cannot be said there.
    pub fn plan(&self, found: &Found, wanted: Wanted, because: &Because) -> Result<Plan, TargetError> {
        match self {
            Self::Webhook(target) => target.plan(found, wanted, because),
        }
    }

    /// Asks the target what it would say to a plan, without doing it: an API server runs its admission. Empty where there is
    /// nobody to ask.
    ///
    /// # Errors
    /// It would refuse.
    pub async fn rehearse(&self, _plan: &Plan) -> Result<Vec<String>, TargetError> {
        match self {
            Self::Webhook(_) => Ok(Vec::new()),
        }
    }

    /// Carries a plan out, if what it was made for is still in force.
    ///
    /// # Errors
    /// Somebody else was faster, it was refused, or the world failed; whether anything may have happened is said.
    pub async fn apply(&self, plan: &Plan) -> Result<Applied, TargetError> {
        match self {
            Self::Webhook(target) => target.apply(plan).await,
        }
    }
}

/// An address may hold a secret: only its kind is repeated, if it looks like one.
fn unknown(kind: &str) -> TargetError {
    let is_a_word = kind.len() <= 32 && kind.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '+');
    let named =
        if is_a_word { format!("`{kind}` is no kind of target here") } else { "the target names no kind".to_owned() };
    let forms: Vec<&str> = KINDS.iter().map(|(_, form)| *form).collect();
    TargetError::Usage(format!("{named}: expected {}", forms.join(", ")))
}
