//! vLLM's custom benchmark data.

use super::detect::Head;
use super::entry::Reader;
use super::format::Field;
use super::input::Input;
use super::{ImportError, ImportOptions};

/// What the format can fill.
pub(super) const FILLS: &[Field] = &[];

/// Whether a file begins like one of this format.
pub(super) const fn is_it(_head: &Head) -> bool {
    false
}

/// Reads the files.
///
/// # Errors
/// The options do not fit, or a file cannot be read.
pub(super) fn open(_inputs: Vec<Input>, _options: &ImportOptions) -> Result<Box<dyn Reader>, ImportError> {
    Err(ImportError::Options("this format cannot be read yet".to_owned()))
}
