//! What can be wrong with a list.

/// Why lists cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// Something in a file.
    #[error("{file}, line {line}: {problem}")]
    Entry {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Nothing in particular: all of them together.
    #[error("the lists are too large to search with: {problem}; use fewer or shorter words")]
    Size {
        /// What the search says.
        problem: String,
    },
}
