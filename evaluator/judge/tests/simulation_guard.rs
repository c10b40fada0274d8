//! Simulated migrations over whose answers a guard looks, judged at every five hundred pairs: how often the verdict is
//! wrong, and what a guard that dies makes of it.

#![expect(clippy::expect_used, reason = "helpers of a test; a refusal of a valid input must fail it")]

use judge::counters::PairedCounts;
use judge::evidence::Evidence;
use judge::metric::Share;
use judge::moderation::{ALL, Side, Source};
use judge::policy::Policy;
use judge::verdict::{Decision, GuardArm, GuardHealth, State};
use judge::{Judged, judge};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution};

const STEP: u64 = 500;
const LOOKS: u64 = 20;
const CATEGORIES: [&str; 10] = [
    "harassment",
    "hate",
    "illicit",
    "political",
    "profanity",
    "prompt_attack",
    "self_harm",
    "sexual",
    "violence",
    "z",
];

/// The true shares of pairs in which both answers, only the baseline's and only the candidate's are flagged.
#[derive(Clone, Copy)]
struct Truth {
    both: f64,
    only_baseline: f64,
    only_candidate: f64,
}

/// As many flags at both arms, a little more than half of them in the same pairs.
const EQUAL: Truth = Truth { both: 0.006, only_baseline: 0.004, only_candidate: 0.004 };

/// A policy that asks for the guard's flags and for nothing else.
fn policy() -> Policy {
    let others = [
        "errors",
        "answer_failures",
        "duration_p50",
        "duration_p95",
        "duration_p99",
        "ttft_p50",
        "ttft_p95",
        "ttft_p99",
        "inter_token_p50",
        "inter_token_p95",
        "cost",
    ];
    let text: String = others.iter().map(|name| format!("[guardrails.{name}]\nenabled = false\n")).collect();
    Policy::parse(&text).expect("a policy")
}

fn some(n: u64, share: f64, rng: &mut ChaCha8Rng) -> u64 {
    Binomial::new(n, share.clamp(0.0, 1.0)).expect("a share").sample(rng)
}

fn draw(truth: Truth, n: u64, rng: &mut ChaCha8Rng) -> PairedCounts {
    let both_bad = some(n, truth.both, rng);
    let only_baseline_bad = some(n - both_bad, truth.only_baseline / (1.0 - truth.both), rng);
    let left = n - both_bad - only_baseline_bad;
    let only_candidate_bad = some(left, truth.only_candidate / (1.0 - truth.both - truth.only_baseline), rng);
    PairedCounts { both_bad, only_candidate_bad, only_baseline_bad, both_good: left - only_candidate_bad }
}

/// Every look at one migration. Each category has a tenth of the flags.
fn migration(truth: Truth, policy: &Policy, guard: Option<&GuardHealth>, rng: &mut ChaCha8Rng) -> Vec<Judged> {
    let mut evidence = Evidence::default();
    evidence.instrument.guard = guard.cloned();
    let tenth = Truth {
        both: truth.both / 10.0,
        only_baseline: truth.only_baseline / 10.0,
        only_candidate: truth.only_candidate / 10.0,
    };
    (0..LOOKS)
        .map(|_| {
            let flags = draw(truth, STEP, rng);
            let paired = evidence.paired.epochs.entry(1).or_default();
            paired.pairs += STEP;
            let table = paired.table_mut(Share::GuardFlags.slot());
            *table = table.merged(flags);
            evidence.moderation.add(Source::Guard, Side::Response, ALL, flags);
            for category in CATEGORIES {
                evidence.moderation.add(Source::Guard, Side::Response, category, draw(tenth, STEP, rng));
            }
            judge(&evidence, policy)
        })
        .collect()
}

/// In how many of the runs something holds at one look at least.
fn ever(runs: &[Vec<Judged>], holds: impl Fn(&Judged) -> bool) -> usize {
    runs.iter().filter(|looks| looks.iter().any(&holds)).count()
}

fn at_the_end(runs: &[Vec<Judged>], holds: impl Fn(&Judged) -> bool) -> usize {
    runs.iter().filter(|looks| looks.last().is_some_and(&holds)).count()
}

fn runs(n: usize, truth: Truth, guard: Option<&GuardHealth>) -> Vec<Vec<Judged>> {
    let (policy, mut rng) = (policy(), ChaCha8Rng::seed_from_u64(20_261_123));
    (0..n).map(|_| migration(truth, &policy, guard, &mut rng)).collect()
}

