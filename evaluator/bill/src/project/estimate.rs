//! Tokens of requests that nobody counted, learnt from those of the same log that somebody did.
//!
//! Characters become tokens at the usual rate ([`Characters::tokens`](wire::usage::Characters::tokens)), and the usual rate is
//! corrected by the log's own rows with a recorded count: a ratio estimator by script, for prompts and answers apart. Its
//! interval (95 %) has the spread of those rows and of the rows that are estimated:
//!
//! ```text
//! R = Σ counted / Σ usual      R ± t · sd(counted - R · usual) / mean(usual) · sqrt(1/n + 1/m)
//! ```
//!
//! With fewer than [`ROWS_MIN`] counted rows the usual rate stays, good to a factor of 1.5. An answer that was not even
//! kept is taken as long as the log's mean answer; where no answer was counted, nothing can be said, and it is not.

use super::based::{ANSWER_TOKENS, BASES, Basis};
use super::text::Seen;
use judge::stats::special::t_upper_quantile;
use wire::Usage;
use wire::usage::Characters;

/// Counted rows below which a log teaches nothing.
const ROWS_MIN: f64 = 10.0;

/// How far the usual rate may be off, as a factor.
const USUAL_FACTOR: f64 = 1.5;

/// What an estimated sum is multiplied with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Factor {
    pub low: f64,
    pub likely: f64,
    pub high: f64,
}

impl Factor {
    const EXACT: Self = Self { low: 1.0, likely: 1.0, high: 1.0 };
    const USUAL: Self = Self { low: 1.0 / USUAL_FACTOR, likely: 1.0, high: USUAL_FACTOR };
}

/// Sums of one ratio estimator.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    rows: f64,
    counted: f64,
    usual: f64,
    counted_squares: f64,
    products: f64,
    usual_squares: f64,
    /// Rows that will be estimated.
    estimated: f64,
}

impl Sums {
    fn learn(&mut self, counted: u64, usual: u64) {
        let (counted, usual) = (counted as f64, usual as f64);
        self.rows += 1.0;
        self.counted += counted;
        self.usual += usual;
        self.counted_squares += counted * counted;
        self.products += counted * usual;
        self.usual_squares += usual * usual;
    }

    fn factor(&self) -> Option<Factor> {
        if self.rows < ROWS_MIN || self.usual <= 0.0 {
            return None;
        }
        let likely = self.counted / self.usual;
        let squares = likely.mul_add(likely * self.usual_squares - 2.0 * self.products, self.counted_squares).max(0.0);
        let spread = (squares / (self.rows - 1.0)).sqrt() / (self.usual / self.rows);
        let rows = 1.0 / self.rows + if self.estimated > 0.0 { 1.0 / self.estimated } else { 0.0 };
        let half = t_upper_quantile(0.025, self.rows - 1.0) * spread * rows.sqrt();
        Some(Factor { low: (likely - half).max(0.0), likely, high: likely + half })
    }
}

/// What the log teaches so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Estimates([Sums; BASES]);

impl Estimates {
    /// A request whose tokens the provider counted.
    pub(super) fn learn(&mut self, usage: &Usage, prompt: Seen, answer: Option<Seen>) {
        let mut learn = |narrow: Basis, wide: Basis, counted: u64, seen: Seen| {
            let usual = seen.characters.tokens();
            if usual > 0 && counted > 0 {
                self.0[if is_wide(seen) { wide } else { narrow } as usize].learn(counted, usual);
            }
        };
        learn(Basis::PromptNarrow, Basis::PromptWide, usage.prompt, prompt);
        if let Some(answer) = answer {
            learn(Basis::AnswerNarrow, Basis::AnswerWide, visible(usage), answer);
        }
        self.0[Basis::AnswerUnseen as usize].learn(usage.completion, ANSWER_TOKENS);
    }

