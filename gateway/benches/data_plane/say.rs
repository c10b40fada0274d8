//! The only place that prints: results to standard output, everything else to standard error.

/// A line of results, or of a worker's answer to the process that started it.
#[expect(clippy::print_stdout, reason = "a benchmark's results are its standard output")]
pub(crate) fn result(line: &str) {
    println!("{line}");
}

/// What is going on.
#[expect(clippy::print_stderr, reason = "progress of a long run")]
pub(crate) fn progress(line: &str) {
    eprintln!("{line}");
}
