//! Who speaks when: arrivals, conversations and their sizes, before a word is written.
//!
//! Arrivals come first, because their rhythm is measured. Each arrival then goes to the open conversation that has
//! waited longest since its user had read the last answer, or else to a new one. So conversations overlap, a turn
//! never comes before the answer to the one before it, and the rhythm stays as measured.

use super::dice::Dice;
use super::figures::{CODE_GAPS_US, COMPLETION_TOKENS, CONVERSATION_GAPS_US, FIRST_TEXT_US, PROMPT_TOKENS, TOKEN_US};
use super::{Language, Pattern, Settings};

/// A prompt of this many tokens carries a document, if it can.
const LONG_PROMPT_TOKENS: u64 = 2_000;
/// New conversations that go on for several turns, in percent: makes about 40 % of requests belong to one.
const SESSION_PERCENT: u64 = 20;
/// Weights of 2, 3, 4, 5 and 6 turns.
const TURN_WEIGHTS: [u64; 5] = [35, 27, 18, 12, 8];

/// Kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Questions of customers.
    Support,
    /// Programming.
    Coding,
    /// Sentences to translate.
    Translation,
    /// Documents.
    Summary,
    /// Messages to be read into JSON.
    Json,
    /// A model that is offered functions.
    Tools(ToolUse),
}

/// What becomes of the functions that are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ToolUse {
    /// The answer is a call.
    Call,
    /// The call was made before; the request brings its result.
    Result,
    /// The question needs no function.
    Unneeded,
}

/// Sizes and times of one turn, as the baseline had them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) prompt_tokens: u64,
    pub(crate) completion_tokens: u64,
    pub(crate) first_text_us: u64,
    pub(crate) duration_us: u64,
}

impl Turn {
    /// A call of a function is shorter than any answer in words.
    fn shorten_to_call(&mut self) {
        let writing_us = self.duration_us - self.first_text_us;
        let tokens = 14 + self.completion_tokens % 12;
        self.duration_us = self.first_text_us + writing_us * tokens / self.completion_tokens.max(1);
        self.completion_tokens = tokens;
    }
}

/// A conversation of one or more turns.
#[derive(Debug)]
pub(crate) struct Conversation {
    pub(crate) language: Language,
    pub(crate) work: Work,
    /// Asked of the large model.
    pub(crate) large_model: bool,
    /// The turns that find a place in the log; a longer conversation is cut by the end of the log.
    pub(crate) turns: Vec<Turn>,
}

/// One arrival.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) at_us: u64,
    pub(crate) conversation: usize,
    pub(crate) turn: usize,
}

/// The whole plan.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) conversations: Vec<Conversation>,
    pub(crate) slots: Vec<Slot>,
}

/// A conversation that goes on.
struct Open {
    conversation: usize,
    next_turn: usize,
    ready_us: u64,
}

/// Plans a log.
pub(crate) fn plan(settings: Settings) -> Plan {
    let mut dice = Dice::new(settings.seed);
    let gaps = match settings.pattern {
        Pattern::Calm => CONVERSATION_GAPS_US,
        Pattern::Violent => CODE_GAPS_US,
    };
    let mut at_us = 0;
    let mut open: Vec<Open> = Vec::new();
    let mut plan = Plan { conversations: Vec::new(), slots: Vec::with_capacity(settings.requests) };
    for number in 0..settings.requests {
        if number > 0 {
            at_us += dice.quantile(gaps);
        }
        let place = next_open(&open, at_us).map_or_else(
            || {
                plan.conversations.push(new_conversation(&mut dice));
                Open { conversation: plan.conversations.len() - 1, next_turn: 0, ready_us: at_us }
            },
            |index| open.swap_remove(index),
        );
        plan.slots.push(Slot { at_us, conversation: place.conversation, turn: place.next_turn });
        let turns = plan.conversations.get(place.conversation).map_or(&[][..], |found| &found.turns);
        if let Some(turn) = turns.get(place.next_turn).filter(|_| place.next_turn + 1 < turns.len()) {
            let reading_us = dice.between(3_000_000, 40_000_000);
            let ready_us = at_us + turn.duration_us + reading_us;
            open.push(Open { next_turn: place.next_turn + 1, ready_us, ..place });
        }
    }
    for unfinished in open {
        if let Some(conversation) = plan.conversations.get_mut(unfinished.conversation) {
            conversation.turns.truncate(unfinished.next_turn);
        }
    }
    plan
}

