//! Arguments: types only.

mod autopilot;
mod bill;
mod gate;
mod import;
mod keys;
mod preflight;
mod prices;
mod records;
mod replay;
mod usage;

pub(crate) use autopilot::Autopilot;
pub(crate) use bill::Bill;
pub(crate) use gate::{Audit, AuditCommand, AuditShow, AuditVerify, Gate, Sign};
pub(crate) use import::{From, Import};
pub(crate) use keys::{Home, Keys, KeysCommand, ListAs, ScopeArgs, Which};
pub(crate) use preflight::{Candidate, FailOn, Preflight};
pub(crate) use prices::{Amounts, Machine, Prices, PricesCheck, PricesCommand, PricesList, PricesSet};
pub(crate) use records::{
    ContentMode, Records, RecordsBundled, RecordsCheck, RecordsCommand, RecordsCompact, RecordsConvert, RecordsRedact,
    RecordsSchema, RecordsSummary, Synth,
};
pub(crate) use replay::{Replay, Selection};
pub(crate) use usage::Usage;

use crate::prices::PriceTable;
use clap::builder::RangedU64ValueParser;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

const EXIT_CODES: &str = "Exit codes: 0 done or GO, 1 NO-GO, 2 usage or configuration, 3 HOLD, \
                          4 the world failed (upstream, disk, network), 5 a bug.";

const PREFLIGHT: &str = "Exit codes: 0 nothing as bad as --fail-on says, 1 something is, 2 usage or input, such
as broken rows, 3 no request could be judged, 5 a bug.

Examples:
  weighbridge preflight datasets/data/demo.ndjson.zst
  weighbridge preflight access.log.gz --model 'gpt-4o*=deepseek-flash' --out preflight
  weighbridge preflight requests.ndjson --config gateway.toml --fail-on loses --json";

const GATE: &str = "Exit codes: 0 raised, would raise, or nothing to raise, 1 NO-GO, 2 usage or configuration, 3 left
alone, 4 the world failed, also where nobody knows whether the weight was raised.

Examples:
  weighbridge gate verdict.json --key-file sign-key.pub.pem
  weighbridge gate verdict.json --target http://127.0.0.1:8081 --policy gate.toml --apply
  weighbridge gate verdict.json --target httproute:route.yaml --baseline openai --candidate deepseek --policy gate.toml";

