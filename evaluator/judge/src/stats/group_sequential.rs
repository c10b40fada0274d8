//! Group-sequential boundaries, for a plan with a fixed horizon and few looks.
//!
//! Lan & DeMets 1983: the level is spent over the information as a function fixed beforehand, and the boundary of a
//! look is the value whose first crossing there costs what may be spent since the last look. Crossing probabilities
//! by recursive numerical integration (Armitage, McPherson & Rowe 1969): the density of the score on the paths that
//! have not crossed yet is carried from look to look. Between looks it is a normal density convolved with a smooth
//! one, so Gauss-Legendre panels two standard deviations wide leave no visible error.
//!
//! If looks may come whenever they like, [`super::sequence`] and [`super::betting`] are the tools.

use super::special::{normal_density, normal_upper_tail};
use super::{BISECTION_STEPS, Refusal, border, check_level};

/// How the level is spent over the information fraction t.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spending {
    /// Hardly anything early: `2 - 2 Phi(z_(alpha/2) / sqrt(t))` (O'Brien & Fleming 1979 in spending form).
    OBrienFleming,
    /// Evenly, nearly: `alpha ln(1 + (e - 1) t)` (Pocock 1977 in spending form).
    Pocock,
}

impl Spending {
    /// Level spent until the information fraction `t`.
    fn spent(self, t: f64, alpha: f64) -> f64 {
        match self {
            Self::OBrienFleming => 2.0 * normal_upper_tail(-super::special::normal_quantile(alpha / 2.0) / t.sqrt()),
            Self::Pocock => alpha * ((std::f64::consts::E - 1.0) * t).ln_1p(),
        }
    }
}

/// Most looks of a plan.
const LOOKS_MAX: usize = 100;

/// Looks closer than this (as fractions of the information) would need ever finer grids and are no looks of a plan.
const APART_MIN: f64 = 0.001;

/// Nodes of a panel, and its width in standard deviations of the step to the next look.
const NODES: usize = 16;
const PANEL: f64 = 2.0;

/// Paths further below zero than this many standard deviations never cross.
const SPAN: f64 = 8.5;

/// As many standard deviations out as a normal tail reaches in floating point.
const FARTHEST: f64 = 38.0;

/// A look that may spend less than this has no boundary that could be computed.
const SPENT_MIN: f64 = 1e-280;

/// One-sided boundaries for the standardised statistic (estimate / standard error) at looks with the ascending
/// information `fractions` of the plan, the last one 1 or less: a look crosses when the statistic is above its
/// boundary, and under no effect any look does with probability `alpha`, if the last fraction is 1.
///
/// # Errors
///
/// Refuses levels outside 0 to 0.5, no looks or more than 100, fractions that do not ascend by 0.001 at least to 1 at most, and
/// first looks so early that nothing can be spent at them.
pub fn boundaries(fractions: &[f64], alpha: f64, spending: Spending) -> Result<Vec<f64>, Refusal> {
    check_level(alpha)?;
    if fractions.is_empty() || fractions.len() > LOOKS_MAX {
        let value = fractions.len() as f64;
        return Err(Refusal::OutOfRange { what: "number of looks", value, expected: "1 to 100" });
    }
    check_fractions(fractions)?;
    let mut paths = Paths::start();
    let mut result = Vec::with_capacity(fractions.len());
    let (mut last, mut spent) = (0.0, 0.0);
    for (index, fraction) in fractions.iter().copied().enumerate() {
        let step = (fraction - last).sqrt();
        let total = spending.spent(fraction, alpha);
        let may_spend = total - spent;
        if may_spend < SPENT_MIN {
            let expected = "late enough, and far enough from the one before, that something may be spent";
            return Err(Refusal::OutOfRange { what: "an information fraction", value: fraction, expected });
        }
        let boundary = paths.boundary(step, may_spend);
        result.push(boundary / fraction.sqrt());
        if let Some(next) = fractions.get(index + 1) {
            paths = paths.carried(step, boundary, fraction, next - fraction);
        }
        (last, spent) = (fraction, total);
    }
    Ok(result)
}

fn check_fractions(fractions: &[f64]) -> Result<(), Refusal> {
    let mut last = 0.0;
    for fraction in fractions.iter().copied() {
        if !(fraction - last >= APART_MIN && fraction <= 1.0) {
            let expected = "at least 0.001 above the one before, and at most 1";
            return Err(Refusal::OutOfRange { what: "an information fraction", value: fraction, expected });
        }
        last = fraction;
    }
    Ok(())
}

/// Scores that have not crossed yet: nodes with the probability each stands for.
struct Paths {
    nodes: Vec<(f64, f64)>,
}

impl Paths {
    fn start() -> Self {
        Self { nodes: vec![(0.0, 1.0)] }
    }

    /// Probability of a score above `boundary` after a normal step.
    fn crossing(&self, step: f64, boundary: f64) -> f64 {
        let from = self.nodes.partition_point(|(score, _)| boundary - score > FARTHEST * step);
        let near = self.nodes.iter().skip(from);
        near.map(|(score, mass)| mass * normal_upper_tail((boundary - score) / step)).sum()
    }

