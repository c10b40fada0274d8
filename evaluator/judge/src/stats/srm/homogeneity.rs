//! Was the same share seen in every group? A mirror that drops long prompts keeps its overall share of observed
//! copies near one and still biases every tail.

use statrs::distribution::{ChiSquared, ContinuousCDF};
use statrs::function::gamma::ln_gamma;

use crate::stats::Refusal;

/// From this many expected units in every cell on, the chi-square approximation is used.
const ENOUGH_EXPECTED: f64 = 5.0;

/// Most tables that the exact test lists.
const TABLES_MAX: f64 = 300_000.0;

/// Slack in comparing probabilities that are equal on paper.
const EQUAL: f64 = 1e-7;

/// p-value of "the share observed of the intended is the same in all groups", from `(observed, intended)` of each
/// group, e.g. mirrored copies by tercile of prompt length. Pearson's chi-square with one degree of freedom less than
/// groups; where a cell expects fewer than 5, the exact conditional test (Freeman & Halton 1951: all tables with the
/// same margins that are no more probable). Groups without intended units leave the test. If nothing or everything
/// was observed, all groups agree and it is 1.
///
/// # Errors
///
/// Refuses more observed than intended, fewer than two groups with units, and tables with a small cell that are too
/// many to list (a tiny group beside huge ones: put it to its neighbour).
pub fn homogeneity_p(groups: &[(u64, u64)]) -> Result<f64, Refusal> {
    if let Some((part, whole)) = groups.iter().find(|(observed, intended)| observed > intended) {
        return Err(Refusal::CountsInconsistent { part: *part, whole: *whole });
    }
    let mut groups: Vec<(u64, u64)> = groups.iter().copied().filter(|(_, intended)| *intended > 0).collect();
    if groups.len() < 2 {
        return Err(Refusal::TooFew { n: groups.len() as u64, needed: 2 });
    }
    let total: f64 = groups.iter().map(|(_, intended)| *intended as f64).sum();
    let observed: f64 = groups.iter().map(|(observed, _)| *observed as f64).sum();
    let missing: f64 = groups.iter().map(|(observed, intended)| (intended - observed) as f64).sum();
    if observed <= 0.0 || missing <= 0.0 {
        return Ok(1.0);
    }
    // The rarer outcome is the one to look at; both give the same answer.
    if missing < observed {
        groups.iter_mut().for_each(|(observed, intended)| *observed = *intended - *observed);
    }
    let rare = observed.min(missing);
    let smallest = groups.iter().map(|(_, intended)| *intended as f64).fold(f64::INFINITY, f64::min);
    if smallest * rare / total >= ENOUGH_EXPECTED {
        return chi_square(&groups, rare / total);
    }
    exact(&groups, rare)
}

fn chi_square(groups: &[(u64, u64)], share: f64) -> Result<f64, Refusal> {
    let cell = |(seen, intended): &(u64, u64)| {
        let intended = *intended as f64;
        let surplus = *seen as f64 - intended * share;
        surplus * surplus / (intended * share * (1.0 - share))
    };
    let statistic: f64 = groups.iter().map(cell).sum();
    let degrees = (groups.len() - 1) as f64;
    let tail = ChiSquared::new(degrees).map_or(f64::NAN, |distribution| distribution.sf(statistic));
    if tail.is_nan() { Err(Refusal::NotFinite { index: 0, value: statistic }) } else { Ok(tail.clamp(0.0, 1.0)) }
}

/// Sums the probabilities of all tables with the same margins that are no more probable than the one seen.
fn exact(groups: &[(u64, u64)], rare: f64) -> Result<f64, Refusal> {
    let tables = (1..groups.len()).map(|i| (rare + i as f64) / i as f64).product::<f64>();
    if tables > TABLES_MAX {
        let needed = groups.iter().map(|(_, intended)| *intended).fold(0, u64::saturating_add);
        let n = groups.iter().map(|(_, intended)| *intended).min().unwrap_or(0);
        return Err(Refusal::TooFew { n, needed: (ENOUGH_EXPECTED * needed as f64 / rare).ceil() as u64 });
    }
    let count = rare as u64;
    let sizes: Vec<u64> = groups.iter().map(|(_, intended)| *intended).collect();
    let seen: f64 = groups.iter().map(|(seen, intended)| log_choose(*intended, *seen)).sum();
    // Probabilities relative to the table seen, so that none of them overflows or vanishes for its size alone.
    let mut sums = Sums { least: 0.0, all: 0.0, seen };
    list(&sizes, count, 0.0, &mut sums);
    Ok((sums.least / sums.all).min(1.0))
}

struct Sums {
    least: f64,
    all: f64,
    seen: f64,
}

fn list(sizes: &[u64], left: u64, log: f64, sums: &mut Sums) {
    let Some((size, rest)) = sizes.split_first() else { return };
    if rest.is_empty() {
        if left <= *size {
            let relative = log + log_choose(*size, left) - sums.seen;
            sums.all += relative.exp();
            if relative <= EQUAL {
                sums.least += relative.exp();
            }
        }
        return;
    }
    for here in 0..=left.min(*size) {
        list(rest, left - here, log + log_choose(*size, here), sums);
    }
}

/// Logarithm of the number of ways to choose `k` of `n`; `k` is small where `n` is large.
fn log_choose(n: u64, k: u64) -> f64 {
    let k = k.min(n - k);
    if k <= 64 {
        let factor = |i: u64| ((n - i) as f64 / (i + 1) as f64).ln();
        return (0..k).map(factor).sum();
    }
    let (n, k) = (n as f64, k as f64);
    ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_of_long_prompts_show() {
        // 1 % lost in each tercile, then all of it in the last.
        assert!(homogeneity_p(&[(990, 1000), (989, 1000), (991, 1000)]).unwrap() > 0.8);
        assert!(homogeneity_p(&[(1000, 1000), (1000, 1000), (970, 1000)]).unwrap() < 1e-9);
        // Three lost of 3000, all in one group: 3 * (1/3)^3.
        let few = homogeneity_p(&[(1000, 1000), (1000, 1000), (997, 1000)]).unwrap();
        assert!((few - 1.0 / 9.0).abs() < 1e-3, "{few}");
    }

    #[test]
    fn groups_without_units_leave_and_nonsense_is_refused() {
        assert_eq!(homogeneity_p(&[(5, 5), (9, 9), (0, 0)]), Ok(1.0));
        assert_eq!(homogeneity_p(&[(0, 5), (0, 9)]), Ok(1.0));
        assert_eq!(homogeneity_p(&[(5, 5), (0, 0)]).unwrap_err().reason(), "too-few-observations");
        assert_eq!(homogeneity_p(&[]).unwrap_err().reason(), "too-few-observations");
        assert_eq!(homogeneity_p(&[(6, 5), (1, 9)]).unwrap_err().reason(), "counts-inconsistent");
        let tiny = homogeneity_p(&[(1, 2), (500_000, 1_000_000), (500_000, 1_000_000)]);
        assert_eq!(tiny.unwrap_err().reason(), "too-few-observations");
        assert!(homogeneity_p(&[(u64::MAX, u64::MAX), (u64::MAX - 9, u64::MAX)]).unwrap() < 0.01);
        assert!(homogeneity_p(&[(u64::MAX / 2, u64::MAX), (u64::MAX / 3, u64::MAX)]).unwrap() < 1e-9);
    }
}
