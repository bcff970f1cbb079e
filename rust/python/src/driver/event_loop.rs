//! The driver in asyncio's event loop: turns that never wait.
//!
//! The loop watches the descriptors. When one is ready it calls `turn`, which reads what is there,
//! runs plain handlers, starts the others as jobs, and writes what the daemon takes.

use std::os::fd::AsFd;
use std::sync::atomic::Ordering;
use std::thread::{self, ThreadId};

use clnwire_core::Framer;
use clnwire_io::descriptor::read_some;
use clnwire_io::sync::lock;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rustix::io::Errno;

use crate::driver::dispatch::Progress;
use crate::driver::{Driver, Turn};
use crate::errors::pipe_error;

/// Above this many bytes that the daemon has not read, the caller blocks on the write instead of
/// queueing more, which bounds memory. It is room for a few hundred ordinary answers.
const MAX_UNWRITTEN: usize = 4 << 20;

/// The event loop that the driver is attached to.
pub struct EventLoop {
    pub(super) thread: ThreadId,
    /// Schedules a call of `turn`.
    pub(super) soon: Py<PyAny>,
    /// Schedules a call of a job's `run`, after the calls that are scheduled already.
    pub(super) run_soon: Py<PyAny>,
}

impl Driver {
    /// Whether this is the event loop's own thread, which must not wait.
    pub(super) fn is_on_loop(&self) -> bool {
        // Relaxed: on the loop's own thread it is up to date, and for others the lock decides.
        self.is_attached.load(Ordering::Relaxed)
            && lock(&self.event_loop)
                .as_ref()
                .is_some_and(|each| each.thread == thread::current().id())
    }

    /// Schedules another turn.
    pub(super) fn soon(&self, py: Python<'_>) -> PyResult<()> {
        // Relaxed: only the loop's own thread uses it.
        if self.soon_asked.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let soon = lock(&self.event_loop).as_ref().map(|each| each.soon.clone_ref(py));
        soon.map_or(Ok(()), |soon| soon.bind(py).call0().map(drop))
    }

    /// Writes what the daemon takes without waiting; the next turn goes on.
    pub(super) fn flush_on_loop(&self, py: Python<'_>) -> PyResult<()> {
        if self.channel.outbox().pending().len() > MAX_UNWRITTEN {
            return self.flush_waiting(py);
        }
        match self.channel.flush_some() {
            Ok(true) => Ok(()),
            // The next turn notices if the daemon is gone.
            Ok(false) | Err(_) => self.soon(py),
        }
    }

    /// One turn; `readable` says that a read would not block.
    pub(super) fn take_turn(
        slf: &Bound<'_, Self>,
        framer: &mut Framer,
        readable: bool,
    ) -> PyResult<Turn> {
        let driver = slf.get();
        let progress = Self::take_input(slf, framer, readable)?;
        if matches!(progress, Progress::Full) {
            driver.tell_of_pause();
        }
        let written = driver.channel.flush_some();
        // Relaxed: only the loop's own thread uses it.
        driver.unwritten.store(written == Ok(false), Ordering::Relaxed);
        let is_full = matches!(progress, Progress::Full);
        let ends = driver.ends() || (framer.is_ended() && !is_full);
        driver.jobs.set_awaited(is_full || ends);
        match written {
            Err(Errno::PIPE) => return Ok(Turn::Ended),
            Err(error) => return Err(pipe_error(error)),
            Ok(_) if ends => return Ok(Turn::Ended),
            Ok(_) => {}
        }
        // A job of another thread may have made room before `set_awaited`, and then wakes nobody.
        if is_full && !driver.jobs.is_full() {
            driver.soon(slf.py())?;
        }
        Ok(if is_full { Turn::Full } else { Turn::Open })
    }

    fn take_input(
        slf: &Bound<'_, Self>,
        framer: &mut Framer,
        readable: bool,
    ) -> PyResult<Progress> {
        let driver = slf.get();
        if driver.ends() {
            return Ok(Progress::All);
        }
        let progress = Self::handle_frames(slf, framer)?;
        if !readable || matches!(progress, Progress::Full) || framer.is_ended() {
            return Ok(progress);
        }
        if let Some(count) = driver.read_into(framer)? {
            framer.commit(count);
        }
        let progress = Self::handle_frames(slf, framer)?;
        driver.note_input(framer);
        Ok(progress)
    }

    fn read_into(&self, framer: &mut Framer) -> PyResult<Option<usize>> {
        read_some(self.input.as_fd(), framer.space()).map_err(pipe_error)
    }

    /// The error of a turn within a turn.
    pub(super) fn is_busy() -> PyErr {
        PyRuntimeError::new_err("the driver is in the middle of a turn")
    }
}