    /// The score that is crossed with probability `may_spend`.
    fn boundary(&self, step: f64, may_spend: f64) -> f64 {
        let highest = self.nodes.last().map_or(0.0, |(score, _)| *score);
        border(-SPAN, highest.max(0.0) + FARTHEST * step, |score| self.crossing(step, score) > may_spend)
    }

    /// The density after a step to `fraction`, below the boundary, as nodes fine enough for the step that follows.
    fn carried(&self, step: f64, boundary: f64, fraction: f64, until_next: f64) -> Self {
        let lowest = -SPAN * fraction.sqrt();
        // A path that ends z standard deviations out came, most likely, along a straight line: the last step made
        // up its share of z. Beyond nine standard deviations about that there is nothing.
        let reach = step * ((boundary / fraction.sqrt()).max(SPAN) * step / fraction.sqrt() + SPAN + 0.5);
        // A density that has been cut at a boundary is as fine as the shorter of both steps.
        let width = PANEL * step.min(until_next.sqrt());
        let panels = ((boundary - lowest) / width).ceil().max(1.0);
        let half = (boundary - lowest) / panels / 2.0;
        let rule = legendre();
        let mut nodes = Vec::with_capacity(panels as usize * NODES);
        for panel in 0..panels as usize {
            let middle = lowest + (2.0 * panel as f64 + 1.0) * half;
            for (node, weight) in &rule {
                let score = middle + half * node;
                let mass = half * weight * self.density(step, score, reach);
                nodes.push((score, mass));
            }
        }
        Self { nodes }
    }

    fn density(&self, step: f64, score: f64, reach: f64) -> f64 {
        let from = self.nodes.partition_point(|(node, _)| *node < score - reach);
        let near = self.nodes.iter().skip(from).take_while(|(node, _)| *node <= score + reach);
        near.map(|(node, mass)| mass * normal_density((score - node) / step) / step).sum()
    }
}

/// Nodes on [-1, 1] and weights of the Gauss-Legendre rule, by Newton's method on the polynomial.
fn legendre() -> [(f64, f64); NODES] {
    std::array::from_fn(|index| {
        let degree = NODES as f64;
        let mut x = -(std::f64::consts::PI * (index as f64 + 0.75) / (degree + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..BISECTION_STEPS {
            let (mut before, mut here) = (1.0, x);
            for k in 2..=NODES {
                let k = k as f64;
                (before, here) = (here, ((2.0 * k - 1.0) * x * here - (k - 1.0) * before) / k);
            }
            slope = degree * (x * here - before) / (x * x - 1.0);
            let step = here / slope;
            x -= step;
            if step.abs() < 1e-16 {
                break;
            }
        }
        (x, 2.0 / ((1.0 - x * x) * slope * slope))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE: [f64; 5] = [0.2, 0.4, 0.6, 0.8, 1.0];

    fn near(got: &[f64], want: &[f64], tolerance: f64) {
        assert_eq!(got.len(), want.len());
        assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < tolerance), "{got:?} {want:?}");
    }

    #[test]
    fn known_boundaries() {
        let early = boundaries(&FIVE, 0.025, Spending::OBrienFleming).unwrap();
        near(&early, &[4.877, 3.357, 2.680, 2.290, 2.031], 6e-4);
        let even = boundaries(&FIVE, 0.025, Spending::Pocock).unwrap();
        near(&even, &[2.438, 2.427, 2.410, 2.397, 2.386], 6e-4);
        near(&boundaries(&[1.0], 0.025, Spending::Pocock).unwrap(), &[1.959_963_984_540_054], 1e-9);
    }

    #[test]
    fn many_and_uneven_looks_are_answered_in_order() {
        let hundred: Vec<f64> = (1..=100).map(|look| f64::from(look) / 100.0).collect();
        let even = boundaries(&hundred, 0.05, Spending::Pocock).unwrap();
        assert!(even.iter().all(|bound| (2.0..4.0).contains(bound)), "{even:?}");
        let early = boundaries(&hundred, 0.05, Spending::OBrienFleming).unwrap();
        assert!(early.windows(2).all(|pair| pair[1] < pair[0]), "{early:?}");
        let uneven = boundaries(&[0.3, 0.302, 0.9], 0.05, Spending::Pocock).unwrap();
        assert!(uneven.iter().all(|bound| (1.5..6.0).contains(bound)), "{uneven:?}");
    }

    #[test]
    fn plans_that_are_none_are_refused() {
        for bad in [&[][..], &[0.0], &[0.5, 0.5], &[0.5, 0.4], &[1.1], &[f64::NAN], &[0.5, f64::NAN], &[0.001, 1.0]] {
            let refusal = boundaries(bad, 0.025, Spending::OBrienFleming).unwrap_err();
            assert_eq!(refusal.reason(), "out-of-range", "{bad:?}");
        }
        assert_eq!(boundaries(&FIVE, 0.5, Spending::Pocock).unwrap_err().reason(), "level-out-of-range");
    }
}
