//! Filters by what a row says.

use super::Selection;
use datasets::LoggedRequest;
use std::convert::Infallible;
use std::str::FromStr;
use wire::Request;
use wire::usage::Characters;

/// A name, or with a `*` at its end all that begin with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// This one.
    Exact(String),
    /// All that begin so.
    Prefix(String),
}

impl FromStr for Name {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.strip_suffix('*') {
            Some(prefix) => Self::Prefix(prefix.to_owned()),
            None => Self::Exact(text.to_owned()),
        })
    }
}

impl Name {
    fn fits(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => name == exact,
            Self::Prefix(prefix) => name.starts_with(prefix),
        }
    }
}

/// A range of counts, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Fewest.
    pub min: Option<u64>,
    /// Most.
    pub max: Option<u64>,
}

impl Span {
    fn is_open(self) -> bool {
        self.min.is_none() && self.max.is_none()
    }

    fn holds(self, count: u64) -> bool {
        self.min.is_none_or(|min| count >= min) && self.max.is_none_or(|max| count <= max)
    }
}

/// Whether a row passes all filters. A body that cannot be read passes: what is wrong with it is told where it would
/// be sent, and a filter must not hide it.
pub(super) fn passes(row: &LoggedRequest, selection: &Selection) -> bool {
    if !selection.endpoints.is_empty() && !selection.endpoints.contains(&row.endpoint) {
        return false;
    }
    let consumer = row.consumer.as_deref().unwrap_or_default();
    if !selection.consumers.is_empty() && !selection.consumers.iter().any(|name| name.fits(consumer)) {
        return false;
    }
    if selection.models.is_empty() && selection.prompt_chars.is_open() {
        return true;
    }
    let Ok(request) = Request::parse(row.endpoint, row.body.get().as_bytes()) else { return true };
    if !selection.models.is_empty() && !selection.models.iter().any(|name| name.fits(&request.model)) {
        return false;
    }
    selection.prompt_chars.is_open() || {
        let mut prompt = Characters::default();
        request.for_each_text(|text| prompt.add(text));
        selection.prompt_chars.holds(prompt.total())
    }
}
