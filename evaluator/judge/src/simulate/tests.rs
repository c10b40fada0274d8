use super::grid::Grid;
use super::law::LATENCIES;
use super::*;

/// Grids of thresholds at the scenario's own quantiles.
pub(super) fn grids(scenario: &Scenario) -> [Grid; 2] {
    let policy = Policy::default();
    let world = World::new(scenario, &Population::Synthetic, &policy, 1, 1);
    LATENCIES.map(|latency| Grid::new(&world.plan, latency))
}
