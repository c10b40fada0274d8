//! Arguments of `gate`, `sign` and `audit`.

use clap::{Args as ClapArgs, Subcommand};
use std::path::PathBuf;

#[derive(Debug, ClapArgs)]
pub(crate) struct Gate {
    /// The verdict.
    pub verdict: PathBuf,
    /// Where the weight lives: the admin plane of a gateway, or KIND:WHERE for somebody else's place, such as
    /// httproute:route.yaml or httproute://shop/chat. See gateway/deploy/targets.md.
    #[arg(long, default_value = "http://127.0.0.1:8081")]
    pub target: String,
    /// Raise the weight. Without it, only say what would happen.
    #[arg(long)]
    pub apply: bool,
    /// What must hold before a weight rises, TOML; what it does not say keeps its default.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Oldest evidence that may raise a weight, such as 30m, 24h or 7d, instead of the policy's.
    #[arg(long)]
    pub max_age: Option<String>,
    /// Public key whose signatures are trusted, PEM, beside those of the policy. Repeatable.
    #[arg(long, value_name = "PUBLIC")]
    pub key_file: Vec<PathBuf>,
    /// Log that every decision is appended to.
    #[arg(long, value_name = "FILE", default_value = "weighbridge-audit.ndjson")]
    pub audit: PathBuf,
    /// Print checks and outcome as JSON (weighbridge.gate/1).
    #[arg(long)]
    pub json: bool,
    /// Variable that holds the admin token of a gateway.
    #[arg(long, default_value = "WEIGHBRIDGE_ADMIN_TOKEN", value_name = "VARIABLE")]
    pub token_env: String,
    /// Mirrored share that is set with a raise, where the target mirrors.
    #[arg(long, value_name = "PERCENT", value_parser = percent, help_heading = "Other people's targets")]
    pub mirror: Option<f64>,
    /// Backend (service, subset, upstream provider) that is the baseline.
    #[arg(long, value_name = "NAME", help_heading = "Other people's targets")]
    pub baseline: Option<String>,
    /// Backend that is the candidate.
    #[arg(long, value_name = "NAME", help_heading = "Other people's targets")]
    pub candidate: Option<String>,
    /// Where a file target writes, instead of in place.
    #[arg(long, value_name = "FILE", help_heading = "Other people's targets")]
    pub out: Option<PathBuf>,
    /// Credentials for a cluster, instead of KUBECONFIG, the pod's service account or ~/.kube/config.
    #[arg(long, value_name = "FILE", help_heading = "Other people's targets")]
    pub kubeconfig: Option<PathBuf>,
    /// How a cluster is written to: apply (server-side, refused where somebody else manages the field), take-over, patch.
    #[arg(long, value_name = "HOW", default_value = "apply", help_heading = "Other people's targets")]
    pub write: String,
    /// Weight in force, for a webhook that cannot be asked.
    #[arg(long, value_name = "PERCENT", value_parser = percent, help_heading = "Other people's targets")]
    pub in_force: Option<f64>,
}

fn percent(text: &str) -> Result<f64, String> {
    let percent = text.parse::<f64>().ok().filter(|percent| gate::rule::hundredths(*percent).is_some());
    percent.ok_or_else(|| "expected a percentage from 0 to 100 in steps of 0.01".to_owned())
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Sign {
    /// The verdict. It is signed in place, `-` from standard input to standard output.
    #[arg(required_unless_present = "new_key", conflicts_with = "new_key")]
    pub verdict: Option<PathBuf>,
    /// Private key, PEM.
    #[arg(long, value_name = "KEY", required_unless_present = "new_key", conflicts_with = "new_key")]
    pub key_file: Option<PathBuf>,
    /// Where the signed verdict goes, instead of in place.
    #[arg(long, value_name = "FILE", conflicts_with = "new_key")]
    pub out: Option<PathBuf>,
    /// Make a new key pair: the private key in this file, which only its owner may read, and the public one beside it
    /// (name.pem and name.pub.pem). No file is overwritten.
    #[arg(long, value_name = "KEY")]
    pub new_key: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Audit {
    #[command(subcommand)]
    pub command: AuditCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Say whether a log is as it was written: no line changed, removed, put in, or cut off.
    #[command(after_help = "Exit codes: 0 it is, 2 it is not, or is no log.\n\nExamples:\n  weighbridge audit verify \
                            weighbridge-audit.ndjson\n  weighbridge audit verify weighbridge-audit.ndjson --expect-lines 17 \
                            --expect-head 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12d46e8ac3e9c1c3e4b0f7a5de")]
    Verify(AuditVerify),
    /// Show the decisions of a log, the oldest first.
    #[command(after_help = "Example:\n  weighbridge audit show weighbridge-audit.ndjson")]
    Show(AuditShow),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct AuditVerify {
    /// The log.
    pub file: PathBuf,
    /// Hash of a line that must be in it, as an earlier run printed it: nothing up to there was changed or cut off.
    #[arg(long, value_name = "HASH")]
    pub expect_head: Option<String>,
    /// Decisions that must be in it, at least; with --expect-head the number of that one.
    #[arg(long, value_name = "N")]
    pub expect_lines: Option<u64>,
    /// Print the outcome as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct AuditShow {
    /// The log.
    pub file: PathBuf,
    /// Print each decision as a JSON object on a line of its own.
    #[arg(long)]
    pub json: bool,
}
