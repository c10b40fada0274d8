//! What is wrong with a file, and where.

use crate::TargetError;

/// Something in a text that was not expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Byte of the text; `None` where it is about the whole.
    at: Option<usize>,
    /// What was found, what was expected and what to do.
    says: String,
}

impl Fault {
    /// Of one place.
    pub(crate) fn at(offset: usize, says: impl Into<String>) -> Self {
        Self { at: Some(offset), says: says.into() }
    }

    /// Of the whole text.
    pub(crate) fn whole(says: impl Into<String>) -> Self {
        Self { at: None, says: says.into() }
    }

    /// With the file's name, line and column, the way compilers say it.
    pub(crate) fn of(self, path: &str, text: &str) -> TargetError {
        let Self { at, says } = self;
        TargetError::Usage(match at {
            Some(offset) => {
                let (line, column) = line_and_column(text, offset);
                format!("{path}:{line}:{column}: {says}")
            }
            None => format!("{path}: {says}"),
        })
    }
}

/// Line and column of a byte, both from 1, the column in characters.
pub(crate) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let begins = before.rfind('\n').map_or(0, |feed| feed + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let in_line = before.get(begins..).unwrap_or_default();
    // A byte order mark is no column.
    (line, in_line.chars().filter(|character| *character != '\u{feff}').count() + 1)
}
