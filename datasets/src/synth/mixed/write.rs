//! Writes one turn: the question, both vendors' replies, and which document the prompt carries.
//!
//! Both vendors say the same facts in other words; no difference in quality is planted. Replies are made as long as
//! the drawn number of tokens asks for, by quoting the document that the prompt carries.

pub(super) mod structured;

use super::library::{Library, Title, tokens_of, twelfths_of};
use super::task::Task;
use crate::synth::dice::Dice;
use crate::synth::scenes::{Scene, Topic, moderated, translation};
use crate::synth::words::Facts;
use crate::synth::write::joined;
use crate::synth::{Language, ScriptToolCall};
use serde_json::Value;
use std::collections::BTreeSet;

/// Draws of new facts for one question, before a running number makes it unique.
const TRIES: usize = 20;
/// A quotation shorter than this is left out.
const QUOTE_TOKENS_MIN: u64 = 10;

/// What a turn is to be like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    pub(super) task: Task,
    pub(super) language: Language,
    pub(super) facts: &'a Facts,
    /// Counted from 0.
    pub(super) turn: usize,
    /// No other turn comes after this one, nor came before.
    pub(super) alone: bool,
    pub(super) completion_tokens: u64,
    /// What the turn before called a function for.
    pub(super) called: Option<&'a Called>,
}

/// One vendor's reply.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    /// An answer in words or JSON.
    Text(String),
    /// Calls of functions.
    Calls(Vec<ScriptToolCall>),
    /// The model declines, in the member made for it.
    Refused(String),
    /// The provider cut the answer.
    Filtered(String),
}

/// Where the part of a document lies that fills the prompt.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// From this line on.
    After(usize),
    /// Up to this line.
    Before(usize),
}

/// Calls that were made, and what came back.
#[derive(Debug, Clone)]
pub(super) struct Called {
    /// Index of the function that was asked for.
    pub(super) function: usize,
    pub(super) calls: Vec<ScriptToolCall>,
    pub(super) results: Vec<String>,
}

/// The words of one turn.
#[derive(Debug, Clone)]
pub(super) struct Spoken {
    pub(super) user: String,
    pub(super) place: Place,
    /// The document stands in the user's own message.
    pub(super) inline: bool,
    /// The calls that this turn makes, or, where the reply is no call, that were made before it.
    pub(super) called: Option<Called>,
    pub(super) format: Option<Value>,
    pub(super) openai: Reply,
    pub(super) deepseek: Reply,
}

impl Spoken {
    /// A reply in words on a document of which `line` is a place.
    fn plain(user: String, line: usize, openai: Reply, deepseek: Reply) -> Self {
        Self { user, place: Place::After(line), inline: false, called: None, format: None, openai, deepseek }
    }
}

/// Writes turns; no two questions are the same.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) dice: Dice,
    pub(super) library: Library,
    asked: BTreeSet<String>,
}

impl Writer {
    pub(super) fn new(seed: u64) -> Self {
        let library = Library::new(&mut Dice::new(seed ^ 0x424F_4F4B));
        Self { dice: Dice::new(seed ^ 0x0057_4F52_4453), library, asked: BTreeSet::new() }
    }

    /// The words of a turn.
    pub(super) fn turn(&mut self, wish: Wish<'_>) -> Spoken {
        let mut spoken = self.draw(wish);
        for _ in 1..TRIES {
            if !self.asked.contains(&spoken.user) {
                break;
            }
            spoken = self.draw(wish);
        }
        if self.asked.contains(&spoken.user) {
            spoken.user += &format!(" (#{})", self.asked.len());
        }
        self.asked.insert(spoken.user.clone());
        spoken
    }

    fn draw(&mut self, wish: Wish<'_>) -> Spoken {
        let facts = wish.facts.next_turn(&mut self.dice);
        match wish.task {
            Task::Support | Task::Coding | Task::Summary => self.prose(wish, &facts),
            Task::Complete => self.completion(wish, &facts),
            Task::Translation => self.translation(wish, &facts),
            Task::Form { schema } => self.form(wish, &facts, schema),
            Task::Tools => self.functions(wish, &facts),
            Task::Moderated => self.moderated(wish, &facts),
        }
    }

    /// One of eight places of a document, so that prompts share their passages.
    fn section(&mut self, title: Title, language: Language) -> usize {
        let lines = self.library.get(title, language).len();
        lines * usize::try_from(self.dice.below(8)).unwrap_or(0) / 8
    }

    fn prose(&mut self, wish: Wish<'_>, facts: &Facts) -> Spoken {
        let Some(scene) = wish.task.scene(wish.language) else { return self.completion(wish, facts) };
        let topic = self.dice.pick(if wish.turn == 0 { scene.topics } else { scene.follow_ups });
        let user = facts.fill(self.dice.pick(topic.asks), wish.language);
        let line = self.section(wish.task.title(), wish.language);
        let openai = self.reply_in_prose(scene, topic, wish, facts, line);
        let deepseek = self.reply_in_prose(scene, topic, wish, facts, line + 1);
        let inline = wish.task == Task::Summary && wish.turn == 0 && self.dice.percent(50);
        Spoken { inline, ..Spoken::plain(user, line, Reply::Text(openai), Reply::Text(deepseek)) }
    }

