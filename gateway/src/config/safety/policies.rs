//! `[safety.policies.NAME]`: what is judged, where it begins to count, and what happens then.

use crate::config::check::{Checker, LIMIT_MAX};
use guard::policy::{AnswerForm, Bar, ByCategory, Check, Deed, Finish, Mode, OnFailure, Policy, Stream};
use guard::{Category, names};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Stands for no policy wherever one is named.
pub(super) const NO_POLICY: &str = "none";
/// Longest name of a policy: it is a label of metrics.
const NAME_BYTES_MAX: usize = 64;
const SENTENCE: &str = "Sorry, I cannot answer this question.";
/// New characters of a window, and characters that wait for the next one: no fewer than its lists reach.
const WINDOW_CHARACTERS: usize = 400;
const OVERLAP_CHARACTERS: usize = 100;

/// What is judged of one request at most: as many texts as a call for embeddings may have, and more characters than models
/// read.
const TEXTS_MAX: usize = 2048;
const CHARACTERS_MAX: usize = 4_000_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPolicy {
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    request: Vec<String>,
    #[serde(default)]
    response: Vec<String>,
    #[serde(default)]
    on_failure: OnFailure,
    #[serde(default)]
    check: Check,
    texts_max: Option<usize>,
    characters_max: Option<usize>,
    #[serde(default)]
    bars: BTreeMap<String, Bar>,
    #[serde(default)]
    actions: BTreeMap<String, Deed>,
    #[serde(default)]
    stream: RawStream,
    window_characters: Option<usize>,
    overlap_characters: Option<usize>,
    #[serde(default)]
    answer: AnswerForm,
    sentence: Option<String>,
    #[serde(default)]
    finish_reason: Finish,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawStream {
    #[default]
    Window,
    End,
    Full,
}

/// Back ends by name, and how far each reaches: characters between the first and the last of what it finds as one thing.
pub(super) type Reaches<'a> = BTreeMap<&'a str, usize>;

/// What a policy is where nothing else is said: a text that surely is harmful counts.
const BAR: Bar = Bar::High;

impl Checker<'_> {
    pub(super) fn safety_policy(&mut self, name: &str, raw: &RawPolicy, backends: &Reaches<'_>) -> Option<Arc<Policy>> {
        let at = format!("safety.policies.{name}");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if !(1..=NAME_BYTES_MAX).contains(&name.len()) || !name.bytes().all(plain) || name == NO_POLICY {
            self.problems.push(format!(
                "{at}: expected a name of letters, digits, `.`, `_` and `-`, at most {NAME_BYTES_MAX} long, and not \
                 `{NO_POLICY}`, which stands for no policy"
            ));
        }
        let request = self.asked(&format!("{at}.request"), &raw.request, backends);
        let response = self.asked(&format!("{at}.response"), &raw.response, backends);
        if raw.request.is_empty() && raw.response.is_empty() {
            self.warnings.push(format!("{at} judges nothing: it names no back end in request or response"));
        }
        let bars = self.by_category(&format!("{at}.bars"), &raw.bars, BAR);
        let deeds = self.by_category(&format!("{at}.actions"), &raw.actions, Deed::Block);
        let reach = raw.response.iter().filter_map(|name| backends.get(name.as_str()).copied()).max().unwrap_or(0);
        let stream = self.stream(&at, raw, reach);
        let texts_max = self.bound(&format!("{at}.texts_max"), raw.texts_max, TEXTS_MAX);
        let characters_max = self.bound(&format!("{at}.characters_max"), raw.characters_max, CHARACTERS_MAX);
        let sentence = raw.sentence.clone().unwrap_or_else(|| SENTENCE.to_owned());
        if sentence.trim().is_empty() {
            self.problems.push(format!("{at}.sentence is empty: expected what a client reads instead of the answer"));
        }
        Some(Arc::new(Policy {
            name: name.into(),
            mode: raw.mode,
            request: request?,
            response: response?,
            bars: bars?,
            deeds: deeds?,
            on_failure: raw.on_failure,
            check: raw.check,
            texts_max: texts_max?,
            characters_max: characters_max?,
            stream: stream?,
            answer: raw.answer,
            sentence,
            finish: raw.finish_reason,
        }))
    }

    fn bound(&mut self, key: &str, value: Option<usize>, default: usize) -> Option<usize> {
        let value = value.unwrap_or(default);
        if (1..=LIMIT_MAX).contains(&value) {
            return Some(value);
        }
        self.problem(format!("{key} is {value}: expected 1 to {LIMIT_MAX}"))
    }

    fn asked(&mut self, key: &str, names: &[String], backends: &Reaches<'_>) -> Option<Vec<Arc<str>>> {
        let mut good = true;
        for (place, name) in names.iter().enumerate() {
            if !backends.contains_key(name.as_str()) {
                let known = backends.keys().copied().collect::<Vec<_>>().join(", ");
                self.problems.push(format!("{key} names `{name}`: expected one of [safety.backends]: {known}"));
                good = false;
            } else if names.iter().take(place).any(|earlier| earlier == name) {
                self.problems.push(format!("{key} names `{name}` twice: once is enough"));
                good = false;
            }
        }
        good.then(|| names.iter().map(|name| name.as_str().into()).collect())
    }

    /// `default`, and categories by name.
    pub(super) fn by_category<T: Copy>(
        &mut self,
        key: &str,
        raw: &BTreeMap<String, T>,
        default: T,
    ) -> Option<ByCategory<T>> {
        let mut by_category = ByCategory::all(default);
        let mut good = true;
        for (name, value) in raw {
            match category(name) {
                _ if name == "default" => by_category.default = *value,
                Some(category) => drop(by_category.named.insert(category, *value)),
                None => {
                    let known = names::CATEGORIES.map(names::category).join(", ");
                    self.problems.push(format!("{key} has `{name}`: expected default or one of {known}"));
                    good = false;
                }
            }
        }
        good.then_some(by_category)
    }

    /// `reach`: how far apart, in characters, things can stand that its lists find together.
    fn stream(&mut self, at: &str, raw: &RawPolicy, reach: usize) -> Option<Stream> {
        let RawStream::Window = raw.stream else {
            if raw.window_characters.is_some() || raw.overlap_characters.is_some() {
                return self
                    .problem(format!("{at}: window_characters and overlap_characters belong to stream = \"window\""));
            }
            return Some(if matches!(raw.stream, RawStream::End) { Stream::End } else { Stream::Full });
        };
        let characters = raw.window_characters.unwrap_or(WINDOW_CHARACTERS);
        let overlap = raw.overlap_characters.unwrap_or(OVERLAP_CHARACTERS.max(reach));
        if overlap < reach {
            self.warnings.push(format!(
                "{at}.overlap_characters is {overlap}, but its lists find things together that stand {reach} characters \
                 apart: what lies across two windows may be missed"
            ));
        }
        for (key, value, least) in [("window_characters", characters, 1), ("overlap_characters", overlap, 0)] {
            if !(least..=LIMIT_MAX).contains(&value) {
                return self.problem(format!("{at}.{key} is {value}: expected {least} to {LIMIT_MAX}"));
            }
        }
        Some(Stream::Window { characters, overlap })
    }
}

fn category(name: &str) -> Option<Category> {
    names::CATEGORIES.into_iter().find(|category| names::category(*category) == name)
}
