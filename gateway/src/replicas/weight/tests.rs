use super::*;

fn percent(percent: f64) -> WeightBp {
    WeightBp::from_percent(percent).unwrap()
}

fn weight(epoch: u64, of: f64, origin: Origin) -> SharedWeight {
    SharedWeight { epoch, weight: percent(of), file: percent(5.0), shape: "s".to_owned(), origin }
}

fn settled(weight: SharedWeight) -> Known {
    Known { weight, is_settled: true }
}

fn fields(texts: [&str; 5]) -> Vec<Option<String>> {
    texts.into_iter().map(|text| Some(text.to_owned())).collect()
}

#[test]
fn a_state_is_read_or_refused_and_never_guessed() {
    let read = SharedWeight::read(&fields(["1700000000001", "1234", "500", "s", "set"])).unwrap().unwrap();
    let expected = SharedWeight { weight: percent(12.34), ..weight(1_700_000_000_001, 0.0, Origin::Set) };
    assert_eq!(read, expected);
    assert_eq!(SharedWeight::read(&[const { None }; 5]), Ok(None));
    for broken in [
        ["x", "0", "0", "s", "set"],
        ["1", "10001", "0", "s", "set"],
        ["1", "-1", "0", "s", "set"],
        ["1", "", "0", "s", "set"],
        ["1", "0", "0", "s", "nobody"],
    ] {
        assert_eq!(SharedWeight::read(&fields(broken)), Err(()), "{broken:?}");
    }
    // A hash that lost its weight is no weight of 0.
    let mut torn = fields(["1", "0", "0", "s", "set"]);
    torn[1] = None;
    assert_eq!(SharedWeight::read(&torn), Err(()));
    assert_eq!(SharedWeight::read(&torn[..4]), Err(()));
}

#[test]
fn the_later_epoch_is_in_force_and_an_earlier_one_is_replaced() {
    let known = settled(weight(7, 10.0, Origin::Set));
    assert_eq!(step(&known, Some(&weight(7, 10.0, Origin::Set))), Step::Keep);
    let later = weight(8, 20.0, Origin::Set);
    assert_eq!(step(&known, Some(&later)), Step::Take(later.clone()));
    assert_eq!(step(&known, Some(&weight(6, 0.0, Origin::Set))), Step::Offer, "restored from an old copy");
    assert_eq!(step(&known, None), Step::Offer, "restarted without its data");
}

#[test]
fn what_somebody_set_outlives_what_a_fresh_replica_has_in_its_file() {
    let set = settled(weight(7, 10.0, Origin::Set));
    let fresh = weight(999, 0.0, Origin::File);
    assert_eq!(step(&set, Some(&fresh)), Step::Offer);
    let file = settled(fresh);
    assert_eq!(step(&file, Some(&set.weight)), Step::Take(set.weight.clone()));
    // Two files: the later one.
    let older = weight(7, 10.0, Origin::File);
    assert_eq!(step(&file, Some(&older)), Step::Offer);
}

#[test]
fn a_replica_that_has_not_joined_offers_nothing() {
    let fresh = Known { weight: weight(999, 0.0, Origin::File), is_settled: false };
    assert_eq!(step(&fresh, Some(&weight(7, 10.0, Origin::File))), Step::Join);
    assert_eq!(step(&fresh, None), Step::Join);
}

#[test]
fn whoever_starts_takes_the_weight_that_is_there() {
    let own = weight(999, 0.0, Origin::File);
    let start = Proposal { own: own.clone(), file_changed: false };
    let stored = weight(7, 40.0, Origin::Set);
    assert_eq!(join(&start, Some(&stored), 1), Join::Take(stored.clone()));
    assert_eq!(join(&start, None, 1), Join::Offer(own.clone()));
    // With another migration under the same name the weight stays, and its epoch ends.
    let moved = Proposal { own: SharedWeight { shape: "t".to_owned(), ..own }, file_changed: false };
    let next = SharedWeight { epoch: 8, shape: "t".to_owned(), ..stored.clone() };
    assert_eq!(join(&moved, Some(&stored), 1), Join::Begin { expected: 7, next });
}

#[test]
fn a_changed_file_counts_once_however_many_replicas_read_it() {
    let own = SharedWeight { file: percent(30.0), shape: "t".to_owned(), ..weight(999, 30.0, Origin::File) };
    let reload = Proposal { own, file_changed: true };
    let stored = weight(7, 40.0, Origin::Set);
    let Join::Begin { expected: 7, next } = join(&reload, Some(&stored), 8_500) else { panic!("nothing began") };
    assert_eq!((next.epoch, next.weight, next.origin), (8, percent(30.0), Origin::Set));
    // The second replica reads the same file; somebody has set 50 in between.
    let since = SharedWeight { epoch: 9, weight: percent(50.0), ..next };
    assert_eq!(join(&reload, Some(&since), 1), Join::Take(since.clone()));
}
