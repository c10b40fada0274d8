//! What the list of characteristics left open: a canary under drift, a price that changes, a mirror that picks.

use judge::counters::{Canary, PairOutcome};
use judge::evidence::Evidence;
use judge::metric::{Quantile, Share};
use judge::stats::Side;
use judge::stats::unpaired::{self, Arm};
use judge::verdict::Decision;
use rand_distr::{Distribution, Poisson};

use crate::canary::{Minute, serve, slots};
use crate::pairs::{blamed, blames};
use crate::runs::{Generator, Runs};
use crate::table::{Frequency, Numbers, Row};
use crate::traffic::{IDENTICAL, Prompt, SIX, SLOW_TAIL, Truth, pair_outcome, policy_with};

/// Weight by hour of the day: raised as the day gets worse.
fn weight_at(hour: i64) -> (u64, f64) {
    match hour {
        0..2 => (1, 0.05),
        2..6 => (2, 0.10),
        6..12 => (3, 0.25),
        _ => (4, 0.50),
    }
}

/// The hour's swing, -1 to 1, highest at 18.
fn swing(hour: i64) -> f64 {
    ((hour - 12) as f64 / 24.0 * std::f64::consts::TAU).sin()
}

/// First decisions in a day.
struct Day {
    ours: (Decision, f64),
    by: Option<String>,
    pooled: Decision,
}

/// A day of served traffic without a single pair: 1500 to 4500 requests an hour, errors and latencies of both arms swing
/// with the hour, and the weight rises with them. Looks every hour.
fn day(rng: &mut Generator, truth: &Truth) -> Day {
    let policy = policy_with(&SIX, "");
    let margin = policy.share_margin(Share::Errors).value;
    let counted = slots(&[Share::Errors, Share::Blocked], &Quantile::ALL);
    let mut evidence = Evidence { plan: truth.thresholds(rng, 1000, &policy), ..Evidence::default() };
    let mut canary = Canary::default();
    let (mut ours, mut by, mut pooled) = (None, None, None);
    let mut totals = [[0_u64; 2]; 2];
    for hour in 0..24 {
        let (epoch, weight) = weight_at(hour);
        canary.epochs.retain(|old, _| *old + 1 >= epoch);
        for minute in 0..60 {
            let rate = 50.0 * (1.0 + 0.5 * swing(hour));
            let requests = Poisson::new(rate).expect("a rate").sample(rng) as u64;
            let (slower, more_errors) = (1.0 + 0.3 * swing(hour), 0.01 * (1.0 + swing(hour)));
            let minute = Minute { at: hour * 60 + minute, requests, weight, epoch, slower, more_errors };
            let counts = serve(rng, &mut canary, &evidence.plan, truth, minute, &counted);
            for (sum, more) in totals.as_flattened_mut().iter_mut().zip(counts.as_flattened()) {
                *sum += more;
            }
        }
        if ours.is_none() {
            evidence.weight_percent = weight * 100.0;
            evidence.canary = Some(canary.clone());
            let judged = judge::judge(&evidence, &policy);
            by = blamed(&judged);
            ours = (judged.verdict != Decision::Hold).then_some((judged.verdict, hour as f64 + 1.0));
        }
        pooled = pooled.or_else(|| pooled_decision(totals, margin));
    }
    Day { ours: ours.unwrap_or((Decision::Hold, 24.0)), by, pooled: pooled.unwrap_or(Decision::Hold) }
}

/// The naive rule: errors of all hours and weights thrown together, one-look bounds at every look.
fn pooled_decision([baseline, candidate]: [[u64; 2]; 2], margin: f64) -> Option<Decision> {
    let arm = |[n, events]: [u64; 2]| Arm { events, n };
    let bound = |alpha, side| unpaired::bound(arm(candidate), arm(baseline), alpha, side).ok();
    if bound(0.05, Side::Upper)? < margin {
        return Some(Decision::Go);
    }
    (bound(0.01, Side::Lower)? > margin).then_some(Decision::NoGo)
}

/// Unpaired canary with diurnal drift and changing weights, six guardrails.
pub(crate) fn drifting_canary(runs: Runs) -> Vec<Row> {
    let truths = [
        ("identical", IDENTICAL),
        ("errors +0.5 points = margin", Truth { errors: [0.01, 0.015], ..IDENTICAL }),
        ("errors +1 point", Truth { errors: [0.01, 0.02], ..IDENTICAL }),
        ("errors +2 points", Truth { errors: [0.01, 0.03], ..IDENTICAL }),
        ("latency x1.20", Truth { latency: 1.20, ..IDENTICAL }),
        ("stalled streams 1 % -> 4 %", SLOW_TAIL),
    ];
    let mut rows = Vec::new();
    for (at, (name, truth)) in truths.into_iter().enumerate() {
        let days = runs.seeded(at as u64).times(0.2).repeat(|rng| day(rng, &truth));
        let ours = |decision| Frequency::of(&days, |day: &Day| day.ours.0 == decision);
        let pooled = |decision| Frequency::of(&days, |day: &Day| day.pooled == decision);
        let (go, no_go) = (ours(Decision::Go), ours(Decision::NoGo));
        let hours = Numbers::of(days.iter().map(|day| day.ours.1));
        let row = Row::new("canary", format!("a day of drift and rising weights, no pairs: {name}"), days.len())
            .found(format!(
                "GO {}, NO-GO {}, median {:.0} h{}",
                go.text(),
                no_go.text(),
                hours.median(),
                blames(days.iter().filter_map(|day| day.by.as_deref()))
            ))
            .rules(format!(
                "errors of all hours pooled: GO {}, NO-GO {}",
                pooled(Decision::Go).text(),
                pooled(Decision::NoGo).text()
            ));
        rows.push(match at {
            0 => row.target("NO-GO <= 1 %", no_go.at_most(0.01)),
            1 => row.target("GO <= 5 %", go.at_most(0.05)),
            _ => row.target("GO <= 0.5 %", go.at_most(0.005)),
        });
    }
    rows
}

