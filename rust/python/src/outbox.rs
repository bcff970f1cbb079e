//! Outbox for Python, for drivers that move the bytes themselves.

use std::sync::{Mutex, MutexGuard};

use clnwire_core as core;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use clnwire_io::sync::lock;

/// Encodes messages as bytes, many for one write.
#[pyclass(frozen, module = "clnwire._core")]
#[derive(Default)]
pub struct Outbox(Mutex<core::Outbox>);

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, core::Outbox> {
        lock(&self.0)
    }
}

#[pymethods]
impl Outbox {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    #[pyo3(signature = (token, result, /))]
    fn reply(&self, token: &[u8], result: &[u8]) {
        self.lock().reply(token, result);
    }

    #[pyo3(signature = (token, code, message, data = None, /))]
    fn error(&self, token: &[u8], code: i64, message: &str, data: Option<&[u8]>) {
        self.lock().error(token, code, message, data);
    }

    #[pyo3(signature = (token, method, params, /))]
    fn request(&self, token: &[u8], method: &str, params: &[u8]) {
        self.lock().request(token, method, params);
    }

    #[pyo3(signature = (method, params, /))]
    fn notification(&self, method: &str, params: &[u8]) {
        self.lock().notification(method, params);
    }

    fn take<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut outbox = self.lock();
        let taken = PyBytes::new(py, outbox.pending());
        outbox.clear();
        taken
    }

    fn __len__(&self) -> usize {
        self.lock().pending().len()
    }
}
