//! The services that judge what is said: what they are told, and how their answers become a plan.

use std::net::SocketAddr;

use bytes::Bytes;
use http::HeaderMap;
use wire::provider::Provider;

use super::handle::{Call, Plan, Reply, Service, Timed};
use super::plan::{Incident, Vendor};
use super::{Listening, MockConfig, MockError, listen, stage};
use crate::clock::Clock;
use crate::green::{self, Asked, Green, Judged, Settings};
use crate::judges::{Azure, GuardModel, Judge};
use crate::log::RequestLog;
use crate::profile::Profile;

/// A service that judges what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModerationService {
    /// OpenAI's `/v1/moderations`, and nothing else of it.
    OpenAi,
    /// Alibaba Cloud's content safety, version 2022-03-02: TextModerationPlus and MultiModalGuard.
    Aliyun,
    /// Azure's content safety: `text:analyze` and `text:shieldPrompt`.
    Azure,
    /// A guard model behind chat completions: Qwen3Guard-Gen if the model's name says so, else Llama Guard.
    Guard,
}

impl ModerationService {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::OpenAi, Self::Aliyun, Self::Azure, Self::Guard];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "moderation",
            Self::Aliyun => "aliyun",
            Self::Azure => "azure",
            Self::Guard => "guard",
        }
    }

    /// The loopback port that its mock listens on unless told otherwise.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::OpenAi => 9103,
            Self::Aliyun => 9104,
            // 9105 is the compatible server's.
            Self::Azure => 9106,
            Self::Guard => 9107,
        }
    }
}

/// Everything that decides how one moderation service behaves.
#[derive(Clone)]
pub struct ModerationConfig {
    /// Whom to imitate.
    pub service: ModerationService,
    /// Root of all chance.
    pub seed: u64,
    /// Waits (`first_token` is the time of a whole judgement) and faults.
    pub profile: Profile,
    /// OpenAI, Azure and guard model: the only key accepted; `None` accepts any that is not empty, and from those who ask the
    /// guard model none.
    pub accept_key: Option<String>,
    /// Alibaba Cloud: the only access key id known.
    pub access_key_id: String,
    /// Alibaba Cloud: the secret that requests are signed with.
    pub access_key_secret: String,
    /// Alibaba Cloud: the token of a temporary key, which requests then have to carry.
    pub security_token: Option<String>,
    /// Alibaba Cloud: words of the account's own list. Azure: those of the block list `mock`.
    pub blocked_words: Vec<String>,
    /// Number of requests kept in the log; 0 keeps only its counters.
    pub log_capacity: usize,
    /// The date, for signatures.
    pub clock: Clock,
}

impl ModerationConfig {
    /// A service with its realistic profile, seed 0, and for Alibaba Cloud the access key `mock-id` with `mock-secret`.
    #[must_use]
    pub fn new(service: ModerationService) -> Self {
        Self {
            service,
            seed: 0,
            profile: Profile::moderation(),
            accept_key: None,
            access_key_id: "mock-id".to_owned(),
            access_key_secret: "mock-secret".to_owned(),
            security_token: None,
            blocked_words: Vec::new(),
            log_capacity: 1024,
            clock: Clock::system(),
        }
    }

    /// The same for tests: nothing waits.
    #[must_use]
    pub fn instant(service: ModerationService) -> Self {
        Self { profile: Profile::instant(), ..Self::new(service) }
    }
}

impl std::fmt::Debug for ModerationConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { service, seed, profile, access_key_id, blocked_words, log_capacity, clock, .. } = self;
        formatter
            .debug_struct("ModerationConfig")
            .field("service", service)
            .field("seed", seed)
            .field("profile", profile)
            .field("access_key_id", access_key_id)
            .field("blocked_words", blocked_words)
            .field("log_capacity", log_capacity)
            .field("clock", clock)
            .finish_non_exhaustive()
    }
}

/// A moderation service that is serving. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct RunningModeration {
    /// Where it listens; the port is the real one if port 0 was asked for.
    pub addr: SocketAddr,
    service: ModerationService,
    listening: Listening,
}

impl RunningModeration {
    /// What it was asked, and counters.
    #[must_use]
    pub fn requests(&self) -> &RequestLog {
        &self.listening.log
    }

