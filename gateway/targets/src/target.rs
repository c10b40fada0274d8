//! The address of a target, and who acts on it.

use crate::cluster::ClusterTarget;
use crate::console::ConsoleTarget;
use crate::file::FileTarget;
use crate::file::address::plain;
use crate::webhook::WebhookTarget;
use crate::{Applied, Because, Found, Options, Plan, TargetError, Wanted, Write};
use gate::InForce;
use std::path::{Path, PathBuf};

/// Forms of addresses.
const KINDS: [&str; 11] = [
    "json:FILE#/pointer",
    "nginx:FILE",
    "haproxy:FILE",
    "httproute:FILE",
    "virtualservice:FILE",
    "ingress:FILE",
    "httproute://NAMESPACE/NAME",
    "virtualservice://NAMESPACE/NAME",
    "ingress://NAMESPACE/NAME",
    "higress+https://console.example/ROUTE",
    "webhook+https://ops.example/weights",
];

/// A place where a weight lives.
#[derive(Debug)]
pub enum Target {
    /// A file, and where it is written instead of in place.
    File(FileTarget, Option<PathBuf>),
    /// A route in a cluster.
    Cluster(Box<ClusterTarget>),
    /// An AI route of the Higress console.
    Console(Box<ConsoleTarget>),
    /// Whoever takes a POST.
    Webhook(Box<WebhookTarget>),
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
        refuse_idle(kind, rest, options)?;
        match (kind, rest.strip_prefix("//")) {
            ("httproute" | "virtualservice" | "ingress", Some(place)) => {
                ClusterTarget::parse(kind, place, options).map(|target| Self::Cluster(Box::new(target)))
            }
            ("higress+https" | "higress+http", Some(_)) => {
                ConsoleTarget::parse(text.trim_start_matches("higress+"), options)
                    .map(|target| Self::Console(Box::new(target)))
            }
            ("webhook+https" | "webhook+http", Some(_)) => {
                WebhookTarget::parse(text.trim_start_matches("webhook+"), options)
                    .map(|target| Self::Webhook(Box::new(target)))
            }
            ("json" | "nginx" | "haproxy" | "httproute" | "virtualservice" | "ingress", None) => {
                let (baseline, candidate) = (options.baseline.as_deref(), options.candidate.as_deref());
                // The log knows a target by its address: `./a` and `a` are not two, of which the second has no history yet.
                let target = FileTarget::parse(kind, &plain(rest), baseline, candidate)?;
                Ok(Self::File(target, options.out.clone()))
            }
            _ => Err(unknown(kind)),
        }
    }

    /// The address as people may see it.
    #[must_use]
    pub fn shown(&self) -> &str {
        match self {
            Self::File(target, _) => target.address(),
            Self::Cluster(target) => target.shown(),
            Self::Console(target) => target.shown(),
            Self::Webhook(target) => target.shown(),
        }
    }

    /// Reads what is in force.
    ///
    /// # Errors
    /// It cannot be read, or does not say which share is the candidate's.
    pub async fn read(&self) -> Result<Found, TargetError> {
        match self {
            Self::File(target, _) => target.read(),
            Self::Cluster(target) => target.read().await,
            Self::Console(target) => target.read().await,
            Self::Webhook(target) => target.read().await,
        }
    }

    /// Makes the exact change. Pure.
    ///
    /// # Errors
    /// What is wanted cannot be said there.
    pub fn plan(&self, found: &Found, wanted: Wanted, because: &Because) -> Result<Plan, TargetError> {
        match self {
            Self::File(target, _) => target.plan(found, wanted),
            Self::Cluster(target) => target.plan(found, wanted),
            Self::Console(target) => target.plan(found, wanted),
            Self::Webhook(target) => target.plan(found, wanted, because),
        }
    }

    /// Asks the target what it would say to a plan, without doing it: an API server runs its admission. Empty where there is
    /// nobody to ask.
    ///
    /// # Errors
    /// It would refuse.
    pub async fn rehearse(&self, plan: &Plan) -> Result<Vec<String>, TargetError> {
        match self {
            Self::Cluster(target) => target.rehearse(plan).await,
            Self::File(..) | Self::Console(_) | Self::Webhook(_) => Ok(Vec::new()),
        }
    }

    /// Carries a plan out, if what it was made for is still in force.
    ///
    /// # Errors
    /// Somebody else was faster, it was refused, or the world failed; whether anything may have happened is said.
    pub async fn apply(&self, plan: &Plan) -> Result<Applied, TargetError> {
        match self {
            Self::File(target, out) => {
                let (target, out, plan) = (target.clone(), out.clone(), plan.clone());
                // It waits for a disk, and maybe for another writer.
                let done = tokio::task::spawn_blocking(move || file(&target, out.as_deref(), &plan)).await;
                done.unwrap_or_else(|error| Err(TargetError::World(format!("the file's writer ended: {error}"))))
            }
            Self::Cluster(target) => target.apply(plan).await,
            Self::Console(target) => target.apply(plan).await,
            Self::Webhook(target) => target.apply(plan).await,
        }
    }
}

/// Refuses options that the kind of target has no use for: whoever gave one means something that would not happen.
fn refuse_idle(kind: &str, rest: &str, options: &Options) -> Result<(), TargetError> {
    let is_webhook = kind.starts_with("webhook");
    let is_cluster = rest.starts_with("//") && !kind.contains('+');
    let given = [
        ("--out", "files", options.out.is_some(), !rest.starts_with("//")),
        ("--kubeconfig", "clusters", options.kubeconfig.is_some(), is_cluster),
        ("--write", "clusters", options.write != Write::default(), is_cluster),
        ("--in-force", "webhooks", options.in_force_percent.is_some(), is_webhook),
    ];
    match given.into_iter().find(|(.., given, has_use)| *given && !has_use) {
        Some((option, kinds, ..)) => {
            Err(TargetError::Usage(format!("{option} is for {kinds}, and this target is none of them: leave it out")))
        }
        None => Ok(()),
    }
}

/// In place, or elsewhere: then the other file is what the change was asked for, and the target stays.
fn file(target: &FileTarget, out: Option<&Path>, plan: &Plan) -> Result<Applied, TargetError> {
    let Some(out) = out else {
        let in_force = target.apply(plan)?.in_force;
        return Ok(Applied { in_force, settled: true, notes: Vec::new() });
    };
    target.write_to(plan, out)?;
    let note = format!("written to {}; {} is as it was", out.display(), target.address());
    let in_force = InForce {
        weight_percent: plan.wanted.weight_percent,
        shadow_percent: plan.wanted.mirror_percent.or(plan.found.shadow_percent),
        generation: None,
        ..plan.found.clone()
    };
    Ok(Applied { in_force, settled: true, notes: vec![note] })
}

/// An address may hold a secret: only its kind is repeated, if it looks like one.
fn unknown(kind: &str) -> TargetError {
    let is_a_word = kind.len() <= 32 && kind.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '+');
    let named = if is_a_word { format!("`{kind}` in this form") } else { "this".to_owned() };
    TargetError::Usage(format!("{named} is no target: expected {}", KINDS.join(", ")))
}
