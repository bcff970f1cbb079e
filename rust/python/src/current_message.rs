//! The message that is being handled, as Python sees it.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// A request or a notification. For tasks and threads it is in a context variable.
#[pyclass(frozen, get_all, module = "clnwire._core")]
pub struct CurrentMessage {
    /// The serial number of the driver that read it.
    pub driver: u64,
    /// The request's key; `None` for a notification.
    pub key: Option<u64>,
    /// The request's id, as the daemon wrote it.
    pub token: Option<Py<PyBytes>>,
    /// The method, hook or topic.
    pub method: String,
    /// The number of its job; 0 if its handler was called directly.
    pub number: u64,
    /// The plugin that a notification comes from, as JSON text.
    pub origin: Option<Py<PyBytes>>,
}
