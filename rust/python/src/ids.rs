//! IdMap for Python.

use std::sync::{Mutex, MutexGuard};

use clnwire_core as core;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::bad_id;
use clnwire_io::sync::lock;

/// Integer keys for the peer's id tokens.
#[pyclass(frozen, module = "clnwire._core")]
#[derive(Default)]
pub struct IdMap(Mutex<core::IdMap>);

impl IdMap {
    fn lock(&self) -> MutexGuard<'_, core::IdMap> {
        lock(&self.0)
    }
}

#[pymethods]
impl IdMap {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    #[pyo3(signature = (token, /))]
    fn insert(&self, token: &[u8]) -> u64 {
        self.lock().insert(token)
    }

    #[pyo3(signature = (key, /))]
    fn token<'py>(&self, py: Python<'py>, key: u64) -> PyResult<Bound<'py, PyBytes>> {
        self.lock().token(key).map(|token| PyBytes::new(py, token)).map_err(bad_id)
    }

    #[pyo3(signature = (key, /))]
    fn take<'py>(&self, py: Python<'py>, key: u64) -> PyResult<Bound<'py, PyBytes>> {
        self.lock().take(key).map(|token| PyBytes::new(py, token)).map_err(bad_id)
    }

    fn waiting(&self) -> Vec<u64> {
        self.lock().waiting()
    }

    fn __len__(&self) -> usize {
        self.lock().len()
    }
}
