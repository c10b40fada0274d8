//! The lists that come with the program.

use super::ListSource;

/// Names of the bundled lists.
pub const BUNDLED: [&str; 2] = ["en", "zh"];

impl ListSource<'static> {
    /// The bundled list of that name; `None` if there is none.
    #[must_use]
    pub fn bundled(name: &str) -> Option<Self> {
        let (file, text) = match name {
            "en" => ("en.toml", include_str!("../../lists/en.toml")),
            "zh" => ("zh.toml", include_str!("../../lists/zh.toml")),
            _ => return None,
        };
        Some(Self { file, text })
    }
}
