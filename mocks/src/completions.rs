//! Legacy completions: a text goes on. Served by the same speaker as chat, one question for each prompt.

use serde_json::{Value, json};
use wire::provider::Provider;

use crate::answer::{Answer, Choice, Speaker, Usage};
use crate::chunks::Chunks;
use crate::dialect::Dialect;
use crate::envelope::Envelope;
use crate::face::StreamOptions;
use crate::logprobs;
use crate::profile::Fault;
use crate::request::field::{count, flag, object, present, required_text};
use crate::request::{ChatRequest, FieldFault, Message, ServiceTier};
use crate::sse;
use crate::timeline::{Pace, Timeline, pieces};
use crate::tokens;

/// Tokens of an answer whose request does not say, as the providers have it.
const TOKENS_DEFAULT: u64 = 16;

/// A request to go on with texts.
#[derive(Debug)]
pub(crate) struct CompletionRequest {
    /// One question a prompt, each with all the alternatives asked for.
    questions: Vec<ChatRequest>,
    prompt_tokens: u64,
    echo: bool,
    pub(crate) model: String,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    pub(crate) include_obfuscation: bool,
    pub(crate) logprobs: Option<u64>,
}

impl CompletionRequest {
    pub(crate) fn read(body: &Value, provider: Provider) -> Result<Self, FieldFault> {
        let model = required_text(object(body)?, "model")?;
        let prompts = prompts(body)?;
        let prompt_tokens = prompts
            .iter()
            .map(|prompt| prompt.tokens.unwrap_or_else(|| tokens::estimate(provider, &prompt.text)))
            .sum();
        let n = count(body, "n")?.unwrap_or(1);
        let limit = count(body, "max_tokens")?.unwrap_or(TOKENS_DEFAULT);
        let question = |prompt: Prompt| ChatRequest {
            n,
            max_tokens: Some(limit),
            ..ChatRequest::plain(model.clone(), vec![Message::plain("user", prompt.text)])
        };
        let options = present(body, "stream_options");
        let option = |name: &str| options.and_then(|options| present(options, name)).and_then(Value::as_bool);
        Ok(Self {
            questions: prompts.into_iter().map(question).collect(),
            prompt_tokens,
            echo: flag(body, "echo")?.unwrap_or(false),
            stream: flag(body, "stream")?.unwrap_or(false),
            include_usage: option("include_usage").unwrap_or(false),
            include_obfuscation: option("include_obfuscation").unwrap_or(true),
            logprobs: count(body, "logprobs")?,
            model,
        })
    }

    /// The most alternatives that a single prompt asks for.
    pub(crate) fn n(&self) -> u64 {
        self.questions.first().map_or(1, |question| question.n)
    }

    /// The most tokens that a single prompt asks for; 0 if none does.
    pub(crate) fn tokens_max(&self) -> u64 {
        self.questions.iter().filter_map(|question| question.max_tokens).max().unwrap_or(0)
    }

    /// The continuations of all prompts, in their order.
    pub(crate) fn answer(&self, speaker: Speaker<'_>, fault: Option<Fault>) -> Answer {
        let mut choices = Vec::new();
        let mut usage = Usage::default();
        for question in &self.questions {
            let answer = speaker.answer(question, false, fault);
            usage = usage.plus(answer.usage);
            choices.extend(answer.choices.into_iter().map(|choice| self.echoing(choice, question)));
        }
        // A completion cannot ask for another tier than the standard one.
        Answer { choices, usage: Usage { prompt: self.prompt_tokens, cached: 0, ..usage }, tier: ServiceTier::Default }
    }

    fn echoing(&self, mut choice: Choice, question: &ChatRequest) -> Choice {
        let text = choice.content.take().or(choice.refusal.take()).unwrap_or_default();
        choice.content = Some(if self.echo { format!("{}{text}", question.prompt()) } else { text });
        choice
    }
}

struct Prompt {
    text: String,
    /// Known only of prompts that came as tokens.
    tokens: Option<u64>,
}

