//! What one record says to the guard: the same questions as the evaluator asks of it.

use datasets::{AssignedBy, Exchange, GuardCheck, Moderation, Role, ShadowFate};
use judge::live::{Ending, Rules};
use judge::metric::Share;
use wire::{Endpoint, ErrorKind};

/// Whether the weight drew the arm that serves a request: what the candidate cannot serve never stood a choice, and what a
/// rule sent somewhere was chosen by somebody.
pub(super) fn is_drawn(role: Role, fate: Option<ShadowFate>, by: AssignedBy) -> bool {
    role == Role::Served && fate != Some(ShadowFate::Unfit) && by == AssignedBy::Weight
}

/// How a request ended.
pub(super) fn ending(record: &Exchange, rules: &Rules) -> Ending {
    let mut ending =
        Ending { cancelled: record.error.is_some_and(|error| !error.blames_provider()), ..Ending::default() };
    if ending.cancelled {
        ending.bad.insert_if(Share::Cancellations.slot(), record.error == Some(ErrorKind::ClientCancelled));
        return ending;
    }
    ending.key_refused = matches!(record.error, Some(ErrorKind::Auth | ErrorKind::Quota));
    let failed = record.error.is_some();
    let erred = failed && record.error != Some(ErrorKind::Moderation);
    let blocked = !erred && record.moderation == Some(Moderation::BlockedByProvider);
    let mut bad = |share: Share, is_bad: bool| ending.bad.insert_if(share.slot(), is_bad);
    bad(Share::Errors, erred);
    bad(Share::Blocked, blocked || record.error == Some(ErrorKind::Moderation));
    let in_text = matches!(record.endpoint, Endpoint::Chat | Endpoint::Completions | Endpoint::Responses);
    if !failed && in_text {
        let check = record.guard.as_ref().and_then(|guard| guard.response.as_ref());
        bad(Share::Refusals, record.refused);
        bad(Share::GuardFlags, check.is_some_and(|check| check.is_whole() && GuardCheck::is_flag(check)));
        bad(Share::AnswerFailures, record.form_failure.is_some());
        bad(Share::StructuredFailures, record.structured && record.form_failure.is_some());
        bad(Share::Truncations, record.finish_reason.as_deref() == Some("length"));
    }
    let late =
        |value: Option<u64>, limit: Option<u64>| limit.is_some_and(|limit| value.is_some_and(|value| value > limit));
    let slow = failed && rules.slow_duration_us().is_some();
    bad(Share::SlowDuration, slow || late(Some(record.duration_us), rules.slow_duration_us()));
    let slow = failed && record.streamed && rules.slow_ttft_us().is_some();
    bad(Share::SlowTtft, slow || (record.streamed && late(record.ttft_us, rules.slow_ttft_us())));
    ending
}
