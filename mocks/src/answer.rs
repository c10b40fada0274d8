//! What a mock says: from a request to the words, tool calls, finish reason and usage of the answer. Pure, but for the
//! prefix cache, which remembers prompts if the profile asks for it.
//!
//! A recorded answer wins over a generated one. Limits are applied to both: a client that asks for at most ten tokens of
//! a recorded answer of thirty gets a third of it, and the finish reason `length`.

mod calls;
mod limit;
mod usage;

use rand::RngExt;
use serde_json::json;
use wire::provider::Provider;

use crate::dice::{self, Dice};
use crate::face::Face;
use crate::prefix_cache::PrefixCache;
use crate::profile::{self, Checkpoint, Fault, Length, Profile};
use crate::request::{ChatRequest, Format, ServiceTier};
use crate::schema;
use crate::script::{Script, ScriptAnswer};
use crate::tokens;
use crate::words;

/// What a model says instead of an answer it does not want to give.
const REFUSAL: &str = "I'm sorry, but I can't help with that request.";

/// Everything an answer is made of, apart from the request.
#[derive(Clone, Copy)]
pub(crate) struct Speaker<'a> {
    pub(crate) provider: Provider,
    pub(crate) face: &'a dyn Face,
    pub(crate) seed: u64,
    pub(crate) script: &'a Script,
    pub(crate) profile: &'a Profile,
    /// `None`: cache hits come from the script and the profile.
    pub(crate) cache: Option<&'a PrefixCache>,
    /// The model that has taken the place of the first one, if it has.
    pub(crate) checkpoint: Option<&'a Checkpoint>,
}

/// How long a generated text is to be, tokens.
#[derive(Clone, Copy, Debug)]
enum Drawn {
    /// Up to the end of its last sentence.
    AtLeast(u64),
    /// Cut where it has to be.
    Exactly(u64),
}

/// Makes another generator of a seed, for a model that was exchanged.
const OTHER_MODEL: u64 = 0x6f74_6865_7221_5eed;

/// How much longer or shorter the reasoning is than usual.
fn effort_factor(effort: Option<&str>) -> f64 {
    match effort {
        Some("minimal" | "low") => 0.5,
        Some("max" | "ultra") => 2.0,
        _ => 1.0,
    }
}

/// Generated texts are cut to this, tokens, whatever a profile says.
const GENERATED_TOKENS_MAX: u64 = 1_000_000;

/// The cast saturates, and the factors are finite and not negative.
fn scaled(tokens: u64, factor: f64) -> u64 {
    ((tokens as f64 * factor).round() as u64).min(GENERATED_TOKENS_MAX)
}

/// A whole answer, not yet in a provider's shape.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) choices: Vec<Choice>,
    pub(crate) usage: Usage,
    pub(crate) tier: ServiceTier,
}

/// One of the `n` alternatives.
#[derive(Debug, PartialEq)]
pub(crate) struct Choice {
    /// Reasoning text that the provider shows; empty if none.
    pub(crate) reasoning: String,
    /// Absent beside tool calls and refusals.
    pub(crate) content: Option<String>,
    /// Why the model declines, instead of content.
    pub(crate) refusal: Option<String>,
    pub(crate) tool_calls: Vec<ToolCall>,
    pub(crate) finish_reason: String,
    /// Tokens of reasoning, shown or not.
    pub(crate) reasoning_tokens: u64,
    /// Tokens of content and tool calls.
    pub(crate) visible_tokens: u64,
}

/// A call of a tool; its id is the provider's affair.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolCall {
    pub(crate) name: String,
    /// JSON text, or any text for a custom tool.
    pub(crate) arguments: String,
    /// Whether the tool is of the kind `custom`, which takes text.
    pub(crate) custom: bool,
}

/// Token counts in the provider's own figures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    pub(crate) prompt: u64,
    /// Reasoning included.
    pub(crate) completion: u64,
    /// Part of `prompt`.
    pub(crate) cached: u64,
    /// Part of `prompt`, and none of it `cached`.
    pub(crate) cache_write: u64,
    /// Pictures: part of `prompt`.
    pub(crate) image: u64,
    /// Recorded speech: part of `prompt`.
    pub(crate) sound: u64,
    /// Part of `completion`.
    pub(crate) reasoning: u64,
    /// Speech: part of `completion`.
    pub(crate) spoken: u64,
}

impl Usage {
    pub(crate) fn total(&self) -> u64 {
        self.prompt.saturating_add(self.completion)
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            prompt: self.prompt + other.prompt,
            completion: self.completion + other.completion,
            cached: self.cached + other.cached,
            cache_write: self.cache_write + other.cache_write,
            image: self.image + other.image,
            sound: self.sound + other.sound,
            reasoning: self.reasoning + other.reasoning,
            spoken: self.spoken + other.spoken,
        }
    }
}

