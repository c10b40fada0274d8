use std::io::Write;

use rand::RngExt;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::dice::Dice;
use crate::profile::{Fault, Latency, Length};
use crate::timeline::Delivery;

const ROWS: u64 = 12_000;

/// Production, as nobody knows it: two kinds of waits, queues, faults.
fn truth() -> Profile {
    let faults = Faults {
        error_429: 0.02,
        error_500: 0.01,
        error_503: 0.03,
        stall: 0.005,
        truncate: 0.008,
        prompt_filter: 0.004,
        ..Faults::default()
    };
    Profile {
        time_scale: 1.0,
        slow_share: 0.05,
        slow_factor: 4.0,
        queue_share: 0.1,
        queue_ms: 1_500,
        first_token: Latency { median_ms: 420.0, sigma: 0.45 },
        gap: Latency { median_ms: 12.0, sigma: 0.3 },
        answer: Length { median_tokens: 90.0, sigma: 0.6, tokens_max: 1200 },
        faults,
        ..Profile::instant()
    }
}

/// What records of a profile would say, row by row.
fn rows(profile: &Profile, seed: u64, mut see: impl FnMut(&OutcomeRow<'_>)) {
    let mut root = Dice::seed_from_u64(seed);
    for _ in 0..ROWS {
        let mut dice = Dice::seed_from_u64(root.random());
        let table = profile.measured_of("m").map(|measured| measured.answer_tokens.as_slice());
        let measured = table.and_then(|table| crate::profile::draw(table, &mut dice));
        let tokens = measured.map_or_else(|| profile.answer.draw_tokens(&mut dice), |tokens| tokens.round() as u64);
        let mut delivery = Delivery::draw(profile, "m", 1.0, dice);
        let ttft_us = delivery.pace.now_us();
        let duration_us = delivery.pace.skip(tokens);
        let error = match delivery.fault {
            Some(Fault::Error429) => Some(ErrorKind::RateLimit),
            Some(Fault::Error500) => Some(ErrorKind::Server),
            Some(Fault::Error503) => Some(ErrorKind::Overloaded),
            Some(Fault::Stall) => Some(ErrorKind::Timeout),
            Some(Fault::Truncate) => Some(ErrorKind::Truncated),
            Some(Fault::PromptFilter) => Some(ErrorKind::Moderation),
            _ => None,
        };
        see(&OutcomeRow {
            ttft_us: Some(ttft_us),
            duration_us,
            error,
            finish_reason: Some("stop"),
            prompt_tokens: Some(1000),
            cached_tokens: Some(250),
            completion_tokens: Some(tokens),
            reasoning_tokens: Some(0),
            ..OutcomeRow::of(Provider::DeepSeek, "m")
        });
    }
}

/// Sorted times to the first token and to the end of what was answered.
fn times(profile: &Profile, seed: u64) -> [Vec<u64>; 2] {
    let (mut first, mut whole) = (Vec::new(), Vec::new());
    rows(profile, seed, |row| {
        if row.error.is_none() {
            first.extend(row.ttft_us);
            whole.push(row.duration_us);
        }
    });
    first.sort_unstable();
    whole.sort_unstable();
    [first, whole]
}

fn quantile(sorted: &[u64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize] as f64
}

fn read(text: &str) -> Profile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Profile::read(file.path()).unwrap()
}

#[test]
fn a_fitted_profile_behaves_like_the_one_its_records_come_from() {
    let truth = truth();
    let mut fit = Fit::new();
    rows(&truth, 1, |row| fit.add(row));
    let fitted = fit.fitted(Provider::DeepSeek).unwrap();
    assert_eq!((fitted.rows, fitted.left_out), (ROWS, 0));
    let again = read(&fitted.to_toml());
    assert_eq!(again, fitted.profile);

    let ([true_first, true_whole], [first, whole]) = (times(&truth, 2), times(&again, 3));
    for (name, expected, found, tolerances) in [
        ("first token", true_first, first, [0.03, 0.03, 0.05, 0.10]),
        // That a slow start goes with slow tokens is kept.
        ("whole", true_whole, whole, [0.04, 0.04, 0.06, 0.10]),
    ] {
        for (share, tolerance) in [0.1, 0.5, 0.9, 0.99].into_iter().zip(tolerances) {
            let (expected, found) = (quantile(&expected, share), quantile(&found, share));
            assert!((found / expected - 1.0).abs() <= tolerance, "{name} at {share}: {found} and not {expected}");
        }
    }
    // Three standard errors of a share of three hundredths among 12,000 rows.
    for ((fault, expected), (_, found)) in truth.faults.shares().into_iter().zip(again.faults.shares()) {
        assert!((found - expected).abs() < 0.0012 + expected * 0.12, "{fault:?}: {found} and not {expected}");
    }
    assert!((again.cached_share - 0.25).abs() < 1e-6);
}

