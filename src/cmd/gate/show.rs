//! What the gate says, on a terminal and for programs.

use super::pass::Passed;
use crate::{lines, render};
use ::gate::signature::{Opened, Signed};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::Path;

/// Columns before the words of the lines.
const LABEL: usize = 8;
/// Columns before what a check found: two blanks, the longest name, a blank, the mark, two blanks.
const CHECK: usize = 20;

/// For people, 80 columns wide: the verdict, every check, the exact change, and what was done.
pub(super) fn text(opened: &Opened, target: &str, log: &Path, passed: &Passed, colour: bool) -> String {
    let verdict = &opened.verdict;
    let whose = match opened.signed {
        Signed::By(_) => "",
        Signed::Unsigned => "; signed by nobody",
        Signed::Wrong(_) => "; so it claims, and its signature does not hold",
    };
    let judged = format!(
        "{}, epoch {} at {} %, evidence until {}{whose}",
        verdict.migration, verdict.epoch, verdict.weight_percent, verdict.created_at
    );
    let in_force = passed.from_percent.map_or_else(String::new, |percent| format!(", {percent}% in force"));
    let mut text = labelled(verdict.verdict.word(), &judged) + &labelled("target", &format!("{target}{in_force}"));
    if let Some(decision) = &passed.decision {
        text.push('\n');
        for check in &decision.checks {
            let mark = mark(check.passed, colour);
            let why = lines::wrapped(&render::name(&check.why), CHECK, CHECK);
            // Writing to a string cannot fail.
            _ = writeln!(text, "  {:<12}  {mark}  {why}", check.name);
        }
    }
    if let Some(change) = &passed.change {
        text.push('\n');
        for line in change.lines() {
            _ = writeln!(text, "{}", format!("  {}", render::name(line)).trim_end());
        }
    }
    text.push('\n');
    text.push_str(&labelled("gate", &passed.text));
    passed.notes.iter().for_each(|note| text.push_str(&labelled("note", note)));
    let head: String = passed.head.hash.chars().take(16).collect();
    text + &labelled("log", &format!("{}, line {}, {head}", log.display(), passed.head.lines))
}

fn labelled(name: &str, words: &str) -> String {
    format!("{name:<LABEL$}{}\n", lines::wrapped(&render::name(words), LABEL, LABEL))
}

fn mark(passed: bool, colour: bool) -> String {
    let (word, code) = if passed { ("ok", 32) } else { ("NO", 31) };
    if colour { format!("\u{1b}[1;{code}m{word}\u{1b}[0m") } else { word.to_owned() }
}

/// For programs.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    schema: &'static str,
    migration: &'a str,
    target: &'a str,
    verdict: &'static str,
    /// `raised`, `would-raise` or `stayed`.
    outcome: &'static str,
    exit_code: u8,
    from_percent: Option<f64>,
    to_percent: Option<f64>,
    why: &'a str,
    checks: &'a [::gate::Check],
    change: Option<&'a str>,
    notes: &'a [String],
    digest: &'a str,
    signed_by: Option<&'a str>,
    log: &'a ::gate::audit::Head,
}

impl<'a> Told<'a> {
    pub(super) fn new(opened: &'a Opened, target: &'a str, passed: &'a Passed) -> Self {
        Self {
            schema: "weighbridge.gate/1",
            migration: &opened.verdict.migration,
            target,
            verdict: opened.verdict.verdict.word(),
            outcome: match (passed.raised, passed.to_percent) {
                (true, _) => "raised",
                (false, Some(_)) if passed.exit == crate::outcome::Exit::Done => "would-raise",
                (false, _) => "stayed",
            },
            exit_code: passed.exit as u8,
            from_percent: passed.from_percent,
            to_percent: passed.to_percent,
            why: &passed.text,
            checks: passed.decision.as_ref().map_or(&[], |decision| &decision.checks),
            change: passed.change.as_deref(),
            notes: &passed.notes,
            digest: &opened.digest,
            signed_by: match &opened.signed {
                Signed::By(key) => Some(key),
                Signed::Unsigned | Signed::Wrong(_) => None,
            },
            log: &passed.head,
        }
    }
}
