//! Instrument alarms although nothing changed: T14.

use judge::counters::{Canary, Paired};
use judge::evidence::Evidence;
use judge::stats::special::normal_quantile;
use judge::stats::{Side, paired, srm};
use rand_distr::{Binomial, Distribution};

use crate::runs::{Generator, Runs};
use crate::table::{Frequency, Row};
use crate::traffic::{IDENTICAL, Prompt, SIX, chance, pair_outcome, policy_with};

/// Weight of the splits.
const WEIGHT: f64 = 0.1;

struct SplitAlarms {
    /// The judge's, at 20 looks while the consumers arrive.
    judge: bool,
    /// The p-value on units, one look.
    units: bool,
    /// The same on requests.
    requests: bool,
}

fn split(rng: &mut Generator, sizes: &[u64]) -> SplitAlarms {
    let policy = policy_with(&SIX, "");
    let (mut units, mut requests) = ([0_u64; 2], [0_u64; 2]);
    let mut judge = false;
    for (at, size) in sizes.iter().enumerate() {
        let arm = usize::from(chance(rng, WEIGHT));
        units[arm] += 1;
        requests[arm] += size;
        if (at + 1) % sizes.len().div_ceil(20) == 0 || at + 1 == sizes.len() {
            let mut canary = Canary::default();
            let epoch = canary.epochs.entry(1).or_default();
            epoch.weight_bp = (WEIGHT * 10_000.0) as u32;
            [epoch.units_baseline, epoch.units_candidate] = units;
            let evidence = Evidence { weight_percent: WEIGHT * 100.0, canary: Some(canary), ..Evidence::default() };
            judge |= !judge::judge(&evidence, &policy).instrument.alarms.is_empty();
        }
    }
    let p = |counts: [u64; 2]| srm::p_value(counts[0], counts[1], WEIGHT).expect("a share");
    SplitAlarms { judge, units: p(units) < 0.001, requests: p(requests) < 0.001 }
}

fn splits(runs: Runs) -> Vec<Row> {
    let mut rows = Vec::new();
    for (at, consumers) in [40_usize, 400, 4000].into_iter().enumerate() {
        let raw: Vec<f64> = (1..=consumers).map(|rank| (rank as f64).powf(-0.8)).collect();
        let total: f64 = raw.iter().sum();
        let sizes: Vec<u64> = raw.iter().map(|size| (50_000.0 * size / total).round().max(1.0) as u64).collect();
        let results = runs.seeded(at as u64).repeat(|rng| split(rng, &sizes));
        let (judge, units) = (Frequency::of(&results, |r| r.judge), Frequency::of(&results, |r| r.units));
        rows.push(
            Row::new("T14", format!("SRM, {consumers} consumers, 10 % canary"), results.len())
                .found(format!("judge at 20 looks {}, p on units at one {}", judge.text(), units.text()))
                .target("<= 0.2 %", judge.at_most(0.002) && units.at_most(0.002))
                .rules(format!("p on requests {}", Frequency::of(&results, |r| r.requests).text())),
        );
    }
    rows
}

/// The candidate differs from the baseline exactly as often as the baseline from itself.
fn net_disagreement(runs: Runs) -> Vec<Row> {
    let mut rows = Vec::new();
    for (at, (noise, n)) in [(0.002, 2000_u64), (0.01, 1000), (0.05, 1000)].into_iter().enumerate() {
        let results = runs.seeded(at as u64).times(5.0).repeat(|rng| {
            let draw = |rng: &mut Generator| Binomial::new(n, noise).expect("a share").sample(rng);
            let (raw, floor) = (draw(rng), draw(rng));
            let lower = paired::bound(raw, floor, n, 0.01, Side::Lower).expect("counts that can be");
            let (raw, floor) = (raw as f64, floor as f64);
            let relative = (raw - floor).abs() / (raw + floor).max(1.0) * 100.0;
            let by_points = raw > floor && relative > 20.0 && (raw - floor) / n as f64 * 100.0 > 0.03;
            (lower > 0.0, by_points)
        });
        let ours = Frequency::of(&results, |r| r.0);
        rows.push(
            Row::new(
                "T14",
                format!("net disagreement, noise {} %, n {n}, one look at 1 %", noise * 100.0),
                results.len(),
            )
            .found(ours.text())
            .target("<= 1.2 %", ours.at_most(0.012))
            .rules(format!("two fixed thresholds (Diffy's manner) {}", Frequency::of(&results, |r| r.1).text())),
        );
    }
    rows
}

/// The baseline asked twice: 5000 repetitions, ten looks, an alarm at any.
fn repeats(runs: Runs) -> Row {
    let policy = policy_with(&SIX, "");
    let alarmed = runs.repeat(|rng| {
        let mut evidence = Evidence { plan: IDENTICAL.thresholds(rng, 1000, &policy), ..Evidence::default() };
        evidence.repeat = Paired::default();
        (0..10).any(|_| {
            for _ in 0..500 {
                let prompt = Prompt::draw(rng);
                let first = IDENTICAL.answer(rng, prompt, false);
                let second = IDENTICAL.answer(rng, prompt, false);
                evidence.repeat.add(&evidence.plan, &pair_outcome(first, second, false));
            }
            let judged = judge::judge(&evidence, &policy);
            judged.instrument.repeat.is_none_or(|repeat| !repeat.nogo.is_empty())
        })
    });
    let naive = naive_repeats(runs.seeded(1));
    let share = Frequency::of(&alarmed, |alarm| *alarm);
    Row::new("T14", "A/A, all questions, ten looks to 5000 repetitions", alarmed.len())
        .found(share.text())
        .target("<= 1 %", share.at_most(0.01))
        .rules(format!("z at 5 % on errors, blocks and mean latency at the same looks {}", naive.text()))
}

/// Any one-sided z test at 5 % of three unchanged metrics, at each of the looks.
fn naive_repeats(runs: Runs) -> Frequency {
    let z = normal_quantile(0.95);
    let alarmed = runs.repeat(|rng| {
        let mut sums = [(0.0, 0.0); 3];
        let mut n = 0.0;
        (0..10).any(|_| {
            for _ in 0..500 {
                let prompt = Prompt::draw(rng);
                let (a, b) = (IDENTICAL.answer(rng, prompt, false), IDENTICAL.answer(rng, prompt, false));
                let bad = |yes: bool| f64::from(u8::from(yes));
                let differences = [
                    bad(b.failed) - bad(a.failed),
                    bad(b.blocked) - bad(a.blocked),
                    (b.ttft_us as f64 - a.ttft_us as f64) / 1e6,
                ];
                n += 1.0;
                for (sum, difference) in sums.iter_mut().zip(differences) {
                    *sum = (sum.0 + difference, sum.1 + difference * difference);
                }
            }
            sums.iter().any(|(sum, squares)| *squares > 0.0 && sum / squares.sqrt() > z)
        })
    });
    Frequency::of(&alarmed, |alarm| *alarm)
}

/// T14.
pub(crate) fn false_alarms(runs: Runs) -> Vec<Row> {
    let mut rows = splits(runs);
    rows.extend(net_disagreement(runs.seeded(20)));
    rows.push(repeats(runs.seeded(40)));
    rows
}
