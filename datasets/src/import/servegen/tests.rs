use super::super::LogFormat;
use super::super::testing::endure;
use super::super::trial::{
    fills_only_what_it_says, import, import_with, member, prompt_tokens, quantile, real, round_trip, skips,
};
use super::*;
use proptest::prelude::*;
use std::path::PathBuf;

const RATES: &str = "client,window_start_s,rate_rps,cv,interarrival_family,param1,param2\n\
    a,0,0.5,1,Gamma,1,2\n\
    a,600,1,2,Weibull,0.54,0.57\n\
    a,1200,0,1,Gamma,1,1\n\
    b,600,0.25,0.9,gamma,1.2,1\n";
const LENGTHS: &str = "client,window_start_s,field,p1,p5,p10,p25,p50,p75,p90,p95,p99\n\
    a,0,input_tokens,100,100,100,100,100,200,200,200,200\n\
    a,600,input_tokens,500,500,500,500,500,500,500,500,500\n\
    a,0,output_tokens,7,7,7,7,7,7,7,7,7\n\
    a,0,reason_ratio,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1\n";

fn merged(rates: &str, seed: u64) -> Merged {
    let input = Input::unpack("r.csv".as_ref(), Box::new(std::io::Cursor::new(rates.to_owned()))).unwrap();
    let mut errors = VecDeque::new();
    let table = RateTable::read(vec![input], &mut errors).unwrap();
    assert!(errors.is_empty(), "{errors:?}");
    Merged::new(table, seed)
}

fn times(mut merged: Merged) -> Vec<u64> {
    std::iter::from_fn(|| merged.next_arrival().map(|arrival| arrival.at_us)).collect()
}

#[test]
fn clients_are_drawn_at_their_rates_and_merged_by_time() {
    let outcome = import(RATES);
    assert_eq!((outcome.format, outcome.untimed), (LogFormat::ServeGen, false));
    assert_eq!((outcome.report.skipped, outcome.report.out_of_order), (0, 0));
    let of = |client: &str, hours: std::ops::Range<i64>| {
        let sent = outcome.requests.iter().filter(|request| {
            request.consumer.as_deref() == Some(client) && hours.contains(&(request.at_us / 600_000_000))
        });
        sent.count()
    };
    assert!((240..360).contains(&of("client-a", 0..1)), "{}", of("client-a", 0..1));
    assert!((450..750).contains(&of("client-a", 1..2)), "{}", of("client-a", 1..2));
    assert_eq!((of("client-a", 2..9), of("client-b", 0..1)), (0, 0));
    assert!((110..190).contains(&of("client-b", 1..2)), "{}", of("client-b", 1..2));
    let note = &outcome.report.notes[0];
    assert!(note.contains("2 clients in 3 windows of 600 s") && note.contains("Azure"), "{note}");
    let prompts: Vec<u64> = outcome.requests.iter().map(prompt_tokens).collect();
    assert!((850..1_200).contains(&quantile(&prompts, 50)), "{}", quantile(&prompts, 50));
    fills_only_what_it_says(&outcome);
    round_trip(&outcome);
}

#[test]
fn lengths_come_from_the_second_file_whatever_the_order_of_the_two() {
    let one = import_with(&[RATES.as_bytes(), LENGTHS.as_bytes()], ImportOptions::default());
    let two = import_with(&[LENGTHS.as_bytes(), RATES.as_bytes()], ImportOptions::default());
    assert_eq!(one.requests.len(), two.requests.len());
    for (one, two) in one.requests.iter().zip(&two.requests) {
        assert_eq!((one.at_us, prompt_tokens(one)), (two.at_us, prompt_tokens(two)));
    }
    for request in one.requests.iter().filter(|request| request.consumer.as_deref() == Some("client-a")) {
        let early = request.at_us < 600_000_000;
        assert_eq!(member(request, "max_tokens"), 7);
        assert!(if early { (100..=200).contains(&prompt_tokens(request)) } else { prompt_tokens(request) == 500 });
    }
    assert!(one.report.notes[0].contains("the table of lengths"));
}

#[test]
fn the_same_seed_draws_the_same_and_another_one_does_not() {
    assert_eq!(times(merged(RATES, 1)), times(merged(RATES, 1)));
    assert_ne!(times(merged(RATES, 1)), times(merged(RATES, 2)));
}