    /// Whom it imitates.
    #[must_use]
    pub fn service(&self) -> ModerationService {
        self.service
    }

    /// The base URL a client is configured with.
    #[must_use]
    pub fn base_url(&self) -> String {
        match self.service {
            ModerationService::OpenAi | ModerationService::Guard => format!("http://{}/v1", self.addr),
            ModerationService::Aliyun | ModerationService::Azure => format!("http://{}", self.addr),
        }
    }

    /// Stops listening, ends what is in flight, and waits for it, at most five seconds.
    pub async fn shutdown(self) {
        self.listening.shutdown().await;
    }
}

/// Starts a moderation service. Port 0 picks a free port, see [`RunningModeration::addr`].
///
/// # Errors
/// If the address cannot be listened on, or the profile is out of range.
pub async fn start_moderation(addr: SocketAddr, config: ModerationConfig) -> Result<RunningModeration, MockError> {
    config.profile.check()?;
    let ModerationConfig { service, seed, profile, log_capacity, clock, .. } = config;
    let behind: Box<dyn Service> = match service {
        ModerationService::OpenAi => {
            let config = MockConfig {
                seed,
                profile,
                accept_key: config.accept_key,
                clock: clock.clone(),
                ..MockConfig::new(Provider::OpenAi)
            };
            Box::new(Vendor::new(config, None, Incident::default()).only_moderating())
        }
        ModerationService::Aliyun => Box::new(Green::new(Settings {
            seed,
            profile,
            access_key_id: config.access_key_id,
            access_key_secret: config.access_key_secret,
            security_token: config.security_token,
            blocked_words: config.blocked_words,
        })),
        ModerationService::Azure => {
            let manners = Box::new(Azure { blocked_words: config.blocked_words });
            Box::new(Judge { seed, profile, accept_key: config.accept_key, manners })
        }
        ModerationService::Guard => {
            Box::new(Judge { seed, profile, accept_key: config.accept_key, manners: Box::new(GuardModel) })
        }
    };
    let (addr, listening) = listen(addr, service.name(), behind, log_capacity, clock).await?;
    Ok(RunningModeration { addr, service, listening })
}

impl Service for Green {
    fn plan(&self, call: &Call, body: Result<Bytes, String>, _in_flight: u64) -> Plan {
        match body {
            Ok(body) => planned(self.judge(asked(call, &body))),
            Err(problem) => unreadable(400, green::unreadable(&problem)),
        }
    }

    fn may_repeat(&self, _in_flight: u64) -> bool {
        false
    }

    fn reads_headers(&self) -> bool {
        true
    }
}

impl Service for Judge {
    fn plan(&self, call: &Call, body: Result<Bytes, String>, _in_flight: u64) -> Plan {
        match body {
            Ok(body) => planned(self.judge(asked(call, &body))),
            Err(problem) => {
                let (status, body) = self.unreadable(&problem);
                unreadable(status, body.to_string().into())
            }
        }
    }

    fn may_repeat(&self, _in_flight: u64) -> bool {
        false
    }

    fn reads_headers(&self) -> bool {
        true
    }
}

fn asked<'a>(call: &'a Call, body: &'a Bytes) -> Asked<'a> {
    Asked {
        method: call.method.as_str(),
        path: call.uri.path(),
        query: call.uri.query().unwrap_or_default(),
        headers: &call.headers,
        body,
        now: call.now,
    }
}

fn unreadable(status: u16, body: Bytes) -> Plan {
    let reply = Reply::Once { status, body, due_us: 0 };
    Plan { headers: HeaderMap::new(), fault: None, seat: None, reply, repeatable: false }
}

fn planned(judged: Judged) -> Plan {
    let Judged { status, headers, fault, timeline } = judged;
    let plan = |reply| Plan { headers, fault, seat: None, reply, repeatable: false };
    let Some(mut timeline) = timeline else { return plan(Reply::Reset) };
    if status != 200 {
        let due_us = timeline.steps.first().map_or(0, |step| step.due_us);
        return plan(Reply::Once { status, body: timeline.bytes.into(), due_us });
    }
    stage::spoil(&mut timeline, fault, false, Vec::new);
    plan(Reply::Timed(Timed { script: timeline.into(), stream: false, early: false }))
}
