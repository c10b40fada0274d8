//! Packing keeps what a record says; sorting and linking depend on content alone.

use super::*;
use crate::tests::fixture::{NOON_US, exchange, mirrored, uniform, with_error};
use datasets::{Arm, AssignedBy, Exchange, FromLog, Moderation, Role, ShadowFate};
use std::collections::BTreeMap;
use wire::price::Tier;
use wire::{ErrorKind, Usage, UsageSource};

fn row(exchange: &Exchange) -> (Row, Names) {
    let mut names = Names::default();
    let row = Row::of(exchange, &mut names);
    (row, names)
}

fn fault(exchange: impl std::borrow::Borrow<Exchange>) -> Option<&'static str> {
    row(exchange.borrow()).0.fault().map(Fault::reason)
}

fn good() -> Exchange {
    exchange("p", Arm::Candidate, Role::Shadow)
}

#[test]
fn a_row_is_as_small_as_promised() {
    assert_eq!(size_of::<Row>(), 168);
}

#[test]
fn packing_keeps_every_value() {
    let usage = Usage {
        cached: Some(0),
        cache_write: Some(16_777_213),
        prompt_audio: Some(1),
        prompt_image: Some(65_536),
        completion_audio: Some(255),
        ..Usage::new(4_000_000_000, 7, UsageSource::Estimate)
    };
    let full = Exchange {
        epoch: 1_795_409_819_052,
        weight_bp: 10_000,
        consumer: Some("shop".to_owned()),
        assigned_by: Some(AssignedBy::HeaderPattern),
        assigned_bp: Some(2_500),
        shadow_bp: Some(0),
        model_answered: Some("deepseek-flash-1".to_owned()),
        sent_us: NOON_US - 5,
        first_event_us: Some(4_294_967_294),
        ttft_us: Some(86_399_999_999),
        first_visible_us: Some(86_400_000_000),
        duration_us: 86_400_000_000,
        status: 599,
        attempts: 3,
        form_failure: Some("not_json".to_owned()),
        moderation: Some(Moderation::BlockedByProvider),
        usage: Some(usage),
        tier: Tier::Ultrafast,
        cost_nanos: Some(1_099_000_000_000),
        structured: true,
        quality: Some(0.123_456_7),
        tools_digest: Some("calls".to_owned()),
        prompt_wide_chars: Some(0),
        shadow: Some(ShadowFate::BreakerOpen),
        ..good()
    };
    let (packed, names) = row(&full);
    assert_eq!(packed.fault(), None);
    assert_eq!((packed.at_us, packed.sent_us), (NOON_US, NOON_US - 5));
    assert_eq!((packed.ttft_us(), packed.duration_us()), (full.ttft_us, full.duration_us));
    let firsts = |row: &Row| (row.first_event_us(), row.first_visible_us());
    assert_eq!(firsts(&packed), (full.first_event_us, full.first_visible_us));
    let (late, _) = row(&Exchange { first_event_us: Some(4_294_967_295), first_visible_us: None, ..good() });
    assert_eq!((firsts(&late), late.fault()), ((None, None), None));
    assert_eq!((packed.usage(), packed.cost_nanos()), (Some(usage), Some(1_099_000_000_000)));
    assert!(packed.usage_is_estimate());
    assert_eq!(packed.tier(), Tier::Ultrafast);
    assert_eq!((packed.structured(), packed.refused(), packed.prompt_wide_chars()), (true, false, Some(0)));
    assert_eq!((packed.quality_millionths(), packed.quality()), (Some(123_457), Some(0.123_457)));
    assert_eq!(packed.tools, Some(hash32(key::Domain::Tools, "calls")));
    assert_eq!((packed.assigned_bp(), packed.shadow_bp()), (Some(2_500), Some(0)));
    assert_eq!((packed.epoch, packed.weight_bp, packed.attempts), (1_795_409_819_052, 10_000, 3));
    assert_eq!((packed.arm, packed.role, packed.endpoint), (full.arm, full.role, full.endpoint));
    assert_eq!(
        (packed.shadow, packed.moderation, packed.assigned_by),
        (full.shadow, full.moderation, full.assigned_by)
    );
    let route = Route { provider: "deepseek", model: "deepseek-flash", answered: Some("deepseek-flash-1") };
    assert_eq!(names.route(packed.route), route);
    assert_eq!(names.model(packed.route), names.id("deepseek-flash"));
    let ending = Ending { finish_reason: Some("stop"), form_failure: Some("not_json"), guard: None };
    assert_eq!(names.ending(packed.ending), ending);
    assert!(names.fails_form(packed.ending));
    assert_eq!(packed.consumer.map(|consumer| names.text(consumer)), Some("shop"));
    let (bare, _) =
        row(&Exchange { ttft_us: None, usage: None, request: None, unit: None, answer_digest: None, ..good() });
    assert_eq!((bare.ttft_us(), bare.usage(), bare.cost_nanos(), bare.assigned_bp()), (None, None, None, None));
    assert_eq!((bare.request, bare.unit, bare.answer, bare.quality()), (None, None, None, None));
}

