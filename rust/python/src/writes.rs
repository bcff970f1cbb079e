//! The params of `db_write` to its event, without a detour.
//!
//! It is the one message that all payments wait for, and nearly all of it are strings of ASCII
//! without escapes. Making those straight from the frame takes half the time that msgspec does, and
//! saves a copy of the params (`docs/benchmarks.md`). Whatever has another form goes to msgspec.

use memchr::memchr;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};

use crate::route::Params;

/// `bytes` to the event of `db_write`.
#[pyclass(frozen, module = "clnwire._core")]
pub struct WritesDecoder {
    /// `(writes, data_version)` to the event.
    event: Py<PyAny>,
    /// `bytes` to the event, for whatever has not the usual form.
    otherwise: Py<PyAny>,
}

#[pymethods]
impl WritesDecoder {
    #[new]
    #[pyo3(signature = (event, otherwise, /))]
    fn new(event: Py<PyAny>, otherwise: Py<PyAny>) -> Self {
        Self { event, otherwise }
    }

    #[pyo3(signature = (params, /))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        params: &Bound<'py, PyBytes>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.decode(py, Params { text: params.as_bytes(), is_plain: false })
    }
}

impl WritesDecoder {
    /// The event of params in whatever form; they must be JSON.
    pub fn decode<'py>(&self, py: Python<'py>, params: Params<'_>) -> PyResult<Bound<'py, PyAny>> {
        match self.usual(py, params)? {
            Some(event) => Ok(event),
            None => self.otherwise.bind(py).call1((PyBytes::new(py, params.text),)),
        }
    }

    /// The event of params as the daemon of today sends them; nothing if they are any different.
    fn usual<'py>(
        &self,
        py: Python<'py>,
        Params { text, is_plain }: Params<'_>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if !is_plain && (memchr(b'\\', text).is_some() || !text.is_ascii()) {
            return Ok(None);
        }
        let Some((version, texts)) = split(py, text) else { return Ok(None) };
        let writes = PyList::new(py, texts)?;
        self.event.bind(py).call1((writes, version)).map(Some)
    }
}

/// `{"data_version":7,"writes":["…",…]}`, without white space or anything more; all of it is ASCII,
/// and has no escapes.
fn split<'py>(py: Python<'py>, params: &[u8]) -> Option<(u32, Vec<Bound<'py, PyString>>)> {
    let rest = params.strip_prefix(b"{\"data_version\":")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let version = number(&rest[..digits])?;
    let mut rest = rest[digits..].strip_prefix(b",\"writes\":[")?;
    // Statements are some 200 bytes long.
    let mut texts = Vec::with_capacity(rest.len() / 128);
    while let Some(inside) = rest.strip_prefix(b"\"") {
        let end = memchr(b'"', inside)?;
        texts.push(ascii(py, &inside[..end]).ok()?);
        rest = inside[end..].strip_prefix(b"\"")?;
        match rest.strip_prefix(b",") {
            Some(next) if next.starts_with(b"\"") => rest = next,
            Some(_) => return None,
            None => break,
        }
    }
    (rest == b"]}").then_some((version, texts))
}

/// A number as JSON spells it: without zeros in front.
fn number(digits: &[u8]) -> Option<u32> {
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (digits.len() == 1 || digits[0] != b'0').then_some(number)
}

/// A Python string of `text`, which is ASCII.
///
/// Python's own way to it looks at every byte once more. Without that, a round trip of 12 kB was
/// measured at 12.1 µs instead of 13.1, and one of 1 MB at 585 instead of 637.
#[allow(unsafe_code)]
fn ascii<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyString>> {
    debug_assert!(text.is_ascii());
    // A slice is never longer than `isize::MAX`.
    let length = text.len() as ffi::Py_ssize_t;
    // SAFETY: `PyUnicode_New` gives a string that nobody else has yet, with room for `length`
    // characters of one byte each, or null with an exception, which ends here. What is copied are
    // exactly so many, none above 127 as was promised. The empty string is one object for all, of
    // which nothing is written.
    unsafe {
        let string = Bound::from_owned_ptr_or_err(py, ffi::PyUnicode_New(length, 127))?;
        let room = ffi::PyUnicode_DATA(string.as_ptr()).cast::<u8>();
        room.copy_from_nonoverlapping(text.as_ptr(), text.len());
        Ok(string.cast_into_unchecked())
    }
}
