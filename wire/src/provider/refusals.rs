//! Rows of what no provider takes: values out of range, messages out of order, tools without a name.
//!
//! Such a request fails at the baseline, too. It is found all the same, so that preflight can tell its owner; and it
//! stays on the baseline, whose error is the one that the client has always got.

use super::matrix::Row;
use super::values::{self, place};
use super::{Remedy, steps, toolbox};

pub(super) const NO_MESSAGES: Row = Row::refused(
    "messages",
    "no messages",
    |scene, _| scene.history().count == 0 && scene.history().unreadable.is_none(),
    "at least one message is needed",
);

pub(super) const UNREADABLE: Row = Row::refused(
    "messages",
    "unreadable message",
    |scene, _| scene.history().unreadable.is_some(),
    "a message is no object, or one of its members has another type than it must have",
)
.detail(|scene, _| place("messages", scene.history().unreadable));

pub(super) const ODD_ROLE: Row = Row::refused(
    "messages",
    "unknown role",
    |scene, _| scene.history().odd_role.is_some(),
    "the roles are system, developer, user, assistant, tool and function",
)
.detail(|scene, _| place("messages", scene.history().odd_role));

pub(super) const NO_CONTENT: Row = Row::refused(
    "messages",
    "message without content",
    |scene, _| scene.history().no_content.is_some(),
    "only an answer with calls may be without content",
)
.detail(|scene, _| place("messages", scene.history().no_content));

pub(super) const ODD_PART: Row = Row::refused(
    "messages",
    "unknown content part",
    |scene, _| scene.history().odd_part.is_some(),
    "the parts are text, image_url, input_audio, file and refusal",
)
.detail(|scene, _| place("messages", scene.history().odd_part));

pub(super) const LONE_RESULT: Row = Row::refused(
    "messages",
    "tool result without its call",
    |scene, _| scene.history().lone_result.is_some(),
    "a result has to follow the answer that made the call",
)
.detail(|scene, _| place("messages", scene.history().lone_result));

pub(super) const LONE_CALL: Row = Row::refused(
    "messages",
    "tool call without its result",
    |scene, _| scene.history().lone_call.is_some(),
    "every call has to be answered before the conversation goes on",
)
.detail(|scene, _| place("messages", scene.history().lone_call));

pub(super) const TEMPERATURE: Row = Row::refused(
    "temperature",
    "temperature out of range",
    |_, value| values::is_outside(value, 0.0, 2.0),
    "a number from 0 to 2 is taken",
)
.detail(values::number_detail);

pub(super) const TOP_LOGPROBS: Row = Row::refused(
    "top_logprobs",
    "top_logprobs>20",
    values::wants_too_many_alternatives,
    "a whole number up to 20 is taken",
)
.detail(values::number_detail);

pub(super) const LOGPROBS: Row = Row::refused(
    "logprobs",
    "logprobs that is no flag",
    |_, value| values::is_no_flag(value),
    "true or false is taken",
);

pub(super) const STOP: Row = Row::refused(
    "stop",
    "stop that is no text",
    |_, stop| values::are_no_texts(stop),
    "a text or a list of texts is taken",
);

pub(super) const UNREADABLE_TOOLS: Row = Row::refused(
    "tools",
    "unreadable tools",
    |scene, _| scene.toolbox().unreadable,
    "a list of tools is taken, each an object with a type and a name",
);

pub(super) const TOOL_NAME: Row = Row::refused(
    "tools",
    "tool name",
    |scene, _| scene.toolbox().bad_name.is_some(),
    "a name has 1 to 64 letters, digits, `_` and `-`",
)
.detail(|scene, _| place("tools", scene.toolbox().bad_name));

pub(super) const TOOL_SCHEMA: Row = Row::refused(
    "tools",
    "tool schema of no object",
    |scene, _| scene.toolbox().bad_schema.is_some(),
    "parameters have to be a schema whose type is object",
)
.detail(|scene, _| place("tools", scene.toolbox().bad_schema));

pub(super) const TOO_MANY_TOOLS: Row = Row::baseline("tools", "tools>128", "more than 128 tools are refused")
    .when(|_, list| toolbox::too_many(list))
    .detail(values::tools_detail)
    .remedy(Remedy::FixRequest);

/// A limit of the answer.
pub(super) const fn limit(member: &'static str) -> Row {
    Row::refused(
        member,
        "limit that is no positive number",
        |_, value| values::is_no_limit(value),
        "a whole number of at least 1 is taken",
    )
    .detail(values::number_detail)
}
/// The number of answers, where several are given.
pub(super) const ANSWERS: Row = Row::refused(
    "n",
    "n out of range",
    |_, n| !steps::number(n).is_some_and(|n| (1..=128).contains(&n)),
    "a whole number from 1 to 128 is taken",
)
.detail(values::number_detail);
