use super::*;
use crate::audit::{Entry, Evidence, What};
use crate::policy::{Freeze, Window};
use judge::verdict::{Bill, Decision as Answer, Guardrail, Instrument, SCHEMA, State};
use proptest::prelude::*;
use std::time::Duration;

const NOW: &str = "2026-11-22T12:00:00Z";

fn us(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

fn guardrail() -> Guardrail {
    serde_json::from_value(serde_json::json!({
        "metric": "errors", "segment": "all", "state": "pass", "scale": "difference", "estimate": 0.0, "lower": null,
        "upper": 0.003, "margin": 0.005, "alpha": 0.05, "alpha_alarm": 0.001, "n": 1000, "baseline_value": null,
        "candidate_value": null, "method": "tango-score", "direction": "lower-is-better", "why": "",
    }))
    .unwrap()
}

/// An hour old, judged at 5% in the epoch that began two hours ago.
fn go() -> Verdict {
    let verdict = serde_json::json!({
        "schema": SCHEMA, "verdict": "go", "reasons": ["all guardrails passed"],
        "migration": "m", "epoch": 1_795_341_600_000_u64, "weight_percent": 5.0, "next_weight_percent": 10.0,
        "next_weight_bound": "ladder", "needed": [], "guardrails": [guardrail()],
        "instrument": Instrument::default(), "bill": Bill::default(),
        "window": {"from_us": us("2026-11-22T10:00:00Z"), "to_us": us("2026-11-22T11:00:00Z")},
        "inputs": [], "policy_digest": "p", "tariff_digest": "t", "seed": 0, "version": "0",
        "created_at": "2026-11-22T11:00:00Z", "evidence": judge::verdict::Evidence::default(),
    });
    serde_json::from_value(verdict).unwrap()
}

fn in_force() -> InForce {
    InForce {
        target: "http://gateway".to_owned(),
        migration: Some("m".to_owned()),
        weight_percent: 5.0,
        shadow_percent: Some(0.0),
        epoch: Some(1_795_341_600_000),
        generation: Some("g".to_owned()),
        changed_at_us: None,
    }
}

/// Everything that is asked about, so that a test changes one thing.
#[derive(Debug, Clone)]
struct World {
    verdict: Verdict,
    in_force: InForce,
    policy: Policy,
    signed: Signed,
    now_us: i64,
    killed: bool,
    history: History,
}

fn world() -> World {
    World {
        verdict: go(),
        in_force: in_force(),
        policy: Policy::default(),
        signed: Signed::By("ab".repeat(32)),
        now_us: us(NOW),
        killed: false,
        history: History::default(),
    }
}

impl World {
    fn decide(&self) -> Decision {
        let World { signed, now_us, killed, history, .. } = self;
        let situation = Situation { now_us: *now_us, signed, killed: *killed, history: *history };
        decide(&self.verdict, &self.in_force, &self.policy, situation)
    }

    /// Without epochs, as files are.
    fn without_epochs(&mut self) {
        self.in_force.epoch = None;
    }
}

#[test]
fn a_fresh_matching_signed_go_raises_by_one_rung() {
    let decision = world().decide();
    assert_eq!(decision.step, Step::Raise { to_percent: 10.0 }, "{decision:#?}");
    assert!(decision.obstacle().is_none());
    let names: Vec<&str> = decision.checks.iter().map(|check| check.name).collect();
    let unique: std::collections::BTreeSet<&&str> = names.iter().collect();
    assert_eq!((names.len(), unique.len()), (15, 15), "{names:?}");
}

#[test]
fn nothing_to_raise_is_no_obstacle() {
    let mut world = world();
    world.verdict.next_weight_percent = 5.0;
    world.verdict.next_weight_bound = "risk".to_owned();
    let decision = world.decide();
    assert!(decision.step == Step::Stay && decision.obstacle().is_none(), "{decision:#?}");
    assert_eq!(decision.why, "GO, but the next weight is 5% (risk bound): nothing to raise");
}

type Change = fn(&mut World);

/// One change each, with the check that stops it and a word of why.
const STOPS: [(Change, &str, &str); 47] = [
    (|w| w.verdict.schema = "weighbridge.verdict/2".into(), "schema", "weighbridge.verdict/2"),
    (|w| w.verdict.schema = "weighbridge.verdict/10".into(), "schema", "use the same version"),
    (|w| w.verdict.verdict = Answer::NoGo, "verdict", "the verdict is NO-GO: all guardrails"),
    (|w| w.verdict.verdict = Answer::Hold, "verdict", "the verdict is HOLD"),
    (|w| w.signed = Signed::Unsigned, "signature", "evaluate --sign-key"),
    (|w| w.signed = Signed::Wrong("forged".into()), "signature", "forged"),
    (
        |w| {
            w.policy.allow_unsigned = true;
            w.signed = Signed::Wrong("forged".into());
        },
        "signature",
        "does not hold",
    ),
    (|w| w.verdict.created_at = "2026-11-21T11:59:59Z".into(), "age", "older than 1d"),
    (|w| w.verdict.created_at = "2026-11-22T12:05:01Z".into(), "age", "future"),
    (|w| w.verdict.created_at = "soon".into(), "age", "expected a time"),
    (|w| w.now_us = i64::MIN, "age", "future"),
    (|w| w.now_us = i64::MAX, "age", "older"),
    (|w| w.policy.max_age = Duration::from_secs(3599), "age", "older than 59m 59s"),
    (|w| w.verdict.migration = "other".into(), "migration", "about other, not m"),
    (|w| w.in_force.migration = Some("M".into()), "migration", "not M"),
    (|w| w.verdict.epoch += 1, "epoch", "evaluate newer records"),
    (|w| w.in_force.epoch = Some(0), "epoch", "in force is epoch 0"),
    (
        |w| {
            w.without_epochs();
            w.history.changed_at_us = Some(us("2026-11-22T10:00:00Z"));
        },
        "epoch",
        "the evidence began before",
    ),
    (
        |w| {
            w.without_epochs();
            w.in_force.changed_at_us = Some(us("2026-11-22T10:30:00Z"));
        },
        "epoch",
        "evaluate records from after",
    ),
    (
        // An epoch that claims to be newer than its own evidence proves nothing.
        |w| {
            w.without_epochs();
            w.verdict.epoch = 1_795_351_600_000;
            w.history.changed_at_us = Some(us("2026-11-22T11:30:00Z"));
        },
        "epoch",
        "the evidence began before",
    ),
    (
        |w| {
            w.without_epochs();
            w.in_force.generation = None;
        },
        "generation",
        "no generation",
    ),
    (|w| w.in_force.weight_percent = 6.0, "weight", "in force is 6%"),
    (|w| w.in_force.weight_percent = 5.01, "weight", "judged 5%"),
    (|w| w.in_force.weight_percent = f64::NAN, "weight", "NaN%"),
    (|w| w.in_force.weight_percent = -5.0, "weight", "expected 0 to 100"),
    (|w| w.verdict.weight_percent = f64::INFINITY, "weight", "inf%"),
    (|w| w.verdict.instrument.replay_degraded = true, "degraded", "replay"),
    (|w| w.verdict.instrument.alarms = vec!["The mirror lost 2 %.".into()], "degraded", "The mirror lost"),
    (
        |w| {
            w.verdict.instrument.pairs = 1000;
            w.verdict.instrument.mixed_epochs = 51;
        },
        "degraded",
        "51 pairs have halves in two epochs",
    ),
    (|w| w.verdict.guardrails.clear(), "degraded", "without a guardrail"),
    (|w| w.verdict.guardrails.iter_mut().for_each(|g| g.decides = false), "degraded", "without a guardrail"),
    (
        |w| w.verdict.guardrails.iter_mut().for_each(|g| g.state = State::HoldInsufficient),
        "degraded",
        "errors (all) is no proven pass",
    ),
    (|w| w.verdict.guardrails.iter_mut().for_each(|g| g.upper = None), "degraded", "contradicts itself"),
    (|w| w.verdict.guardrails.iter_mut().for_each(|g| g.upper = Some(0.005)), "degraded", "contradicts itself"),
    (
        |w| w.verdict.guardrails.iter_mut().for_each(|g| g.upper = Some(f64::NEG_INFINITY)),
        "degraded",
        "contradicts itself",
    ),
    (|w| w.verdict.guardrails.iter_mut().for_each(|g| g.margin = f64::NAN), "degraded", "contradicts itself"),
    (
        |w| {
            let watched = Guardrail { decides: false, state: State::Fail, ..guardrail() };
            w.verdict.guardrails.push(watched);
        },
        "degraded",
        "contradicts itself",
    ),
    (|w| w.verdict.next_weight_percent = f64::NAN, "next-weight", "NaN"),
    (|w| w.verdict.next_weight_percent = 100.01, "next-weight", "100.01"),
    (|w| w.verdict.next_weight_percent = 1.0, "next-weight", "below the 5% in force"),
    (|w| w.verdict.next_weight_percent = 25.0, "ladder", "the next rung above 5% is 10%, not 25%"),
    (|w| w.verdict.next_weight_percent = 9.99, "ladder", "not 9.99%"),
    (|w| w.policy.ladder_percent = vec![f64::NAN, 5.0], "ladder", "top of the ladder"),
    (
        |w| {
            w.policy.cool_down = Duration::from_hours(2);
            w.history.raised_at_us = Some(us("2026-11-22T10:30:00Z"));
        },
        "cool-down",
        "1h 30m ago, less than 2h",
    ),
    (|w| w.history.raised_at_us = Some(us("2026-11-22T12:06:00Z")), "cool-down", "future"),
    (|w| w.history.used_at_us = Some(us("2026-11-22T11:30:00Z")), "unused", "2026-11-22T11:30:00Z already"),
    (|w| w.killed = true, "kill-switch", "pulled"),
];

#[test]
fn anything_else_leaves_the_weight_alone_and_says_why() {
    for (change, name, word) in STOPS {
        let mut world = world();
        change(&mut world);
        let decision = world.decide();
        assert_eq!(decision.step, Step::Stay, "{name}, {word}: raised");
        let obstacle = decision.obstacle().unwrap_or_else(|| panic!("{word}: nothing stops it"));
        let check = decision.checks.iter().find(|check| check.name == name).unwrap();
        assert!(!check.passed && check.why.contains(word), "{name}: `{word}` is not in `{}`", check.why);
        assert_eq!(decision.why, obstacle.why);
    }
}

#[test]
fn a_freeze_stops_while_it_is_open() {
    let mut world = world();
    let window = Window::Dated { from_us: us(NOW), to_us: us(NOW) + 1 };
    world.policy.freeze = vec![Freeze { why: "year's end".to_owned(), window }];
    let decision = world.decide();
    assert_eq!(decision.obstacle().map(|check| check.name), Some("freeze"), "{decision:#?}");
    assert!(decision.why.contains("year's end"), "{}", decision.why);
    world.now_us += 1;
    assert_eq!(world.decide().step, Step::Raise { to_percent: 10.0 });
}

#[test]
fn unsigned_verdicts_raise_where_the_policy_says_so() {
    let mut world = world();
    world.signed = Signed::Unsigned;
    world.policy.allow_unsigned = true;
    assert_eq!(world.decide().step, Step::Raise { to_percent: 10.0 });
}

#[test]
fn where_no_epochs_are_counted_what_was_judged_is_newer_than_the_last_change() {
    let mut world = world();
    world.without_epochs();
    assert_eq!(world.decide().step, Step::Raise { to_percent: 10.0 }, "no change is known");
    world.history.changed_at_us = Some(us("2026-11-22T09:59:59Z"));
    assert_eq!(world.decide().step, Step::Raise { to_percent: 10.0 }, "all evidence is newer");
    world.verdict.window.from_us = 0;
    let began_us = i64::try_from(world.verdict.epoch).unwrap() * 1000;
    world.history.changed_at_us = Some(began_us - 1);
    assert_eq!(world.decide().step, Step::Raise { to_percent: 10.0 }, "the epoch is newer");
    world.history.changed_at_us = Some(began_us);
    assert_eq!(world.decide().step, Step::Stay);
    world.verdict.epoch = 7;
    world.history.changed_at_us = Some(1);
    assert_eq!(world.decide().step, Step::Stay, "an epoch that is no instant proves nothing");
}

#[test]
fn weights_off_the_ladder_climb_onto_it() {
    for (now, next) in [(0.0, 1.0), (0.5, 1.0), (7.0, 10.0), (98.0, 100.0)] {
        let mut world = world();
        world.verdict.weight_percent = now;
        world.in_force.weight_percent = now;
        world.verdict.next_weight_percent = next;
        assert_eq!(world.decide().step, Step::Raise { to_percent: next }, "{now}");
    }
}

#[test]
fn only_settable_weights_are_percentages() {
    for (percent, found) in [
        (0.0, Some(0)),
        (-0.0, Some(0)),
        (0.29, Some(29)),
        (33.33, Some(3333)),
        (100.0, Some(10_000)),
        (100.004, None),
        (0.001, None),
        (-0.01, None),
        (f64::NAN, None),
        (f64::INFINITY, None),
        (1e300, None),
    ] {
        assert_eq!(hundredths(percent), found, "{percent}");
    }
    assert!((0..=10_000).all(|whole| hundredths(f64::from(whole) / 100.0) == Some(whole)));
}

fn entry(what: What, at: &str, digest: &str, from: f64, to: Option<f64>) -> Entry {
    let evidence = Evidence { digest: digest.to_owned(), ..Evidence::of(&go(), digest, &Signed::Unsigned) };
    Entry {
        at: at.to_owned(),
        what,
        who: "gate".to_owned(),
        replica: None,
        migration: "m".to_owned(),
        target: "http://gateway".to_owned(),
        from_percent: Some(from),
        to_percent: to,
        epoch: None,
        why: String::new(),
        evidence: Some(evidence),
    }
}

#[test]
fn the_log_tells_what_was_raised_and_by_what() {
    let mine = Evidence::of(&go(), "mine", &Signed::Unsigned);
    let other = Evidence { digest: "other".to_owned(), created_at: "2026-11-22T10:00:00Z".to_owned(), ..mine.clone() };
    let raised = entry(What::Raise, "2026-11-22T11:10:00Z", "mine", 5.0, Some(10.0));
    let raised_us = Some(us("2026-11-22T11:10:00Z"));
    let of = |entries: &[Entry], evidence: &Evidence| History::of(entries, "m", "http://gateway", evidence);

    let all = History { raised_at_us: raised_us, changed_at_us: raised_us, used_at_us: raised_us };
    assert_eq!(of(std::slice::from_ref(&raised), &mine), all);
    assert_eq!(of(std::slice::from_ref(&raised), &other), History { used_at_us: None, ..all });
    // The same evidence, indented in another way.
    let again = Evidence { digest: "other".to_owned(), ..mine.clone() };
    assert_eq!(of(std::slice::from_ref(&raised), &again), all);
    // Somebody was faster: it never was a raise.
    let failed = entry(What::Failure, "2026-11-22T11:10:01Z", "mine", 5.0, Some(5.0));
    assert_eq!(of(&[raised.clone(), failed.clone()], &mine), History::default());
    // Nobody knows what became of it.
    let open = Entry { to_percent: None, ..failed.clone() };
    assert_eq!(of(&[raised.clone(), open], &mine), all);
    // A failure of something else.
    let elsewhere = Entry { evidence: Some(other.clone()), ..failed };
    assert_eq!(of(&[raised.clone(), elsewhere], &mine), all);
    // Other targets and migrations, and what changes nothing.
    let others = [
        Entry { target: "http://other".to_owned(), ..raised.clone() },
        Entry { migration: "other".to_owned(), ..raised.clone() },
        entry(What::DryRun, "2026-11-22T11:20:00Z", "mine", 5.0, Some(10.0)),
        entry(What::Stay, "2026-11-22T11:20:00Z", "mine", 5.0, None),
    ];
    assert_eq!(of(&others, &mine), History::default());
    let down = entry(What::Rollback, "2026-11-22T11:30:00Z", "alarm", 10.0, Some(0.0));
    let expected = History { changed_at_us: Some(us("2026-11-22T11:30:00Z")), ..all };
    assert_eq!(of(&[raised.clone(), down], &mine), expected);
    // A time that cannot be read stops what depends on it.
    let odd = Entry { at: "yesterday".to_owned(), ..raised };
    assert_eq!(of(&[odd], &mine).raised_at_us, Some(i64::MAX));
}

fn odd_number() -> impl Strategy<Value = f64> {
    let special =
        vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.001, 1e300, -5.0, 100.01, 4.99, 5.0, 10.0, 25.0];
    prop_oneof![prop::sample::select(special), any::<f64>(), (0_u32..=10_000).prop_map(|h| f64::from(h) / 100.0)]
}

