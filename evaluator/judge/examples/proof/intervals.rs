//! Intervals: how often each bound misses the truth (T13), and where none exists.

use judge::stats::quantile::{self, QuantilePair};
use judge::stats::ratio::MeanRatio;
use judge::stats::unpaired::{self, Arm};
use judge::stats::{Side, paired};
use rand_distr::{Binomial, Distribution};

use crate::pairs::discordant;
use crate::runs::{Generator, Runs};
use crate::table::{Frequency, Row};
use crate::traffic::{IDENTICAL, Prompt, normal};

const ALPHA: f64 = 0.05;

/// Which bound missed; the upper one may not exist.
#[derive(Clone, Copy)]
struct Missed {
    /// The upper bound is below the truth.
    above: bool,
    /// The lower bound is above the truth.
    below: bool,
}

impl Missed {
    fn of(lower: Option<f64>, upper: Option<f64>, truth: f64) -> Self {
        Self { above: upper.is_some_and(|upper| upper < truth), below: lower.is_some_and(|lower| lower > truth) }
    }
}

/// Misses of one family of intervals over its settings.
struct Family {
    settings: Vec<(String, Vec<Missed>)>,
}

impl Family {
    /// The worst of each side with its setting.
    fn row(self, what: &str, rules: &str) -> Row {
        let worst = |side: fn(&Missed) -> bool| {
            let shares = self.settings.iter().map(|(name, missed)| (Frequency::of(missed, side), name));
            shares.max_by(|a, b| a.0.share().total_cmp(&b.0.share())).map(|(share, name)| (share, name.clone()))
        };
        let runs = self.settings.first().map_or(0, |(_, missed)| missed.len());
        let row = Row::new("T13", format!("{what}, {} settings, one-sided 5 %", self.settings.len()), runs);
        let (Some((above, at_above)), Some((below, at_below))) = (worst(|m| m.above), worst(|m| m.below)) else {
            return row;
        };
        let fits = |share: Frequency| share.at_most(0.06);
        row.found(format!("worst misses: upper {} ({at_above}), lower {} ({at_below})", above.text(), below.text()))
            .target("<= 6 % each side", fits(above) && fits(below))
            .rules(rules)
    }
}

fn latencies(rng: &mut Generator, n: usize, shared: bool) -> [Vec<f64>; 2] {
    let mut arms = [Vec::with_capacity(n), Vec::with_capacity(n)];
    for _ in 0..n {
        let prompt = Prompt::draw(rng);
        arms[0].push(IDENTICAL.answer(rng, prompt, false).ttft_us as f64);
        let prompt = if shared { prompt } else { Prompt::draw(rng) };
        arms[1].push(IDENTICAL.answer(rng, prompt, true).ttft_us as f64);
    }
    arms
}

fn quantiles(runs: Runs) -> Row {
    let mut settings = Vec::new();
    for n in [200, 500, 2000] {
        for share in [0.5, 0.95, 0.99] {
            for shared in [false, true] {
                let runs = runs.seeded(settings.len() as u64);
                let missed = runs.repeat(|rng| {
                    let [baseline, candidate] = latencies(rng, n, shared);
                    let made = if shared { QuantilePair::paired } else { QuantilePair::unpaired };
                    let pair = made(&baseline, &candidate, share).expect("finite latencies");
                    let bound = |side| pair.bound(ALPHA, side).expect("a level");
                    Missed::of(bound(Side::Lower), bound(Side::Upper), 1.0)
                });
                let kind = if shared { "paired" } else { "unpaired" };
                settings.push((format!("p{:.0}, n {n}, {kind}", share * 100.0), missed));
            }
        }
    }
    Family { settings }.row("ratio of quantiles (order statistics, MOVER)", "")
}

/// Sixty consumers of fifty requests whose latencies resemble each other, with and without the design effect.
fn clustered(runs: Runs) -> Row {
    const GROUPS: usize = 60;
    const EACH: usize = 50;
    let results = runs.repeat(|rng| {
        let mut arm = || -> Vec<f64> {
            (0..GROUPS)
                .flat_map(|_| {
                    let own = 0.35 * normal(rng);
                    [(); EACH].map(|()| 420e3 * (own + 0.5 * normal(rng)).exp())
                })
                .collect()
        };
        let (baseline, candidate) = (arm(), arm());
        let pair = QuantilePair::unpaired(&baseline, &candidate, 0.95).expect("finite latencies");
        let effects = [&baseline, &candidate].map(|values| design_effect(values, EACH));
        let n = baseline.len() as f64;
        let bound = |side| pair.bound_effective(ALPHA, side, n / effects[0], n / effects[1]).expect("a level");
        let plain = |side| pair.bound(ALPHA, side).expect("a level");
        (
            Missed::of(bound(Side::Lower), bound(Side::Upper), 1.0),
            Missed::of(plain(Side::Lower), plain(Side::Upper), 1.0),
        )
    });
    let plain: Vec<Missed> = results.iter().map(|r| r.1).collect();
    let missed = results.into_iter().map(|r| r.0).collect();
    let rules = format!(
        "without the design effect: upper {}, lower {}",
        Frequency::of(&plain, |m| m.above).text(),
        Frequency::of(&plain, |m| m.below).text()
    );
    Family { settings: vec![("p95".to_owned(), missed)] }.row("the same, 60 consumers of 50 requests", &rules)
}

