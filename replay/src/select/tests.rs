use super::*;
use proptest::prelude::*;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

fn row(id: &str, at_us: i64) -> LoggedRequest {
    let body = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"abcd"}]}"#;
    LoggedRequest::chat(id, at_us, RawValue::from_string(body.to_owned()).unwrap())
}

fn talk(id: &str, at_us: i64, session: &str) -> LoggedRequest {
    LoggedRequest { session: Some(session.to_owned()), ..row(id, at_us) }
}

fn open(rows: Vec<LoggedRequest>) -> impl Fn() -> Result<Rows, ReplayError> + Send + 'static {
    move || Ok(Box::new(rows.clone().into_iter().map(Ok)))
}

/// Ids, places and ordinals, and what was counted.
fn play(rows: Vec<LoggedRequest>, selection: &Selection) -> (Vec<(String, u64, u64)>, Selected) {
    let counts = Arc::new(SelectCounts::default());
    let chosen = select(open(rows), selection, 1, Arc::clone(&counts))
        .map(|chosen| chosen.map(|chosen| (chosen.row.id, chosen.at_us, chosen.ordinal)).unwrap())
        .collect();
    let counts = counts.selected();
    let parts = counts.outside_window + counts.filtered + counts.not_sampled + counts.other_shards + counts.chosen;
    assert_eq!(counts.read, parts, "{counts:?}");
    (chosen, counts)
}

fn ids(rows: Vec<LoggedRequest>, selection: &Selection) -> String {
    play(rows, selection).0.into_iter().map(|(id, _, _)| id + " ").collect::<String>().trim_end().to_owned()
}

fn places(rows: Vec<LoggedRequest>, selection: &Selection) -> Vec<u64> {
    play(rows, selection).0.into_iter().map(|(_, at_us, _)| at_us).collect()
}

fn letters(at_us: &[i64]) -> Vec<LoggedRequest> {
    at_us.iter().zip('a'..).map(|(at_us, letter)| row(&letter.to_string(), *at_us)).collect()
}

#[test]
fn rows_are_put_in_order_and_rows_of_one_instant_stay() {
    let (chosen, counts) = play(letters(&[10, 5, 10, 7, 20]), &Selection::default());
    assert_eq!(chosen.iter().map(|(id, _, _)| id.as_str()).collect::<String>(), "bdace");
    assert_eq!(chosen.iter().map(|(_, at_us, _)| *at_us).collect::<Vec<_>>(), [0, 2, 5, 5, 15]);
    assert_eq!((counts.out_of_order, counts.displaced, counts.chosen), (2, 0, 5));
}

#[test]
fn a_row_behind_the_look_ahead_is_played_late_and_counted() {
    let selection = Selection { reorder_rows: 2, ..Selection::default() };
    let (chosen, counts) = play(letters(&[100, 200, 300, 400, 50, 500]), &selection);
    // When row e is read, a is out already; it goes with b.
    assert_eq!(chosen.iter().map(|(id, _, _)| id.as_str()).collect::<String>(), "abecdf");
    assert_eq!(chosen.iter().map(|(_, at_us, _)| *at_us).collect::<Vec<_>>(), [0, 100, 100, 200, 300, 400]);
    assert_eq!((counts.out_of_order, counts.displaced), (1, 1));
}

#[test]
fn a_window_is_half_open_and_counts_from_the_first_row_of_the_log() {
    let window = |from: &str, to: &str| Selection {
        from: Some(from.parse().unwrap()),
        to: Some(to.parse().unwrap()),
        ..Selection::default()
    };
    let second = 1_000_000;
    let rows = letters(&[7 * second, 8 * second, 9 * second, 10 * second]);
    assert_eq!(ids(rows.clone(), &window("1s", "3s")), "b c");
    assert_eq!(places(rows.clone(), &window("1s", "3s")), [0, second as u64]);
    assert_eq!(ids(rows, &window("1970-01-01T00:00:08Z", "1970-01-01T00:00:10Z")), "b c");
}

#[test]
fn edges_read_as_durations_and_instants() {
    assert_eq!("90s".parse(), Ok(Edge::After(90_000_000)));
    assert_eq!("1h30m".parse(), Ok(Edge::After(5_400_000_000)));
    assert_eq!("1970-01-01T00:00:01Z".parse(), Ok(Edge::At(1_000_000)));
    for text in ["", "5", "-5s", "soon", "2026-11-20"] {
        let error = text.parse::<Edge>().unwrap_err().to_string();
        assert!(error.contains(&format!("`{text}`")) && error.contains("10m"), "{error}");
    }
}

