//! Writes the words of one turn: what the user asks and what each vendor answers.
//!
//! Both vendors say the same facts, so a comparison of the two arms finds no planted difference in quality; they differ
//! in first and last words, in added sentences and in the layout of JSON, as two models do.

use super::Language;
use super::ScriptToolCall;
use super::dice::Dice;
use super::plan::{Conversation, ToolUse, Work};
use super::scenes::extraction::{self, Form};
use super::scenes::tools::{self, OFFERS, Offer};
use super::scenes::{Scene, Topic, coding, summary, support, translation};
use super::words::Facts;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Draws of new facts for one question, before a running number makes it unique.
const TRIES: usize = 20;
/// Longest document in characters.
const DOCUMENT_CHARS_MAX: usize = 6_000;

/// What one vendor says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Words {
    /// Text.
    Text(String),
    /// A call of a function.
    Call(ScriptToolCall),
}

/// A call that was made before this request, and what came back.
#[derive(Debug, Clone)]
pub(crate) struct ToolHistory {
    pub(crate) call: ScriptToolCall,
    pub(crate) result: String,
}

/// The words of one turn.
#[derive(Debug, Clone)]
pub(crate) struct Spoken {
    pub(crate) user: String,
    pub(crate) openai: Words,
    pub(crate) deepseek: Words,
    pub(crate) tool_history: Option<ToolHistory>,
}

/// A question that is not yet answered.
struct Question {
    text: String,
    facts: Facts,
    kind: Kind,
}