#[test]
fn models_have_tables_of_their_own_and_share_the_faults() {
    let mut fit = Fit::new();
    for number in 0..200 {
        for (model, ttft_us) in [("fast", 100_000), ("slow", 900_000)] {
            let ttft_us = Some(ttft_us + number);
            fit.add(&OutcomeRow { ttft_us, duration_us: 2_000_000, ..OutcomeRow::of(Provider::OpenAi, model) });
        }
    }
    fit.add(&OutcomeRow { duration_us: 1, ..OutcomeRow::of(Provider::OpenAi, "rare") });
    let fitted = fit.fitted(Provider::OpenAi).unwrap();
    let median = |model: &str| fitted.profile.measured_of(model).unwrap().first_token_ms[7];
    assert!((median("fast") / 100.0 - 1.0).abs() < 0.02 && (median("slow") / 900.0 - 1.0).abs() < 0.02);
    assert!((90.0..910.0).contains(&median("rare")));
    assert_eq!(fitted.models.iter().map(|(model, _)| model.as_str()).collect::<Vec<_>>(), ["fast", "rare", "slow"]);
    assert_eq!(read(&fitted.to_toml()), fitted.profile);
    assert_eq!(fit.providers().collect::<Vec<_>>(), [Provider::OpenAi]);
}

#[test]
fn what_is_not_the_providers_is_left_out() {
    let mut fit = Fit::new();
    for kind in [ErrorKind::ClientCancelled, ErrorKind::BadRequest, ErrorKind::GatewayBusy, ErrorKind::Server] {
        for _ in 0..30 {
            fit.add(&OutcomeRow { error: Some(kind), ..OutcomeRow::of(Provider::OpenAi, "m") });
        }
    }
    let error = fit.fitted(Provider::OpenAi).unwrap_err();
    assert_eq!(error, FitError::TooFew { provider: Provider::OpenAi, rows: 120, answered: 0 });
    for _ in 0..30 {
        fit.add(&OutcomeRow { streamed: false, duration_us: 500_000, ..OutcomeRow::of(Provider::OpenAi, "m") });
    }
    let fitted = fit.fitted(Provider::OpenAi).unwrap();
    assert_eq!((fitted.left_out, fitted.answered), (90, 30));
    assert!((fitted.profile.faults.error_500 - 0.5).abs() < 1e-9);
    let measured = fitted.profile.measured.unwrap();
    // Whole answers are all there is.
    assert!((measured.first_token_ms[7] / 500.0 - 1.0).abs() < 0.02);
    assert!(measured.gap_ms.iter().all(|gap| *gap < 1e-9) && measured.answer_tokens.is_empty());
}

#[test]
fn senseless_rows_and_many_models_do_no_harm() {
    let mut fit = Fit::new();
    for number in 0..2_000_u64 {
        let model = format!("model\n{number}");
        let row = OutcomeRow {
            ttft_us: Some(u64::MAX),
            duration_us: u64::MAX,
            prompt_tokens: Some(u64::MAX),
            cached_tokens: Some(u64::MAX),
            completion_tokens: Some(u64::MAX),
            reasoning_tokens: Some(u64::MAX),
            ..OutcomeRow::of(Provider::Compatible, &model)
        };
        fit.add(&row);
    }
    let fitted = fit.fitted(Provider::Compatible).unwrap();
    assert!(fitted.merged_models && fitted.models.len() == MODELS_MAX);
    assert_eq!(read(&fitted.to_toml()), fitted.profile);
}
