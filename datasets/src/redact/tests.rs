use super::patterns::FORMS;
use super::*;
use proptest::prelude::*;
use regex::Regex;

fn clean(text: &str) -> (String, Counts) {
    let mut counts = Counts::new();
    let found = Redactor::default().text(text, &mut counts);
    (found.unwrap_or_else(|| text.to_owned()), counts)
}

fn body(text: &str) -> (Option<String>, Counts) {
    let mut counts = Counts::new();
    let raw = RawValue::from_string(text.to_owned()).unwrap();
    (Redactor::default().json(&raw, &mut counts).map(|raw| raw.get().to_owned()), counts)
}

#[test]
fn every_form_compiles() {
    for (kind, _, pattern, _) in FORMS {
        assert!(Regex::new(pattern).is_ok(), "{kind}: {pattern}");
    }
    assert_eq!(rules().all.len(), FORMS.len());
    assert_eq!(rules().set.len(), FORMS.len());
}

#[test]
fn secrets_go_and_the_text_around_them_stays() {
    let jwt = ["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0NTY3ODkwIn0", "c2lnbmF0dXJlLXNpZ25hdHVyZQ"].join(".");
    for (secret, kind) in [
        (["sk-", "proj-Ab3dEf6hIj9lMn2pQr5t"].concat(), "api_key"),
        (["sk-", "0123456789abcdef0123456789abcdef"].concat(), "api_key"),
        (["AK", "IAIOSFODNN7EXAMPLE"].concat(), "api_key"),
        (["gh", "p_0123456789abcdefghijABCDEFGHIJ012345"].concat(), "api_key"),
        (["LT", "AI5tAbCdEfGh1234567890"].concat(), "api_key"),
        (jwt, "jwt"),
        ("anna.berg+shop@mail.example.org".to_owned(), "email"),
        ("13800138000".to_owned(), "phone"),
        ("+49 30 1234567".to_owned(), "phone"),
        ("(415) 555-2671".to_owned(), "phone"),
        ("4111 1111 1111 1111".to_owned(), "card"),
        ("DE89 3704 0044 0532 0130 00".to_owned(), "iban"),
        ("11010519491231002X".to_owned(), "id_number"),
        ("078-05-1120".to_owned(), "id_number"),
        ("0170-1234567".to_owned(), "phone"),
    ] {
        for (before, after) in [("", ""), ("我的号码是", "，谢谢"), ("write to ", " please")] {
            let (text, counts) = clean(&format!("{before}{secret}{after}"));
            assert!(!text.contains(&secret), "{kind}: {text}");
            assert!(text.starts_with(&format!("{before}[{kind}:")) && text.ends_with(&format!("]{after}")), "{text}");
            assert_eq!(counts, Counts::from([(kind, 1)]), "{text}");
        }
    }
}

#[test]
fn what_only_looks_like_a_secret_stays() {
    for text in [
        "order 47-11200 of 2026-11-23 at 10.15, version 1.2.3.4",
        "sk-your-key-goes-here",
        "4111 1111 1111 1112 has a wrong check digit",
        "110105194912310021 has a wrong one too",
        "12345678901234567 is only long",
        "a@b, @handle, user@localhost",
        "risk-averse people take a desk-mounted lamp",
        "password: [hidden]",
        "data:image/png;base64,13800138000AAAA",
        "The bearer of this letter, 12 years old",
        "",
    ] {
        assert_eq!(clean(text), (text.to_owned(), Counts::new()));
    }
}

#[test]
fn what_stands_beside_a_telling_word_goes_alone() {
    let (text, counts) = clean("Authorization: Bearer abcdef0123456789abcdef and postgres://app:hunter2@db/x");
    assert!(text.starts_with("Authorization: Bearer [bearer:") && text.contains("postgres://app:[password:"), "{text}");
    assert_eq!(counts, Counts::from([("bearer", 1), ("password", 1)]));
    for (before, secret, after) in [
        ("aws_secret_access_key = ", "wJalrXUtnFEMI7K7MDENG", ""),
        ("my api-key is ", "abcd1234efgh", " I think"),
        ("Mein Passwort ist ", "Sommer2026x", ""),
        ("密码：", "abc123", "。"),
        ("https://h.example/x?a=1&token=", "f00dfeed1234", "&b=2"),
        ("Authorization: Basic ", "dXNlcjpwYXNzd29yZDE=", ""),
    ] {
        let (text, counts) = clean(&format!("{before}{secret}{after}"));
        assert!(text.starts_with(before) && text.ends_with(after) && !text.contains(secret), "{text}");
        assert_eq!(counts.values().sum::<u64>(), 1, "{text}");
    }
    let (text, _) = clean("export API_KEY='q1w2e3r4t5y6' # mine");
    assert!(text.starts_with("export API_KEY='[secret:") && text.ends_with("]' # mine"), "{text}");
}

