//! Files of one format that have nothing to do with each other: one after the other, in the order of their names on the
//! command line.

use super::ImportError;
use super::entry::{Entry, Reader};
use super::input::Input;

/// Opens the reader of one file.
type Opener = Box<dyn FnMut(Input) -> Result<Box<dyn Reader>, ImportError> + Send>;

/// Reads file after file. A file is opened when its turn comes.
pub(super) struct InTurn {
    /// Files that are still to be read, the next one last.
    rest: Vec<Input>,
    open: Opener,
    current: Option<Box<dyn Reader>>,
    /// Of the files that are done.
    passed_over: u64,
}

impl InTurn {
    /// # Errors
    /// The first file cannot be read as what it should be; later ones say so in their turn.
    pub(super) fn open<R: Reader + 'static>(
        inputs: Vec<Input>,
        mut open: impl FnMut(Input) -> Result<R, ImportError> + Send + 'static,
    ) -> Result<Box<dyn Reader>, ImportError> {
        let mut rest: Vec<Input> = inputs.into_iter().rev().collect();
        let mut open: Opener = Box::new(move |input| open(input).map(|reader| Box::new(reader) as Box<dyn Reader>));
        let current = rest.pop().map(&mut open).transpose()?;
        Ok(Box::new(Self { rest, open, current, passed_over: 0 }))
    }
}

impl Reader for InTurn {
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError> {
        while let Some(reader) = &mut self.current {
            if let Some(entry) = reader.next_entry()? {
                return Ok(Some(entry));
            }
            self.passed_over += reader.passed_over();
            self.current = self.rest.pop().map(&mut self.open).transpose()?;
        }
        Ok(None)
    }

    fn passed_over(&self) -> u64 {
        self.passed_over + self.current.as_ref().map_or(0, |reader| reader.passed_over())
    }

    fn take_note(&mut self) -> Option<String> {
        self.current.as_mut()?.take_note()
    }
}
