//! A `split_clients` block of nginx.
//!
//! ```text
//! split_clients "$http_authorization" $upstream {
//!     5%  deepseek;   # the candidate
//!     *   openai;
//! }
//! ```
//!
//! nginx gives each percentage a band of its hash, in the order of the lines, and `*` the rest. Percentages have at most two
//! decimals, which are our hundredths. There is no `0%`: a candidate without traffic is a line in a comment, `# 0% deepseek;`,
//! and comes out of it with the next raise. The rest cannot be nothing either (one hash in 2^32 always falls to it), so it
//! has to be the baseline's, never the candidate's: 0% for the candidate has to be exactly that. The candidate's line stays
//! where it is; where it is the first one, a raise takes nobody's answers away that had the candidate before.
//!
//! Other entries keep their percentages, and the candidate's share is one of what both arms have.

mod lexer;

use super::change::{Asked, Change, State};
use super::edit::{self, Edit};
use super::fault::{Fault, line_and_column};
use super::rule::Arms;
use super::split::{self, WHOLE};
use lexer::{Spanned, Token};
use std::ops::Range;

/// A line of the block.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// Bytes of the percentage.
    percentage: Range<usize>,
    /// From the percentage, or the `#` before it, to behind the semicolon.
    span: Range<usize>,
    amount: Amount,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Amount {
    Hundredths(u32),
    Rest,
    /// `0%` in a comment.
    Commented,
}

/// The block that is meant.
struct Split {
    begins: usize,
    entries: Vec<Entry>,
    baseline: usize,
    candidate: usize,
}

pub(super) fn look(text: &str, variable: Option<&str>, arms: &Arms) -> Result<State, Fault> {
    let split = find(text, variable, arms)?;
    let (baseline, candidate) = (split.hundredths(split.baseline), split.hundredths(split.candidate));
    let weight = split::share(u64::from(candidate), u64::from(baseline + candidate)).ok_or_else(|| {
        Fault::at(
            split.begins,
            "baseline and candidate have nothing here; give the baseline its percentage by hand, or `*`",
        )
    })?;
    Ok(State { weight, mirror: None })
}

pub(super) fn change(text: &str, variable: Option<&str>, arms: &Arms, asked: Asked) -> Result<Change, Fault> {
    if asked.mirror.is_some() {
        return Err(Fault::whole("`split_clients` mirrors nothing; leave the mirrored share out"));
    }
    let split = find(text, variable, arms)?;
    let pair = split.hundredths(split.baseline) + split.hundredths(split.candidate);
    let finer = "the other entries' percentages leave no finer steps";
    let (candidate, note) = super::change::rounded_down(asked.weight, u64::from(pair), "a weight", finer);
    let candidate = u32::try_from(candidate).unwrap_or_default();
    let mut change = Change { edits: vec![], notes: note.into_iter().collect() };
    for (index, new) in [(split.candidate, candidate), (split.baseline, pair.saturating_sub(candidate))] {
        if let Some(entry) = split.entries.get(index) {
            change.edits.extend(split.set(text, entry, new)?);
        }
    }
    Ok(change)
}

impl Split {
    fn hundredths(&self, index: usize) -> u32 {
        match self.entries.get(index).map(|entry| entry.amount) {
            Some(Amount::Hundredths(hundredths)) => hundredths,
            Some(Amount::Rest) => WHOLE.saturating_sub(self.said()),
            Some(Amount::Commented) | None => 0,
        }
    }

    /// Sum of all percentages.
    fn said(&self) -> u32 {
        let amounts = self.entries.iter().map(|entry| match entry.amount {
            Amount::Hundredths(hundredths) => hundredths,
            Amount::Rest | Amount::Commented => 0,
        });
        amounts.fold(0, u32::saturating_add)
    }

