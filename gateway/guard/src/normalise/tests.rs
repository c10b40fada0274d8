use super::*;
use proptest::prelude::*;

#[test]
fn letters_are_folded() {
    for (text, expected) in [
        ("Plain TEXT", "plain text"),
        ("  two\t\r\n lines \n", " two lines "),
        ("Ｆｕｌｌ－ｗｉｄｔｈ！", "full-width!"),
        ("Café Ångström Łódź", "cafe angstrom lodz"),
        ("C\u{327}a\u{301}\u{30a}", "ca"),
        ("in\u{200b}vi\u{ad}si\u{2060}ble\u{e0041}", "invisible"),
        ("раypаl Ехсеl", "paypal excel"),
        ("𝕱𝖗𝖆𝖐𝖙𝖚𝖗 ⓒⓘⓡⓒⓛⓔⓢ 🅂🅀🅄🄰🅁🄴🅂 🆀", "fraktur circles squares q"),
        ("ﬁne Ⅷ ½", "fine viii 1⁄2"),
        ("將軍說：「資訊」", "将军说:「资讯」"),
        ("“it’s”—so", "\"it's\"-so"),
        ("한글 かな ガ", "한글 かな ガ"),
        ("", ""),
    ] {
        assert_eq!(Folded::of(text).text(), expected, "{text}");
    }
}

#[test]
fn stretches_lead_back_to_where_they_came_from() {
    let text = "Ａ\u{200b}b \t ﬁ傻";
    let folded = Folded::of(text);
    assert_eq!(folded.text(), "ab fi傻");
    let origin = |range: Range<usize>| &text[folded.original(range)];
    assert_eq!(origin(0..2), "Ａ\u{200b}b");
    assert_eq!(origin(1..2), "b");
    assert_eq!(origin(2..3), " ");
    assert_eq!(origin(3..4), "ﬁ");
    assert_eq!(origin(4..5), "ﬁ");
    assert_eq!(origin(5..8), "傻");
}

#[test]
fn a_clean_text_has_one_run() {
    assert_eq!(Folded::of("Nothing to see here, thanks.").runs.len(), 1);
    assert_eq!(Folded::of("这里没有什么可看的、谢谢。").runs.len(), 1);
    assert!(unmask("nothing to see here, thanks.", &Masked::default()).is_empty());
}

#[test]
fn masks_come_off() {
    let mut masked = Masked::default();
    masked.add("word");
    let readings = |text: &str| -> Vec<String> {
        unmask(text, &masked).into_iter().map(|reading| reading.text().to_owned()).collect()
    };
    assert_eq!(readings("a w0rd here"), ["a word here"]);
    assert_eq!(readings("a w*rd here"), ["a word here"]);
    assert_eq!(readings("a w.o.r.d here"), ["a word here"]);
    assert_eq!(readings("i w o r d"), ["i word"]);
    assert_eq!(readings("he11o"), ["heiio", "hello"]);
    assert_eq!(readings("baaad"), ["bad", "baad"]);
    assert_eq!(readings("傻*子 和 笨 蛋"), ["傻子和笨蛋"]);
    assert_eq!(readings("他说，好"), Vec::<String>::new());
    assert_eq!(readings("1984 and 42%!"), Vec::<String>::new());
}

fn strange() -> impl Strategy<Value = String> {
    let letter = prop_oneof![
        any::<char>(),
        prop::sample::select("aA1@$*. -_!傻逼ｆ\u{200b}\u{301}ﷺ é的，。\n".chars().collect::<Vec<_>>()),
    ];
    prop::collection::vec(letter, 0..80).prop_map(|letters| letters.into_iter().collect())
}

proptest! {
    #[test]
    fn every_letter_leads_back_to_letters(text in strange()) {
        let folded = Folded::of(&text);
        let mut last = 0;
        for (at, letter) in folded.text().char_indices() {
            let origin = folded.original(at..at + letter.len_utf8());
            prop_assert!(text.get(origin.clone()).is_some_and(|part| !part.is_empty()), "{origin:?}");
            prop_assert!(origin.start >= last);
            last = origin.start;
        }
        let mut masked = Masked::default();
        masked.add("fuck");
        for reading in unmask(folded.text(), &masked) {
            for (at, letter) in reading.text().char_indices() {
                let origin = folded.original(reading.original(at..at + letter.len_utf8()));
                prop_assert!(text.get(origin.clone()).is_some_and(|part| !part.is_empty()), "{origin:?}");
            }
        }
    }

    #[test]
    fn folding_twice_changes_nothing(text in strange()) {
        let once = Folded::of(&text);
        let twice = Folded::of(once.text());
        prop_assert_eq!(twice.text(), once.text());
    }

    #[test]
    fn memory_is_in_proportion(text in strange()) {
        let folded = Folded::of(&text);
        prop_assert!(folded.text().len() <= text.len() * 12 + 1);
        prop_assert!(folded.runs.len() <= text.chars().count());
    }
}
