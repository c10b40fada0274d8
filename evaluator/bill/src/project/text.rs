//! Which language a text is in, as far as its characters tell, and what that makes of its tokens elsewhere.

use super::ratio::{Ratio, Ratios, Script};
use wire::Request;
use wire::usage::{Characters, Tokens, Vocabulary};

/// Letters with marks or of other alphabets, in a thousand of a narrow text's characters, from which on it is not taken for
/// English: curly quotes and a name now and then are no other language.
const FOREIGN_PERMILLE: u64 = 10;

/// What was seen of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Seen {
    characters: Characters,
    /// Letters that are neither wide nor of ASCII.
    foreign: u64,
    /// Estimated tokens.
    pub tokens: Tokens,
}

impl Seen {
    /// All that a model is asked in a request.
    pub(super) fn in_request(request: &Request<'_>) -> Self {
        let mut seen = Self::default();
        request.for_each_text(|text| seen.letters(text));
        seen.tokens = request.measure().1.text;
        seen
    }

    pub(super) fn add(&mut self, text: &str) {
        self.letters(text);
        self.tokens.add(text);
    }

    fn letters(&mut self, text: &str) {
        let before = self.characters.wide;
        self.characters.add(text);
        if !text.is_ascii() {
            let letters = text.chars().filter(|letter| !letter.is_ascii() && letter.is_alphabetic()).count() as u64;
            self.foreign += letters.saturating_sub(self.characters.wide - before);
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.characters.total() == 0
    }

    /// Most of its tokens are of wide characters.
    pub(super) fn is_wide(&self) -> bool {
        self.wide_share() >= 0.5
    }

    /// The script that most of its tokens are of.
    pub(super) fn script(&self) -> Script {
        if self.is_empty() {
            Script::Unknown
        } else if self.is_wide() {
            Script::Chinese
        } else {
            self.narrow_script()
        }
    }

    /// Script of the narrow part.
    const fn narrow_script(&self) -> Script {
        if self.foreign.saturating_mul(1000) > self.characters.narrow.saturating_mul(FOREIGN_PERMILLE) {
            Script::Unknown
        } else {
            Script::English
        }
    }

    /// Share of its tokens that are of wide characters, 0 to 1.
    fn wide_share(&self) -> f64 {
        let all = self.characters.tokens();
        let wide = Characters { narrow: 0, ..self.characters }.tokens();
        if all == 0 { 0.0 } else { wide as f64 / all as f64 }
    }

    /// Tokens of this text in `to` for each token in `from`: each script has its own ratio, and its share of the tokens.
    pub(super) fn ratio(&self, ratios: &Ratios, from: Option<Vocabulary>, to: Option<Vocabulary>) -> Ratio {
        if self.is_empty() {
            return ratios.between(from, to, Script::Unknown);
        }
        let narrow = ratios.between(from, to, self.narrow_script());
        narrow.mixed(ratios.between(from, to, Script::Chinese), self.wide_share())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Seen {
        let mut seen = Seen::default();
        seen.add(text);
        seen
    }

    #[test]
    fn languages_are_told_apart_by_their_letters() {
        let quoted = "A plain question – with “quotes” and one café, in more than a hundred and twenty letters of English \
                      prose, which is what most logs are made of.";
        for (text, script) in [
            ("", Script::Unknown),
            (quoted, Script::English),
            ("fn main() { println!(\"{}\", 1 + 1); }", Script::English),
            ("降噪耳机用了33周就不工作了，一直闪代码3096", Script::Chinese),
            ("Где мой заказ? Он должен был прийти вчера.", Script::Unknown),
            ("Größe und Maße der Tür müssen überprüft werden", Script::Unknown),
        ] {
            assert_eq!(seen(text).script(), script, "{text}");
        }
    }

    #[test]
    fn a_mixed_text_lies_between_its_scripts() {
        let ratios = Ratios::default();
        let (from, to) = (Some(Vocabulary::OpenAi), Some(Vocabulary::DeepSeek));
        let ratio = |text: &str| seen(text).ratio(&ratios, from, to);
        let (english, mixed, chinese) = (ratio("four words of it"), ratio("four words 四个字"), ratio("四个字的话"));
        assert!(chinese.likely < mixed.likely && mixed.likely < english.likely, "{chinese:?} {mixed:?} {english:?}");
        assert!((ratio("四").likely - chinese.likely).abs() < 1e-12);
    }
}
