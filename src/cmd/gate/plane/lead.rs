//! What an autopilot asks of an admin plane beside what the gate asks.

use super::{AdminPlane, refusal};
use crate::outcome::Failure;
use gateway::admin::{MigrationState, WeightChange};
use reqwest::{StatusCode, header};
use serde::{Deserialize, Serialize};

/// Who leads a migration, as the gateway says it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Lease {
    /// Whoever asked has it.
    pub held: bool,
    /// Who has it, or had it last.
    pub holder: String,
    /// Grows each time that somebody begins to lead.
    pub fence: u64,
    /// For how long it still holds, milliseconds.
    pub left_ms: u64,
}

/// A change in the gateway's own trail.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Change {
    pub at: String,
    pub migration: String,
    pub what: String,
    pub from_percent: f64,
    pub to_percent: f64,
    pub epoch: u64,
    #[serde(default)]
    pub reason: String,
    #[serde(default)]
    pub who: String,
    #[serde(default)]
    pub replica: Option<String>,
}

/// What became of a weight that was to be set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Swapped {
    /// It is in force.
    Done(MigrationState),
    /// The epoch is another one by now.
    Epoch,
    /// Somebody else leads.
    Fenced,
}

/// How an arm's last calls went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Means {
    /// Calls that the means are of, at most a hundred.
    pub calls: u64,
    /// Failed ones among them; each counts as twice the slowest good one.
    pub failures: u64,
    /// Mean time to the last byte; absent where no call was good.
    pub mean_duration_us: Option<u64>,
    /// Mean time to the first token, of streamed calls.
    pub mean_first_token_us: Option<u64>,
    /// Requests under way.
    pub in_flight: u64,
}

/// Of both arms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Recent {
    pub baseline: Means,
    pub candidate: Means,
}

impl AdminPlane {
    /// How the last calls of both arms went.
    pub(crate) async fn recent(&self, migration: &str) -> Result<Recent, Failure> {
        self.get(&["migrations", migration, "recent"]).await
    }

    /// Takes the lead of a migration, or keeps it.
    pub(crate) async fn lease(&self, migration: &str, holder: &str, ttl_ms: u64) -> Result<Lease, Failure> {
        let body = serde_json::json!({"holder": holder, "ttl_ms": ttl_ms});
        self.post(&["migrations", migration, "lease"], &body, None).await
    }

    /// Gives the lead back.
    pub(crate) async fn give_lease_back(&self, migration: &str, holder: &str, fence: u64) -> Result<Lease, Failure> {
        let body = serde_json::json!({"holder": holder, "fence": fence});
        self.answered(self.client.delete(self.url(&["migrations", migration, "lease"])).json(&body)).await
    }

    /// What was changed, the oldest first, as far as the gateway remembers.
    pub(crate) async fn trail(&self) -> Result<Vec<Change>, Failure> {
        #[derive(Deserialize)]
        struct Trail {
            changes: Vec<Change>,
        }
        self.get::<Trail>(&["audit"]).await.map(|trail| trail.changes)
    }

    /// The state of a migration.
    pub(crate) async fn migration(&self, migration: &str) -> Result<MigrationState, Failure> {
        self.weight(migration)
            .await?
            .ok_or_else(|| Failure::usage(format!("the gateway at {} has no migration {migration}", self.shown())))
    }

    /// Sets a weight if the epoch is still that of `state`, and, with a fence, if its holder leads still.
    pub(crate) async fn swap(
        &self,
        state: &MigrationState,
        change: &WeightChange,
        fence: Option<u64>,
    ) -> Result<Swapped, Failure> {
        let request = self.client.put(self.weight_url(&state.name)).json(change);
        let mut request = request.header(header::IF_MATCH, format!("\"{}\"", state.epoch));
        if let Some(fence) = fence {
            request = request.header("x-weighbridge-lease", fence);
        }
        let response = self.send(request).await?;
        match response.status() {
            StatusCode::OK => self.state(response).await.map(Swapped::Done),
            StatusCode::PRECONDITION_FAILED => Ok(Swapped::Epoch),
            status => match refusal(response).await {
                refusal if refusal.code == "lease_lost" => Ok(Swapped::Fenced),
                refusal => Err(self.failed(status, &refusal)),
            },
        }
    }

    /// Pauses the mirror, or lets it go on.
    pub(crate) async fn pause_shadow(&self, migration: &str, paused: bool, reason: &str) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Pause<'a> {
            paused: bool,
            reason: &'a str,
        }
        let request = self.client.put(self.url(&["migrations", migration, "shadow"])).json(&Pause { paused, reason });
        self.answered::<MigrationState>(request).await.map(drop)
    }
}
