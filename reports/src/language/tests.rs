use super::*;

fn catalogue() -> Catalogue {
    Catalogue::read(
        r#"
        "Guardrails" = "护栏"
        "errors" = "错误"
        "{n} of {all} pairs" = "{all} 对中的 {n} 对"
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
    let page = "<html lang=\"en\"><style>Guardrails</style><h2 title=\"errors\" id=\"errors\">Guardrails</h2><p>&lt;b&gt; &amp; \
                3 of &lt;i&gt; pairs</p><td data-label=\"Guardrails\">errors</td></html>";
    let expected = "<html lang=\"zh-CN\"><style>Guardrails</style><h2 title=\"错误\" id=\"errors\">护栏</h2><p>&lt;i&gt; \
                    对中的 &lt;b&gt; &amp; 3 对</p><td data-label=\"护栏\">错误</td></html>";
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
