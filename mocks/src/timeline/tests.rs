use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::profile::Faults;

fn timeline() -> Timeline {
    let mut timeline = Timeline::with_capacity(0, 0);
    for (index, frame) in ["one ", "two ", "three ", "four "].into_iter().enumerate() {
        timeline.bytes.extend_from_slice(frame.as_bytes());
        timeline.due(10 * index as u64);
    }
    timeline
}

fn text(timeline: &Timeline) -> &str {
    assert_eq!(timeline.steps.last().map_or(0, |step| step.end), timeline.bytes.len());
    std::str::from_utf8(&timeline.bytes).unwrap()
}

#[test]
fn cutting_keeps_whole_steps() {
    let mut cut = timeline();
    cut.cut(Ending::Stall);
    assert_eq!((text(&cut), cut.ending), ("one two ", Ending::Stall));
    let mut said = timeline();
    said.cut_with(b"error ");
    assert_eq!((text(&said), said.ending), ("one two error ", Ending::Complete));
    assert_eq!(said.steps[2].due_us, 20);
}

#[test]
fn replacing_moves_what_follows() {
    let mut replaced = timeline();
    replaced.replace_middle(b"- ");
    assert_eq!(text(&replaced), "one two - four ");
    assert_eq!(replaced.steps.len(), 4);
    assert_eq!(replaced.steps[3], Step { due_us: 30, end: 15 });
}

#[test]
fn cutting_bytes_breaks_a_single_step() {
    let mut whole = Timeline::with_capacity(0, 0);
    whole.bytes.extend_from_slice(b"{\"answer\":1}");
    whole.due(40);
    whole.cut_bytes(Ending::Complete);
    assert_eq!(text(&whole), "{\"answ");
}

#[test]
fn pieces_cover_the_text_in_order() {
    for (source, count, expected) in
        [("abcdef", 3, 3), ("abc", 10, 3), ("", 4, 0), ("敏捷的狐狸", 2, 2), ("a", 0, 1), ("abcdefg", 3, 3)]
    {
        let parts: Vec<&str> = pieces(source, count).collect();
        assert_eq!(parts.len(), expected, "{source}");
        assert_eq!(parts.concat(), source);
        assert!(parts.iter().all(|part| !part.is_empty()));
    }
}

fn draw(profile: &Profile, seed: u64) -> Delivery {
    Delivery::draw(profile, "m", 1.0, Dice::seed_from_u64(seed))
}

#[test]
fn the_pace_counts_from_the_start_and_scales() {
    let profile = Profile { time_scale: 1.0, slow_share: 0.0, ..Profile::openai() };
    let tenth = Profile { time_scale: 0.1, ..profile.clone() };
    let (mut one, mut two) = (draw(&profile, 3).pace, draw(&tenth, 3).pace);
    for _ in 0..200 {
        let ratio = one.now_us() as f64 / two.now_us() as f64;
        assert!((ratio - 10.0).abs() < 0.01, "{ratio}");
        let before = one.now_us();
        one.advance();
        two.advance();
        assert!(one.now_us() >= before);
    }
    // 200 gaps with a median of 12 ms and a mean of 12 ms * exp(0.5^2 / 2) = 13.6 ms.
    assert!((2_400_000..3_800_000).contains(&one.now_us()), "{}", one.now_us());
    let mut still = draw(&Profile { time_scale: 0.0, ..profile }, 3).pace;
    assert_eq!(still.skip(1000), 0);
}

#[test]
fn a_whole_answer_takes_as_long_as_its_chunks() {
    let profile = Profile { time_scale: 1.0, ..Profile::openai() };
    let (mut chunked, mut whole) = (draw(&profile, 9).pace, draw(&profile, 9).pace);
    (1..50).for_each(|_| chunked.advance());
    assert_eq!(whole.skip(50), chunked.now_us());
}

#[test]
fn slow_and_queued_requests_come_at_their_shares() {
    let profile = Profile {
        time_scale: 1.0,
        slow_share: 0.2,
        slow_factor: 100.0,
        queue_share: 0.3,
        queue_ms: 1_000_000,
        faults: Faults { stall: 0.1, ..Faults::default() },
        ..Profile::openai()
    };
    let deliveries: Vec<Delivery> = (0..5_000).map(|seed| draw(&profile, seed)).collect();
    let count = |test: &dyn Fn(&Delivery) -> bool| deliveries.iter().filter(|delivery| test(delivery)).count();
    let slow = count(&|delivery| delivery.pace.now_us() - delivery.queue_us > 5_000_000);
    assert!((900..1_100).contains(&slow), "{slow}");
    let queued = count(&|delivery| delivery.queue_us == 1_000_000_000);
    assert!((1_400..1_600).contains(&queued), "{queued}");
    let stalled = count(&|delivery| delivery.fault == Some(Fault::Stall));
    assert!((440..560).contains(&stalled), "{stalled}");
}

#[test]
fn time_to_first_token_has_the_profiles_quantiles() {
    let profile = Profile { time_scale: 1.0, slow_share: 0.0, ..Profile::openai() };
    let mut draws: Vec<u64> = (0..20_000).map(|seed| draw(&profile, seed).pace.now_us()).collect();
    draws.sort_unstable();
    for (share, z) in [(0.5, 0.0_f64), (0.95, 1.6449)] {
        let expected = 420_000.0 * (0.45 * z).exp();
        let found = draws[(share * draws.len() as f64) as usize] as f64;
        assert!((found / expected - 1.0).abs() < 0.04, "{share}: {found} against {expected}");
    }
}
