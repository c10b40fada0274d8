//! Which file of this folder reads which format.

use super::detect::Head;
use super::entry::Reader;
use super::format::{Field, LogFormat};
use super::input::Input;
use super::{ImportError, ImportOptions};
use super::{
    azure_llm, burstgpt, goreplay, guidellm, har, helicone, higress, langfuse, litellm, mooncake, nginx, openai_batch,
    otlp, servegen, sharegpt, vllm,
};

impl LogFormat {
    /// What the format can fill; a log may have less.
    #[must_use]
    pub const fn fills(self) -> &'static [Field] {
        match self {
            Self::Own => &Field::ALL,
            Self::OpenAiBatch => openai_batch::FILLS,
            Self::LiteLlm => litellm::FILLS,
            Self::Higress => higress::FILLS,
            Self::Helicone => helicone::FILLS,
            Self::Langfuse => langfuse::FILLS,
            Self::Otlp => otlp::FILLS,
            Self::Har => har::FILLS,
            Self::GoReplay => goreplay::FILLS,
            Self::Nginx => nginx::FILLS,
            Self::ShareGpt => sharegpt::FILLS,
            Self::Vllm => vllm::FILLS,
            Self::GuideLlm => guidellm::FILLS,
            Self::BurstGpt => burstgpt::FILLS,
            Self::AzureLlm => azure_llm::FILLS,
            Self::Mooncake => mooncake::FILLS,
            Self::ServeGen => servegen::FILLS,
        }
    }

    /// Whether a file begins like one of this format.
    pub(super) fn is_it(self, head: &Head) -> bool {
        match self {
            Self::Own => head.member("format").is_some_and(|format| format == "weighbridge.requests"),
            Self::OpenAiBatch => openai_batch::is_it(head),
            Self::LiteLlm => litellm::is_it(head),
            Self::Higress => higress::is_it(head),
            Self::Helicone => helicone::is_it(head),
            Self::Langfuse => langfuse::is_it(head),
            Self::Otlp => otlp::is_it(head),
            Self::Har => har::is_it(head),
            Self::GoReplay => goreplay::is_it(head),
            Self::Nginx => nginx::is_it(head),
            Self::ShareGpt => sharegpt::is_it(head),
            Self::Vllm => vllm::is_it(head),
            Self::GuideLlm => guidellm::is_it(head),
            Self::BurstGpt => burstgpt::is_it(head),
            Self::AzureLlm => azure_llm::is_it(head),
            Self::Mooncake => mooncake::is_it(head),
            Self::ServeGen => servegen::is_it(head),
        }
    }

    /// Reads files of a foreign format.
    pub(super) fn reader(self, inputs: Vec<Input>, options: &ImportOptions) -> Result<Box<dyn Reader>, ImportError> {
        match self {
            Self::Own => {
                Err(ImportError::Options("a request log of weighbridge's own is no foreign format".to_owned()))
            }
            Self::OpenAiBatch => openai_batch::open(inputs, options),
            Self::LiteLlm => litellm::open(inputs, options),
            Self::Higress => higress::open(inputs, options),
            Self::Helicone => helicone::open(inputs, options),
            Self::Langfuse => langfuse::open(inputs, options),
            Self::Otlp => otlp::open(inputs, options),
            Self::Har => har::open(inputs, options),
            Self::GoReplay => goreplay::open(inputs, options),
            Self::Nginx => nginx::open(inputs, options),
            Self::ShareGpt => sharegpt::open(inputs, options),
            Self::Vllm => vllm::open(inputs, options),
            Self::GuideLlm => guidellm::open(inputs, options),
            Self::BurstGpt => burstgpt::open(inputs, options),
            Self::AzureLlm => azure_llm::open(inputs, options),
            Self::Mooncake => mooncake::open(inputs, options),
            Self::ServeGen => servegen::open(inputs, options),
        }
    }
}
