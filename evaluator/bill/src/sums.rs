//! What a group of exchanges cost: integers that add up in any order.

use crate::money::{exact, saturated};
use judge::verdict::Paid;
use wire::{Usage, UsageSource};

/// What one exchange cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// A price was found.
    Priced {
        /// Nano-dollars.
        nanos: i64,
        /// It was sent while its model was dearer than at the cheapest time of the day.
        peak: bool,
    },
    /// There are token counts, and no price for them.
    Unpriced,
    /// It may have been billed, and nobody counted its tokens.
    WithoutUsage,
    /// A failure for which providers bill nothing, and that reports no tokens.
    Unbilled,
}

/// One exchange as the bill sees it.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// A whole answer came.
    pub answered: bool,
    /// Tokens.
    pub usage: Option<Usage>,
    /// What it cost.
    pub cost: Cost,
    /// Characters of the visible answer.
    pub answer_chars: u64,
}

/// Tokens by what they cost: their sum is the whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Prompt tokens neither read from a cache nor written to one that bills it.
    pub uncached: u64,
    /// Prompt tokens read from a cache.
    pub cached: u64,
    /// Prompt tokens written to a cache that bills it.
    pub cache_write: u64,
    /// Completion tokens without reasoning.
    pub visible: u64,
    /// Completion tokens spent on reasoning.
    pub reasoning: u64,
}

impl Tokens {
    /// The parts of a usage; parts that are larger than their whole are cut to it.
    #[must_use]
    pub fn of(usage: &Usage) -> Self {
        let cached = usage.cached.unwrap_or(0).min(usage.prompt);
        let cache_write = usage.cache_write.unwrap_or(0).min(usage.prompt - cached);
        let reasoning = usage.reasoning.unwrap_or(0).min(usage.completion);
        Self {
            uncached: usage.prompt - cached - cache_write,
            cached,
            cache_write,
            visible: usage.completion - reasoning,
            reasoning,
        }
    }

    /// Adds others; saturates.
    pub const fn add(&mut self, other: &Self) {
        self.uncached = self.uncached.saturating_add(other.uncached);
        self.cached = self.cached.saturating_add(other.cached);
        self.cache_write = self.cache_write.saturating_add(other.cache_write);
        self.visible = self.visible.saturating_add(other.visible);
        self.reasoning = self.reasoning.saturating_add(other.reasoning);
    }

    /// All prompt tokens.
    #[must_use]
    pub const fn prompt(&self) -> u64 {
        self.uncached.saturating_add(self.cached).saturating_add(self.cache_write)
    }

    /// Share of the prompt tokens that were read from a cache; `None` without any.
    #[must_use]
    pub fn hit_rate(&self) -> Option<f64> {
        let prompt = self.prompt();
        (prompt > 0).then(|| self.cached as f64 / prompt as f64)
    }
}

/// Sums over a group of exchanges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Exchanges.
    pub exchanges: u64,
    /// Those that were answered.
    pub answered: u64,
    /// Those with a price.
    pub priced: u64,
    /// Those with token counts and without a price.
    pub unpriced: u64,
    /// Those that may have been billed and whose tokens nobody counted.
    pub without_usage: u64,
    /// Failures for which nothing is billed.
    pub unbilled: u64,
    /// Priced ones whose token counts are estimates.
    pub estimated: u64,
    /// Priced ones at a dearer time than the cheapest of the day.
    pub peak: u64,
    /// Nano-dollars of the priced ones.
    pub nanos: i128,
    /// The part of it that rests on estimated token counts.
    pub estimated_nanos: i128,
    /// The part of it at dearer times.
    pub peak_nanos: i128,
    /// Tokens of all that have counts.
    pub tokens: Tokens,
    /// Characters of the answers.
    pub answer_chars: u64,
    /// Characters of the answers of priced exchanges.
    pub priced_chars: u64,
}

impl Sums {
    /// Adds one exchange.
    pub fn add(&mut self, line: &Line) {
        self.exchanges += 1;
        self.answered += u64::from(line.answered);
        self.answer_chars = self.answer_chars.saturating_add(line.answer_chars);
        if let Some(usage) = &line.usage {
            self.tokens.add(&Tokens::of(usage));
        }
        match line.cost {
            Cost::Priced { nanos, peak } => {
                let nanos = i128::from(nanos);
                let estimated = line.usage.is_some_and(|usage| usage.source == UsageSource::Estimate);
                self.priced += 1;
                self.nanos += nanos;
                self.priced_chars = self.priced_chars.saturating_add(line.answer_chars);
                self.estimated += u64::from(estimated);
                self.estimated_nanos += if estimated { nanos } else { 0 };
                self.peak += u64::from(peak);
                self.peak_nanos += if peak { nanos } else { 0 };
            }
            Cost::Unpriced => self.unpriced += 1,
            Cost::WithoutUsage => self.without_usage += 1,
            Cost::Unbilled => self.unbilled += 1,
        }
    }

