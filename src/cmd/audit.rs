//! `weighbridge audit`: the log of decisions.

use crate::args::{self, AuditCommand};
use crate::outcome::{Exit, Failure};
use crate::{lines, render};
use ::gate::audit::{Expected, Line, Log, Outcome, Verified, What};
use std::fmt::Write as _;
use std::path::Path;

pub(super) fn run(args: &args::Audit) -> Result<Exit, Failure> {
    match &args.command {
        AuditCommand::Verify(args) => check(args),
        AuditCommand::Show(args) => show(args),
    }
}

fn check(args: &args::AuditVerify) -> Result<Exit, Failure> {
    if let Some(hash) = args.expect_head.as_ref().filter(|hash| !is_hash(hash)) {
        let short: String = hash.chars().take(70).collect();
        return Err(Failure::usage(format!(
            "--expect-head is `{short}`: expected 64 hexadecimal digits, a line's SHA-256"
        )));
    }
    let expected = Expected { head: args.expect_head.clone(), lines: args.expect_lines };
    is_there(&args.file)?;
    let outcome = Log::new(&args.file).verify(&expected).map_err(Failure::world)?;
    if args.json {
        render::result(&json(&outcome)?);
    } else {
        render::result(&told(&args.file, &outcome));
    }
    Ok(if matches!(outcome, Outcome::Verified(_)) { Exit::Done } else { Exit::Usage })
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// That there is none is said, not taken for an empty one.
fn is_there(path: &Path) -> Result<(), Failure> {
    path.metadata().map(drop).map_err(|error| {
        Failure::usage(format!("cannot read {}: {error}; `weighbridge gate` writes an audit log", path.display()))
    })
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map_err(|error| Failure { exit: Exit::Bug, message: format!("the outcome does not serialise: {error}") })
}

/// For people, with a label of nine columns.
fn told(path: &Path, outcome: &Outcome) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let mut say = |label: &str, words: &str| _ = writeln!(text, "{label:<10}{}", lines::wrapped(words, 10, 10));
    match outcome {
        Outcome::Verified(Verified { head, torn }) => {
            let decisions = if head.lines == 1 { "decision" } else { "decisions" };
            say("sound", &format!("{}: {} {decisions}, each as it was written", path.display(), head.lines));
            say("head", &head.hash);
            for torn in torn {
                let then = if torn.told { "the next one tells of it" } else { "it is the last one" };
                say(
                    "unfinished",
                    &format!(" line {}, {} bytes: its writer was stopped; {then}", torn.line, torn.bytes),
                );
            }
            say(
                "",
                "Keep the head elsewhere: with --expect-head it proves later that nothing up to it was changed or cut off.",
            );
        }
        Outcome::Broken(broken) => {
            say("BROKEN", &format!("{}, line {}: {}", path.display(), broken.line, broken.what));
            say("expected", &broken.expected);
            say("found", &broken.found);
            say("sound", &format!("{} decisions before it, up to {}", broken.sound.lines, broken.sound.hash));
        }
    }
    text
}

fn show(args: &args::AuditShow) -> Result<Exit, Failure> {
    is_there(&args.file)?;
    let log = Log::new(&args.file);
    let mut text = String::new();
    let as_json = args.json;
    log.each(|line| {
        if as_json {
            text.push_str(&serde_json::to_string(&line.entry).unwrap_or_default());
            text.push('\n');
        } else {
            text.push_str(&shown(&line));
        }
        // Bounded: a long log goes out piece by piece.
        if text.len() > 64 * 1024 {
            render::result(&std::mem::take(&mut text));
        }
    })
    .map_err(|error| Failure::usage(error.to_string()))?;
    if !text.is_empty() {
        render::result(&text);
    }
    Ok(Exit::Done)
}

/// One decision: a line of what, and below it why.
fn shown(Line { n, entry, .. }: &Line) -> String {
    let percent = |percent: Option<f64>| percent.map_or_else(|| "?".to_owned(), |percent| format!("{percent}%"));
    let change = match (entry.from_percent, entry.to_percent) {
        (None, None) => String::new(),
        (from, to) if from == to => format!(" at {}", percent(from)),
        (from, to) => format!(" {} → {}", percent(from), percent(to)),
    };
    let who = entry.replica.as_ref().map_or_else(|| entry.who.clone(), |replica| format!("{} {replica}", entry.who));
    let at: String = entry.at.split('.').next().unwrap_or_default().trim_end_matches('Z').replace('T', " ");
    let head = format!("{at}  {}{change}, {} by {who}", word(entry.what), entry.migration);
    let mut text = format!("{n:>4}  {}\n", lines::wrapped(&render::name(&head), 6, 6));
    text.push_str(&lines::paragraph(&render::name(&entry.why), 6));
    if let Some(evidence) = &entry.evidence {
        let digest: String = evidence.digest.chars().take(16).collect();
        let signed = evidence
            .signed_by
            .as_ref()
            .map_or("unsigned".to_owned(), |key| format!("signed by {}", key.chars().take(16).collect::<String>()));
        let judged = format!(
            "on {} {digest}, epoch {} at {}%, evidence until {}, {signed}",
            evidence.verdict.word(),
            evidence.epoch,
            evidence.weight_percent,
            evidence.created_at
        );
        text.push_str(&lines::paragraph(&render::name(&judged), 6));
    }
    text
}

const fn word(what: What) -> &'static str {
    match what {
        What::Raise => "raise",
        What::Lower => "lower",
        What::Rollback => "roll back",
        What::Set => "set",
        What::Stay => "left alone",
        What::DryRun => "asked only",
        What::ShadowPause => "pause copies",
        What::ShadowResume => "resume copies",
        What::Alarm => "ALARM",
        What::Failure => "FAILED",
        What::Lead => "lead",
    }
}
