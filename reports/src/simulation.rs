//! A simulation as people read it: a table, and two pictures.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use judge::simulate::{Contended, Simulation, Spread};

use crate::charts::fan::{Fan, Harm, fan, harm};
use crate::charts::scene::Scene;
use crate::error::ReportError;
use crate::{files, pictures};

/// Width of a panel.
const PANEL: f64 = 480.0;
/// Space between panels and around them.
const GAP: f64 = 36.0;

/// The table of a simulation, as Markdown that a terminal shows well too.
#[must_use]
pub fn simulation_table(simulation: &Simulation) -> String {
    let mut rows = vec![
        [
            "",
            "promoted",
            "hours",
            "taken back",
            "open",
            "extra failures",
            "p95",
            "over budget",
            "overspend",
            "false alarms",
            "false promotions",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    rows.extend(simulation.contenders.iter().map(row));
    let widths: Vec<usize> =
        (0..rows[0].len()).map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0)).collect();
    let mut out = format!(
        "Simulation `{}`: {} migrations each, seed {}, {} population, to hour {}.\n\n",
        simulation.scenario.name,
        simulation.runs,
        simulation.seed,
        simulation.population,
        simulation.scenario.time.horizon_hours
    );
    for (index, row) in rows.iter().enumerate() {
        let cells = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(at, (cell, width))| if at == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") });
        // Writing to a string cannot fail, here and below.
        _ = writeln!(out, "| {} |", cells.collect::<Vec<_>>().join(" | "));
        if index == 0 {
            let rule = widths.iter().enumerate().map(|(at, width)| {
                if at == 0 { "-".repeat(*width) } else { format!("{}:", "-".repeat(width.saturating_sub(1).max(1))) }
            });
            _ = writeln!(out, "| {} |", rule.collect::<Vec<_>>().join(" | "));
        }
    }
    for contended in simulation.contenders.iter().filter(|contended| !contended.stopped_by.is_empty()) {
        let why: Vec<String> =
            contended.stopped_by.iter().take(4).map(|(why, runs)| format!("{why} ({runs})")).collect();
        _ = write!(out, "\n{} was taken back by {}.", contended.name, why.join(", "));
    }
    match simulation.contenders.first().and_then(|first| first.truly_beyond.as_ref()) {
        Some(beyond) if beyond.is_empty() => out.push_str("\nIn truth nothing is beyond its margin.\n"),
        Some(beyond) => _ = writeln!(out, "\nIn truth beyond its margin: {}.", beyond.join(", ")),
        None => out.push_str("\nWhat is truly beyond its margin is not known of a recorded population.\n"),
    }
    out
}

fn row(contended: &Contended) -> Vec<String> {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let if_known = |share: Option<f64>| share.map_or_else(|| crate::format::NOTHING.to_owned(), percent);
    let hours = |spread: Option<Spread>| {
        spread.map_or_else(|| crate::format::NOTHING.to_owned(), |spread| format!("{:.1}", spread.median))
    };
    vec![
        contended.name.clone(),
        percent(contended.promoted),
        hours(contended.hours_to_full),
        percent(contended.rolled_back),
        percent(contended.open),
        format!("{:.1}", contended.extra_failures.mean),
        format!("{:.1}", contended.extra_failures.p95),
        if_known(contended.budget_overshoot),
        format!("{:.2}", contended.overspend.mean),
        if_known(contended.false_alarms),
        if_known(contended.false_promotions),
    ]
}

/// Writes table (`simulation.md`) and pictures (`weights.png`, `harm.png`, each also `@2x`) into `out`, which is made if
/// it does not exist.
///
/// # Errors
///
/// [`ReportError`] names the file or folder that could not be written and what to do.
pub fn write_simulation(simulation: &Simulation, out: &Path) -> Result<Vec<PathBuf>, ReportError> {
    files::make_folder(out)?;
    let mut written = vec![files::write(out, "simulation.md", simulation_table(simulation).as_bytes())?];
    let of = |draw: &dyn Fn(&Contended) -> Scene| side_by_side(simulation.contenders.iter().map(draw).collect());
    let largest = simulation.contenders.iter().map(|contended| contended.extra_failures.max).fold(0.0, f64::max);
    let weights = of(&|contended: &Contended| fan(&as_fan(contended), PANEL));
    let harms = of(&|contended: &Contended| harm(&as_harm(contended), PANEL, largest));
    for (name, scene) in [("weights", weights), ("harm", harms)] {
        written.extend(pictures::both_sizes(out, name, &scene)?);
    }
    Ok(written)
}

/// Panels, two in a row.
fn side_by_side(panels: Vec<Scene>) -> Scene {
    let height = panels.iter().map(|panel| panel.height).fold(0.0, f64::max) + GAP;
    let rows = panels.len().div_ceil(2) as f64;
    let columns = panels.len().clamp(1, 2) as f64;
    let mut all = Scene::new(columns * (PANEL + GAP) + GAP, rows * height + GAP, String::new(), String::new());
    for (index, panel) in panels.into_iter().enumerate() {
        let at = ((index % 2) as f64 * (PANEL + GAP) + GAP, (index / 2) as f64 * height + GAP);
        all.place(at, panel);
    }
    all
}

fn as_fan(contended: &Contended) -> Fan {
    let points = contended.weight_over_time.iter();
    Fan {
        title: contended.name.clone(),
        note: format!(
            "Candidate's weight: median, half and nine tenths of the runs; {:.1} % promoted",
            contended.promoted * 100.0
        ),
        points: points.map(|at| (at.hour, [at.p5, at.p25, at.median, at.p75, at.p95])).collect(),
    }
}

fn as_harm(contended: &Contended) -> Harm {
    Harm {
        title: contended.name.clone(),
        note: format!(
            "Extra failures: mean {:.0}, 95th percentile {:.0}",
            contended.extra_failures.mean, contended.extra_failures.p95
        ),
        percentiles: contended.extra_failures_percentiles.clone(),
        budget: contended.harm_budget,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use judge::simulate::{Contender, Extent, Naive, Population, Rule, Scenario, simulate};

    fn simulation() -> Simulation {
        let scenario = Scenario::parse("[time]\nhorizon_hours = 2\n[shares.errors]\ncandidate_percent = 4\n").unwrap();
        let contenders = [Naive::Peeking, Naive::StaticLimits]
            .map(|rule| Contender { name: rule.name().to_owned(), rule: Rule::Naive(rule) });
        simulate(&scenario, &Population::Synthetic, &contenders, Extent { runs: 3, seed: 1, threads: 1 }, &|| {})
    }

    #[test]
    fn the_table_has_a_row_for_each_contender() {
        let table = simulation_table(&simulation());
        let rows: Vec<&str> = table.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), 4, "{table}");
        assert!(rows.iter().all(|row| row.chars().count() == rows[0].chars().count()), "{table}");
        assert!(rows[2].contains("naive peeking") && rows[2].contains("100.0 %"), "{table}");
        assert!(table.contains("naive peeking was taken back by errors (3)"), "{table}");
    }

    #[test]
    fn pictures_and_table_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let written = write_simulation(&simulation(), &folder.path().join("new")).unwrap();
        let names: Vec<_> = written.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["simulation.md", "weights.png", "weights@2x.png", "harm.png", "harm@2x.png"]);
        for path in &written[1..] {
            assert!(std::fs::read(path).unwrap().starts_with(b"\x89PNG"));
        }
    }
}
