//! Texts and bodies on their way through the redactor.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| datasets_fuzz::redact(text));
