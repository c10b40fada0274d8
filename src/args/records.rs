//! Arguments of `weighbridge records`.

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use std::path::PathBuf;

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