/// The candidate becomes three times as dear after 5000 of 10 000 pairs: from 0.35 to 1.05 times the baseline's bill.
pub(crate) fn price_change(runs: Runs) -> Vec<Row> {
    let policy = policy_with(&["errors", "cost"], "");
    let after = |dear: bool| PairPrice { before: if dear { 3.0 } else { 1.0 }, after: 3.0 };
    let mut rows = Vec::new();
    for (name, price, target) in [
        ("each request at the price of its own time", after(false), "the bill of the window (ratio 0.70)"),
        ("all requests at today's price", after(true), "GO 0: today's bill is 1.05 times"),
    ] {
        let verdicts = runs.repeat(|rng| {
            let mut evidence = Evidence::default();
            let counters = evidence.paired.epochs.entry(1).or_default();
            for at in 0..10_000 {
                let mut pair = IDENTICAL.pair(rng);
                let factor = if at < 5000 { price.before } else { price.after };
                pair.cost_nanos = pair.cost_nanos.map(|[b, c]| [b, (c as f64 * factor) as i64]);
                counters.add(&evidence.plan, &pair);
            }
            judge::judge(&evidence, &policy).verdict
        });
        let of = |decision| Frequency::of(&verdicts, |verdict| *verdict == decision);
        let (go, no_go) = (of(Decision::Go), of(Decision::NoGo));
        let row = Row::new("prices", format!("candidate's price x3 in the middle, {name}"), verdicts.len())
            .found(format!("GO {}, NO-GO {}", go.text(), no_go.text()));
        rows.push(if price.before > 1.0 {
            row.target(target, go.at_most(0.0))
        } else {
            row.rules(format!("what is asked then: {target}"))
        });
    }
    rows
}

/// Factors on the candidate's price in the two halves.
#[derive(Clone, Copy)]
struct PairPrice {
    before: f64,
    after: f64,
}

/// A mirror that loses long prompts, on which the candidate is slow.
struct Mirror {
    name: &'static str,
    /// Standardised log length above which every copy is lost.
    longer_than: f64,
    slower: f64,
}

struct Watched {
    judged: Decision,
    alarmed: bool,
    blind: Decision,
}

fn mirrored(rng: &mut Generator, mirror: &Mirror) -> Watched {
    let policy = policy_with(&SIX, "");
    let mut evidence = Evidence { plan: IDENTICAL.thresholds(rng, 1000, &policy), ..Evidence::default() };
    let mut blind = Decision::Hold;
    for _ in 0..20 {
        let counters = evidence.paired.epochs.entry(1).or_default();
        for _ in 0..500 {
            let prompt = Prompt::draw(rng);
            let lost = prompt.length > mirror.longer_than;
            evidence.instrument.mirror_intended += 1;
            evidence.instrument.mirror_observed += u64::from(!lost);
            evidence.instrument.count_mirrored((2000.0 * prompt.length.exp()) as u64, !lost);
            if !lost {
                counters.add(&evidence.plan, &slow_if_long(rng, prompt, mirror));
            }
        }
        let judged = judge::judge(&evidence, &policy);
        if blind == Decision::Hold {
            let unwatched = Evidence { instrument: judge::verdict::Instrument::default(), ..evidence.clone() };
            blind = judge::judge(&unwatched, &policy).verdict;
        }
        if judged.verdict != Decision::Hold {
            return Watched { judged: judged.verdict, alarmed: false, blind };
        }
    }
    let alarmed = !judge::judge(&evidence, &policy).instrument.alarms.is_empty();
    Watched { judged: Decision::Hold, alarmed, blind }
}

fn slow_if_long(rng: &mut Generator, prompt: Prompt, mirror: &Mirror) -> PairOutcome {
    let baseline = IDENTICAL.answer(rng, prompt, false);
    let mut candidate = IDENTICAL.answer(rng, prompt, true);
    if prompt.length > mirror.longer_than {
        candidate.ttft_us = (candidate.ttft_us as f64 * mirror.slower) as u64;
    }
    pair_outcome(baseline, candidate, false)
}

/// A mirror that drops long prompts must hold, and never pass on the biased sample.
pub(crate) fn biased_mirror(runs: Runs) -> Vec<Row> {
    let mirrors = [
        Mirror { name: "the longest 6.7 %, on which the candidate is x3 slower", longer_than: 1.5, slower: 3.0 },
        Mirror { name: "the longest 0.8 % (below the limit of 1 %), x4 slower there", longer_than: 2.4, slower: 4.0 },
    ];
    let mut rows = Vec::new();
    for (at, mirror) in mirrors.iter().enumerate() {
        let watched = runs.seeded(at as u64).repeat(|rng| mirrored(rng, mirror));
        let of = |decision| Frequency::of(&watched, |w: &Watched| w.judged == decision);
        let (go, hold) = (of(Decision::Go), of(Decision::Hold));
        let alarmed = Frequency::of(&watched, |w| w.alarmed);
        let blind = Frequency::of(&watched, |w| w.blind == Decision::Go);
        rows.push(
            Row::new("mirror", format!("mirror loses {}", mirror.name), watched.len())
                .found(format!("GO {}, HOLD {}, alarmed at the end {}", go.text(), hold.text(), alarmed.text()))
                .target("GO 0, HOLD", go.at_most(0.0) && hold.at_least(0.99))
                .rules(format!("the same judge without the mirror's books: GO {}", blind.text())),
        );
    }
    rows
}
