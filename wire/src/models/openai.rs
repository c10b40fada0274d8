//! OpenAI's models (API state of November 2026), as far as recorded traffic names them.
//!
//! Shutdown dates are those of OpenAI's own client library; windows are those of the model pages. A model whose page
//! was not seen again since it was current says so in its source.

use super::{Model, Reasoning};
use crate::provider::Provider;
use jiff::civil::{Date, DateTime, date};

const LIBRARY: &str = "OpenAI, Python library 3.54.0; model page";
const PAGE: &str = "OpenAI, model page";
const OLD_PAGE: &str = "OpenAI, model page, not checked again since";

const fn plain(name: &'static str, window_tokens: u64, output_tokens_max: u64) -> Model {
    Model {
        provider: Provider::OpenAi,
        name,
        served_as: None,
        window_tokens,
        prompt_tokens_max: window_tokens,
        output_tokens_max,
        sees_images: true,
        reasoning: Reasoning::Never,
        concurrency_max: None,
        shutdown: None,
        checked: "2026-11-22",
        source: OLD_PAGE,
    }
}

/// A model that reasons; its prompt and its answer have limits of their own.
const fn reasoning(
    name: &'static str,
    (window_tokens, output_tokens_max): (u64, u64),
    efforts: &'static [&'static str],
    default: Option<&'static str>,
) -> Model {
    Model {
        prompt_tokens_max: window_tokens - output_tokens_max,
        reasoning: Reasoning::Effort { efforts, default },
        source: PAGE,
        ..plain(name, window_tokens, output_tokens_max)
    }
}

const fn blind(model: Model) -> Model {
    Model { sees_images: false, ..model }
}

const fn until(model: Model, last: Date) -> Model {
    let at: DateTime = last.at(0, 0, 0, 0);
    Model { shutdown: Some(at), source: LIBRARY, ..model }
}

const O_SERIES: &[&str] = &["low", "medium", "high"];
const GPT_5: &[&str] = &["minimal", "low", "medium", "high"];
const GPT_5_1: &[&str] = &["none", "low", "medium", "high"];
const GPT_5_2: &[&str] = &["none", "low", "medium", "high", "xhigh"];
const GPT_5_6: &[&str] = &["none", "low", "medium", "high", "xhigh", "max"];
/// The newest refuse to do without.
const ALWAYS: &[&str] = &["low", "medium", "high", "xhigh", "max"];

/// Tokens of the window and of the longest answer.
const LARGE: (u64, u64) = (1_050_000, 128_000);
const MIDDLE: (u64, u64) = (400_000, 128_000);
const O_WINDOW: (u64, u64) = (200_000, 100_000);

const OCTOBER: Date = date(2026, 10, 23);
const JULY: Date = date(2026, 7, 23);
const DECEMBER: Date = date(2026, 12, 11);
const JANUARY: Date = date(2027, 1, 14);
const APRIL: Date = date(2027, 4, 1);

pub(super) static MODELS: [Model; 40] = [
    reasoning("gpt-6.2-astra", LARGE, ALWAYS, None),
    reasoning("gpt-6.2-sol", LARGE, ALWAYS, None),
    reasoning("gpt-6.1-sol", LARGE, ALWAYS, None),
    reasoning("gpt-6.1-terra", LARGE, GPT_5_6, None),
    reasoning("gpt-6-astra", LARGE, GPT_5_6, None),
    reasoning("gpt-6-sol", LARGE, GPT_5_6, Some("medium")),
    reasoning("gpt-6-luna", LARGE, GPT_5_6, Some("medium")),
    reasoning("gpt-5.6-sol", LARGE, GPT_5_6, None),
    reasoning("gpt-5.6-terra", LARGE, GPT_5_6, None),
    reasoning("gpt-5.6-luna", LARGE, GPT_5_6, Some("medium")),
    reasoning("gpt-5.5", LARGE, GPT_5_2, None),
    reasoning("gpt-5.4", LARGE, GPT_5_2, Some("none")),
    reasoning("gpt-5.4-mini", MIDDLE, GPT_5_2, Some("none")),
    until(reasoning("gpt-5.4-nano", MIDDLE, GPT_5_2, Some("none")), APRIL),
    reasoning("gpt-5.2", MIDDLE, GPT_5_2, Some("none")),
    until(reasoning("gpt-5.1", MIDDLE, GPT_5_1, Some("none")), APRIL),
    until(reasoning("gpt-5", MIDDLE, GPT_5, Some("medium")), DECEMBER),
    until(reasoning("gpt-5-mini", MIDDLE, GPT_5, Some("medium")), DECEMBER),
    until(reasoning("gpt-5-nano", MIDDLE, GPT_5, Some("medium")), DECEMBER),
    until(reasoning("gpt-5-codex", MIDDLE, O_SERIES, Some("medium")), JULY),
    until(plain("gpt-5-chat-latest", 128_000, 16_384), JULY),
    until(reasoning("o3", O_WINDOW, O_SERIES, Some("medium")), DECEMBER),
    until(reasoning("o4-mini", O_WINDOW, O_SERIES, Some("medium")), OCTOBER),
    until(blind(reasoning("o3-mini", O_WINDOW, O_SERIES, Some("medium"))), OCTOBER),
    until(reasoning("o1", O_WINDOW, O_SERIES, Some("medium")), OCTOBER),
    until(plain("gpt-4.1", 1_047_576, 32_768), JANUARY),
    until(plain("gpt-4.1-mini", 1_047_576, 32_768), JANUARY),
    until(plain("gpt-4.1-nano", 1_047_576, 32_768), OCTOBER),
    until(plain("gpt-4o", 128_000, 16_384), JANUARY),
    until(plain("gpt-4o-mini", 128_000, 16_384), JANUARY),
    until(plain("chatgpt-4o-latest", 128_000, 16_384), JULY),
    until(blind(plain("gpt-4o-search-preview", 128_000, 16_384)), JULY),
    until(blind(plain("gpt-4o-mini-search-preview", 128_000, 16_384)), JULY),
    until(blind(plain("gpt-audio-mini", 128_000, 16_384)), date(2027, 1, 20)),
    blind(plain("gpt-audio", 128_000, 16_384)),
    until(plain("gpt-4-turbo", 128_000, 4096), OCTOBER),
    until(blind(plain("gpt-4", 8192, 8192)), OCTOBER),
    until(blind(plain("gpt-3.5-turbo-1106", 16_385, 4096)), date(2026, 9, 28)),
    until(blind(plain("gpt-3.5-turbo-instruct", 4096, 4096)), date(2026, 9, 28)),
    until(blind(plain("gpt-3.5-turbo", 16_385, 4096)), OCTOBER),
];