/// What is needed to answer it.
enum Kind {
    Prose(&'static Scene, Topic),
    Sentences(Vec<(&'static str, &'static str)>),
    Form(&'static Form),
    Tool(Offer),
}

/// Writes turns; no two questions are the same.
pub(crate) struct Writer {
    pub(crate) dice: Dice,
    asked: BTreeSet<String>,
}

impl Writer {
    pub(crate) fn new(seed: u64) -> Self {
        Self { dice: Dice::new(seed), asked: BTreeSet::new() }
    }

    /// The system prompt of a conversation.
    pub(crate) fn system(&mut self, conversation: &Conversation, facts: &Facts) -> String {
        let english = conversation.language == Language::English;
        let template = match conversation.work {
            Work::Translation if english => self.dice.pick(translation::SYSTEMS_IN_ENGLISH),
            Work::Translation => self.dice.pick(translation::SYSTEMS_IN_CHINESE),
            Work::Json if english => extraction::SYSTEM_IN_ENGLISH,
            Work::Json => extraction::SYSTEM_IN_CHINESE,
            Work::Tools(_) if english => tools::SYSTEM_IN_ENGLISH,
            Work::Tools(_) => tools::SYSTEM_IN_CHINESE,
            Work::Support | Work::Coding | Work::Summary => {
                self.dice.pick(scene(conversation).map_or(&[][..], |scene| scene.systems))
            }
        };
        facts.fill(template, conversation.language)
    }

    /// The words of turn number `turn`.
    pub(crate) fn turn(&mut self, conversation: &Conversation, facts: &Facts, turn: usize) -> Spoken {
        let figures = conversation.turns.get(turn);
        let question = self.question(conversation, facts, turn);
        let chars = answer_chars(figures.map_or(0, |turn| turn.completion_tokens), conversation.language);
        let language = conversation.language;
        let tool_history = match (&question.kind, conversation.work) {
            (Kind::Tool(offer), Work::Tools(ToolUse::Result)) => Some(ToolHistory {
                call: call(*offer, &question.facts, language),
                result: question.facts.fill(offer.result, language),
            }),
            _ => None,
        };
        let openai = self.answer(&question, conversation, chars, false);
        let deepseek = self.answer(&question, conversation, chars, true);
        Spoken { user: question.text, openai, deepseek, tool_history }
    }

    /// A question that was not asked before.
    fn question(&mut self, conversation: &Conversation, facts: &Facts, turn: usize) -> Question {
        let mut question = self.draw_question(conversation, facts, turn);
        for _ in 1..TRIES {
            if !self.asked.contains(&question.text) {
                break;
            }
            question = self.draw_question(conversation, facts, turn);
        }
        if self.asked.contains(&question.text) {
            question.text += &format!(" (#{})", self.asked.len());
        }
        self.asked.insert(question.text.clone());
        question
    }

    fn draw_question(&mut self, conversation: &Conversation, facts: &Facts, turn: usize) -> Question {
        let facts = facts.next_turn(&mut self.dice);
        let language = conversation.language;
        let english = language == Language::English;
        let (template, kind) = match conversation.work {
            Work::Support | Work::Coding | Work::Summary => return self.draw_prose(conversation, facts, turn),
            Work::Translation => {
                let count = usize::try_from(self.dice.between(2, 4)).unwrap_or(2);
                let mut sentences = self.dice.shuffled(translation::SENTENCES);
                sentences.truncate(count);
                let ask = if english { translation::ASKS_IN_ENGLISH } else { translation::ASKS_IN_CHINESE };
                let mut template = self.dice.pick(ask).to_owned();
                template +=
                    &joined(sentences.iter().map(|(first, second)| if english { *first } else { *second }), language);
                (template, Kind::Sentences(sentences))
            }
            Work::Json => {
                let forms = if english { extraction::ENGLISH } else { extraction::CHINESE };
                let index = self.dice.below(forms.len() as u64);
                let form =
                    usize::try_from(index).ok().and_then(|index| forms.get(index)).unwrap_or(&extraction::ENGLISH[0]);
                (form.instruction.to_owned() + self.dice.pick(form.messages), Kind::Form(form))
            }
            Work::Tools(_) => {
                let offer = self.dice.pick(OFFERS);
                let asks = if english { offer.asks.0 } else { offer.asks.1 };
                (self.dice.pick(asks).to_owned(), Kind::Tool(offer))
            }
        };
        Question { text: facts.fill(&template, language), facts, kind }
    }

    fn draw_prose(&mut self, conversation: &Conversation, facts: Facts, turn: usize) -> Question {
        let scene = scene(conversation).unwrap_or(&support::ENGLISH);
        let topic = self.dice.pick(if turn == 0 { scene.topics } else { scene.follow_ups });
        let mut text = facts.fill(self.dice.pick(topic.asks), conversation.language);
        if conversation.work == Work::Summary && turn == 0 {
            let tokens = conversation.turns.first().map_or(0, |turn| turn.prompt_tokens);
            text.push('\n');
            text += &self.document(&facts, conversation.language, usize::try_from(tokens).unwrap_or(0));
        }
        Question { text, facts, kind: Kind::Prose(scene, topic) }
    }

    /// A document of about `tokens` characters (Chinese: half), within a bound.
    fn document(&mut self, facts: &Facts, language: Language, tokens: usize) -> String {
        let (anchors, lines, gap, chars) = match language {
            Language::English => {
                (summary::ENGLISH_ANCHORS, summary::ENGLISH_LINES, " ", tokens.clamp(300, DOCUMENT_CHARS_MAX))
            }
            Language::Chinese => {
                (summary::CHINESE_ANCHORS, summary::CHINESE_LINES, "", (tokens / 2).clamp(120, DOCUMENT_CHARS_MAX / 2))
            }
        };
        let mut text = facts.fill(&joined(anchors.iter().copied(), language), language) + gap;
        let mut length = text.chars().count();
        while length < chars {
            for line in self.dice.shuffled(lines) {
                let line = facts.next_turn(&mut self.dice).fill(line, language);
                length += line.chars().count() + 1;
                text += &line;
                text += if self.dice.percent(20) { "\n" } else { gap };
                if length >= chars {
                    break;
                }
            }
        }
        text.trim_end().to_owned()
    }

    fn answer(&mut self, question: &Question, conversation: &Conversation, chars: usize, deepseek: bool) -> Words {
        let language = conversation.language;
        let facts = &question.facts;
        Words::Text(match &question.kind {
            Kind::Prose(scene, topic) => self.prose(scene, *topic, facts, language, chars),
            Kind::Sentences(sentences) => {
                let target = match language {
                    Language::English => Language::Chinese,
                    Language::Chinese => Language::English,
                };
                let parts = sentences.iter().map(|(english, chinese)| match target {
                    Language::English => *english,
                    Language::Chinese => *chinese,
                });
                facts.fill(&joined(parts, target), target)
            }
            Kind::Form(form) => self.object(form, facts, language, deepseek),
            Kind::Tool(offer) if conversation.work == Work::Tools(ToolUse::Call) => {
                return Words::Call(call(*offer, facts, language));
            }
            Kind::Tool(offer) => {
                let core = if language == Language::English { offer.answers.0 } else { offer.answers.1 };
                facts.fill(&joined(core.iter().copied(), language), language)
            }
        })
    }

    /// Opening, the topic's own sentences, further sentences up to about `chars`, closing.
    fn prose(&mut self, scene: &Scene, topic: Topic, facts: &Facts, language: Language, chars: usize) -> String {
        let mut parts = vec![self.dice.pick(scene.openings)];
        parts.extend(topic.core);
        let closing = self.dice.pick(scene.closings);
        let mut length: usize = parts.iter().map(|part| part.chars().count()).sum();
        for sentence in self.dice.shuffled(scene.more) {
            let longer = length + sentence.chars().count();
            if longer > chars {
                break;
            }
            length = longer;
            parts.push(sentence);
        }
        parts.push(closing);
        facts.fill(&joined(parts.into_iter(), language), language)
    }

    /// The object of a form; DeepSeek's is laid out over several lines half of the time.
    fn object(&mut self, form: &Form, facts: &Facts, language: Language, deepseek: bool) -> String {
        let mut object = Map::new();
        for (name, template, number) in form.members {
            let text = facts.fill(template, language);
            let value = text.parse::<serde_json::Number>().ok().filter(|_| *number);
            object.insert((*name).to_owned(), value.map_or(Value::String(text), Value::Number));
        }
        let object = Value::Object(object);
        if deepseek && self.dice.percent(50) { format!("{object:#}") } else { object.to_string() }
    }
}

/// The scene of a conversation in prose.
fn scene(conversation: &Conversation) -> Option<&'static Scene> {
    let (english, chinese) = match conversation.work {
        Work::Support => (&support::ENGLISH, &support::CHINESE),
        Work::Coding => (&coding::ENGLISH, &coding::CHINESE),
        Work::Summary => (&summary::ENGLISH, &summary::CHINESE),
        Work::Translation | Work::Json | Work::Tools(_) => return None,
    };
    Some(if conversation.language == Language::English { english } else { chinese })
}

fn call(offer: Offer, facts: &Facts, language: Language) -> ScriptToolCall {
    let mut arguments = Map::new();
    arguments.insert(offer.parameter.to_owned(), Value::String(facts.fill(offer.argument, language)));
    ScriptToolCall { name: offer.name.to_owned(), arguments: Value::Object(arguments) }
}

/// Length of an answer text: two characters a token in English, half a character in Chinese, at most 700 and 200.
fn answer_chars(tokens: u64, language: Language) -> usize {
    let (chars, most) = match language {
        Language::English => (tokens * 2, 700),
        Language::Chinese => (tokens / 2, 200),
    };
    usize::try_from(chars.min(most)).unwrap_or(0)
}

/// Sentences one after the other: with blanks in English, without in Chinese, code on lines of its own.
pub(crate) fn joined<'a>(parts: impl Iterator<Item = &'a str>, language: Language) -> String {
    let mut text = String::new();
    let mut after_code = false;
    for part in parts.filter(|part| !part.is_empty()) {
        let code = part.starts_with("```");
        if !text.is_empty() {
            text += match (code || after_code, language) {
                (true, _) => "\n",
                (false, Language::English) => " ",
                (false, Language::Chinese) => "",
            };
        }
        text += part;
        after_code = code;
    }
    text
}
