//! Arguments of `weighbridge keys`.

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, ClapArgs)]
pub(crate) struct Keys {
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// Where the consumers are.
#[derive(Debug, ClapArgs)]
pub(crate) struct Home {
    /// Admin plane of the gateway.
    #[arg(long, default_value = "http://127.0.0.1:8081", value_name = "URL")]
    pub target: String,
    /// Variable that holds the admin token.
    #[arg(long, default_value = "WEIGHBRIDGE_ADMIN_TOKEN", value_name = "VARIABLE")]
    pub token_env: String,
    /// Work on this key file itself, without a gateway; one that watches it takes the change within a second.
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    pub file: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What is allowed. What is not named is not limited.
#[derive(Debug, ClapArgs)]
pub(crate) struct ScopeArgs {
    /// Model that may be asked for, or its beginning and `*`. Repeatable.
    #[arg(long, value_name = "PATTERN")]
    pub model: Vec<String>,
    /// Migration whose traffic it may be; `none` is what belongs to none. Repeatable.
    #[arg(long, value_name = "PATTERN")]
    pub migration: Vec<String>,
    /// Endpoint, by name (chat) or path (/v1/chat/completions). Repeatable.
    #[arg(long, value_name = "PATTERN")]
    pub endpoint: Vec<String>,
    /// Address or range that calls may come from, such as 10.0.0.0/8. Repeatable.
    #[arg(long, value_name = "NETWORK")]
    pub source: Vec<String>,
}

/// Which keys are meant.
#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = true)]
pub(crate) struct Which {
    /// Ids of keys, as `keys list` shows them.
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// All keys of this consumer.
    #[arg(long, value_name = "NAME")]
    pub consumer: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListAs {
    /// 64 hexadecimal digits are a hash, everything else is a key.
    #[default]
    Guess,
    /// Everything is a key.
    Keys,
    /// Everything is a SHA-256 hash, as LiteLLM keeps of its keys.
    Hashes,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key for a consumer, and the consumer if there is none. The key is printed this once.
    #[command(
        after_help = "Examples:\n  weighbridge keys create team-a --expires 90d --model 'gpt-4o*'\n  weighbridge \
                            keys create team-a --file consumers.json"
    )]
    Create {
        /// The consumer.
        consumer: String,
        /// End of the key: an instant, a day, or a time from now such as 90d.
        #[arg(long, value_name = "WHEN")]
        expires: Option<String>,
        /// For people.
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        scopes: ScopeArgs,
        #[command(flatten)]
        home: Home,
    },
    /// Say what a consumer may do and which groups it belongs to, instead of what was said before.
    #[command(after_help = "Example:\n  weighbridge keys consumer team-a --group research --endpoint chat")]
    Consumer {
        /// The consumer.
        consumer: String,
        /// Group that it belongs to. Repeatable.
        #[arg(long)]
        group: Vec<String>,
        /// For people.
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        scopes: ScopeArgs,
        #[command(flatten)]
        home: Home,
    },
    /// Take over keys that clients have: lines of `consumer,key-or-hash[,sunset[,note]]`, or JSON. Keys are hashed here.
    #[command(after_help = "Examples:\n  weighbridge keys adopt old-keys.csv --sunset 2026-12-31\n  weighbridge keys \
                            adopt hashes.txt --consumer team-a --as hashes\n  echo team-a,sk-old | weighbridge keys adopt -")]
    Adopt {
        /// The list, `-` for standard input.
        list: PathBuf,
        /// Consumer of all of them: the lines then name none.
        #[arg(long, value_name = "NAME")]
        consumer: Option<String>,
        /// Sunset of those whose line names none: an instant, a day, or a time from now.
        #[arg(long, value_name = "WHEN")]
        sunset: Option<String>,
        /// What the lines hold.
        #[arg(long = "as", value_enum, default_value_t)]
        reading: ListAs,
        #[command(flatten)]
        home: Home,
    },
    /// Show consumers and keys: what they are worth, when they end, when they were used.
    #[command(after_help = "Examples:\n  weighbridge keys list\n  weighbridge keys list --old --days 14")]
    List {
        /// Only this consumer.
        #[arg(long, value_name = "NAME")]
        consumer: Option<String>,
        /// Only adopted keys, with their use by day: those that nobody uses can be switched off.
        #[arg(long)]
        old: bool,
        /// Days of use that are shown with --old.
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=400))]
        days: u16,
        #[command(flatten)]
        home: Home,
    },
    /// Take keys back, at once.
    #[command(after_help = "Examples:\n  weighbridge keys revoke k3q5...\n  weighbridge keys revoke --consumer team-a")]
    Revoke {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        home: Home,
    },
    /// Give revoked keys back.
    #[command(after_help = "Example:\n  weighbridge keys restore k3q5...")]
    Restore {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        home: Home,
    },
    /// Make a new key in the place of another one, which goes on working for a while.
    #[command(after_help = "Example:\n  weighbridge keys rotate k3q5... --overlap 7d")]
    Rotate {
        /// Id of the key that is replaced.
        id: String,
        /// For how long both work; 0s ends the old one now.
        #[arg(long, default_value = "24h")]
        overlap: String,
        /// End of the new key. Without it, it gets as long a time as the old one had.
        #[arg(long, value_name = "WHEN")]
        expires: Option<String>,
        #[command(flatten)]
        home: Home,
    },
    /// Set when keys end, earlier or later: an instant, a day, a time from now, or `never`. With --consumer, its adopted ones.
    #[command(
        after_help = "Examples:\n  weighbridge keys amend --consumer team-a --sunset 30d\n  weighbridge keys amend \
                            k3q5... --expires never"
    )]
    Amend {
        #[command(flatten)]
        which: Which,
        /// New sunset.
        #[arg(long, value_name = "WHEN")]
        sunset: Option<String>,
        /// New end.
        #[arg(long, value_name = "WHEN")]
        expires: Option<String>,
        #[command(flatten)]
        home: Home,
    },
    /// Forget keys that do not work any more, for good.
    #[command(after_help = "Example:\n  weighbridge keys remove k3q5...")]
    Remove {
        /// Ids of keys.
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        #[command(flatten)]
        home: Home,
    },
}
