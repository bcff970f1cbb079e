//! Framer and Frame for Python.

use std::ops::Range;
use std::sync::Mutex;

use clnwire_core as core;
use clnwire_core::{Kind, Member};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::{fault, malformed};
use crate::values::bytes;
use clnwire_io::sync::lock;

/// One whole JSON value and the positions of its JSON-RPC members.
#[pyclass(frozen, module = "clnwire._core")]
pub struct Frame {
    bytes: Py<PyBytes>,
    envelope: core::Envelope,
    #[pyo3(get)]
    offset: u64,
    kind: Kind,
    #[pyo3(get)]
    method: Option<String>,
    fault: Option<PyErr>,
    #[pyo3(get)]
    is_refused: bool,
}

impl Frame {
    /// A copy of a frame that the core has lent.
    pub fn new(py: Python<'_>, frame: &core::Frame<'_>) -> PyResult<Self> {
        Ok(Self {
            bytes: bytes(py, frame.bytes())?.unbind(),
            envelope: frame.envelope().clone(),
            offset: frame.offset(),
            kind: frame.kind(),
            method: frame.method().map(String::from),
            fault: fault(frame),
            is_refused: frame.is_refused(),
        })
    }

    fn get<'py>(&self, py: Python<'py>, member: Member) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let range = self.envelope.range(member);
        range.map(|range| bytes(py, &self.bytes.as_bytes(py)[range])).transpose()
    }
}

#[pymethods]
impl Frame {
    #[getter]
    fn bytes(&self, py: Python<'_>) -> Py<PyBytes> {
        self.bytes.clone_ref(py)
    }

    #[getter]
    fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Request => "request",
            Kind::Notification => "notification",
            Kind::Reply => "reply",
            Kind::Other => "other",
            Kind::Malformed => "malformed",
        }
    }

    #[getter]
    fn fault(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.fault.as_ref().map(|fault| fault.clone_ref(py).into_value(py).into_any())
    }

    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.get(py, Member::Id)
    }

    #[getter]
    fn id_span(&self) -> Option<(usize, usize)> {
        let Range { start, end } = self.envelope.range(Member::Id)?;
        Some((start, end))
    }

    #[getter]
    fn params<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.get(py, Member::Params)
    }

    #[getter]
    fn result<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.get(py, Member::Result)
    }

    #[getter]
    fn result_span(&self) -> Option<(usize, usize)> {
        let Range { start, end } = self.envelope.range(Member::Result)?;
        Some((start, end))
    }

    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.get(py, Member::Error)
    }

    #[getter]
    fn origin<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.get(py, Member::Origin)
    }

    #[getter]
    fn jsonrpc<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.get(py, Member::Jsonrpc)
    }

    fn __repr__(&self) -> String {
        let method = self.method.as_deref().unwrap_or("");
        format!("<Frame {} {method:?} at byte {}>", self.kind(), self.offset)
    }
}

/// Cuts a stream of bytes into frames.
#[pyclass(frozen, module = "clnwire._core")]
pub struct Framer(Mutex<core::Framer>);

impl Framer {
    /// `act` must not wait.
    pub fn with<T>(&self, act: impl FnOnce(&mut core::Framer) -> T) -> T {
        act(&mut lock(&self.0))
    }
}

#[pymethods]
impl Framer {
    #[new]
    #[pyo3(signature = (*, max_frame_bytes = core::DEFAULT_MAX_FRAME_BYTES, max_depth = core::DEFAULT_MAX_DEPTH))]
    fn new(max_frame_bytes: usize, max_depth: usize) -> Self {
        Self(Mutex::new(core::Framer::new(core::Limits { max_frame_bytes, max_depth })))
    }

    #[pyo3(signature = (data, /))]
    fn feed(&self, data: &[u8]) {
        self.with(|framer| framer.feed(data));
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Frame>> {
        self.with(|framer| match framer.next_frame() {
            Ok(frame) => {
                let copy = frame.map(|frame| Frame::new(py, &frame)).transpose();
                framer.release();
                copy
            }
            Err(error) => Err(malformed(error)),
        })
    }

    #[getter]
    fn pending_fault(&self) -> Option<Py<PyAny>> {
        let fault = self.with(|framer| framer.pending_fault())?;
        Python::attach(|py| Some(malformed(fault).into_value(py).into_any()))
    }

    #[getter]
    fn refused(&self) -> Option<Py<PyAny>> {
        let fault = self.with(|framer| framer.refused())?;
        Python::attach(|py| Some(malformed(fault).into_value(py).into_any()))
    }

    #[getter]
    fn buffered(&self) -> usize {
        self.with(|framer| framer.buffered())
    }
}

/// The members of a JSON object, each with its value's exact text.
#[pyfunction]
#[pyo3(signature = (object, /))]
pub fn members<'py>(
    py: Python<'py>,
    object: &[u8],
) -> PyResult<Vec<(String, Bound<'py, PyBytes>)>> {
    let members = core::members(object).map_err(malformed)?;
    Ok(members.into_iter().map(|(name, value)| (name, PyBytes::new(py, value))).collect())
}

/// Checks that the bytes are exactly one JSON value.
#[pyfunction]
#[pyo3(signature = (value, /))]
pub fn validate(value: &[u8]) -> PyResult<()> {
    core::Envelope::parse(value, core::Limits::default()).map(drop).map_err(malformed)
}
