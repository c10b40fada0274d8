//! A finished HTML page in another language.
//!
//! The page is our own: it is well formed and has no scripts. Texts between tags and those in the attributes that people hear
//! or see are translated, each as a whole; markup is not touched, nor is what somebody else wrote: styles, code, answers.

use super::Catalogue;
use crate::markup::escaped;
use regex::{Captures, Regex};
use std::sync::OnceLock;

/// The page with all texts that the catalogue knows, and the language in its first tag.
pub(super) fn translated(page: &str, catalogue: &Catalogue, language: &str) -> String {
    let mut out = String::with_capacity(page.len() + page.len() / 8);
    let mut rest = page;
    let mut raw_until: Option<&str> = None;
    while let Some(open) = rest.find('<') {
        let (text, tagged) = rest.split_at(open);
        push_text(&mut out, text, raw_until.is_some(), catalogue);
        let end = tagged.find('>').map_or(tagged.len(), |end| end + 1);
        let (tag, after) = tagged.split_at(end);
        raw_until = match raw_until {
            Some(closing) => Some(closing).filter(|closing| tag != *closing),
            None => raw(tag),
        };
        push_tag(&mut out, tag, catalogue, language);
        rest = after;
    }
    push_text(&mut out, rest, raw_until.is_some(), catalogue);
    out
}

/// The tag that ends what this one begins, if nothing between them is to be translated.
pub(super) fn raw(tag: &str) -> Option<&'static str> {
    const RAW: [(&str, &str); 4] =
        [("<style", "</style>"), ("<script", "</script>"), ("<code", "</code>"), ("<p class=\"answer-text\"", "</p>")];
    RAW.into_iter().find(|(opening, _)| tag.starts_with(opening)).map(|(_, closing)| closing)
}

fn push_text(out: &mut String, text: &str, is_raw: bool, catalogue: &Catalogue) {
    if is_raw || text.trim().is_empty() {
        out.push_str(text);
    } else {
        out.push_str(&escaped(&catalogue.say(&unescaped(text))));
    }
}

fn push_tag(out: &mut String, tag: &str, catalogue: &Catalogue, language: &str) {
    static TOLD: OnceLock<Option<Regex>> = OnceLock::new();
    let told = TOLD.get_or_init(|| Regex::new(r#" (aria-label|title|alt|data-label)="([^"]*)""#).ok());
    if tag.starts_with("<html") {
        out.push_str(&tag.replace("lang=\"en\"", &format!("lang=\"{language}\"")));
        return;
    }
    let Some(told) = told.as_ref().filter(|_| tag.contains('"')) else {
        out.push_str(tag);
        return;
    };
    let say = |found: &Captures<'_>| {
        let (name, value) = (&found[1], &found[2]);
        format!(" {name}=\"{}\"", escaped(&catalogue.say(&unescaped(value))))
    };
    out.push_str(&told.replace_all(tag, say));
}

/// The references that our templates write.
const REFERENCES: [(&str, &str); 7] =
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#39;", "'"), ("&#x2f;", "/"), ("&amp;", "&")];

/// `&amp;` comes last, so that nothing is read twice.
fn unescaped(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    REFERENCES.iter().fold(text.to_owned(), |text, (reference, character)| text.replace(reference, character))
}
