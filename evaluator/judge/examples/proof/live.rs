//! The live guard, by its own state machine: how many requests of the candidate until it rolls back, what that costs, and
//! how often it does so for nothing.

use judge::live::{Ending, Fresh, Live, Rules};
use judge::metric::Share;
use judge::policy::Policy;
use rand::RngExt;

use crate::runs::{Generator, Runs};
use crate::table::{Frequency, Numbers, Row};
use crate::traffic::chance;

/// Microseconds between two requests of both arms: 10 000 an hour.
const GAP_US: i64 = 360_000;
/// Requests that are under way at a time: answers of five seconds.
const UNDER_WAY: usize = 14;
/// Weights of the ladder at which a baseline is left.
const RUNGS: [f64; 5] = [0.01, 0.05, 0.10, 0.25, 0.50];
/// Requests of the candidate at which a run is given up.
const LAST: u64 = 6000;

/// Name, weight and replicas, calm requests before, rules, limit of the median.
type Case<'a> = (String, (f64, u32), u64, &'a Rules, Option<f64>);

/// One epoch of traffic at a guard.
struct Epoch {
    /// A replica each.
    lives: Vec<Live>,
    weight: f64,
    at_us: i64,
    unit: u64,
    under_way: Vec<(usize, judge::live::Place, Ending)>,
    candidates: u64,
    failures: [u64; 2],
    served: [u64; 2],
}

impl Epoch {
    fn new(weight: f64, replicas: u32) -> Self {
        Self {
            lives: (0..replicas).map(|_| Live::new(1, weight, replicas)).collect(),
            weight,
            at_us: 0,
            unit: 0,
            under_way: Vec::with_capacity(UNDER_WAY),
            candidates: 0,
            failures: [0; 2],
            served: [0; 2],
        }
    }

    /// Serves one request; true where one of the candidate's ended badly, after which a look is worth while.
    fn serve(&mut self, rng: &mut Generator, shares: &[(Share, [f64; 2])]) -> bool {
        self.at_us += GAP_US;
        self.unit += 1;
        let candidate = chance(rng, self.weight);
        let replica = rng.random_range(0..self.lives.len());
        let mut ending = Ending::default();
        for (share, chances) in shares {
            ending.bad.insert_if(share.slot(), chance(rng, chances[usize::from(candidate)]));
        }
        let arm = usize::from(candidate);
        self.candidates += u64::from(candidate);
        self.served[arm] += 1;
        self.failures[arm] += u64::from(ending.bad.contains(Share::Errors.slot()));
        let fresh = Fresh { at_us: self.at_us, candidate, streamed: false, unit: self.unit };
        let place = self.lives[replica].arrived(fresh);
        self.under_way.push((replica, place, ending));
        if self.under_way.len() < UNDER_WAY {
            return false;
        }
        let (replica, place, ending) = self.under_way.swap_remove(rng.random_range(0..UNDER_WAY));
        self.lives[replica].ended(place, ending);
        ending.bad.slots().next().is_some()
    }

    fn alarmed(&self, rules: &Rules) -> bool {
        let Some((first, others)) = self.lives.split_first() else { return false };
        if others.is_empty() {
            return rules.judge(first.tallied(), 0, 1).alarm.is_some();
        }
        let mut sum = first.tallied().clone();
        others.iter().for_each(|other| sum.merge(other.tallied()));
        rules.judge(&sum, 0, 1).alarm.is_some()
    }
}

/// Requests of the candidate from the change to the rollback, and its failures beyond the baseline's share.
fn detected(
    rng: &mut Generator,
    (weight, replicas): (f64, u32),
    errors: [f64; 2],
    calm: u64,
    rules: &Rules,
) -> (f64, f64) {
    let mut epoch = Epoch::new(weight, replicas);
    while epoch.candidates < calm {
        epoch.serve(rng, &[(Share::Errors, [errors[0]; 2])]);
    }
    let (before, failed) = (epoch.candidates, epoch.failures[1]);
    while epoch.candidates - before < LAST {
        if epoch.serve(rng, &[(Share::Errors, errors)]) && epoch.alarmed(rules) {
            let requests = (epoch.candidates - before) as f64;
            return (requests, (epoch.failures[1] - failed) as f64 - requests * errors[0]);
        }
    }
    (f64::INFINITY, f64::INFINITY)
}