fn odd_instant() -> impl Strategy<Value = i64> {
    let near = us(NOW);
    prop_oneof![any::<i64>(), (-200_000_000_000_i64..200_000_000_000).prop_map(move |by| near + by)]
}

/// Any one number, word or flag replaced by another one, odd ones before all.
#[derive(Debug, Clone, Copy)]
enum Mutation {
    Number(fn(&mut World, f64), f64),
    Instant(fn(&mut World, i64), i64),
    Stop(usize),
}

impl Mutation {
    fn apply(self, world: &mut World) {
        match self {
            Self::Number(change, number) => change(world, number),
            Self::Instant(change, instant) => change(world, instant),
            Self::Stop(which) => STOPS[which].0(world),
        }
    }
}

const NUMBERS: [fn(&mut World, f64); 7] = [
    |w, x| w.verdict.weight_percent = x,
    |w, x| w.verdict.next_weight_percent = x,
    |w, x| w.in_force.weight_percent = x,
    |w, x| w.verdict.guardrails.iter_mut().for_each(|g| g.upper = Some(x)),
    |w, x| w.verdict.guardrails.iter_mut().for_each(|g| g.margin = x),
    |w, x| w.policy.ladder_percent.push(x),
    |w, x| w.policy.ladder_percent.insert(0, x),
];

