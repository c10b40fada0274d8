//! One turn, ready to be sent: the body, what was recorded when it was answered, and the script line.
//!
//! All token counts are those of the texts, by one rule of thumb. The prompt is filled up with a passage of a document
//! until it has the number of tokens that was drawn from the trace; where the words alone are more, they stay.

use super::conversation::{Conversation, Size, calls, results};
use super::library::{Title, tokens_of};
use super::task::Task;
use super::write::structured::tools;
use super::write::{Place, Reply, Spoken, Wish, Writer, cut_to};
use crate::synth::dice::Dice;
use crate::synth::figures::{DEEPSEEK_CHINESE_PERCENT, DEEPSEEK_ENGLISH_PERCENT, FIRST_TEXT_US, TOKEN_US};
use crate::synth::{Language, ScriptAnswer, ScriptLine};
use crate::{LoggedRequest, Recorded};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use wire::{Usage, UsageSource};

/// Limits that clients set.
const LIMITS: [u64; 8] = [32, 64, 128, 256, 512, 1_024, 2_048, 4_096];
/// A passage shorter than this is left out.
const PASSAGE_TOKENS_MIN: u64 = 40;
/// Tokens that a message costs beside its text.
const MESSAGE_TOKENS: u64 = 4;

/// A turn that is ready to be sent, once or several times.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    pub(super) body: Box<RawValue>,
    pub(super) line: ScriptLine,
    pub(super) recorded: Recorded,
    pub(super) spoken: Spoken,
    /// All messages that were sent.
    pub(super) messages: Vec<Value>,
    pub(super) prompt_tokens: u64,
}

impl Prepared {
    /// One attempt at it, as a line of the log.
    pub(super) fn logged(&self, id: String, at_us: u64, of: &Conversation, recorded: Recorded) -> LoggedRequest {
        LoggedRequest {
            session: of.named.then(|| format!("conversation-{:05}", of.number)),
            consumer: Some(of.consumer.to_owned()),
            recorded: Some(recorded),
            ..LoggedRequest::chat(id, i64::try_from(at_us).unwrap_or(i64::MAX), self.body.clone())
        }
    }
}

/// The next turn of a conversation.
pub(super) fn prepare(of: &Conversation, writer: &mut Writer, dice: &mut Dice) -> Result<Prepared, serde_json::Error> {
    let size = of.size;
    let mut spoken = writer.turn(Wish {
        task: of.task,
        language: of.language,
        facts: &of.facts,
        turn: of.next_turn,
        alone: of.turns == 1,
        completion_tokens: size.completion_tokens,
        called: of.called.as_ref(),
    });
    let limit = cut(of, &mut spoken, dice);
    let messages = messages(of, &mut spoken, size, writer);
    let prompt_tokens = message_tokens(&messages) + fixed_tokens(of, &spoken);
    let line = script_line(of, &spoken, prompt_tokens, limit, dice);
    let limit = limit.or_else(|| of.settings.limited.then(|| roomy_limit(&line)));
    let body = serde_json::value::to_raw_value(&body(of, &messages, &spoken, limit, dice))?;
    let recorded = recorded(of, &spoken, &line.openai, dice);
    Ok(Prepared { body, line, recorded, spoken, messages, prompt_tokens })
}

/// Cuts about 1 % of the long answers at a limit that is too small for them, and gives that limit.
fn cut(of: &Conversation, spoken: &mut Spoken, dice: &mut Dice) -> Option<u64> {
    let drawn = dice.below(1_000) < 22;
    let prose = matches!(of.task, Task::Support | Task::Coding | Task::Summary);
    let (Reply::Text(openai), Reply::Text(deepseek)) = (&mut spoken.openai, &mut spoken.deepseek) else { return None };
    let shorter = tokens_of(openai).min(tokens_of(deepseek));
    // DeepSeek counts fewer tokens for Chinese; the limit has to cut both.
    let limit = LIMITS.into_iter().rev().find(|limit| limit * 14 / 10 < shorter).filter(|_| drawn && prose)?;
    let of_deepseek = limit * 100 / deepseek_percent(of.language);
    (*openai, *deepseek) = (cut_to(openai, limit), cut_to(deepseek, of_deepseek));
    Some(limit)
}

