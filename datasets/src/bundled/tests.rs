use super::*;
use crate::digest;
use crate::synth;
use std::collections::BTreeSet;

const SUMS: &str = include_str!("../../data/SHA256SUMS");
const HOW: &str = "run `cargo run -p datasets --example make_demo`";

#[test]
fn the_files_are_the_ones_that_were_made() {
    for (name, bytes) in [("demo.ndjson.zst", DEMO.requests_zstd), ("demo.script.ndjson.zst", DEMO.script_zstd)] {
        let line = format!("{}  {name}", digest::of_bytes(bytes));
        assert!(SUMS.lines().any(|known| known == line), "{name} is not the file in SHA256SUMS: {HOW}");
        assert!(bytes.len() < 600 * 1024, "{name} has {} bytes", bytes.len());
    }
    assert_eq!(SUMS.lines().count(), 2);
}

#[test]
fn the_files_are_what_the_generator_makes_today() {
    let log = synth::demo_log(synth::DEMO).unwrap();
    let requests = unpacked("demo", DEMO.requests_zstd).unwrap();
    assert!(requests == log.requests_text().unwrap(), "demo.ndjson.zst is stale: {HOW}");
    assert!(DEMO.script_text().unwrap() == log.script_text().unwrap(), "demo.script.ndjson.zst is stale: {HOW}");
}

#[test]
fn the_demo_reads_as_requests_and_script() {
    let requests = find("demo").unwrap().requests().unwrap();
    assert_eq!(requests.len(), 2_000);
    let script: Vec<synth::ScriptLine> =
        DEMO.script_text().unwrap().split_terminator('\n').map(|line| serde_json::from_str(line).unwrap()).collect();
    let prompts: BTreeSet<&str> = script.iter().map(|line| line.prompt.as_str()).collect();
    assert_eq!(prompts.len(), 2_000);
    assert!(find("no such log").is_none());
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
