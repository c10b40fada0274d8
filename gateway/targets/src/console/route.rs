//! An AI route as the console says it, and its weights: pure.

use crate::file::split;
use serde_json::Value;

/// Names of the providers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arms {
    pub(super) baseline: String,
    pub(super) candidate: String,
}

/// A route whose upstreams hold both arms.
#[derive(Debug)]
pub(super) struct Route {
    value: Value,
    baseline: Entry,
    candidate: Entry,
    version: String,
}

/// An upstream: its place and its weight.
#[derive(Debug, Clone, Copy)]
struct Entry {
    at: usize,
    weight: u64,
}

/// A route with other weights.
pub(super) struct Changed {
    pub(super) text: String,
    /// What the route says then, percent.
    pub(super) weight_percent: f64,
    /// A line about what was rounded, or nothing.
    pub(super) note: String,
}

impl Route {
    /// Reads a route's JSON.
    ///
    /// # Errors
    /// An arm is missing or there twice, a weight is none, both are 0, or there is no version.
    pub(super) fn read(text: &str, arms: &Arms) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("the route is no JSON: {error}"))?;
        let version = value["version"].as_str().unwrap_or_default().to_owned();
        if version.is_empty() {
            return Err(
                "the route has no version, so a change of somebody else's would be overwritten: update the console"
                    .to_owned(),
            );
        }
        let empty = Vec::new();
        let upstreams = value["upstreams"].as_array().unwrap_or(&empty);
        let (baseline, candidate) = (entry(upstreams, &arms.baseline)?, entry(upstreams, &arms.candidate)?);
        if baseline.weight + candidate.weight == 0 {
            return Err(format!(
                "{} and {} both have weight 0: give the baseline its weight first",
                arms.baseline, arms.candidate
            ));
        }
        Ok(Self { value, baseline, candidate, version })
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// The candidate's share of what both arms get, percent.
    pub(super) fn weight_percent(&self) -> f64 {
        split::percent(split::share(self.candidate.weight, self.pair()).unwrap_or_default())
    }

    fn pair(&self) -> u64 {
        self.baseline.weight + self.candidate.weight
    }

    /// The route with another share, in whole percents: what lies between two is rounded down.
    ///
    /// # Errors
    /// It is no share, or a raise that whole percents cannot say.
    pub(super) fn with(&self, percent: f64) -> Result<Changed, String> {
        let hundredths = split::hundredths(percent)
            .map_err(|_| format!("{percent}% is no share: expected 0 to 100, two decimals"))?;
        let candidate = split::floor(hundredths, self.pair());
        let exact = split::is_exact(hundredths, self.pair());
        let wanted = split::written(hundredths);
        if !exact && candidate == self.candidate.weight && percent > self.weight_percent() {
            return Err(format!(
                "{wanted}% cannot be said in whole percents, and rounded down nothing would rise: choose a rung of the \
                 ladder that can"
            ));
        }
        let mut value = self.value.clone();
        for (at, weight) in [(self.baseline.at, self.pair() - candidate), (self.candidate.at, candidate)] {
            let upstream = value.get_mut("upstreams").and_then(|all| all.get_mut(at)).and_then(Value::as_object_mut);
            let upstream = upstream.ok_or("the route has lost an upstream")?;
            upstream.insert("weight".to_owned(), weight.into());
        }
        let text =
            serde_json::to_string_pretty(&value).map_err(|error| format!("the route cannot be written: {error}"))?;
        let share = split::share(candidate, self.pair()).unwrap_or_default();
        let note = format!(
            "note: {wanted}% is rounded down to {}%: the console knows whole percents\n",
            split::written(share)
        );
        Ok(Changed {
            text: text + "\n",
            weight_percent: split::percent(share),
            note: if exact { String::new() } else { note },
        })
    }
}

/// The only upstream with this provider.
fn entry(upstreams: &[Value], provider: &str) -> Result<Entry, String> {
    let mut fitting = upstreams.iter().enumerate().filter(|(_, upstream)| upstream["provider"] == provider);
    let named = || {
        let names: Vec<&str> = upstreams.iter().take(10).filter_map(|upstream| upstream["provider"].as_str()).collect();
        if names.is_empty() { "it has none".to_owned() } else { format!("its providers are {}", names.join(", ")) }
    };
    let Some((at, upstream)) = fitting.next() else {
        return Err(format!("no upstream has the provider {provider}; {}; add it with weight 0", named()));
    };
    if fitting.next().is_some() {
        return Err(format!("two upstreams have the provider {provider}: which is meant cannot be said"));
    }
    match &upstream["weight"] {
        // The console fills it in for a route with one upstream only.
        Value::Null => Err(format!("the upstream {provider} has no weight: expected a whole number from 0 to 100")),
        weight => match weight.as_u64().filter(|weight| *weight <= 100) {
            Some(weight) => Ok(Entry { at, weight }),
            None => Err(format!("the upstream {provider} has weight {weight}: expected a whole number from 0 to 100")),
        },
    }
}
