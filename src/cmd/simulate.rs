//! `weighbridge simulate`.

use crate::args;
use crate::cmd::evaluate::{check_folder, policy, write};
use crate::outcome::{Exit, Failure};
use crate::render;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use judge::policy::Policy;
use judge::simulate::{Contender, Extent, Naive, Population, Rule, Scenario, simulate};
use std::path::Path;

pub(super) fn run(args: &args::Simulate) -> Result<Exit, Failure> {
    if args.print_scenario {
        render::result(judge::simulate::scenario::DEFAULT_TOML);
        return Ok(Exit::Done);
    }
    args.out.as_deref().map_or(Ok(()), |folder| check_folder("--out", folder))?;
    let scenario = scenario(args.scenario.as_deref())?;
    let mut contenders = policies(&args.policy)?;
    if !args.no_naive {
        let naive = Naive::ALL.map(|rule| Contender { name: rule.name().to_owned(), rule: Rule::Naive(rule) });
        contenders.extend(naive);
    }
    let threads = args.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    let extent = Extent { runs: args.runs, seed: args.seed, threads };
    let bar = progress(args.runs * contenders.len() as u64);
    let simulation = simulate(&scenario, &Population::Synthetic, &contenders, extent, &|| bar.inc(1));
    bar.finish_and_clear();
    let json = serde_json::to_string_pretty(&simulation)
        .map_err(|error| Failure { exit: Exit::Bug, message: format!("cannot write the simulation: {error}") })?;
    if args.json {
        render::result(&json);
    } else {
        render::result(&reports::simulation_table(&simulation));
    }
    if let Some(folder) = &args.out {
        reports::write_simulation(&simulation, folder).map_err(Failure::world)?;
        write(&folder.join("simulation.json"), format!("{json}\n").as_bytes())?;
        render::note(&format!("simulation  {}", folder.display()));
    }
    Ok(Exit::Done)
}

/// The scenario in a file, or the default one.
fn scenario(path: Option<&Path>) -> Result<Scenario, Failure> {
    let text = match path {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("cannot read {}: {error}; check --scenario", path.display())))?,
        None => String::new(),
    };
    let named = path.map_or_else(|| "the default scenario".to_owned(), |path| path.display().to_string());
    let mut scenario = Scenario::parse(&text).map_err(|error| Failure::usage(format!("{named}: {error}")))?;
    // A file that does not name its world gives it its own name.
    if let Some(stem) = path.and_then(Path::file_stem).filter(|_| scenario.name == Scenario::UNNAMED) {
        scenario.name = stem.to_string_lossy().into_owned();
    }
    Ok(scenario)
}

/// The policies in files, by their names without folder and ending; the default one where none is named.
fn policies(paths: &[std::path::PathBuf]) -> Result<Vec<Contender>, Failure> {
    if paths.is_empty() {
        return Ok(vec![Contender { name: "default policy".to_owned(), rule: Rule::Judge(Policy::default()) }]);
    }
    let mut contenders: Vec<Contender> = Vec::with_capacity(paths.len());
    for path in paths {
        let stem =
            path.file_stem().map_or_else(|| path.display().to_string(), |stem| stem.to_string_lossy().into_owned());
        // Two files of the same name are told apart by their folders.
        let name = if contenders.iter().any(|other| other.name == stem) { path.display().to_string() } else { stem };
        contenders.push(Contender { name, rule: Rule::Judge(policy(Some(path))?) });
    }
    Ok(contenders)
}

/// A bar on standard error; draws nothing where that is no terminal.
fn progress(migrations: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(migrations), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} migrations  {eta} left") {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn policies_are_told_apart_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| -> PathBuf {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            path
        };
        let paths = [file("a/strict.toml"), file("b/strict.toml"), file("b/fast.toml")];
        let names: Vec<String> = policies(&paths).unwrap().into_iter().map(|contender| contender.name).collect();
        assert_eq!((names[0].as_str(), names[2].as_str()), ("strict", "fast"));
        assert!(names[1].ends_with("b/strict.toml"));
        assert_eq!(policies(&[]).unwrap()[0].name, "default policy");
    }

    #[test]
    fn a_wrong_scenario_is_the_users_to_mend() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("world.toml");
        std::fs::write(&path, "[traffic]\nrequests = 3\n").unwrap();
        let failure = scenario(Some(&path)).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.message.contains("world.toml") && failure.message.contains("requests"), "{}", failure.message);
        std::fs::write(&path, "").unwrap();
        assert_eq!(scenario(Some(&path)).unwrap().name, "world");
        assert!(scenario(Some(&folder.path().join("none.toml"))).unwrap_err().message.contains("--scenario"));
    }
}
