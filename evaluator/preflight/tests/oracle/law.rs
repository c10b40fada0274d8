//! What has to hold between what was predicted and what happened.

use crate::catalogue::{Case, Feature, Raw};
use preflight::Look;
use std::collections::{BTreeMap, BTreeSet};
use wire::Endpoint;
use wire::provider::{Effect, Provider, Treatment};

/// A case, what was predicted of it and what happened to it.
#[derive(Debug)]
pub(crate) struct Judged {
    pub case: String,
    pub endpoint: Endpoint,
    pub features: Vec<Feature>,
    pub usual: bool,
    pub effect: Effect,
    /// What it was predicted to fail of.
    pub fails_of: BTreeSet<&'static str>,
    /// Something was told of it beside the model's name.
    pub told: bool,
    pub raw_ok: bool,
    pub raw_said: String,
    pub rewritten_ok: Option<bool>,
    pub rewritten_said: String,
}

impl Judged {
    pub(crate) fn new(case: &Case, look: &Look, raw_ok: bool, raw_said: String) -> Self {
        let names: Vec<&str> = case.features.iter().map(|feature| feature.name).collect();
        let fails = look.findings.iter().filter(|finding| finding.effect == Effect::Fails);
        Self {
            case: format!("{} [{}] at {}", case.endpoint.name(), names.join(" + "), case.model),
            endpoint: case.endpoint,
            features: case.features.clone(),
            usual: case.usual,
            effect: look.effect,
            fails_of: fails.map(|finding| finding.feature).collect(),
            told: look.findings.iter().any(|found| found.effect > Effect::Same && found.feature != "model"),
            raw_ok,
            raw_said,
            rewritten_ok: None,
            rewritten_said: String::new(),
        }
    }

    fn is_clean(&self) -> bool {
        self.features.iter().all(|feature| feature.raw == Raw::Fine && feature.effect.1 < Effect::Loses)
    }
}

/// What two features fail of together that the provider would answer without a word, and wrongly: which of the two is meant
/// is not known.
const SILENT_CONFLICTS: [&str; 1] = ["functions beside tools"];

/// A case against a law.
pub(crate) struct Broken {
    law: &'static str,
    what: String,
}

/// All cases against a law.
pub(crate) fn broken(judged: &[Judged]) -> Vec<Broken> {
    // What fails alone, by endpoint and feature, under the usual policy.
    let alone: BTreeSet<(Endpoint, &str)> = judged
        .iter()
        .filter(|case| case.usual && case.features.len() == 1 && case.effect == Effect::Fails)
        .map(|case| (case.endpoint, case.features[0].name))
        .collect();
    let refused_alone: BTreeSet<(Endpoint, &str)> = judged
        .iter()
        .filter(|case| case.features.len() == 1 && !case.raw_ok)
        .map(|case| (case.endpoint, case.features[0].name))
        .collect();
    let mut broken = Vec::new();
    for case in judged {
        let mut say = |law, what: String| broken.push(Broken { law, what: format!("{}: {what}", case.case) });
        let ignored = case.features.iter().any(|feature| matches!(feature.raw, Raw::Ignored | Raw::Unlooked));
        if !case.raw_ok && !case.told {
            say("recall: refused as it came, and nothing was told", case.raw_said.clone());
        }
        if ignored
            && case.effect == Effect::Same
            && case.features.len() == 1
            && case.features[0].effect.0 > Effect::Same
        {
            say("recall: ignored in silence, predicted the same", String::new());
        }
        if case.effect < Effect::Fails && case.rewritten_ok != Some(true) {
            say("missed failure: refused although rewritten", case.rewritten_said.clone());
        }
        if case.effect == Effect::Fails {
            let told = format!("fails of {:?}", case.fails_of);
            let known = |feature: &Feature| alone.contains(&(case.endpoint, feature.name));
            let pair_only = !case.raw_ok
                && case.features.iter().all(|feature| !refused_alone.contains(&(case.endpoint, feature.name)));
            if case.features.len() == 1 && case.raw_ok && !ignored {
                say("false alarm: accepted as it came", told.clone());
            }
            let silent = case.fails_of.iter().all(|feature| SILENT_CONFLICTS.contains(feature));
            if case.features.len() > 1 && !silent && !case.features.iter().any(known) && !pair_only {
                say("false alarm: neither fails alone", told);
            }
        }
        if case.usual && case.is_clean() && case.effect >= Effect::Loses {
            say("clean, and predicted worse", format!("{:?} {:?}", case.effect, case.fails_of));
        }
        if let [feature] = case.features[..]
            && case.usual
        {
            if !(feature.effect.0..=feature.effect.1).contains(&case.effect) {
                say("another effect than documented", format!("{:?}, not {:?}", case.effect, feature.effect));
            }
            if feature.raw != Raw::Unlooked && case.raw_ok == (feature.raw == Raw::Refused) {
                say("the mock does otherwise than documented", format!("{:?}, said {}", feature.raw, case.raw_said));
            }
        }
    }
    broken
}

/// The broken laws for people: a few of each.
pub(crate) fn grouped(broken: &[Broken]) -> String {
    let mut by_law: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Broken { law, what } in broken {
        by_law.entry(law).or_default().push(what);
    }
    by_law.values_mut().for_each(Vec::dedup);
    let told = by_law.into_iter().map(|(law, cases)| {
        let first: Vec<String> =
            cases.iter().take(60).map(|case| format!("\n    {}", case.chars().take(200).collect::<String>())).collect();
        format!("{law}: {}{}\n", cases.len(), first.concat())
    });
    told.collect()
}

/// What a test of wire tries instead: the mock would have to be sent 48 MiB.
const TOO_LARGE_TO_TRY: [&str; 1] = ["body>48 MiB"];

/// Rows of the adapter's tables that say "fails" and of which no case of the catalogue fails.
pub(crate) fn untried(judged: &[Judged]) -> Vec<String> {
    let adapter = Provider::DeepSeek.adapter();
    let rows = [Endpoint::Chat, Endpoint::Responses].into_iter().flat_map(|endpoint| {
        let fails = adapter.matrix(endpoint).iter().filter(|row| row.treatment == Treatment::Baseline);
        fails.map(move |row| (endpoint, row.feature))
    });
    let tried: BTreeSet<(Endpoint, &str)> =
        judged.iter().flat_map(|case| case.fails_of.iter().map(|feature| (case.endpoint, *feature))).collect();
    rows.filter(|row| !tried.contains(row) && !TOO_LARGE_TO_TRY.contains(&row.1))
        .map(|(endpoint, feature)| format!("{} {feature}", endpoint.name()))
        .collect()
}
