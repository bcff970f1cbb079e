//! Ends a read that waits for the daemon when there is something else to do.
//!
//! Waiting for input and for signals at once takes a system call more than reading alone, which is
//! a tenth of a round trip (`docs/performance.md`). So the serving thread reads, and blocks in that.
//! Every other event puts a byte into the wakeup pipe. A second thread waits for that byte and
//! interrupts the read with a signal whose handler does nothing. A signal that arrives just before
//! a read begins does not end it, so the thread repeats the signal until the byte is taken.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::libc::{c_int, pthread_t};
use nix::sys::pthread::{pthread_kill, pthread_self};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::Errno;

use crate::descriptor::{read_some, wait_until_readable};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutex, lock, thread};

/// SIGURG is ignored by default and rarely used, so it is safe to borrow.
const SIGNAL: Signal = Signal::SIGURG;
/// The time between two signals to the same read.
const INTERVAL: Duration = Duration::from_millis(10);

/// Reads for the serving thread, and interrupts it.
pub struct Interrupter {
    handshake: Handshake,
}

impl Interrupter {
    /// For reads of the calling thread. `None` if they cannot be interrupted: `input` is
    /// non-blocking, or other code in this process handles the signal.
    ///
    /// # Errors
    ///
    /// If the descriptor's flags or the signal's handler cannot be read or set, or the thread
    /// cannot be started.
    pub fn start(input: BorrowedFd<'_>, wakeup: OwnedFd) -> std::io::Result<Option<Arc<Self>>> {
        if fcntl_getfl(input)?.contains(OFlags::NONBLOCK) || !take_signal()? {
            return Ok(None);
        }
        // The process that started the plugin may have blocked it, and that is inherited.
        SigSet::from(SIGNAL).thread_unblock()?;
        // Kept as a number: on some systems it is a pointer, which is not `Send`.
        let handshake = Handshake::new(pthread_self() as usize);
        let interrupter = Arc::new(Self { handshake });
        let watching = Arc::clone(&interrupter);
        thread::Builder::new()
            .name("clnwire-interrupter".into())
            .spawn(move || watching.run(&wakeup))?;
        Ok(Some(interrupter))
    }

    /// Waits for input. `None` if there is something else to do first.
    ///
    /// # Errors
    ///
    /// What `read` failed with.
    pub fn read(&self, input: BorrowedFd<'_>, room: &mut [u8]) -> Result<Option<usize>, Errno> {
        self.handshake.reading(|| read_some(input, room))
    }

    /// From now on nothing is interrupted. The thread ends at the next byte in the pipe.
    pub fn end(&self) {
        self.handshake.end();
    }

    fn run(&self, wakeup: &OwnedFd) {
        while wait_until_readable(wakeup.as_fd()).is_ok() && self.interrupt() {
            std::thread::sleep(INTERVAL);
        }
    }

    fn interrupt(&self) -> bool {
        self.handshake.interrupt(|reader| {
            // It fails if the thread has ended, and then there is nothing to interrupt.
            let _ = pthread_kill(reader as pthread_t, SIGNAL);
        })
    }
}

/// Who reads, and whether it is reading just now.
pub struct Handshake {
    /// The thread that reads, as a number; `None` once it serves no more.
    reader: Mutex<Option<usize>>,
    is_reading: AtomicBool,
}

impl Handshake {
    /// Between the thread `reader` and the one that interrupts it.
    pub fn new(reader: usize) -> Self {
        Self { reader: Mutex::new(Some(reader)), is_reading: AtomicBool::new(false) }
    }

    /// Runs a read, which may be interrupted.
    #[inline]
    pub fn reading<T>(&self, read: impl FnOnce() -> T) -> T {
        // Relaxed: the other thread looks again until the wakeup pipe is empty.
        self.is_reading.store(true, Ordering::Relaxed);
        let result = read();
        // Relaxed: a signal after the read ends nothing but some later system call, which is
        // repeated on `EINTR`.
        self.is_reading.store(false, Ordering::Relaxed);
        result
    }

    /// From now on no signal is sent.
    pub fn end(&self) {
        *lock(&self.reader) = None;
    }

    /// Sends a signal to the thread if it is reading. Returns whether it still serves. The lock is
    /// held until the signal is sent, so that the thread cannot end before.
    pub fn interrupt(&self, send: impl FnOnce(usize)) -> bool {
        let reader = lock(&self.reader);
        if let Some(reader) = *reader
            // Relaxed: if this is out of date, the next look is not.
            && self.is_reading.load(Ordering::Relaxed)
        {
            send(reader);
        }
        reader.is_some()
    }
}

/// Makes the signal end system calls and do nothing else. Returns whether it was free for that.
#[allow(unsafe_code)]
fn take_signal() -> std::io::Result<bool> {
    // Without `SA_RESTART`, so that an interrupted read returns.
    let handler = SigHandler::Handler(OURS);
    let action = SigAction::new(handler, SaFlags::empty(), SigSet::empty());
    // SAFETY: The new handler is an empty function, which is async-signal-safe. A handler that
    // other code had set is put back unchanged.
    unsafe {
        let before = sigaction(SIGNAL, &action)?;
        let is_free = match before.handler() {
            SigHandler::SigDfl => true,
            SigHandler::Handler(other) => std::ptr::fn_addr_eq(other, OURS),
            _ => false,
        };
        if !is_free {
            sigaction(SIGNAL, &before)?;
        }
        Ok(is_free)
    }
}

const OURS: extern "C" fn(c_int) = end_system_call;

extern "C" fn end_system_call(_: c_int) {}
