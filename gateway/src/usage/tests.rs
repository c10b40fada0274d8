use super::*;
use datasets::{Arm, Role};
use proptest::prelude::*;

fn key(day: i64, consumer: &str, model: &str, role: Role) -> Key {
    let payer = if role == Role::Shadow { Payer::Experiment } else { Payer::Consumer };
    let arm = if role == Role::Shadow { Arm::Candidate } else { Arm::Baseline };
    Key {
        day,
        payer,
        migration: "move".into(),
        consumer: consumer.into(),
        model: model.into(),
        provider: "openai".into(),
        arm,
        role,
    }
}

fn sums(nanos: i64) -> Sums {
    Sums { requests: 1, prompt: 10, completion: 5, nanos, ..Sums::default() }
}

#[test]
fn rows_are_summed_up_by_the_columns_that_are_asked_for() {
    let mut book = Book::new(100, 400);
    book.add(key(20_779, "a", "m", Role::Served), &sums(1_500));
    book.add(key(20_780, "a", "m", Role::Served), &sums(1));
    book.add(key(20_780, "a", "m", Role::Shadow), &sums(7));
    book.add(key(20_780, "b", "m", Role::Served), &sums(100));
    let by = |text: &str, since_day, consumer: Option<&str>| {
        let query = Query { since_day, consumer: consumer.map(str::to_owned), by: By::list(text).unwrap() };
        Report::new(&book, &query)
    };
    let all = by("consumer, payer", None, None);
    let rows: Vec<_> =
        all.rows.iter().map(|row| (row.of["consumer"].as_str(), row.of["payer"].as_str(), row.cost_nanos)).collect();
    assert_eq!(rows, [("a", "consumer", 1_501), ("a", "experiment", 7), ("b", "consumer", 100)]);
    assert_eq!((all.total.requests, all.total.cost_usd.as_str()), (4, "0.000001608"));
    let since = by("day", Some(20_780), Some("a"));
    assert_eq!((since.rows.len(), since.total.cost_nanos, since.since.as_deref()), (1, 8, Some("2026-11-23")));
    let text = serde_json::to_string(&since).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), since);
}

#[test]
fn estimates_are_told_by_calls_tokens_and_money() {
    let mut book = Book::new(100, 400);
    book.add(key(1, "a", "m", Role::Served), &sums(900));
    let estimated = Sums { estimated: 15, estimated_requests: 1, estimated_nanos: 300, ..sums(300) };
    book.add(key(1, "b", "m", Role::Served), &estimated);
    let report = Report::new(&book, &Query { by: By::list("consumer").unwrap(), ..Query::default() });
    assert_eq!((report.rows[0].estimated_requests, report.rows[1].estimated_requests), (0, 1));
    assert_eq!((report.total.tokens.estimated, report.total.estimated_cost_nanos), (15, 300));
    // Books of before do not know it.
    let old = serde_json::from_str::<Sums>(r#"{"requests":1,"estimated":15}"#).unwrap();
    assert_eq!((old.estimated, old.estimated_requests), (15, 0));
}

#[test]
fn columns_and_days_are_read_or_explained() {
    assert!(By::list("day,colour").unwrap_err().contains("`colour` is no column"));
    assert_eq!(By::list("").unwrap(), []);
    let now = "2026-11-23T12:00:00Z".parse::<jiff::Timestamp>().unwrap().as_microsecond();
    let day = |text: &str| Query::since(text, now);
    assert_eq!((day("2026-11-23"), day("0h"), day("12h")), (Ok(20_780), Ok(20_780), Ok(20_780)));
    assert_eq!((day("12h 1s"), day("24h"), day("7d")), (Ok(20_779), Ok(20_779), Ok(20_773)));
    assert!(day("soon").is_err() && day("-1h").is_err());
}

#[test]
fn what_an_experiment_pays_moves_whole() {
    let mut book = Book::new(100, 400);
    let served = key(1, "a", "m", Role::Served);
    book.add(served.clone(), &sums(50));
    book.charge_experiment(served.clone(), &sums(50));
    let rows: Vec<_> = book.rows().map(|(key, sums)| (key.payer, sums.nanos)).collect();
    assert_eq!(rows, [(Payer::Experiment, 50)]);
    // What was never added is not moved.
    book.charge_experiment(served, &sums(50));
    assert_eq!(book.rows().count(), 1);
}

#[test]
fn old_days_go_first_and_then_names() {
    let mut book = Book::new(3, 2);
    for (day, model) in [(1, "m"), (2, "m"), (3, "m"), (4, "m"), (4, "n"), (4, "o"), (4, "p"), (4, "q")] {
        book.add(key(day, "a", model, Role::Served), &sums(1));
    }
    let rows: Vec<_> = book.rows().map(|(key, sums)| (key.day, key.model.as_str(), sums.requests)).collect();
    assert_eq!(rows, [(3, "m", 1), (4, "m", 1), (4, "n", 1), (4, "other", 3)]);
    assert_eq!(book.folded(), 3);
}

proptest! {
    /// Whatever is folded, sums are exact.
    #[test]
    fn sums_are_exact_whatever_is_folded(adds in proptest::collection::vec((0u8..20, 0u8..20, 0i64..1_000_000), 0..200)) {
        let mut book = Book::new(100, 400);
        for (consumer, model, nanos) in &adds {
            book.add(key(7, &consumer.to_string(), &model.to_string(), Role::Served), &sums(*nanos));
        }
        let report = Report::new(&book, &Query::default());
        prop_assert_eq!(report.total.cost_nanos, adds.iter().map(|add| add.2).sum::<i64>());
        prop_assert_eq!(report.total.requests, adds.len() as u64);
        prop_assert!(book.len() <= 101);
    }
}
