//! Puts words and figures together: bodies, recorded answers and script lines.

use super::dice::Dice;
use super::figures::{DEEPSEEK_CHINESE_PERCENT, DEEPSEEK_ENGLISH_PERCENT};
use super::plan::{Conversation, Plan, Slot, Turn, Work};
use super::scenes::tools::OFFERS;
use super::words::Facts;
use super::write::{Spoken, Words, Writer};
use super::{Language, ScriptAnswer, ScriptLine};
use crate::{LoggedRequest, Recorded};
use serde_json::{Map, Value, json};
use wire::{Usage, UsageSource};

/// Limits that clients set.
const LIMITS: [u64; 7] = [64, 128, 256, 512, 1_024, 2_048, 4_096];
/// Users of the application.
const USERS: u64 = 400;

/// What stays the same in a conversation: its settings, and what was said so far.
struct State {
    facts: Facts,
    messages: Vec<Value>,
    user: Option<String>,
    cache_key: Option<String>,
    temperature: Option<Value>,
    streamed: bool,
    include_usage: bool,
    limited: bool,
    /// Prompt tokens of the turn before, which the next can find in the cache.
    earlier_prompt: u64,
}

/// All requests and script lines, in the order of the plan.
pub(crate) fn assemble(plan: &Plan, seed: u64) -> Result<(Vec<LoggedRequest>, Vec<ScriptLine>), serde_json::Error> {
    // Words and settings have streams of their own: a new word in a list does not move the arrivals.
    let mut writer = Writer::new(seed ^ 0x0057_4F52_4453);
    let mut dice = Dice::new(seed ^ 0x5345_5453);
    let mut states: Vec<Option<State>> = plan.conversations.iter().map(|_| None).collect();
    let mut requests = Vec::with_capacity(plan.slots.len());
    let mut script = Vec::with_capacity(plan.slots.len());
    for (number, slot) in plan.slots.iter().enumerate() {
        let Some(conversation) = plan.conversations.get(slot.conversation) else { continue };
        let Some(place) = states.get_mut(slot.conversation) else { continue };
        let Some(turn) = conversation.turns.get(slot.turn) else { continue };
        let state = place.get_or_insert_with(|| new_state(slot.conversation, conversation, &mut writer, &mut dice));
        let spoken = writer.turn(conversation, &state.facts, slot.turn);
        let line = script_line(conversation, *turn, &spoken, state, &mut dice);
        let limit = state.limited.then(|| limit(&line));
        let truncated = truncate(conversation, line, &mut dice);
        let (line, limit) = (truncated.0, truncated.1.or(limit));
        requests.push(request(number, *slot, conversation, *turn, &spoken, state, &line, limit)?);
        remember(state, &spoken, &line);
        script.push(line);
    }
    Ok((requests, script))
}

fn new_state(number: usize, conversation: &Conversation, writer: &mut Writer, dice: &mut Dice) -> State {
    let facts = Facts::of_conversation(&mut writer.dice);
    let mut messages = Vec::new();
    if conversation.work == Work::Json || dice.percent(75) {
        messages.push(json!({"role": "system", "content": writer.system(conversation, &facts)}));
    }
    let temperatures = [json!(0), json!(0.2), json!(0.7), json!(1)];
    let temperature = temperatures.get(dice.weighted(&[30, 30, 30, 10])).cloned().filter(|_| dice.percent(40));
    let streamed = dice.percent(66);
    State {
        facts,
        messages,
        user: dice.percent(30).then(|| format!("user-{:04}", dice.below(USERS))),
        cache_key: dice.percent(20).then(|| format!("chat-{number:05}")),
        temperature,
        streamed,
        include_usage: streamed && dice.percent(50),
        limited: dice.percent(35),
        earlier_prompt: 0,
    }
}

