//! Paired evidence through the whole judge: T1, T3, T4, T7 and T8.

use judge::Judged;
use judge::counters::Paired;
use judge::counters::PairedCounts;
use judge::evidence::Evidence;
use judge::metric::Share;
use judge::policy::Policy;
use judge::stats::{Side, paired};
use judge::verdict::{Decision, State};
use rand_distr::{Binomial, Distribution};

use crate::rules;
use crate::runs::{Generator, Runs};
use crate::table::{Frequency, Numbers, Row};
use crate::traffic::{IDENTICAL, REGRESSIONS, SIX, SLIGHTLY_SLOWER, SLOW_TAIL, Truth, evidence, policy_with};

/// Pairs between two looks, and looks.
const STEP: u64 = 500;
const LOOKS: u64 = 40;

/// How a sequence of looks ended.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    /// The last verdict.
    pub(crate) decision: Decision,
    /// Pairs at which it was reached.
    pub(crate) pairs: u64,
    /// The first guardrail that made it a NO-GO.
    pub(crate) by: Option<String>,
}

/// Looks every 500 pairs until GO or NO-GO, up to 20 000 pairs.
pub(crate) fn sequential(rng: &mut Generator, truth: &Truth, policy: &Policy, reference: usize) -> Path {
    let mut evidence = Evidence { plan: truth.thresholds(rng, reference, policy), ..Evidence::default() };
    evidence.paired.epochs.insert(1, Paired::default());
    for look in 1..=LOOKS {
        if let Some(counters) = evidence.paired.epochs.get_mut(&1) {
            for _ in 0..STEP {
                counters.add(&evidence.plan, &truth.pair(rng));
            }
        }
        let judged = judge::judge(&evidence, policy);
        if judged.verdict != Decision::Hold || look == LOOKS {
            let by = blamed(&judged);
            return Path { decision: judged.verdict, pairs: look * STEP, by };
        }
    }
    Path { decision: Decision::Hold, pairs: LOOKS * STEP, by: None }
}

/// The first guardrail that makes a NO-GO.
pub(crate) fn blamed(judged: &Judged) -> Option<String> {
    let harmful = |state: State| matches!(state, State::Fail | State::Futile);
    let by = judged.guardrails.iter().find(|guardrail| harmful(guardrail.state))?;
    let named = if by.state == State::Futile { " (futile)" } else { "" };
    let served = if by.segment == "all" { String::new() } else { format!(" of {}", by.segment) };
    Some(format!("{}{served}{named}", by.metric))
}

/// Shares of GO, NO-GO and HOLD with the median of the pairs.
fn summary(paths: &[Path]) -> String {
    let share = |decision| Frequency::of(paths, |path| path.decision == decision).text();
    let pairs = Numbers::of(paths.iter().map(|path| path.pairs as f64));
    let (go, no_go) = (share(Decision::Go), share(Decision::NoGo));
    format!("GO {go}, NO-GO {no_go}, median {:.0} pairs{}", pairs.median(), alarms(paths))
}

/// Which guardrails made the NO-GOs.
fn alarms(paths: &[Path]) -> String {
    blames(paths.iter().filter_map(|path| path.by.as_deref()))
}

/// The three names that come most often, with their numbers.
pub(crate) fn blames<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut by: Vec<(&str, usize)> = Vec::new();
    for name in names {
        match by.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => by.push((name, 1)),
        }
    }
    by.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let list: Vec<String> = by.iter().take(3).map(|(name, count)| format!("{name} {count}")).collect();
    if list.is_empty() { String::new() } else { format!(" (by {})", list.join(", ")) }
}

/// Errors alone: what the judge says first, and what the naive rule would have said, in 40 looks at the same pairs.
pub(crate) struct ErrorsAlone {
    /// The judge's.
    pub(crate) ours: (Decision, u64),
    /// The naive rule's.
    pub(crate) naive: (Decision, u64),
}

/// Discordant counts of `pairs` independent pairs.
pub(crate) fn discordant(rng: &mut Generator, pairs: u64, [baseline, candidate]: [f64; 2]) -> PairedCounts {
    let draw = |rng: &mut Generator, n, p: f64| Binomial::new(n, p.clamp(0.0, 1.0)).expect("a share").sample(rng);
    let (p01, p10) = (candidate * (1.0 - baseline), baseline * (1.0 - candidate));
    let only_candidate_bad = draw(rng, pairs, p01);
    let only_baseline_bad = draw(rng, pairs - only_candidate_bad, p10 / (1.0 - p01));
    let rest = pairs - only_candidate_bad - only_baseline_bad;
    let both_bad = draw(rng, rest, baseline * candidate / (1.0 - p01 - p10));
    PairedCounts { both_bad, only_candidate_bad, only_baseline_bad, both_good: rest - both_bad }
}

