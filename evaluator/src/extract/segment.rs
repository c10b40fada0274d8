//! Parts of the traffic: which segments a request belongs to.
//!
//! Only what is known before the answer makes a segment (the model asked for, the endpoint, the prompt), and it is taken
//! from the baseline's row: the candidate must not decide where its own outcome counts.

use crate::pair::Pair;
use crate::rows::{Names, Row};
use judge::policy::Policy;
use std::collections::BTreeMap;

/// Characters of a prompt below which it is short, and from which on it is long.
const SHORT_BELOW: u32 = 1_000;
const LONG_FROM: u32 = 8_000;

/// Share of wide characters, in percent, from which on a prompt counts as Chinese, Japanese or Korean.
const WIDE_PERCENT: u64 = 30;

/// The segments that are counted.
#[derive(Debug, Default)]
pub(super) struct Segmenter {
    fields: Vec<String>,
    /// Name to place.
    places: BTreeMap<String, usize>,
    /// By field: value to place, so that no name is put together for a row.
    by_field: Vec<BTreeMap<String, usize>>,
}

impl Segmenter {
    /// The critical segments, and of the others the largest ones as far as the policy reports them.
    pub(super) fn new(pairs: &[Pair<'_>], served: &[&Row], names: &Names, policy: &Policy) -> Self {
        let fields = policy.segments.by.clone();
        let wanted = usize::try_from(policy.segments.max).unwrap_or(usize::MAX);
        if fields.is_empty() || (wanted == 0 && policy.segments.critical.is_empty()) {
            return Self::default();
        }
        let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
        for field in &fields {
            let mut of_field: BTreeMap<&str, u64> = BTreeMap::new();
            for row in pairs.iter().map(|pair| pair.baseline).chain(served.iter().copied()) {
                if let Some(value) = value(field, row, names) {
                    *of_field.entry(value).or_default() += 1;
                }
            }
            for (value, count) in of_field {
                *sizes.entry(format!("{field}={value}")).or_default() += count;
            }
        }
        let critical: Vec<&String> = policy.segments.critical.iter().filter(|name| sizes.contains_key(*name)).collect();
        let mut chosen: Vec<String> = critical.into_iter().cloned().collect();
        let mut others: Vec<(u64, String)> =
            sizes.into_iter().filter(|(name, _)| !chosen.contains(name)).map(|(name, n)| (n, name)).collect();
        others.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        // A single segment that holds everything says nothing new.
        let all = others.len() == 1 && chosen.is_empty();
        let room = if all { 0 } else { wanted.saturating_sub(chosen.len()) };
        chosen.extend(others.into_iter().take(room).map(|(_, name)| name));
        chosen.sort();
        let places: BTreeMap<String, usize> = chosen.into_iter().zip(0..).collect();
        let by_field = fields.iter().map(|field| {
            let value = |name: &str| Some(name.strip_prefix(field.as_str())?.strip_prefix('=')?.to_owned());
            places.iter().filter_map(|(name, place)| Some((value(name)?, *place))).collect()
        });
        Self { by_field: by_field.collect(), fields, places }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The names in the order of their places.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// Places of the segments that a request belongs to.
    pub(super) fn of<'a>(&'a self, row: &'a Row, names: &'a Names) -> impl Iterator<Item = usize> + 'a {
        let fields = if self.places.is_empty() { &[][..] } else { &self.fields };
        let by_field = fields.iter().zip(&self.by_field);
        by_field.filter_map(move |(field, places)| places.get(value(field, row, names)?).copied())
    }
}

/// A request's value of one field, the second half of its segment's name; `None` where the record does not say.
fn value<'a>(field: &str, row: &Row, names: &'a Names) -> Option<&'a str> {
    Some(match field {
        "model" => names.route(row.route).model,
        "endpoint" => row.endpoint.name(),
        "consumer" => names.text(row.consumer?),
        "streamed" => {
            if row.streamed {
                "yes"
            } else {
                "no"
            }
        }
        "prompt_length" => match row.prompt_chars {
            ..SHORT_BELOW => "short",
            LONG_FROM.. => "long",
            _ => "middle",
        },
        "language" => {
            // A request without a prompt has no language.
            let wide = row.prompt_wide_chars().filter(|_| row.prompt_chars > 0)?.saturating_mul(100);
            if wide >= WIDE_PERCENT * u64::from(row.prompt_chars) { "wide" } else { "narrow" }
        }
        _ => return None,
    })
}
