//! A disk that is full, or hangs, when told to.

use super::Opener;
use datasets::{Appender, Medium};
use std::fs::File;
use std::io::{ErrorKind, Read, Result, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// The disk that all files of a test lie on.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk(Arc<State>);

#[derive(Debug, Default)]
struct State {
    room: AtomicUsize,
    hanging: AtomicBool,
    closed: Mutex<bool>,
    opened: Condvar,
}

impl Disk {
    pub(super) fn new() -> Self {
        let disk = Self::default();
        disk.room(usize::MAX);
        disk
    }

    /// Takes so many bytes more.
    pub(super) fn room(&self, bytes: usize) {
        self.0.room.store(bytes, Ordering::SeqCst);
    }

    /// From now on writes hang, or go on.
    pub(super) fn hang(&self, hang: bool) {
        *self.0.closed.lock().unwrap() = hang;
        self.0.opened.notify_all();
    }

    /// Somebody hangs in a write.
    pub(super) fn hangs(&self) -> bool {
        self.0.hanging.load(Ordering::SeqCst)
    }

    pub(super) fn opener(&self) -> Opener {
        let disk = self.clone();
        Box::new(move |path, header| {
            Appender::open_on(path, header, |file| Box::new(OnDisk { file, disk: disk.clone() }))
        })
    }
}

#[derive(Debug)]
struct OnDisk {
    file: File,
    disk: Disk,
}

impl Write for OnDisk {
    /// As a real disk: of what does not fit, the first part is written.
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let state = &self.disk.0;
        let closed = state.closed.lock().unwrap();
        state.hanging.store(*closed, Ordering::SeqCst);
        drop(state.opened.wait_while(closed, |closed| *closed).unwrap());
        state.hanging.store(false, Ordering::SeqCst);
        let room = state.room.load(Ordering::SeqCst);
        let fits = bytes.len().min(room);
        if fits == 0 && !bytes.is_empty() {
            return Err(ErrorKind::StorageFull.into());
        }
        if room < usize::MAX {
            state.room.fetch_sub(fits, Ordering::SeqCst);
        }
        self.file.write(&bytes[..fits])
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Read for OnDisk {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for OnDisk {
    fn seek(&mut self, place: SeekFrom) -> Result<u64> {
        self.file.seek(place)
    }
}

impl Medium for OnDisk {
    fn cut(&mut self, bytes: u64) -> Result<()> {
        self.file.set_len(bytes)
    }

    fn keep(&mut self) -> Result<()> {
        Ok(())
    }
}