/// Linearised variance of "above the arm's own p95" over consumers, relative to that of independent requests.
fn design_effect(values: &[f64], each: usize) -> f64 {
    let mut ascending = values.to_vec();
    ascending.sort_by(f64::total_cmp);
    let tau = ascending[(ascending.len() as f64 * 0.95).ceil() as usize - 1];
    let above = |group: &[f64]| group.iter().filter(|value| **value > tau).count() as f64;
    let share = above(values) / values.len() as f64;
    let moments = judge::stats::cluster::Moments::of(values.chunks(each).map(|group| (above(group), each as f64)));
    moments.design_effect(share * (1.0 - share) / values.len() as f64).unwrap_or(1.0).max(1.0)
}

fn paired_shares(runs: Runs) -> Row {
    let mut settings = Vec::new();
    for (n, shares) in [
        (200, [0.01, 0.01]),
        (200, [0.01, 0.05]),
        (1000, [0.004, 0.004]),
        (1000, [0.01, 0.015]),
        (7000, [0.01, 0.015]),
        (20_000, [0.001, 0.002]),
    ] {
        let missed = runs.seeded(settings.len() as u64).repeat(|rng| {
            let table = discordant(rng, n, shares);
            let bound = |side| paired::bound(table.only_candidate_bad, table.only_baseline_bad, n, ALPHA, side).ok();
            Missed::of(bound(Side::Lower), bound(Side::Upper), shares[1] - shares[0])
        });
        settings.push((format!("{} % -> {} %, n {n}", shares[0] * 100.0, shares[1] * 100.0), missed));
    }
    Family { settings }.row("paired risk difference (Tango)", "")
}

fn unpaired_shares(runs: Runs) -> Row {
    let mut settings = Vec::new();
    for (n, shares) in [
        ([2000, 200], [0.01, 0.01]),
        ([5700, 300], [0.01, 0.015]),
        ([6000, 2000], [0.01, 0.015]),
        ([400, 400], [0.15, 0.2]),
        ([90_000, 10_000], [0.002, 0.007]),
    ] {
        let missed = runs.seeded(settings.len() as u64).repeat(|rng| {
            let [baseline, candidate] = [0, 1]
                .map(|arm| Arm { events: Binomial::new(n[arm], shares[arm]).expect("a share").sample(rng), n: n[arm] });
            let bound = |side| unpaired::bound(candidate, baseline, ALPHA, side).ok();
            Missed::of(bound(Side::Lower), bound(Side::Upper), shares[1] - shares[0])
        });
        let name = format!("{} % of {} -> {} % of {}", shares[0] * 100.0, n[0], shares[1] * 100.0, n[1]);
        settings.push((name, missed));
    }
    Family { settings }.row("unpaired risk difference (Miettinen-Nurminen)", "")
}

fn cost_ratios(runs: Runs) -> Row {
    let mut settings = Vec::new();
    for n in [200, 500, 2000] {
        let missed = runs.seeded(settings.len() as u64).repeat(|rng| {
            let mut arms = [Vec::with_capacity(n), Vec::with_capacity(n)];
            for _ in 0..n {
                let prompt = Prompt::draw(rng);
                for (arm, values) in arms.iter_mut().enumerate() {
                    values.push(IDENTICAL.answer(rng, prompt, arm == 1).cost_nanos as f64);
                }
            }
            let ratio = MeanRatio::paired(&arms[0], &arms[1]).expect("positive means");
            let bound = |side| ratio.bound(ALPHA, side).ok();
            Missed::of(bound(Side::Lower), bound(Side::Upper), IDENTICAL.cost)
        });
        settings.push((format!("n {n}"), missed));
    }
    Family { settings }.row("ratio of mean costs (log, t)", "")
}

/// Smallest samples with a finite limit: exact, by trying all.
fn no_limit_without_ranks() -> Row {
    let smallest = |share: f64| {
        (1..2000).find(|n: &u64| {
            let ascending: Vec<f64> = (1..=*n).map(|value| value as f64).collect();
            quantile::interval(&ascending, share, 0.025).is_ok_and(|interval| interval.upper.is_some())
        })
    };
    let found = [0.95, 0.99].map(smallest);
    let text = |n: Option<u64>| n.map_or("none".to_owned(), |n| n.to_string());
    Row::new("T13", "smallest n with a finite upper limit, two-sided 95 %", 0)
        .found(format!("p95 {}, p99 {}", text(found[0]), text(found[1])))
        .target("p95 59, p99 296; never finite below", found == [Some(59), Some(296)])
}

/// T13.
pub(crate) fn misses(runs: Runs) -> Vec<Row> {
    vec![
        quantiles(runs),
        clustered(runs.seeded(50)),
        paired_shares(runs.seeded(100).times(2.0)),
        unpaired_shares(runs.seeded(150).times(2.0)),
        cost_ratios(runs.seeded(200)),
        no_limit_without_ranks(),
    ]
}
