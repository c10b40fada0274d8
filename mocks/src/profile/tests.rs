use std::io::Write;
use std::path::Path;

use rand_chacha::rand_core::SeedableRng;

use super::*;

fn dice() -> Dice {
    Dice::seed_from_u64(7)
}

fn read(text: &str) -> Result<Profile, ProfileError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Profile::read(file.path())
}

#[test]
fn the_embedded_profiles_are_complete_and_valid() {
    for provider in Provider::ALL {
        let profile = Profile::of(provider);
        profile.check().unwrap();
        // The fallback would be the instant profile, which does not wait.
        assert!(profile.time_scale > 0.9);
    }
    assert!(Profile::deepseek().queue_share > 0.0);
    assert!(Profile::moderation().time_scale > 0.9);
    for profile in
        [Profile::moderation(), Profile::demo_openai(), Profile::demo_deepseek(), Profile::regressed_deepseek()]
    {
        profile.check().unwrap();
    }
}

#[test]
fn a_file_overrides_its_base_key_by_key() {
    let profile =
        read("base = \"deepseek\"\n[first_token]\nmedian_ms = 5.0\nsigma = 0.1\n[faults]\nstall = 0.25\n").unwrap();
    assert!((profile.first_token.median_ms - 5.0).abs() < 1e-9);
    assert_eq!(profile.gap, Profile::deepseek().gap);
    assert!((profile.faults.stall - 0.25).abs() < 1e-9);
    assert_eq!(read("").unwrap(), Profile::instant());
}

#[test]
fn an_unknown_key_names_file_line_and_key() {
    let error = read("time_scale = 1.0\n\n[faults]\neror_429 = 0.1\n").unwrap_err().to_string();
    assert!(error.contains("line 4") && error.contains("eror_429") && error.contains("error_429"), "{error}");
    let error = Profile::read(Path::new("/nowhere/p.toml")).unwrap_err().to_string();
    assert!(error.contains("/nowhere/p.toml"), "{error}");
}

#[test]
fn values_out_of_range_are_refused_by_name() {
    for (text, field) in [
        ("slow_share = 1.5", "slow_share"),
        ("tokens_per_chunk = 0", "tokens_per_chunk"),
        ("time_scale = nan", "time_scale"),
        ("[faults]\nstall = 0.6\nreset = 0.6", "faults (their sum)"),
        ("[gap]\nmedian_ms = -1.0\nsigma = 0.0", "gap.median_ms"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(field), "{text}: {error}");
    }
}

#[test]
fn latency_draws_have_the_stated_quantiles() {
    let latency = Latency { median_ms: 400.0, sigma: 0.5 };
    let mut dice = dice();
    let mut draws: Vec<f64> = (0..40_000).map(|_| latency.draw_ms(&mut dice)).collect();
    draws.sort_by(f64::total_cmp);
    let quantile = |share: f64| draws[(share * draws.len() as f64) as usize];
    // Normal quantiles: 0, 1.2816, 1.6449, 2.3263.
    for (share, z) in [(0.5, 0.0_f64), (0.9, 1.2816), (0.95, 1.6449), (0.99, 2.3263)] {
        let expected = 400.0 * (0.5 * z).exp();
        let found = quantile(share);
        assert!((found / expected - 1.0).abs() < 0.04, "{share}: {found} against {expected}");
    }
}

#[test]
fn faults_come_at_their_rates_and_only_when_asked_for() {
    let faults = Faults { error_429: 0.1, stall: 0.02, ..Faults::default() };
    let mut dice = dice();
    let draws: Vec<_> = (0..50_000).map(|_| faults.draw(&mut dice)).collect();
    let count = |fault| draws.iter().filter(|draw| **draw == Some(fault)).count();
    assert!((4_700..5_300).contains(&count(Fault::Error429)));
    assert!((880..1_120).contains(&count(Fault::Stall)));
    assert_eq!(count(Fault::Error429) + count(Fault::Stall), draws.iter().flatten().count());
    assert!((0..1000).all(|_| Faults::default().draw(&mut dice).is_none()));
    let always = Faults { length: 1.0, ..Faults::default() };
    assert!((0..1000).all(|_| always.draw(&mut dice) == Some(Fault::Length)));
}

#[test]
fn lengths_respect_their_maximum() {
    let length = Length { median_tokens: 50.0, sigma: 1.0, tokens_max: 120 };
    let mut dice = dice();
    let draws: Vec<u64> = (0..5_000).map(|_| length.draw_tokens(&mut dice)).collect();
    assert!(draws.iter().all(|draw| (1..=120).contains(draw)));
    assert!(draws.contains(&120));
    assert_eq!(Length { median_tokens: 0.0, sigma: 1.0, tokens_max: 5 }.draw_tokens(&mut dice), 0);
}