fn script_line(conversation: &Conversation, turn: Turn, spoken: &Spoken, state: &State, dice: &mut Dice) -> ScriptLine {
    let percent = match conversation.language {
        Language::English => DEEPSEEK_ENGLISH_PERCENT,
        Language::Chinese => DEEPSEEK_CHINESE_PERCENT,
    };
    // A translation's answer is in the other language.
    let answer_percent = match (conversation.work, conversation.language) {
        (Work::Translation, Language::English) => DEEPSEEK_CHINESE_PERCENT,
        (Work::Translation, Language::Chinese) => DEEPSEEK_ENGLISH_PERCENT,
        _ => percent,
    };
    let hit = dice.percent(80);
    // OpenAI caches from 1,024 tokens on in steps of 128; DeepSeek's hits were seen in steps of 256.
    let cached = |prompt: u64, step: u64| if hit && prompt >= 1_024 { prompt / step * step } else { 0 };
    let deepseek_prompt = scaled(turn.prompt_tokens, percent, dice.between(97, 103));
    let deepseek_completion = scaled(turn.completion_tokens, answer_percent, dice.between(92, 108));
    let answer = |words: &Words, prompt_tokens, completion_tokens, cached_tokens| {
        let (content, tool_calls, reason) = match words {
            Words::Text(text) => (Some(text.clone()), Vec::new(), "stop"),
            Words::Call(call) => (None, vec![call.clone()], "tool_calls"),
        };
        let finish_reason = reason.to_owned();
        ScriptAnswer { content, tool_calls, prompt_tokens, completion_tokens, cached_tokens, finish_reason }
    };
    let openai_cached = cached(state.earlier_prompt, 128);
    let deepseek_cached = cached(scaled(state.earlier_prompt, percent, 97), 256).min(deepseek_prompt);
    ScriptLine {
        prompt: spoken.user.clone(),
        openai: answer(&spoken.openai, turn.prompt_tokens, turn.completion_tokens, openai_cached),
        deepseek: answer(&spoken.deepseek, deepseek_prompt, deepseek_completion, deepseek_cached),
    }
}

/// `percent` of a count, times `noise_percent` for what the ratio varies from text to text; at least 1.
fn scaled(count: u64, percent: u64, noise_percent: u64) -> u64 {
    ((count * percent * noise_percent + 5_000) / 10_000).max(1)
}

/// A limit that neither answer comes near.
fn limit(line: &ScriptLine) -> u64 {
    let needed = line.openai.completion_tokens.max(line.deepseek.completion_tokens) * 13 / 10;
    LIMITS.into_iter().find(|limit| *limit >= needed).unwrap_or(8_192)
}

/// Cuts about 1 % of the prose answers at a limit that is too small for them, and gives that limit.
fn truncate(conversation: &Conversation, mut line: ScriptLine, dice: &mut Dice) -> (ScriptLine, Option<u64>) {
    let prose = matches!(conversation.work, Work::Support | Work::Coding | Work::Summary);
    let shorter = line.openai.completion_tokens.min(line.deepseek.completion_tokens);
    let limit = LIMITS.into_iter().rev().find(|limit| *limit < shorter);
    let Some(limit) = limit.filter(|_| prose && dice.below(1_000) < 14) else { return (line, None) };
    for answer in [&mut line.openai, &mut line.deepseek] {
        let text = answer.content.take().unwrap_or_default();
        let total = u64::try_from(text.chars().count()).unwrap_or(0);
        let kept = total * limit / answer.completion_tokens.max(1);
        answer.content = Some(text.chars().take(usize::try_from(kept).unwrap_or(0).max(8)).collect());
        answer.completion_tokens = limit;
        "length".clone_into(&mut answer.finish_reason);
    }
    (line, Some(limit))
}

