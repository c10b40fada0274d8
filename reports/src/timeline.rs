//! The timeline of a migration: what the audit log says was decided when, by whom and from what evidence, over what the looks
//! of the judge had found by then.
//!
//! The log and the looks are the only input: the same bytes give the same page. Three rules keep it honest. What the log does
//! not say is a gap and drawn as one, never a line through it. An instant is what its line says; where a clock was set back, the
//! line stays in the order of the log and is said to be out of order. And what is left out of a bounded page is counted.
//!
//! ```text
//! entries ─► weights  steps, gaps, alarms ─┐
//! looks   ─► lanes    states, harm, money ─┼─► charts::story ─► SVG in the page, PNG
//!        └─► view     figures, table ──────┴─► timeline.html, timeline.md
//! ```

mod axis;
mod decisions;
mod drawing;
mod lanes;
mod look;
mod twin;
mod view;
mod weights;

use std::path::Path;

use gate::audit::Entry;
use minijinja::context;
use minijinja::value::Serde;

pub use look::{Look, LookError};

use crate::charts::story;
use crate::error::ReportError;
use crate::{Options, Written, files, html, markdown, pictures};

const PAGE: &str = include_str!("../templates/timeline.html");
const SUMMARY: &str = include_str!("../templates/timeline.md");

/// What is known about the log's chain of hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chain {
    /// Every line follows from the one before; the hash of the last one, hexadecimal.
    Whole {
        /// SHA-256 of the last line.
        head: String,
    },
    /// The last line was cut off in the middle of writing; all before it hold.
    Torn {
        /// SHA-256 of the last whole line.
        head: String,
    },
    /// The chain is broken; what stands here says where, and the entries are those before the break.
    Broken {
        /// What is wrong, as a sentence.
        why: String,
    },
}

/// What a timeline is made of.
#[derive(Debug, Clone, Copy)]
pub struct Story<'a> {
    /// Migration shown; entries of others are left out and counted.
    pub migration: &'a str,
    /// The log, the oldest entry first.
    pub entries: &'a [Entry],
    /// Looks of the judge, in any order; may be empty.
    pub looks: &'a [Look],
    /// Whether the log is whole.
    pub chain: &'a Chain,
    /// How many seconds of the story one real second stands for: 1 where time ran as it does, above 1 in a demonstration. Only
    /// the axis and the table show the story's time; records, log and verdicts keep real instants.
    pub clock_speed: u32,
}

/// Writes `timeline.html`, `timeline.md`, `timeline.json` and, if wanted, `timeline.png` (also `@2x`) into `out`, which is made
/// if it does not exist. Links of the page to reports of looks are relative to `out`.
///
/// # Errors
/// [`ReportError`] names the file or folder that could not be written and what to do.
pub fn write_timeline(story: &Story<'_>, out: &Path, options: Options) -> Result<Written, ReportError> {
    let language = options.language;
    let page = language.page(timeline_html(story)?);
    let summary = markdown::bounded(language.markdown(timeline_markdown(story)?));
    let twin = twin::json(story)?;
    files::make_folder(out)?;
    let mut written = vec![
        files::write(out, "timeline.html", page.as_bytes())?,
        files::write(out, "timeline.md", summary.as_bytes())?,
        files::write(out, "timeline.json", &twin)?,
    ];
    if options.pictures {
        let scene = pictures::beneath(view::heading(story), Some(story::broad(&drawing::chart(story))));
        written.extend(pictures::both_sizes(out, "timeline", &language.scene(scene))?);
    }
    Ok(Written { page: out.join("timeline.html"), files: written })
}

/// The page: one self-contained HTML document without scripts and without anything that is loaded from elsewhere.
///
/// # Errors
/// [`ReportError::Template`] if a bundled template does not fit, which no log should be able to cause.
pub fn timeline_html(story: &Story<'_>) -> Result<String, ReportError> {
    let chart = drawing::chart(story);
    let mut templates = html::environment()?;
    templates.add_template("timeline.html", PAGE)?;
    let page = templates.get_template("timeline.html")?.render(context! {
        page => Serde(view::page(story, &chart)),
        style => html::style(),
        chart => html::both("timeline", &story::broad(&chart), &story::narrow(&chart)),
        signs => story::legend(&chart),
        icons => html::icons(),
    })?;
    Ok(page)
}

/// The same as GitHub-flavoured Markdown: figures and the table of decisions.
///
/// # Errors
/// [`ReportError::Template`], as for the page.
pub fn timeline_markdown(story: &Story<'_>) -> Result<String, ReportError> {
    let mut templates = markdown::environment()?;
    templates.add_template("timeline.md", SUMMARY)?;
    let page = Serde(view::page(story, &drawing::chart(story)));
    let text = templates.get_template("timeline.md")?.render(context! { page => page })?;
    Ok(format!("{}\n", text.trim_end()))
}

#[cfg(test)]
pub(crate) mod tests;
