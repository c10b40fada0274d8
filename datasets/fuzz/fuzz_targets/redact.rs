//! Texts and bodies on their way through the redactor.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    datasets_fuzz::endure::redact(bytes);
});