#[test]
fn filters_look_at_endpoint_consumer_model_and_length() {
    let of =
        |id: &str, body: &str| LoggedRequest { body: RawValue::from_string(body.to_owned()).unwrap(), ..row(id, 0) };
    let rows = || {
        vec![
            LoggedRequest { consumer: Some("shop".into()), ..row("shop", 0) },
            of("mini", r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"ab"}]}"#),
            LoggedRequest {
                endpoint: Endpoint::Embeddings,
                ..of("embed", r#"{"model":"text-embedding-3-small","input":"abcdefgh"}"#)
            },
            // What cannot be read is not hidden by a filter on what cannot be read.
            of("broken", "{}"),
        ]
    };
    let names = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Name>>();
    let base = Selection::default;
    assert_eq!(ids(rows(), &Selection { models: names(&["gpt-4o"]), ..base() }), "shop broken");
    assert_eq!(ids(rows(), &Selection { models: names(&["gpt-*"]), ..base() }), "shop mini broken");
    assert_eq!(ids(rows(), &Selection { consumers: names(&["shop"]), ..base() }), "shop");
    assert_eq!(ids(rows(), &Selection { endpoints: vec![Endpoint::Embeddings], ..base() }), "embed");
    let length = |min, max| Selection { prompt_chars: Span { min, max }, ..base() };
    assert_eq!(ids(rows(), &length(Some(4), None)), "shop embed broken");
    assert_eq!(ids(rows(), &length(None, Some(4))), "shop mini broken");
    assert_eq!(play(rows(), &length(Some(3), Some(5))).1.filtered, 2);
}

#[test]
fn idle_gaps_are_capped_and_others_stay() {
    let selection = Selection { idle_cap_us: Some(1_000), ..Selection::default() };
    assert_eq!(places(letters(&[0, 400, 1_000_000, 1_000_300]), &selection), [0, 400, 1_400, 1_700]);
}

#[test]
fn a_loop_closes_with_the_mean_gap_and_names_its_laps() {
    let selection = Selection { laps: Some(3), ..Selection::default() };
    let (chosen, counts) = play(letters(&[100, 200, 400]), &selection);
    assert_eq!(
        chosen.iter().map(|(id, _, _)| id.as_str()).collect::<Vec<_>>(),
        ["a", "b", "c", "a#2", "b#2", "c#2", "a#3", "b#3", "c#3"]
    );
    // Three rows in 300 us: the mean gap is 150 us, and so is the seam.
    assert_eq!(
        chosen.iter().map(|(_, at_us, _)| *at_us).collect::<Vec<_>>(),
        [0, 100, 300, 450, 550, 750, 900, 1_000, 1_200]
    );
    assert_eq!((counts.laps, counts.read), (3, 9));
    // The rate of the log is kept: 3 rows each 450 us.
    assert_eq!(chosen[6].1 - chosen[0].1, 2 * 450);
}

#[test]
fn a_loop_over_one_instant_goes_on_after_a_second_and_one_over_nothing_ends() {
    let endless = Selection { laps: None, limit: Some(4), ..Selection::default() };
    assert_eq!(places(letters(&[5, 5]), &endless), [0, 0, 1_000_000, 1_000_000]);
    assert_eq!(ids(vec![], &Selection { laps: None, ..Selection::default() }), "");
    let none = Selection { laps: None, models: vec![Name::Exact("other".into())], ..Selection::default() };
    assert_eq!(ids(letters(&[1, 2]), &none), "");
    let behind = Selection { laps: None, to: Some(Edge::At(0)), ..Selection::default() };
    assert_eq!(ids(letters(&[1, 2]), &behind), "");
}

#[test]
fn sessions_of_later_laps_are_told_apart() {
    let selection = Selection { laps: Some(2), ..Selection::default() };
    let rows = open(vec![talk("a", 0, "s"), talk("b", 1, "s"), row("c", 2)]);
    let keys: Vec<_> =
        select(rows, &selection, 0, Arc::default()).map(|chosen| chosen.unwrap().session_key()).collect();
    assert!(keys[0].is_some() && keys[0] == keys[1] && keys[2].is_none());
    assert!(keys[3] == keys[4] && keys[3] != keys[0]);
}

#[test]
fn an_error_ends_the_log_after_the_good_rows() {
    let broken = || -> Result<Rows, ReplayError> {
        let rows = vec![Ok(row("b", 2)), Ok(row("a", 1)), Err(ReplayError::Empty), Ok(row("c", 3))];
        Ok(Box::new(rows.into_iter()))
    };
    let seen: Vec<_> = select(broken, &Selection::default(), 0, Arc::default()).collect();
    assert_eq!(seen.len(), 3);
    assert!(seen[0].is_ok() && seen[1].is_ok() && seen[2].is_err());
    let closed = || Err(ReplayError::Empty);
    assert!(select(closed, &Selection::default(), 0, Arc::default()).next().unwrap().is_err());
}

#[test]
fn counting_gives_the_rows_of_all_shards() {
    let shard = Some(Shard { index: 1, of: 3 });
    let selection = Selection { laps: Some(2), shard, limit: Some(7), ..Selection::default() };
    assert_eq!(count(open(letters(&[1, 2, 3, 4])), &selection, 0).unwrap(), 7);
    let endless = Selection { laps: None, ..Selection::default() };
    assert!(count(open(letters(&[1])), &endless, 0).unwrap_err().to_string().contains("--limit"));
}

