//! The formats, and what each can tell.

use serde::Serialize;
use std::fmt;

/// A member of a request log that a format may fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The request's own id.
    Id,
    /// When it was sent.
    Time,
    /// Conversation.
    Session,
    /// Who asked.
    Consumer,
    /// The text that was asked.
    Prompt,
    /// Sizes of a prompt whose text is not there.
    PromptLength,
    /// Who answered, with which model and status.
    Answered,
    /// Time to the first text.
    Ttft,
    /// Time to the last byte.
    Duration,
    /// Tokens.
    Usage,
    /// Tokens read from a cache.
    Cached,
    /// Tokens written to a cache that bills it.
    CacheWrite,
    /// Tokens of speech, in prompt or answer.
    Audio,
    /// Tokens of pictures.
    Image,
    /// Tokens spent on reasoning.
    Reasoning,
    /// Service tier, where it is another than the standard one.
    Tier,
    /// Money.
    Cost,
    /// The text of the answer.
    Answer,
    /// Calls of tools in the answer.
    Tools,
    /// Finish reason.
    FinishReason,
    /// What went wrong.
    Error,
}

impl Field {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 21] = [
        Self::Id,
        Self::Time,
        Self::Session,
        Self::Consumer,
        Self::Prompt,
        Self::PromptLength,
        Self::Answered,
        Self::Ttft,
        Self::Duration,
        Self::Usage,
        Self::Cached,
        Self::CacheWrite,
        Self::Audio,
        Self::Image,
        Self::Reasoning,
        Self::Tier,
        Self::Cost,
        Self::Answer,
        Self::Tools,
        Self::FinishReason,
        Self::Error,
    ];

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Time => "time",
            Self::Session => "session",
            Self::Consumer => "consumer",
            Self::Prompt => "prompt",
            Self::PromptLength => "prompt length",
            Self::Answered => "model and status",
            Self::Ttft => "first token",
            Self::Duration => "duration",
            Self::Usage => "tokens",
            Self::Cached => "cached tokens",
            Self::CacheWrite => "cache writes",
            Self::Audio => "audio tokens",
            Self::Image => "image tokens",
            Self::Reasoning => "reasoning tokens",
            Self::Tier => "service tier",
            Self::Cost => "cost",
            Self::Answer => "answer",
            Self::Tools => "tool calls",
            Self::FinishReason => "finish reason",
            Self::Error => "errors",
        }
    }
}

/// A format of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogFormat {
    /// weighbridge's own request log.
    Own,
    /// OpenAI Batch: the input file, or input and output file together.
    OpenAiBatch,
    /// LiteLLM: rows of the spend logs, or the standard logging payload.
    LiteLlm,
    /// Higress access log, JSON, with the field `ai_log`.
    Higress,
    /// Helicone export.
    Helicone,
    /// Langfuse observations.
    Langfuse,
    /// OpenTelemetry spans of the GenAI conventions, OTLP JSON.
    Otlp,
    /// HTTP archive 1.2.
    Har,
    /// GoReplay capture.
    GoReplay,
    /// Access log of JSON lines whose columns a mapping file names, such as nginx's.
    Nginx,
    /// ShareGPT conversations.
    ShareGpt,
    /// vLLM's custom benchmark data.
    Vllm,
    /// guidellm's data.
    GuideLlm,
    /// BurstGPT trace.
    BurstGpt,
    /// Azure LLM inference trace.
    AzureLlm,
    /// Mooncake trace, and those of its shape.
    Mooncake,
    /// Rates of clients over time, as ServeGen has them.
    ServeGen,
}

/// A name that is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("format is `{name}`: expected one of {expected}")]
pub struct UnknownFormat {
    /// What was found.
    pub name: String,
    /// The names.
    pub expected: String,
}

impl LogFormat {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Own,
        Self::OpenAiBatch,
        Self::LiteLlm,
        Self::Higress,
        Self::Helicone,
        Self::Langfuse,
        Self::Otlp,
        Self::Har,
        Self::GoReplay,
        Self::Nginx,
        Self::ShareGpt,
        Self::Vllm,
        Self::GuideLlm,
        Self::BurstGpt,
        Self::AzureLlm,
        Self::Mooncake,
        Self::ServeGen,
    ];

    /// The name that users write.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Own => "weighbridge",
            Self::OpenAiBatch => "openai-batch",
            Self::LiteLlm => "litellm",
            Self::Higress => "higress",
            Self::Helicone => "helicone",
            Self::Langfuse => "langfuse",
            Self::Otlp => "otlp",
            Self::Har => "har",
            Self::GoReplay => "goreplay",
            Self::Nginx => "nginx",
            Self::ShareGpt => "sharegpt",
            Self::Vllm => "vllm",
            Self::GuideLlm => "guidellm",
            Self::BurstGpt => "burstgpt",
            Self::AzureLlm => "azure-llm",
            Self::Mooncake => "mooncake",
            Self::ServeGen => "servegen",
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl std::str::FromStr for LogFormat {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| UnknownFormat { name: text.to_owned(), expected: Self::ALL.map(Self::name).join(", ") })
    }
}
