//! The way to the daemon, for all threads: the outbox and the descriptor it is written to.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use clnwire_core::{Outbox, text};
use rustix::io::Errno;

use crate::descriptor::{Amount, Waited, Watched, stop_blocking, wait_until_writable, write_some};
use crate::log_line;
use crate::sync::lock;

/// Where messages for the daemon are put, and written from.
pub struct Channel {
    outbox: Mutex<Outbox>,
    /// Does not block if it is a pipe or a socket.
    descriptor: OwnedFd,
    /// Held while writing, so that what was put in first is written first. The second outbox is
    /// swapped with the first one: putting in never waits for a write. Not held while a thread
    /// waits for the daemon to read: other threads must be able to end the plugin meanwhile.
    writer: Mutex<Writer>,
    disowned: AtomicBool,
}

#[derive(Default)]
struct Writer {
    writing: Outbox,
    failed: Option<Errno>,
}

impl Channel {
    pub fn new(descriptor: OwnedFd) -> Result<Self, Errno> {
        stop_blocking(descriptor.as_fd())?;
        Ok(Self {
            outbox: Mutex::default(),
            descriptor,
            writer: Mutex::default(),
            disowned: AtomicBool::new(false),
        })
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

    /// Writes all that waits, or as much as the daemon takes until something that is watched, or a
    /// signal, comes first; the next call goes on. Must be called without Python's lock: the daemon
    /// may take its time. An error is final: every later call gives it again.
    pub fn flush(&self, watched: Option<Watched<'_>>) -> Result<Waited, Errno> {
        loop {
            if self.write(&mut lock(&self.writer), Amount::All)? {
                return Ok(Waited::Writable);
            }
            let waited = wait_until_writable(self.descriptor.as_fd(), watched)?;
            if waited != Waited::Writable {
                return Ok(waited);
            }
        }
    }

    /// Writes what the daemon takes at once, and nothing if another thread is writing.
    pub fn flush_without_waiting(&self) {
        if let Ok(mut writer) = self.writer.try_lock() {
            // What is final is found by the serving thread too.
            let _ = self.write(&mut writer, Amount::Little);
        }
    }

    /// Writes what the daemon takes at once. Tells whether that was all.
    pub fn flush_some(&self) -> Result<bool, Errno> {
        match self.writer.try_lock() {
            Ok(mut writer) => self.write(&mut writer, Amount::All),
            // The thread that writes may have looked for more just before this came in.
            Err(_) => Ok(false),
        }
    }

    /// For the event loop to watch.
    pub fn fd(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }

    /// Writes what the daemon takes. Tells whether that was all.
    fn write(&self, writer: &mut Writer, amount: Amount) -> Result<bool, Errno> {
        let Writer { writing, failed } = writer;
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
                return Ok(true);
            }
            match write_some(self.descriptor.as_fd(), writing.pending(), amount) {
                Ok(0) | Err(Errno::INTR) => return Ok(false),
                Ok(count) => writing.advance(count),
                Err(error) => {
                    *failed = Some(error);
                    return Err(error);
                }
            }
        }
    }

    /// Puts a line into the daemon's log, cut if the daemon could not take it whole. `level` is one
    /// of the daemon's words.
    pub fn log(&self, level: &str, message: &str) {
        let message = log_line::cut(message);
        let mut params = Vec::with_capacity(message.len() + 32);
        params.extend_from_slice(b"{\"level\":\"");
        params.extend_from_slice(level.as_bytes());
        params.extend_from_slice(b"\",\"message\":");
        text::encode(&message, &mut params);
        params.push(b'}');
        self.outbox().notification("log", &params);
    }
}
