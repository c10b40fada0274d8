//! Where a weight lives: at the gateway's admin plane, or anywhere else that the crate `targets` knows.

use super::AdminPlane;
use crate::args;
use crate::outcome::{Exit, Failure};
use ::gate::InForce;
use gateway::admin::{MigrationState, WeightChange};
use targets::{Applied, Because, Environment, Found, Options, Plan, Target, TargetError, Wanted, Write};

/// Epochs of a gateway are the milliseconds in which they began; older ones are somebody's own numbers.
const FIRST_INSTANT_MS: u64 = 1_000_000_000_000;

/// See the module's text.
pub(super) enum Place<'a> {
    /// A gateway of ours.
    Gateway(&'a AdminPlane),
    /// Somebody else's place.
    Other(&'a Target),
}

/// Why nothing was changed.
pub(super) enum NotChanged {
    /// Somebody was faster: the weight is theirs now.
    Changed(String),
    /// It was refused, so that the weight is what it was.
    Refused(String),
    /// Nobody knows what became of it.
    Unknown(String),
}

impl Place<'_> {
    /// The target, without secrets.
    pub(super) fn shown(&self) -> &str {
        match self {
            Self::Gateway(plane) => plane.shown(),
            Self::Other(target) => target.shown(),
        }
    }

    /// What is in force; `None` where a gateway says that it does not have this migration.
    pub(super) async fn read(&self, migration: &str) -> Result<Option<Found>, Failure> {
        match self {
            Self::Gateway(plane) => {
                let state = plane.weight(migration).await?;
                Ok(state.map(|state| Found { in_force: in_force(plane, state), text: String::new() }))
            }
            Self::Other(target) => target.read().await.map(Some).map_err(|error| failure(&error)),
        }
    }

    /// The exact change, not yet made.
    pub(super) fn plan(&self, found: &Found, wanted: Wanted, because: &Because) -> Result<Plan, Failure> {
        match self {
            Self::Gateway(plane) => Ok(request(plane, found, wanted, because)),
            Self::Other(target) => target.plan(found, wanted, because).map_err(|error| failure(&error)),
        }
    }

    /// What the target says to the change before it is made.
    pub(super) async fn rehearse(&self, plan: &Plan) -> Result<Vec<String>, Failure> {
        match self {
            Self::Gateway(_) => Ok(Vec::new()),
            Self::Other(target) => target.rehearse(plan).await.map_err(|error| failure(&error)),
        }
    }

    /// Makes the change, if what it was made for is still in force.
    pub(super) async fn apply(&self, plan: &Plan, because: &Because) -> Result<Applied, NotChanged> {
        match self {
            Self::Gateway(plane) => raise(plane, plan, because).await,
            Self::Other(target) => target.apply(plan).await.map_err(|error| match error {
                TargetError::Changed(why) => NotChanged::Changed(why),
                TargetError::Usage(why) => NotChanged::Refused(why),
                TargetError::World(why) => NotChanged::Unknown(why),
            }),
        }
    }
}

async fn raise(plane: &AdminPlane, plan: &Plan, because: &Because) -> Result<Applied, NotChanged> {
    let (Some(migration), Some(epoch)) = (&plan.found.migration, plan.found.epoch) else {
        return Err(NotChanged::Refused("the gateway named no migration or no epoch".to_owned()));
    };
    let change = WeightChange { weight_percent: plan.wanted.weight_percent, reason: because.reason.clone() };
    match plane.raise(migration, epoch, change).await {
        Ok(Some(state)) => Ok(Applied { in_force: in_force(plane, state), settled: true, notes: Vec::new() }),
        Ok(None) => Err(NotChanged::Changed("the weight was changed by somebody else meanwhile".to_owned())),
        Err(Failure { exit: Exit::Usage, message }) => Err(NotChanged::Refused(message)),
        Err(Failure { message, .. }) => Err(NotChanged::Unknown(message)),
    }
}