#[test]
fn the_same_secret_has_the_same_mark_and_another_salt_another_one() {
    let (text, _) = clean("a@example.org b@example.org a@example.org");
    let marks: Vec<&str> = text.split(' ').collect();
    assert!(marks[0] == marks[2] && marks[0] != marks[1], "{text}");
    let other = Redactor { salt: "other".into(), ..Redactor::default() };
    assert_ne!(other.text("a@example.org", &mut Counts::new()).unwrap(), marks[0]);
}

#[test]
fn a_body_keeps_every_byte_but_the_texts_concerned() {
    let (found, counts) = body(
        r#"{ "model":"m",  "temperature":1.50,"messages":[{"role":"user","content":"mail \u0061@example.org\n"}],"user":"u" }"#,
    );
    let found = found.unwrap();
    assert!(
        found.starts_with(r#"{ "model":"m",  "temperature":1.50,"messages":[{"role":"user","content":"mail [email:"#)
    );
    assert!(found.ends_with(r#"]\n"}],"user":"u" }"#), "{found}");
    assert_eq!(counts, Counts::from([("email", 1)]));
    assert_eq!(body(r#"{"messages":[{"content":"plain \"text\" \\"}], "x":1e3}"#), (None, Counts::new()));
}

#[test]
fn members_that_are_named_like_secrets_lose_their_text_also_inside_arguments() {
    let (found, counts) = body(
        r#"{"api_key":"q","tool_calls":[{"function":{"name":"login","arguments":"{\"user\":\"ann\",\"password\":\"xyz\"}"}}]}"#,
    );
    let found = found.unwrap();
    assert!(!found.contains("xyz") && !found.contains(r#""q""#) && found.contains(r#"\"user\":\"ann\""#), "{found}");
    assert_eq!(counts, Counts::from([("secret", 2)]));
    let value: Value = serde_json::from_str(&found).unwrap();
    let arguments = value["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    assert!(serde_json::from_str::<Value>(arguments).unwrap()["password"].as_str().unwrap().starts_with("[secret:"));
}

#[test]
fn what_stands_right_behind_a_key_goes_with_it() {
    let key = ["AI", "za", &"a".repeat(35)].concat();
    let (text, counts) = clean(&format!("{key}13800138000 {key}"));
    assert!(!text.contains("13800138000") && !text.contains("aaaa"), "{text}");
    assert_eq!(counts, Counts::from([("api_key", 2)]));
    assert_eq!(clean(&text), (text.clone(), Counts::new()));
}

#[test]
fn each_class_can_be_left_alone() {
    let text = "a@example.org postgres://app:hunter2@db/x";
    let personal = Redactor { credentials: false, ..Redactor::default() };
    let credentials = Redactor { personal: false, ..Redactor::default() };
    assert!(personal.text(text, &mut Counts::new()).unwrap().contains("hunter2"));
    assert!(credentials.text(text, &mut Counts::new()).unwrap().contains("a@example.org"));
    assert_eq!(Redactor::none().text(text, &mut Counts::new()), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_body_stays_json_and_is_clean_after_once(text in "[a-z0-9@. +\"\\\\:{}\u{4e00}-\u{4e10}-]{0,80}", name in "[a-z]{1,9}|api_key|password") {
        let value = serde_json::json!({name: text, "list": [text, 1]});
        let raw = RawValue::from_string(value.to_string()).unwrap();
        let redactor = Redactor::default();
        if let Some(once) = redactor.json(&raw, &mut Counts::new()) {
            serde_json::from_str::<Value>(once.get()).unwrap();
            let mut in_place = value;
            redactor.value(&mut in_place, &mut Counts::new());
            prop_assert_eq!(serde_json::from_str::<Value>(once.get()).unwrap(), in_place);
            prop_assert!(redactor.json(&once, &mut Counts::new()).is_none(), "{}", once);
        }
    }
}

#[test]
fn what_is_found_is_what_goes() {
    let text =
        "Bearer abcdef0123456789abcdef, 我的邮箱a.b@example.org，电话13800138000；api_key=sk-0123456789abcdef0123 end";
    let found = Redactor::default().find(text);
    let kinds: Vec<(&str, bool, &str)> =
        found.iter().map(|one| (one.kind, one.credential, &text[one.bytes.clone()])).collect();
    let expected = [
        ("bearer", true, "abcdef0123456789abcdef"),
        ("email", false, "a.b@example.org"),
        ("phone", false, "13800138000"),
        ("api_key", true, "sk-0123456789abcdef0123"),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(Redactor::none().find(text), []);
}

proptest! {
    #[test]
    fn finds_are_in_order_and_on_letters(text in "[ -~\\u{4e00}-\\u{4e20}]{0,40}(a@b.cc|13800138000|sk-0123456789abcdef0|password: )?[ -~é]{0,40}") {
        let found = Redactor::default().find(&text);
        for one in &found {
            prop_assert!(text.get(one.bytes.clone()).is_some_and(|part| !part.is_empty()));
        }
        for pair in found.windows(2) {
            prop_assert!(pair[0].bytes.end <= pair[1].bytes.start);
        }
    }
}
