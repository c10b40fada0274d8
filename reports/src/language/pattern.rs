//! Texts with holes.
//!
//! Holes named `n`, `n2`, ... hold figures only: digits with their units. Holes named `w`, `w2`, ... hold one word: a name. Every
//! other hole holds words of one sentence. Figures make a pattern certain of what it matches, so most patterns have only
//! those.

/// How many places of one literal are tried before a pattern is given up: bounds the work on texts made to be slow.
const PLACES_MAX: usize = 6;

/// Letters that may stand in a figure: units, months, signs of currencies, and what stands for a figure.
const UNITS: [&str; 38] = [
    "pp",
    "ms",
    "s",
    "µs",
    "min",
    "h",
    "d",
    "p",
    "x",
    "e",
    "USD",
    "EUR",
    "CNY",
    "UTC",
    "T",
    "Z",
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
    "unbounded",
    "points",
    "below",
    "under",
    "not",
    "known",
    "no",
    "nan",
    "of",
    "apart",
];

/// A text with holes, and what it is in the other language.
#[derive(Debug)]
pub(super) struct Pattern {
    /// What stands before each hole.
    before: Vec<String>,
    /// Names of the holes.
    holes: Vec<String>,
    /// What stands behind the last one.
    last: String,
    /// The other text, holes as `{name}`.
    other: String,
}

impl Pattern {
    /// # Errors
    /// A hole has no end, or one of the two texts has a hole that the other lacks.
    pub(super) fn new(english: &str, other: String) -> Result<Self, String> {
        let (mut before, mut holes, mut rest) = (Vec::new(), Vec::new(), english);
        while let Some((literal, after)) = rest.split_once('{') {
            let (hole, after) = after.split_once('}').ok_or_else(|| format!("`{english}`: a hole without an end"))?;
            if !other.contains(&format!("{{{hole}}}")) {
                return Err(format!("`{english}`: its translation lacks {{{hole}}}"));
            }
            before.push(literal.to_owned());
            holes.push(hole.to_owned());
            rest = after;
        }
        if other.matches('{').count() != holes.len() {
            return Err(format!("`{english}`: its translation has other holes"));
        }
        Ok(Self { before, holes, last: rest.to_owned(), other })
    }

    /// Characters outside of holes: the more, the less it matches by chance.
    pub(super) fn literal_chars(&self) -> usize {
        self.before.iter().chain([&self.last]).map(|literal| literal.chars().count()).sum()
    }

    /// Holes that take words; the fewer, the more certain.
    pub(super) fn word_holes(&self) -> usize {
        self.holes.iter().filter(|hole| !is_named(hole, 'n')).count()
    }

    /// The other text with what stands in the holes; `None` if the text has another form.
    pub(super) fn fill(&self, english: &str, say: impl Fn(&str) -> Option<String>) -> Option<String> {
        let first = self.before.first()?;
        let inner = english.strip_prefix(first.as_str())?.strip_suffix(self.last.as_str())?;
        let mut values = Vec::with_capacity(self.holes.len());
        if !self.matches(0, inner, &mut values) {
            return None;
        }
        let mut text = String::with_capacity(self.other.len() + 32);
        let mut rest = self.other.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (hole, after) = after.split_once('}')?;
            let value = values.get(self.holes.iter().position(|name| name == hole)?)?;
            text.push_str(before);
            text.push_str(&say(value).unwrap_or_else(|| (*value).to_owned()));
            rest = after;
        }
        text.push_str(rest);
        Some(text)
    }

    /// Whether the text holds this hole and all after it; what stands in them.
    fn matches<'a>(&self, hole: usize, text: &'a str, values: &mut Vec<&'a str>) -> bool {
        let Some(name) = self.holes.get(hole) else { return false };
        let Some(literal) = self.before.get(hole + 1) else {
            values.push(text);
            return fits(name, text);
        };
        for (at, _) in text.match_indices(literal.as_str()).take(PLACES_MAX) {
            let (Some(value), Some(after)) = (text.get(..at), text.get(at + literal.len()..)) else { return false };
            // Digits may be in groups: `1 200 pairs` has one figure.
            let is_cut = is_named(name, 'n') && literal == " " && after.starts_with(|c: char| c.is_ascii_digit());
            if is_cut || !fits(name, value) {
                continue;
            }
            values.push(value);
            if self.matches(hole + 1, after, values) {
                return true;
            }
            values.truncate(hole);
        }
        false
    }
}

fn fits(hole: &str, value: &str) -> bool {
    if is_named(hole, 'n') {
        is_figure(value)
    } else if is_named(hole, 'w') {
        !value.is_empty() && !value.contains(char::is_whitespace)
    } else {
        !value.is_empty() && !value.contains(". ")
    }
}

/// Whether a hole has this letter, alone or with a number.
fn is_named(hole: &str, letter: char) -> bool {
    hole.strip_prefix(letter).is_some_and(|number| number.chars().all(|c| c.is_ascii_digit()))
}

/// Whether a text is a figure with its unit: `+0.52 pp`, `$1.20`, `12 Nov, 10:00`, `unbounded`, `–`.
pub(super) fn is_figure(text: &str) -> bool {
    let mut words = text.split(|character: char| !character.is_alphabetic()).filter(|word| !word.is_empty());
    let is_said = text.chars().any(|character| character.is_ascii_digit() || character == '–') || text == "unbounded";
    (is_said || text == "not known") && words.all(|word| UNITS.contains(&word))
}
