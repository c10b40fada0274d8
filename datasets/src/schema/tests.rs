//! The table against the types, the normative text and the files, and the schemas against records, by a validator that is
//! not ours.

use super::*;
use crate::formats::{
    ASSIGNED_BY, ERRORS, FATES, GUARD_ACTIONS, GUARD_LEVELS, ROLES, TIERS, any_exchange, any_recorded, examples,
    full_exchange, full_header, full_request, text,
};
use crate::{Arm, Endpoint, Exchange, FromLog, Header, Label, LoggedRequest, Moderation, Redaction};
use boon::{Compiler, SchemaIndex, Schemas};
use proptest::option::of;
use proptest::prelude::*;
use serde::Serialize;
use std::path::Path;
use wire::UsageSource;
use wire::price::Tier;

/// A compiled schema.
struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Validator {
    fn of(kind: Kind) -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let name = format!("{}.json", kind.name());
        compiler.add_resource(&name, kind.schema()).unwrap();
        let index = compiler.compile(&name, &mut schemas).unwrap();
        Self { schemas, index }
    }

    fn takes(&self, value: &Value) -> Result<(), String> {
        self.schemas.validate(value, self.index).map_err(|error| error.to_string())
    }
}

/// Whether the type itself takes a line.
fn type_takes(kind: Kind, value: &Value) -> bool {
    fn takes<T: serde::de::DeserializeOwned>(value: &Value) -> bool {
        serde_json::from_str::<T>(&value.to_string()).is_ok()
    }
    match kind {
        Kind::Header => takes::<Header>(value),
        Kind::Request => takes::<LoggedRequest>(value),
        Kind::Exchange => takes::<Exchange>(value),
        Kind::Label => takes::<Label>(value),
    }
}

fn to_value(value: impl Serialize) -> Value {
    serde_json::from_str(&serde_json::to_string(&value).unwrap()).unwrap()
}

/// A line with every member in it.
fn full(kind: Kind) -> Value {
    match kind {
        Kind::Header => to_value(full_header()),
        Kind::Request => {
            let mut request = to_value(full_request());
            request["body"] = json!({});
            request
        }
        Kind::Exchange => to_value(full_exchange()),
        Kind::Label => json!({"request": "r", "answer_digest": "d", "metric": "exact", "good": true}),
    }
}

#[test]
fn the_schema_files_are_those_of_the_table() {
    for kind in Kind::ALL {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(kind.name()).with_extension("json");
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == kind.schema_text(),
            "{} is stale: run `cargo run -p datasets --example make_schema`",
            path.display()
        );
    }
}

/// Calls `with` for every member, its object in a full line, and the way there.
fn each_member(kind: Kind, mut with: impl FnMut(&[&'static str], &Member)) {
    fn walk(way: &mut Vec<&'static str>, members: &[Member], with: &mut dyn FnMut(&[&'static str], &Member)) {
        for member in members {
            way.push(member.name);
            with(way, member);
            if let Shape::Object(inner) = member.shape {
                walk(way, inner, with);
            }
            way.pop();
        }
    }
    walk(&mut Vec::new(), kind.members(), &mut with);
}

/// The object that a member stands in.
fn object_of<'v>(value: &'v mut Value, way: &[&str]) -> &'v mut Map<String, Value> {
    way[..way.len() - 1].iter().fold(value, |value, name| &mut value[*name]).as_object_mut().unwrap()
}

#[test]
fn the_table_has_the_members_of_the_types_in_their_order() {
    fn names(members: &[Member], value: &Value) {
        let ours: Vec<&str> = members.iter().map(|member| member.name).collect();
        let theirs: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(ours, theirs);
        for member in members {
            if let Shape::Object(inner) = member.shape {
                names(inner, &value[member.name]);
            }
        }
    }
    for kind in Kind::ALL {
        names(kind.members(), &full(kind));
    }
}

