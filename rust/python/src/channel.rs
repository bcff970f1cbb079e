//! The way to the daemon, for all threads: the outbox and the descriptor it is written to.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use clnwire_core::{Outbox, text};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use crate::descriptor::{Patience, write_some};
use crate::sync::lock;

/// Where messages for the daemon are put, and written from.
pub struct Channel {
    outbox: Mutex<Outbox>,
    /// Held while writing, so that what was put in first is written first. The second outbox is
    /// swapped with the first one: putting in never waits for a write.
    writer: Mutex<Writer>,
    disowned: AtomicBool,
}

struct Writer {
    descriptor: OwnedFd,
    writing: Outbox,
    failed: Option<Errno>,
}

impl Channel {
    pub fn new(descriptor: OwnedFd) -> Self {
        let writer = Writer { descriptor, writing: Outbox::new(), failed: None };
        Self {
            outbox: Mutex::default(),
            writer: Mutex::new(writer),
            disowned: AtomicBool::new(false),
        }
    }

    pub fn outbox(&self) -> MutexGuard<'_, Outbox> {
        lock(&self.outbox)
    }

    /// This process is a fork of the plugin: the daemon is the parent's to talk to.
    pub fn disown(&self) {
        self.disowned.store(true, Ordering::SeqCst);
    }

    pub fn is_disowned(&self) -> bool {
        self.disowned.load(Ordering::SeqCst)
    }

    /// Writes all that waits. Must be called without Python's lock: the daemon may take its time.
    ///
    /// `EINTR` means that a signal may have come first; what is left is written by the next call. Any other
    /// error is final: every later call gives it again.
    pub fn flush(&self) -> Result<(), Errno> {
        self.write(&mut lock(&self.writer), Patience::UntilWritten)
    }

    /// Writes what the daemon takes at once, and nothing if another thread is writing.
    pub fn flush_without_waiting(&self) {
        if let Ok(mut writer) = self.writer.try_lock() {
            // What is final is found by the serving thread too.
            let _ = self.write(&mut writer, Patience::None);
        }
    }

    /// Writes what a descriptor that does not block takes at once. Tells whether that was all.
    pub fn flush_some(&self) -> Result<bool, Errno> {
        let Ok(mut writer) = self.writer.try_lock() else {
            // Who writes may have looked for more just before this came in.
            return Ok(false);
        };
        loop {
            match self.write(&mut writer, Patience::NonBlocking) {
                Err(Errno::INTR) => {}
                other => {
                    other?;
                    return Ok(writer.writing.is_empty());
                }
            }
        }
    }

    /// From now on writes give `EAGAIN` where they would block, or again block.
    pub fn set_blocking(&self, blocking: bool) -> Result<(), Errno> {
        let writer = lock(&self.writer);
        let mut flags = fcntl_getfl(&writer.descriptor)?;
        flags.set(OFlags::NONBLOCK, !blocking);
        fcntl_setfl(&writer.descriptor, flags)
    }

    /// For the event loop to watch.
    pub fn fd(&self) -> RawFd {
        lock(&self.writer).descriptor.as_raw_fd()
    }

    fn write(&self, writer: &mut Writer, patience: Patience) -> Result<(), Errno> {
        let Writer { descriptor, writing, failed } = writer;
        if let Some(error) = failed {
            return Err(*error);
        }
        loop {
            if writing.is_empty() {
                std::mem::swap(&mut *self.outbox(), writing);
            }
            if self.is_disowned() {
                writing.clear();
            }
            if writing.is_empty() {
                return Ok(());
            }
            match write_some(descriptor.as_fd(), writing.pending(), patience) {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    writing.advance(count);
                    // A signal that comes in the middle of a write cuts it short.
                    if patience == Patience::UntilWritten && !writing.is_empty() {
                        return Err(Errno::INTR);
                    }
                }
                Err(Errno::INTR) => return Err(Errno::INTR),
                Err(error) => {
                    *failed = Some(error);
                    return Err(error);
                }
            }
        }
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