/// The open conversation that has been ready longest.
fn next_open(open: &[Open], now_us: u64) -> Option<usize> {
    let ready = open.iter().enumerate().filter(|(_, place)| place.ready_us <= now_us);
    ready.min_by_key(|(_, place)| (place.ready_us, place.conversation)).map(|(index, _)| index)
}

fn new_conversation(dice: &mut Dice) -> Conversation {
    let language = if dice.percent(70) { Language::English } else { Language::Chinese };
    let large_model = dice.percent(20);
    let length = if dice.percent(SESSION_PERCENT) { dice.weighted(&TURN_WEIGHTS) + 2 } else { 1 };
    let mut turns = turns(length, dice);
    let long = turns.first().is_some_and(|turn| turn.prompt_tokens >= LONG_PROMPT_TOKENS);
    let work = work(length > 1, long, dice);
    if work == Work::Tools(ToolUse::Call) {
        turns.iter_mut().for_each(Turn::shorten_to_call);
    }
    Conversation { language, work, large_model, turns }
}

/// Sizes of the turns. Each size is drawn from the measured distribution; the prompts are put in rising order, since
/// a later turn carries the history, and raised where the history alone is longer.
fn turns(length: usize, dice: &mut Dice) -> Vec<Turn> {
    let mut prompts: Vec<u64> = (0..length).map(|_| dice.quantile(PROMPT_TOKENS)).collect();
    prompts.sort_unstable();
    let mut history = 0;
    let mut turns = Vec::with_capacity(length);
    for drawn in prompts {
        let prompt_tokens = drawn.max(history + 12);
        let completion_tokens = dice.quantile(COMPLETION_TOKENS);
        history = prompt_tokens + completion_tokens;
        let first_text_us = dice.quantile(FIRST_TEXT_US);
        let duration_us = first_text_us + completion_tokens * dice.quantile(TOKEN_US);
        turns.push(Turn { prompt_tokens, completion_tokens, first_text_us, duration_us });
    }
    turns
}

fn work(session: bool, long: bool, dice: &mut Dice) -> Work {
    if !session && dice.percent(14) {
        let uses = [ToolUse::Call, ToolUse::Result, ToolUse::Unneeded];
        return Work::Tools(uses.get(dice.weighted(&[40, 30, 30])).copied().unwrap_or(ToolUse::Unneeded));
    }
    if dice.percent(if session { 15 } else { 17 }) {
        return Work::Json;
    }
    if long && dice.percent(80) {
        return Work::Summary;
    }
    let kinds = [Work::Support, Work::Coding, Work::Translation, Work::Summary];
    kinds.get(dice.weighted(&[40, 27, 18, 15])).copied().unwrap_or(Work::Support)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_keep_their_order_and_wait_for_the_answer_before() {
        let plan = plan(Settings { seed: 5, requests: 1_500, pattern: Pattern::Calm });
        assert_eq!(plan.slots.len(), 1_500);
        let mut last: Vec<Option<(usize, u64)>> = vec![None; plan.conversations.len()];
        for slot in &plan.slots {
            let turn = plan.conversations[slot.conversation].turns[slot.turn];
            match last[slot.conversation] {
                None => assert_eq!(slot.turn, 0),
                Some((before, end_us)) => {
                    assert_eq!(slot.turn, before + 1);
                    assert!(slot.at_us >= end_us + 3_000_000);
                }
            }
            last[slot.conversation] = Some((slot.turn, slot.at_us + turn.duration_us));
        }
        for (conversation, last) in plan.conversations.iter().zip(last) {
            assert_eq!(last.map(|(turn, _)| turn + 1), Some(conversation.turns.len()));
            assert!((1..=6).contains(&conversation.turns.len()));
            let rising = conversation
                .turns
                .windows(2)
                .all(|pair| pair[1].prompt_tokens > pair[0].prompt_tokens + pair[0].completion_tokens);
            assert!(rising, "{conversation:?}");
        }
        assert!(plan.slots.windows(2).all(|pair| pair[0].at_us < pair[1].at_us));
    }

    #[test]
    fn nothing_is_planned_for_nothing() {
        let plan = plan(Settings { seed: 5, requests: 0, pattern: Pattern::Violent });
        assert!(plan.slots.is_empty() && plan.conversations.is_empty());
    }
}
