//! Tokens of requests that nobody counted, learnt from those of the same log that somebody did.
//!
//! What a text is made of tells its usual tokens ([`Tokens`](wire::usage::Tokens), [`Tally`](wire::usage::Tally)); the log's own
//! rows with a count correct that, by a ratio estimator for each script, prompts and answers apart. Its interval (95 %) has
//! the spread of those rows and of the rows that are estimated:
//!
//! ```text
//! R = Σ counted / Σ usual      R ± t · sd(counted - R · usual) / mean(usual) · sqrt(1/n + 1/m)
//! ```
//!
//! With fewer than [`ROWS_MIN`] counted rows the usual tokens stay, good to a quarter. An answer that was not even
//! kept is taken as long as the log's mean answer; where no answer was counted, it is taken as long as its request allows
//! and its model can write, which is the most that it can be; and where the request does not say, nothing can be said, and it is not.

use super::based::{ANSWER_TOKENS, BASES, Basis};
use super::text::Seen;
use judge::stats::special::t_upper_quantile;
use wire::usage::Vocabulary;
use wire::{Usage, UsageSource};

/// Counted rows below which a log teaches nothing.
const ROWS_MIN: f64 = 10.0;

/// How far the usual tokens of many texts may be off, as a factor: what was seen for scripts that they were not fitted to.
const USUAL_FACTOR: f64 = 1.25;

/// What an estimated sum is multiplied with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Factor {
    pub low: f64,
    pub likely: f64,
    pub high: f64,
}

impl Factor {
    const EXACT: Self = Self { low: 1.0, likely: 1.0, high: 1.0 };
    /// Of a limit: anything up to it.
    const LIMIT: Self = Self { low: 0.0, likely: 1.0, high: 1.0 };
    const NOTHING: Self = Self { low: 0.0, likely: 0.0, high: 0.0 };
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
    /// A request whose tokens the provider counted in its vocabulary.
    pub(super) fn learn(&mut self, usage: &Usage, in_: Vocabulary, prompt: &Seen, answer: Option<&Seen>) {
        let mut learn = |basis: Basis, counted: u64, seen: &Seen| {
            let usual = seen.tokens.count(in_);
            if usual > 0 && counted > 0 {
                self.0[basis as usize].learn(counted, usual);
            }
        };
        learn(of_prompt(prompt), usage.prompt, prompt);
        if let Some(answer) = answer {
            learn(of_answer(answer), visible(usage), answer);
        }
        self.0[Basis::AnswerUnseen as usize].learn(usage.completion, ANSWER_TOKENS);
    }

    /// The parts of a request that nobody counted, at their usual tokens. `None` for the answer: it was not kept; then
    /// `limit` is the most tokens that it may have.
    pub(super) fn parts(
        &mut self,
        in_: Vocabulary,
        prompt: &Seen,
        answer: Option<&Seen>,
        limit: Option<u64>,
    ) -> Vec<(Basis, Usage)> {
        let told = |tokens| Usage::new(0, tokens, UsageSource::Estimate);
        let mut parts = vec![(of_prompt(prompt), Usage::new(prompt.tokens.count(in_), 0, UsageSource::Estimate))];
        match answer {
            Some(answer) => parts.push((of_answer(answer), told(answer.tokens.count(in_)))),
            None => {
                parts.push((Basis::AnswerUnseen, told(ANSWER_TOKENS)));
                parts.extend(limit.map(|limit| (Basis::AnswerLimit, told(limit))));
            }
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
            Basis::AnswerLimit if self.0[Basis::AnswerUnseen as usize].factor().is_some() => Some(Factor::NOTHING),
            Basis::AnswerLimit => Some(Factor::LIMIT),
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

fn of_prompt(seen: &Seen) -> Basis {
    if seen.is_wide() { Basis::PromptWide } else { Basis::PromptNarrow }
}

fn of_answer(seen: &Seen) -> Basis {
    if seen.is_wide() { Basis::AnswerWide } else { Basis::AnswerNarrow }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::UsageSource;

    fn text(words: usize) -> Seen {
        let mut seen = Seen::default();
        seen.add(&"word ".repeat(words));
        seen
    }

    #[test]
    fn a_log_teaches_its_own_rate() {
        let mut estimates = Estimates::default();
        for words in 1..=40usize {
            let text = text(words * 100);
            // Twice the usual tokens.
            let tokens = text.tokens.count(Vocabulary::OpenAi) * 2;
            estimates.learn(&Usage::new(tokens, 30, UsageSource::Provider), Vocabulary::OpenAi, &text, None);
        }
        let factors = estimates.factors();
        let prompt = factors[Basis::PromptNarrow as usize].unwrap();
        assert!((prompt.likely - 2.0).abs() < 1e-9 && prompt.high - prompt.low < 1e-6, "{prompt:?}");
        let unseen = factors[Basis::AnswerUnseen as usize].unwrap();
        assert!((unseen.likely - 0.03).abs() < 1e-12, "{unseen:?}");
        assert_eq!(factors[Basis::AnswerNarrow as usize], Some(Factor::USUAL));
    }

    #[test]
    fn what_was_never_counted_stays_unknown() {
        let mut estimates = Estimates::default();
        let parts = estimates.parts(Vocabulary::OpenAi, &text(400), None, None);
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[0].1.prompt, text(400).tokens.count(Vocabulary::OpenAi));
        assert_eq!((parts[1].1.completion, estimates.estimated(Basis::AnswerUnseen)), (ANSWER_TOKENS, 1));
        assert_eq!(estimates.factors()[Basis::AnswerUnseen as usize], None);
        assert_eq!(estimates.factors()[Basis::PromptNarrow as usize], Some(Factor::USUAL));
    }

    /// Logs of two kinds of rows, half of them not counted: the interval holds the truth as often as it says.
    #[test]
    fn the_interval_of_estimates_covers() {
        use rand::RngExt as _;
        use rand::SeedableRng as _;
        let mut inside = 0;
        for seed in 0..300u64 {
            let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
            let (mut estimates, mut truth, mut usual) = (Estimates::default(), 0.0, 0.0);
            let rate = random.random_range(0.5..2.0);
            for row in 0..60u64 {
                let text = text(random.random_range(5..100));
                let noise: f64 = (0..12).map(|_| random.random_range(-0.5..0.5)).sum();
                let tokens = text.tokens.count(Vocabulary::OpenAi);
                let counted = (tokens as f64 * rate * (0.15 * noise).exp()).round();
                if row % 2 == 0 {
                    estimates.learn(
                        &Usage::new(counted as u64, 1, UsageSource::Provider),
                        Vocabulary::OpenAi,
                        &text,
                        None,
                    );
                } else {
                    estimates.parts(Vocabulary::OpenAi, &text, None, None);
                    truth += counted;
                    usual += tokens as f64;
                }
            }
            let factor = estimates.factors()[Basis::PromptNarrow as usize].unwrap();
            inside += i32::from(usual * factor.low <= truth && truth <= usual * factor.high);
        }
        println!("estimates: {inside} of 300 intervals hold the truth");
        // 95 % of 300 is 285, and three standard errors below that 274.
        assert!((274..=300).contains(&inside), "{inside} of 300");
    }
}
