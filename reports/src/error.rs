//! What can go wrong while a report is made, with the path and the way out.

use std::path::PathBuf;

/// A report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder for the report cannot be made.
    #[error("cannot make the folder {path} for the report: {source}; name a folder that you may write to")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of the report cannot be written.
    #[error("cannot write {path}: {source}; check the free space and the permissions of its folder, then run it again")]
    Write {
        /// The file that was to be written. It has its old content, or does not exist.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A picture cannot be drawn.
    #[error("cannot draw {path}: {reason}; pictures can be left out with `pictures: false`")]
    Picture {
        /// The picture that was to be written.
        path: PathBuf,
        /// What the drawing library said.
        reason: String,
    },
    /// A bundled template does not fit the verdict; no input should be able to cause this.
    #[error("the bundled template does not fit this verdict: {0}; please report it together with the verdict file")]
    Template(#[from] minijinja::Error),
    /// The verdict cannot be written as JSON; no input should be able to cause this.
    #[error("the verdict cannot be written as JSON: {0}; please report it together with the verdict file")]
    Twin(String),
    /// The evidence table cannot be put together.
    #[error("cannot write the evidence table: {0}; please report it together with the verdict file")]
    Table(#[from] csv::Error),
}
