//! The outbox and the descriptor that it is written to, shared by all threads.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use clnwire_core::{Outbox, text};
use rustix::io::Errno;

use crate::descriptor::{Amount, Waited, Watched, stop_blocking, wait_until_writable, write_some};
use crate::log_line;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard, lock};

/// Takes messages for the daemon, and writes them.
pub struct Channel {
    outbox: Mutex<Outbox>,
    /// Non-blocking if it is a pipe or a socket.
    descriptor: OwnedFd,
    /// Held while writing, which keeps the order of messages. Its outbox is swapped with the first
    /// one, so that adding a message never waits for a write. Not held while a thread waits for
    /// the daemon to read, so that other threads can end the plugin meanwhile.
    writer: Mutex<Writer>,
    /// Set in a forked child before anything else runs there.
    disowned: AtomicBool,
}

#[derive(Default)]
struct Writer {
    writing: Outbox,
    failed: Option<Errno>,
}

impl Channel {
    /// A channel that writes to `descriptor`.
    ///
    /// # Errors
    ///
    /// If a pipe or socket cannot be made non-blocking.
    pub fn new(descriptor: OwnedFd) -> Result<Self, Errno> {
        stop_blocking(descriptor.as_fd())?;
        Ok(Self {
            outbox: Mutex::default(),
            descriptor,
            writer: Mutex::default(),
            disowned: AtomicBool::new(false),
        })
    }

    /// The messages to write; its lock is held for as long as the result lives.
    pub fn outbox(&self) -> MutexGuard<'_, Outbox> {
        lock(&self.outbox)
    }

    /// To be called in a fork of the plugin: only the parent may talk to the daemon.
    pub fn disown(&self) {
        // Relaxed: a forked child has one thread, and those that it starts later see its writes.
        self.disowned.store(true, Ordering::Relaxed);
    }

    /// Whether this process is a fork of the plugin.
    pub fn is_disowned(&self) -> bool {
        // Relaxed: see `disown`.
        self.disowned.load(Ordering::Relaxed)
    }

    /// Writes all pending messages. Returns early on a signal, or when something in `watched`
    /// happens; the next call continues. Waits for the daemon, so Python's lock must not be held.
    ///
    /// # Errors
    ///
    /// What a write failed with. An error is final: every later call returns it again.
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

    /// Writes what the daemon takes without waiting, and nothing if another thread is writing.
    pub fn flush_without_waiting(&self) {
        if let Ok(mut writer) = self.writer.try_lock() {
            // An error is final, so the serving thread meets it too.
            let _ = self.write(&mut writer, Amount::Little);
        }
    }

    /// Writes what the daemon takes without waiting. Returns whether that was all.
    ///
    /// # Errors
    ///
    /// What a write failed with, now or before.
    pub fn flush_some(&self) -> Result<bool, Errno> {
        match self.writer.try_lock() {
            Ok(mut writer) => self.write(&mut writer, Amount::All),
            // The thread that writes may have emptied the outbox before the latest message was
            // added.
            Err(_) => Ok(false),
        }
    }

    /// The descriptor's number, for an event loop to watch.
    pub fn fd(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }

    /// Writes what the daemon takes. Returns whether that was all.
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

    /// Adds a line for the daemon's log, cut to the length that the daemon takes. `level` is one of
    /// the daemon's levels.
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
