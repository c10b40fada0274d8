//! Times and lengths of answered rows, in histograms whose size has a bound.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use wire::provider::Provider;

use super::{OutcomeRow, ROWS_MIN, share};
use crate::profile::{GapBand, Measured, SHARES};

/// Share of the rows that a band of starts has at least.
const BAND_MIN: f64 = 0.02;
/// Longer times count as this, microseconds.
const TIME_US_MAX: u64 = 3_600_000_000;
/// Longer texts count as this, tokens.
const TOKENS_MAX: u64 = 10_000_000;

/// What is known of one model, or of all.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) answered: u64,
    first_token_us: Histogram<u64>,
    whole_us: Histogram<u64>,
    /// By the half octave of the time to the first token.
    gaps_us: BTreeMap<u32, Histogram<u64>>,
    answer_tokens: Histogram<u64>,
    reasoning_tokens: Histogram<u64>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            answered: 0,
            first_token_us: histogram(),
            whole_us: histogram(),
            gaps_us: BTreeMap::new(),
            answer_tokens: histogram(),
            reasoning_tokens: histogram(),
        }
    }
}

/// Two significant digits; it grows with its largest value, which is bounded.
#[expect(clippy::expect_used, reason = "the only other outcome is a wrong number of digits")]
fn histogram() -> Histogram<u64> {
    Histogram::new(2).expect("two digits are allowed")
}

impl Tables {
    pub(super) fn add(&mut self, row: &OutcomeRow<'_>) {
        self.answered += 1;
        let reasoning = row.reasoning_tokens.unwrap_or(0);
        if let Some(completion) = row.completion_tokens {
            record(&mut self.answer_tokens, completion.saturating_sub(reasoning).min(TOKENS_MAX));
            record(&mut self.reasoning_tokens, reasoning.min(TOKENS_MAX));
        }
        let ttft_us = row.ttft_us.filter(|ttft_us| row.streamed && *ttft_us <= row.duration_us);
        let Some(ttft_us) = ttft_us else {
            record(&mut self.whole_us, row.duration_us.min(TIME_US_MAX));
            return;
        };
        record(&mut self.first_token_us, ttft_us.min(TIME_US_MAX));
        // OpenAI thinks before the first token and says nothing of it.
        let hidden = if row.provider == Provider::OpenAi { reasoning } else { 0 };
        let gaps = row.completion_tokens.map_or(0, |completion| completion.saturating_sub(hidden).saturating_sub(1));
        if let Some(gap_us) = (row.duration_us - ttft_us).checked_div(gaps) {
            let gaps_us = self.gaps_us.entry(half_octave(ttft_us.min(TIME_US_MAX))).or_insert_with(histogram);
            record(gaps_us, gap_us.min(TIME_US_MAX));
        }
    }

    /// Tables of gaps by the time of the first token: half octaves, joined until each band has enough rows.
    fn bands(&self) -> Vec<GapBand> {
        let rows: u64 = self.gaps_us.values().map(Histogram::len).sum();
        let enough = ROWS_MIN.max((rows as f64 * BAND_MIN) as u64);
        let (mut bands, mut open, mut seen) = (Vec::new(), histogram(), 0);
        for gaps_us in self.gaps_us.values() {
            join(&mut open, gaps_us);
            seen += gaps_us.len();
            let rest = rows - seen;
            // A rest that is too small for a band of its own belongs to this one.
            if open.len() >= enough && (rest == 0 || rest >= enough) {
                let until = share(u128::from(seen), u128::from(rows));
                bands.push(GapBand { until, gap_ms: table(&open, 1000.0) });
                open = histogram();
            }
        }
        bands
    }

    pub(super) fn measured(&self) -> Measured {
        let streamed = self.first_token_us.len() >= ROWS_MIN;
        let first = if streamed { &self.first_token_us } else { &self.whole_us };
        // Where whole answers are all there is, their time is the first token's, and the rest takes none.
        let gap_ms = if streamed { Vec::new() } else { vec![0.0; SHARES.len()] };
        Measured {
            first_token_ms: table(first, 1000.0),
            gap_ms,
            gap_bands: if streamed { self.bands() } else { Vec::new() },
            answer_tokens: table(&self.answer_tokens, 1.0),
            reasoning_tokens: table(&self.reasoning_tokens, 1.0),
        }
    }
}

/// Which half octave a time lies in: times within it differ by a factor of at most the root of two.
fn half_octave(us: u64) -> u32 {
    // The cast is of a number from 0 to 128.
    ((us.max(1) as f64).log2() * 2.0) as u32
}

/// The value is bounded and the histogram grows, so there is nothing to fail.
fn record(histogram: &mut Histogram<u64>, value: u64) {
    histogram.record(value).unwrap_or_default();
}

/// Both are bounded alike, so there is nothing to fail.
fn join(histogram: &mut Histogram<u64>, other: &Histogram<u64>) {
    histogram.add(other).unwrap_or_default();
}

/// The values at all shares; none if there are too few to say.
fn table(histogram: &Histogram<u64>, unit: f64) -> Vec<f64> {
    if histogram.len() < ROWS_MIN {
        return Vec::new();
    }
    SHARES.iter().map(|share| histogram.value_at_quantile(*share) as f64 / unit).collect()
}
