//! Requests by feature. Names of features are the provider's tables', so there are a few dozen, whatever the log holds.

use crate::document::{Change, Example, Feature};
use crate::look::OF_EVERY_REQUEST;
use crate::remedy::Remedies;
use crate::see::Place;
use crate::text;
use std::collections::BTreeMap;
use wire::provider::{Effect, Finding, Loss, Remedy};

/// Examples of one feature.
const EXAMPLES_MAX: usize = 3;

/// The request that findings are about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'r> {
    pub place: &'r Place<'r>,
    pub id: &'r str,
    pub model: &'r str,
}

#[derive(Debug, Default)]
pub(crate) struct Features {
    tallies: BTreeMap<(&'static str, Effect), Tally>,
}

#[derive(Debug)]
struct Tally {
    member: &'static str,
    why: &'static str,
    loss: Option<Loss>,
    remedy: Option<Remedy>,
    /// A model of the log that has the feature.
    model: String,
    requests: u64,
    details: Vec<String>,
    examples: Vec<Example>,
}

impl Features {
    /// Counts a request's findings. `changes` is asked only where the request becomes an example.
    pub(crate) fn see(&mut self, findings: &[Finding], row: &Row<'_>, changes: &dyn Fn() -> Vec<Change>) {
        for (index, finding) in findings.iter().enumerate() {
            let key = (finding.feature, finding.effect);
            // Two rows of one name and effect are one feature of the request.
            if findings.iter().take(index).any(|other| (other.feature, other.effect) == key) {
                continue;
            }
            let tally = self.tallies.entry(key).or_insert_with(|| Tally {
                member: finding.member,
                why: finding.why,
                loss: finding.loss,
                remedy: finding.remedy,
                model: text::name(row.model),
                requests: 0,
                details: Vec::new(),
                examples: Vec::new(),
            });
            tally.requests += 1;
            if let Some(detail) = &finding.detail
                && tally.details.len() < EXAMPLES_MAX
                && !tally.details.contains(detail)
            {
                tally.details.push(text::name(detail));
            }
            if finding.effect > Effect::Same
                && !OF_EVERY_REQUEST.contains(&finding.feature)
                && tally.examples.len() < EXAMPLES_MAX
            {
                tally.examples.push(example(row, changes));
            }
        }
    }

    /// All of them, worst first, and the most frequent first among equals.
    pub(crate) fn finish(self, judged: u64, remedies: &Remedies<'_>) -> Vec<Feature> {
        let share = |requests: u64| if judged == 0 { 0.0 } else { requests as f64 / judged as f64 };
        let told = self.tallies.into_iter().map(|((feature, effect), tally)| Feature {
            feature: feature.to_owned(),
            member: tally.member.to_owned(),
            effect,
            loss: tally.loss,
            why: tally.why.to_owned(),
            requests: tally.requests,
            share: share(tally.requests),
            details: tally.details,
            examples: tally.examples,
            remedy: remedies.of(feature, effect, tally.remedy, &tally.model),
        });
        let mut features: Vec<Feature> = told.collect();
        features.sort_by(|a, b| (b.effect, b.requests, &a.feature).cmp(&(a.effect, a.requests, &b.feature)));
        features
    }
}

fn example(row: &Row<'_>, changes: &dyn Fn() -> Vec<Change>) -> Example {
    let Row { place, id, .. } = row;
    Example {
        file: place.file.to_owned(),
        line: place.line,
        request: place.request,
        id: text::name(id),
        changes: changes(),
    }
}
