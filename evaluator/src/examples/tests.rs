use super::*;

fn found(difference: f64, worse: bool, index: usize) -> Found {
    Found { difference, worse, key: PairKey::of(&format!("00000000-0000-4000-8000-{index:012x}")), index }
}

#[test]
fn the_largest_stay_then_those_with_the_candidate_worse_then_the_smaller_id() {
    let mut forth = Best::default();
    let mut back = Best::default();
    let all: Vec<Found> = (0..200)
        .map(|index| found(f64::from(u32::try_from(index % 7).unwrap()) / 6.0, index % 2 == 0, index))
        .collect();
    all.iter().for_each(|one| forth.push(*one));
    all.iter().rev().for_each(|one| back.push(*one));
    assert_eq!(forth.0, back.0);
    assert_eq!(forth.0.len(), EXAMPLES_MAX);
    assert!(forth.0.windows(2).all(|two| two[0].order(&two[1]).is_lt()));
    let first: Vec<usize> = forth.0.iter().take(3).map(|one| one.index).collect();
    assert_eq!(first, [6, 20, 34]);
    let mut none = Best::default();
    none.push(found(0.0, true, 1));
    assert!(none.0.is_empty());
}

#[test]
fn a_pair_is_an_example_of_one_kind() {
    let mut best: [Best; KINDS.len()] = Default::default();
    for kind in [LENGTH, LATENCY, COST] {
        (0..30).for_each(|index| best[kind].push(found(0.9, true, index)));
    }
    let chosen = share_out(best);
    let mut indices: Vec<usize> = chosen.iter().map(|(_, one)| one.index).collect();
    indices.sort_unstable();
    indices.dedup();
    assert_eq!((chosen.len(), indices.len()), (3 * OF_A_KIND_MAX, 3 * OF_A_KIND_MAX));
}

#[test]
fn long_answers_are_cut_between_characters() {
    let long = "é".repeat(ANSWER_CHARS_MAX + 1);
    assert_eq!(cut(&long).chars().count(), ANSWER_CHARS_MAX + 1);
    assert!(cut(&long).ends_with('…'));
    let fits = "é".repeat(ANSWER_CHARS_MAX);
    assert_eq!(cut(&fits), fits);
}