    /// Opening, the topic's own sentences, a quotation of the document up to the wished length, closing.
    fn reply_in_prose(&mut self, scene: &Scene, topic: Topic, wish: Wish<'_>, facts: &Facts, line: usize) -> String {
        let mut parts = vec![self.dice.pick(scene.openings)];
        parts.extend(topic.core);
        parts.push(self.dice.pick(scene.more));
        let closing = facts.fill(self.dice.pick(scene.closings), wish.language);
        let mut text = facts.fill(&joined(parts.into_iter(), wish.language), wish.language);
        let wished = wish.completion_tokens * self.dice.between(95, 105) / 100;
        let left = wished.saturating_sub(tokens_of(&text) + tokens_of(&closing) + 2);
        if left >= QUOTE_TOKENS_MIN {
            let quote = self.library.get(wish.task.title(), wish.language).after(line, left);
            let code = wish.task == Task::Coding;
            text += &if code { format!("\n```python\n{quote}\n```\n") } else { format!("\n\n{quote}\n\n") };
        } else if !closing.is_empty() {
            text.push_str(if wish.language == Language::English { " " } else { "" });
        }
        (text + &closing).trim_end().to_owned()
    }

    /// The rest of a line: what stands in the file after the cursor.
    fn completion(&mut self, wish: Wish<'_>, facts: &Facts) -> Spoken {
        let language = wish.language;
        let lines = self.library.get(Title::Source, language).len();
        let cursor = usize::try_from(self.dice.below(lines as u64)).unwrap_or(0);
        let template = match language {
            Language::English => {
                "Continue the file at the cursor, line {line}. Code only, no fences. Edit {code}.{count}."
            }
            Language::Chinese => "请从光标处（第{line}行）继续，只写代码，不要围栏。编辑{code}.{count}。",
        };
        let user = facts.fill(template, language).replace("{line}", &(cursor + 1).to_string());
        let reply = |tokens: u64| {
            let rest = self.library.get(Title::Source, language).after(cursor, tokens + 40);
            Reply::Text(cut_to(rest.trim_start(), tokens))
        };
        let openai = reply(wish.completion_tokens);
        let deepseek = reply(wish.completion_tokens + wish.completion_tokens / 8);
        Spoken { place: Place::Before(cursor), ..Spoken::plain(user, cursor, openai, deepseek) }
    }

    fn translation(&mut self, wish: Wish<'_>, facts: &Facts) -> Spoken {
        /// Tokens of a sentence in the other language, about.
        const SENTENCE_TOKENS: u64 = 11;
        let (asks, target) = match wish.language {
            Language::English => (translation::ASKS_IN_ENGLISH, Language::Chinese),
            Language::Chinese => (translation::ASKS_IN_CHINESE, Language::English),
        };
        let mut sentences = self.dice.shuffled(translation::SENTENCES);
        sentences.truncate(
            usize::try_from(((wish.completion_tokens + SENTENCE_TOKENS / 2) / SENTENCE_TOKENS).clamp(2, 14))
                .unwrap_or(2),
        );
        let said = |language| {
            let parts = sentences.iter().map(|pair| if language == Language::English { pair.0 } else { pair.1 });
            facts.fill(&joined(parts, language), language)
        };
        let user = facts.fill(self.dice.pick(asks), wish.language) + &said(wish.language);
        let openai = said(target);
        let deepseek = if self.dice.percent(30) { format!("{openai}\n") } else { openai.clone() };
        let line = self.section(Title::Handbook, wish.language);
        Spoken::plain(user, line, Reply::Text(openai), Reply::Text(deepseek))
    }

    fn moderated(&mut self, wish: Wish<'_>, facts: &Facts) -> Spoken {
        let index = usize::try_from(self.dice.below(moderated::PROMPTS.len() as u64)).unwrap_or(0);
        let prompt = moderated::PROMPTS.get(index).unwrap_or(&moderated::PROMPTS[0]);
        let (english, language) = (wish.language == Language::English, wish.language);
        let user = facts.fill(if english { prompt.asks.0 } else { prompt.asks.1 }, language);
        let answer = facts.fill(if english { prompt.answers.0 } else { prompt.answers.1 }, language);
        let refusals = if english { moderated::REFUSALS.0 } else { moderated::REFUSALS.1 };
        let refusal = self.dice.pick(refusals).to_owned();
        let begun = cut_to(&answer, tokens_of(&answer) / 3);
        let openai = match self.dice.weighted(&[40, 38, 22]) {
            0 => Reply::Text(answer.clone()),
            1 => Reply::Refused(refusal.clone()),
            _ => Reply::Filtered(begun.clone()),
        };
        // DeepSeek has no member for refusals: its model says so in the answer.
        let deepseek = match self.dice.weighted(&[52, 33, 15]) {
            0 => Reply::Text(answer),
            1 => Reply::Text(refusal),
            _ => Reply::Filtered(begun),
        };
        let line = self.section(Title::Handbook, language);
        Spoken::plain(user, line, openai, deepseek)
    }
}

/// The beginning of a text, as many characters as make `tokens` tokens; at least one.
pub(super) fn cut_to(text: &str, tokens: u64) -> String {
    let mut cut = String::new();
    let mut left = tokens * 12;
    for character in text.chars() {
        let cost = twelfths_of(character.encode_utf8(&mut [0; 4]));
        if cost > left && !cut.is_empty() {
            break;
        }
        left = left.saturating_sub(cost);
        cut.push(character);
    }
    cut
}
