//! The rules to compare with, in our own words: what is common practice today.
//!
//! *Naive peeking* takes a test made for one look and looks again and again. *One fixed window* is the default judge of
//! Spinnaker's Kayenta as its documentation describes it: time series of sixty one-minute points per metric and arm, a
//! Mann-Whitney interval (98 %, normal approximation) of the shift between them, and a metric fails if the interval is
//! above a quarter of the estimated shift. *Static limits* is what Flagger does with its built-in metrics: the canary
//! alone, an error share and a latency percentile against limits that somebody wrote down.

use judge::stats::special::normal_quantile;

use crate::runs::Generator;
use crate::traffic::{Prompt, Request, Truth};

/// Points of the fixed window.
const MINUTES: usize = 60;
/// Static limits: error share, and share of requests slower than 1.25 times the usual p95.
const STATIC_ERRORS: f64 = 0.02;
const STATIC_SLOW: f64 = 0.05;

/// Mann-Whitney interval of the shift `x - y` and its estimate: the differences at which the standardised rank sum
/// passes the normal quantiles, and zero.
fn shift(x: &[f64], y: &[f64], confidence: f64) -> [f64; 3] {
    let mut differences: Vec<f64> = x.iter().flat_map(|a| y.iter().map(move |b| a - b)).collect();
    differences.sort_by(f64::total_cmp);
    let (m, n) = (x.len() as f64, y.len() as f64);
    let ties: f64 = [x, y].map(tied).iter().sum();
    let spread = (m * n / 12.0 * ((m + n + 1.0) - ties / ((m + n) * (m + n - 1.0)))).max(0.0).sqrt();
    let standardised = |above: usize| {
        let off = above as f64 - m * n / 2.0;
        if spread > 0.0 { (off - off.signum() * 0.5 * f64::from(u8::from(off != 0.0))) / spread } else { 0.0 }
    };
    let all = differences.len();
    let crossing = |target: f64| {
        // Smallest number of differences left behind at which the statistic has fallen to the target.
        let (mut low, mut high) = (0, all);
        while low < high {
            let middle = usize::midpoint(low, high);
            if standardised(all - middle) > target { low = middle + 1 } else { high = middle }
        }
        differences[low.saturating_sub(1).min(all - 1)]
    };
    let z = normal_quantile(1.0 - (1.0 - confidence) / 2.0);
    [crossing(z), crossing(-z), crossing(0.0)]
}

/// `sum t^3 - t` over groups of equal values.
fn tied(values: &[f64]) -> f64 {
    let mut ascending = values.to_vec();
    ascending.sort_by(f64::total_cmp);
    let groups = ascending.chunk_by(|a, b| a.total_cmp(b).is_eq());
    groups.map(|group| group.len() as f64).map(|t| t * t * t - t).sum()
}

/// Whether the fixed window fails a metric of which more is worse.
pub(crate) fn window_fails(candidate: &[f64], baseline: &[f64]) -> bool {
    if candidate.is_empty() || baseline.is_empty() {
        return false;
    }
    let first = candidate[0];
    if candidate.iter().chain(baseline).all(|value| value.total_cmp(&first).is_eq()) {
        return false;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let [lower, _, estimate] = shift(candidate, baseline, 0.98);
    let ratio = mean(candidate) / mean(baseline);
    // A ratio that cannot be formed, or is against nothing, does not excuse.
    lower > 0.25 * estimate.abs() && !(mean(baseline) > 0.0 && mean(candidate) > 0.0 && ratio < 1.0)
}

/// What both rules say of one window of `n` separate requests an arm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WindowVerdict {
    /// The Mann-Whitney window passes.
    pub(crate) window_passes: bool,
    /// The static limits pass.
    pub(crate) static_passes: bool,
}

/// Draws a window and asks both rules. `usual_p95_us` is what the limits were written down for.
pub(crate) fn window(rng: &mut Generator, truth: &Truth, n: usize, usual_p95_us: f64) -> WindowVerdict {
    let mut arm = |candidate: bool| -> Vec<Request> {
        (0..n)
            .map(|_| {
                let prompt = Prompt::draw(rng);
                truth.answer(rng, prompt, candidate)
            })
            .collect()
    };
    let (baseline, candidate) = (arm(false), arm(true));
    let fails = [p95, mean_ttft, error_share, block_share, mean_cost]
        .iter()
        .any(|metric| window_fails(&by_minute(&candidate, metric), &by_minute(&baseline, metric)));
    let share = |hit: &dyn Fn(&Request) -> bool| candidate.iter().filter(|r| hit(r)).count() as f64 / n as f64;
    let static_passes =
        share(&|r| r.failed) <= STATIC_ERRORS && share(&|r| r.ttft_us as f64 > 1.25 * usual_p95_us) <= STATIC_SLOW;
    WindowVerdict { window_passes: !fails, static_passes }
}

fn by_minute(requests: &[Request], metric: &dyn Fn(&[Request]) -> f64) -> Vec<f64> {
    let n = requests.len();
    (0..MINUTES)
        .map(|k| &requests[k * n / MINUTES..(k + 1) * n / MINUTES])
        .filter(|m| !m.is_empty())
        .map(metric)
        .collect()
}

fn mean_of(requests: &[Request], value: impl Fn(&Request) -> f64) -> f64 {
    requests.iter().map(value).sum::<f64>() / requests.len() as f64
}

fn mean_ttft(requests: &[Request]) -> f64 {
    mean_of(requests, |r| r.ttft_us as f64)
}

fn error_share(requests: &[Request]) -> f64 {
    mean_of(requests, |r| f64::from(u8::from(r.failed)))
}

fn block_share(requests: &[Request]) -> f64 {
    mean_of(requests, |r| f64::from(u8::from(r.blocked)))
}

fn mean_cost(requests: &[Request]) -> f64 {
    mean_of(requests, |r| r.cost_nanos as f64)
}

/// Interpolated as a metrics store does it.
fn p95(requests: &[Request]) -> f64 {
    let mut ascending: Vec<u64> = requests.iter().map(|r| r.ttft_us).collect();
    ascending.sort_unstable();
    let at = 0.95 * (ascending.len() - 1) as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    let (a, b) = (ascending[low] as f64, ascending[high] as f64);
    a + (b - a) * (at - low as f64)
}

/// The baseline's p95 as an operator would know it: from very many requests.
pub(crate) fn usual_p95_us(rng: &mut Generator, truth: &Truth) -> f64 {
    let requests: Vec<Request> = (0..200_000)
        .map(|_| {
            let prompt = Prompt::draw(rng);
            truth.answer(rng, prompt, false)
        })
        .collect();
    p95(&requests)
}
