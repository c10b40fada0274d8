//! From files to something that can be searched with.

use super::file::{self, Terms, entry, split, stem};
use super::rules::{Block, Kind, Role};
use super::{ListError, ListSource, Lists};
use crate::normalise::{Folded, Masked};
use crate::verdict::{Category, Level};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::{Regex, RegexSet};
use std::collections::{BTreeMap, HashMap};

/// A word has at most this many characters.
const TERM_CHARACTERS_MAX: usize = 100;
/// Things that are found together are at most this far apart, in characters.
const WITHIN_MAX: usize = 2_000;
/// A match of a pattern that says nothing else is at most this long, in characters.
const PATTERN_WITHIN: usize = 256;
/// Words that must stand together in one entry at most.
const SLOTS_MAX: usize = 8;
/// How many characters of the text one letter of a masked word can take.
const MASKED_WIDTH: usize = 4;
/// Letters that a word with an open end is followed, at most.
pub(super) const OPEN_END_MAX: usize = 40;

/// What a word counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Use {
    pub(super) block: usize,
    pub(super) role: Role,
    /// Letters may come before it.
    pub(super) open_start: bool,
    /// Letters may come behind it.
    pub(super) open_end: bool,
}

#[derive(Debug, Default)]
struct Builder {
    places: HashMap<String, usize>,
    uses: Vec<Vec<Use>>,
    blocks: Vec<Block>,
    patterns: Vec<(Regex, usize)>,
    masked: Masked,
    term_characters: usize,
    reach: usize,
}

pub(super) fn compile(sources: &[ListSource<'_>]) -> Result<Lists, ListError> {
    let mut builder = Builder::default();
    for source in sources {
        let file = file::read(source)?;
        let name = file.name.clone().unwrap_or_else(|| stem(source.file).to_owned());
        let list = List { source, name, category: file.category.unwrap_or(Category::Custom), groups: &file.groups };
        list.add(&file, &mut builder)?;
    }
    builder.finish()
}

impl Builder {
    fn finish(self) -> Result<Lists, ListError> {
        let mut words = vec![String::new(); self.places.len()];
        for (word, place) in self.places {
            if let Some(slot) = words.get_mut(place) {
                *slot = word;
            }
        }
        let too_large = |problem: String| ListError::Size { problem };
        let words = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&words)
            .map_err(|error| too_large(error.to_string()))?;
        let patterns = RegexSet::new(self.patterns.iter().map(|(pattern, _)| pattern.as_str()));
        // The word itself may be stretched by masks, and one character on either side tells whether it is whole.
        let longest = self.term_characters * MASKED_WIDTH + OPEN_END_MAX + 2;
        Ok(Lists {
            words,
            uses: self.uses,
            blocks: self.blocks,
            patterns: patterns.map_err(|error| too_large(error.to_string()))?,
            pattern_blocks: self.patterns,
            masked: self.masked,
            reach: longest.max(self.reach + 2),
        })
    }

    fn block(&mut self, block: Block) -> usize {
        self.reach = self.reach.max(block.reach());
        self.blocks.push(block);
        self.blocks.len() - 1
    }

    fn word(&mut self, folded: &str, one: Use) {
        self.term_characters = self.term_characters.max(folded.chars().count());
        let place = match self.places.get(folded) {
            Some(place) => *place,
            None => {
                self.places.insert(folded.to_owned(), self.uses.len());
                self.uses.push(Vec::new());
                self.uses.len() - 1
            }
        };
        if let Some(uses) = self.uses.get_mut(place)
            && !uses.contains(&one)
        {
            uses.push(one);
        }
    }
}

/// One list while it is taken in.
struct List<'a> {
    source: &'a ListSource<'a>,
    name: String,
    category: Category,
    groups: &'a BTreeMap<String, Terms>,
}

/// A word of the list, folded.
struct Term {
    folded: String,
    open_start: bool,
    open_end: bool,
}

