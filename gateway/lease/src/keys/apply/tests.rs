use super::*;
use crate::keys::{Part, Refusal, Ring};
use proptest::prelude::*;

const DAY: i64 = 86_400_000_000;

/// A document, and the keys that were issued on the way.
struct House {
    bytes: Option<Vec<u8>>,
    drawn: u8,
    keys: Vec<Issued>,
}

impl House {
    const fn new() -> Self {
        Self { bytes: None, drawn: 0, keys: Vec::new() }
    }

    fn change(&mut self, change: &Change, now_us: i64) -> Result<Outcome, ChangeError> {
        self.drawn += 1;
        let mut chance = Chance::new([self.drawn; 32]);
        let (document, outcome) = changed(self.bytes.as_deref(), change, None, &mut chance, now_us)?;
        self.bytes = Some(document.to_json());
        self.keys.extend(outcome.issued.clone());
        Ok(outcome)
    }

    fn create(&mut self, consumer: &str, now_us: i64) -> Issued {
        let change = Change::Create {
            consumer: consumer.to_owned(),
            note: String::new(),
            scopes: Scopes::default(),
            expires_at: None,
        };
        self.change(&change, now_us).unwrap().issued.unwrap()
    }

    fn document(&self) -> Document {
        Document::from_json(self.bytes.as_deref().unwrap()).unwrap()
    }

    fn opens(&self, key: &str, now_us: i64) -> Result<String, Refusal> {
        let document = self.document();
        let ring = Ring::new(&[Part { place: "here", consumers: &document.consumers }]).unwrap();
        ring.admit(key, now_us).map(|place| ring.entries()[place].consumer.to_string())
    }
}

fn revoke(id: &str) -> Change {
    Change::Revoke { ids: vec![id.to_owned()], consumer: None }
}

fn restore(id: &str) -> Change {
    Change::Restore { ids: vec![id.to_owned()], consumer: None }
}

fn rotate(id: &str, overlap_seconds: u64) -> Change {
    Change::Rotate { id: id.to_owned(), overlap_seconds, expires_at: None }
}

fn adopt(consumer: &str, keys: &[&str], sunset_us: Option<i64>) -> Change {
    let old = |key: &&str| Old {
        consumer: consumer.to_owned(),
        sha256: Digest::of(key),
        sunset_at: None,
        note: String::new(),
    };
    Change::Adopt { keys: keys.iter().map(old).collect(), sunset_at: sunset_us.map(Instant::from_us) }
}

#[test]
fn a_created_key_opens_is_revoked_at_once_and_given_back() {
    let mut house = House::new();
    let issued = house.create("team-a", 5);
    assert_eq!(house.opens(&issued.key, 5).as_deref(), Ok("team-a"));
    assert!(!String::from_utf8(house.bytes.clone().unwrap()).unwrap().contains(&issued.key[16..]), "kept as a digest");
    assert!(!format!("{issued:?}").contains(&issued.key[16..]));
    assert_eq!(house.change(&revoke(&issued.id), 6).unwrap().generation, 2);
    assert_eq!(house.opens(&issued.key, 6), Err(Refusal::Revoked));
    let again = house.change(&revoke(&issued.id), 7).unwrap();
    assert_eq!((again.generation, again.unchanged), (2, 1), "nothing changed, so the generation stays");
    house.change(&restore(&issued.id), 8).unwrap();
    assert_eq!(house.opens(&issued.key, 8).as_deref(), Ok("team-a"));
}

#[test]
fn rotation_makes_a_new_key_now_and_ends_the_old_one_later() {
    let mut house = House::new();
    let old = house.create("team-a", 0);
    let new = house.change(&rotate(&old.id, 60), DAY).unwrap().issued.unwrap();
    let end = DAY + 60_000_000;
    assert!(house.opens(&old.key, end - 1).is_ok() && house.opens(&new.key, DAY).is_ok());
    assert_eq!(house.opens(&old.key, end), Err(Refusal::Expired));
    assert!(house.opens(&new.key, end).is_ok());
    let kept = &house.document().consumers[0].keys[0];
    assert_eq!((kept.rotated_to.as_deref(), kept.ends_at().map(Instant::us)), (Some(&*new.id), Some(end)));
    assert!(house.change(&rotate(&old.id, 60), DAY).unwrap_err().to_string().contains("was replaced by"));
    house.change(&revoke(&new.id), DAY).unwrap();
    assert!(house.change(&rotate(&new.id, 60), DAY).unwrap_err().to_string().contains("does not work any more"));
}

