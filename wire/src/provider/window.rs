//! Whether a request fits the window of a model, told from its characters.
//!
//! Nobody here has the provider's tokeniser, so the number of tokens is a guess with a band: from two thirds to one and
//! a half of the count that [`Characters::tokens`] gives (four characters a token in Latin script, one and a half in
//! Chinese). A request fails only if even the low end of the band is beyond the window; where only the high end is,
//! it may fail, and that is said as a doubt. Of a request only the texts count here: images, tools and the few tokens
//! of form are left out, so the low end stays low.

use super::draft::Scene;
use super::steps;
use crate::models::{self, Model};
use crate::provider::Provider;
use crate::usage::Characters;
use serde_json::value::RawValue;

/// Members that limit the answer; the first that is there counts.
const LIMITS: [&str; 3] = ["max_completion_tokens", "max_tokens", "max_output_tokens"];

/// Tokens of a request, at the least and at the most, and where they end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    low: u64,
    high: u64,
    limit: u64,
}

fn model(scene: &Scene<'_>, provider: Provider) -> Option<&'static Model> {
    models::find(provider, scene.target.model)
}

/// The room for the prompt, beside what the caller wants for the answer.
fn room(scene: &Scene<'_>, model: &Model) -> u64 {
    let asked = LIMITS.iter().find_map(|member| scene.given(member)).and_then(steps::number).unwrap_or(0);
    let answer = asked.min(model.output_tokens_max);
    model.prompt_tokens_max.min(model.window_tokens.saturating_sub(answer))
}

/// Bytes of what is asked: no text has more characters than that.
fn bytes(scene: &Scene<'_>) -> u64 {
    let members = [scene.request.endpoint.subject(), "instructions"];
    members.iter().filter_map(|member| scene.given(member)).map(|value| value.get().len() as u64).sum()
}

fn span(scene: &Scene<'_>, limit: u64) -> Span {
    let mut characters = Characters::default();
    scene.request.for_each_text(|text| characters.add(text));
    let tokens = characters.tokens();
    Span { low: tokens.saturating_mul(2) / 3, high: tokens.saturating_mul(3).div_ceil(2), limit }
}

/// Whether the request is beyond the window whatever the tokeniser. Nothing is counted where the bytes rule it out: six
/// of them have at most one token of the low end.
pub(super) fn is_exceeded(scene: &Scene<'_>, provider: Provider) -> bool {
    let Some(model) = model(scene, provider) else { return false };
    let limit = room(scene, model);
    bytes(scene) / 6 > limit && span(scene, limit).low > limit
}

/// Whether the request may be beyond the window, but need not be.
pub(super) fn may_be_exceeded(scene: &Scene<'_>, provider: Provider) -> bool {
    let Some(model) = model(scene, provider) else { return false };
    let span = span(scene, room(scene, model));
    span.high > span.limit && span.low <= span.limit
}

/// The numbers behind both, as `7000000 to 15750000 tokens of 1048576`.
pub(super) fn detail(scene: &Scene<'_>, provider: Provider) -> Option<String> {
    let model = model(scene, provider)?;
    let Span { low, high, limit } = span(scene, room(scene, model));
    Some(format!("about {low} to {high} tokens, where {limit} are left for the prompt"))
}

/// The longest answer of a model; `None` where it is not known.
pub(super) fn output_tokens_max(scene: &Scene<'_>, provider: Provider) -> Option<u64> {
    model(scene, provider).map(|model| model.output_tokens_max)
}

/// Whether a limit is beyond the longest answer, in numbers.
pub(super) fn clamp_detail(scene: &Scene<'_>, provider: Provider, limit: &RawValue) -> Option<String> {
    let most = output_tokens_max(scene, provider)?;
    let asked = steps::number(limit)?;
    (asked > most).then(|| format!("{asked} becomes {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Policy, Target};
    use crate::{Endpoint, Request};

    fn judged(text: &str, members: &str) -> (bool, bool) {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{text}"}}]{members}}}"#);
        let request = Request::parse(Endpoint::Chat, body.as_bytes()).unwrap();
        let policy = Policy::default();
        let target = Target::new("gpt-4o", &policy);
        let scene = Scene::new(&request, &target);
        (is_exceeded(&scene, Provider::OpenAi), may_be_exceeded(&scene, Provider::OpenAi))
    }

    #[test]
    fn the_band_decides_between_fits_doubt_and_too_long() {
        // The window is 128 000 tokens: sure from 128 001 · 6 characters, possible from a good 341 000.
        for (characters, expected) in [
            (10, (false, false)),
            (340_000, (false, false)),
            (342_000, (false, true)),
            (760_000, (false, true)),
            (770_000, (true, false)),
        ] {
            assert_eq!(judged(&"a".repeat(characters), ""), expected, "{characters}");
        }
        assert_eq!(judged(&"好".repeat(300_000), ""), (true, false));
        assert_eq!(judged(&"好".repeat(200_000), ""), (false, true));
    }

    #[test]
    fn the_answer_takes_its_room_as_far_as_the_model_gives_it() {
        assert_eq!(judged(&"a".repeat(330_000), r#","max_tokens":16384"#), (false, true));
        assert_eq!(judged(&"a".repeat(330_000), r#","max_tokens":18446744073709551615"#), (false, true));
        assert_eq!(judged("a", r#","max_tokens":18446744073709551615"#), (false, false));
    }
}
