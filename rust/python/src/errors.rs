//! Conversions from the core's errors to Python exceptions.

use clnwire_core as core;
use pyo3::create_exception;
use pyo3::exceptions::{PyLookupError, PyOSError, PyValueError};
use pyo3::prelude::*;

create_exception!(clnwire._core, IdError, PyLookupError);
create_exception!(clnwire._core, PipeError, PyOSError);

/// Bytes that are not JSON, or exceed a limit.
#[pyclass(extends = PyValueError, frozen, get_all, module = "clnwire._core")]
pub struct MalformedError {
    reason: String,
    offset: u64,
    near: String,
    is_out_of_memory: bool,
}

#[pymethods]
impl MalformedError {
    #[new]
    #[pyo3(signature = (reason, offset, near = String::new(), is_out_of_memory = false))]
    fn new(reason: String, offset: u64, near: String, is_out_of_memory: bool) -> Self {
        Self { reason, offset, near, is_out_of_memory }
    }

    fn __str__(&self) -> String {
        let Self { reason, offset, near, .. } = self;
        match near.as_str() {
            "" => format!("{reason} at byte {offset}"),
            near => format!("{reason} at byte {offset}, near: {near}"),
        }
    }
}

#[cold]
pub fn malformed(error: core::Malformed) -> PyErr {
    let core::Malformed { reason, offset } = error;
    let is_out_of_memory = matches!(reason, core::Reason::OutOfMemory(_));
    PyErr::new::<MalformedError, _>((reason.to_string(), offset, String::new(), is_out_of_memory))
}

/// Why a message is not JSON. The offset is from the message's start, since its sender knows the
/// message and not the stream.
#[cold]
pub fn fault(frame: &core::Frame<'_>) -> Option<PyErr> {
    let (fault, near) = (frame.fault()?, frame.around_fault()?);
    let offset = fault.offset - frame.offset();
    Some(PyErr::new::<MalformedError, _>((fault.reason.to_string(), offset, near)))
}

#[cold]
pub fn bad_id(error: core::IdError) -> PyErr {
    IdError::new_err(error.to_string())
}

#[cold]
pub fn os_error(error: rustix::io::Errno) -> PyErr {
    PyOSError::new_err((error.raw_os_error(), error.to_string()))
}

/// A read from the daemon, a write to it, or the wait for either has failed, which is final.
#[cold]
pub fn pipe_error(error: rustix::io::Errno) -> PyErr {
    let text = format!("cannot read from the daemon or write to it: {error}");
    PipeError::new_err((error.raw_os_error(), text))
}
