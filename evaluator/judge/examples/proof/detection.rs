//! How fast harm is seen, by single sequences of bets: T5 and T6.

use judge::stats::betting::{self, Differences, Hypothesis};
use judge::verdict::Decision;

use crate::pairs::{errors_alone, sequential};
use crate::runs::{Generator, Runs};
use crate::table::{Frequency, Numbers, Row};
use crate::traffic::{IDENTICAL, SIX, Truth, chance, policy_with};

/// Level of the alarm, one sequence.
const ALPHA: f64 = 0.01;
/// Margin of errors.
const MARGIN: f64 = 0.005;

/// Pairs until bets against "errors are within the margin" have won, looked at after every `every` pairs; `None` if
/// they have not by `last`.
fn alarm(rng: &mut Generator, [baseline, candidate]: [f64; 2], every: u64, last: u64) -> Option<u64> {
    let mut counts = Differences::default();
    // Only a failure of the candidate alone can raise the wealth, so that nothing is missed by looking after those.
    let mut raised = false;
    for pair in 1..=last {
        match (chance(rng, baseline), chance(rng, candidate)) {
            (false, true) => {
                counts.plus += 1;
                raised = true;
            }
            (true, false) => counts.minus += 1,
            _ => counts.zero += 1,
        }
        if (raised || every > 1) && pair % every == 0 {
            raised = false;
            let wealth = betting::log_wealth(counts, MARGIN, Hypothesis::AtMost).expect("a border within -1 to 1");
            if wealth >= -ALPHA.ln() {
                return Some(pair);
            }
        }
    }
    None
}

/// T5: NO-GO on more errors.
pub(crate) fn no_go_on_errors(runs: Runs) -> Vec<Row> {
    let alone = policy_with(&["errors"], "");
    let six = policy_with(&SIX, "");
    let mut rows = Vec::new();
    for (at, (candidate, limit)) in [(0.03, 2600.0), (0.06, 800.0)].into_iter().enumerate() {
        let runs = runs.seeded(10 * at as u64);
        let shares = [0.01, candidate];
        let single = runs.repeat(|rng| alarm(rng, shares, 500, 20_000));
        let caught = Frequency::of(&single, Option::is_some);
        let pairs = Numbers::of(single.iter().map(|pairs| pairs.unwrap_or(20_000) as f64));
        let name = format!("errors 1 % -> {:.0} %", candidate * 100.0);
        rows.push(
            Row::new("T5", format!("{name}, one sequence of bets at 1 %, looks every 500 pairs"), single.len())
                .found(format!("{}, mean {:.0} ± {:.0} pairs", caught.text(), pairs.mean(), pairs.error()))
                .target(
                    format!("NO-GO >= 99 %, mean <= {limit:.0} pairs"),
                    caught.at_least(0.99) && pairs.mean() <= limit,
                )
                .rules("window: see T4"),
        );
        let results = runs.seeded(1).repeat(|rng| errors_alone(rng, shares, &alone));
        let no_go = Frequency::of(&results, |r| r.ours.0 == Decision::NoGo);
        let pairs = Numbers::of(results.iter().map(|r| r.ours.1 as f64));
        rows.push(
            Row::new("T5", format!("{name}, the judge, errors alone (restarts take half of the level)"), results.len())
                .found(format!("NO-GO {}, mean {:.0} ± {:.0} pairs", no_go.text(), pairs.mean(), pairs.error())),
        );
        let truth = Truth { errors: shares, ..IDENTICAL };
        let paths = runs.seeded(2).repeat(|rng| sequential(rng, &truth, &six, 3000));
        let no_go = Frequency::of(&paths, |path| path.decision == Decision::NoGo);
        let pairs = Numbers::of(paths.iter().map(|path| path.pairs as f64));
        rows.push(Row::new("T5", format!("{name}, the judge, six guardrails"), paths.len()).found(format!(
            "NO-GO {}, mean {:.0} ± {:.0} pairs",
            no_go.text(),
            pairs.mean(),
            pairs.error()
        )));
    }
    rows
}

/// T6: requests until an injected failure is seen.
pub(crate) fn detection(runs: Runs) -> Vec<Row> {
    let mut rows = Vec::new();
    for (at, (candidate, limit)) in [(0.05, 550.0), (0.10, 170.0), (0.20, 75.0)].into_iter().enumerate() {
        let found = runs.seeded(at as u64).repeat(|rng| alarm(rng, [0.01, candidate], 1, 6000));
        let requests = Numbers::of(found.iter().map(|pairs| pairs.map_or(f64::INFINITY, |pairs| pairs as f64)));
        let (median, late) = (requests.median(), requests.quantile(0.9));
        rows.push(
            Row::new(
                "T6",
                format!(
                    "errors 1 % -> {:.0} %, one sequence of bets at 1 %, looks at every request",
                    candidate * 100.0
                ),
                found.len(),
            )
            .found(format!(
                "median {median:.0}, p90 {late:.0} requests, {:.0} extra failures",
                median * (candidate - 0.01)
            ))
            .target(format!("median <= {limit:.0} candidate requests"), median <= limit)
            .rules("window: 60 minutes"),
        );
    }
    rows
}
