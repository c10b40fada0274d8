use super::*;
use proptest::prelude::*;

fn turn(session: u64, at_us: u64, recorded_us: u64) -> Turn {
    Turn { session: Some(session), at_us, due_us: at_us, recorded_us: Some(recorded_us) }
}

fn sessions(mode: SessionMode) -> Sessions {
    Sessions::new(mode, 10, 1.0, None)
}

const fn send(due_us: u64) -> Arrival {
    Arrival::Send { due_us }
}

#[test]
fn independent_turns_follow_the_schedule_whatever_is_under_way() {
    let mut sessions = sessions(SessionMode::Independent);
    assert_eq!(sessions.arrive(1, turn(7, 0, 10), 0), send(0));
    assert_eq!(sessions.arrive(2, turn(7, 5, 10), 0), send(5));
    assert_eq!(sessions.finished(1, 99), None);
}

#[test]
fn an_ordered_turn_waits_for_the_previous_answer_but_not_for_other_sessions() {
    let mut sessions = sessions(SessionMode::Ordered);
    assert_eq!(sessions.arrive(1, turn(7, 0, 10), 0), send(0));
    assert_eq!(sessions.arrive(2, turn(7, 50, 10), 50), Arrival::Held);
    assert_eq!(sessions.arrive(3, turn(8, 60, 10), 60), send(60));
    assert_eq!(sessions.arrive(4, turn(7, 70, 10), 70), Arrival::Held);
    let alone = Turn { session: None, ..turn(0, 80, 10) };
    assert_eq!(sessions.arrive(5, alone, 80), send(80));
    assert_eq!(sessions.held(), 2);
    // The answer took 90 instead of 10: the next turn is due when it is there.
    assert_eq!(sessions.finished(1, 90), Some((2, 90)));
    assert_eq!(sessions.finished(2, 95), Some((4, 95)));
    assert_eq!((sessions.finished(4, 99), sessions.finished(3, 99), sessions.finished(5, 99)), (None, None, None));
    assert_eq!((sessions.held(), sessions.delayed()), (0, 2));
    // A quick answer does not pull the next turn forward.
    assert_eq!(sessions.arrive(6, turn(7, 200, 10), 150), send(200));
}

#[test]
fn a_turn_that_came_up_early_keeps_its_recorded_time() {
    let mut sessions = sessions(SessionMode::Ordered);
    assert_eq!(sessions.arrive(1, turn(7, 0, 10), 0), send(0));
    assert_eq!(sessions.arrive(2, turn(7, 500, 10), 0), Arrival::Held);
    assert_eq!(sessions.finished(1, 20), Some((2, 500)));
    assert_eq!(sessions.delayed(), 0);
}

#[test]
fn think_time_counts_from_the_end_of_the_answer() {
    // Recorded: answer from 0 to 100, next turn at 400: the user thought for 300.
    for (ended_us, due_us) in [(20, 320), (100, 400), (900, 1_200)] {
        let mut sessions = sessions(SessionMode::Think);
        assert_eq!(sessions.arrive(1, turn(7, 0, 100), 0), send(0));
        assert_eq!(sessions.arrive(2, turn(7, 400, 100), 10), Arrival::Held);
        assert_eq!(sessions.finished(1, ended_us), Some((2, due_us)));
        // The same if the turn comes up after the answer.
        let mut late = self::sessions(SessionMode::Think);
        assert_eq!(late.arrive(1, turn(7, 0, 100), 0), send(0));
        assert_eq!(late.finished(1, ended_us), None);
        assert_eq!(late.arrive(2, turn(7, 400, 100), 10), send(due_us));
    }
}

#[test]
fn think_time_follows_the_speed_and_the_cap() {
    let mut fast = Sessions::new(SessionMode::Think, 10, 10.0, Some(200));
    assert_eq!(fast.arrive(1, Turn { due_us: 0, ..turn(7, 0, 100) }, 0), send(0));
    assert_eq!(fast.finished(1, 50), None);
    // 300 recorded, capped at 200, ten times as fast.
    assert_eq!(fast.arrive(2, Turn { due_us: 40, ..turn(7, 400, 100) }, 0), send(70));
}

#[test]
fn a_session_ahead_of_its_log_waits_for_it_and_is_not_called_late() {
    let mut sessions = sessions(SessionMode::Think);
    assert_eq!(sessions.arrive(1, turn(7, 0, 1_000), 0), send(0));
    assert_eq!(sessions.finished(1, 10), None);
    // Asked for at 10 + 200, but it comes up at 900 only.
    assert_eq!(sessions.arrive(2, turn(7, 1_200, 0), 900), send(900));
    // A reader that is late itself stays late: the schedule's instant counts.
    assert_eq!(sessions.finished(2, 950), None);
    assert_eq!(sessions.arrive(3, turn(7, 1_300, 0), 5_000), send(1_300));
}

#[test]
fn without_a_recorded_end_a_thinking_session_is_ordered() {
    let mut sessions = sessions(SessionMode::Think);
    assert_eq!(sessions.arrive(1, Turn { recorded_us: None, ..turn(7, 0, 0) }, 0), send(0));
    assert_eq!(sessions.arrive(2, turn(7, 400, 0), 0), Arrival::Held);
    assert_eq!(sessions.finished(1, 50), Some((2, 400)));
}