const INSTANTS: [fn(&mut World, i64); 9] = [
    |w, x| w.now_us = x,
    |w, x| w.verdict.window.from_us = x,
    |w, x| w.in_force.changed_at_us = Some(x),
    |w, x| w.history.raised_at_us = Some(x),
    |w, x| w.history.changed_at_us = Some(x),
    |w, x| w.policy.cool_down = Duration::from_micros(x.unsigned_abs()),
    |w, x| w.policy.max_age = Duration::from_micros(x.unsigned_abs()),
    |w, x| w.verdict.epoch = x.unsigned_abs() / 1000,
    |w, _| w.in_force.epoch = None,
];

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        (prop::sample::select(NUMBERS.to_vec()), odd_number()).prop_map(|(change, x)| Mutation::Number(change, x)),
        (prop::sample::select(INSTANTS.to_vec()), odd_instant()).prop_map(|(change, x)| Mutation::Instant(change, x)),
        (0..STOPS.len()).prop_map(Mutation::Stop),
    ]
}

/// The same judgement said again in the plainest words: nothing but this may raise.
fn may_raise(w: &World) -> bool {
    let fresh = w.verdict.created_at.parse::<jiff::Timestamp>().is_ok_and(|at| {
        let age_us = i128::from(w.now_us) - i128::from(at.as_microsecond());
        age_us >= -i128::from(CLOCK_SKEW_US) && age_us <= i128::try_from(w.policy.max_age.as_micros()).unwrap()
    });
    let whose = matches!(w.signed, Signed::By(_)) || (w.signed == Signed::Unsigned && w.policy.allow_unsigned);
    let same = (w.verdict.weight_percent - w.in_force.weight_percent).abs() < 1e-6;
    let cooled = w.history.raised_at_us.is_none_or(|at_us| {
        let age_us = (i128::from(w.now_us) - i128::from(at_us)).max(0);
        age_us >= i128::try_from(w.policy.cool_down.as_micros()).unwrap().min(i128::from(i64::MAX))
    });
    w.verdict.verdict == Answer::Go
        && fresh
        && whose
        && same
        && cooled
        && !w.killed
        && w.history.used_at_us.is_none()
        && w.in_force.epoch.is_none_or(|epoch| epoch == w.verdict.epoch)
        && w.in_force.migration.as_ref().is_none_or(|name| *name == w.verdict.migration)
        && w.verdict.instrument.alarms.is_empty()
        && !w.verdict.instrument.replay_degraded
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn no_mutation_raises_beyond_the_next_rung_or_past_a_failed_check(changes in prop::collection::vec(mutation(), 0..4)) {
        let mut world = world();
        changes.iter().for_each(|change| change.apply(&mut world));
        let decision = world.decide();
        let all_hold = decision.checks.iter().all(|check| check.passed);
        prop_assert_eq!(decision.obstacle().is_none(), all_hold);
        if let Step::Raise { to_percent } = decision.step {
            prop_assert!(all_hold, "{decision:#?}");
            prop_assert!(may_raise(&world), "{world:#?}");
            let now = world.in_force.weight_percent;
            let rungs = || world.policy.ladder_percent.iter().copied().filter(|rung| *rung > now + 0.005);
            prop_assert!(to_percent > now && to_percent <= 100.0);
            prop_assert!(rungs().any(|rung| (rung - to_percent).abs() < 1e-6), "{to_percent} is no rung");
            prop_assert!(rungs().filter(|rung| hundredths(*rung).is_some()).all(|rung| to_percent <= rung + 1e-6));
            prop_assert!((to_percent - world.verdict.next_weight_percent).abs() < 1e-6);
        }
    }

    #[test]
    fn a_verdict_with_any_one_change_of_its_text_never_goes_further(place in any::<prop::sample::Index>(), with in "[0-9eE.+-]{1,3}") {
        // Numbers of the file as somebody may have edited them.
        let text = serde_json::to_string(&go()).unwrap();
        let at = place.index(text.len());
        prop_assume!(text.is_char_boundary(at) && text.is_char_boundary(at + 1));
        let edited = format!("{}{with}{}", &text[..at], &text[at + 1..]);
        if let Ok(verdict) = serde_json::from_str::<Verdict>(&edited) {
            let decision = World { verdict, ..world() }.decide();
            prop_assert!(matches!(decision.step, Step::Stay | Step::Raise { to_percent: 10.0 }), "{decision:#?}");
        }
    }
}
