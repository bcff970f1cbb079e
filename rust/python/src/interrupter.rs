//! Ends a read that waits for the daemon when there is something else to do.
//!
//! To wait for input and for signals at once takes a system call more than to read: a tenth of a
//! round trip (`docs/benchmarks.md`). So the serving thread reads, which blocks. Whatever else
//! happens puts a byte into the wakeup pipe. A thread that waits for it interrupts the read, by a
//! signal that does nothing else; again and again until the byte is taken, for a signal that comes
//! just before a read begins does not end it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nix::libc::{c_int, pthread_t};
use nix::sys::pthread::{pthread_kill, pthread_self};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::Errno;

use crate::descriptor::{read_some, wait_until_readable};
use crate::sync::lock;

/// Ignored by whoever does not ask for it, and asked for by next to nobody.
const SIGNAL: Signal = Signal::SIGURG;
/// How long a read may go on whose first interruption came too early.
const AGAIN: Duration = Duration::from_millis(10);

/// Reads for the serving thread, and interrupts it.
pub struct Interrupter {
    /// The thread that reads, as a number; nothing once it serves no more.
    thread: Mutex<Option<usize>>,
    is_reading: AtomicBool,
}

impl Interrupter {
    /// For the reads of the thread that calls it. Nothing where they cannot be interrupted: if
    /// `input` does not block, or somebody in this process has a use for the signal.
    pub fn start(input: BorrowedFd<'_>, wakeup: OwnedFd) -> std::io::Result<Option<Arc<Self>>> {
        if fcntl_getfl(input)?.contains(OFlags::NONBLOCK) || !take_signal()? {
            return Ok(None);
        }
        // Whoever started the plugin may have blocked it, which is inherited.
        SigSet::from(SIGNAL).thread_unblock()?;
        // On some systems it is a number, on others a pointer, which no thread may hand over.
        let reader = pthread_self() as usize;
        let (thread, is_reading) = (Mutex::new(Some(reader)), AtomicBool::new(false));
        let interrupter = Arc::new(Self { thread, is_reading });
        let watching = Arc::clone(&interrupter);
        thread::Builder::new()
            .name("clnwire-interrupter".into())
            .spawn(move || watching.run(&wakeup))?;
        Ok(Some(interrupter))
    }

    /// Waits for input; gives nothing if there is something else to do first.
    pub fn read(&self, input: BorrowedFd<'_>, room: &mut [u8]) -> Result<Option<usize>, Errno> {
        // The other thread looks as often as it takes, so that no order is needed.
        self.is_reading.store(true, Ordering::Relaxed);
        let read = read_some(input, room);
        self.is_reading.store(false, Ordering::Relaxed);
        read
    }

    /// From now on nothing is interrupted; the thread ends with the next byte in the pipe.
    pub fn end(&self) {
        *lock(&self.thread) = None;
    }

    fn run(&self, wakeup: &OwnedFd) {
        while wait_until_readable(wakeup.as_fd()).is_ok() && self.interrupt() {
            thread::sleep(AGAIN);
        }
    }

    /// Gives whether anybody serves. The lock is held until the signal is sent: before that, the
    /// serving thread cannot end.
    fn interrupt(&self) -> bool {
        let thread = lock(&self.thread);
        if let Some(reader) = *thread
            && self.is_reading.load(Ordering::Relaxed)
        {
            // Nobody to interrupt is as good.
            let _ = pthread_kill(reader as pthread_t, SIGNAL);
        }
        thread.is_some()
    }
}

/// Has the signal end system calls and do nothing else; gives whether it was free for that.
#[allow(unsafe_code)]
fn take_signal() -> std::io::Result<bool> {
    // Without `SA_RESTART`: a read that is interrupted must not go on by itself.
    let handler = SigHandler::Handler(OURS);
    let action = SigAction::new(handler, SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing, so it does nothing that a signal handler must not. One that
    // others had set is put back as it was.
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
