//! Reports: a verdict as people read it.
//!
//! [`write()`] turns a [`Verdict`] into one HTML page that opens offline, pictures for chat windows and slides, a
//! Markdown summary and a JUnit file for a CI run, tables of the evidence and the verdict itself. The verdict is the
//! only input: no clock, no network, no records, no randomness, so the same verdict gives the same bytes.
//!
//! ```text
//! verdict ─► model     formatted strings ─► html, markdown, junit
//!        ├─► charts    scene (lines, areas, texts) ─► inline SVG in the page, PNG through plotters
//!        └─► evidence  plain numbers ─► CSV
//! ```
//!
//! What this crate deliberately does not do: it computes no statistics and judges nothing. A figure that is not in
//! the verdict does not appear in a report.

use std::path::{Path, PathBuf};

use judge::verdict::Verdict;

mod charts;
mod diff;
mod error;
mod evidence;
mod files;
mod format;
mod html;
mod junit;
mod language;
mod markdown;
mod markup;
mod model;
mod palette;
mod pictures;
mod preflight;
mod simulation;
mod states;
mod timeline;
mod twin;

pub use error::ReportError;
pub use language::Language;
pub use preflight::{preflight_html, preflight_markdown, write_preflight};
pub use simulation::{simulation_table, write_simulation};
pub use timeline::{Chain, Look, LookError, Story, timeline_html, timeline_markdown, write_timeline};

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// PNG pictures beside the page (`guardrails.png`, `course.png`, `latency.png`, `quantiles.png`, `first-token.png`, `cost.png`,
    /// `bill.png`, `paid.png`, `outcomes.png`: those of which the verdict has evidence; each also `@2x`).
    pub pictures: bool,
    /// Language of the page, of the summary and of the pictures. Tables (CSV), JUnit and the verdict itself are for machines and
    /// stay English, as do names: of models, consumers, migrations and methods.
    pub language: Language,
}

impl Default for Options {
    fn default() -> Self {
        Self { pictures: true, language: Language::En }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The page: the file to open.
    pub page: PathBuf,
    /// All files, the page first.
    pub files: Vec<PathBuf>,
}

/// Writes the report into `out`, which is made if it does not exist. Files of an earlier report are replaced, other
/// files stay. Each file is written whole or not at all.
///
/// # Errors
///
/// [`ReportError`] names the file or folder that could not be written and what to do. Everything is rendered before
/// the first file is touched, except for the pictures.
pub fn write(verdict: &Verdict, out: &Path, options: Options) -> Result<Written, ReportError> {
    let page = options.language.page(html(verdict)?);
    let summary = markdown::bounded(options.language.markdown(markdown::render(verdict)?));
    let tables = evidence::all(verdict)?;
    files::make_folder(out)?;
    let mut written = vec![
        files::write(out, "index.html", page.as_bytes())?,
        files::write(out, "report.md", summary.as_bytes())?,
        files::write(out, "junit.xml", junit(verdict).as_bytes())?,
        twin::write(verdict, out)?,
    ];
    for (name, table) in tables {
        written.push(files::write(out, name, &table)?);
    }
    if options.pictures {
        written.extend(pictures::write(verdict, out, options.language)?);
    }
    Ok(Written { page: out.join("index.html"), files: written })
}

/// The page: one self-contained HTML document with inline style and SVG, without scripts and without anything that
/// is loaded from elsewhere.
///
/// # Errors
///
/// [`ReportError::Template`] if a bundled template does not fit, which no verdict should be able to cause.
pub fn html(verdict: &Verdict) -> Result<String, ReportError> {
    html::render(verdict)
}

/// The summary in GitHub-flavoured Markdown, for a step summary of a CI run or a comment on a change. Never as large as
/// 1 MiB, which is what a step summary may have: long lists end with a sentence that says how much is left out.
#[must_use]
pub fn markdown(verdict: &Verdict, language: Language) -> String {
    // The template is bundled and tested; if it ever failed, the answer itself must still come through.
    let english = markdown::render(verdict).unwrap_or_else(|_| format!("## {}\n", verdict.verdict.word()));
    markdown::bounded(language.markdown(english))
}

/// The verdict as JUnit XML, for CI systems: one case a guardrail and one for the verdict. Only a GO is green: what is
/// proven worse is a failure, an undecided guardrail is skipped, and a HOLD makes the case of the verdict an error.
#[must_use]
pub fn junit(verdict: &Verdict) -> String {
    junit::render(verdict)
}

#[cfg(test)]
mod tests;
