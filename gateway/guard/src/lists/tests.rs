use super::*;

fn bundled() -> Lists {
    let sources: Vec<ListSource<'_>> = BUNDLED.iter().filter_map(|name| ListSource::bundled(name)).collect();
    Lists::compile(&sources).unwrap()
}

#[test]
fn masked_words_are_found_where_they_stand() {
    let lists = bundled();
    for word in [
        "fuck",
        "FUCK",
        "ｆｕｃｋ",
        "f.u.c.k",
        "f u c k",
        "fuuuuuck",
        "fu\u{200b}ck",
        "f**k",
        "fu*ck",
        "fück",
        "fuсk",
        "𝒇𝒖𝒄𝒌",
        "sh1t",
        "$hit",
        "b!tch",
        "f-u-c-k",
        "ⓕⓤⓒⓚ",
        "f\u{336}u\u{336}c\u{336}k",
        "傻逼",
        "傻 逼",
        "傻*逼",
        "傻\u{200d}逼",
        "傻B",
        "操你媽",
        "傻.逼",
    ] {
        for (before, after) in [("", ""), ("you ", " you"), ("说 “", "”。"), ("Ünï ", ", no")] {
            let text = format!("{before}{word}{after}");
            let verdict = lists.check(&text);
            let spans: Vec<&str> =
                verdict.findings.iter().flat_map(|one| &one.spans).map(|span| &text[span.clone()]).collect();
            assert_eq!(spans, [word], "{text}");
        }
    }
}

#[test]
fn words_inside_other_words_are_not_found() {
    let lists = bundled();
    for text in
        ["Scunthorpe shitake", "push it", "good bookkeeping, 3rd class, mp3, user@example.com", "他真傻，逼我走", ""]
    {
        assert_eq!(lists.check(text), Verdict::default(), "{text}");
    }
}
