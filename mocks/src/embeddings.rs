//! Embeddings: a unit vector for each text, the same for the same text, seed and provider, and without meaning.
//!
//! A shorter vector is the beginning of the longer one, brought back to length one, as with the real models.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::RngExt;
use rand_distr::StandardNormal;
use serde::Serialize;
use serde_json::Value;
use wire::provider::Provider;

use crate::dice;
use crate::request::FieldFault;
use crate::request::field::{count, object, present, required_text};
use crate::tokens;

/// Texts in one request, at most.
const INPUTS_MAX: usize = 2048;
/// Length of vectors of models that are not known to have another one.
const DIMENSIONS_DEFAULT: u64 = 1536;
const DIMENSIONS: [(&str, u64); 2] = [("text-embedding-3-large", 3072), ("text-embedding-ada-002", 1536)];

/// A request for vectors.
#[derive(Debug)]
pub(crate) struct EmbeddingRequest {
    pub(crate) model: String,
    inputs: Vec<Input>,
    dimensions: u64,
    base64: bool,
}

#[derive(Debug)]
struct Input {
    text: String,
    tokens: u64,
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Entry>,
    model: &'a str,
    usage: Usage,
}

#[derive(Serialize)]
struct Entry {
    object: &'static str,
    index: usize,
    embedding: Vector,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Vector {
    Numbers(Vec<f32>),
    Packed(String),
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: u64,
    total_tokens: u64,
}

impl EmbeddingRequest {
    pub(crate) fn read(body: &Value, provider: Provider) -> Result<Self, FieldFault> {
        let model = required_text(object(body)?, "model")?;
        let full = DIMENSIONS.iter().find(|(name, _)| *name == model).map_or(DIMENSIONS_DEFAULT, |(_, full)| *full);
        let range =
            FieldFault::wrong("dimensions", "a whole number from 1 to the model's own, where it can be changed");
        let dimensions = match count(body, "dimensions")? {
            None => full,
            Some(asked) if (1..=full).contains(&asked) && model != "text-embedding-ada-002" => asked,
            Some(_) => return Err(range),
        };
        let base64 = match present(body, "encoding_format").map(Value::as_str) {
            None | Some(Some("float")) => false,
            Some(Some("base64")) => true,
            Some(_) => return Err(FieldFault::wrong("encoding_format", "float or base64")),
        };
        Ok(Self { model, inputs: inputs(body, provider)?, dimensions, base64 })
    }

    /// The answer, under the name `model`.
    pub(crate) fn answer(&self, seed: u64, provider: Provider, model: &str) -> String {
        let tokens = self.inputs.iter().map(|input| input.tokens).sum();
        let entry = |(index, input): (usize, &Input)| {
            let numbers = unit_vector(seed, provider, &input.text, self.dimensions);
            let embedding = if self.base64 { Vector::Packed(packed(&numbers)) } else { Vector::Numbers(numbers) };
            Entry { object: "embedding", index, embedding }
        };
        let data = self.inputs.iter().enumerate().map(entry).collect();
        let usage = Usage { prompt_tokens: tokens, total_tokens: tokens };
        // Numbers and texts always serialise.
        serde_json::to_string(&List { object: "list", data, model, usage }).unwrap_or_default()
    }
}

fn inputs(body: &Value, provider: Provider) -> Result<Vec<Input>, FieldFault> {
    let fault =
        || FieldFault::wrong("input", "a text that is not empty, tokens, or an array of at most 2048 of either");
    let of_text = |text: &str| {
        let input = Input { tokens: tokens::estimate(provider, text), text: text.to_owned() };
        if text.is_empty() { Err(fault()) } else { Ok(input) }
    };
    let of_tokens = |list: &[Value]| {
        let numbers: Option<Vec<String>> = list.iter().map(|token| Some(token.as_u64()?.to_string())).collect();
        let numbers = numbers.filter(|numbers| !numbers.is_empty()).ok_or_else(fault)?;
        Ok(Input { text: numbers.join(" "), tokens: numbers.len() as u64 })
    };
    match present(body, "input") {
        None => Err(FieldFault::missing("input", "a text or an array of texts")),
        Some(Value::String(text)) => Ok(vec![of_text(text)?]),
        Some(Value::Array(list)) if list.first().is_some_and(Value::is_number) => Ok(vec![of_tokens(list)?]),
        Some(Value::Array(list)) if (1..=INPUTS_MAX).contains(&list.len()) => list
            .iter()
            .map(|item| match item {
                Value::String(text) => of_text(text),
                Value::Array(tokens) => of_tokens(tokens),
                _ => Err(fault()),
            })
            .collect(),
        Some(_) => Err(fault()),
    }
}

fn unit_vector(seed: u64, provider: Provider, text: &str, dimensions: u64) -> Vec<f32> {
    let mut dice = dice::for_embedding(seed, provider, text);
    let drawn: Vec<f64> = (0..dimensions).map(|_| dice.sample(StandardNormal)).collect();
    let length = drawn.iter().map(|number| number * number).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    drawn.into_iter().map(|number| (number / length) as f32).collect()
}

/// Little-endian 32-bit floats, as the providers' own clients ask for.
fn packed(numbers: &[f32]) -> String {
    STANDARD.encode(numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())
}