/// Counts are drawn a look at a time: a sum of independent pairs is multinomial, so that this is exact.
pub(crate) fn errors_alone(rng: &mut Generator, shares: [f64; 2], policy: &Policy) -> ErrorsAlone {
    let margin = policy.share_margin(Share::Errors).value;
    let mut evidence = Evidence::default();
    evidence.paired.epochs.insert(1, Paired::default());
    let (mut ours, mut naive) = (None, None);
    for look in 1..=LOOKS {
        let more = discordant(rng, STEP, shares);
        let Some(counters) = evidence.paired.epochs.get_mut(&1) else { continue };
        counters.pairs += STEP;
        let table = counters.table_mut(Share::Errors.slot());
        *table = table.merged(more);
        let table = *table;
        let n = look * STEP;
        if ours.is_none() {
            let verdict = judge::judge(&evidence, policy).verdict;
            ours = (verdict != Decision::Hold).then_some((verdict, n));
        }
        if naive.is_none() {
            let bound = |alpha, side| {
                paired::tango(table.only_candidate_bad, table.only_baseline_bad, n, alpha, side).unwrap_or(f64::NAN)
            };
            let decision = if bound(0.05, Side::Upper) < margin {
                Some(Decision::Go)
            } else {
                (bound(0.01, Side::Lower) > margin).then_some(Decision::NoGo)
            };
            naive = decision.map(|decision| (decision, n));
        }
    }
    let undecided = (Decision::Hold, LOOKS * STEP);
    ErrorsAlone { ours: ours.unwrap_or(undecided), naive: naive.unwrap_or(undecided) }
}

/// T1: truth exactly at the margin.
pub(crate) fn false_go_at_the_margin(runs: Runs) -> Vec<Row> {
    let policy = policy_with(&["errors"], "");
    let results = runs.times(3.0).repeat(|rng| errors_alone(rng, [0.01, 0.015], &policy));
    let ours = |decision| Frequency::of(&results, |r: &ErrorsAlone| r.ours.0 == decision);
    let naive = |decision| Frequency::of(&results, |r: &ErrorsAlone| r.naive.0 == decision);
    let go = ours(Decision::Go);
    vec![
        Row::new("T1", "false GO, errors 1 % -> 1.5 % = margin, 40 looks", results.len())
            .found(format!("GO {}, NO-GO {}", go.text(), ours(Decision::NoGo).text()))
            .target("GO <= 3 % (nominal 5 %)", go.at_most(0.03))
            .rules(format!("naive peeking: GO {}, NO-GO {}", naive(Decision::Go).text(), naive(Decision::NoGo).text())),
    ]
}

/// T3: an identical candidate.
pub(crate) fn go_on_identical(runs: Runs) -> Vec<Row> {
    let six = policy_with(&SIX, "");
    let paths = runs.repeat(|rng| sequential(rng, &IDENTICAL, &six, 3000));
    let go = Frequency::of(&paths, |path| path.decision == Decision::Go);
    let pairs = Numbers::of(paths.iter().map(|path| path.pairs as f64));
    let alone = policy_with(&["errors"], "");
    let errors = runs.seeded(1).repeat(|rng| errors_alone(rng, [0.01; 2], &alone));
    let errors_go = Frequency::of(&errors, |r| r.ours.0 == Decision::Go);
    let errors_pairs = Numbers::of(errors.iter().map(|r| r.ours.1 as f64));
    let naive_pairs = Numbers::of(errors.iter().map(|r| r.naive.1 as f64));
    let slower = runs.seeded(2).repeat(|rng| sequential(rng, &SLIGHTLY_SLOWER, &six, 3000));
    vec![
        Row::new("T3", "identical candidate, six guardrails, looks every 500 pairs", paths.len())
            .found(summary(&paths))
            .target("GO >= 97 % by 20 000 pairs, median <= 9000", go.at_least(0.97) && pairs.median() <= 9000.0)
            .rules("a window demands no proof"),
        Row::new("T3", "the same, errors alone", errors.len())
            .found(format!(
                "GO {}, mean {:.0} ± {:.0} pairs",
                errors_go.text(),
                errors_pairs.mean(),
                errors_pairs.error()
            ))
            .target("mean <= 6800 pairs", errors_pairs.mean() <= 6800.0)
            .rules(format!("naive peeking: mean {:.0} pairs, for its price see T1", naive_pairs.mean())),
        Row::new("T3", "latency x1.03 (within the margins), six guardrails", slower.len()).found(summary(&slower)),
    ]
}

