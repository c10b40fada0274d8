//! What a mock says: from a request to the words, tool calls, finish reason and usage of the answer. Pure.
//!
//! A recorded answer wins over a generated one. Limits are applied to both: a client that asks for at most ten tokens of
//! a recorded answer of thirty gets a third of it, and the finish reason `length`.

use rand::RngExt;
use serde_json::{Value, json};

use crate::dice::{self, Dice};
use crate::profile::{Fault, Profile};
use crate::request::{ChatRequest, Format, Tool, ToolChoice};
use crate::schema;
use crate::script::{Script, ScriptAnswer};
use crate::tokens;
use crate::vendor::Vendor;
use crate::words;

/// Everything an answer is made of, apart from the request.
#[derive(Clone, Copy)]
pub(crate) struct Speaker<'a> {
    pub(crate) vendor: Vendor,
    pub(crate) seed: u64,
    pub(crate) script: &'a Script,
    pub(crate) profile: &'a Profile,
}

/// A whole answer, not yet in a vendor's shape.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) choices: Vec<Choice>,
    pub(crate) usage: Usage,
}

/// One of the `n` alternatives.
#[derive(Debug, PartialEq)]
pub(crate) struct Choice {
    /// Reasoning text that the vendor shows; empty if none.
    pub(crate) reasoning: String,
    /// Absent beside tool calls.
    pub(crate) content: Option<String>,
    pub(crate) tool_calls: Vec<ToolCall>,
    pub(crate) finish_reason: String,
    /// Tokens of reasoning, shown or not.
    pub(crate) reasoning_tokens: u64,
    /// Tokens of content and tool calls.
    pub(crate) visible_tokens: u64,
}

/// A call of a function; its id is the vendor's affair.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolCall {
    pub(crate) name: String,
    /// JSON text.
    pub(crate) arguments: String,
}

/// Token counts in the vendor's own figures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    pub(crate) prompt: u64,
    /// Reasoning included.
    pub(crate) completion: u64,
    /// Part of `prompt`.
    pub(crate) cached: u64,
    /// Part of `completion`.
    pub(crate) reasoning: u64,
}

