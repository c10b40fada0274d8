//! What stays the same in a conversation: its settings, and what was said so far.

use super::task::Task;
use super::write::{Called, Reply, Spoken};
use crate::synth::Language;
use crate::synth::dice::Dice;
use crate::synth::mixed::turn::Prepared;
use crate::synth::scenes::{forms, functions, translation};
use crate::synth::words::Facts;
use serde_json::{Value, json};

/// End users of all applications together.
const USERS: u64 = 400;

/// Tokens that a turn is to have.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    pub(super) prompt_tokens: u64,
    pub(super) completion_tokens: u64,
}

/// A conversation and where it stands.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) number: usize,
    pub(super) language: Language,
    pub(super) task: Task,
    pub(super) consumer: &'static str,
    pub(super) model: &'static str,
    pub(super) facts: Facts,
    /// Turns it is to have; the end of the log may cut it off.
    pub(super) turns: usize,
    /// Size of the next turn.
    pub(super) size: Size,
    pub(super) next_turn: usize,
    pub(super) messages: Vec<Value>,
    pub(super) called: Option<Called>,
    pub(super) settings: Settings,
    /// The log says which conversation it was.
    pub(super) named: bool,
    /// Prompt tokens of the turn before, which the next can find in the cache.
    pub(super) earlier_prompt: u64,
    /// Its turns find the earlier ones in the cache.
    pub(super) cached: bool,
    /// The turn that failed and is to be tried again, and how often it was tried.
    pub(super) pending: Option<(Prepared, u32)>,
}

/// Members of the body that an application sets once.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) user: Option<String>,
    pub(super) cache_key: Option<String>,
    pub(super) temperature: Option<Value>,
    pub(super) streamed: bool,
    pub(super) include_usage: bool,
    pub(super) limited: bool,
}

impl Settings {
    fn draw(number: usize, task: Task, dice: &mut Dice) -> Self {
        let temperatures = [json!(0), json!(0.2), json!(0.7), json!(1)];
        let temperature = temperatures.get(dice.weighted(&[30, 30, 30, 10])).cloned().filter(|_| dice.percent(40));
        let streamed = dice.percent(if matches!(task, Task::Form { .. }) { 25 } else { 75 });
        Self {
            user: dice.percent(30).then(|| format!("user-{:04}", dice.below(USERS))),
            cache_key: dice.percent(20).then(|| format!("chat-{number:05}")),
            temperature,
            streamed,
            include_usage: streamed && dice.percent(50),
            limited: dice.percent(35),
        }
    }
}

impl Conversation {
    /// A conversation of a task, with the size of its first turn.
    pub(super) fn new(number: usize, task: Task, turns: usize, size: Size, dice: &mut Dice) -> Self {
        let language = if dice.percent(70) { Language::English } else { Language::Chinese };
        let facts = Facts::of_conversation(dice);
        let messages = system(task, language, &facts, dice).into_iter().collect();
        let named = turns > 1;
        Self {
            number,
            language,
            task,
            consumer: task.consumer(dice),
            model: if dice.percent(20) { "gpt-4o" } else { "gpt-4o-mini" },
            facts,
            turns,
            size,
            next_turn: 0,
            messages,
            called: None,
            settings: Settings::draw(number, task, dice),
            named,
            earlier_prompt: 0,
            cached: dice.percent(85),
            pending: None,
        }
    }

    /// The turn was answered: the next one carries it.
    pub(super) fn remember(&mut self, prepared: Prepared) {
        let Prepared { messages, spoken, prompt_tokens, .. } = prepared;
        self.messages = messages;
        self.messages.push(answered(&spoken, self.number, self.next_turn));
        let calls = matches!(spoken.openai, Reply::Calls(_));
        if let Some(called) = spoken.called.as_ref().filter(|_| calls) {
            self.messages.extend(results(called, self.number, self.next_turn));
        }
        self.called = spoken.called.filter(|_| calls);
        self.earlier_prompt = prompt_tokens;
        self.next_turn += 1;
    }
}

/// The system prompt, where the application has one.
fn system(task: Task, language: Language, facts: &Facts, dice: &mut Dice) -> Option<Value> {
    let english = language == Language::English;
    let of_pair = |(first, second): (&'static str, &'static str)| if english { first } else { second };
    let template = match task {
        Task::Form { .. } => of_pair(forms::SYSTEMS),
        Task::Tools => of_pair(functions::SYSTEMS),
        Task::Complete => of_pair((
            "You complete code. Reply with the text after the cursor and nothing else.",
            "你负责补全代码，只输出光标之后的文字。",
        )),
        Task::Translation => {
            dice.pick(if english { translation::SYSTEMS_IN_ENGLISH } else { translation::SYSTEMS_IN_CHINESE })
        }
        Task::Support | Task::Coding | Task::Summary => {
            dice.pick(task.scene(language).map_or(&[][..], |scene| scene.systems))
        }
        Task::Moderated => of_pair(("You are a helpful writer's assistant.", "你是写作助手。")),
    };
    let needed = matches!(task, Task::Form { .. } | Task::Tools | Task::Complete);
    (needed || dice.percent(75)).then(|| json!({"role": "system", "content": facts.fill(template, language)}))
}

/// The assistant's message of a turn.
fn answered(spoken: &Spoken, conversation: usize, turn: usize) -> Value {
    match (&spoken.openai, &spoken.called) {
        (Reply::Calls(_), Some(called)) => calls(called, conversation, turn),
        (Reply::Calls(_), None) => json!({"role": "assistant", "content": null}),
        (Reply::Text(text) | Reply::Refused(text) | Reply::Filtered(text), _) => {
            json!({"role": "assistant", "content": text})
        }
    }
}

/// The assistant's message that calls functions.
pub(super) fn calls(called: &Called, conversation: usize, turn: usize) -> Value {
    let call = |(index, call): (usize, &crate::synth::ScriptToolCall)| {
        let function = json!({"name": call.name, "arguments": call.arguments.to_string()});
        json!({"id": call_id(conversation, turn, index), "type": "function", "function": function})
    };
    let calls: Vec<Value> = called.calls.iter().enumerate().map(call).collect();
    json!({"role": "assistant", "content": null, "tool_calls": calls})
}

/// The messages with what the functions returned.
pub(super) fn results(called: &Called, conversation: usize, turn: usize) -> Vec<Value> {
    let results = called.results.iter().enumerate();
    let result = |(index, result): (usize, &String)| json!({"role": "tool", "tool_call_id": call_id(conversation, turn, index), "content": result});
    results.map(result).collect()
}

fn call_id(conversation: usize, turn: usize, index: usize) -> String {
    format!("call_{conversation:05}_{turn}_{index}")
}
