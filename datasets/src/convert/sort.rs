//! Sorts lines by a number, in memory that does not grow with their number.
//!
//! Lines are collected up to a bound, sorted and written to a temporary file as a run; at the end the runs are merged.
//! Lines with the same number stay in their order.

use crate::read::LINE_BYTES_MAX;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};

/// Bytes of the lines that are in memory.
const RUN_BYTES: usize = 64 * 1024 * 1024;
/// Runs that are merged at once; when there are more, they become one.
const RUNS_MAX: usize = 64;

/// Lines so far.
#[derive(Debug)]
pub struct Sorter {
    waiting: Vec<(i64, Vec<u8>)>,
    waiting_bytes: usize,
    runs: Vec<File>,
    run_bytes: usize,
}

impl Default for Sorter {
    fn default() -> Self {
        Self { waiting: Vec::new(), waiting_bytes: 0, runs: Vec::new(), run_bytes: RUN_BYTES }
    }
}

impl Sorter {
    /// Adds a line, without its line end.
    ///
    /// # Errors
    /// The temporary file cannot be written.
    pub fn push(&mut self, key: i64, line: &[u8]) -> std::io::Result<()> {
        self.waiting_bytes += line.len() + size_of::<(i64, Vec<u8>)>();
        self.waiting.push((key, line.to_vec()));
        if self.waiting_bytes < self.run_bytes {
            return Ok(());
        }
        let mut run = BufWriter::new(tempfile::tempfile()?);
        self.waiting.sort_by_key(|(key, _)| *key);
        for (key, line) in self.waiting.drain(..) {
            write(&mut run, key, &line)?;
        }
        self.waiting_bytes = 0;
        self.runs.push(run.into_inner().map_err(std::io::IntoInnerError::into_error)?);
        if self.runs.len() >= RUNS_MAX {
            let runs = std::mem::take(&mut self.runs);
            let mut one = BufWriter::new(tempfile::tempfile()?);
            merge(runs, Vec::new(), |key, line| write(&mut one, key, line))?;
            self.runs.push(one.into_inner().map_err(std::io::IntoInnerError::into_error)?);
        }
        Ok(())
    }

    /// Hands out all lines in their order.
    ///
    /// # Errors
    /// A temporary file cannot be read, and those of `with`.
    pub fn finish<E: From<std::io::Error>>(mut self, mut with: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.waiting.sort_by_key(|(key, _)| *key);
        merge(self.runs, self.waiting, |_, line| with(line))
    }
}

fn write(out: &mut impl Write, key: i64, line: &[u8]) -> std::io::Result<()> {
    out.write_all(&key.to_le_bytes())?;
    out.write_all(&(line.len() as u64).to_le_bytes())?;
    out.write_all(line)
}

/// A sorted run that is read.
enum Run {
    File(BufReader<File>),
    Memory(std::vec::IntoIter<(i64, Vec<u8>)>),
}

impl Run {
    fn next(&mut self) -> std::io::Result<Option<(i64, Vec<u8>)>> {
        let source = match self {
            Self::Memory(lines) => return Ok(lines.next()),
            Self::File(source) => source,
        };
        let mut head = [0; 16];
        match source.read_exact(&mut head) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let (key, length) = head.split_at(8);
        let length = u64::from_le_bytes(length.try_into().unwrap_or_default());
        let length = usize::try_from(length).unwrap_or(LINE_BYTES_MAX).min(LINE_BYTES_MAX);
        let mut line = vec![0; length];
        source.read_exact(&mut line)?;
        Ok(Some((i64::from_le_bytes(key.try_into().unwrap_or_default()), line)))
    }
}

/// Merges runs; of equal keys the earlier run's come first, and those in memory last.
fn merge<E: From<std::io::Error>>(
    files: Vec<File>,
    waiting: Vec<(i64, Vec<u8>)>,
    mut with: impl FnMut(i64, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut runs = Vec::with_capacity(files.len() + 1);
    for mut file in files {
        file.seek(SeekFrom::Start(0))?;
        runs.push(Run::File(BufReader::new(file)));
    }
    runs.push(Run::Memory(waiting.into_iter()));
    let mut heads = BinaryHeap::new();
    for (number, run) in runs.iter_mut().enumerate() {
        heads.extend(run.next()?.map(|(key, line)| Reverse((key, number, line))));
    }
    while let Some(Reverse((key, number, line))) = heads.pop() {
        with(key, &line)?;
        if let Some(run) = runs.get_mut(number) {
            heads.extend(run.next()?.map(|(key, line)| Reverse((key, number, line))));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

        #[test]
        fn lines_come_in_the_order_of_their_keys_and_else_as_they_were(
            keys in prop::collection::vec(-5i64..5, 0..600), run_bytes in 40usize..3000,
        ) {
            let mut sorter = Sorter { run_bytes, ..Sorter::default() };
            let mut expected: Vec<(i64, String)> = Vec::new();
            for (number, key) in keys.into_iter().enumerate() {
                let line = format!("{number}\n{}", "x".repeat(number % 50));
                sorter.push(key, line.as_bytes()).unwrap();
                expected.push((key, line));
            }
            expected.sort_by_key(|(key, _)| *key);
            let mut found = Vec::new();
            sorter.finish(|line| -> std::io::Result<()> {
                found.push(String::from_utf8(line.to_vec()).unwrap());
                Ok(())
            }).unwrap();
            prop_assert_eq!(found, expected.into_iter().map(|(_, line)| line).collect::<Vec<_>>());
        }
    }
}