/// A limit that neither answer comes near.
fn roomy_limit(line: &ScriptLine) -> u64 {
    let needed = line.openai.completion_tokens.max(line.deepseek.completion_tokens) * 13 / 10;
    LIMITS.into_iter().find(|limit| *limit >= needed).unwrap_or(8_192)
}

/// The history, a passage that fills the prompt up, and the question.
fn messages(of: &Conversation, spoken: &mut Spoken, size: Size, writer: &Writer) -> Vec<Value> {
    let mut messages = of.messages.clone();
    let mut after = Vec::new();
    if let Some(called) = spoken.called.as_ref().filter(|_| !matches!(spoken.openai, Reply::Calls(_))) {
        after.push(calls(called, of.number, of.next_turn));
        after.extend(results(called, of.number, of.next_turn));
    }
    let question = tokens_of(&spoken.user) + 2 * MESSAGE_TOKENS;
    let known = message_tokens(&messages) + message_tokens(&after) + question + fixed_tokens(of, spoken);
    let left = size.prompt_tokens.saturating_sub(known);
    if left >= PASSAGE_TOKENS_MIN {
        let title = of.task.title();
        let heading = heading(title, of.language);
        let document = writer.library.get(title, of.language);
        let left = left.saturating_sub(tokens_of(heading));
        let passage = match spoken.place {
            Place::After(line) => document.after(line, left),
            Place::Before(line) => document.before(line, left),
        };
        if spoken.inline {
            spoken.user = format!("{}\n\n{heading}\n{passage}", spoken.user);
        } else {
            messages.push(json!({"role": "system", "content": format!("{heading}\n{passage}")}));
        }
    }
    messages.push(json!({"role": "user", "content": spoken.user}));
    messages.extend(after);
    messages
}

const fn heading(title: Title, language: Language) -> &'static str {
    match (title, language) {
        (Title::Handbook, Language::English) => "From the handbook:",
        (Title::Handbook, Language::Chinese) => "手册摘录：",
        (Title::Minutes, Language::English) => "Minutes:",
        (Title::Minutes, Language::Chinese) => "会议纪要：",
        (Title::Source, Language::English) => "orders.py, up to the cursor:",
        (Title::Source, Language::Chinese) => "orders.py，到光标为止：",
    }
}

/// Tokens of messages: their texts and calls, and what they cost beside them.
fn message_tokens(messages: &[Value]) -> u64 {
    let of_message = |message: &Value| {
        let content = message["content"].as_str().map_or(0, tokens_of);
        let calls = message.get("tool_calls").map_or(0, |calls| tokens_of(&calls.to_string()));
        content + calls + MESSAGE_TOKENS
    };
    messages.iter().map(of_message).sum()
}

/// Tokens of a prompt that stand in no message: what is offered and what is demanded.
fn fixed_tokens(of: &Conversation, spoken: &Spoken) -> u64 {
    let offered = if of.task == Task::Tools { tokens_of(&tools().to_string()) } else { 0 };
    let format = spoken.format.as_ref().map_or(0, |format| tokens_of(&format.to_string()));
    offered + format + 3
}

const fn deepseek_percent(language: Language) -> u64 {
    match language {
        Language::English => DEEPSEEK_ENGLISH_PERCENT,
        Language::Chinese => DEEPSEEK_CHINESE_PERCENT,
    }
}

fn script_line(of: &Conversation, spoken: &Spoken, prompt: u64, limit: Option<u64>, dice: &mut Dice) -> ScriptLine {
    let percent = deepseek_percent(of.language);
    // A translation's answer is in the other language.
    let answer_percent = match (of.task, of.language) {
        (Task::Translation, Language::English) => DEEPSEEK_CHINESE_PERCENT,
        (Task::Translation, Language::Chinese) => DEEPSEEK_ENGLISH_PERCENT,
        _ => percent,
    };
    // OpenAI caches from 1,024 tokens on in steps of 128; DeepSeek's hits were seen in steps of 256.
    let cached = |earlier: u64, step: u64| if of.cached && earlier >= 1_024 { earlier / step * step } else { 0 };
    let openai = answer(&spoken.openai, prompt, cached(of.earlier_prompt, 128), limit, 100);
    let deepseek_prompt = scaled(prompt, percent * dice.between(97, 103));
    let deepseek_cached = cached(scaled(of.earlier_prompt, percent * 97), 256).min(deepseek_prompt);
    let deepseek = answer(&spoken.deepseek, deepseek_prompt, deepseek_cached, limit, answer_percent);
    ScriptLine { prompt: spoken.user.clone(), openai, deepseek }
}

