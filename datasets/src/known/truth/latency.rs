//! True distributions of times, on the logarithm of microseconds.
//!
//! Time to first token T and the sum of pauses G are both log-normal given the prompt's factor, which they share; a
//! slow exchange is slower in both. P(T + G <= x) has no closed form, so it is integrated over the prompt's factor and
//! the own part of T by the trapezoid rule, which for a normal weight converges faster than any power of the step
//! (Trefethen and Weideman 2014), and kept as a table with cubic interpolation.

use crate::known::profile::{Behaviour, Prompts};

/// Nodes of the integration: from -REACH to REACH by STEP standard deviations.
const STEP: f64 = 0.25;
const REACH: i32 = 26;
/// Steps of the table, on the log scale.
const GRID: f64 = 0.04;
/// Standard deviations around the middle that the table spans.
const SPAN: f64 = 8.0;
/// Parts of a mixture beyond which neighbours are put together.
const PARTS_MAX: usize = 400;
/// Halvings of the range of a quantile: below a billionth of it.
const HALVINGS: u32 = 60;
/// Logarithms of the shortest and longest time that can be, microseconds.
const RANGE: (f64, f64) = (-10.0, 45.0);

/// The distributions of one arm's times, before all factors.
pub(super) struct Times {
    slow_share: f64,
    slow_ln: f64,
    ttft: (f64, f64),
    pause: (f64, f64),
    duration: Table,
}

impl Times {
    pub(super) fn new(arm: &Behaviour, prompts: &Prompts) -> Self {
        let ttft_ln = libm::log(arm.ttft_ms * 1e3);
        let pause_ln = libm::log(arm.token_ms * 1e3);
        let sum = Sum {
            ttft_ln,
            pauses_ln: pause_ln + libm::log(arm.tokens * arm.tokens_ratio),
            ttft_shared: prompts.ttft_sigma,
            ttft_own: arm.ttft_sigma,
            pauses_shared: prompts.tokens_sigma,
            pauses_own: libm::hypot(arm.tokens_sigma, arm.token_sigma),
        };
        Self {
            slow_share: arm.slow_share,
            slow_ln: libm::log(arm.slow_factor),
            ttft: (ttft_ln, libm::hypot(prompts.ttft_sigma, arm.ttft_sigma)),
            pause: (pause_ln, arm.token_sigma),
            duration: Table::new(&sum),
        }
    }

    /// Distribution function of the time to first token at a logarithm of microseconds.
    pub(super) fn ttft(&self, ln_us: f64) -> f64 {
        self.slowed(ln_us, |ln| normal((ln - self.ttft.0) / self.ttft.1))
    }

    /// Of the time to the last byte.
    pub(super) fn duration(&self, ln_us: f64) -> f64 {
        self.slowed(ln_us, |ln| self.duration.at(ln))
    }

    /// Of the mean pause between tokens.
    pub(super) fn pause(&self, ln_us: f64) -> f64 {
        self.slowed(ln_us, |ln| normal((ln - self.pause.0) / self.pause.1))
    }

    fn slowed(&self, ln_us: f64, curve: impl Fn(f64) -> f64) -> f64 {
        let slow = if self.slow_share > 0.0 { self.slow_share * curve(ln_us - self.slow_ln) } else { 0.0 };
        (1.0 - self.slow_share) * curve(ln_us) + slow
    }
}

/// T + G.
struct Sum {
    ttft_ln: f64,
    pauses_ln: f64,
    ttft_shared: f64,
    ttft_own: f64,
    pauses_shared: f64,
    pauses_own: f64,
}

impl Sum {
    /// P(T + G <= x), given the nodes of the integration with their weights.
    fn below(&self, ln_us: f64, nodes: &[(f64, f64)]) -> f64 {
        let (limit, mut sum) = (libm::exp(ln_us), 0.0);
        for (factor, factor_weight) in nodes {
            let ttft_ln = self.ttft_ln + self.ttft_shared * factor;
            let pauses_ln = self.pauses_ln + self.pauses_shared * factor;
            let mut inner = 0.0;
            for (own, weight) in nodes {
                let rest = limit - libm::exp(ttft_ln + self.ttft_own * own);
                if rest > 0.0 {
                    inner += weight * normal((libm::log(rest) - pauses_ln) / self.pauses_own);
                }
            }
            sum += factor_weight * inner;
        }
        sum
    }
}

