use super::*;
use crate::stats::betting::Tally;

const fn served(stratum: u64, minute: i64, candidate: bool, outcomes: u64) -> Served {
    Served { stratum, minute, candidate, outcomes }
}

/// Blocks and unused requests of a stream, as (numerator, denominator) of metric 0.
fn formed(weight: f64, requests: &[Served]) -> (Vec<(i32, u32)>, Unused) {
    let mut former = BlockFormer::new(weight).unwrap();
    let mut blocks = Vec::new();
    for request in requests {
        former.push(*request, |block| blocks.push(block.difference(0)));
    }
    let unused = former.finish(|block| blocks.push(block.difference(0)));
    (blocks, unused)
}

#[test]
fn block_sizes_follow_the_weight() {
    for (weight, wanted) in [(0.01, 20), (0.05, 19), (0.1, 9), (0.25, 3), (0.5, 1), (0.9, 1)] {
        assert_eq!(Grouping::new(weight).unwrap().wanted(), wanted, "{weight}");
    }
    for weight in [0.0, 1.0, -0.1, f64::NAN] {
        assert_eq!(BlockFormer::new(weight).unwrap_err().reason(), "share-out-of-range");
    }
}

#[test]
fn the_next_baselines_of_stratum_and_minute_join() {
    let requests = [
        served(1, 0, false, 1), // before any candidate
        served(1, 0, true, 1),
        served(2, 0, false, 1), // another stratum
        served(1, 0, false, 0),
        served(1, 0, false, 1),
        served(1, 0, false, 0), // three: closed with 1 - 1/3
        served(1, 0, false, 0),
        served(1, 0, true, 0),
        served(1, 0, true, 1),
        served(1, 0, false, 1), // the minute ends: -1/1, and the second candidate had none
        served(1, 1, true, 1),
        served(1, 0, false, 1), // late
        served(1, 2, false, 1), // the minute of the last candidate is over
    ];
    let (blocks, unused) = formed(0.25, &requests);
    assert_eq!(blocks, [(2, 3), (-1, 1)]);
    assert_eq!(unused, Unused { candidate: 2, baseline: 4, late: 1 });
}

#[test]
fn metrics_are_kept_apart() {
    let mut former = BlockFormer::new(0.4).unwrap();
    let mut seen = Vec::new();
    former.push(served(7, 3, true, 1 << 63), |_| {});
    former.push(served(7, 3, false, 1 | 1 << 5), |block| seen.push(*block));
    assert_eq!(seen.len(), 1);
    assert_eq!([0, 5, 63, 1, 64].map(|metric| seen[0].difference(metric)), [(-1, 1), (-1, 1), (1, 1), (0, 1), (0, 1)]);
}

#[test]
fn a_new_weight_is_for_new_blocks() {
    let mut former = BlockFormer::new(0.25).unwrap();
    let mut sizes = Vec::new();
    former.push(served(0, 0, true, 0), |_| {});
    former.reweight(0.5).unwrap();
    former.push(served(0, 0, true, 0), |_| {});
    for _ in 0..4 {
        former.push(served(0, 0, false, 0), |block| sizes.push(block.baselines()));
    }
    assert_eq!(sizes, [3, 1]);
    assert_eq!(former.unused(), Unused::default());
}

#[test]
fn counters_travel_as_rows_and_refuse_what_cannot_be() {
    let mut counts = BlockCounts::default();
    counts.add_many(3, 1, true, 4).unwrap();
    counts.add_many(1, 1, false, 2).unwrap();
    let text = serde_json::to_string(&counts).unwrap();
    assert_eq!(text, "[[1,1,false,2],[3,1,true,4]]");
    assert_eq!(serde_json::from_str::<BlockCounts>(&text).unwrap(), counts);
    assert_eq!((counts.blocks(), counts.candidate_bad()), (6, 4));
    assert_eq!(counts.to_tally(), Tally::new([(2, 3, 4), (-1, 1, 2)]));
    for bad in ["[[0,0,false,1]]", "[[21,0,false,1]]", "[[3,4,false,1]]"] {
        assert!(serde_json::from_str::<BlockCounts>(bad).is_err(), "{bad}");
    }
}
