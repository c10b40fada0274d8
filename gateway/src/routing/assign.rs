//! What an assignment to an arm sticks to.
//!
//! A conversation that changed its model in the middle would be neither arm's evidence, so the conversation is the
//! default. Consumers are for callers that compare whole days of work; requests are for traffic without any memory.

use super::split;
use serde::Deserialize;
use wire::Unit;

/// The kind of assignment unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssignBy {
    /// All turns of a conversation: header, then `prompt_cache_key`, `safety_identifier` or `user`, then the opening.
    #[default]
    Conversation,
    /// All requests of a consumer; callers without a name are assigned by conversation.
    Consumer,
    /// Each request on its own.
    Request,
}

impl AssignBy {
    /// The name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conversation => "conversation",
            Self::Consumer => "consumer",
            Self::Request => "request",
        }
    }

    /// The bytes of the assignment unit. `conversation` is asked only where it decides, because finding it costs a
    /// walk through the messages; `request` is an id that no other request has (the pair id).
    #[must_use]
    pub fn unit(self, conversation: impl FnOnce() -> Unit, consumer: Option<&str>, request: &str) -> Vec<u8> {
        match (self, consumer) {
            (Self::Request, _) => [b"request\0", request.as_bytes()].concat(),
            (Self::Consumer, Some(consumer)) => [b"consumer\0", consumer.as_bytes()].concat(),
            (Self::Consumer, None) | (Self::Conversation, _) => split::unit_bytes(&conversation()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Unit {
        Unit::Header("c1".to_owned())
    }

    fn never() -> Unit {
        panic!("the conversation must not be looked for")
    }

    #[test]
    fn each_kind_sticks_to_its_own() {
        assert_eq!(AssignBy::Conversation.unit(header, Some("team"), "r1"), b"header\0c1");
        assert_eq!(AssignBy::Consumer.unit(never, Some("team"), "r1"), b"consumer\0team");
        assert_eq!(AssignBy::Request.unit(never, Some("team"), "r1"), b"request\0r1");
    }

    #[test]
    fn anonymous_callers_are_assigned_by_conversation() {
        assert_eq!(AssignBy::Consumer.unit(header, None, "r1"), b"header\0c1");
    }

    #[test]
    fn a_consumer_called_like_a_header_value_is_somebody_else() {
        let consumer = AssignBy::Consumer.unit(never, Some("c1"), "r");
        assert_ne!(consumer, AssignBy::Conversation.unit(header, Some("c1"), "r"));
        assert_ne!(consumer, AssignBy::Request.unit(never, None, "c1"));
    }
}
