//! Whole messages in and out, for a plugin that dispatches them itself.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;

use clnwire_core::{Framer, Limits};
use clnwire_io::channel::Channel;
use clnwire_io::descriptor::{Waited, wait_until_readable};
use clnwire_io::sync::lock;
use clnwire_io::{stdio, stray};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use rustix::io::{Errno, read};

use crate::errors::{malformed, os_error};
use crate::framing::Frame;

/// The daemon's pipes. One thread reads; all threads may write.
#[pyclass(frozen, module = "clnwire._core")]
pub struct Wire {
    input: OwnedFd,
    channel: Arc<Channel>,
    framer: Mutex<Framer>,
    /// `None` if stdout was left alone, or after `close`.
    stray_ended: Mutex<Option<Receiver<()>>>,
}

#[pymethods]
impl Wire {
    #[new]
    #[pyo3(signature = (pipes = None, /))]
    fn new(pipes: Option<(RawFd, RawFd)>) -> PyResult<Self> {
        let stdio = match pipes {
            Some((input, output)) => stdio::at_pipes(input, output),
            None => stdio::take_over_output(),
        }
        .map_err(os_error)?;
        let channel = Arc::new(Channel::new(stdio.output).map_err(os_error)?);
        let stray_ended =
            stdio.stray.map(|stray| stray::log_lines(stray, Arc::clone(&channel))).transpose()?;
        Ok(Self {
            input: stdio.input,
            channel,
            framer: Mutex::new(Framer::new(Limits::default())),
            stray_ended: Mutex::new(stray_ended),
        })
    }

    #[pyo3(signature = (data, /))]
    fn feed(&self, data: &[u8]) -> PyResult<()> {
        self.with_framer(|framer| framer.feed(data))
    }

    fn read(&self, py: Python<'_>) -> PyResult<Option<Frame>> {
        self.with_framer(|framer| {
            loop {
                if let Some(frame) = framer.next_frame().map_err(malformed)? {
                    return Frame::new(py, &frame).map(Some);
                }
                if framer.is_ended() {
                    return Ok(None);
                }
                self.read_some(py, framer)?;
            }
        })?
    }

    #[pyo3(signature = (message, /))]
    fn write(&self, py: Python<'_>, message: &[u8]) -> PyResult<()> {
        let mut outbox = self.channel.outbox();
        if !outbox.reserve(message.len()) {
            return Err(PyMemoryError::new_err("no memory to send a message"));
        }
        outbox.message(message);
        drop(outbox);
        self.flush(py)
    }

    #[getter]
    fn input_fd(&self) -> RawFd {
        self.input.as_raw_fd()
    }

    #[getter]
    fn output_fd(&self) -> RawFd {
        self.channel.fd()
    }

    /// Makes stdout a duplicate of stderr, and waits up to `patience` for the last stray output.
    #[pyo3(signature = (patience, /))]
    fn close(&self, py: Python<'_>, patience: f64) -> PyResult<()> {
        let patience = Duration::try_from_secs_f64(patience)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        if let Some(ended) = lock(&self.stray_ended).take() {
            stdio::release_stdout().map_err(os_error)?;
            // It times out if a child process outlives the plugin, and so keeps the pipe open.
            let _ = py.detach(move || ended.recv_timeout(patience));
        }
        self.flush(py)
    }
}

impl Wire {
    fn with_framer<T>(&self, act: impl FnOnce(&mut Framer) -> T) -> PyResult<T> {
        match self.framer.try_lock() {
            Ok(mut framer) => Ok(act(&mut framer)),
            Err(TryLockError::Poisoned(poisoned)) => Ok(act(&mut poisoned.into_inner())),
            // Waiting would hold Python's lock, which the other thread may need.
            Err(TryLockError::WouldBlock) => Err(PyRuntimeError::new_err("another thread reads")),
        }
    }

    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        while py.detach(|| self.channel.flush(None)).map_err(os_error)? == Waited::Signal {
            py.check_signals()?;
        }
        Ok(())
    }

    /// Waits for input, without Python's lock. Returns early on a signal, after its handler.
    fn read_some(&self, py: Python<'_>, framer: &mut Framer) -> PyResult<()> {
        let input = self.input.as_fd();
        match py.detach(|| read(input, framer.space())) {
            Ok(count) => framer.commit(count),
            Err(Errno::INTR) => py.check_signals()?,
            Err(Errno::AGAIN) => py.detach(|| wait_until_readable(input)).map_err(os_error)?,
            Err(error) => return Err(os_error(error)),
        }
        Ok(())
    }
}