impl List<'_> {
    fn add(&self, file: &file::File, builder: &mut Builder) -> Result<(), ListError> {
        for words in &file.words {
            let block = builder.block(self.new_block(words.category, words.level, words.label.as_deref(), Kind::Words));
            if let Some(terms) = &words.terms {
                for term in self.terms(terms)? {
                    if !term.open_start {
                        builder.masked.add(&term.folded);
                    }
                    builder.word(&term.folded, term.counts(block, Role::Word));
                }
            }
            self.except(words.except.as_ref(), block, builder)?;
        }
        for together in &file.together {
            let line = file::line_at(self.source.text, together.span().start);
            self.together(together.get_ref(), line, builder)?;
        }
        for sum in &file.sums {
            let line = file::line_at(self.source.text, sum.span().start);
            self.sum(sum.get_ref(), line, builder)?;
        }
        file.patterns.iter().try_for_each(|pattern| self.pattern(pattern, builder))
    }

    fn together(&self, one: &file::Together, line: usize, builder: &mut Builder) -> Result<(), ListError> {
        self.within(one.within, line)?;
        if !(2..=SLOTS_MAX).contains(&one.all.len()) {
            let problem = format!("`all` has {} parts, 2 to {SLOTS_MAX} are possible", one.all.len());
            return Err(entry(self.source, line, problem));
        }
        let guarded = one.unless.is_some();
        let kind = Kind::Together { slots: one.all.len(), within: one.within, ordered: one.ordered, guarded };
        let block = builder.block(self.new_block(one.category, one.level, one.label.as_deref(), kind));
        for (slot, terms) in one.all.iter().enumerate() {
            for term in self.terms(terms)? {
                builder.word(&term.folded, term.counts(block, Role::Slot(slot)));
            }
        }
        for term in one.unless.as_ref().map(|terms| self.terms(terms)).transpose()?.unwrap_or_default() {
            builder.word(&term.folded, term.counts(block, Role::Unless));
        }
        self.except(one.except.as_ref(), block, builder)
    }

    fn sum(&self, sum: &file::Sum, line: usize, builder: &mut Builder) -> Result<(), ListError> {
        self.within(sum.within, line)?;
        let bars: Vec<(i32, Level)> =
            [(sum.low, Level::Low), (sum.medium, Level::Medium), (sum.high, Level::High), (sum.max, Level::Max)]
                .into_iter()
                .filter_map(|(bar, level)| Some((bar?, level)))
                .collect();
        if bars.is_empty() || !bars.is_sorted() || bars.iter().any(|(bar, _)| *bar < 1) {
            let problem = "a sum needs one of low, medium, high, max: from 1 on, and rising".to_owned();
            return Err(entry(self.source, line, problem));
        }
        let kind = Kind::Sum { within: sum.within, bars, needs: sum.needs.is_some() };
        let block = builder.block(self.new_block(sum.category, None, sum.label.as_deref(), kind));
        let mut term_number = 0;
        for (weight, terms) in &sum.weights {
            let weight =
                weight.parse::<i32>().ok().filter(|weight| (-1_000..=1_000).contains(weight)).ok_or_else(|| {
                    let line = file::line_at(self.source.text, terms.span().start);
                    entry(
                        self.source,
                        line,
                        format!("{weight:?} is no weight: expected a whole number from -1000 to 1000"),
                    )
                })?;
            for term in self.terms(terms)? {
                builder.word(&term.folded, term.counts(block, Role::Weight { term: term_number, weight }));
                term_number += 1;
            }
        }
        for term in sum.needs.as_ref().map(|terms| self.terms(terms)).transpose()?.unwrap_or_default() {
            builder.word(&term.folded, term.counts(block, Role::Needed));
        }
        self.except(sum.except.as_ref(), block, builder)
    }

    fn pattern(&self, pattern: &file::Pattern, builder: &mut Builder) -> Result<(), ListError> {
        let line = file::line_at(self.source.text, pattern.regex.span().start);
        let within = pattern.within.unwrap_or(PATTERN_WITHIN);
        self.within(within, line)?;
        let regex = Regex::new(pattern.regex.get_ref()).map_err(|error| {
            // The error draws the expression over several lines; its last one says what is wrong.
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            entry(self.source, line, format!("the expression cannot be read: {reason}"))
        })?;
        let kind = Kind::Pattern { within };
        let block = builder.block(self.new_block(pattern.category, pattern.level, pattern.label.as_deref(), kind));
        builder.patterns.push((regex, block));
        self.except(pattern.except.as_ref(), block, builder)
    }

    fn except(&self, terms: Option<&Terms>, block: usize, builder: &mut Builder) -> Result<(), ListError> {
        for term in terms.map(|terms| self.terms(terms)).transpose()?.unwrap_or_default() {
            builder.word(&term.folded, term.counts(block, Role::Except));
        }
        Ok(())
    }

    fn within(&self, within: usize, line: usize) -> Result<(), ListError> {
        if (1..=WITHIN_MAX).contains(&within) {
            return Ok(());
        }
        let problem = format!("`within` is {within}: expected 1 to {WITHIN_MAX} characters");
        Err(entry(self.source, line, problem))
    }

    fn new_block(&self, category: Option<Category>, level: Option<Level>, label: Option<&str>, kind: Kind) -> Block {
        let label = label.map_or_else(|| self.name.clone(), |label| format!("{}/{label}", self.name));
        Block { category: category.unwrap_or(self.category), level: level.unwrap_or(Level::High), label, kind }
    }

    /// The words of a field, those of the groups it names included.
    fn terms(&self, terms: &Terms) -> Result<Vec<Term>, ListError> {
        let mut all = Vec::new();
        for (word, line) in split(self.source, terms) {
            let Some(group) = word.strip_prefix('@') else {
                all.push(self.term(word, line)?);
                continue;
            };
            let members = self.groups.get(group).ok_or_else(|| {
                entry(
                    self.source,
                    line,
                    format!("there is no group {group:?}: define it under [groups], or correct its name"),
                )
            })?;
            for (word, line) in split(self.source, members) {
                all.push(self.term(word, line)?);
            }
        }
        Ok(all)
    }

    fn term(&self, word: &str, line: usize) -> Result<Term, ListError> {
        let core = word.strip_prefix('*').unwrap_or(word);
        let (open_start, open) = (core.len() < word.len(), core.strip_suffix('*'));
        let (open_end, core) = (open.is_some(), open.unwrap_or(core));
        let folded = Folded::of(core);
        let folded = folded.text().trim();
        let problem = if core.contains('*') {
            "a star can only stand at an end of a word, where letters may follow"
        } else if folded.is_empty() {
            "nothing is left of this word when it is folded: take it out"
        } else if folded.starts_with('@') {
            "groups cannot name groups: name both where they are used"
        } else if folded.chars().count() > TERM_CHARACTERS_MAX {
            "this word has more than 100 characters: shorten it, or split it with `together`"
        } else {
            return Ok(Term { folded: folded.to_owned(), open_start, open_end });
        };
        Err(entry(self.source, line, format!("{word:?}: {problem}")))
    }
}

impl Term {
    fn counts(&self, block: usize, role: Role) -> Use {
        Use { block, role, open_start: self.open_start, open_end: self.open_end }
    }
}