    fn set(&self, text: &str, entry: &Entry, new: u32) -> Result<Vec<Edit>, Fault> {
        let percentage = format!("{}%", split::written(new));
        let number = || Edit::replace(entry.percentage.clone(), percentage.clone());
        Ok(match (entry.amount, new) {
            (Amount::Rest, _) | (Amount::Commented, 0) => vec![],
            (Amount::Hundredths(old), new) if old == new => vec![],
            (Amount::Hundredths(_), 0) => {
                let mut edits = vec![Edit::insert(entry.span.start, "# "), number()];
                edits.extend(own_line(text, &entry.span));
                edits
            }
            (Amount::Hundredths(_), _) => vec![number()],
            (Amount::Commented, _) => {
                let behind_rest = self
                    .entries
                    .iter()
                    .any(|other| other.amount == Amount::Rest && other.span.start < entry.span.start);
                if behind_rest {
                    return Err(Fault::at(
                        entry.span.start,
                        "`*` has to be the last line of the block; move this one before it",
                    ));
                }
                vec![Edit::replace(entry.span.start..entry.percentage.end, percentage)]
            }
        })
    }
}

/// What follows an entry on its line, apart from a comment, would be in the comment too: it gets a line of its own.
fn own_line(text: &str, span: &Range<usize>) -> Option<Edit> {
    let rest = text.get(span.end..)?;
    let rest = rest.split(['\n', '\r']).next()?;
    let next = rest.trim_start();
    let begins = text.get(..span.start)?.rfind('\n').map_or(0, |feed| feed + 1);
    let indent: String =
        text.get(begins..span.start)?.chars().take_while(|space| matches!(space, ' ' | '\t')).collect();
    let gap = rest.len() - next.len();
    let with = format!("{}{indent}", edit::line_end(text));
    (!next.is_empty() && !next.starts_with('#')).then(|| Edit::replace(span.end..span.end + gap, with))
}

/// A block: where it begins, its variable, and its entries.
struct Block {
    begins: usize,
    variable: String,
    entries: Vec<Entry>,
}

fn find(text: &str, variable: Option<&str>, arms: &Arms) -> Result<Split, Fault> {
    let all = blocks(text)?;
    let fitting: Vec<&Block> =
        all.iter().filter(|block| variable.is_none_or(|wanted| block.variable == format!("${wanted}"))).collect();
    let with_both = |block: &&&Block| {
        [&arms.baseline, &arms.candidate].iter().all(|name| block.entries.iter().any(|entry| entry.value == **name))
    };
    let both: Vec<&&Block> = fitting.iter().filter(with_both).collect();
    let line = |block: &Block| line_and_column(text, block.begins).0;
    let listed = |blocks: &[&Block]| -> String {
        blocks.iter().map(|block| format!("{} (line {})", block.variable, line(block))).collect::<Vec<_>>().join(", ")
    };
    let Arms { baseline, candidate } = arms;
    match (both.as_slice(), fitting.as_slice()) {
        ([block], _) => split(block, arms),
        ([], []) => {
            let there = if all.is_empty() { "none at all".to_owned() } else { listed(&all.iter().collect::<Vec<_>>()) };
            Err(Fault::whole(format!("expected a `split_clients` block that the address fits; the file has {there}")))
        }
        ([], several) => Err(Fault::whole(format!(
            "expected lines for `{baseline}` and `{candidate}` in a `split_clients` block; looked at {}; a line without traffic \
             is written `# 0% {candidate};`",
            listed(several)
        ))),
        (several, _) => {
            let several: Vec<&Block> = several.iter().map(|block| **block).collect();
            Err(Fault::whole(format!("both names are in {}; name one behind `#`, by its variable", listed(&several))))
        }
    }
}

fn split(block: &Block, arms: &Arms) -> Result<Split, Fault> {
    let place = |wanted: &str| -> Result<usize, Fault> {
        let mut fitting = block.entries.iter().enumerate().filter(|(_, entry)| entry.value == wanted);
        let first = fitting.next().map(|(index, _)| index);
        match (first, fitting.next()) {
            (Some(index), None) => Ok(index),
            (_, Some((_, twice))) => {
                Err(Fault::at(twice.span.start, format!("a second line for `{wanted}` in one block; remove one")))
            }
            (None, None) => Err(Fault::at(block.begins, format!("expected a line for `{wanted}`"))),
        }
    };
    let split = Split {
        begins: block.begins,
        baseline: place(&arms.baseline)?,
        candidate: place(&arms.candidate)?,
        entries: block.entries.clone(),
    };
    if let Some(entry) = split.entries.get(split.candidate)
        && entry.amount == Amount::Rest
    {
        let says = "the candidate is the rest `*`, which can never be nothing; give the candidate a percentage, before a baseline with `*`";
        return Err(Fault::at(entry.span.start, says));
    }
    if split.said() > WHOLE {
        return Err(Fault::at(
            block.begins,
            format!("the percentages are {}% together; nginx refuses more than 100%", split::written(split.said())),
        ));
    }
    Ok(split)
}