#[test]
fn a_rotated_key_gets_the_time_that_the_old_one_had() {
    let mut house = House::new();
    let change = Change::Create {
        consumer: "a".to_owned(),
        note: "n".to_owned(),
        scopes: serde_json::from_str(r#"{"models": ["gpt-4o*"]}"#).unwrap(),
        expires_at: Some(Instant::from_us(10 * DAY)),
    };
    let old = house.change(&change, 0).unwrap().issued.unwrap();
    house.change(&rotate(&old.id, 20 * 86_400), 3 * DAY).unwrap();
    let keys = house.document().consumers[0].keys.clone();
    assert_eq!(keys[0].expires_at.map(Instant::us), Some(10 * DAY), "an overlap never makes a key last longer");
    assert_eq!(keys[1].expires_at.map(Instant::us), Some(13 * DAY));
    assert_eq!((&keys[1].scopes, &keys[1].note), (&keys[0].scopes, &keys[0].note));
}

#[test]
fn old_keys_are_adopted_warned_of_ended_and_brought_back() {
    let mut house = House::new();
    let outcome = house.change(&adopt("team-a", &["sk-1", "sk-2"], Some(DAY)), 0).unwrap();
    assert_eq!((outcome.changed.len(), outcome.unchanged, outcome.issued), (2, 0, None));
    assert!(house.opens("sk-1", DAY - 1).is_ok());
    assert_eq!(house.opens("sk-1", DAY), Err(Refusal::Sunset));
    let again = house.change(&adopt("team-a", &["sk-1", "sk-2"], Some(DAY)), 0).unwrap();
    assert_eq!((again.changed.len(), again.unchanged, again.generation), (0, 2, 1));
    let until = |text: &str| Some(Until::try_from(text.to_owned()).unwrap());
    let later = Change::Amend {
        ids: Vec::new(),
        consumer: Some("team-a".to_owned()),
        expires_at: None,
        sunset_at: until("never"),
    };
    house.change(&later, 2 * DAY).unwrap();
    assert!(house.opens("sk-1", 2 * DAY).is_ok(), "a sunset can be undone");
    let moved = house.change(&adopt("team-a", &["sk-1"], Some(3 * DAY)), 2 * DAY).unwrap();
    assert_eq!(moved.changed.len(), 1, "the list again, with another sunset");
    let error = house.change(&adopt("team-b", &["sk-new", "sk-1"], None), 0).unwrap_err().to_string();
    assert!(error.contains("key 2 of the list belongs to team-a"), "{error}");
    assert_eq!(house.opens("sk-new", 0), Err(Refusal::Unknown), "nothing of it was done");
}

#[test]
fn only_keys_that_do_not_work_can_be_forgotten() {
    let mut house = House::new();
    let issued = house.create("a", 0);
    let remove = Change::Remove { ids: vec![issued.id.clone()] };
    assert!(house.change(&remove, 0).unwrap_err().to_string().contains("still works"));
    house.change(&revoke(&issued.id), 0).unwrap();
    house.change(&remove, 0).unwrap();
    assert_eq!(house.opens(&issued.key, 0), Err(Refusal::Unknown));
}

#[test]
fn whoever_comes_late_and_whatever_makes_no_sense_is_refused() {
    let mut house = House::new();
    let issued = house.create("a", 0);
    let late = changed(house.bytes.as_deref(), &revoke(&issued.id), Some(0), &mut Chance::new([1; 32]), 0);
    assert_eq!(late.unwrap_err(), ChangeError::Generation { expected: 0, now: 1 });
    for (change, part) in [
        (revoke("nobody"), "there is no key nobody"),
        (revoke(&issued.key), "there is no key of that name"),
        (Change::Revoke { ids: Vec::new(), consumer: None }, "no key is named"),
        (Change::Revoke { ids: Vec::new(), consumer: Some("b".to_owned()) }, "there is no consumer b"),
        (Change::Amend { ids: Vec::new(), consumer: None, expires_at: None, sunset_at: None }, "nothing is to be"),
        (adopt("a b", &["sk"], None), "no usable name"),
    ] {
        let error = house.change(&change, 0).unwrap_err().to_string();
        assert!(error.contains(part) && !error.contains(&issued.key[16..]), "{part} is not in {error}");
    }
    let over = Change::Create {
        consumer: "a".to_owned(),
        note: String::new(),
        scopes: Scopes::default(),
        expires_at: Some(Instant::from_us(4)),
    };
    assert!(house.change(&over, 5).unwrap_err().to_string().contains("is over"));
    let empty = Change::Consumer {
        consumer: "a".to_owned(),
        groups: vec!["g".to_owned()],
        note: String::new(),
        scopes: serde_json::from_str(r#"{"models": []}"#).unwrap(),
    };
    assert!(house.change(&empty, 5).unwrap_err().to_string().contains("scopes.models is empty"));
    assert_eq!(house.document().generation, 1, "nothing of all this was done");
}

#[test]
fn a_consumer_is_made_and_changed_without_touching_its_keys() {
    let mut house = House::new();
    let issued = house.create("a", 0);
    let change = Change::Consumer {
        consumer: "a".to_owned(),
        groups: vec!["research".to_owned()],
        note: "ask Kim".to_owned(),
        scopes: serde_json::from_str(r#"{"endpoints": ["chat"]}"#).unwrap(),
    };
    house.change(&change, 0).unwrap();
    let kept = &house.document().consumers[0];
    assert_eq!((kept.groups.len(), kept.note.as_str(), kept.keys.len()), (1, "ask Kim", 1));
    assert!(house.opens(&issued.key, 0).is_ok());
}

/// What a test does to one of a few keys.
#[derive(Debug, Clone)]
enum Act {
    Create,
    Adopt(u8, Option<i64>),
    Revoke(u8),
    Restore(u8),
    Rotate(u8, u8),
    Expire(u8, i64),
}

fn acts() -> impl Strategy<Value = Vec<(Act, i64)>> {
    let act = prop_oneof![
        Just(Act::Create),
        (0_u8..5, proptest::option::of(1_i64..90)).prop_map(|(key, sunset)| Act::Adopt(key, sunset)),
        any::<u8>().prop_map(Act::Revoke),
        any::<u8>().prop_map(Act::Restore),
        (any::<u8>(), 0_u8..20).prop_map(|(key, overlap)| Act::Rotate(key, overlap)),
        (any::<u8>(), 0_i64..90).prop_map(|(key, end)| Act::Expire(key, end)),
    ];
    proptest::collection::vec((act, 0_i64..4), 1..25)
}

/// What the test itself knows of a key: its text, whether it is revoked, and when it ends.
struct Known {
    id: String,
    text: String,
    revoked: bool,
    ends: [Option<i64>; 2],
    rotated: bool,
    adopted: bool,
}

impl Known {
    fn opens(&self, now: i64) -> bool {
        !self.revoked && self.ends.iter().flatten().all(|end| now < *end)
    }
}

const SECOND: i64 = 1_000_000;

/// Does one act to the document and to the model.
fn act(house: &mut House, known: &mut Vec<Known>, act: &Act, now: i64) {
    let now_us = now * SECOND;
    let new = |id: &str, text: &str, ends, adopted| Known {
        id: id.to_owned(),
        text: text.to_owned(),
        revoked: false,
        ends,
        rotated: false,
        adopted,
    };
    let count = known.len();
    let pick = |place: u8| (count > 0).then(|| usize::from(place) % count.max(1));
    match act {
        Act::Create => {
            let issued = house.create("team", now_us);
            known.push(new(&issued.id, &issued.key, [None, None], false));
        }
        Act::Adopt(key, sunset) => {
            let text = format!("sk-{key}");
            let outcome = house.change(&adopt("team", &[&text], sunset.map(|at| at * SECOND)), now_us).unwrap();
            match known.iter_mut().find(|one| one.text == text) {
                Some(one) if sunset.is_some() => one.ends[1] = *sunset,
                Some(_) => {}
                None => known.push(new(&outcome.changed[0], &text, [None, *sunset], true)),
            }
        }
        Act::Revoke(place) | Act::Restore(place) => {
            let Some(place) = pick(*place) else { return };
            let one = &mut known[place];
            one.revoked = matches!(act, Act::Revoke(_));
            let change = if one.revoked { revoke(&one.id) } else { restore(&one.id) };
            house.change(&change, now_us).unwrap();
        }
        Act::Rotate(place, overlap) => {
            let Some(place) = pick(*place) else { return };
            let one = &mut known[place];
            let may = one.opens(now) && !one.rotated;
            let outcome = house.change(&rotate(&one.id, u64::from(*overlap)), now_us);
            assert_eq!(outcome.is_ok(), may, "{outcome:?}");
            let Ok(outcome) = outcome else { return };
            let issued = outcome.issued.unwrap();
            let end = &mut one.ends[usize::from(one.adopted)];
            let document = house.document();
            let lasts = document.keys().find(|(_, key)| key.id == issued.id).unwrap().1.expires_at;
            *end = Some(end.map_or(now + i64::from(*overlap), |end| end.min(now + i64::from(*overlap))));
            one.rotated = true;
            known.push(new(&issued.id, &issued.key, [lasts.map(|end| end.us() / SECOND), None], false));
        }
        Act::Expire(place, end) => {
            let Some(place) = pick(*place) else { return };
            let one = &mut known[place];
            one.ends[0] = Some(*end);
            let until = Some(Until::At(Instant::from_us(end * SECOND)));
            let ids = vec![one.id.clone()];
            let change = Change::Amend { ids, consumer: None, expires_at: until, sunset_at: None };
            house.change(&change, now_us).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_done_exactly_the_keys_open_that_should(acts in acts()) {
        let (mut house, mut known, mut now) = (House::new(), Vec::new(), 0);
        for (one, passes) in acts {
            now += passes;
            act(&mut house, &mut known, &one, now);
            if house.bytes.is_none() {
                continue;
            }
            let document = house.document();
            let ring = Ring::new(&[Part { place: "here", consumers: &document.consumers }]).unwrap();
            for at in [now, now + 1, now + 15, now + 100] {
                for key in &known {
                    prop_assert_eq!(ring.admit(&key.text, at * SECOND).is_ok(), key.opens(at), "{} at {}", &key.id, at);
                }
                prop_assert_eq!(ring.admit("sk-wrong", at * SECOND), Err(Refusal::Unknown));
            }
            prop_assert_eq!(&Document::from_json(&document.to_json()).unwrap(), &document);
        }
    }
}
