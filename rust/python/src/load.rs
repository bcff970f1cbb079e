//! The load generator for Python.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Plays the daemon to a plugin.
#[pyfunction]
#[pyo3(signature = (job, /))]
pub fn measure<'py>(py: Python<'py>, job: &[u8]) -> Bound<'py, PyBytes> {
    let outcome = py.detach(|| clnwire_load::measure(job));
    PyBytes::new(py, &outcome)
}