#[expect(
    clippy::too_many_arguments,
    reason = "one request is made of exactly these parts; a struct would be built once"
)]
fn request(
    number: usize,
    slot: Slot,
    conversation: &Conversation,
    turn: Turn,
    spoken: &Spoken,
    state: &State,
    line: &ScriptLine,
    limit: Option<u64>,
) -> Result<LoggedRequest, serde_json::Error> {
    let model = if conversation.large_model { "gpt-4o" } else { "gpt-4o-mini" };
    let body = body(model, number, conversation, spoken, state, limit);
    let at_us = i64::try_from(slot.at_us).unwrap_or(i64::MAX);
    Ok(LoggedRequest {
        session: (conversation.turns.len() > 1).then(|| format!("conversation-{:05}", slot.conversation)),
        recorded: Some(recorded(model, turn, state.streamed, &line.openai)),
        ..LoggedRequest::chat(format!("demo-{number:05}"), at_us, serde_json::value::to_raw_value(&body)?)
    })
}

fn body(
    model: &str,
    number: usize,
    conversation: &Conversation,
    spoken: &Spoken,
    state: &State,
    limit: Option<u64>,
) -> Map<String, Value> {
    let mut messages = state.messages.clone();
    messages.push(json!({"role": "user", "content": spoken.user}));
    if let Some(history) = &spoken.tool_history {
        let id = format!("call_{number:05}");
        let function = json!({"name": history.call.name, "arguments": history.call.arguments.to_string()});
        let calls = json!([{"id": id, "type": "function", "function": function}]);
        messages.push(json!({"role": "assistant", "content": null, "tool_calls": calls}));
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": history.result}));
    }
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    body.insert("messages".into(), messages.into());
    let optional = [
        ("temperature", state.temperature.clone()),
        ("max_tokens", limit.map(Value::from)),
        ("response_format", (conversation.work == Work::Json).then(|| json!({"type": "json_object"}))),
        ("tools", matches!(conversation.work, Work::Tools(_)).then(tools)),
        ("stream", state.streamed.then_some(Value::Bool(true))),
        ("stream_options", state.include_usage.then(|| json!({"include_usage": true}))),
        ("user", state.user.clone().map(Value::from)),
        ("prompt_cache_key", state.cache_key.clone().map(Value::from)),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            body.insert(name.into(), value);
        }
    }
    body
}

fn tools() -> Value {
    let offer = |offer: &super::scenes::tools::Offer| {
        let mut properties = Map::new();
        properties.insert(offer.parameter.to_owned(), json!({"type": "string"}));
        let parameters = json!({"type": "object", "properties": properties, "required": [offer.parameter]});
        json!({"type": "function", "function": {
            "name": offer.name, "description": offer.description, "parameters": parameters,
        }})
    };
    OFFERS.iter().map(offer).collect()
}

fn recorded(model: &str, turn: Turn, streamed: bool, answer: &ScriptAnswer) -> Recorded {
    let snapshot = if model == "gpt-4o" { "gpt-4o-2024-08-06" } else { "gpt-4o-mini-2024-07-18" };
    // A cut answer took its share of the time.
    let writing_us = turn.duration_us - turn.first_text_us;
    let share_us = writing_us * answer.completion_tokens / turn.completion_tokens.max(1);
    Recorded {
        ttft_us: (streamed && answer.content.is_some()).then_some(turn.first_text_us),
        duration_us: Some(turn.first_text_us + share_us),
        finish_reason: Some(answer.finish_reason.clone()),
        usage: Some(Usage {
            cached: Some(answer.cached_tokens),
            reasoning: Some(0),
            ..Usage::new(answer.prompt_tokens, answer.completion_tokens, UsageSource::Provider)
        }),
        answer: answer.content.clone(),
        ..Recorded::new("openai", snapshot, 200)
    }
}

/// The next turn carries this one.
fn remember(state: &mut State, spoken: &Spoken, line: &ScriptLine) {
    state.messages.push(json!({"role": "user", "content": spoken.user}));
    state.messages.push(json!({"role": "assistant", "content": line.openai.content}));
    state.earlier_prompt = line.openai.prompt_tokens;
}
