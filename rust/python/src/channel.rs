//! The way to the daemon, for all threads: the outbox and the descriptor it is written to.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use clnwire_core::{Outbox, text};
use rustix::io::Errno;

use crate::descriptor::write_all;

/// Where messages for the daemon are put, and written from.
pub struct Channel {
    outbox: Mutex<Outbox>,
    /// Held while writing, so that what was put in first is written first. The second outbox is
    /// swapped with the first one: putting in never waits for a write.
    writer: Mutex<Writer>,
}

struct Writer {
    descriptor: OwnedFd,
    writing: Outbox,
    failed: Option<Errno>,
}

impl Channel {
    pub fn new(descriptor: OwnedFd) -> Self {
        let writer = Writer { descriptor, writing: Outbox::new(), failed: None };
        Self { outbox: Mutex::default(), writer: Mutex::new(writer) }
    }

    pub fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes all that waits. Must be called without Python's lock: the daemon may take its time.
    ///
    /// An error is final: every later call gives it again.
    pub fn flush(&self) -> Result<(), Errno> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Writer { descriptor, writing, failed } = &mut *writer;
        if let Some(error) = failed {
            return Err(*error);
        }
        std::mem::swap(&mut *self.outbox(), writing);
        let result = write_all(descriptor.as_fd(), writing.pending());
        writing.clear();
        *failed = result.err();
        result
    }

    /// Puts a line into the daemon's log. `level` is one of the daemon's words.
    pub fn log(&self, level: &str, message: &str) {
        let mut params = Vec::with_capacity(message.len() + 32);
        params.extend_from_slice(b"{\"level\":\"");
        params.extend_from_slice(level.as_bytes());
        params.extend_from_slice(b"\",\"message\":");
        text::encode(message, &mut params);
        params.push(b'}');
        self.outbox().notification("log", &params);
    }
}
