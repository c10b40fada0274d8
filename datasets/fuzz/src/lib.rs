//! What the fuzz targets do with their bytes: the same as the test of what they found.

#[path = "../../tests/found/endure.rs"]
pub mod endure;

/// Column names of the access logs.
const MAPPING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/found/nginx.toml");

/// A target for one format.
#[macro_export]
macro_rules! reader {
    ($format:ident) => {
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
            $crate::endure::import(Some(datasets::import::LogFormat::$format), bytes);
        });
    };
}