/// A count times so many hundredths of a percent; at least 1.
fn scaled(count: u64, ten_thousandths: u64) -> u64 {
    ((count * ten_thousandths + 5_000) / 10_000).max(1)
}

fn answer(reply: &Reply, prompt: u64, cached: u64, limit: Option<u64>, percent: u64) -> ScriptAnswer {
    let (content, tool_calls, reason) = match reply {
        Reply::Text(text) if limit.is_some() => (Some(text.clone()), Vec::new(), "length"),
        Reply::Text(text) | Reply::Refused(text) => (Some(text.clone()), Vec::new(), "stop"),
        Reply::Filtered(text) => (Some(text.clone()), Vec::new(), "content_filter"),
        Reply::Calls(calls) => (None, calls.clone(), "tool_calls"),
    };
    let of_calls = tool_calls.iter().map(|call| tokens_of(&call.name) + tokens_of(&call.arguments.to_string()) + 3);
    let tokens = content.as_deref().map_or_else(|| of_calls.sum(), tokens_of);
    ScriptAnswer {
        content,
        tool_calls,
        prompt_tokens: prompt,
        completion_tokens: limit.unwrap_or_else(|| scaled(tokens, percent * 100)),
        cached_tokens: cached,
        finish_reason: reason.to_owned(),
    }
}

fn body(
    of: &Conversation,
    messages: &[Value],
    spoken: &Spoken,
    limit: Option<u64>,
    dice: &mut Dice,
) -> Map<String, Value> {
    let settings = &of.settings;
    let calls = matches!(spoken.openai, Reply::Calls(_));
    let optional = [
        ("temperature", settings.temperature.clone()),
        ("max_tokens", limit.map(Value::from)),
        ("response_format", spoken.format.clone()),
        ("tools", (of.task == Task::Tools).then(tools)),
        ("tool_choice", (calls && dice.percent(15)).then(|| "required".into())),
        ("stream", settings.streamed.then_some(Value::Bool(true))),
        ("stream_options", settings.include_usage.then(|| json!({"include_usage": true}))),
        ("user", settings.user.clone().map(Value::from)),
        ("prompt_cache_key", settings.cache_key.clone().map(Value::from)),
    ];
    let mut body = Map::new();
    body.insert("model".into(), of.model.into());
    body.insert("messages".into(), messages.into());
    body.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    body
}

/// The snapshot that answers for a model.
pub(super) fn snapshot(model: &str) -> &'static str {
    if model == "gpt-4o" { "gpt-4o-2024-08-06" } else { "gpt-4o-mini-2024-07-18" }
}

fn recorded(of: &Conversation, spoken: &Spoken, answer: &ScriptAnswer, dice: &mut Dice) -> Recorded {
    let first_text_us = dice.quantile(FIRST_TEXT_US);
    let writing_us = answer.completion_tokens * dice.quantile(TOKEN_US);
    let text = matches!(spoken.openai, Reply::Text(_) | Reply::Filtered(_));
    let calls = answer.tool_calls.iter().map(|call| (call.name.clone(), call.arguments.clone()));
    Recorded {
        ttft_us: (of.settings.streamed && text).then_some(first_text_us),
        duration_us: Some(first_text_us + writing_us),
        finish_reason: Some(answer.finish_reason.clone()),
        refused: matches!(spoken.openai, Reply::Refused(_)),
        usage: Some(Usage {
            cached: Some(answer.cached_tokens),
            reasoning: Some(0),
            ..Usage::new(answer.prompt_tokens, answer.completion_tokens, UsageSource::Provider)
        }),
        // What the model refuses with stands in another member than its answers.
        answer: answer.content.clone().filter(|_| text),
        tools: calls.collect(),
        ..Recorded::new("openai", snapshot(of.model), 200)
    }
}