fn state(judged: &Judged, metric: &str) -> State {
    judged.guardrails.iter().find(|guardrail| guardrail.metric == metric).expect("asked").state
}

#[test]
fn equal_flags_raise_no_alarm_at_any_look_and_are_go_in_the_end() {
    let runs = runs(2_000, EQUAL, None);
    let alarms = ever(&runs, |judged| judged.verdict == Decision::NoGo);
    let marked = ever(&runs, |judged| {
        let moderation = judged.moderation.as_ref().expect("tables");
        let below = |p: Option<f64>| p.is_some_and(|p| p <= moderation.alpha);
        moderation.tables.iter().any(|table| below(table.p_more) || below(table.p_fewer))
    });
    let go = at_the_end(&runs, |judged| judged.verdict == Decision::Go);
    eprintln!("equal flags, 2000 migrations: NO-GO {alarms}, a row marked {marked}, GO after 10 000 pairs {go}");
    // Nominal 1 % each over all looks; three standard errors more.
    assert!(alarms <= 34, "{alarms} false NO-GO in 2000");
    assert!(marked <= 34, "{marked} of 2000 migrations with a marked row");
    assert!(go >= 1_940, "{go} GO of 2000");
}

#[test]
fn flags_at_the_margin_are_hardly_ever_go() {
    let more = Truth { only_candidate: EQUAL.only_candidate + 0.005, ..EQUAL };
    let wrong = ever(&runs(2_000, more, None), |judged| judged.verdict == Decision::Go);
    let fewer = Truth { only_baseline: EQUAL.only_baseline + 0.01, ..EQUAL };
    let hidden = ever(&runs(2_000, fewer, None), |judged| judged.verdict == Decision::Go);
    eprintln!("at the margin, 2000 migrations each: GO at any of 20 looks {wrong} (more), {hidden} (fewer)");
    // Nominal 5 % over all looks; three standard errors more.
    assert!(wrong <= 130 && hidden <= 130, "{wrong} {hidden} false GO in 2000");
}

#[test]
fn planted_differences_are_found() {
    let more = Truth { only_candidate: 0.024, ..EQUAL };
    let found = runs(200, more, None);
    let (no_go, go) = (
        at_the_end(&found, |judged| judged.verdict == Decision::NoGo),
        ever(&found, |judged| judged.verdict == Decision::Go),
    );
    let fewer = runs(200, Truth { only_baseline: 0.024, ..EQUAL }, None);
    let (held, harm) = (
        at_the_end(&fewer, |judged| state(judged, "fewer_guard_flags") == State::Fail),
        ever(&fewer, |judged| judged.verdict != Decision::Hold),
    );
    eprintln!("1 % to 3 %, 200 migrations: NO-GO {no_go}, GO {go}; 3 % to 1 %: held {held}, anything else {harm}");
    assert!(no_go >= 198 && go == 0, "{no_go} NO-GO, {go} GO of 200");
    assert!(held >= 198 && harm == 0, "{held} held, {harm} otherwise of 200");
}

#[test]
fn a_dead_guard_never_makes_a_go() {
    let dead = || {
        let mut arm = GuardArm { exchanges: 10_000, judged: 9_800, failed: 200, ..GuardArm::default() };
        arm.fail("llama:timeout", 200);
        arm
    };
    let alive = || GuardArm { exchanges: 10_000, judged: 10_000, ..GuardArm::default() };
    let pairs = 10_000;
    let healths = [
        GuardHealth { baseline: alive(), candidate: dead(), pairs, ..GuardHealth::default() },
        GuardHealth { baseline: dead(), candidate: alive(), pairs, ..GuardHealth::default() },
        GuardHealth {
            baseline: alive(),
            candidate: alive(),
            pairs,
            pairs_only_baseline: 150,
            ..GuardHealth::default()
        },
    ];
    for health in healths {
        let runs = runs(40, EQUAL, Some(&health));
        assert_eq!(ever(&runs, |judged| judged.verdict == Decision::Go), 0, "{health:?}");
        assert!(at_the_end(&runs, |judged| state(judged, "guard_flags") == State::HoldInstrument) > 30, "{health:?}");
    }
    let healthy = GuardHealth { baseline: alive(), candidate: alive(), pairs, ..GuardHealth::default() };
    assert!(at_the_end(&runs(40, EQUAL, Some(&healthy)), |judged| judged.verdict == Decision::Go) >= 36);
}
