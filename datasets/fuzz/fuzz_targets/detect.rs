//! Bytes of no stated format: whatever they are taken for, reading them ends.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    datasets_fuzz::endure::import(None, bytes);
});
