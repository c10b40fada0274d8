//! The generator of the logs `calm` and `violent`: everything that replay has to cope with, in the rhythm and the sizes
//! of one of the two Azure traces.
//!
//! It goes from arrival to arrival. Each is a retry, the next turn of a conversation, or a new conversation
//! ([`schedule`]); what is asked follows from how many tokens are to come ([`task`]); prompts are filled up with
//! passages of the same few documents ([`library`]). In distinction to `demo`, texts are as long as their token counts
//! say, so whoever estimates tokens from characters finds what was recorded.

mod arrivals;
mod conversation;
mod failure;
mod library;
mod schedule;
mod task;
mod turn;
mod write;

use super::dice::{Dice, Quantiles, strata};
use super::figures::{CODE_COMPLETION_TOKENS, CODE_PROMPT_TOKENS, COMPLETION_TOKENS, PROMPT_TOKENS};
use super::{Pattern, ScriptLine, Settings};
use crate::LoggedRequest;
use conversation::{Conversation, Size};
use failure::Failure;
use schedule::Schedule;
use std::ops::RangeInclusive;
use task::Task;
use write::Writer;

/// New conversations that go on for several turns, in percent.
const SESSION_PERCENT: u64 = 22;
/// Weights of 2, 3, 4, 5 and 6 turns.
const TURN_WEIGHTS: [u64; 5] = [35, 27, 18, 12, 8];
/// Prompt tokens of the first of several turns, where the trace has such prompts left.
const SESSION_OPENING_TOKENS_MAX: u64 = 500;
/// New conversations whose prompt is far longer than the trace's, so that every log has some.
const LONG_PER_THOUSAND: u64 = 14;
/// Their prompt tokens.
const LONG_TOKENS: (u64, u64) = (8_000, 14_000);
/// What a busy client looks back on, in microseconds.
const SECOND_US: u64 = 1_000_000;

/// Makes a log.
pub(super) fn make(settings: Settings) -> Result<(Vec<LoggedRequest>, Vec<ScriptLine>), serde_json::Error> {
    let times_us = arrivals::arrivals_us(settings);
    let mut maker = Maker::new(settings);
    for number in 0..times_us.len() {
        maker.arrive(number, &times_us)?;
    }
    Ok((maker.requests, maker.script))
}

struct Maker {
    name: &'static str,
    pattern: Pattern,
    writer: Writer,
    dice: Dice,
    /// Failures have a stream of their own: another share of them leaves the words as they are.
    luck: Dice,
    sizes: Sizes,
    conversations: Vec<Conversation>,
    schedule: Schedule,
    requests: Vec<LoggedRequest>,
    script: Vec<ScriptLine>,
}

impl Maker {
    fn new(settings: Settings) -> Self {
        Self {
            name: settings.pattern.name(),
            pattern: settings.pattern,
            writer: Writer::new(settings.seed),
            dice: Dice::new(settings.seed ^ 0x5345_5453),
            luck: Dice::new(settings.seed ^ 0x4C55_434B),
            sizes: Sizes::new(settings),
            conversations: Vec::new(),
            schedule: Schedule::default(),
            requests: Vec::with_capacity(settings.requests),
            script: Vec::with_capacity(settings.requests),
        }
    }