/// Move LLM traffic from one provider to another, and know that it is safe.
#[derive(Debug, Parser)]
#[command(name = "weighbridge", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole loop on loopback: mocks, gateway, replay, verdict, report, gate.
    #[command(after_help = "Example:\n  weighbridge demo --out demo --scenario regressed")]
    Demo(Demo),
    /// Run the gateway: split live traffic, or mirror it.
    #[command(after_help = "Example:\n  weighbridge mock all &\n  export OPENAI_API_KEY=any DEEPSEEK_API_KEY=any \
                            WEIGHBRIDGE_ADMIN_TOKEN=secret\n  weighbridge serve --config gateway/examples/shadow.toml")]
    Serve(Serve),
    /// Run mock providers that answer as the real ones do.
    #[command(after_help = "Example:\n  weighbridge mock all --seed 7\n  curl http://127.0.0.1:9101/v1/models -H \
                            'authorization: Bearer any'")]
    Mock(Mock),
    /// Play a request log at a gateway or a provider.
    #[command(after_help = "Examples:\n  weighbridge replay weighbridge-demo/requests-shadow.ndjson --target \
                            http://127.0.0.1:8080 --rate 250/s --summary replay.json\n  weighbridge replay access.log.gz \
                            --target http://127.0.0.1:9102 --arm candidate --model '*=deepseek-flash' --dry-run\n  \
                            weighbridge replay log.ndjson --target http://127.0.0.1:8080 --shard 1/4 --summary 1.json\n  \
                            weighbridge replay --merge 1.json 2.json 3.json 4.json --summary replay.json")]
    Replay(Box<Replay>),
    /// Judge exchange records: GO, HOLD or NO-GO, and the next weight.
    #[command(
        after_help = "Example:\n  weighbridge evaluate records.ndjson --replay-summary replay.json --report report"
    )]
    Evaluate(Evaluate),
    /// Render a verdict as HTML, PNG, Markdown and CSV.
    #[command(after_help = "Example:\n  weighbridge report verdict.json --out report")]
    Report(Report),
    /// Raise a weight by one rung, wherever it lives, if a fresh, matching, signed GO says so; log every decision.
    #[command(after_help = GATE)]
    Gate(Box<Gate>),
    /// Sign a verdict, or make the key that signs.
    #[command(
        after_help = "Examples:\n  weighbridge sign --new-key sign-key.pem\n  weighbridge sign verdict.json --key-file \
                      sign-key.pem\n  openssl genpkey -algorithm ed25519 -out sign-key.pem\n  openssl pkey -in sign-key.pem -pubout \
                      -out sign-key.pub.pem"
    )]
    Sign(Sign),
    /// The log of decisions: check it, show it.
    #[command(
        after_help = "Example:\n  weighbridge audit verify weighbridge-audit.ndjson",
        arg_required_else_help = true
    )]
    Audit(Audit),
    /// Move a migration by itself: evaluate, publish, decide and move, again and again, only on proof.
    #[command(
        after_help = "Exit codes with --once: 0 moved, or nothing to move; 1 NO-GO; 2 configuration; 3 left alone; 4 the \
                      world failed.\n\nExamples:\n  weighbridge autopilot --config autopilot.toml --dry-run\n  weighbridge \
                      autopilot --config autopilot.toml\n  weighbridge autopilot --config autopilot.toml --once"
    )]
    Autopilot(Autopilot),
    /// Make a request log of the log of another tool.
    #[command(after_help = "Examples:\n  weighbridge import --formats\n  weighbridge import access.log.gz --out \
                            requests.ndjson.zst\n  weighbridge import batch.jsonl batch_output.jsonl --out requests.ndjson")]
    Import(Import),
    /// Work with record files.
    #[command(
        after_help = "Example:\n  weighbridge records synth --n 20000 --out records.ndjson.zst --truth truth.json",
        arg_required_else_help = true
    )]
    Records(Records),
    /// Which requests of a log would change, lose something or fail at another provider, before any is sent there.
    #[command(after_help = PREFLIGHT)]
    Preflight(Box<Preflight>),
    /// What was paid, what the other arm would have cost, and what moving saves a month.
    #[command(
        after_help = "Examples:\n  weighbridge bill records.ndjson\n  weighbridge bill records.ndjson --by day,consumer \
                      --csv paid.csv\n  weighbridge bill records.ndjson --at 2026-12-01T00:00:00Z --prices prices.toml \
                      --month-requests 3000000"
    )]
    Bill(Bill),
    /// How many requests, hours and how much money a decision will take, before they are spent.
    #[command(after_help = "Examples:\n  weighbridge plan requests.ndjson.zst\n  weighbridge plan --rate 10000/h\n  \
                            weighbridge plan records.ndjson --policy policy.toml --shadow-percent 10")]
    Plan(Plan),
    /// Run thousands of whole migrations in virtual time, and compare policies and naive rules.
    #[command(after_help = "Examples:\n  weighbridge simulate --runs 200\n  weighbridge simulate --print-scenario > \
                            world.toml\n  weighbridge simulate --scenario world.toml --policy strict.toml --policy \
                            fast.toml --out simulation")]
    Simulate(Simulate),
    /// Consumers and their keys: create, adopt, list, revoke, restore, rotate.
    #[command(
        after_help = "Examples:\n  weighbridge keys create team-a --expires 90d\n  weighbridge keys adopt old-keys.csv \
                      --sunset 2026-12-31\n  weighbridge keys list --old",
        arg_required_else_help = true
    )]
    Keys(Keys),
    /// What was used and what it cost, by day, consumer, model and arm: from the gateway, or from record files.
    #[command(
        after_help = "Examples:\n  weighbridge usage --since 7d --by day,consumer\n  weighbridge usage --consumer \
                            team-a --json\n  weighbridge usage records.ndjson --by model,arm"
    )]
    Usage(Usage),
    /// What tokens cost: the prices in force, and tables of your own.
    #[command(
        after_help = "Examples:\n  weighbridge prices list --model deepseek-flash\n  weighbridge prices set gpt-4o \
                      --provider openai --input 2.10 --output 8.40 --file prices.toml\n  weighbridge evaluate \
                      records.ndjson --prices prices.toml",
        arg_required_else_help = true
    )]
    Prices(Prices),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Plan {
    /// First exchange records, or request logs (of weighbridge or of another tool), but not both. Without a pair, the
    /// default scenario's variances stand in, with a log's own errors and latencies.
    #[arg(value_name = "RECORDS|LOG")]
    pub records: Vec<PathBuf>,
    /// Policy, TOML; without it the default one.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Requests of the whole traffic: 10000/h, 200/min or 3/s. Without it that of the records or of the log.
    #[arg(long)]
    pub rate: Option<String>,
    /// Share of the requests that is mirrored in the shadow, percent.
    #[arg(long, default_value_t = 25.0, value_parser = percent_above_zero)]
    pub shadow_percent: f64,
    /// Instant whose prices a log is priced at, such as 2026-11-23T00:00:00Z. Without it now.
    #[arg(long, value_name = "INSTANT")]
    pub now: Option<jiff::Timestamp>,
    #[command(flatten)]
    pub prices: PriceTable,
    /// Print the plan as JSON (weighbridge.plan/1).
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Simulate {
    /// Policy, TOML; again for each one to compare. Without it the default one.
    #[arg(long, value_name = "FILE")]
    pub policy: Vec<PathBuf>,
    /// World, TOML, laid over the default one: traffic, both providers, and what goes wrong when.
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Migrations of each policy and rule.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub runs: u64,
    /// Seed; the same one gives the same result, whatever the number of threads.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Threads; without it one for each core.
    #[arg(long, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub threads: Option<usize>,
    /// Leave out the naive rules.
    #[arg(long)]
    pub no_naive: bool,
    /// Folder for the table, the pictures and the JSON.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print the result as JSON (weighbridge.simulation/1).
    #[arg(long)]
    pub json: bool,
    /// Print the default scenario, with all keys and what they mean, and do nothing else.
    #[arg(long)]
    pub print_scenario: bool,
}

fn percent_above_zero(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(percent),
        _ => Err("expected a percentage above 0, at most 100".to_owned()),
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Demo {
    /// Folder for everything that the demo writes.
    #[arg(long, default_value = "weighbridge-demo")]
    pub out: PathBuf,
    /// Seed of mocks and schedules.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// `good`, `regressed`, or a file of paired answers.
    #[arg(long, default_value = "good", value_name = "good|regressed|FILE")]
    pub scenario: String,
    /// Requests of each phase, instead of the scenario's own number.
    #[arg(long, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub requests: Option<usize>,
    /// Requests sent a second, instead of the scenario's own rate.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rate: Option<u32>,
    #[command(flatten)]
    pub prices: PriceTable,
    /// Open the last report in a browser.
    #[arg(long)]
    pub open: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Serve {
    /// Configuration, TOML. Read again at SIGHUP: a changed one is put in force whole, or not at all.
    #[arg(long)]
    pub config: PathBuf,
    /// Read the configuration again whenever the file changes, too.
    #[arg(long)]
    pub watch: bool,
    /// Fly a migration from within this process, too: what `weighbridge autopilot --config FILE` does.
    #[arg(long, value_name = "FILE")]
    pub autopilot: Option<PathBuf>,
    /// How standard error reads. `WEIGHBRIDGE_LOG` says what is shown: `info` by default, and with
    /// `info,weighbridge::exchange=debug` one line for each call of a provider.
    #[arg(long, default_value = "text", env = "WEIGHBRIDGE_LOG_FORMAT")]
    pub log_format: LogFormat,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MockKind {
    /// OpenAI, port 9101.
    Openai,
    /// DeepSeek, port 9102.
    Deepseek,
    /// OpenAI's moderation alone, port 9103.
    Moderation,
    /// Alibaba Cloud's content safety, port 9104; requests are signed with the access key `mock-id` and `mock-secret`.
    Aliyun,
    /// A server that speaks OpenAI's language, as vLLM and Ollama do, port 9105.
    Compatible,
    /// Azure's content safety, port 9106.
    Azure,
    /// A guard model behind chat completions, port 9107: Qwen3Guard if the model's name has `qwen` in it, else Llama Guard.
    Guard,
    /// All of them.
    All,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Mock {
    /// Which providers.
    pub kind: MockKind,
    /// Address of a single mock, instead of its usual port.
    #[arg(long, conflicts_with = "port_base")]
    pub listen: Option<SocketAddr>,
    /// First port: OpenAI gets it; DeepSeek, the moderation, Alibaba Cloud, the compatible server, Azure and the guard
    /// model get the next six.
    #[arg(long)]
    pub port_base: Option<u16>,
    /// Recorded answers by prompt, NDJSON.
    #[arg(long)]
    pub script: Option<PathBuf>,
    /// Latencies and faults, TOML; or exchange records or a request log, which they are fitted from.
    #[arg(long)]
    pub profile: Option<PathBuf>,
    /// Print the profile that was fitted, and serve nothing.
    #[arg(long, requires = "profile")]
    pub print_profile: bool,
    /// Seed of answers, latencies and faults.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The date the mocks start with, such as 2026-11-23T00:55:00Z, for prices, busy hours and last days. Without it today.
    #[arg(long, value_name = "INSTANT")]
    pub clock: Option<String>,
    /// How fast their date runs: 60 makes an hour of a minute, 0 stops it. Waits do not follow it.
    #[arg(long, value_name = "FACTOR")]
    pub clock_speed: Option<f64>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Evaluate {
    /// Exchange records: files or folders, `-` for standard input.
    #[arg(required = true)]
    pub records: Vec<PathBuf>,
    /// Margins, levels and limits, TOML; what it does not say keeps its default.
    #[arg(long)]
    pub policy: Option<PathBuf>,
    /// Where the verdict goes, `-` for standard output.
    #[arg(long, default_value = "verdict.json")]
    pub out: PathBuf,
    /// Also render the report into this folder.
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Judge at this weight instead of the newest epoch's.
    #[arg(long, value_name = "PERCENT")]
    pub at: Option<f64>,
    /// Labels of answers, for quality guardrails. Repeatable.
    #[arg(long, value_name = "FILE")]
    pub labels: Vec<PathBuf>,
    /// Summary of the replay that drove the traffic: a degraded replay never yields GO. Repeatable.
    #[arg(long, value_name = "FILE")]
    pub replay_summary: Vec<PathBuf>,
    #[command(flatten)]
    pub prices: PriceTable,
    /// Judge only this migration.
    #[arg(long)]
    pub migration: Option<String>,
    /// Count broken lines instead of stopping at the first one.
    #[arg(long)]
    pub skip_broken: bool,
    /// Add both answers to the examples in the verdict and the report, where the records keep them in full. Without it no
    /// text of an answer is in any output.
    #[arg(long)]
    pub with_answers: bool,
    /// Print the verdict as JSON.
    #[arg(long)]
    pub json: bool,
    /// Write a Markdown summary, `-` for standard output, for example for a CI step.
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
    /// Write JUnit XML for a CI system: one case a guardrail and one for the verdict, which is an error if it is HOLD.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Language of the report and of the summary.
    #[arg(long, value_enum, default_value_t = Lang::En)]
    pub lang: Lang,
    /// Sign the verdict with this private key, PEM; `weighbridge sign --new-key` makes one.
    #[arg(long, value_name = "KEY")]
    pub sign_key: Option<PathBuf>,
    /// Also give the verdict to the gateway with this admin plane, for its console.
    #[arg(long, value_name = "URL")]
    pub publish: Option<String>,
    /// Variable that holds the admin token, for --publish.
    #[arg(long, default_value = "WEIGHBRIDGE_ADMIN_TOKEN", value_name = "VARIABLE")]
    pub token_env: String,
}

/// A language of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// English.
    En,
    /// Chinese, simplified.
    Zh,
}

impl std::convert::From<Lang> for reports::Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::En => Self::En,
            Lang::Zh => Self::Zh,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Report {
    /// The verdict.
    pub verdict: PathBuf,
    /// Folder for the report.
    #[arg(long)]
    pub out: PathBuf,
    /// Language of the report.
    #[arg(long, value_enum, default_value_t = Lang::En)]
    pub lang: Lang,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent_and_each_subcommand_shows_an_example() {
        Args::command().debug_assert();
        let mut commands: Vec<clap::Command> = Args::command().get_subcommands().cloned().collect();
        while let Some(mut command) = commands.pop() {
            commands.extend(command.get_subcommands().cloned());
            let help = command.render_long_help().to_string();
            assert!(help.contains("Example"), "{}", command.get_name());
        }
    }
}