fn prompts(body: &Value) -> Result<Vec<Prompt>, FieldFault> {
    let fault = || FieldFault::wrong("prompt", "a string, an array of strings, tokens, or an array of token arrays");
    let of_text = |text: &str| Prompt { text: text.to_owned(), tokens: None };
    let of_tokens = |list: &[Value]| {
        let numbers: Option<Vec<String>> = list.iter().map(|token| Some(token.as_u64()?.to_string())).collect();
        numbers.map(|numbers| Prompt { text: numbers.join(" "), tokens: Some(list.len() as u64) }).ok_or_else(fault)
    };
    match present(body, "prompt") {
        None => Ok(vec![of_text("<|endoftext|>")]),
        Some(Value::String(text)) => Ok(vec![of_text(text)]),
        Some(Value::Array(list)) if list.first().is_some_and(Value::is_number) => Ok(vec![of_tokens(list)?]),
        Some(Value::Array(list)) if !list.is_empty() => list
            .iter()
            .map(|item| match item {
                Value::String(text) => Ok(of_text(text)),
                Value::Array(tokens) => of_tokens(tokens),
                _ => Err(fault()),
            })
            .collect(),
        Some(_) => Err(fault()),
    }
}

/// Writes a stream: pieces of text, finish, usage where the provider has it, end.
pub(crate) fn stream(
    (dialect, answer, envelope): (&Dialect, &Answer, &Envelope),
    options: StreamOptions,
    pace: &mut Pace,
    timeline: &mut Timeline,
) {
    let id = format!("{}{}", dialect.completion_id_prefix, envelope.stem);
    let kind = ("text_completion", id.as_str());
    let mut chunks = Chunks::new(dialect, kind, (envelope, answer.tier), options, answer.usage.completion, timeline);
    let usage = (dialect.usage)(&answer.usage, false);
    let per_chunk = u64::from(options.tokens_per_chunk);
    let mut first = true;
    for (index, choice) in answer.choices.iter().enumerate() {
        let text = choice.content.as_deref().unwrap_or_default();
        let mut offset = 0;
        for piece in pieces(text, choice.visible_tokens.div_ceil(per_chunk)) {
            if !std::mem::take(&mut first) {
                pace.advance();
            }
            let probabilities = options.logprobs.map(|top| logprobs::legacy(piece, per_chunk, top, offset));
            offset += piece.chars().count();
            chunks.choice(pace.now_us(), |out| members(out, index, piece, probabilities.as_ref(), "null"));
        }
        let reason = sse::to_quoted(&choice.finish_reason);
        chunks.finish(pace.now_us(), &usage, |out| members(out, index, "", None, &reason));
    }
    chunks.end(pace.now_us(), &usage);
}

fn members(out: &mut Vec<u8>, index: usize, text: &str, probabilities: Option<&Value>, finish_reason: &str) {
    out.extend_from_slice(b"\"text\":");
    sse::quoted(out, text);
    let probabilities = probabilities.map_or_else(|| "null".to_owned(), Value::to_string);
    let rest = format!(",\"index\":{index},\"logprobs\":{probabilities},\"finish_reason\":{finish_reason}");
    out.extend_from_slice(rest.as_bytes());
}

/// A whole answer.
pub(crate) fn whole(dialect: &Dialect, answer: &Answer, envelope: &Envelope, options: StreamOptions) -> String {
    let choice = |(index, choice): (usize, &Choice)| {
        let text = choice.content.as_deref().unwrap_or_default();
        let probabilities = options.logprobs.map(|top| logprobs::legacy(text, choice.visible_tokens, top, 0));
        let mut value = json!({"text": text, "index": index, "logprobs": probabilities,
                               "finish_reason": choice.finish_reason});
        if dialect.stop_reason {
            value["stop_reason"] = Value::Null;
        }
        value
    };
    let mut body = json!({
        "id": format!("{}{}", dialect.completion_id_prefix, envelope.stem),
        "object": "text_completion",
        "created": envelope.created,
        "model": envelope.model,
        "choices": answer.choices.iter().enumerate().map(choice).collect::<Vec<_>>(),
        "usage": serde_json::from_str::<Value>(&(dialect.usage)(&answer.usage, false)).unwrap_or_default(),
    });
    if dialect.fingerprint {
        body["system_fingerprint"] = Value::from(envelope.fingerprint.as_str());
    }
    body.to_string()
}
