use super::*;
use crate::digest;
use crate::synth;
use std::collections::BTreeSet;

mod content;

const HOW: &str = "run `cargo run -p datasets --example make_bundled`";

#[test]
fn the_files_are_the_ones_that_were_made() {
    for log in ALL {
        for (sum, bytes) in [(log.requests_sha256(), log.requests_zstd), (log.script_sha256(), log.script_zstd)] {
            assert_eq!(sum, digest::of_bytes(bytes), "a file of {} is not the one in SHA256SUMS: {HOW}", log.name);
        }
        assert!(!log.summary.is_empty() && log.origin.contains("make_bundled") && log.licence.contains("Apache-2.0"));
    }
    assert_eq!(SUMS.lines().count(), 2 * ALL.len());
    assert_eq!(sum_of("no such file"), "");
    let bytes: usize = [CALM, VIOLENT].iter().map(|log| log.requests_zstd.len() + log.script_zstd.len()).sum();
    assert!(bytes < 600_000, "{bytes} bytes: a log should stay small enough to be part of the program");
}

#[test]
fn the_files_are_what_the_generators_make_today() {
    let made = [
        (DEMO, synth::demo_log(synth::DEMO)),
        (CALM, synth::mixed_log(synth::CALM)),
        (VIOLENT, synth::mixed_log(synth::VIOLENT)),
    ];
    for (log, made) in made {
        let made = made.unwrap();
        let requests = unpacked(log.name, log.requests_zstd).unwrap();
        assert!(requests == made.requests_text().unwrap(), "{}.ndjson.zst is stale: {HOW}", log.name);
        assert!(
            log.script_text().unwrap() == made.script_text().unwrap(),
            "the script of {} is stale: {HOW}",
            log.name
        );
    }
}

#[test]
fn every_log_is_found_by_its_name_and_reads_as_requests_and_script() {
    for (name, requests) in [("demo", 2_000), ("calm", 1_200), ("violent", 1_200)] {
        let log = find(name).unwrap();
        assert_eq!(log.requests().unwrap().len(), requests, "{name}");
        let script = script(log);
        let prompts: BTreeSet<&str> = script.iter().map(|line| line.prompt.as_str()).collect();
        assert_eq!(prompts.len(), script.len(), "{name}");
        assert!(script.len() <= requests, "{name}");
    }
    assert!(find("no such log").is_none());
}

#[test]
fn the_version_is_the_oldest_that_says_it_all() {
    let version = |log: &Bundled| log.open().unwrap().header().version.clone();
    assert_eq!([DEMO, CALM, VIOLENT].map(|log| version(&log)), ["1.0", "2.0", "2.0"]);
}

fn script(log: &Bundled) -> Vec<synth::ScriptLine> {
    let text = log.script_text().unwrap();
    text.split_terminator('\n').map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn damage_is_named() {
    let damaged = Bundled { requests_zstd: b"not zstd", script_zstd: &[0x28, 0xB5, 0x2F, 0xFD, 1], ..DEMO };
    for error in [damaged.requests().unwrap_err(), damaged.script_text().unwrap_err()] {
        assert!(error.to_string().contains("bundled:demo"), "{error}");
    }
}

fn request(id: &str, at_us: i64, session: Option<&str>) -> LoggedRequest {
    let body = serde_json::value::to_raw_value(&serde_json::json!({"messages": []})).unwrap();
    LoggedRequest { session: session.map(str::to_owned), ..LoggedRequest::chat(id, at_us, body) }
}

#[test]
fn laps_have_ids_and_sessions_of_their_own_and_the_clock_goes_on() {
    let log = [request("a", 100, Some("s")), request("b", 140, None), request("c", 200, Some("s"))];
    let laps = repeat(&log, 8);
    let seen: Vec<_> = laps.iter().map(|request| (request.id.as_str(), request.at_us)).collect();
    let expected =
        [("a", 100), ("b", 140), ("c", 200), ("a~1", 250), ("b~1", 290), ("c~1", 350), ("a~2", 400), ("b~2", 440)];
    assert_eq!(seen, expected, "the seam is the mean gap of 50");
    let sessions: Vec<_> = laps.iter().map(|request| request.session.as_deref()).collect();
    assert_eq!(sessions[..6], [Some("s"), None, Some("s"), Some("s~1"), None, Some("s~1")]);
}

#[test]
fn ids_that_look_like_laps_stay_apart() {
    let log = [request("a", 0, None), request("a~1", 1, Some("x~~")), request("a~", 2, None)];
    let laps = repeat(&log, 12);
    let ids: BTreeSet<&str> = laps.iter().map(|request| request.id.as_str()).collect();
    assert_eq!(ids.len(), 12);
    assert_eq!(laps[3].id, "a~~~1");
}

#[test]
fn few_none_and_one() {
    let log = [request("a", 5, None), request("b", 9, None)];
    assert_eq!(repeat(&log, 1).len(), 1);
    assert!(repeat(&log, 0).is_empty() && repeat(&[], 9).is_empty());
    let alone: Vec<i64> = repeat(&log[..1], 3).iter().map(|request| request.at_us).collect();
    assert_eq!(alone, [5, 1_000_005, 2_000_005]);
}
