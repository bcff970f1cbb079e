//! The client's end of the daemon's unix socket, for Python.

use std::ffi::OsString;
use std::path::Path;

use clnwire_io::socket::{Socket, receive_into};
use pyo3::prelude::*;

use crate::errors::os_error;
use crate::framing::Framer;

/// A non-blocking connection. It receives into a framer's own buffer, without a copy in between.
#[pyclass(frozen, module = "clnwire._core")]
pub struct Stream(Socket);

#[pymethods]
impl Stream {
    #[new]
    #[pyo3(signature = (path, /))]
    fn new(path: OsString) -> PyResult<Self> {
        Socket::connect(Path::new(&path)).map(Self).map_err(os_error)
    }

    fn fileno(&self) -> i32 {
        self.0.number()
    }

    #[pyo3(signature = (data, start, /))]
    fn send(&self, py: Python<'_>, data: &[u8], start: usize) -> PyResult<Option<usize>> {
        let rest = data.get(start..).unwrap_or_default();
        py.detach(|| self.0.send(rest)).map_err(os_error)
    }

    #[pyo3(signature = (framer, /))]
    fn receive(&self, framer: &Bound<'_, Framer>) -> PyResult<Option<usize>> {
        let (py, framer) = (framer.py(), framer.get());
        py.detach(|| {
            self.0.receive(|socket| {
                framer.with(|framer| {
                    let count = receive_into(socket, framer.space())?;
                    framer.commit(count);
                    Ok(count)
                })
            })
        })
        .map_err(os_error)
    }

    /// Ends the connection. The descriptor stays open, since another thread may be polling it.
    fn hang_up(&self) {
        self.0.hang_up();
    }

    fn close(&self) {
        self.0.close();
    }
}
