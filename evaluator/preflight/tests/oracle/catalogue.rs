//! Every feature alone under every policy, every pair of features under one, and clean requests.

use crate::{chat, responses};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use wire::Endpoint;
use wire::provider::{Effect, JsonSchema, Policy, Thinking};

/// What the provider does with a feature that is sent as it came, by its documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Raw {
    /// It means the same there.
    Fine,
    /// It is refused.
    Refused,
    /// It is ignored, or answered wrongly, without a word.
    Ignored,
    /// It is refused by the documentation, and the mock does not look at it.
    Unlooked,
}

/// One feature of requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Feature {
    pub name: &'static str,
    /// Puts it into a request.
    pub put: fn(&mut Value),
    pub raw: Raw,
    /// The best and the worst that may be predicted of it, alone and under the default policy.
    pub effect: (Effect, Effect),
    /// The model that it is asked of, where that matters.
    pub model: Option<&'static str>,
}

impl Feature {
    /// Asked of one model only.
    pub(crate) const fn at(self, model: &'static str) -> Self {
        Self { model: Some(model), ..self }
    }
}

/// A request of the catalogue.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub endpoint: Endpoint,
    pub features: Vec<Feature>,
    pub body: Value,
    pub model: &'static str,
    pub policy: Policy,
    /// The default policy and nothing else: what features say of themselves holds.
    pub usual: bool,
}

pub(crate) const FLASH: &str = "deepseek-flash";
pub(crate) const PRO: &str = "deepseek-v4-pro";
/// Features of so many bytes that they are not paired with all others.
const ALONE: [&str; 5] =
    ["prompt beyond the window", "long prompt", "601 images", "129 functions", "input beyond the window"];

/// A plain request to an endpoint.
fn base(endpoint: Endpoint) -> Value {
    match endpoint {
        Endpoint::Chat => chat::base(),
        Endpoint::Responses => responses::base(),
        Endpoint::Completions => serde_json::json!({"model": "gpt-4o-mini", "prompt": "hello"}),
        Endpoint::Embeddings | Endpoint::Moderations => serde_json::json!({"model": "gpt-4o-mini", "input": "hello"}),
    }
}

fn policy(thinking: Thinking, json_schema: JsonSchema) -> Policy {
    Policy { thinking, json_schema, ..Policy::default() }
}

fn case(endpoint: Endpoint, features: &[Feature], model: &'static str, policy: Policy) -> Case {
    let mut body = base(endpoint);
    for feature in features {
        (feature.put)(&mut body);
    }
    let usual = policy == Policy::default();
    Case { endpoint, features: features.to_vec(), body, model, policy, usual }
}

/// A case with its plain dress changed: streamed or not, with more turns, in another script.
fn dressed(mut case: Case, random: &mut StdRng) -> Case {
    if random.random_bool(0.3) && case.body.get("stream").is_none() && case.body.get("stream_options").is_none() {
        case.body["stream"] = Value::from(true);
    }
    case.usual = false;
    if case.endpoint == Endpoint::Chat && random.random_bool(0.3) && case.body["messages"][0].is_object() {
        let turns = random.random_range(1..4);
        if let Some(messages) = case.body["messages"].as_array_mut() {
            for turn in 0..turns {
                let question =
                    if turn % 2 == 0 { "日本語で JSON を説明して。" } else { "And then, in json?" };
                messages.insert(1, serde_json::json!({"role": "assistant", "content": "Well."}));
                messages.insert(1, serde_json::json!({"role": "user", "content": question}));
            }
        }
    }
    case
}

/// The whole catalogue; the same every time.
pub(crate) fn all() -> Vec<Case> {
    let mut random = StdRng::seed_from_u64(7);
    let mut cases = Vec::new();
    for endpoint in [Endpoint::Completions, Endpoint::Embeddings, Endpoint::Moderations] {
        let absent = Feature {
            name: "endpoint",
            put: |_| {},
            raw: Raw::Refused,
            effect: (Effect::Fails, Effect::Fails),
            model: None,
        };
        cases.push(case(endpoint, &[absent], FLASH, Policy::default()));
    }
    for (endpoint, features) in [(Endpoint::Chat, chat::features()), (Endpoint::Responses, responses::features())] {
        singles(endpoint, &features, &mut cases);
        pairs(endpoint, &features, &mut random, &mut cases);
        clean(endpoint, &features, &mut random, &mut cases);
    }
    cases
}

fn singles(endpoint: Endpoint, features: &[Feature], cases: &mut Vec<Case>) {
    for feature in features {
        if ALONE.contains(&feature.name) {
            cases.push(case(endpoint, &[*feature], FLASH, Policy::default()));
            continue;
        }
        let models: &[&str] = if feature.model.is_some() { &[] } else { &[FLASH, PRO] };
        for model in models.iter().copied().chain(feature.model) {
            for thinking in [Thinking::OnRequest, Thinking::Never, Thinking::Always] {
                cases.push(case(endpoint, &[*feature], model, policy(thinking, JsonSchema::Baseline)));
            }
            cases.push(case(endpoint, &[*feature], model, policy(Thinking::OnRequest, JsonSchema::Instruct)));
        }
    }
}

fn pairs(endpoint: Endpoint, features: &[Feature], random: &mut StdRng, cases: &mut Vec<Case>) {
    for (index, first) in features.iter().enumerate() {
        for second in features.iter().skip(index + 1) {
            // Which pairs are tried is drawn once and for all: a good third says as much in a third of the time.
            if !random.random_bool(0.35) {
                continue;
            }
            if [first, second].into_iter().any(|feature| ALONE.contains(&feature.name)) {
                continue;
            }
            if first.model.is_some() && second.model.is_some() && first.model != second.model {
                continue;
            }
            let model = first.model.or(second.model).unwrap_or(if random.random_bool(0.5) { FLASH } else { PRO });
            let case = case(endpoint, &[*first, *second], model, Policy::default());
            cases.push(dressed(case, random));
        }
    }
}

/// Requests with one to four features that mean the same there.
fn clean(endpoint: Endpoint, features: &[Feature], random: &mut StdRng, cases: &mut Vec<Case>) {
    let fine: Vec<Feature> = features
        .iter()
        .copied()
        .filter(|feature| {
            feature.raw == Raw::Fine && feature.effect.1 < Effect::Loses && !ALONE.contains(&feature.name)
        })
        .collect();
    for _ in 0..300 {
        let count = random.random_range(0..4);
        let chosen: Vec<Feature> = (0..count).map(|_| fine[random.random_range(0..fine.len())]).collect();
        let models: Vec<&'static str> = chosen.iter().filter_map(|feature| feature.model).collect();
        if models.windows(2).any(|two| two[0] != two[1]) {
            continue;
        }
        let model = models.first().copied().unwrap_or(FLASH);
        let case = case(endpoint, &chosen, model, Policy::default());
        cases.push(dressed(case, random));
    }
}
