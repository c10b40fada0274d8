use super::*;
use crate::keys::{Instant, Pattern};
use proptest::prelude::*;

fn key(id: &str, text: &str) -> Key {
    Key::adopted(id.to_owned(), Digest::of(text), Instant::from_us(0))
}

fn consumer(name: &str, keys: Vec<Key>) -> Consumer {
    Consumer { name: name.to_owned(), keys, ..Consumer::default() }
}

fn part<'a>(place: &'a str, consumers: &'a [Consumer]) -> Part<'a> {
    Part { place, consumers }
}

#[test]
fn each_key_opens_for_its_consumer_and_nothing_else_does() {
    let both = [consumer("a", vec![key("1", "one"), key("2", "two")]), consumer("b", vec![key("3", "three")])];
    let ring = Ring::new(&[part("here", &both)]).unwrap();
    for (text, name) in [("one", "a"), ("two", "a"), ("three", "b")] {
        assert_eq!(&*ring.entries()[ring.admit(text, 0).unwrap()].consumer, name);
    }
    for wrong in ["", "on", "one ", "ONE", &Digest::of("one").to_hex()] {
        assert_eq!(ring.admit(wrong, 0), Err(Refusal::Unknown), "{wrong}");
    }
    assert!(ring.has("a") && !ring.has("c") && ring.consumers() == 2);
    assert_eq!(Ring::default().admit("one", 0), Err(Refusal::Unknown));
}

#[test]
fn whatever_stands_twice_is_named_with_both_places() {
    let (one, two) = ([consumer("a", vec![key("1", "one")])], [consumer("a", vec![key("2", "two")])]);
    let error = Ring::new(&[part("the configuration", &one), part("keys.json", &two)]).unwrap_err().to_string();
    assert!(error.contains("consumer a stands in the configuration and in keys.json"), "{error}");
    let two = [consumer("b", vec![key("2", "one")])];
    let error = Ring::new(&[part("the configuration", &one), part("keys.json", &two)]).unwrap_err().to_string();
    assert!(error.contains("under a in the configuration and under b in keys.json"), "{error}");
}

#[test]
fn every_look_up_compares_one_whole_digest_whatever_the_key() {
    let mut near = [9; 32];
    near[31] = 8;
    let keys = vec![
        Key { sha256: Digest::new([9; 32]), ..key("1", "") },
        Key { revoked_at: Some(Instant::from_us(0)), ..key("2", "revoked") },
        key("3", "three"),
    ];
    let ring = Ring::new(&[part("here", &[consumer("a", keys)])]).unwrap();
    for (what, digest, found) in [
        ("known", Digest::of("three"), Some(2)),
        ("revoked", Digest::of("revoked"), Some(1)),
        ("unknown", Digest::of("nobody"), None),
        ("different in its last bit only", Digest::new(near), None),
        ("the decoy itself", Digest::new([0; 32]), None),
    ] {
        let sought = ring.seek(&digest);
        assert_eq!((sought.entry, sought.compared), (found, 1), "{what}");
    }
}

#[test]
fn consumer_and_key_must_both_allow() {
    let scopes = |model: &str| Scopes { models: Some(vec![Pattern::parse(model).unwrap()]), ..Scopes::default() };
    let key = Key { scopes: scopes("gpt-4o-mini"), ..key("1", "one") };
    let ring = Ring::new(&[part("here", &[Consumer { scopes: scopes("gpt-*"), ..consumer("a", vec![key]) }])]).unwrap();
    let entry = &ring.entries()[0];
    let wish = |model| Wish { model, migration: "m", endpoint: "chat", path: "/v1/chat/completions" };
    assert!(entry.allows(&wish("gpt-4o-mini")) && !entry.allows(&wish("gpt-4o")) && !entry.allows(&wish("o3")));
    assert!(entry.allows_model("gpt-4o-mini", "m") && !entry.allows_model("o3", "m"));
    assert!(entry.allows_source("::1".parse().unwrap()));
}

proptest! {
    #[test]
    fn a_key_opens_exactly_while_it_is_worth_something(
        ends in proptest::collection::vec((proptest::option::of(0_i64..20), proptest::option::of(0_i64..20), any::<bool>()), 1..20),
        now in 0_i64..20,
        asked in 0_usize..30,
    ) {
        let keys: Vec<Key> = ends.iter().enumerate().map(|(place, (expires, sunset, revoked))| Key {
            expires_at: expires.map(Instant::from_us),
            sunset_at: sunset.map(Instant::from_us),
            revoked_at: revoked.then(|| Instant::from_us(3)),
            ..key(&place.to_string(), &format!("key {place}"))
        }).collect();
        let ring = Ring::new(&[part("here", &[consumer("a", keys)])]).unwrap();
        let opens = ring.admit(&format!("key {asked}"), now);
        let should = ends.get(asked).is_some_and(|(expires, sunset, revoked)| {
            !revoked && expires.is_none_or(|end| now < end) && sunset.is_none_or(|end| now < end)
        });
        prop_assert_eq!(opens.is_ok(), should);
        prop_assert!(opens.is_err() || opens == Ok(asked));
    }
}