#[test]
fn what_cannot_be_true_has_its_reason_and_failures_are_not_timed() {
    let timed = |duration_us, ttft_us| fault(Exchange { duration_us, ttft_us, ..good() });
    assert_eq!(timed(0, None), Some("duration of zero"));
    assert_eq!(timed(86_400_000_001, None), Some("duration above 24 hours"));
    assert_eq!(timed(u64::MAX, None), Some("duration above 24 hours"));
    assert_eq!(timed(5_000, Some(0)), Some("time to first token of zero"));
    assert_eq!(timed(5_000, Some(6_001)), Some("first token after the last byte"));
    assert_eq!(timed(5_000, Some(6_000)), None);
    assert_eq!(fault(with_error(Exchange { duration_us: 0, ..good() }, ErrorKind::Connect)), None);
    for at_us in [-1, i64::MAX] {
        assert_eq!(fault(Exchange { at_us, ..good() }), Some("time outside the years 1970 to 9999"));
    }
    assert_eq!(fault(Exchange { weight_bp: 70_000, ..good() }), Some("weight above 100 %"));
    assert_eq!(fault(Exchange { shadow_bp: Some(10_001), ..good() }), Some("probability above 100 %"));
    for quality in [-0.001, 1.001, f64::NAN, f64::INFINITY] {
        assert_eq!(fault(Exchange { quality: Some(quality), ..good() }), Some("quality outside 0 to 1"));
    }
    assert_eq!(fault(Exchange { epoch: 1_795_409_819_052, ..good() }), None, "a gateway's epoch");
    assert_eq!(fault(Exchange { epoch: 1 << 63, ..good() }), Some("epoch above 9223372036854775807"));
    assert_eq!(fault(Exchange { answer_chars: 1 << 33, ..good() }), Some("character count above 4294967293"));
    let usage = Usage::new(u64::MAX, 0, UsageSource::Provider);
    assert_eq!(fault(Exchange { usage: Some(usage), ..good() }), Some("token count above 4294967293"));
    let of_parts = |count: u64| -> [Usage; 6] {
        let (whole, part) = (Usage::new(1 << 30, 1 << 30, UsageSource::Provider), Some(count));
        [
            Usage { cached: part, ..whole },
            Usage { cache_write: part, ..whole },
            Usage { prompt_audio: part, ..whole },
            Usage { prompt_image: part, ..whole },
            Usage { reasoning: part, ..whole },
            Usage { completion_audio: part, ..whole },
        ]
    };
    for (usage, most) in of_parts((1 << 24) - 2).into_iter().zip(of_parts((1 << 24) - 3)) {
        let told = fault(Exchange { usage: Some(usage), ..good() });
        assert_eq!(told, Some("part of a token count above 16777213"), "{usage:?}");
        assert_eq!(fault(Exchange { usage: Some(most), ..good() }), None, "{most:?}");
    }
}

#[test]
fn a_tier_and_where_a_row_is_from_do_not_disturb_each_other() {
    let tiers = [Tier::Standard, Tier::Batch, Tier::Flex, Tier::Priority, Tier::Ultrafast];
    for tier in tiers {
        for recorded in [None, Some(FromLog::Timed), Some(FromLog::Untimed)] {
            for (refused, structured) in [(false, false), (true, false), (false, true), (true, true)] {
                let (packed, _) = row(&Exchange { tier, recorded, refused, structured, ..good() });
                assert_eq!((packed.tier(), packed.recorded()), (tier, recorded));
                assert_eq!((packed.refused(), packed.structured()), (refused, structured));
            }
        }
    }
}

#[test]
fn a_uuid_is_its_own_key_and_other_spellings_are_other_ids() {
    let key = |text: &str| PairKey::of(text).bits();
    assert_eq!(key("019a8f3c-1b2d-7e4f-8a9b-0c1d2e3f4a5b"), 0x019a_8f3c_1b2d_7e4f_8a9b_0c1d_2e3f_4a5b);
    let uuid = |text: &str| PairKey::of(text).uuid();
    assert_eq!(uuid("019a8f3c-1b2d-7e4f-8a9b-0c1d2e3f4a5b").as_deref(), Some("019a8f3c-1b2d-7e4f-8a9b-0c1d2e3f4a5b"));
    // What could be taken for a hash is hashed.
    assert_eq!(uuid("019a8f3c-1b2d-7e4f-ca9b-0c1d2e3f4a5b"), None);
    assert!((0..1000).all(|index| uuid(&format!("request-{index}")).is_none()));
    let others = [
        "019A8F3C-1b2d-7e4f-8a9b-0c1d2e3f4a5b",
        "019a8f3c01b2d-7e4f-8a9b-0c1d2e3f4a5b",
        "019a8f3c-1b2d-7e4f-8a9b-0c1d2e3f4a5g",
        "019a8f3c1b2d7e4f8a9b0c1d2e3f4a5b",
        "",
    ];
    let mut keys: Vec<u128> = others.iter().map(|text| key(text)).collect();
    keys.push(key("019a8f3c-1b2d-7e4f-8a9b-0c1d2e3f4a5b"));
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), others.len() + 1);
    // The same text in another field is another number.
    assert_ne!(hash64(key::Domain::Request, "a"), hash64(key::Domain::Unit, "a"));
}

