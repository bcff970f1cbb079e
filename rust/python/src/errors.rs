//! The cold file: Python exceptions for what went wrong in the core.

use clnwire_core as core;
use pyo3::create_exception;
use pyo3::exceptions::{PyLookupError, PyOSError, PyValueError};
use pyo3::prelude::*;

create_exception!(clnwire._core, IdError, PyLookupError);

/// The peer sent bytes that are not JSON, or beyond a cap.
#[pyclass(extends = PyValueError, frozen, module = "clnwire._core")]
pub struct MalformedError {
    #[pyo3(get)]
    reason: String,
    #[pyo3(get)]
    offset: u64,
}

#[pymethods]
impl MalformedError {
    #[new]
    fn new(reason: String, offset: u64) -> Self {
        Self { reason, offset }
    }

    fn __str__(&self) -> String {
        format!("{} at byte {}", self.reason, self.offset)
    }
}

#[cold]
pub fn malformed(error: core::Malformed) -> PyErr {
    PyErr::new::<MalformedError, _>((error.reason.to_string(), error.offset))
}

#[cold]
pub fn bad_id(error: core::IdError) -> PyErr {
    IdError::new_err(error.to_string())
}

#[cold]
pub fn os_error(error: rustix::io::Errno) -> PyErr {
    PyOSError::new_err((error.raw_os_error(), error.to_string()))
}