impl Speaker<'_> {
    /// The answer to a request. `thinking` is whether the model shows its reasoning, `fault` the fault this request meets.
    pub(crate) fn answer(self, request: &ChatRequest, thinking: bool, fault: Option<Fault>) -> Answer {
        let scripted = self.script.get(self.vendor, request.prompt());
        let choices: Vec<Choice> = (0..u32::try_from(request.n).unwrap_or(1).max(1))
            .map(|index| {
                let mut dice = dice::for_prompt(self.seed, self.vendor, request.prompt(), index);
                let choice = self.choice(request, scripted, thinking, &mut dice);
                self.limited(choice, request, fault)
            })
            .collect();
        let usage = self.usage(request, scripted, &choices);
        Answer { choices, usage }
    }

    fn choice(self, request: &ChatRequest, scripted: Option<&ScriptAnswer>, thinking: bool, dice: &mut Dice) -> Choice {
        let (reasoning, reasoning_tokens) = self.reasoning(request, scripted, thinking, dice);
        let tool_calls = tool_calls(request, scripted, dice);
        let (content, visible_tokens) = if !tool_calls.is_empty() {
            let texts = tool_calls.iter().map(|call| self.count(&call.name) + self.count(&call.arguments));
            let spoken =
                scripted.filter(|answer| !answer.tool_calls.is_empty()).and_then(|answer| answer.content.clone());
            let spoken_tokens = spoken.as_deref().map_or(0, |text| self.count(text));
            (spoken, texts.sum::<u64>() + spoken_tokens)
        } else if let Some((answer, text)) = scripted.and_then(|answer| Some((answer, answer.content.clone()?))) {
            let tokens = self.recorded_visible_tokens(answer, &text);
            (Some(text), tokens)
        } else {
            let text = self.generated(request, dice);
            let tokens = self.count(&text);
            (Some(text), tokens)
        };
        let recorded_reason = scripted.filter(|answer| tool_calls.is_empty() == answer.tool_calls.is_empty());
        let finish_reason = recorded_reason
            .and_then(|answer| answer.finish_reason.clone())
            .unwrap_or_else(|| if tool_calls.is_empty() { "stop".to_owned() } else { "tool_calls".to_owned() });
        Choice { reasoning, content, tool_calls, finish_reason, reasoning_tokens, visible_tokens }
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
        let tokens = self.profile.reasoning.draw_tokens(dice);
        let generated = words::sentences(dice, self.vendor, request.prompt(), tokens);
        match (thinking, recorded) {
            (true, Some((answer, text))) => (text.clone(), answer.reasoning_tokens.unwrap_or_else(|| self.count(text))),
            (true, None) => {
                let tokens = self.count(&generated);
                (generated, tokens)
            }
            // OpenAI's models reason without showing it, and bill it.
            (false, _) if self.vendor == Vendor::OpenAi => {
                (String::new(), scripted.and_then(|answer| answer.reasoning_tokens).unwrap_or(0))
            }
            (false, _) => (String::new(), 0),
        }
    }

    /// Recorded completion tokens less the recorded reasoning, so that switching thinking off saves what it should.
    fn recorded_visible_tokens(self, answer: &ScriptAnswer, text: &str) -> u64 {
        let Some(completion) = answer.completion_tokens else {
            return self.count(text);
        };
        let estimated = || answer.reasoning.as_deref().map_or(0, |reasoning| self.count(reasoning));
        completion.saturating_sub(answer.reasoning_tokens.unwrap_or_else(estimated))
    }

    fn generated(self, request: &ChatRequest, dice: &mut Dice) -> String {
        let prompt = request.prompt();
        let language = words::Language::of(prompt);
        let topic = words::topic(prompt, language).to_owned();
        match &request.format {
            Format::Text => {
                let tokens = self.profile.answer.draw_tokens(dice);
                words::sentences(dice, self.vendor, prompt, tokens)
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

    /// Cuts a choice to the request's own limit, or in the middle if the fault says so.
    fn limited(self, mut choice: Choice, request: &ChatRequest, fault: Option<Fault>) -> Choice {
        let asked = match self.vendor {
            Vendor::OpenAi => request.max_completion_tokens.or(request.max_tokens),
            // DeepSeek does not know `max_completion_tokens` and ignores it.
            Vendor::DeepSeek => request.max_tokens,
        };
        let halfway = choice.reasoning_tokens + choice.visible_tokens / 2;
        let (limit, reason) = match fault {
            Some(Fault::Length) => (asked.map_or(halfway, |asked| asked.min(halfway)), "length"),
            Some(Fault::ContentFilter) => (asked.map_or(halfway, |asked| asked.min(halfway)), "content_filter"),
            _ => (asked.unwrap_or(u64::MAX), "length"),
        };
        if choice.reasoning_tokens + choice.visible_tokens <= limit || !choice.tool_calls.is_empty() {
            return choice;
        }
        reason.clone_into(&mut choice.finish_reason);
        if choice.reasoning_tokens >= limit {
            // The chain of thought counts against the limit and can eat the whole of it.
            let kept = tokens::prefix(self.vendor, &choice.reasoning, limit, choice.reasoning_tokens).to_owned();
            return Choice {
                reasoning: kept,
                content: Some(String::new()),
                reasoning_tokens: limit,
                visible_tokens: 0,
                ..choice
            };
        }
        let left = limit - choice.reasoning_tokens;
        let content = choice.content.unwrap_or_default();
        let kept = tokens::prefix(self.vendor, &content, left, choice.visible_tokens).to_owned();
        Choice { content: Some(kept), visible_tokens: left, ..choice }
    }

    fn usage(self, request: &ChatRequest, scripted: Option<&ScriptAnswer>, choices: &[Choice]) -> Usage {
        let prompt = scripted.and_then(|answer| answer.prompt_tokens).unwrap_or_else(|| self.prompt_tokens(request));
        let recorded = scripted.and_then(|answer| answer.cached_tokens);
        let cached = recorded.unwrap_or_else(|| self.cached_tokens(prompt)).min(prompt);
        let reasoning = choices.iter().map(|choice| choice.reasoning_tokens).sum();
        let visible: u64 = choices.iter().map(|choice| choice.visible_tokens).sum();
        Usage { prompt, cached, reasoning, completion: reasoning + visible }
    }

    /// Text of all messages, plus the few tokens that frame each message and the answer.
    fn prompt_tokens(self, request: &ChatRequest) -> u64 {
        let messages: u64 = request.messages.iter().map(|message| self.count(&message.text) + 4).sum();
        let tools: u64 = request.tools.iter().map(|tool| self.count(&tool.definition)).sum();
        messages + tools + 3
    }

    fn cached_tokens(self, prompt: u64) -> u64 {
        let profile = self.profile;
        // The cast is exact enough for any real prompt and cannot exceed it, as the share is at most 1.
        let share = (prompt as f64 * profile.cached_share) as u64;
        let blocks = share / profile.cache_block_tokens.max(1) * profile.cache_block_tokens.max(1);
        if blocks < profile.cache_tokens_min { 0 } else { blocks }
    }

    fn count(self, text: &str) -> u64 {
        tokens::estimate(self.vendor, text)
    }
}

/// The calls to make: recorded ones if the request offers tools and has no result yet, else one if a call is demanded.
fn tool_calls(request: &ChatRequest, scripted: Option<&ScriptAnswer>, dice: &mut Dice) -> Vec<ToolCall> {
    if request.tools.is_empty() || request.tool_choice == ToolChoice::Forbidden {
        return Vec::new();
    }
    let recorded: Vec<ToolCall> = scripted
        .iter()
        .flat_map(|answer| &answer.tool_calls)
        .filter(|call| !matches!(&request.tool_choice, ToolChoice::Named(name) if *name != call.name))
        .map(|call| ToolCall { name: call.name.clone(), arguments: call.arguments_text() })
        .collect();
    let demanded = match &request.tool_choice {
        ToolChoice::Required => request.tools.first(),
        ToolChoice::Named(name) => request.tools.iter().find(|tool| tool.name == *name),
        _ => None,
    };
    if !recorded.is_empty() && (demanded.is_some() || !request.has_tool_result()) {
        return recorded;
    }
    demanded.map(|tool| generated_call(tool, request.prompt(), dice)).into_iter().collect()
}

fn generated_call(tool: &Tool, prompt: &str, dice: &mut Dice) -> ToolCall {
    let topic = words::topic(prompt, words::Language::of(prompt));
    let arguments = match &tool.parameters {
        Value::Null => json!({}),
        schema => schema::instance(schema, dice, &mut |_| topic.to_owned()),
    };
    ToolCall { name: tool.name.clone(), arguments: arguments.to_string() }
}

#[cfg(test)]
mod tests;