#[test]
fn logs_are_merged_by_time() {
    let logs: Vec<Rows> = vec![
        Box::new(vec![Ok(row("a", 10)), Ok(row("b", 5)), Ok(row("c", 10))].into_iter()),
        Box::new(vec![Ok(row("d", 7))].into_iter()),
        Box::new(std::iter::empty()),
    ];
    let merged: String = order::merge(logs).map(|row| row.unwrap().id).collect();
    assert_eq!(merged, "dabc");
    let one: Vec<Rows> = vec![Box::new(vec![Ok(row("a", 1)), Err(ReplayError::Empty)].into_iter())];
    assert_eq!(order::merge(one).filter(Result::is_err).count(), 1);
}

#[test]
fn shares_and_shards_read_and_refuse() {
    assert_eq!("12.5%".parse::<Share>().unwrap().to_string(), "12.5%");
    assert_eq!("2/4".parse::<Shard>().unwrap().to_string(), "2/4");
    for text in ["", "10", "0%", "101%", "-1%", "nan%", "x%"] {
        assert!(text.parse::<Share>().unwrap_err().to_string().contains("10%"), "{text}");
    }
    for text in ["", "1", "0/4", "5/4", "1/0", "a/b", "-1/2"] {
        assert!(text.parse::<Shard>().unwrap_err().to_string().contains("1/4"), "{text}");
    }
}

/// Rows in order, with sessions of several turns.
fn any_log() -> impl Strategy<Value = Vec<LoggedRequest>> {
    proptest::collection::vec((0i64..1_000, proptest::option::of(0u8..12)), 0..120).prop_map(|rows| {
        let row = |(number, (at_us, session)): (usize, (i64, Option<u8>))| LoggedRequest {
            session: session.map(|session| format!("s{session}")),
            ..row(&format!("r{number}"), at_us)
        };
        rows.into_iter().enumerate().map(row).collect()
    })
}

proptest! {
    #[test]
    fn every_row_is_played_once_in_order(log in any_log(), reorder_rows in 0usize..40) {
        let count = log.len();
        let (chosen, counts) = play(log, &Selection { reorder_rows, ..Selection::default() });
        prop_assert_eq!(chosen.len(), count);
        prop_assert_eq!(chosen.iter().map(|(id, _, _)| id).collect::<BTreeSet<_>>().len(), count);
        prop_assert!(chosen.is_sorted_by_key(|(_, at_us, _)| *at_us));
        prop_assert!(counts.displaced <= counts.out_of_order);
        prop_assert!(reorder_rows < count || counts.displaced == 0);
    }

    #[test]
    fn shards_are_disjoint_complete_whole_sessions_and_at_the_same_places(
        log in any_log(), of in 1u32..6, laps in 1u64..3, limit in proptest::option::of(0u64..200),
        percent in prop_oneof![Just(None), Just(Some("60%"))],
    ) {
        let session_of: BTreeMap<String, Option<String>> =
            log.iter().map(|row| (row.id.clone(), row.session.clone())).collect();
        let sample = percent.map(|text: &str| text.parse().unwrap());
        let whole = Selection { laps: Some(laps), limit, sample, ..Selection::default() };
        let mut together = Vec::new();
        let mut shard_of = BTreeMap::new();
        for index in 1..=of {
            let ours = play(log.clone(), &Selection { shard: Some(Shard { index, of }), ..whole.clone() }).0;
            for (id, _, _) in &ours {
                let id = id.split('#').next().unwrap();
                let key = session_of[id].clone().unwrap_or_else(|| id.to_owned());
                prop_assert_eq!(*shard_of.entry(key).or_insert(index), index);
            }
            together.extend(ours);
        }
        together.sort_by_key(|(_, _, ordinal)| *ordinal);
        prop_assert_eq!(together, play(log, &whole).0);
    }

    #[test]
    fn a_sample_takes_whole_sessions_and_a_larger_one_only_adds(log in any_log(), seed in any::<u64>()) {
        let sampled = |percent: &str| -> BTreeSet<String> {
            let selection = Selection { sample: Some(percent.parse().unwrap()), ..Selection::default() };
            select(open(log.clone()), &selection, seed, Arc::default()).map(|chosen| chosen.unwrap().row.id).collect()
        };
        let (some, more, all) = (sampled("20%"), sampled("70%"), sampled("100%"));
        prop_assert!(some.is_subset(&more));
        prop_assert_eq!(all.len(), log.len());
        for session in (0..12).map(|session| format!("s{session}")) {
            let turns: Vec<_> = log.iter().filter(|row| row.session.as_deref() == Some(session.as_str())).collect();
            let taken = turns.iter().filter(|row| some.contains(&row.id)).count();
            prop_assert!(taken == 0 || taken == turns.len());
        }
    }
}

#[test]
fn a_sample_is_as_large_as_it_says() {
    let log: Vec<_> = (0..20_000).map(|number| row(&format!("r{number}"), number)).collect();
    let selection = Selection { sample: Some("10%".parse().unwrap()), ..Selection::default() };
    let taken = play(log.clone(), &selection).1.chosen;
    // Four standard errors of a binomial share of 2,000.
    assert!((1_830..=2_170).contains(&taken), "{taken}");
    let shard = Selection { shard: Some(Shard { index: 2, of: 4 }), ..selection };
    let ours = play(log, &shard).1.chosen;
    assert!((420..=580).contains(&ours), "{ours}");
}
