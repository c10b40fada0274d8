use super::*;
use http::HeaderValue;

fn rules(header: Option<Option<&str>>, pattern: Option<&str>, cookie: Option<&str>) -> Rules {
    Rules {
        header: header
            .map(|value| HeaderRule { name: HeaderName::from_static("x-canary"), value: value.map(str::to_owned) }),
        header_pattern: pattern.map(|pattern| PatternRule {
            name: HeaderName::from_static("x-team"),
            pattern: Regex::new(pattern).unwrap(),
        }),
        cookie: cookie.map(str::to_owned),
    }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(*name, HeaderValue::from_str(value).unwrap());
    }
    map
}

fn forced(rules: &Rules, pairs: &[(&'static str, &str)]) -> Option<(Arm, AssignedBy)> {
    let assignment = rules.forced(&headers(pairs))?;
    assert_eq!(assignment.probability_bp, 10_000);
    Some((assignment.arm, assignment.by))
}

/// Every combination of rules that are configured or not with headers that are absent, match, or do not, held against
/// the precedence in its plainest form.
#[test]
fn the_first_rule_that_is_set_ends_the_parsing() {
    const BY: [AssignedBy; 3] = [AssignedBy::Header, AssignedBy::HeaderPattern, AssignedBy::Cookie];
    const MATCH: [&str; 3] = ["beta", "red-7", "canary=always"];
    const OTHER: [&str; 3] = ["gamma", "blue", "canary=never"];
    const NAMES: [&str; 3] = ["x-canary", "x-team", "cookie"];
    for configured in 0..8u32 {
        let set = |rule: u32| configured & 1 << rule != 0;
        let rules = rules(set(0).then_some(Some("beta")), set(1).then_some("^red"), set(2).then_some("canary"));
        for carried in 0..27usize {
            let state = [carried % 3, carried / 3 % 3, carried / 9];
            let pairs: Vec<(&str, &str)> = (0..3)
                .filter(|rule| state[*rule] > 0)
                .map(|rule| (NAMES[rule], if state[rule] == 1 { MATCH[rule] } else { OTHER[rule] }))
                .collect();
            let expected = (0..3)
                .find(|rule| set(u32::try_from(*rule).unwrap()) && state[*rule] > 0)
                .map(|rule| (if state[rule] == 1 { Arm::Candidate } else { Arm::Baseline }, BY[rule]));
            assert_eq!(forced(&rules, &pairs), expected, "configured {configured:03b}, carried {pairs:?}");
        }
    }
}

#[test]
fn always_and_never_are_words_of_every_header_rule() {
    let candidate = |by| Some((Arm::Candidate, by));
    let baseline = |by| Some((Arm::Baseline, by));
    let by = AssignedBy::Header;
    assert_eq!(forced(&rules(Some(None), None, None), &[("x-canary", "always")]), candidate(by));
    assert_eq!(forced(&rules(Some(None), None, None), &[("x-canary", " always ")]), candidate(by));
    assert_eq!(forced(&rules(Some(None), None, None), &[("x-canary", "beta")]), baseline(by));
    assert_eq!(forced(&rules(Some(Some("beta")), None, None), &[("x-canary", "always")]), candidate(by));
    assert_eq!(forced(&rules(Some(Some("beta")), None, None), &[("x-canary", "never")]), baseline(by));
    assert_eq!(forced(&rules(Some(Some("beta")), None, None), &[("x-canary", "beta2")]), baseline(by));
    let by = AssignedBy::HeaderPattern;
    assert_eq!(forced(&rules(None, Some("e"), None), &[("x-team", "never")]), baseline(by));
    assert_eq!(forced(&rules(None, Some("e"), None), &[("x-team", "a part: here")]), candidate(by));
}

#[test]
fn cookies_are_found_among_others_quoted_or_in_several_headers() {
    let rules = rules(None, None, Some("canary"));
    let candidate = Some((Arm::Candidate, AssignedBy::Cookie));
    let baseline = Some((Arm::Baseline, AssignedBy::Cookie));
    for (pairs, expected) in [
        (&[("cookie", "a=b; canary=always; c=d")][..], candidate),
        (&[("cookie", "a=b;canary=\"always\"")], candidate),
        (&[("cookie", "a=b"), ("cookie", "canary=always")], candidate),
        (&[("cookie", "canary=never")], baseline),
        (&[("cookie", "canary=ALWAYS")], baseline),
        (&[("cookie", "xcanary=always; canaryx=always; canary")], None),
        (&[], None),
    ] {
        assert_eq!(forced(&rules, pairs), expected, "{pairs:?}");
    }
}

#[test]
fn a_header_that_is_no_text_is_still_held_against_the_pattern() {
    let mut map = HeaderMap::new();
    map.insert("x-team", HeaderValue::from_bytes(b"red\xff").unwrap());
    let arm = |pattern| rules(None, Some(pattern), None).forced(&map).unwrap().arm;
    assert_eq!((arm("^red"), arm("^red$")), (Arm::Candidate, Arm::Baseline));
}

#[test]
fn a_drawn_arm_carries_its_probability() {
    let weight = WeightBp::from_percent(12.34).unwrap();
    let mut seen = [false; 2];
    for unit in 0..100u32 {
        let assignment = Assignment::drawn(Coin::toss("s", &unit.to_le_bytes()), weight);
        let (place, expected) = match assignment.arm {
            Arm::Candidate => (0, 1234),
            Arm::Baseline => (1, 8766),
        };
        seen[place] = true;
        assert_eq!((assignment.by, assignment.probability_bp), (AssignedBy::Weight, expected));
    }
    assert_eq!(seen, [true, true]);
}
