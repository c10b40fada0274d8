//! For tests: the tables in the README are those in the code.

use crate::endpoint::Endpoint;
use crate::provider::matrix::to_markdown;
use crate::provider::{Adapter, compatible::Compatible, deepseek::DeepSeek, openai::OpenAi};
use std::path::Path;

#[test]
fn the_readme_prints_the_tables_that_drive_the_rewrite() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let mut text = std::fs::read_to_string(&path).unwrap();
    let given = text.clone();
    for (name, table) in [
        ("deepseek chat", DeepSeek.matrix(Endpoint::Chat)),
        ("deepseek responses", DeepSeek.matrix(Endpoint::Responses)),
        ("openai chat", OpenAi.matrix(Endpoint::Chat)),
        ("compatible chat", Compatible.matrix(Endpoint::Chat)),
        ("compatible completions and embeddings", Compatible.matrix(Endpoint::Completions)),
    ] {
        let start = format!("<!-- {name} -->\n");
        let (before, rest) = text.split_once(&start).unwrap();
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        text = format!("{before}{start}{}<!-- end -->{after}", to_markdown(table));
    }
    if std::env::var_os("WEIGHBRIDGE_WRITE").is_some() {
        std::fs::write(&path, &text).unwrap();
    } else {
        assert!(text == given, "wire/README.md is not up to date: WEIGHBRIDGE_WRITE=1 cargo test -p wire readme");
    }
}
