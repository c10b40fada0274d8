//! A preflight as people read it: one page, and a summary in Markdown.
//!
//! The document is the only input: the same document gives the same bytes. What stands in it are names, numbers and lines of
//! logs, never content, and all of it is escaped.

mod cost;
mod view;

use std::path::{Path, PathBuf};

use minijinja::context;
use minijinja::value::Serde;
use preflight::Document;

use crate::error::ReportError;
use crate::{files, html, markdown};

const PAGE: &str = include_str!("../templates/preflight.html");
const SUMMARY: &str = include_str!("../templates/preflight.md");

/// The page: one self-contained HTML document without scripts and without anything that is loaded from elsewhere.
///
/// # Errors
///
/// [`ReportError::Template`] if a bundled template does not fit, which no document should be able to cause.
pub fn preflight_html(document: &Document) -> Result<String, ReportError> {
    let mut templates = html::environment()?;
    templates.add_template("preflight.html", PAGE)?;
    let page = templates.get_template("preflight.html")?.render(context! {
        page => Serde(view::page(document)),
        style => html::style(),
        totals => view::totals_chart(document),
        rates => cost::chart(&document.cost),
    })?;
    Ok(page)
}

/// The summary in GitHub-flavoured Markdown, for a step summary of a CI run: the worst first, and far below 1 MiB.
///
/// # Errors
///
/// [`ReportError::Template`], as for the page.
pub fn preflight_markdown(document: &Document) -> Result<String, ReportError> {
    let mut templates = markdown::environment()?;
    templates.add_template("preflight.md", SUMMARY)?;
    let page = Serde(view::page(document));
    let text = templates.get_template("preflight.md")?.render(context! { page => page })?;
    Ok(format!("{}\n", text.trim_end()))
}

/// Writes page (`preflight.html`) and summary (`preflight.md`) into `out`, which is made if it does not exist.
///
/// # Errors
///
/// [`ReportError`] names the file or folder that could not be written and what to do.
pub fn write_preflight(document: &Document, out: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let (page, summary) = (preflight_html(document)?, preflight_markdown(document)?);
    files::make_folder(out)?;
    Ok(vec![
        files::write(out, "preflight.html", page.as_bytes())?,
        files::write(out, "preflight.md", summary.as_bytes())?,
    ])
}

#[cfg(test)]
mod tests;
