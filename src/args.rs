//! Arguments: types only.

use clap::builder::RangedU64ValueParser;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

const EXIT_CODES: &str = "Exit codes: 0 done or GO, 1 NO-GO, 2 usage or configuration, 3 HOLD, \
                          4 the world failed (upstream, disk, network), 5 a bug.";

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
    /// Raise the gateway's weight, if a fresh and matching GO says so.
    #[command(
        after_help = "Example:\n  weighbridge gate verdict.json --target http://127.0.0.1:8081 --max-age 7d --apply"
    )]
    Gate(Gate),
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
    /// How many requests, hours and how much money a decision will take, before they are spent.
    #[command(after_help = "Examples:\n  weighbridge plan --rate 10000/h\n  weighbridge plan records.ndjson --policy \
                            policy.toml --shadow-percent 10")]
    Plan(Plan),
    /// Run thousands of whole migrations in virtual time, and compare policies and naive rules.
    #[command(after_help = "Examples:\n  weighbridge simulate --runs 200\n  weighbridge simulate --print-scenario > \
                            world.toml\n  weighbridge simulate --scenario world.toml --policy strict.toml --policy \
                            fast.toml --out simulation")]
    Simulate(Simulate),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Plan {
    /// First exchange records, if there are some. Without a pair, the default scenario's variances stand in.
    pub records: Vec<PathBuf>,
    /// Policy, TOML; without it the default one.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Requests of the whole traffic: 10000/h, 200/min or 3/s. Without it that of the records.
    #[arg(long)]
    pub rate: Option<String>,
    /// Share of the requests that is mirrored in the shadow, percent.
    #[arg(long, default_value_t = 25.0, value_parser = percent_above_zero)]
    pub shadow_percent: f64,
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
    /// First port: OpenAI gets it; DeepSeek, the moderation, Alibaba Cloud and the compatible server the next four.
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Baseline {
    /// The log's own recorded answers stand for the baseline.
    Recorded,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Replay {
    /// Request logs, or logs of other tools (`weighbridge import --formats`); with --merge the summaries of all
    /// machines.
    #[arg(required = true, value_name = "LOG")]
    pub logs: Vec<PathBuf>,
    #[command(flatten)]
    pub from: From,
    /// Address of the gateway or provider.
    #[arg(long, required_unless_present = "merge", value_name = "URL")]
    pub target: Option<String>,
    /// Who decides which arm answers.
    #[arg(long, default_value = "as-routed", value_name = "as-routed|baseline|candidate")]
    pub arm: String,
    /// Call only the candidate; the baseline's answers come from the log.
    #[arg(long)]
    pub baseline: Option<Baseline>,
    /// `recorded`, `xFACTOR`, `N/s`, `poisson:N/s`, `gamma:N/s:SHAPE`, `gamma:N/s:cv=CV`, `ramp:N/s..M/s[:60s]` or
    /// `max:CONNECTIONS`.
    #[arg(long, default_value = "recorded", verbatim_doc_comment)]
    pub rate: String,
    #[command(flatten)]
    pub selection: Selection,
    /// What the turns of a conversation wait for: nothing, the previous answer, or that and the recorded pause.
    #[arg(long, default_value = "independent", value_name = "independent|ordered|think")]
    pub sessions: String,
    /// Send nothing later than this after the start, for example 60s.
    #[arg(long)]
    pub duration: Option<String>,
    /// Report what is planned within this time from the start apart, for example 10s.
    #[arg(long)]
    pub warm_up: Option<String>,
    /// Wait this long for answers after the last request.
    #[arg(long, default_value = "30s")]
    pub drain: String,
    /// Most requests in flight; one more is dropped and counted.
    #[arg(long, default_value_t = 4096, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub in_flight: usize,
    /// Write exchange records.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Go on where the records in --out end.
    #[arg(long)]
    pub resume: bool,
    /// Skip and count broken rows, instead of ending the run at the first one.
    #[arg(long)]
    pub skip_broken: bool,
    /// Say what would be sent and what it would cost, and send nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Model of the log = model at the candidate, for --arm candidate. Repeatable.
    #[arg(long = "model", value_name = "FROM=TO")]
    pub models: Vec<String>,
    /// Variable that holds the API key to send.
    #[arg(long, value_name = "VARIABLE")]
    pub api_key_env: Option<String>,
    /// Allow a target outside this machine and private networks: it may cost money. Needs --budget-usd.
    #[arg(long)]
    pub allow_remote: bool,
    /// A host of your own that may be called without both. Repeatable.
    #[arg(long = "allow-host", value_name = "HOST")]
    pub allow_hosts: Vec<String>,
    /// Most that the run may cost, in dollars; nothing is sent that might cost more.
    #[arg(long, value_name = "USD")]
    pub budget_usd: Option<String>,
    /// Seed of random schedules and samples; machines of one run need the same.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Merge the summaries of the machines of one run (--shard), and send nothing.
    #[arg(long, conflicts_with_all = ["target", "dry_run", "out", "resume"])]
    pub merge: bool,
    /// Print the summary as JSON (weighbridge.replay/1).
    #[arg(long)]
    pub json: bool,
    /// Write the summary as JSON, for `evaluate --replay-summary`; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
}

/// Which rows of a log are played.
#[derive(Debug, ClapArgs)]
pub(crate) struct Selection {
    /// Leave out rows before this: a time after the first row (10m) or an instant (2026-11-20T08:00:00Z).
    #[arg(long, value_name = "TIME")]
    pub from: Option<replay::select::Edge>,
    /// Leave out rows from this on.
    #[arg(long, value_name = "TIME")]
    pub to: Option<replay::select::Edge>,
    /// Only requests for this model in the log; `gpt-4o*` for all that begin so. Repeatable.
    #[arg(long = "only-model", value_name = "MODEL")]
    pub only_models: Vec<replay::select::Name>,
    /// Only requests of this consumer; `team-*` for all that begin so. Repeatable.
    #[arg(long = "only-consumer", value_name = "NAME")]
    pub only_consumers: Vec<replay::select::Name>,
    /// Only requests to this endpoint. Repeatable.
    #[arg(long = "only-endpoint", value_name = "chat|completions|embeddings|responses|moderations")]
    pub only_endpoints: Vec<String>,
    /// Only prompts of at least so many characters.
    #[arg(long, value_name = "N")]
    pub prompt_chars_min: Option<u64>,
    /// Only prompts of at most so many characters.
    #[arg(long, value_name = "N")]
    pub prompt_chars_max: Option<u64>,
    /// Only this share of the conversations, whole ones, such as 10%.
    #[arg(long, value_name = "PERCENT%")]
    pub sample: Option<replay::select::Share>,
    /// Only this machine's part of the conversations, such as 1/4; the parts together are the whole run.
    #[arg(long, value_name = "I/N")]
    pub shard: Option<replay::Shard>,
    /// End after N requests, of all machines and laps together.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Play the log N times; 0 plays it until --duration or --limit ends it.
    #[arg(long = "loop", default_value_t = 1, value_name = "N")]
    pub laps: u64,
    /// Longest pause between two rows of the log, for example 30s.
    #[arg(long, value_name = "TIME")]
    pub idle_cap: Option<String>,
    /// Rows that are read ahead to put the log in order.
    #[arg(long, default_value_t = 10_000, value_name = "ROWS",
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub reorder: usize,
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
    /// Judge only this migration.
    #[arg(long)]
    pub migration: Option<String>,
    /// Count broken lines instead of stopping at the first one.
    #[arg(long)]
    pub skip_broken: bool,
    /// Print the verdict as JSON.
    #[arg(long)]
    pub json: bool,
    /// Write a Markdown summary, `-` for standard output, for example for a CI step.
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Report {
    /// The verdict.
    pub verdict: PathBuf,
    /// Folder for the report.
    #[arg(long)]
    pub out: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Gate {
    /// The verdict.
    pub verdict: PathBuf,
    /// Admin plane of the gateway.
    #[arg(long, default_value = "http://127.0.0.1:8081")]
    pub target: String,
    /// Raise the weight. Without it, only say what would happen.
    #[arg(long)]
    pub apply: bool,
    /// Oldest evidence that may raise a weight, such as 30m, 24h or 7d.
    #[arg(long, default_value = "24h")]
    pub max_age: String,
    /// Variable that holds the admin token.
    #[arg(long, default_value = "WEIGHBRIDGE_ADMIN_TOKEN", value_name = "VARIABLE")]
    pub token_env: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Import {
    /// Files of one log, plain or packed with gzip or zstd; `-` is standard input.
    #[arg(required_unless_present = "formats", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub from: From,
    /// Where the request log goes; a name that ends in `.zst` is packed, `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Stop at the first row that cannot be used, instead of skipping and counting it.
    #[arg(long)]
    pub strict: bool,
    /// Seed of prompts that are made up, and of times within a coarse clock.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print the account as JSON (weighbridge.import/1).
    #[arg(long)]
    pub json: bool,
    /// Print the formats and what each can tell, and do nothing else.
    #[arg(long, exclusive = true)]
    pub formats: bool,
}

/// How a log of any format is read.
#[derive(Debug, ClapArgs)]
pub(crate) struct From {
    /// Format of the log, instead of looking at it; see `weighbridge import --formats`.
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Names of an access log's columns, TOML.
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// Keep personal data; keys and passwords are always taken out.
    #[arg(long)]
    pub keep_personal: bool,
    /// Variable that holds the salt of the digests which stand for keys, users and what was taken out.
    #[arg(long, value_name = "VARIABLE")]
    pub salt_env: Option<String>,
    /// Share of Chinese among the prompts that are made up for traces without text, percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub chinese_percent: u8,
    /// Model to ask for where the log names none.
    #[arg(long, value_name = "MODEL")]
    pub default_model: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Records {
    #[command(subcommand)]
    pub command: RecordsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RecordsCommand {
    /// Make exchange records of a known truth, to see what the judge makes of them.
    #[command(
        after_help = "Example:\n  weighbridge records synth --print-profile > profile.toml\n  weighbridge records \
                            synth --profile profile.toml --n 20000 --seed 7 --out records.ndjson.zst --truth truth.json\n  \
                            weighbridge evaluate records.ndjson.zst"
    )]
    Synth(Synth),
    /// The logs that come with the program, and what the mocks answer to them.
    #[command(
        after_help = "Examples:\n  weighbridge records bundled\n  weighbridge records bundled violent --out logs\n  \
                            weighbridge mock openai --script logs/violent.script.ndjson"
    )]
    Bundled(RecordsBundled),
    /// Whether files are what the format says: every line, every value, no record twice.
    #[command(
        after_help = "Exit code 0 if nothing is wrong, 2 if something is.\n\nExample:\n  weighbridge records check \
                            records/ requests.ndjson --json"
    )]
    Check(RecordsCheck),
    /// Pack, unpack, sort, or turn into a table and back.
    #[command(
        after_help = "Examples:\n  weighbridge records convert records.ndjson --out records.parquet\n  weighbridge \
                            records convert requests.ndjson --sort --out sorted.ndjson.zst\n  weighbridge records \
                            convert old.ndjson --upgrade --out new.ndjson"
    )]
    Convert(RecordsConvert),
    /// Gather exchange records as Parquet, in folders by migration and day. What is there already is not written again.
    #[command(
        after_help = "Example:\n  weighbridge records compact records/ --out table\n  weighbridge evaluate table"
    )]
    Compact(RecordsCompact),
    /// Take content out: answers of exchange records, secrets of request logs.
    #[command(
        after_help = "Examples:\n  weighbridge records redact records.ndjson --mode hashed --salt-env SALT --out \
                            hashed.ndjson\n  weighbridge records redact requests.ndjson --out clean.ndjson"
    )]
    Redact(RecordsRedact),
    /// What is in files: span, arms, models, tokens, money, errors, latencies.
    #[command(after_help = "Example:\n  weighbridge records summary records/ --json")]
    Summary(RecordsSummary),
    /// Print the JSON Schema of a kind of line.
    #[command(after_help = "Example:\n  weighbridge records schema exchange > exchange.schema.json")]
    Schema(RecordsSchema),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RecordsBundled {
    /// The log to write; without it all are listed.
    pub name: Option<String>,
    /// Folder for the log and the script.
    #[arg(long, value_name = "DIR", default_value = ".", requires = "name")]
    pub out: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RecordsCheck {
    /// Files of any kind, packed or not, tables; folders stand for the exchange records in them, `-` for standard input.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Print the findings as JSON (weighbridge.check/1).
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RecordsConvert {
    /// Files of one kind, or folders of exchange records; `-` alone is standard input.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Where the records go: `.parquet` is a table, `.zst` is packed, `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Sort by the time of arrival.
    #[arg(long)]
    pub sort: bool,
    /// Say that the file is of the newest version.
    #[arg(long)]
    pub upgrade: bool,
    /// Leave out members that this version does not know, which a table has no column for.
    #[arg(long)]
    pub drop_unknown: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RecordsCompact {
    /// Exchange records: files or folders, a file that is still written to as well.
    #[arg(required = true)]
    pub records: Vec<PathBuf>,
    /// Folder of the partitions: migration=NAME/day=YYYY-MM-DD/part-*.parquet.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Leave out broken lines and count them, instead of stopping at the first one.
    #[arg(long)]
    pub skip_broken: bool,
    /// Leave out members that this version does not know, which a table has no column for.
    #[arg(long)]
    pub drop_unknown: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ContentMode {
    /// Answers stay; of request logs, secrets and personal data go.
    Full,
    /// Answers become salted digests.
    Hashed,
    /// Answers and digests go.
    None,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RecordsRedact {
    /// Exchange records or request logs of one kind, `-` alone is standard input.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Where the records go: `.parquet` is a table, `.zst` is packed, `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// How content is kept; without it hashed, in request logs full.
    #[arg(long)]
    pub mode: Option<ContentMode>,
    /// Variable that holds the salt of digests and marks.
    #[arg(long, value_name = "VARIABLE", conflicts_with = "salt_file")]
    pub salt_env: Option<String>,
    /// File that holds it; blanks at its end do not count.
    #[arg(long, value_name = "FILE")]
    pub salt_file: Option<PathBuf>,
    /// Leave out members that this version does not know: nobody can tell what is in them.
    #[arg(long)]
    pub drop_unknown: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RecordsSummary {
    /// Exchange records or request logs: files, folders of exchange records, `-` for standard input.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Print the summary as JSON (weighbridge.summary/1).
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RecordsSchema {
    /// Of what; without it, the kinds are listed.
    #[arg(value_parser = ["header", "request", "exchange", "label"])]
    pub kind: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Synth {
    /// Effects and traffic, TOML; what it does not say keeps its default.
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// Print the default profile, which says what each key means, and make nothing.
    #[arg(long, exclusive = true)]
    pub print_profile: bool,
    /// Requests. A mirrored one gives two records, a repeated one three.
    #[arg(long, value_name = "N", required_unless_present = "print_profile")]
    pub n: Option<u64>,
    /// Seed: the same profile, number and seed give the same bytes.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the records go; a name that ends in `.zst` is packed, `-` is standard output.
    #[arg(long, value_name = "FILE", required_unless_present = "print_profile")]
    pub out: Option<PathBuf>,
    /// Where the true value of each metric goes, JSON; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
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