#[test]
fn the_bound_drops_and_the_session_goes_on() {
    let mut sessions = Sessions::new(SessionMode::Ordered, 1, 1.0, None);
    assert_eq!(sessions.arrive(1, turn(7, 0, 0), 0), send(0));
    assert_eq!(sessions.arrive(2, turn(7, 1, 0), 1), Arrival::Held);
    assert_eq!(sessions.arrive(3, turn(7, 2, 0), 2), Arrival::Dropped);
    assert_eq!(sessions.finished(1, 10), Some((2, 10)));
    assert_eq!(sessions.finished(2, 20), None);
    assert_eq!(sessions.arrive(4, turn(7, 30, 0), 30), send(30));
    assert_eq!(sessions.finished(77, 40), None);
}

#[test]
fn memory_is_bounded_by_what_is_under_way_and_the_newest_idle_sessions() {
    let mut ordered = sessions(SessionMode::Ordered);
    let mut thinking = sessions(SessionMode::Think);
    for ticket in 0..IDLE_MAX as u64 + 50 {
        for sessions in [&mut ordered, &mut thinking] {
            assert_eq!(sessions.arrive(ticket, turn(ticket, ticket, 0), ticket), send(ticket));
            assert_eq!(sessions.finished(ticket, ticket + 1), None);
        }
    }
    assert_eq!((ordered.sessions.len(), ordered.tickets.len(), ordered.idle.len()), (0, 0, 0));
    assert_eq!((thinking.sessions.len(), thinking.tickets.len(), thinking.idle.len()), (IDLE_MAX, 0, IDLE_MAX));
    // A forgotten session is due as scheduled, a remembered one after its pause.
    let next = |session| Turn { due_us: 500_000, ..turn(session, session + 7, 0) };
    assert_eq!(thinking.arrive(900_001, next(0), 0), send(500_000));
    assert_eq!(thinking.arrive(900_002, next(60), 0), send(60 + 1 + 7));
}

#[test]
fn modes_read_and_print() {
    for mode in [SessionMode::Independent, SessionMode::Ordered, SessionMode::Think] {
        assert_eq!(mode.to_string().parse::<SessionMode>().unwrap(), mode);
    }
    assert!("sideways".parse::<SessionMode>().unwrap_err().to_string().contains("ordered"));
}

/// An event list played to its end by a virtual clock: what was sent when, and when it ended.
fn simulate(mode: SessionMode, turns: &[(u64, u64, u64)], held_max: usize) -> Vec<(u64, u64, u64, u64)> {
    let mut sessions = Sessions::new(mode, held_max, 1.0, None);
    // Ends by time; the value names the ticket.
    let mut ends = std::collections::BTreeSet::new();
    let mut sent = Vec::new();
    let length = |ticket: u64| 1 + turns[ticket as usize].2;
    let drain =
        |sessions: &mut Sessions, ends: &mut std::collections::BTreeSet<(u64, u64)>, sent: &mut Vec<_>, until| {
            while let Some((end, ticket)) = ends.first().copied().filter(|(end, _)| *end <= until) {
                ends.remove(&(end, ticket));
                if let Some((next, due)) = sessions.finished(ticket, end) {
                    sent.push((turns[next as usize].0, next, due, due + length(next)));
                    ends.insert((due + length(next), next));
                }
            }
        };
    for (ticket, (session, at_us, recorded_us)) in turns.iter().enumerate() {
        let ticket = ticket as u64;
        drain(&mut sessions, &mut ends, &mut sent, *at_us);
        if let Arrival::Send { due_us } = sessions.arrive(ticket, turn(*session, *at_us, *recorded_us), *at_us) {
            sent.push((*session, ticket, due_us, due_us + length(ticket)));
            ends.insert((due_us + length(ticket), ticket));
        }
    }
    drain(&mut sessions, &mut ends, &mut sent, u64::MAX);
    assert!(sessions.tickets.is_empty());
    assert_eq!(sessions.held(), 0);
    sent
}

proptest! {
    #[test]
    fn turns_of_a_session_never_overlap_and_none_is_lost(
        mut turns in proptest::collection::vec((0u64..4, 0u64..500, 0u64..200), 0..60),
        think in any::<bool>(), held_max in 0usize..70,
    ) {
        turns.sort_by_key(|(_, at_us, _)| *at_us);
        let mode = if think { SessionMode::Think } else { SessionMode::Ordered };
        let sent = simulate(mode, &turns, held_max);
        prop_assert!(held_max < 60 || sent.len() == turns.len());
        for session in 0..4 {
            let ours: Vec<_> = sent.iter().filter(|(of, ..)| *of == session).collect();
            for pair in ours.windows(2) {
                prop_assert!(pair[0].1 < pair[1].1, "order of the log: {pair:?}");
                prop_assert!(pair[1].2 >= pair[0].3, "sent before the answer: {pair:?}");
            }
            prop_assert!(think || ours.iter().all(|(_, ticket, due, _)| *due >= turns[*ticket as usize].1));
        }
    }
}