/// What is easily got wrong: a bursty process that begins with an arrival sends more than its rate.
#[test]
fn bursty_clients_keep_their_rate() {
    for (family, shape, variation) in [("Gamma", 0.0223, 6.7), ("Weibull", 0.447, 2.65), ("Gamma", 4.0, 0.5)] {
        let windows = 3_000;
        let heading = RATES.lines().next().unwrap();
        let rows: String =
            (0..windows).map(|window| format!("a,{},0.1,0,{family},{shape},1\n", window * 600)).collect();
        let count = times(merged(&format!("{heading}\n{rows}"), 3)).len() as f64;
        let expected = f64::from(windows) * 60.0;
        // Four standard errors; a window's variance is near its count times the squared variation.
        let error = 4.0 * variation * expected.sqrt();
        assert!((count - expected).abs() < error.max(0.01 * expected), "{family} {shape}: {count} for {expected}");
    }
}

#[test]
fn rows_that_cannot_be_drawn_are_told_and_the_others_drawn() {
    let log = format!(
        "{RATES}a,x,1,1,Gamma,1,1\na,1800,-1,1,Gamma,1,1\na,1800,1,1,Pareto,1,1\na,1800,1,1,Gamma,0,1\n,1800,1,1,Gamma,1,1\na,1800\n"
    );
    let outcome = import(&log);
    let skips = skips(&outcome);
    assert_eq!(skips.len(), 6, "{skips:?}");
    let words = ["window_start_s", "rate_rps", "interarrival_family", "param1", "client", "rate_rps"];
    for ((line, skip), word) in (6..).zip(&skips).zip(words) {
        assert!(skip.contains(&format!("line {line}: `{word}`")), "{skip}");
    }
    assert!(outcome.requests.len() > 500);
    let lengths = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(lengths.path(), LENGTHS).unwrap();
    let error = super::super::open(&[lengths.path().to_owned()], ImportOptions::default()).unwrap_err().to_string();
    assert!(error.contains("no rates"), "{error}");
}

#[test]
fn the_real_rates_give_the_requests_of_a_day() {
    let (Some(rates), Some(lengths)) =
        (real("servegen_deepseek_r1_client_rates.csv"), real("servegen_deepseek_r1_length_quantiles.csv"))
    else {
        return;
    };
    let text = std::fs::read_to_string(&rates).unwrap();
    let expected: f64 =
        text.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().parse::<f64>().unwrap() * 600.0).sum();
    let open = |path: &PathBuf| Input::open(path).unwrap();
    let mut errors = VecDeque::new();
    let table = RateTable::read(vec![open(&rates)], &mut errors).unwrap();
    let sizes = LengthTable::read(vec![open(&lengths)], &mut errors).unwrap();
    assert_eq!((table.clients.len(), table.windows, table.window_us, errors.len()), (73, 3_111, 600_000_000, 0));
    let mut merged = Merged::new(table, 1);
    let (mut count, mut last, mut prompts) = (0_u32, 0, Vec::new());
    while let Some(arrival) = merged.next_arrival() {
        assert!(arrival.at_us >= last);
        last = arrival.at_us;
        if arrival.client == "0" && arrival.window_us < 21_600_000_000 {
            prompts.push(sizes.prompt(&arrival));
        }
        count += 1;
    }
    let found = f64::from(count) / expected;
    eprintln!("{count} requests of {expected} expected");
    assert!((found - 1.0).abs() < 0.01, "{count} for {expected}");
    // The median of client 0 in the first six hours is 143 in the table.
    let median = quantile(&prompts, 50);
    assert!((115..180).contains(&median), "{median} of {} prompts", prompts.len());
}

#[test]
fn names_of_clients_have_a_bound() {
    let outcome = import(format!("{RATES}{},0,1,1,Gamma,1,1\n", "c".repeat(201)));
    assert!(skips(&outcome)[0].contains("line 6: `client` is longer than 200 bytes"), "{:?}", skips(&outcome));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_hang_or_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), at in 70_usize..200) {
        endure(LogFormat::ServeGen, &bytes);
        // A digit in the wrong place may ask for a million requests: what comes first must do.
        let mut log = RATES.as_bytes().to_vec();
        let end = (at + bytes.len()).min(log.len());
        log.splice(at.min(end)..end, bytes);
        let options = ImportOptions { format: Some(LogFormat::ServeGen), ..ImportOptions::default() };
        let source = Box::new(std::io::Cursor::new(log));
        if let Ok(import) = super::super::from_reader("r.csv".as_ref(), source, options) {
            prop_assert!(import.take(50).count() <= 50);
        }
    }
}
