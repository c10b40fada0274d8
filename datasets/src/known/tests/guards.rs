//! What the made guard says agrees with its truth, and moves nothing else.

use super::{DIFFERENT, agrees, made, pairs, side};
use crate::{Arm, Exchange, GuardAction, Role};
use wire::ErrorKind;

/// Keys of the two arms.
const ARMS: [&str; 2] = [
    "guard_flags = 0.03\nguard_flags_bad = 0.4\n",
    "guard_flags = 0.06\nguard_flags_bad = 0.9\nguard_category = \"violence\"\nguard_failed = 0.1\nguard_unseen = 0.05\n",
];

/// Everything about the guard differs between the arms.
fn guarded() -> String {
    let arms = DIFFERENT.replace("[candidate]\n", &format!("{}[candidate]\n{}", ARMS[0], ARMS[1]));
    format!("{arms}[guard]\nenabled = true\nflags_requests = 0.8\n")
}

fn flagged(row: &Exchange) -> Option<bool> {
    let check = row.guard.as_ref()?.response.as_ref()?;
    check.is_whole().then(|| check.is_flag())
}

#[test]
fn flags_agree_with_the_truth_in_pairs_and_in_epochs() {
    let (rows, truth) = made(&guarded(), 40_000, 11);
    let pairs = pairs(&rows);
    let answered: Vec<_> = pairs.iter().filter(|pair| pair.iter().all(|row| row.error.is_none())).collect();
    for (index, arm) in [Arm::Baseline, Arm::Candidate].into_iter().enumerate() {
        let said: Vec<bool> = answered.iter().filter_map(|pair| flagged(pair[index])).collect();
        let count = said.iter().filter(|flagged| **flagged).count() as u64;
        agrees("guard_flags", said.len() as u64, count, side(&truth.paired, "guard_flags", arm));
    }
    let own: Vec<bool> = rows.iter().filter(|row| row.role == Role::Served).filter_map(flagged).collect();
    let count = own.iter().filter(|flagged| **flagged).count() as u64;
    agrees("served", own.len() as u64, count, side(&truth.epochs[0].metrics, "guard_flags", Arm::Baseline));
    let effect = truth.paired["guard_flags"].effect.unwrap();
    assert!((0.02..0.06).contains(&effect), "{effect}");
    // Failures and blind spots are those of the profile.
    let of_candidate: Vec<&Exchange> =
        rows.iter().filter(|row| row.arm == Arm::Candidate && row.error.is_none()).collect();
    let seen: Vec<_> = of_candidate.iter().filter_map(|row| row.guard.as_ref()?.response.as_ref()).collect();
    agrees("unseen", of_candidate.len() as u64, (of_candidate.len() - seen.len()) as u64, 0.05);
    agrees("failed", seen.len() as u64, seen.iter().filter(|check| !check.is_whole()).count() as u64, 0.1);
    assert!(seen.iter().any(|check| check.categories == ["violence"]));
    assert!(seen.iter().any(|check| check.categories == ["illicit"]));
}

#[test]
fn a_guard_moves_nothing_else_and_both_arms_have_the_same_request() {
    let (with, _) = made(&guarded(), 2_000, 4);
    let (without, truth) = made(DIFFERENT, 2_000, 4);
    assert!(without.iter().all(|row| row.guard.is_none()) && !truth.paired.contains_key("guard_flags"));
    assert!(with.iter().any(|row| row.error == Some(ErrorKind::ClientCancelled)));
    let bare: Vec<Exchange> = with.iter().map(|row| Exchange { guard: None, ..row.clone() }).collect();
    assert_eq!(bare, without);
    let request = |row: &Exchange| row.guard.as_ref().and_then(|guard| guard.request.clone()).unwrap();
    let pairs = pairs(&with);
    assert!(pairs.iter().all(|pair| request(pair[0]) == request(pair[1])));
    assert!(pairs.iter().any(|pair| request(pair[0]).action == GuardAction::Flagged));
    assert!(with.iter().all(|row| row.error.is_none() || flagged(row).is_none()), "no answer, no verdict");
}