/// All `split_clients` blocks of a text, at any depth.
fn blocks(text: &str) -> Result<Vec<Block>, Fault> {
    let tokens = lexer::tokens(text)?;
    let mut found = Vec::new();
    let mut begins_statement = true;
    for (index, (token, span)) in tokens.iter().enumerate() {
        if begins_statement && *token == Token::Word("split_clients".into()) {
            let rest = tokens.get(index + 1..).unwrap_or_default();
            found.push(block(text, span.start, rest)?);
        }
        begins_statement = match token {
            Token::Word(_) => false,
            Token::Comment => begins_statement,
            Token::Open | Token::Close | Token::Semicolon => true,
        };
    }
    Ok(found)
}

fn block(text: &str, begins: usize, rest: &[Spanned]) -> Result<Block, Fault> {
    let form = || Fault::at(begins, "expected `split_clients STRING $VARIABLE { PERCENT% VALUE; ... * VALUE; }`");
    let mut words = rest.iter().filter(|(token, _)| *token != Token::Comment);
    let (Some((Token::Word(_), _)), Some((Token::Word(variable), _)), Some((Token::Open, open))) =
        (words.next(), words.next(), words.next())
    else {
        return Err(form());
    };
    let mut entries = Vec::new();
    let mut statement: Vec<(&str, Range<usize>)> = Vec::new();
    for (token, span) in rest.iter().filter(|(_, span)| span.start >= open.end) {
        match token {
            Token::Word(word) => statement.push((word, span.clone())),
            Token::Comment if statement.is_empty() => entries.extend(commented(text, span)),
            Token::Comment => {}
            Token::Semicolon => {
                let [(amount, percentage), (value, _)] = statement.as_slice() else {
                    return Err(Fault::at(span.start, "expected a percentage and a value before this semicolon"));
                };
                let span = percentage.start..span.end;
                let amount = self::amount(amount).ok_or_else(|| {
                    Fault::at(span.start, "expected a percentage from 0.01% to 100% with at most two decimals, or `*`")
                })?;
                entries.push(Entry { percentage: percentage.clone(), span, amount, value: (*value).to_owned() });
                statement.clear();
            }
            Token::Close if statement.is_empty() => return Ok(Block { begins, variable: variable.clone(), entries }),
            Token::Close | Token::Open => {
                return Err(Fault::at(span.start, "expected a semicolon before this bracket"));
            }
        }
    }
    Err(Fault::at(begins, "this block does not end: expected `}`"))
}

fn amount(text: &str) -> Option<Amount> {
    if text == "*" {
        return Some(Amount::Rest);
    }
    percentage(text).filter(|hundredths| *hundredths > 0).map(Amount::Hundredths)
}

/// `5%`, `0.5%`, `12.25%`.
fn percentage(text: &str) -> Option<u32> {
    let number = text.strip_suffix('%')?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + part.len() == 0 || whole.len() > 9 || part.len() > 2 || !digits(whole) || !digits(part) {
        return None;
    }
    let hundredths =
        format!("0{whole}").parse::<u32>().ok()?.checked_mul(100)?.checked_add(format!("{part:0<2}").parse().ok()?)?;
    (hundredths <= WHOLE).then_some(hundredths)
}

/// A comment that says `0% VALUE;`, and perhaps something behind it.
fn commented(text: &str, span: &Range<usize>) -> Option<Entry> {
    let comment = text.get(span.clone())?;
    let inside = comment.trim_start_matches('#').trim_start_matches([' ', '\t']);
    let from = span.start + comment.len() - inside.len();
    let tokens = lexer::tokens(inside).ok()?;
    let [(Token::Word(zero), at), (Token::Word(value), _), (Token::Semicolon, end), ..] = tokens.as_slice() else {
        return None;
    };
    (percentage(zero) == Some(0)).then(|| Entry {
        percentage: from + at.start..from + at.end,
        span: span.start..from + end.end,
        amount: Amount::Commented,
        value: value.clone(),
    })
}

#[cfg(test)]
pub(super) mod tests;
