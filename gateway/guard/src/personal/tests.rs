use super::*;
use proptest::prelude::*;

fn masked(text: &str) -> String {
    mask(text, &Personal::default().check(text).findings)
}

#[test]
fn personal_data_are_masked_by_their_kind() {
    let key = ["sk-", "proj-Ab3dEf6hIj9lMn2pQr5t"].concat();
    for (text, expected) in [
        ("write to anna@example.org or +49 30 1234567", "write to [email] or [phone]"),
        ("我的手机是13800138000，身份证11010519491231002X。", "我的手机是[phone]，身份证[id_number]。"),
        ("手机１３８００１３８０００，谢谢", "手机[phone]，谢谢"),
        ("邮箱ａｎｎａ＠ｅｘａｍｐｌｅ．ｏｒｇ", "邮箱[email]"),
        ("138\u{200b}0013\u{200b}8000!", "[phone]!"),
        ("card 4111 1111 1111 1111 for DE89 3704 0044 0532 0130 00", "card [card] for [iban]"),
        (&format!("use {key}."), "use [api_key]."),
        ("nothing here, order 47-11200", "nothing here, order 47-11200"),
        ("", ""),
    ] {
        assert_eq!(masked(text), expected, "{text}");
    }
}

#[test]
fn kinds_have_their_levels_and_can_be_left_out() {
    let text = "a@example.org 4111111111111111 Bearer abcdef0123456789abcdef";
    let levels = |personal: Personal| -> Vec<(String, Level)> {
        personal.check(text).findings.into_iter().map(|one| (one.label, one.level)).collect()
    };
    let (bearer, card) = (("bearer".to_owned(), Level::High), ("card".to_owned(), Level::High));
    let email = ("email".to_owned(), Level::Medium);
    assert_eq!(levels(Personal::default()), [bearer.clone(), card.clone(), email.clone()]);
    assert_eq!(levels(Personal { credentials: false, persons: true }), [card, email]);
    assert_eq!(levels(Personal { credentials: true, persons: false }), [bearer]);
}

#[test]
fn spans_that_overlap_have_one_mark() {
    let finding = |category, label: &str, spans: Vec<Range<usize>>| Finding {
        category,
        label: label.to_owned(),
        level: Level::High,
        score: None,
        spans,
    };
    let findings = [
        finding(Category::Profanity, "en", vec![4..7, 0..3, 90..95]),
        finding(Category::SensitiveData, "email", vec![1..6, 9..9]),
    ];
    assert_eq!(mask("abcdefghij", &findings), "***hij");
    assert_eq!(mask("äbc", &[finding(Category::Profanity, "en", vec![1..3, 9..9])]), "äbc");
}

proptest! {
    #[test]
    fn nothing_that_was_found_stays(text in any::<String>(), inside in "(1380013800[0-9]|a@b\\.cc|１３８００１３８０００)?") {
        let text = format!("{text} {inside} {text}");
        let findings = Personal::default().check(&text).findings;
        for span in findings.iter().flat_map(|one| &one.spans) {
            prop_assert!(text.get(span.clone()).is_some_and(|part| !part.is_empty()));
        }
        let masked = mask(&text, &findings);
        prop_assert_eq!(findings.is_empty(), masked == text);
    }
}
