//! A bound handler: everything that is needed to serve one method, hook or topic.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Built once at registration, so that nothing is inspected per message.
#[pyclass(frozen, module = "clnwire._core")]
pub struct Route {
    #[pyo3(get)]
    name: String,
    /// Bytes of the params to what the handler takes; absent if it takes the bytes.
    decode: Option<Py<PyAny>>,
    call: Py<PyAny>,
    /// The handler's answer to bytes; absent for a notification.
    encode: Option<Py<PyAny>>,
    /// `(exception, params)` to bytes of a result, or to `(code, message, data)`.
    recover: Py<PyAny>,
    /// An answer that is the same each time, and its bytes.
    constant: Mutex<Option<Constant>>,
    /// The last time it was measured, the handler returned so soon that others could wait for it.
    quick: AtomicBool,
}

struct Constant {
    answer: Py<PyAny>,
    bytes: Py<PyBytes>,
}

#[pymethods]
impl Route {
    #[new]
    #[pyo3(signature = (name, *, call, recover, decode = None, encode = None))]
    fn new(
        name: String,
        call: Py<PyAny>,
        recover: Py<PyAny>,
        decode: Option<Py<PyAny>>,
        encode: Option<Py<PyAny>>,
    ) -> Self {
        let (constant, quick) = (Mutex::default(), AtomicBool::new(false));
        Self { name, decode, call, encode, recover, constant, quick }
    }

    /// From now on `answer` (compared by identity) is encoded as `bytes`.
    #[pyo3(signature = (answer, bytes, /))]
    fn set_constant(&self, answer: Py<PyAny>, bytes: Py<PyBytes>) {
        *self.constant.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Constant { answer, bytes });
    }
}

/// What goes back to the daemon.
pub enum Outcome {
    Result(Py<PyBytes>),
    Error(i64, String, Option<Py<PyBytes>>),
}

impl Route {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn is_quick(&self) -> bool {
        self.quick.load(Ordering::Relaxed)
    }

    pub fn set_quick(&self, quick: bool) {
        self.quick.store(quick, Ordering::Relaxed);
    }

    /// Params to bytes of the result.
    pub fn answer(&self, py: Python<'_>, params: &[u8]) -> PyResult<Py<PyBytes>> {
        let answer = self.run(py, params)?;
        if let Some(bytes) = self.constant_bytes(py, &answer) {
            return Ok(bytes);
        }
        match &self.encode {
            None => Ok(PyBytes::new(py, b"null").unbind()),
            Some(encode) => {
                let encoded = encode.bind(py).call1((answer,))?;
                Ok(encoded.cast_into::<PyBytes>()?.unbind())
            }
        }
    }

    /// Params to the handler's answer.
    pub fn run<'py>(&self, py: Python<'py>, params: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        let params = PyBytes::new(py, params);
        match &self.decode {
            None => self.call.bind(py).call1((params,)),
            Some(decode) => {
                let event = decode.bind(py).call1((params,))?;
                self.call.bind(py).call1((event,))
            }
        }
    }

    /// What to answer, now that the handler failed.
    pub fn recover(&self, py: Python<'_>, error: &PyErr, params: &[u8]) -> PyResult<Outcome> {
        // `into_value` puts the traceback where Python looks for it.
        let exception = error.clone_ref(py).into_value(py);
        let instead = self.recover.bind(py).call1((exception, PyBytes::new(py, params)))?;
        if let Ok(result) = instead.cast::<PyBytes>() {
            return Ok(Outcome::Result(result.clone().unbind()));
        }
        let (code, message, data) = instead.extract()?;
        Ok(Outcome::Error(code, message, data))
    }

    fn constant_bytes(&self, py: Python<'_>, answer: &Bound<'_, PyAny>) -> Option<Py<PyBytes>> {
        let constant = self.constant.lock().unwrap_or_else(PoisonError::into_inner);
        let constant = constant.as_ref().filter(|constant| answer.is(&constant.answer))?;
        Some(constant.bytes.clone_ref(py))
    }
}
