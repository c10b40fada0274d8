//! How long prompts are, and in which scripts.
//!
//! Tokens are estimated from characters ([`Characters::tokens`]), which is good to a factor of about 1.5; sums of estimates
//! go into no bill from here. Quantiles come from counts in steps of a tenth, so memory does not grow with the log.

use crate::document::Prompts;
use crate::facts;
use wire::json::Object;
use wire::provider::Provider;
use wire::usage::Characters;

/// Each step is a tenth above the one before; the last one begins beyond ten thousand million.
const STEPS: usize = 256;

#[derive(Debug)]
pub(crate) struct Lengths {
    told: Prompts,
    steps: [u64; STEPS],
}

impl Default for Lengths {
    fn default() -> Self {
        Self { told: Prompts::default(), steps: [0; STEPS] }
    }
}

impl Lengths {
    /// A request that was judged. `answer` is the limit of its answer, if it has one.
    pub(crate) fn add(&mut self, prompt: Characters, answer: Option<u64>, candidate: Provider, model: &str) {
        if prompt.total() == 0 {
            return;
        }
        let told = &mut self.told;
        told.requests += 1;
        told.chars = told.chars.saturating_add(prompt.total());
        told.wide_chars = told.wide_chars.saturating_add(prompt.wide);
        told.mostly_wide += u64::from(prompt.wide > prompt.narrow);
        let tenth = prompt.total() / 10;
        told.mixed += u64::from(prompt.wide > 0 && prompt.wide >= tenth && prompt.narrow > 0 && prompt.narrow >= tenth);
        let tokens = prompt.tokens();
        told.tokens_max = told.tokens_max.max(tokens);
        match facts::window(candidate, model) {
            None => told.window_unknown += 1,
            Some(window) => {
                let needed = u128::from(tokens) + u128::from(answer.unwrap_or(0));
                told.above_half_window += u64::from(needed * 2 > u128::from(window));
                told.near_window += u64::from(needed * 10 > u128::from(window) * 9);
            }
        }
        if let Some(step) = self.steps.get_mut(step_of(tokens)) {
            *step += 1;
        }
    }

    pub(crate) fn finish(self) -> Prompts {
        let quantile = |percent: u64| self.quantile(percent);
        Prompts { tokens_quantiles: [quantile(50), quantile(90), quantile(99)], ..self.told }
    }

    /// Upper end of the step that so many percent of the prompts stay within; at most the longest prompt.
    fn quantile(&self, percent: u64) -> u64 {
        let wanted = (self.told.requests * percent).div_ceil(100);
        let mut count = 0;
        for (step, requests) in self.steps.iter().enumerate() {
            count += requests;
            if count >= wanted && count > 0 {
                return end_of(step).min(self.told.tokens_max);
            }
        }
        0
    }
}

fn step_of(tokens: u64) -> usize {
    let step = (tokens.max(1) as f64).ln() / 1.1f64.ln();
    // A logarithm of at least 0; a cast saturates.
    (step.ceil() as usize).min(STEPS - 1)
}

fn end_of(step: usize) -> u64 {
    1.1f64.powf(step as f64) as u64
}

/// The limit of a request's answer.
pub(crate) fn answer_limit(object: &Object<'_>) -> Option<u64> {
    ["max_completion_tokens", "max_tokens", "max_output_tokens"].into_iter().find_map(|name| object.read(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_good_to_a_tenth_and_scripts_are_told() {
        let mut lengths = Lengths::default();
        for tokens in 1..=1000u64 {
            lengths.add(Characters { narrow: tokens * 4, wide: 0 }, None, Provider::DeepSeek, "deepseek-flash");
        }
        let told = lengths.finish();
        assert_eq!((told.requests, told.tokens_max, told.mostly_wide, told.mixed), (1000, 1000, 0, 0));
        for (got, exact) in told.tokens_quantiles.into_iter().zip([500.0, 900.0, 990.0]) {
            assert!((got as f64 / exact - 1.0).abs() < 0.11, "{got} for {exact}");
        }
        let mut lengths = Lengths::default();
        lengths.add(Characters { narrow: 10, wide: 90 }, None, Provider::DeepSeek, "m");
        lengths.add(Characters { narrow: 0, wide: 9 }, None, Provider::DeepSeek, "m");
        lengths.add(Characters { narrow: 0, wide: 0 }, None, Provider::DeepSeek, "m");
        let told = lengths.finish();
        assert_eq!((told.requests, told.mostly_wide, told.mixed, told.wide_chars), (2, 2, 1, 99));
    }

    #[test]
    fn any_length_is_borne() {
        let mut lengths = Lengths::default();
        for chars in [1, u64::MAX / 4] {
            lengths.add(Characters { narrow: chars, wide: chars }, Some(u64::MAX), Provider::DeepSeek, "m");
        }
        assert_eq!(lengths.finish().requests, 2);
    }
}