    /// Adds the sums of other exchanges.
    pub const fn merge(&mut self, other: &Self) {
        self.exchanges += other.exchanges;
        self.answered += other.answered;
        self.priced += other.priced;
        self.unpriced += other.unpriced;
        self.without_usage += other.without_usage;
        self.unbilled += other.unbilled;
        self.estimated += other.estimated;
        self.peak += other.peak;
        self.nanos = self.nanos.saturating_add(other.nanos);
        self.estimated_nanos = self.estimated_nanos.saturating_add(other.estimated_nanos);
        self.peak_nanos = self.peak_nanos.saturating_add(other.peak_nanos);
        self.tokens.add(&other.tokens);
        self.answer_chars = self.answer_chars.saturating_add(other.answer_chars);
        self.priced_chars = self.priced_chars.saturating_add(other.priced_chars);
    }

    /// As it is written, without the columns that name the group.
    #[must_use]
    pub fn paid(&self) -> Paid {
        let per_answer = (self.answered > 0).then(|| self.answer_chars as f64 / self.answered as f64);
        let per_1000 = (self.priced_chars > 0).then(|| half_up(self.nanos.saturating_mul(1000), self.priced_chars));
        Paid {
            exchanges: self.exchanges,
            answered: self.answered,
            priced: self.priced,
            unpriced: self.unpriced,
            without_usage: self.without_usage,
            unbilled: self.unbilled,
            estimated: self.estimated,
            peak: self.peak,
            amount: exact(self.nanos),
            estimated_amount: exact(self.estimated_nanos),
            peak_amount: exact(self.peak_nanos),
            prompt_uncached: self.tokens.uncached,
            prompt_cached: self.tokens.cached,
            prompt_cache_write: self.tokens.cache_write,
            completion_visible: self.tokens.visible,
            completion_reasoning: self.tokens.reasoning,
            answer_chars: self.answer_chars,
            chars_per_answer: per_answer.map(|chars| (chars * 10.0).round() / 10.0),
            per_1000_chars: per_1000.map(|nanos| exact(i128::from(saturated(nanos)))),
            ..Paid::default()
        }
    }
}

fn half_up(sum: i128, count: u64) -> i128 {
    let count = i128::from(count);
    sum.saturating_add(count / 2).div_euclid(count.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn priced(nanos: i64, source: UsageSource, peak: bool) -> Line {
        Line {
            answered: true,
            usage: Some(Usage { cached: Some(40), reasoning: Some(5), ..Usage::new(100, 20, source) }),
            cost: Cost::Priced { nanos, peak },
            answer_chars: 80,
        }
    }

    #[test]
    fn each_exchange_falls_into_one_class_and_money_is_exact() {
        let mut sums = Sums::default();
        sums.add(&priced(1001, UsageSource::Provider, true));
        sums.add(&priced(500, UsageSource::Estimate, false));
        for cost in [Cost::Unpriced, Cost::WithoutUsage, Cost::Unbilled] {
            sums.add(&Line { answered: false, usage: None, cost, answer_chars: 0 });
        }
        let paid = sums.paid();
        assert_eq!((paid.exchanges, paid.answered, paid.priced), (5, 2, 2));
        assert_eq!((paid.unpriced, paid.without_usage, paid.unbilled), (1, 1, 1));
        assert_eq!((paid.estimated, paid.peak), (1, 1));
        assert_eq!(paid.amount, "0.000001501");
        assert_eq!((paid.estimated_amount.as_str(), paid.peak_amount.as_str()), ("0.000000500", "0.000001001"));
        assert_eq!((paid.prompt_uncached, paid.prompt_cached), (120, 80));
        assert_eq!((paid.completion_visible, paid.completion_reasoning), (30, 10));
        // 1501 nano-dollars over 160 characters: 9381.25 for a thousand.
        assert_eq!((paid.chars_per_answer, paid.per_1000_chars.as_deref()), (Some(80.0), Some("0.000009381")));
    }

    #[test]
    fn parts_larger_than_their_whole_are_cut() {
        let usage = Usage {
            cached: Some(90),
            cache_write: Some(90),
            reasoning: Some(u64::MAX),
            ..Usage::new(100, 7, UsageSource::Provider)
        };
        let tokens = Tokens::of(&usage);
        assert_eq!((tokens.uncached, tokens.cached, tokens.cache_write), (0, 90, 10));
        assert_eq!((tokens.visible, tokens.reasoning, tokens.prompt()), (0, 7, 100));
        assert_eq!(Tokens::default().hit_rate(), None);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_sums(amounts in prop::collection::vec(0i64..1_000_000, 0..40), cut in 0usize..40) {
            let lines: Vec<Line> = amounts.iter().map(|nanos| priced(*nanos, UsageSource::Provider, nanos % 2 == 0)).collect();
            let sum = |lines: &[Line]| lines.iter().fold(Sums::default(), |mut sums, line| { sums.add(line); sums });
            let (first, second) = lines.split_at(cut.min(lines.len()));
            let mut merged = sum(second);
            merged.merge(&sum(first));
            prop_assert_eq!(merged, sum(&lines));
            prop_assert_eq!(merged.nanos, amounts.iter().map(|nanos| i128::from(*nanos)).sum::<i128>());
        }
    }
}