#[test]
fn what_is_required_and_what_absence_means_is_as_in_the_types() {
    for kind in Kind::ALL {
        let validator = Validator::of(kind);
        each_member(kind, |way, member| {
            let mut line = full(kind);
            object_of(&mut line, way).shift_remove(member.name);
            let required = member.need == Need::Required;
            assert_eq!(type_takes(kind, &line), !required, "{way:?}");
            assert_eq!(validator.takes(&line).is_ok(), !required, "{way:?}");
        });
    }
    let absent: Exchange = serde_json::from_str(crate::formats::examples()[2].1).unwrap();
    assert_eq!((absent.attempts, absent.refused, absent.tier), (1, false, Tier::Standard));
    let request: LoggedRequest = serde_json::from_str(r#"{"id":"i","at_us":1,"body":{}}"#).unwrap();
    assert_eq!(request.endpoint, Endpoint::Chat);
    let header: Header =
        serde_json::from_str(r#"{"format":"weighbridge.labels","version":"1.0","creator":"c"}"#).unwrap();
    assert_eq!((header.redaction, header.untimed), (Redaction::Hashed, false));
}

/// Values that a member of that shape can have, and values that it cannot.
fn samples(shape: Shape) -> Vec<(Value, bool)> {
    match shape {
        Shape::Text => vec![(json!("\u{2028}"), true), (json!(1), false)],
        Shape::Flag => vec![(json!(false), true), (json!("true"), false)],
        Shape::Words(_) => vec![(json!("another"), false), (json!(1), false)],
        Shape::Count(64) | Shape::Micros => {
            vec![(json!(u64::MAX), true), (json!(-1), false), (json!(1.5), false), (json!("1"), false)]
        }
        Shape::Count(bits) => {
            let most = u64::MAX >> (64 - u32::from(bits));
            vec![(json!(most), true), (json!(most + 1), false), (json!(-1), false), (json!(1.5), false)]
        }
        Shape::Instant | Shape::Money => vec![(json!(i64::MIN), true), (json!(i64::MAX), true), (json!(0.5), false)],
        Shape::Share => vec![(json!(0), true), (json!(1.0), true), (json!("0.5"), false)],
        Shape::Texts => vec![(json!(["a"]), true), (json!("a"), false), (json!([1]), false)],
        Shape::Calls => {
            vec![(json!([["f", {"a": 1}]]), true), (json!([["f"]]), false), (json!([["f", 1, 2]]), false)]
        }
        Shape::Object(_) => vec![(json!([1, 2]), false)],
        // The type takes any version text and any JSON as body; what they must be is checked elsewhere.
        Shape::Version | Shape::Body => Vec::new(),
    }
}

#[test]
fn wrong_values_are_refused_by_type_and_schema_alike() {
    for kind in Kind::ALL {
        let validator = Validator::of(kind);
        each_member(kind, |way, member| {
            let check = |value: Value, fits: bool| {
                let mut line = full(kind);
                object_of(&mut line, way).insert(member.name.to_owned(), value.clone());
                assert_eq!(type_takes(kind, &line), fits, "{way:?} = {value}, type");
                assert_eq!(validator.takes(&line).is_ok(), fits, "{way:?} = {value}, schema");
            };
            let words = match member.shape {
                Shape::Words(words) => words,
                _ => &[],
            };
            words.iter().for_each(|word| check(json!(word), true));
            for (value, fits) in samples(member.shape) {
                check(value, fits);
            }
        });
    }
}

#[test]
fn every_word_of_the_types_is_in_the_table() {
    let words = |kind: Kind, name: &str| -> Vec<&str> {
        match kind.members().iter().find(|member| member.name == name).unwrap().shape {
            Shape::Words(words) => words.to_vec(),
            other => panic!("{name} is {other:?}"),
        }
    };
    fn of<T: Serialize>(values: &[T]) -> Vec<String> {
        values.iter().map(|value| to_value(value).as_str().unwrap().to_owned()).collect()
    }
    assert_eq!(words(Kind::Header, "format"), of(&[Format::Requests, Format::Exchanges, Format::Labels]));
    assert_eq!(words(Kind::Header, "redaction"), of(&[Redaction::Full, Redaction::Hashed, Redaction::None]));
    assert_eq!(words(Kind::Exchange, "arm"), of(&[Arm::Baseline, Arm::Candidate]));
    assert_eq!(words(Kind::Exchange, "role"), of(&ROLES));
    assert_eq!(words(Kind::Exchange, "endpoint"), of(&Endpoint::ALL));
    assert_eq!(words(Kind::Exchange, "assigned_by"), of(&ASSIGNED_BY));
    assert_eq!(words(Kind::Exchange, "error"), of(&ERRORS));
    assert_eq!(words(Kind::Exchange, "moderation"), of(&[Moderation::BlockedByProvider]));
    assert_eq!(words(Kind::Exchange, "shadow"), of(&FATES));
    assert_eq!(words(Kind::Exchange, "tier"), of(&TIERS));
    assert_eq!(words(Kind::Exchange, "recorded"), of(&[FromLog::Timed, FromLog::Untimed]));
    let Some(Member { shape: Shape::Object(usage), .. }) =
        Kind::Exchange.members().iter().find(|member| member.name == "usage")
    else {
        panic!("usage is an object");
    };
    let mut guard = Vec::new();
    each_member(Kind::Exchange, |way, member| {
        if let (["guard", "request", name], Shape::Words(words)) = (way, member.shape) {
            guard.push((*name, words.to_vec()));
        }
    });
    assert_eq!(guard.len(), 2);
    for (name, words) in guard {
        assert_eq!(words, if name == "action" { of(&GUARD_ACTIONS) } else { of(&GUARD_LEVELS) }, "{name}");
    }
    let source = usage.iter().find(|member| member.name == "source").unwrap();
    assert!(
        matches!(source.shape, Shape::Words(words) if words == of(&[UsageSource::Provider, UsageSource::Estimate]))
    );
}

#[test]
fn every_row_of_the_text_says_what_the_table_says() {
    for kind in Kind::ALL {
        each_member(kind, |way, member| {
            let found = row(kind, way).or_else(|| row(Kind::Exchange, way));
            let found = found.unwrap_or_else(|| panic!("{way:?} has no row"));
            let cells: Vec<&str> = found.split('|').map(str::trim).collect();
            let types: &[&str] = match member.shape {
                Shape::Text | Shape::Version | Shape::Words(_) => &["text"],
                Shape::Flag => &["boolean"],
                Shape::Count(_) => &["whole number"],
                Shape::Micros => &["microseconds"],
                Shape::Instant => &["instant", "whole number"],
                Shape::Money => &["nano-dollars"],
                Shape::Share => &["number"],
                Shape::Texts => &["array of texts"],
                Shape::Calls => &["array"],
                Shape::Body | Shape::Object(_) => &["object"],
            };
            assert!(types.contains(&cells[2]), "{found}");
            let need = match member.need {
                Need::Required => "required".to_owned(),
                Need::Optional => "optional".to_owned(),
                Need::Word(word) => format!("optional, `{word}`"),
                Need::No => "optional, `false`".to_owned(),
                Need::One => "optional, 1".to_owned(),
            };
            assert_eq!(cells[3], need, "{found}");
            // Of a header's member it is another file's version, and usage is described once for both kinds.
            let since = if member.since == "1.0" { None } else { Some(format!("since {}", member.since)) };
            let told = found.match_indices("since ").map(|(at, _)| &found[at..]);
            let mut told = told.filter(|told| told["since ".len()..].starts_with(|next: char| next.is_ascii_digit()));
            let told = told.next();
            match since {
                None => assert_eq!(told, None, "{found}"),
                Some(since) if kind == Kind::Header => {
                    assert!(found.contains(&since.replace(' ', " requests ")), "{found}");
                }
                Some(since) if kind == Kind::Request && way.contains(&"usage") => {
                    assert!(found.contains(&since.replace("since", "request logs")), "{found}");
                }
                Some(since) => assert!(told.is_some_and(|told| told.starts_with(&since)), "{found}"),
            }
            assert!(!meaning(kind, way).unwrap().is_empty(), "{found}");
        });
    }
}

#[test]
fn every_example_of_the_text_is_valid_and_a_newer_member_is_no_error() {
    for (kind, line) in examples() {
        let kind = Kind::of_name(kind).unwrap();
        let mut value: Value = serde_json::from_str(line).unwrap();
        let validator = Validator::of(kind);
        validator.takes(&value).unwrap();
        value["from_the_future"] = json!({"a": 1});
        validator.takes(&value).unwrap();
        assert!(type_takes(kind, &value));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn every_record_that_is_written_is_valid(
        exchange in any_exchange(), id in text(), at_us in any::<i64>(), recorded in of(any_recorded()),
        config_digest in of(text()), untimed in any::<bool>(),
    ) {
        thread_local! {
            static VALIDATORS: [Validator; 3] = [Kind::Exchange, Kind::Request, Kind::Header].map(Validator::of);
        }
        let body = serde_json::value::to_raw_value(&json!({"prompt": id})).unwrap();
        let request = LoggedRequest { recorded, ..LoggedRequest::chat(id, at_us, body) };
        let header = Header { config_digest, untimed, ..Header::new(Format::Requests, Redaction::Full) };
        let lines = [to_value(&exchange), to_value(&request), to_value(&header)];
        VALIDATORS.with(|validators| {
            for (validator, line) in validators.iter().zip(&lines) {
                prop_assert_eq!(validator.takes(line), Ok(()));
            }
            Ok(())
        })?;
    }
}
