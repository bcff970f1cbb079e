//! A bound handler: everything that serving one method, hook or topic needs.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::handlers::writes::WritesDecoder;
use crate::params::Params;
use crate::values::bytes;

/// Built once at registration, so that nothing is inspected per message.
#[pyclass(frozen, module = "clnwire._core")]
pub struct Route {
    #[pyo3(get)]
    name: String,
    decode: Decode,
    call: Py<PyAny>,
    /// Encodes the handler's answer. For a notification it only checks the answer.
    encode: Option<Py<PyAny>>,
    /// `(exception, params)` → a result's bytes, or `(code, message, data)`.
    recover: Py<PyAny>,
    /// A constant answer, compared by identity, and its bytes.
    constant: Option<(Py<PyAny>, Py<PyBytes>)>,
    /// Changes answers for a daemon that expects another form.
    translate: Option<Translate>,
    /// The result to send if `recover` fails too.
    last_resort: Option<Py<PyBytes>>,
    /// Starts a job in a task or a thread; `None` if the handler is called directly.
    spawn: Option<Py<PyAny>>,
    /// At its last measurement the handler returned soon enough for replies to wait for it.
    quick: AtomicBool,
}

/// Changes an answer to the form that an older daemon expects.
struct Translate {
    /// A daemon whose params begin like this takes the answer unchanged.
    unless: Py<PyBytes>,
    /// `(answer, params)` → the answer, all of them bytes.
    with: Py<PyAny>,
}

/// Decodes the params to the handler's argument.
enum Decode {
    /// The handler takes the bytes.
    Not,
    Writes(Py<WritesDecoder>),
    /// Any function of bytes.
    With(Py<PyAny>),
}

impl Decode {
    fn new(decode: Option<Bound<'_, PyAny>>) -> Self {
        let Some(decode) = decode else { return Self::Not };
        match decode.cast_into::<WritesDecoder>() {
            Ok(writes) => Self::Writes(writes.unbind()),
            Err(other) => Self::With(other.into_inner().unbind()),
        }
    }

    fn decode<'py>(&self, py: Python<'py>, params: Params<'_>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Not => Ok(bytes(py, params.text)?.into_any()),
            Self::Writes(writes) => writes.get().decode(py, params),
            Self::With(decode) => decode.bind(py).call1((bytes(py, params.text)?,)),
        }
    }
}

#[pymethods]
impl Route {
    #[new]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    #[pyo3(signature = (name, *, call, recover, decode = None, encode = None, constant = None, translate = None, last_resort = None, spawn = None))]
    fn new(
        name: String,
        call: Py<PyAny>,
        recover: Py<PyAny>,
        decode: Option<Bound<'_, PyAny>>,
        encode: Option<Py<PyAny>>,
        constant: Option<(Py<PyAny>, Py<PyBytes>)>,
        translate: Option<(Py<PyBytes>, Py<PyAny>)>,
        last_resort: Option<Py<PyBytes>>,
        spawn: Option<Py<PyAny>>,
    ) -> Self {
        let quick = AtomicBool::new(false);
        let decode = Decode::new(decode);
        let translate = translate.map(|(unless, with)| Translate { unless, with });
        Self { name, decode, call, encode, recover, constant, translate, last_resort, spawn, quick }
    }
}

/// What is sent back to the daemon.
pub enum Outcome {
    Result(Py<PyBytes>),
    Error(i64, String, Option<Py<PyBytes>>),
}

impl Outcome {
    /// The answer's approximate size in bytes.
    pub fn size(&self, py: Python<'_>) -> usize {
        match self {
            Self::Result(result) => result.as_bytes(py).len(),
            Self::Error(_, message, data) => {
                message.len() + data.as_ref().map_or(0, |data| data.as_bytes(py).len())
            }
        }
    }
}

impl Route {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn is_quick(&self) -> bool {
        // Relaxed: a hint, written and read by the serving thread.
        self.quick.load(Ordering::Relaxed)
    }

    pub fn set_quick(&self, quick: bool) {
        // Relaxed: see `is_quick`.
        self.quick.store(quick, Ordering::Relaxed);
    }

    /// The result's bytes for these params.
    pub fn answer(&self, py: Python<'_>, params: Params<'_>) -> PyResult<Py<PyBytes>> {
        let answer = self.run(py, params)?;
        self.encoded(py, answer, params.text)
    }

    /// Calls the handler and encodes its answer as the result's bytes.
    pub fn encoded(
        &self,
        py: Python<'_>,
        answer: Bound<'_, PyAny>,
        params: &[u8],
    ) -> PyResult<Py<PyBytes>> {
        let answer = self.untranslated(py, answer)?;
        self.translated(py, answer, params)
    }

    fn translated(
        &self,
        py: Python<'_>,
        answer: Py<PyBytes>,
        params: &[u8],
    ) -> PyResult<Py<PyBytes>> {
        match &self.translate {
            Some(translate) if !params.starts_with(translate.unless.as_bytes(py)) => {
                let translated = translate.with.bind(py).call1((answer, bytes(py, params)?))?;
                Ok(translated.cast_into::<PyBytes>()?.unbind())
            }
            _ => Ok(answer),
        }
    }

    fn untranslated(&self, py: Python<'_>, answer: Bound<'_, PyAny>) -> PyResult<Py<PyBytes>> {
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

    /// Handles a notification.
    pub fn notify(&self, py: Python<'_>, params: Params<'_>) -> PyResult<()> {
        self.check(self.run(py, params)?)
    }

    /// Checks what a notification's handler returned. The value is not used, but an unawaited
    /// coroutine is an error.
    pub fn check(&self, answer: Bound<'_, PyAny>) -> PyResult<()> {
        match &self.encode {
            Some(encode) if !answer.is_none() => {
                encode.bind(answer.py()).call1((answer,)).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// The handler's answer to these params.
    pub fn run<'py>(&self, py: Python<'py>, params: Params<'_>) -> PyResult<Bound<'py, PyAny>> {
        let event = self.decode.decode(py, params)?;
        self.call.bind(py).call1((event,))
    }

    /// What starts a job of this handler, if it is not called directly.
    pub fn spawn<'py>(&self, py: Python<'py>) -> Option<&Bound<'py, PyAny>> {
        self.spawn.as_ref().map(|spawn| spawn.bind(py))
    }

    /// The answer after the handler has failed.
    pub fn recover(&self, py: Python<'_>, error: &PyErr, params: &[u8]) -> PyResult<Outcome> {
        // `into_value` sets the exception's `__traceback__`.
        let exception = error.clone_ref(py).into_value(py);
        let instead = self.recover.bind(py).call1((exception, bytes(py, params)?))?;
        if let Ok(result) = instead.cast::<PyBytes>() {
            return Ok(Outcome::Result(self.translated(py, result.clone().unbind(), params)?));
        }
        let (code, message, data) = instead.extract()?;
        Ok(Outcome::Error(code, message, data))
    }

    /// The answer if `recover` fails too.
    pub fn last_resort(&self, py: Python<'_>) -> Option<Py<PyBytes>> {
        self.last_resort.as_ref().map(|bytes| bytes.clone_ref(py))
    }

    fn constant_bytes(&self, py: Python<'_>, answer: &Bound<'_, PyAny>) -> Option<Py<PyBytes>> {
        let (constant, bytes) = self.constant.as_ref()?;
        answer.is(constant).then(|| bytes.clone_ref(py))
    }
}
