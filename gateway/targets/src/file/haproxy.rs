//! A map file of HAProxy: a key and its weight on each line.
//!
//! ```text
//! # arm     weight
//! openai    9500
//! deepseek  500
//! ```
//!
//! HAProxy has no weights in maps: its configuration draws a number below the sum of both weights and compares it with the
//! candidate's (the documentation of targets shows how). That number is fixed in the configuration, so the sum of both weights
//! never changes here, and a share that the sum cannot say is rounded down. Lines that begin with `#` are comments; what stands
//! behind a key is its value to the end of the line.

use super::change::{Asked, Change, State, rounded_down};
use super::edit::Edit;
use super::fault::Fault;
use super::rule::Arms;
use super::split;
use super::tree::whole;
use std::ops::Range;

/// Largest weight that is read.
const WEIGHT_MAX: u64 = 1_000_000_000;

/// Weights of both arms and where they stand.
struct Map {
    baseline: (u64, Range<usize>),
    candidate: (u64, Range<usize>),
}

pub(super) fn look(text: &str, arms: &Arms) -> Result<State, Fault> {
    let Map { baseline, candidate } = read(text, arms)?;
    let weight = split::share(candidate.0, baseline.0 + candidate.0).ok_or_else(|| {
        Fault::at(candidate.1.start, "both weights are 0; give the baseline its weight by hand, such as 10000")
    })?;
    Ok(State { weight, mirror: None })
}

pub(super) fn change(text: &str, arms: &Arms, asked: Asked) -> Result<Change, Fault> {
    if asked.mirror.is_some() {
        return Err(Fault::whole("a map file mirrors nothing; leave the mirrored share out"));
    }
    let Map { baseline, candidate } = read(text, arms)?;
    let sum = baseline.0 + candidate.0;
    let finer = "10000 in the configuration and as the sum of both weights says every hundredth";
    let (part, note) = rounded_down(asked.weight, sum, "a weight", finer);
    let mut change = Change { edits: vec![], notes: note.into_iter().collect() };
    for ((old, place), new) in [(baseline, sum - part), (candidate, part)] {
        if old != new {
            change.edits.push(Edit::replace(place, new.to_string()));
        }
    }
    Ok(change)
}

fn read(text: &str, arms: &Arms) -> Result<Map, Fault> {
    Ok(Map { baseline: weight(text, &arms.baseline)?, candidate: weight(text, &arms.candidate)? })
}

fn weight(text: &str, key: &str) -> Result<(u64, Range<usize>), Fault> {
    let mut found: Option<(&str, usize)> = None;
    let mut begins = 0;
    for line in text.split_inclusive('\n') {
        let inside = line.trim_start_matches([' ', '\t']);
        let at = begins + line.len() - inside.len();
        begins += line.len();
        let name = inside.split([' ', '\t', '\r', '\n']).next().unwrap_or_default();
        if inside.starts_with('#') || name != key {
            continue;
        }
        if found.is_some() {
            return Err(Fault::at(at, format!("a second line for `{key}`; HAProxy would take the first; remove one")));
        }
        let behind = inside.get(name.len()..).unwrap_or_default();
        let value = behind.trim_start_matches([' ', '\t']);
        found = Some((value.trim_end(), at + name.len() + behind.len() - value.len()));
    }
    let (value, at) = found.ok_or_else(|| {
        Fault::whole(format!("expected a line `{key} WEIGHT`; add one, with weight 0 for an arm without traffic"))
    })?;
    let weight = whole(value).filter(|weight| *weight <= WEIGHT_MAX).ok_or_else(|| {
        Fault::at(
            at,
            format!("expected a whole number from 0 to {WEIGHT_MAX} behind `{key}` and nothing else on the line"),
        )
    })?;
    Ok((weight, at..at + value.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::edit;

    fn arms() -> Arms {
        Arms { baseline: "openai".into(), candidate: "deepseek".into() }
    }

    fn set(text: &str, weight: u32) -> (String, Vec<String>) {
        let change = change(text, &arms(), Asked { weight, mirror: None }).unwrap();
        (edit::apply(text, &change.edits).unwrap(), change.notes)
    }

    #[test]
    fn the_sum_stays_and_so_do_comments_and_line_ends() {
        let text = "# deepseek 5\r\n  openai\t 9500  \r\ndeepseek 500\r\nother x y\r\n#openai 1";
        assert_eq!(look(text, &arms()).unwrap().weight, 500);
        let (new, notes) = set(text, 1);
        assert_eq!((new, notes), (text.replace("9500", "9999").replace("500\r\nother", "1\r\nother"), vec![]));
        let (new, notes) = set("openai 95\ndeepseek 5", 1250);
        assert_eq!(new, "openai 88\ndeepseek 12");
        assert!(notes[0].contains("12.5%") && notes[0].contains("rounded down"), "{notes:?}");
        assert_eq!(set("openai 0\ndeepseek 7\n", 0).0, "openai 7\ndeepseek 0\n");
    }

    #[test]
    fn what_is_no_weight_is_refused_with_its_place() {
        for (text, wanted) in [
            ("openai 1\n", "f: expected a line `deepseek WEIGHT`"),
            ("openai 1\ndeepseek\n", "f:2:9: expected a whole number"),
            ("openai 1\ndeepseek 1 # canary\n", "f:2:10: expected a whole number"),
            ("openai 1\ndeepseek 1\n deepseek 2\n", "f:3:2: a second line for `deepseek`"),
            ("openai 0\ndeepseek 0\n", "f:2:10: both weights are 0"),
        ] {
            let error = look(text, &arms()).unwrap_err().of("f", text).to_string();
            assert!(error.starts_with(wanted), "{text}: {error}");
        }
    }
}
