//! The summary in GitHub-flavoured Markdown.

mod limits;

pub(crate) use limits::bounded;

use judge::verdict::Verdict;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, ValueKind};
use minijinja::{AutoEscape, Environment, Error, Output, State, UndefinedBehavior, Value, context};

use crate::error::ReportError;
use crate::model;

const TEMPLATE: &str = include_str!("../templates/report.md");

/// Renders the summary.
pub(crate) fn render(verdict: &Verdict) -> Result<String, ReportError> {
    let mut templates = environment()?;
    templates.add_template("report.md", TEMPLATE)?;
    let mut page = model::page(verdict);
    let left_out = limits::shorten(&mut page);
    let text = templates.get_template("report.md")?.render(context! { page => Serde(page), left_out })?;
    Ok(limits::bounded(format!("{}\n", text.trim_end())))
}

/// Templates of summaries: values are text to Markdown, and an unknown name is an error.
pub(crate) fn environment() -> Result<Environment<'static>, ReportError> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_auto_escape_callback(|_| AutoEscape::None);
    templates.set_formatter(write_escaped);
    templates.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    Ok(templates)
}

/// Writes a value so that Markdown takes it as text; what a template marks as safe stands in a block of code and is written as it
/// is. Undefined values are errors, as everywhere.
fn write_escaped(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.kind() == ValueKind::String && !value.is_safe() {
        return out.write_str(&escaped(value.as_str().unwrap_or_default())).map_err(Error::from);
    }
    minijinja::escape_formatter(out, state, value)
}

/// A text without meaning to Markdown or HTML, on one line and not longer than a line should be.
fn escaped(text: &str) -> String {
    let mut kept: String = text.chars().take(limits::CHARACTERS_AT_MOST).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    plain(&kept)
}

/// A text without meaning to Markdown or HTML, on one line.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// What an escaped text was.
pub(crate) fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => out.extend(characters.next()),
            c => out.push(c),
        }
    }
    [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")].iter().fold(out, |text, (written, c)| text.replace(written, c))
}

#[cfg(test)]
mod tests {
    use super::{escaped, unescaped};

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(escaped("a|b\n*c* <script>"), "a\\|b \\*c\\* &lt;script&gt;");
        assert_eq!(escaped("+0.52 pp"), "+0.52 pp");
        for text in ["a|b *c* <script>", "`x_y` [1] &lt; 5 \\"] {
            assert_eq!(unescaped(&escaped(text)), text);
        }
    }
}
