//! DeepSeek's models (API state of November 2026).

use super::{Model, Reasoning};
use crate::provider::Provider;
use jiff::civil::{DateTime, date};

const FLASH: Model = Model {
    provider: Provider::DeepSeek,
    name: "deepseek-flash",
    served_as: None,
    window_tokens: 1_048_576,
    prompt_tokens_max: 1_048_576,
    output_tokens_max: 393_216,
    sees_images: true,
    reasoning: Reasoning::Switched { efforts: &["low", "high", "max"] },
    concurrency_max: Some(2500),
    shutdown: None,
    checked: "2026-11-15",
    source: "DeepSeek, models and pricing",
};

/// The former names end at the same minute.
const RETIRED: DateTime = date(2026, 7, 24).at(15, 59, 0, 0);

const fn alias(name: &'static str) -> Model {
    Model { name, served_as: Some(FLASH.name), ..FLASH }
}

const fn retired(name: &'static str) -> Model {
    Model { shutdown: Some(RETIRED), source: "DeepSeek, change log", ..alias(name) }
}

pub(super) static MODELS: [Model; 7] = [
    FLASH,
    Model { name: "deepseek-v4-pro", sees_images: false, concurrency_max: Some(500), ..FLASH },
    alias("deepseek-v4-flash"),
    alias("deepseek-v4-flash-vision-exp"),
    retired("deepseek-chat"),
    retired("deepseek-reasoner"),
    retired("deepseek-coder"),
];
