//! Who decides which model a request would go to: `--model`, a gateway's configuration, or the defaults.

use crate::args::{self, Candidate};
use crate::outcome::Failure;
use gateway::Config;
use gateway::config::Migration;
use gateway::routing::stay::{self, Stay};
use gateway::routing::{self, Matcher, ModelMap, select};
use preflight::{Asked, Chosen, Options, Route, counterpart};
use std::path::Path;
use std::sync::Arc;
use wire::provider::{Lookout, Policy, Provider, Target};

/// Stands for a secret that is not there: nothing is sent, so none is needed.
const NO_SECRET: &str = "not-needed-for-a-preflight";

/// What is asked, and where everything would go.
pub(super) struct Course {
    pub options: Options,
    models: ModelMap,
    chosen: Chosen,
    /// Of a configuration: all matchers in their order, and which of them is meant.
    matchers: Vec<Matcher>,
    mine: usize,
    /// Of a configuration: what it keeps on the baseline.
    stay: Vec<Stay>,
}

/// Reads the options.
pub(super) fn course(args: &args::Preflight, now_us: i64) -> Result<Course, Failure> {
    match &args.config {
        Some(path) => configured(path, args.migration.as_deref(), now_us),
        None => named(args, now_us),
    }
}

/// A migration between two kinds of providers; what a log has in times is known only once it is open.
fn options(migration: String, baseline: Provider, (name, candidate): (&str, Provider), policy: Policy) -> Options {
    Options {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        migration,
        candidate_name: name.to_owned(),
        baseline,
        candidate,
        policy,
        untimed: false,
        now_us: 0,
    }
}

fn named(args: &args::Preflight, now_us: i64) -> Result<Course, Failure> {
    let candidate = match args.candidate {
        Candidate::Deepseek => Provider::DeepSeek,
        Candidate::Openai => Provider::OpenAi,
        Candidate::Compatible => Provider::Compatible,
    };
    let baseline = if candidate == Provider::OpenAi { Provider::DeepSeek } else { Provider::OpenAi };
    let pairs: Vec<(&str, &str)> = args
        .models
        .iter()
        .map(|pair| pair.split_once('=').filter(|(from, to)| !from.is_empty() && !to.is_empty()).ok_or(pair))
        .collect::<Result<_, _>>()
        .map_err(|pair| {
            Failure::usage(format!("--model is `{pair}`: expected FROM=TO, such as gpt-4o=deepseek-flash"))
        })?;
    if pairs.is_empty() && counterpart(candidate, "").is_none() {
        return Err(Failure::usage(format!(
            "no model of {} is nearest to one of the log: name it, such as --model '*=MODEL'",
            candidate.name()
        )));
    }
    let models = ModelMap::new(pairs).map_err(|error| Failure::usage(format!("--model: {error}")))?;
    let migration = format!("{}-to-{}", baseline.name(), candidate.name());
    let options = Options { now_us, ..options(migration, baseline, (candidate.name(), candidate), Policy::default()) };
    Ok(Course { options, models, chosen: Chosen::Given, matchers: Vec::new(), mine: 0, stay: Vec::new() })
}

fn configured(path: &Path, migration: Option<&str>, now_us: i64) -> Result<Course, Failure> {
    let environment = |name: &str| Some(std::env::var(name).unwrap_or_else(|_| NO_SECRET.to_owned()));
    let config = Config::read(path, &environment).map_err(Failure::usage)?;
    let names: Vec<&str> = config.migrations.iter().map(|migration| migration.name.as_str()).collect();
    let mine = match migration {
        None if names.len() == 1 => 0,
        None => {
            let names = names.join(", ");
            return Err(Failure::usage(format!(
                "{} has several migrations ({names}): name one with --migration",
                path.display()
            )));
        }
        Some(name) => names.iter().position(|known| *known == name).ok_or_else(|| {
            let names = names.join(", ");
            Failure::usage(format!(
                "--migration is `{name}`, which {} does not have: expected one of {names}",
                path.display()
            ))
        })?,
    };
    let kind = |name: &str| config.providers.get(name).map(|provider| provider.kind);
    let found = config.migrations.get(mine).and_then(|migration| {
        let candidate = config.providers.get(&migration.candidate)?;
        Some((migration.clone(), kind(&migration.baseline)?, candidate.kind, candidate.policy.clone()))
    });
    // A configuration that was read names providers that it has.
    let Some((migration, baseline, candidate, policy)) = found else {
        return Err(Failure::usage(format!("{}: the migration names a provider that is not there", path.display())));
    };
    let Migration { name, models, stay, candidate: candidate_name, .. } = migration;
    let matchers = config.migrations.into_iter().map(|migration| migration.matcher).collect();
    let options = Options { now_us, ..options(name, baseline, (&candidate_name, candidate), policy) };
    Ok(Course { options, models, chosen: Chosen::Config, matchers, mine, stay })
}

impl Course {
    /// Where a request would go.
    pub(super) fn route(&self, asked: &Asked<'_>) -> Route {
        if let Some(model) = self.models.get(asked.model).filter(|_| self.takes(asked)) {
            return if self.keeps(asked, model) { Route::Outside } else { Route::To(Arc::clone(model), self.chosen) };
        }
        match counterpart(self.options.candidate, asked.model) {
            Some(model) if self.chosen == Chosen::Given => Route::To(Arc::from(model), Chosen::Default),
            _ => Route::Outside,
        }
    }

    /// Whether the migration gets it; the first one that takes a request has it.
    fn takes(&self, asked: &Asked<'_>) -> bool {
        self.chosen != Chosen::Config || select(&self.matchers, &of_gateway(asked)) == Some(self.mine)
    }

    /// Whether one of the migration's rules keeps it on the baseline, as the gateway would.
    fn keeps(&self, asked: &Asked<'_>, model: &str) -> bool {
        let target = Target::new(model, &self.options.policy);
        // However many rules ask, the request is read once.
        let lookout = Lookout::new(self.options.candidate, asked.request, &target);
        let first = |features: &[&'static str]| lookout.first_of(|feature| features.contains(&feature));
        stay::kept(&self.stay, &of_gateway(asked), first).is_some()
    }
}

fn of_gateway<'a>(asked: &Asked<'a>) -> routing::Asked<'a> {
    routing::Asked { endpoint: asked.endpoint.name(), model: asked.model, consumer: asked.consumer }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Endpoint, Request};

    #[test]
    fn what_a_rule_keeps_on_the_baseline_goes_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway.toml");
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/gateway/examples/split.toml");
        let rules =
            "\n[[migrations.openai-to-deepseek.stay]]\nfeatures = [\"seed\"]\nendpoints = [\"chat\"]\nwhy = \"x\"\n";
        std::fs::write(&path, std::fs::read_to_string(example).unwrap() + rules).unwrap();
        let course = configured(&path, None, 0).unwrap();
        let route = |more: &str| {
            let body = format!(r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"hello"}}]{more}}}"#);
            let request = Request::parse(Endpoint::Chat, body.as_bytes()).unwrap();
            let asked = Asked { endpoint: Endpoint::Chat, model: &request.model, consumer: None, request: &request };
            course.route(&asked)
        };
        assert!(matches!(route(""), Route::To(_, Chosen::Config)));
        assert!(matches!(route(r#","n":2"#), Route::To(_, Chosen::Config)), "it fails there, and no rule names it");
        assert_eq!(route(r#","seed":7"#), Route::Outside);
    }
}
