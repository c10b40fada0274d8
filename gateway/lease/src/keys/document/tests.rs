use super::*;
use crate::keys::Pattern;

fn document() -> Document {
    let at = |day| Instant::parse(day, 0).unwrap();
    let key = Key {
        shown: Some("wb-one-".to_owned()),
        origin: Origin::Issued,
        expires_at: Some(at("2027-01-01")),
        rotated_to: Some("two".to_owned()),
        scopes: Scopes { models: Some(vec![Pattern::parse("gpt-4o*").unwrap()]), ..Scopes::default() },
        ..Key::adopted("one".to_owned(), Digest::of("1"), at("2026-11-23"))
    };
    let old =
        Key { sunset_at: Some(at("2026-12-31")), ..Key::adopted("two".to_owned(), Digest::of("2"), at("2026-11-23")) };
    let team = Consumer {
        name: "team-a".to_owned(),
        groups: vec!["research".to_owned()],
        note: "ask Kim".to_owned(),
        scopes: Scopes::default(),
        keys: vec![key, old],
    };
    Document { generation: 7, consumers: vec![team, Consumer { name: "b".to_owned(), ..Consumer::default() }] }
}

#[test]
fn what_is_written_is_read_and_holds_no_more_than_it_must() {
    let bytes = document().to_json();
    assert_eq!(Document::from_json(&bytes).unwrap(), document());
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("{\n  \"format\": \"weighbridge.consumers\",\n  \"version\": 1,\n  \"generation\": 7"));
    assert!(
        text.ends_with("}\n") && !text.contains("null") && text.contains("\"sunset_at\": \"2026-12-31T00:00:00Z\"")
    );
}

#[test]
fn a_key_is_worth_something_until_the_second_in_which_its_time_is_over() {
    let [key, old] = &document().consumers[0].keys[..] else { panic!("two keys") };
    let end = old.sunset_at.unwrap().us();
    assert_eq!((old.state(end - 1), old.state(end)), (State::Valid, State::Sunset));
    let end = key.expires_at.unwrap().us();
    assert_eq!((key.state(end - 1), key.state(end)), (State::Valid, State::Expired));
    let revoked = Key { revoked_at: Some(Instant::from_us(0)), ..old.clone() };
    assert_eq!(revoked.state(0), State::Revoked);
    assert_eq!((key.ends_at(), old.ends_at()), (key.expires_at, old.sunset_at));
    assert_eq!(Key { rotated_to: None, ..key.clone() }.ends_at(), None, "an expiry was agreed on");
}

#[test]
fn mistakes_are_named_all_at_once_and_no_secret_is_repeated() {
    let mut wrong = document();
    wrong.consumers[1].name = "sk secret".to_owned();
    wrong.consumers[1].keys.push(Key::adopted("one".to_owned(), Digest::of("1"), Instant::from_us(0)));
    wrong.consumers[0].groups.push("none".to_owned());
    wrong.consumers[0].scopes.sources = Some(Vec::new());
    let error = Document::from_json(&wrong.to_json()).unwrap_err().to_string();
    for part in ["consumer 2 has no usable name", "whose id is no name of its own", "also under team-a", "group 2"] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
    assert!(error.contains("scopes.sources is empty") && !error.contains("secret"), "{error}");
}

#[test]
fn an_error_says_where_and_what_is_expected_and_never_what_was_found() {
    let good = String::from_utf8(document().to_json()).unwrap();
    for (change, part) in [
        (good.replace(&Digest::of("1").to_hex(), "sk-secret"), "line 15, column"),
        (good.replace(&Digest::of("1").to_hex(), "sk-secret"), "expected a SHA-256"),
        (good.replace("\"issued\"", "\"sk-secret\""), "expected `issued` or `adopted`"),
        (good.replace("\"generation\": 7", "\"generation\": \"sk-secret\""), "expected u64"),
        (good.replace("\"note\"", "\"sk-secret\""), "expected one of `name`"),
        (good.replace("\"origin\": \"issued\",", ""), "missing field `origin`"),
        (good.replace("2027-01-01T00:00:00Z", "sk-secret"), "expected an instant"),
        (good.replace("gpt-4o*", "sk-secret**"), "expected a name, or its beginning"),
        (good[..40].to_owned(), "no JSON"),
        ("[1]".to_owned(), "line 1"),
        ("{}".to_owned(), "expected \"format\": \"weighbridge.consumers\""),
        (good.replace("\"version\": 1", "\"version\": 2, \"later\": true"), "use the newer program"),
    ] {
        let error = Document::from_json(change.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(part) && !error.contains("secret"), "{part} is not in {error}");
    }
}
