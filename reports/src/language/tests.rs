use super::*;

fn catalogue() -> Catalogue {
    Catalogue::read(
        r#"
        "Guardrails" = "护栏"
        "errors" = "错误"
        "{n} of {name} pairs" = "{name} 对中的 {n} 对"
        "kept {what}" = "保留 {what}"
        "Share of {metric}: {what}." = "{metric}的比例：{what}。"
        "Nothing was lost." = "没有丢失。"
        "#,
    )
    .unwrap()
}

#[test]
fn texts_patterns_and_what_stands_in_their_holes_are_translated() {
    let catalogue = catalogue();
    assert_eq!(catalogue.say("Guardrails"), "护栏");
    assert_eq!(catalogue.say("\n  Guardrails "), "\n  护栏 ");
    assert_eq!(catalogue.say("3 of 1 200 pairs"), "1 200 对中的 3 对");
    assert_eq!(catalogue.say("Share of errors: 3 of 9 pairs."), "错误的比例：9 对中的 3 对。");
    assert_eq!(catalogue.say("Share of errors: 1. Nothing was lost."), "错误的比例：1。没有丢失。");
    assert_eq!(catalogue.say("3 of errors pairs"), "错误对中的 3 对");
    for unknown in ["gpt-4o", "", "  ", "Never said."] {
        assert_eq!(catalogue.say(unknown), unknown);
    }
}

#[test]
fn a_translation_that_lacks_a_hole_is_refused() {
    assert!(Catalogue::read("\"{n} pairs\" = \"对\"").unwrap_err().contains("lacks {n}"));
    assert!(Catalogue::read("\"{n pairs\" = \"对\"").unwrap_err().contains("without an end"));
}

#[test]
fn a_page_keeps_its_markup_and_its_names_stay_harmless() {
    let catalogue = catalogue();
    let page = "<html lang=\"en\"><style>Guardrails</style><h2 title=\"errors\" id=\"errors\">Guardrails</h2>\
                <p>kept &lt;b&gt; &amp; &lt;i&gt;</p><code>Guardrails</code><td data-label=\"Guardrails\">errors</td></html>";
    let expected = "<html lang=\"zh-CN\"><style>Guardrails</style><h2 title=\"错误\" id=\"errors\">护栏</h2>\
                    <p>保留 &lt;b&gt; &amp; &lt;i&gt;</p><code>Guardrails</code><td data-label=\"护栏\">错误</td></html>";
    assert_eq!(page::translated(page, &catalogue, "zh-CN"), expected);
}

#[test]
fn markdown_keeps_its_marks() {
    let text = "## Guardrails\n\n- 3 of 4 pairs\n| errors | 1 |\n|---|---|\n";
    assert_eq!(lines::translated(text, &catalogue()), "## 护栏\n\n- 4 对中的 3 对\n| 错误 | 1 |\n|---|---|\n");
}

#[test]
fn the_bundled_catalogue_can_be_read() {
    Catalogue::read(include_str!("zh.toml")).unwrap();
}

#[test]
fn figures_are_told_from_words() {
    for figure in ["3", "3 of 9", "+0.52 pp", "$1.20", "–", "unbounded", "12 Nov, 10:00", "1 200", "x1.150", "95 %"] {
        assert!(pattern::is_figure(figure), "{figure}");
    }
    for words in ["", "pairs", "3 in 9", "gpt-4o", "at most 3"] {
        assert!(!pattern::is_figure(words), "{words}");
    }
}

#[test]
fn lists_are_translated_item_by_item() {
    let catalogue = catalogue();
    assert_eq!(catalogue.say("errors; gpt-4o, Errors · 3 of 9 pairs."), "错误；gpt-4o，错误 · 9 对中的 3 对。");
    assert_eq!(catalogue.say("Guardrails: 3 → errors; Errors (errors, 2)"), "护栏：3 → 错误；错误（错误，2）");
    assert_eq!(catalogue.say("gpt-4o, deepseek-chat"), "gpt-4o, deepseek-chat");
}
