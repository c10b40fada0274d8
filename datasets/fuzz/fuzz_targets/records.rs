//! Files of exchange records.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    datasets_fuzz::endure::records(bytes);
});