/// T6: requests until an injected failure is rolled back, at every weight.
pub(crate) fn detection(runs: Runs) -> Vec<Row> {
    let bets = Rules::new(&Policy::parse("[hard_stop]\nerror_percent = 100\n").expect("a valid policy"));
    let whole = Rules::new(&Policy::default());
    let mut rows = Vec::new();
    for (at, (candidate, limit)) in [(0.05, 550.0), (0.10, 170.0), (0.20, 75.0)].into_iter().enumerate() {
        for (rung, weight) in RUNGS.into_iter().enumerate() {
            let runs = runs.seeded(100 + 10 * at as u64 + rung as u64).times(0.25);
            let name = format!("live guard at {:.0} %: errors 1 % -> {:.0} %", weight * 100.0, candidate * 100.0);
            let found = runs.repeat(|rng| detected(rng, (weight, 1), [0.01, candidate], 0, &whole));
            rows.push(row(name, &found, Some(limit)));
        }
        let runs = runs.seeded(200 + at as u64).times(0.25);
        let percent = candidate * 100.0;
        let more: [Case<'_>; 4] = [
            (
                format!("the same with 3 replicas at 25 %: errors 1 % -> {percent:.0} %"),
                (0.25, 3),
                0,
                &whole,
                Some(limit),
            ),
            (format!("its bets alone, no hard stop, at 5 %: errors 1 % -> {percent:.0} %"), (0.05, 1), 0, &bets, None),
            (format!("its bets alone, no hard stop, at 50 %: errors 1 % -> {percent:.0} %"), (0.5, 1), 0, &bets, None),
            (
                format!("the same at 25 % after 20 000 calm requests of the candidate: errors 1 % -> {percent:.0} %"),
                (0.25, 1),
                20_000,
                &whole,
                None,
            ),
        ];
        for (place, (name, setting, calm, rules, limit)) in more.into_iter().enumerate() {
            let found =
                runs.seeded(10 * place as u64).repeat(|rng| detected(rng, setting, [0.01, candidate], calm, rules));
            rows.push(row(name, &found, limit));
        }
    }
    rows.extend(whole_ramps(runs));
    rows
}

fn row(name: String, found: &[(f64, f64)], limit: Option<f64>) -> Row {
    let requests = Numbers::of(found.iter().map(|(requests, _)| *requests));
    let extra = Numbers::of(found.iter().map(|(_, extra)| *extra));
    let row = Row::new("T6", name, found.len()).found(format!(
        "median {:.0}, p90 {:.0} requests; extra failures {:.0}, p90 {:.0}",
        requests.median(),
        requests.quantile(0.9),
        extra.median(),
        extra.quantile(0.9),
    ));
    match limit {
        Some(limit) => row.target(format!("median <= {limit:.0} candidate requests"), requests.median() <= limit),
        None => row,
    }
}

/// Shares of a candidate like its baseline: the usual few per cent of everything.
const EQUAL: [(Share, [f64; 2]); 7] = [
    (Share::Errors, [0.01; 2]),
    (Share::Blocked, [0.006; 2]),
    (Share::Refusals, [0.02; 2]),
    (Share::AnswerFailures, [0.02; 2]),
    (Share::Truncations, [0.03; 2]),
    (Share::Cancellations, [0.02; 2]),
    (Share::GuardFlags, [0.01; 2]),
];

/// Whether any rung of a ramp is rolled back although nothing has changed. A day at each rung, 10 000 requests an hour cut
/// to a tenth: 2 400 a rung at least, as many as the judge needs at most.
fn false_rollback(rng: &mut Generator, replicas: u32, rules: &Rules, candidates: u64) -> bool {
    RUNGS.into_iter().any(|weight| {
        let mut epoch = Epoch::new(weight, replicas);
        while epoch.candidates < candidates {
            if epoch.serve(rng, &EQUAL) && epoch.alarmed(rules) {
                return true;
            }
        }
        false
    })
}

fn whole_ramps(runs: Runs) -> Vec<Row> {
    let rules = Rules::new(&Policy::default());
    [(1, 0.5), (3, 0.1)]
        .into_iter()
        .map(|(replicas, part)| {
            let runs = runs.seeded(300 + u64::from(replicas)).times(part);
            let found = runs.repeat(|rng| false_rollback(rng, replicas, &rules, 1500));
            let rolled_back = Frequency::of(&found, |found| *found);
            let name = format!(
                "live guard, no effect, a whole ramp (five rungs, 1 500 candidate requests each, seven shares), {replicas} \
                 replica{}",
                if replicas == 1 { "" } else { "s" }
            );
            Row::new("T6", name, found.len())
                .found(format!("rolled back {}", rolled_back.text()))
                .target("< 1 %", rolled_back.at_most(0.01))
        })
        .collect()
}