    /// Makes the request of one arrival.
    fn arrive(&mut self, number: usize, times_us: &[u64]) -> Result<(), serde_json::Error> {
        let now_us = times_us.get(number).copied().unwrap_or(0);
        let index = self.schedule.next(now_us).unwrap_or_else(|| self.begin());
        let Some(conversation) = self.conversations.get_mut(index) else { return Ok(()) };
        let (prepared, attempt) = match conversation.pending.take() {
            Some((prepared, attempts)) => (prepared, attempts + 1),
            None => {
                let prepared = turn::prepare(conversation, &mut self.writer, &mut self.dice)?;
                self.script.push(prepared.line.clone());
                (prepared, 1)
            }
        };
        let id = format!("{}-{number:05}", self.name);
        let second_ago_us = now_us.saturating_sub(SECOND_US);
        let busy = number - times_us.partition_point(|at_us| *at_us <= second_ago_us).min(number);
        let failure = Failure::draw(attempt, busy, &mut self.luck);
        let again_us = failure.map_or(0, |failure| now_us + failure.duration_us + failure.pause_us);
        let failure = failure.filter(|_| self.schedule.has_room(times_us, again_us));
        if let Some(failure) = failure {
            conversation.named = true;
            let recorded = failure.recorded(turn::snapshot(conversation.model));
            self.requests.push(prepared.logged(id, now_us, conversation, recorded));
            conversation.pending = Some((prepared, attempt));
            self.schedule.try_again(index, again_us);
            return Ok(());
        }
        let said_tokens = prepared.prompt_tokens + prepared.line.openai.completion_tokens;
        let answered_us = now_us + prepared.recorded.duration_us.unwrap_or(0);
        self.requests.push(prepared.logged(id, now_us, conversation, prepared.recorded.clone()));
        conversation.remember(prepared);
        if conversation.next_turn < conversation.turns {
            // What was said so far is part of the next prompt.
            conversation.size = self.sizes.take(said_tokens..=u64::MAX, conversation.task.completion_tokens_max());
            self.schedule.go_on(index, answered_us + self.dice.between(3_000_000, 40_000_000));
        }
        Ok(())
    }

    /// Opens a conversation and gives its index.
    fn begin(&mut self) -> usize {
        let turns = if self.dice.percent(SESSION_PERCENT) { self.dice.weighted(&TURN_WEIGHTS) + 2 } else { 1 };
        // A conversation that begins with a long prompt has no room to grow within what was measured.
        let opening_max = if turns > 1 { SESSION_OPENING_TOKENS_MAX } else { u64::MAX };
        let mut size = self.sizes.take(0..=opening_max, u64::MAX);
        let mut task = Task::draw(self.pattern, size.completion_tokens, &mut self.dice);
        let long = self.dice.below(1_000) < LONG_PER_THOUSAND;
        if long {
            task = self.dice.pick(&[Task::Summary, Task::Coding, Task::Support]);
            size.prompt_tokens = self.dice.between(LONG_TOKENS.0, LONG_TOKENS.1);
        }
        let turns = if long || task == Task::Moderated { 1 } else { turns };
        let number = self.conversations.len();
        self.conversations.push(Conversation::new(number, task, turns, size, &mut self.dice));
        number
    }
}

/// The sizes of all turns, drawn by strata and shuffled, so that the log as a whole keeps to the trace.
struct Sizes {
    prompts: Vec<u64>,
    completions: Vec<u64>,
    taken: usize,
}

impl Sizes {
    fn new(settings: Settings) -> Self {
        let (prompts, completions) = match settings.pattern {
            Pattern::Calm => (PROMPT_TOKENS, COMPLETION_TOKENS),
            Pattern::Violent => (CODE_PROMPT_TOKENS, CODE_COMPLETION_TOKENS),
        };
        let mut dice = Dice::new(settings.seed ^ 0x5349_5A45);
        let mut pool = |table: Quantiles| dice.shuffled(&strata(table, settings.requests));
        Self { prompts: pool(prompts), completions: pool(completions), taken: 0 }
    }

    /// The size of the next turn: the first of each that is left and wished for, or else the first that is left.
    fn take(&mut self, prompt_tokens: RangeInclusive<u64>, completion_tokens_max: u64) -> Size {
        let next = |pool: &mut Vec<u64>, wished: &dyn Fn(u64) -> bool| {
            let left = pool.get(self.taken..).unwrap_or_default();
            if let Some(further) = left.iter().position(|tokens| wished(*tokens)) {
                pool.swap(self.taken, self.taken + further);
            }
            pool.get(self.taken).copied().unwrap_or(1)
        };
        let prompt_tokens = next(&mut self.prompts, &|tokens| prompt_tokens.contains(&tokens));
        let completion_tokens = next(&mut self.completions, &|tokens| tokens <= completion_tokens_max);
        self.taken += 1;
        Size { prompt_tokens, completion_tokens }
    }
}
