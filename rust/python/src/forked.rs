//! The end of a child process that a handler forked off the plugin.

use pyo3::intern;
use pyo3::prelude::*;

/// Ends the process with the handler's result or exception: calls
/// `clnwire._runtime.forks.end_child`, which does not return. If the call fails, returns the
/// reason.
#[cold]
pub fn end_child(py: Python<'_>, ended: Option<&PyErr>) -> PyErr {
    let error = ended.map(|error| error.clone_ref(py).into_value(py));
    let called = py
        .import(intern!(py, "clnwire._runtime.forks"))
        .and_then(|forks| forks.call_method1(intern!(py, "end_child"), (error,)));
    match called {
        Err(error) => error,
        Ok(_) => pyo3::exceptions::PySystemExit::new_err(1),
    }
}