/// T4: no GO under a regression, at any look and at any size of one window.
pub(crate) fn go_under_regression(runs: Runs) -> Vec<Row> {
    let six = policy_with(&SIX, "");
    let mut rows = Vec::new();
    for (at, (name, truth)) in REGRESSIONS.iter().enumerate() {
        let paths = runs.seeded(at as u64).repeat(|rng| sequential(rng, truth, &six, 3000));
        let go = Frequency::of(&paths, |path| path.decision == Decision::Go);
        rows.push(
            Row::new("T4", format!("{name}, 40 looks to 20 000 pairs"), paths.len())
                .found(summary(&paths))
                .target("GO <= 0.5 %", go.at_most(0.005)),
        );
    }
    rows.extend(windows(runs.seeded(10), "T4", &REGRESSIONS, &[500, 2000, 10_000]));
    rows
}

/// One look at a fixed number of pairs, beside what the comparison rules say of as many requests an arm.
fn windows(runs: Runs, id: &'static str, truths: &[(&str, Truth)], sizes: &[usize]) -> Vec<Row> {
    let one = policy_with(&SIX, "[levels]\nlooks = \"one\"\n");
    let usual = rules::usual_p95_us(&mut crate::runs::generator(runs.seed), &IDENTICAL);
    let mut rows = Vec::new();
    for (at, (name, truth)) in truths.iter().enumerate() {
        for (of, n) in sizes.iter().copied().enumerate() {
            let runs = runs.seeded((at * 10 + of) as u64);
            let results = runs.repeat(|rng| {
                let ours = judge::judge(&evidence(rng, truth, n, &one), &one).verdict;
                (ours, rules::window(rng, truth, n, usual))
            });
            let ours = |decision| Frequency::of(&results, |r| r.0 == decision);
            let go = ours(Decision::Go);
            let row = Row::new(id, format!("{name}, one look at {n} pairs"), results.len())
                .found(format!("GO {}, NO-GO {}", go.text(), ours(Decision::NoGo).text()))
                .rules(format!(
                    "window passes {}, static limits pass {}",
                    Frequency::of(&results, |r| r.1.window_passes).text(),
                    Frequency::of(&results, |r| r.1.static_passes).text()
                ));
            let no_go = ours(Decision::NoGo);
            rows.push(match (id, n) {
                ("T4", _) => row.target("GO <= 0.5 %", go.at_most(0.005)),
                ("T7", 10_000) => row.target("GO 0; NO-GO >= 80 %", go.at_most(0.0) && no_go.at_least(0.8)),
                _ => row,
            });
        }
    }
    rows
}

/// T7: a slow tail under an unchanged median.
pub(crate) fn slow_tail(runs: Runs) -> Vec<Row> {
    let mut rows =
        windows(runs, "T7", &[("p99 x1.46, p50 unchanged; six guardrails", SLOW_TAIL)], &[500, 2000, 10_000]);
    let alone = policy_with(&["ttft_p99"], "[levels]\nlooks = \"one\"\n");
    let results =
        runs.seeded(20).repeat(|rng| judge::judge(&evidence(rng, &SLOW_TAIL, 10_000, &alone), &alone).verdict);
    let of = |decision| Frequency::of(&results, |r| *r == decision);
    let (go, no_go) = (of(Decision::Go), of(Decision::NoGo));
    rows.push(
        Row::new("T7", "the same, p99 alone at the whole alarm level, one look at 10 000 pairs", results.len())
            .found(format!("GO {}, NO-GO {}", go.text(), no_go.text()))
            .target("GO 0; NO-GO >= 80 %", go.at_most(0.0) && no_go.at_least(0.8)),
    );
    rows
}

/// T8: a slowdown of 3 %, within every margin.
pub(crate) fn harmless_slowdown(runs: Runs) -> Vec<Row> {
    let one = policy_with(&SIX, "[levels]\nlooks = \"one\"\n");
    let usual = rules::usual_p95_us(&mut crate::runs::generator(runs.seed), &IDENTICAL);
    let mut rows = Vec::new();
    for (at, (name, truth)) in [("latency x1.03", SLIGHTLY_SLOWER), ("identical", IDENTICAL)].into_iter().enumerate() {
        let results = runs.seeded(at as u64).repeat(|rng| {
            let ours = judge::judge(&evidence(rng, &truth, 10_000, &one), &one).verdict;
            (ours, rules::window(rng, &truth, 10_000, usual))
        });
        let ours = |decision| Frequency::of(&results, |r| r.0 == decision);
        let (go, no_go) = (ours(Decision::Go), ours(Decision::NoGo));
        let passes = Frequency::of(&results, |r| r.1.window_passes);
        let static_passes = Frequency::of(&results, |r| r.1.static_passes);
        rows.push(
            Row::new("T8", format!("{name}, one look at 10 000 pairs"), results.len())
                .found(format!("GO {}, NO-GO {}", go.text(), no_go.text()))
                .target("GO >= 95 %, NO-GO <= 0.5 %", go.at_least(0.95) && no_go.at_most(0.005))
                .rules(format!("window passes {}, static limits pass {}", passes.text(), static_passes.text())),
        );
    }
    rows
}