    /// The parts of a request that nobody counted, at the usual rate. `None` for the answer: it was not kept.
    pub(super) fn parts(&mut self, prompt: Seen, answer: Option<Seen>) -> Vec<(Basis, Usage)> {
        let asked = |tokens| Usage::new(tokens, 0, wire::UsageSource::Estimate);
        let told = |tokens| Usage::new(0, tokens, wire::UsageSource::Estimate);
        let (narrow, wide) = split(prompt);
        let mut parts = vec![(Basis::PromptNarrow, asked(narrow)), (Basis::PromptWide, asked(wide))];
        match answer {
            Some(answer) => {
                let (narrow, wide) = split(answer);
                parts.extend([(Basis::AnswerNarrow, told(narrow)), (Basis::AnswerWide, told(wide))]);
            }
            None => parts.push((Basis::AnswerUnseen, told(ANSWER_TOKENS))),
        }
        parts.retain(|(_, usage)| usage.prompt > 0 || usage.completion > 0);
        for (basis, _) in &parts {
            self.0[*basis as usize].estimated += 1.0;
        }
        parts
    }

    /// What each basis is multiplied with; `None` where nothing can be said.
    pub(super) fn factors(&self) -> [Option<Factor>; BASES] {
        Basis::ALL.map(|basis| match basis {
            Basis::Recorded => Some(Factor::EXACT),
            Basis::AnswerUnseen => self.0[basis as usize].factor(),
            _ => Some(self.0[basis as usize].factor().unwrap_or(Factor::USUAL)),
        })
    }

    /// Requests that are estimated on a basis.
    pub(super) const fn estimated(&self, basis: Basis) -> u64 {
        // A count: whole, and small enough to be exact.
        self.0[basis as usize].estimated as u64
    }
}

/// Completion tokens that are no reasoning, as far as that is known.
pub(super) const fn visible(usage: &Usage) -> u64 {
    match usage.reasoning {
        Some(reasoning) => usage.completion.saturating_sub(reasoning),
        None => usage.completion,
    }
}

fn split(seen: Seen) -> (u64, u64) {
    let Characters { narrow, wide } = seen.characters;
    (Characters { narrow, wide: 0 }.tokens(), Characters { narrow: 0, wide }.tokens())
}

fn is_wide(seen: Seen) -> bool {
    let (narrow, wide) = split(seen);
    wide > narrow
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::UsageSource;

    fn text(characters: usize) -> Seen {
        let mut seen = Seen::default();
        seen.add(&"a".repeat(characters));
        seen
    }

    #[test]
    fn a_log_teaches_its_own_rate() {
        let mut estimates = Estimates::default();
        for characters in 1..=40usize {
            // Two tokens for three characters, where the usual rate is one for four.
            let tokens = (characters * 12 * 2 / 3) as u64;
            estimates.learn(&Usage::new(tokens, 30, UsageSource::Provider), text(characters * 12), None);
        }
        let factors = estimates.factors();
        let prompt = factors[Basis::PromptNarrow as usize].unwrap();
        assert!((prompt.likely - 8.0 / 3.0).abs() < 1e-9 && prompt.high - prompt.low < 1e-6, "{prompt:?}");
        let unseen = factors[Basis::AnswerUnseen as usize].unwrap();
        assert!((unseen.likely - 0.03).abs() < 1e-12, "{unseen:?}");
        assert_eq!(factors[Basis::AnswerNarrow as usize], Some(Factor::USUAL));
    }

    #[test]
    fn what_was_never_counted_stays_unknown() {
        let mut estimates = Estimates::default();
        let parts = estimates.parts(text(400), None);
        assert_eq!(parts.len(), 2);
        assert_eq!((parts[0].1.prompt, parts[1].1.completion), (100, ANSWER_TOKENS));
        assert_eq!(estimates.factors()[Basis::AnswerUnseen as usize], None);
        assert_eq!(estimates.factors()[Basis::PromptNarrow as usize], Some(Factor::USUAL));
    }
}