impl Speaker<'_> {
    /// The answer to a request. `thinking` is whether the model shows its reasoning, `fault` the fault this request meets.
    pub(crate) fn answer(self, request: &ChatRequest, thinking: bool, fault: Option<Fault>) -> Answer {
        let scripted = self.script.get(self.provider, request.prompt());
        let seed = self.seed ^ if self.checkpoint.is_some() { OTHER_MODEL } else { 0 };
        let choices: Vec<Choice> = (0..u32::try_from(request.n).unwrap_or(1).max(1))
            .map(|index| {
                let mut dice = dice::for_prompt(seed, self.provider, request.prompt(), index);
                let choice = self.choice(request, scripted, thinking, &mut dice);
                self.limited(self.spoilt(choice, fault), request, fault)
            })
            .collect();
        let usage = self.usage(request, scripted, &choices);
        Answer { choices, usage, tier: request.tier }
    }

    fn choice(self, request: &ChatRequest, scripted: Option<&ScriptAnswer>, thinking: bool, dice: &mut Dice) -> Choice {
        let (reasoning, reasoning_tokens) = self.reasoning(request, scripted, thinking, dice);
        let tool_calls = calls::tool_calls(request, scripted, self.face.ignores_parallel_switch(), dice);
        let (content, visible_tokens) = if !tool_calls.is_empty() {
            let texts = tool_calls.iter().map(|call| self.count(&call.name) + self.count(&call.arguments));
            let spoken =
                scripted.filter(|answer| !answer.tool_calls.is_empty()).and_then(|answer| answer.content.clone());
            let spoken_tokens = spoken.as_deref().map_or(0, |text| self.count(text));
            (spoken, texts.sum::<u64>() + spoken_tokens)
        } else if let Some((answer, text)) = scripted.and_then(|answer| Some((answer, answer.content.clone()?))) {
            let tokens = self.recorded_visible_tokens(answer, &text);
            self.opened(request, text, tokens)
        } else {
            let text = self.generated(request, dice);
            let tokens = self.count(&text);
            self.opened(request, text, tokens)
        };
        let recorded_reason = scripted.filter(|answer| tool_calls.is_empty() == answer.tool_calls.is_empty());
        let finish_reason = recorded_reason
            .and_then(|answer| answer.finish_reason.clone())
            .unwrap_or_else(|| if tool_calls.is_empty() { "stop".to_owned() } else { "tool_calls".to_owned() });
        Choice { reasoning, content, refusal: None, tool_calls, finish_reason, reasoning_tokens, visible_tokens }
    }

    /// An answer in the manner of the model that answers today.
    fn opened(self, request: &ChatRequest, text: String, tokens: u64) -> (Option<String>, u64) {
        match self.checkpoint {
            Some(Checkpoint { opening, .. }) if request.format == Format::Text && !opening.is_empty() => {
                (Some(format!("{opening}{text}")), tokens + self.count(opening))
            }
            _ => (Some(text), tokens),
        }
    }

    fn reasoning(
        self,
        request: &ChatRequest,
        scripted: Option<&ScriptAnswer>,
        thinking: bool,
        dice: &mut Dice,
    ) -> (String, u64) {
        let recorded = scripted.and_then(|answer| Some((answer, answer.reasoning.as_ref()?)));
        // Drawn even when not used, so that turning thinking off leaves the words of the answer alone.
        let measured = self.profile.measured_of(&request.model).map(|measured| measured.reasoning_tokens.as_slice());
        let drawn = self.length(measured, self.profile.reasoning, dice);
        let generated = self.sentences(request, drawn, effort_factor(request.effort.as_deref()), dice);
        match (thinking, recorded) {
            (true, Some((answer, text))) => (text.clone(), answer.reasoning_tokens.unwrap_or_else(|| self.count(text))),
            (true, None) => {
                let tokens = self.count(&generated);
                (generated, tokens)
            }
            // OpenAI's models reason without showing it, and bill it.
            (false, _) if self.provider == Provider::OpenAi => {
                (String::new(), scripted.and_then(|answer| answer.reasoning_tokens).unwrap_or(0))
            }
            (false, _) => (String::new(), 0),
        }
    }

    fn generated(self, request: &ChatRequest, dice: &mut Dice) -> String {
        let prompt = request.prompt();
        let language = words::Language::of(prompt);
        let topic = words::topic(prompt, language).to_owned();
        match &request.format {
            Format::Text => {
                let factor = self.checkpoint.map_or(1.0, |checkpoint| checkpoint.length_factor);
                let measured =
                    self.profile.measured_of(&request.model).map(|measured| measured.answer_tokens.as_slice());
                let drawn = self.length(measured, self.profile.answer, dice);
                self.sentences(request, drawn, factor, dice)
            }
            Format::JsonObject => {
                let sentences: Vec<_> = (0..3).map(|_| words::sentence(dice, language, &topic)).collect();
                let confidence = f64::from(dice.random_range(50..100_u32)) / 100.0;
                json!({"topic": topic, "answer": sentences, "confidence": confidence}).to_string()
            }
            Format::JsonSchema(schema) => {
                schema::instance(schema, dice, &mut |dice| words::sentence(dice, language, &topic)).to_string()
            }
        }
    }

    /// A length from a table if there is one, else from its formula.
    fn length(self, table: Option<&[f64]>, formula: Length, dice: &mut Dice) -> Drawn {
        match table.and_then(|table| profile::draw(table, dice)) {
            // The cast saturates, and tables hold nothing negative.
            Some(tokens) => Drawn::Exactly(tokens.round() as u64),
            None => Drawn::AtLeast(formula.draw_tokens(dice)),
        }
    }

    fn sentences(self, request: &ChatRequest, drawn: Drawn, factor: f64, dice: &mut Dice) -> String {
        let (Drawn::AtLeast(tokens) | Drawn::Exactly(tokens)) = drawn;
        let tokens = scaled(tokens, factor);
        let text = words::sentences(dice, self.provider, request.prompt(), tokens);
        match drawn {
            Drawn::AtLeast(_) => text,
            Drawn::Exactly(_) => tokens::prefix(self.provider, &text, tokens, self.count(&text)).to_owned(),
        }
    }

    fn count(self, text: &str) -> u64 {
        tokens::estimate(self.provider, text)
    }
}

#[cfg(test)]
mod tests;
