//! What the gateway's guard says of the made exchanges.
//!
//! Its draws come from streams of their own, one for each role, and all of them are made for every exchange: neither a guard
//! nor a change of its shares moves anything else in the records.

use super::draws::Draws;
use super::leg::{End, Leg, Prompt};
use super::profile::{Behaviour, Profile};
use crate::{GuardAction, GuardCheck, GuardLevel, Guarded};

/// The verdict on one exchange; none without a guard.
pub(super) fn verdict(
    profile: &Profile,
    arm: &Behaviour,
    prompt: &Prompt,
    leg: &Leg,
    draws: &mut Draws,
) -> Option<Guarded> {
    let flagged = draws.coin(if prompt.bad { arm.guard_flags_bad } else { arm.guard_flags });
    let (failed, unseen) = (draws.coin(arm.guard_failed), draws.coin(arm.guard_unseen));
    if !profile.guard.enabled {
        return None;
    }
    let guard = &profile.guard;
    let category = if prompt.bad { &guard.category_bad } else { &arm.guard_category };
    let answered = matches!(leg.end, End::Answered { .. } | End::Filtered);
    let response = (answered && !unseen).then(|| match (failed, flagged) {
        (true, _) => GuardCheck { failed: vec![guard.failure.clone()], ..GuardCheck::default() },
        (false, true) => flag(category),
        (false, false) => GuardCheck::default(),
    });
    let request = if prompt.flagged { flag(&guard.category_bad) } else { GuardCheck::default() };
    Some(Guarded { request: Some(request), response })
}

fn flag(category: &str) -> GuardCheck {
    GuardCheck {
        action: GuardAction::Flagged,
        level: GuardLevel::High,
        categories: vec![category.to_owned()],
        failed: Vec::new(),
    }
}
