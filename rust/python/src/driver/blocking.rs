//! The driver on the thread that calls `serve`, which blocks in its reads and writes.
//!
//! A turn is: write what is ready and read what comes, both without Python's lock, then run the
//! handlers of all whole frames. One message in flight costs one read and one write.

use std::os::fd::AsFd;
use std::sync::{Arc, TryLockError};
use std::thread;

use clnwire_core::Framer;
use clnwire_io::descriptor::{
    Ready, Waited, Watched, is_hung_up, read_some, wait, wait_for_wakeup,
};
use clnwire_io::interrupter::Interrupter;
use clnwire_io::jobs::Jobs;
use clnwire_io::sync::lock;
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rustix::io::Errno;

use crate::driver::Driver;
use crate::driver::dispatch::Progress;
use crate::driver::jobs::JobRef;
use crate::errors::pipe_error;

/// Restores the wakeup descriptor of Python's signal handler.
struct Signals<'py> {
    /// `sys.modules`.
    modules: Bound<'py, PyDict>,
    keep: Bound<'py, PyAny>,
}

impl<'py> Signals<'py> {
    fn new(keep: Bound<'py, PyAny>) -> PyResult<Self> {
        let modules = keep.py().import("sys")?.getattr("modules")?.cast_into()?;
        Ok(Self { modules, keep })
    }

    /// To be called after handlers and before the next read: a handler may have run an event loop,
    /// which resets the wakeup descriptor when it closes.
    fn keep(&self) -> PyResult<()> {
        if self.modules.contains(intern!(self.keep.py(), "asyncio"))? {
            self.keep.call0()?;
        }
        Ok(())
    }
}

/// How a turn's input and output ended.
enum Turn {
    /// Something was read; nothing more comes if it was empty.
    Input,
    /// A signal arrived, or another thread needs this one.
    Signal,
    /// The daemon does not read any more.
    Gone,
}

impl Driver {
    /// Serves until the input ends or the plugin is stopped, then waits for the jobs.
    pub(super) fn serve_blocking(
        slf: &Bound<'_, Self>,
        ending: &Bound<'_, PyAny>,
        keep: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let _serving = match this.serving.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(PyRuntimeError::new_err("the plugin is being served already"));
            }
            serving => serving,
        };
        let Some(mut framer) = lock(&this.framer).take() else {
            return Err(PyRuntimeError::new_err("call prepare() first"));
        };
        this.serving_thread.get_or_init(|| thread::current().id());
        let interrupter = this.interrupter()?;
        let signals = keep.map(Signals::new).transpose()?;
        let ended = Self::take_turns(slf, &mut framer, interrupter.as_deref(), signals.as_ref());
        if let Some(interrupter) = interrupter
            && !this.is_disowned()
        {
            interrupter.end();
            this.wake();
        }
        this.set_shutdown_deadline();
        if !this.is_disowned() {
            ending.call0()?;
        }
        this.wait_for_jobs(py, |jobs| jobs.count() == 0)?;
        this.raise_failure()?;
        ended
    }

    /// `None` in a process that is not the plugin's own: its signals are not ours to use.
    fn interrupter(&self) -> PyResult<Option<Arc<Interrupter>>> {
        if !self.owns_process {
            return Ok(None);
        }
        Ok(Interrupter::start(self.input.as_fd(), self.wakeup.0.try_clone()?)?)
    }

    /// Takes turns until the daemon closes a pipe or `stop` is called.
    fn take_turns(
        slf: &Bound<'_, Self>,
        framer: &mut Framer,
        interrupter: Option<&Interrupter>,
        signals: Option<&Signals<'_>>,
    ) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        while !this.stops() {
            match py.detach(|| this.turn_blocking(framer, interrupter)).map_err(pipe_error)? {
                Turn::Input => {
                    this.handle_all(slf, framer)?;
                    this.note_input(framer);
                    signals.map_or(Ok(()), Signals::keep)?;
                }
                Turn::Signal => py.check_signals()?,
                Turn::Gone => break,
            }
            if framer.is_ended() {
                break;
            }
        }
        Ok(())
    }

    fn handle_all(&self, slf: &Bound<'_, Self>, framer: &mut Framer) -> PyResult<()> {
        while let Progress::Full = Self::handle_frames(slf, framer)? {
            self.tell_of_pause();
            self.wait_for_jobs(slf.py(), |jobs| !jobs.is_full() || self.stops())?;
        }
        Ok(())
    }

    /// Blocks the serving thread until other threads have done enough jobs.
    fn wait_for_jobs(
        &self,
        py: Python<'_>,
        enough: impl Fn(&Jobs<JobRef>) -> bool,
    ) -> PyResult<()> {
        self.jobs.set_awaited(true);
        while !enough(&self.jobs) {
            self.flush_waiting(py)?;
            py.detach(|| wait_for_wakeup(self.wakeup.0.as_fd())).map_err(pipe_error)?;
            py.check_signals()?;
            if is_hung_up(self.input.as_fd()) {
                self.set_shutdown_deadline();
            }
        }
        self.jobs.set_awaited(false);
        Ok(())
    }

    /// Writes all pending messages, and waits for the daemon to read them. A daemon that is gone is
    /// no error here: the serving thread notices by itself.
    pub(super) fn flush_waiting(&self, py: Python<'_>) -> PyResult<()> {
        if !self.is_serving_thread() {
            while py.detach(|| self.channel.flush(None)) == Ok(Waited::Signal) {
                py.check_signals()?;
            }
            return Ok(());
        }
        let mut woken = false;
        while py.detach(|| self.flush_watching()) == Ok(Waited::Signal) {
            woken = true;
            self.drain_wakeup();
            py.check_signals()?;
        }
        if woken {
            // The byte may have been meant for another wait.
            self.wake();
        }
        Ok(())
    }

    /// Writes all pending messages. Returns early if there is something else to do. For the serving
    /// thread only, which handles the signals.
    fn flush_watching(&self) -> Result<Waited, Errno> {
        let (wakeup, input) = (self.wakeup.0.as_fd(), self.input.as_fd());
        let waited = self.channel.flush(Some(Watched { wakeup, input: Some(input) }))?;
        if waited != Waited::HungUp {
            return Ok(waited);
        }
        // The daemon has closed our input, and may never read the rest.
        self.set_shutdown_deadline();
        self.channel.flush(Some(Watched { wakeup, input: None }))
    }

    /// Writes and reads, without Python's lock.
    fn turn_blocking(
        &self,
        framer: &mut Framer,
        interrupter: Option<&Interrupter>,
    ) -> Result<Turn, Errno> {
        match self.flush_watching() {
            Err(Errno::PIPE) => return Ok(Turn::Gone),
            Ok(Waited::Signal) => {
                self.drain_wakeup();
                return Ok(Turn::Signal);
            }
            other => other?,
        };
        match self.read(framer.space(), interrupter)? {
            None => {
                self.drain_wakeup();
                Ok(Turn::Signal)
            }
            Some(count) => {
                framer.commit(count);
                Ok(Turn::Input)
            }
        }
    }

    /// Waits for input. `None` if there is something else to do first.
    fn read(
        &self,
        room: &mut [u8],
        interrupter: Option<&Interrupter>,
    ) -> Result<Option<usize>, Errno> {
        let input = self.input.as_fd();
        if let Some(interrupter) = interrupter {
            return interrupter.read(input, room);
        }
        match wait(input, self.wakeup.0.as_fd())? {
            Ready::Signal => Ok(None),
            Ready::Input => read_some(input, room),
        }
    }
}
