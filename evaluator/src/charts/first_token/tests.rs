//! Means of the parts, what is left out, and what is counted as unknown.

use super::*;
use crate::rows::Names;
use crate::tests::fixture::{exchange, with_error};
use datasets::{Exchange, FromLog, Role};
use wire::ErrorKind;

fn answer(firsts: [Option<u64>; 3]) -> Exchange {
    let [first_event_us, ttft_us, first_visible_us] = firsts;
    Exchange { first_event_us, ttft_us, first_visible_us, ..exchange("p", Arm::Candidate, Role::Shadow) }
}

fn thought(event_us: u64, text_us: u64, visible_us: u64) -> Exchange {
    answer([event_us, text_us, visible_us].map(Some))
}

fn of(answers: &[Exchange]) -> Option<FirstToken> {
    let (mut names, mut parts) = (Names::default(), Parts::new());
    answers.iter().for_each(|answer| parts.add(&Row::of(answer, &mut names)));
    parts.finish(Arm::Candidate, "all")
}

fn means(found: &FirstToken) -> (f64, f64, f64) {
    (found.queue_us, found.first_text_us, found.thinking_us)
}

#[test]
fn the_means_of_the_parts_add_up_to_that_of_the_whole() {
    let answers = [thought(100, 130, 400), thought(300, 300, 300), thought(200, 260, 1_001), thought(201, 210, 210)];
    let found = of(&answers).unwrap();
    assert_eq!((found.arm.as_str(), found.segment.as_str(), found.n, found.unknown), ("candidate", "all", 4, 0));
    assert_eq!(means(&found), (200.25, 24.75, 252.75));
    let whole = (400 + 300 + 1_001 + 210) as f64 / 4.0;
    assert!((found.queue_us + found.first_text_us + found.thinking_us - whole).abs() < 1e-9);
    // Ranks 2 and 4 of 210, 300, 400 and 1,001; the latter to within its bucket of two.
    assert_eq!((found.visible_p50_us, found.visible_p95_us.abs_diff(1_001) <= 1), (300, true));
    let mut turned = answers.to_vec();
    turned.reverse();
    assert_eq!(of(&turned).unwrap(), found);
}

#[test]
fn what_failed_or_was_not_streamed_does_not_count_and_what_lacks_a_part_is_told() {
    let whole = thought(100, 200, 300);
    assert_eq!(of(&[]), None);
    let not_streamed = Exchange { streamed: false, ..whole.clone() };
    let ended_early = [ErrorKind::Truncated, ErrorKind::Server, ErrorKind::ClientCancelled]
        .map(|error| Exchange { first_visible_us: Some(300), ..with_error(whole.clone(), error) });
    assert_eq!(of(&[&[not_streamed][..], &ended_early].concat()), None);
    let unknown = [
        answer([None, Some(200), None]),
        answer([Some(100), None, Some(300)]),
        answer([Some(100), Some(200), None]),
        answer([None, None, None]),
        // What cannot be true, as after a clock that jumped.
        thought(201, 200, 300),
        thought(100, 301, 300),
        Exchange { recorded: Some(FromLog::Timed), ..whole.clone() },
        Exchange { recorded: Some(FromLog::Untimed), duration_us: 0, ..whole.clone() },
    ];
    let nothing = of(&unknown).unwrap();
    assert_eq!((nothing.n, nothing.unknown), (0, 8));
    assert_eq!(means(&nothing), (0.0, 0.0, 0.0));
    assert_eq!((nothing.visible_p50_us, nothing.visible_p95_us), (0, 0));
    let found = of(&[&unknown[..], &[whole]].concat()).unwrap();
    assert_eq!((found.n, found.unknown), (1, 8));
    assert_eq!(means(&found), (100.0, 100.0, 100.0));
}

#[test]
fn no_number_of_answers_overflows() {
    let longest = thought(4_294_967_294, 86_399_999_999, 86_400_000_000);
    let found = of(&vec![longest; 1_000]).unwrap();
    assert_eq!((found.queue_us, found.thinking_us), (4_294_967_294.0, 1.0));
}