/// Made-up traffic with repetitions, second outcomes and shared instants.
fn tangle(count: u64) -> Vec<Exchange> {
    let arms = [Arm::Baseline, Arm::Candidate];
    let roles = [Role::Served, Role::Shadow, Role::Replayed, Role::Repeat];
    let pick = |index, stream, n: usize| (uniform(index, stream) * n as f64) as usize;
    let made = |index: u64| Exchange {
        at_us: NOON_US + pick(index, 3, 40) as i64,
        sent_us: NOON_US + pick(index, 4, 3) as i64,
        duration_us: 1 + pick(index, 5, 3) as u64,
        ttft_us: None,
        consumer: (pick(index, 6, 3) > 0).then(|| format!("consumer-{}", pick(index, 7, 5))),
        model_answered: (pick(index, 8, 2) > 0).then(|| format!("model-{}", pick(index, 9, 5))),
        ..exchange(
            &format!("pair-{}", pick(index, 0, count as usize / 4)),
            arms[pick(index, 1, 2)],
            roles[pick(index, 2, 4)],
        )
    };
    (0..count).map(made).collect()
}

#[test]
fn order_numbers_and_links_do_not_depend_on_the_order_of_the_records() {
    let records = tangle(400);
    let rows = Rows::of(&records);
    assert!(rows.all().is_sorted_by(|a, b| a.order(b).is_le()));
    for stream in 20..25 {
        let mut shuffled: Vec<(f64, &Exchange)> =
            records.iter().zip(0..).map(|(record, index)| (uniform(index, stream), record)).collect();
        shuffled.sort_by(|a, b| a.0.total_cmp(&b.0));
        let shuffled: Vec<Exchange> = shuffled.into_iter().map(|(_, record)| record.clone()).collect();
        let again = Rows::of(&shuffled);
        assert_eq!(again.all(), rows.all());
        assert!(again.by_pair().map(Iterator::count).eq(rows.by_pair().map(Iterator::count)));
    }
}

#[test]
fn of_repetitions_the_one_sent_first_stays_and_links_hold_each_pair_together() {
    let records = tangle(400);
    let mut expected: BTreeMap<(PairKey, Arm, u32), i64> = BTreeMap::new();
    for record in &records {
        let sent = expected.entry((PairKey::of(&record.pair), record.arm, role_rank(record.role))).or_insert(i64::MAX);
        *sent = (*sent).min(record.sent_us);
    }
    let rows = Rows::of(&records);
    let found: BTreeMap<_, _> =
        rows.all().iter().map(|row| ((row.pair, row.arm, role_rank(row.role)), row.sent_us)).collect();
    assert_eq!((rows.len(), &found), (expected.len(), &expected));
    let mut pairs = Vec::new();
    for of_pair in rows.by_pair() {
        let members: Vec<&Row> = of_pair.collect();
        assert!(members.iter().all(|row| row.pair == members[0].pair));
        assert!(members.is_sorted_by(|a, b| a.order(b).is_le()));
        pairs.push((members[0].pair, members.len()));
    }
    pairs.sort_unstable();
    assert!(pairs.is_sorted_by(|a, b| a.0 < b.0), "each pair once");
    assert_eq!(pairs.iter().map(|(_, count)| count).sum::<usize>(), rows.len());
    // Leaving rows out keeps the links of the others.
    let mut names = Names::default();
    let packed = records.iter().map(|record| Row::of(record, &mut names)).collect();
    let (some, repeated) = Rows::gather(packed, names, |row| row.duration_us() != 2);
    assert_eq!(repeated as usize, records.len() - rows.len());
    let kept: Vec<&Row> = rows.all().iter().filter(|row| row.duration_us() != 2).collect();
    assert!(some.all().iter().eq(kept.iter().copied()));
    let linked: usize = some
        .by_pair()
        .map(|of_pair| of_pair.map(|row| row.pair).collect::<Vec<_>>())
        .map(|keys| {
            assert!(keys.windows(2).all(|keys| keys[0] == keys[1]));
            keys.len()
        })
        .sum();
    assert_eq!(linked, some.len());
}

#[test]
fn one_id_for_everything_takes_no_longer_than_many() {
    let many: Vec<Exchange> = (0..30_000).flat_map(|_| mirrored("same")).collect();
    let rows = Rows::of(&many);
    assert_eq!((rows.len(), rows.by_pair().count()), (2, 1));
}