fn in_force(plane: &AdminPlane, state: MigrationState) -> InForce {
    let changed_at_ms = Some(state.epoch).filter(|epoch| *epoch >= FIRST_INSTANT_MS);
    InForce {
        target: plane.shown().to_owned(),
        migration: Some(state.name),
        weight_percent: state.weight_percent,
        shadow_percent: Some(state.shadow_percent),
        epoch: Some(state.epoch),
        generation: Some(state.epoch.to_string()),
        changed_at_us: changed_at_ms.and_then(|ms| i64::try_from(ms).ok()?.checked_mul(1000)),
    }
}

/// The request to a gateway as people read it.
fn request(plane: &AdminPlane, found: &Found, wanted: Wanted, because: &Because) -> Plan {
    let body = serde_json::json!({"weight_percent": wanted.weight_percent, "reason": because.reason}).to_string();
    let shown = format!(
        "PUT {}\nif-match: \"{}\"\n\n-weight_percent: {}\n+weight_percent: {}\n",
        plane.weight_url(&because.migration),
        found.in_force.epoch.unwrap_or_default(),
        found.in_force.weight_percent,
        wanted.weight_percent
    );
    Plan { found: found.in_force.clone(), wanted, text: body, shown }
}

fn failure(error: &TargetError) -> Failure {
    match error {
        TargetError::Usage(message) => Failure::usage(message),
        TargetError::World(message) => Failure::world(message),
        TargetError::Changed(message) => Failure { exit: Exit::Hold, message: message.clone() },
    }
}

/// Where the arguments say that the weight lives. A gateway's address is one of HTTP; everything else has a kind in front.
pub(super) enum Home {
    Gateway(AdminPlane),
    Other(Box<Target>),
}

impl Home {
    pub(super) fn of(args: &args::Gate) -> Result<Self, Failure> {
        if is_of_a_kind(&args.target) {
            let options = options(args)?;
            let target = Target::parse(&args.target, &options).map_err(|error| failure(&error))?;
            return Ok(Self::Other(Box::new(target)));
        }
        only_elsewhere(args)?;
        let token = std::env::var(&args.token_env).map_err(|_| {
            Failure::usage(format!("the variable {} is not set: export the admin token", args.token_env))
        })?;
        AdminPlane::new(&args.target, &token).map(Self::Gateway)
    }

    pub(super) fn place(&self) -> Place<'_> {
        match self {
            Self::Gateway(plane) => Place::Gateway(plane),
            Self::Other(target) => Place::Other(target),
        }
    }
}

/// `KIND:WHERE`. `localhost:8081` and `gateway:8081` are addresses that lack their scheme, and no kinds.
fn is_of_a_kind(target: &str) -> bool {
    target.split_once(':').is_some_and(|(kind, rest)| {
        let is_word =
            !kind.is_empty() && kind.chars().all(|letter| letter.is_ascii_alphabetic() || "+-".contains(letter));
        let is_port = rest.split('/').next().is_some_and(|port| port.bytes().all(|digit| digit.is_ascii_digit()));
        is_word && !matches!(kind, "http" | "https") && (!is_port || rest.starts_with('/'))
    })
}

fn options(args: &args::Gate) -> Result<Options, Failure> {
    let write = Write::from_word(&args.write)
        .ok_or_else(|| Failure::usage(format!("--write is `{}`: expected apply, take-over or patch", args.write)))?;
    Ok(Options {
        baseline: args.baseline.clone(),
        candidate: args.candidate.clone(),
        out: args.out.clone(),
        kubeconfig: args.kubeconfig.clone(),
        write,
        in_force_percent: args.in_force,
        environment: Environment::of_process(),
        ..Options::default()
    })
}

/// Refuses options that a gateway's admin plane has no use for: somebody means another target.
fn only_elsewhere(args: &args::Gate) -> Result<(), Failure> {
    let given = [
        ("--mirror", args.mirror.is_some()),
        ("--baseline", args.baseline.is_some()),
        ("--candidate", args.candidate.is_some()),
        ("--out", args.out.is_some()),
        ("--kubeconfig", args.kubeconfig.is_some()),
        ("--in-force", args.in_force.is_some()),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        Some((option, _)) => Err(Failure::usage(format!(
            "{option} is for other people's targets, and --target is a gateway's admin plane: leave it out, or name a target \
             such as httproute:route.yaml"
        ))),
        None => Ok(()),
    }
}