/// Nodes and weights of the trapezoid rule for a normal weight.
fn nodes() -> Vec<(f64, f64)> {
    let density = |z: f64| libm::exp(-z * z / 2.0) / std::f64::consts::TAU.sqrt();
    (-REACH..=REACH).map(|index| f64::from(index) * STEP).map(|z| (z, STEP * density(z))).collect()
}

/// A distribution function at equal steps of the logarithm.
struct Table {
    from: f64,
    values: Vec<f64>,
}

impl Table {
    fn new(sum: &Sum) -> Self {
        let widths = [libm::hypot(sum.ttft_shared, sum.ttft_own), libm::hypot(sum.pauses_shared, sum.pauses_own)];
        // A sum of two positive parts lies above each of them, and below twice the larger.
        let from = (sum.ttft_ln - SPAN * widths[0]).max(sum.pauses_ln - SPAN * widths[1]);
        let to = (sum.ttft_ln + SPAN * widths[0]).max(sum.pauses_ln + SPAN * widths[1]) + std::f64::consts::LN_2;
        let nodes = nodes();
        let steps = ((to - from) / GRID).ceil().max(3.0) as usize;
        Self { from, values: (0..=steps).map(|step| sum.below(from + step as f64 * GRID, &nodes)).collect() }
    }

    /// Cubic interpolation through the four values around (Catmull and Rom 1974).
    fn at(&self, ln: f64) -> f64 {
        let place = (ln - self.from) / GRID;
        if place < 1.0 {
            return if place < 0.0 { 0.0 } else { self.values.first().copied().unwrap_or(0.0) };
        }
        let index = place as usize;
        let Some([before, low, high, after]) = self.values.get(index - 1..index + 3) else { return 1.0 };
        let t = place - index as f64;
        let slope = [(high - before) / 2.0, (after - low) / 2.0];
        let (square, cube) = (t * t, t * t * t);
        low * (2.0 * cube - 3.0 * square + 1.0)
            + slope[0] * (cube - 2.0 * square + t)
            + high * (3.0 * square - 2.0 * cube)
            + slope[1] * (cube - square)
    }
}

/// The standard normal distribution function.
fn normal(z: f64) -> f64 {
    libm::erfc(-z / std::f64::consts::SQRT_2) / 2.0
}

/// The time in microseconds below which this share of all requests lies; `None` if fewer are ever answered.
pub(super) fn quantile(level: f64, below: impl Fn(f64) -> f64) -> Option<f64> {
    let (mut low, mut high) = RANGE;
    if below(high) < level {
        return None;
    }
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if below(middle) < level { low = middle } else { high = middle }
    }
    Some(libm::exp(high))
}

/// Puts neighbours of a mixture with very many parts together: at their mean, weighted by their shares.
pub(super) fn gathered(mut parts: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    parts.sort_by(|one, other| one.1.total_cmp(&other.1));
    let mut whole: Vec<(f64, f64)> = Vec::new();
    for (share, ln) in parts {
        match whole.last_mut().filter(|last| last.1.total_cmp(&ln).is_eq()) {
            Some(last) => last.0 += share,
            None => whole.push((share, ln)),
        }
    }
    if whole.len() <= PARTS_MAX {
        return whole;
    }
    let (first, last) = (whole.first().map_or(0.0, |part| part.1), whole.last().map_or(0.0, |part| part.1));
    let width = (last - first) / PARTS_MAX as f64;
    let mut bins = vec![(0.0, 0.0); PARTS_MAX];
    for (share, ln) in whole {
        let index = (((ln - first) / width) as usize).min(PARTS_MAX - 1);
        bins[index].0 += share;
        bins[index].1 += share * ln;
    }
    bins.into_iter().filter(|bin| bin.0 > 0.0).map(|(share, sum)| (share, sum / share)).collect()
}
