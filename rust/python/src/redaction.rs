//! Masking for Python.

use clnwire_core::redaction;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

/// Masks members of a message by their names.
#[pyfunction]
#[pyo3(signature = (message, names, /))]
pub fn mask<'py>(
    message: &Bound<'py, PyBytes>,
    names: Vec<String>,
) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyTuple>)> {
    let py = message.py();
    let masked = redaction::mask(message.as_bytes(), &names);
    let text = match masked.message {
        Some(text) => PyBytes::new(py, &text),
        None => message.clone(),
    };
    Ok((text, PyTuple::new(py, masked.met)?))
}
