//! The journal for Python.

use std::path::PathBuf;
use std::sync::Mutex;

use clnwire_io::sync::lock;
use clnwire_journal as journal;
use clnwire_journal::{Chain, Durability, Error, Options};
use pyo3::buffer::PyBuffer;
use pyo3::create_exception;
use pyo3::exceptions::{
    PyException, PyFileExistsError, PyFileNotFoundError, PyOSError, PyValueError,
};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

/// The largest segment, unless the caller says otherwise.
const SEGMENT_BYTES: u64 = 64 << 20;

create_exception!(clnwire._core, JournalError, PyException);
create_exception!(clnwire._core, JournalLockedError, JournalError);
create_exception!(clnwire._core, JournalFullError, JournalError);
create_exception!(clnwire._core, JournalFailedError, JournalError);
create_exception!(clnwire._core, JournalDamagedError, JournalError);

/// The attributes `path`, `offset` and `what` of a damaged journal are set on the exception.
#[cold]
fn python_error(error: Error) -> PyErr {
    let text = error.to_string();
    match error {
        Error::Locked { .. } => JournalLockedError::new_err(text),
        Error::Full { .. } => JournalFullError::new_err(text),
        Error::Failed { .. } => JournalFailedError::new_err(text),
        Error::Damaged { path, offset, fault } => damaged(text, path, offset, fault),
        Error::Exists { .. } => PyFileExistsError::new_err(text),
        Error::NoJournal { .. } => PyFileNotFoundError::new_err(text),
        Error::Io { error, .. } => PyOSError::new_err((error.raw_os_error(), text)),
        Error::Sequence { .. } | Error::ZeroByte { .. } | Error::TooLong { .. } => {
            PyValueError::new_err(text)
        }
        Error::Pruned { .. } | Error::Closed => JournalError::new_err(text),
    }
}

fn damaged(text: String, path: PathBuf, offset: u64, fault: journal::Fault) -> PyErr {
    Python::attach(|py| {
        let error = JournalDamagedError::new_err(text);
        let value = error.value(py);
        let set = || {
            value.setattr("path", path)?;
            value.setattr("offset", offset)?;
            value.setattr("what", fault.to_string())
        };
        match set() {
            Ok(()) => error,
            Err(failure) => failure,
        }
    })
}

fn chain(bytes: &[u8]) -> PyResult<Chain> {
    let wrong = || PyValueError::new_err(format!("a chain has 32 bytes, not {}", bytes.len()));
    bytes.try_into().map_err(|_| wrong())
}

fn durability(name: &str) -> PyResult<Durability> {
    match name {
        "power-loss" => Ok(Durability::PowerLoss),
        "process-crash" => Ok(Durability::ProcessCrash),
        _ => Err(PyValueError::new_err(format!(
            "durability is \"power-loss\" or \"process-crash\", not {name:?}"
        ))),
    }
}

/// The bytes of `bytes` itself, and a copy of those of another buffer, which may change.
enum Payload<'py> {
    Bytes(Bound<'py, PyBytes>),
    Copy(Vec<u8>),
}

impl<'py> Payload<'py> {
    fn of(value: &Bound<'py, PyAny>) -> PyResult<Self> {
        match value.cast::<PyBytes>() {
            Ok(bytes) => Ok(Self::Bytes(bytes.clone())),
            Err(_) => Ok(Self::Copy(PyBuffer::<u8>::get(value)?.to_vec(value.py())?)),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes.as_bytes(),
            Self::Copy(bytes) => bytes,
        }
    }
}

/// The chain after a set.
#[pyfunction]
#[pyo3(signature = (previous, sequence, foreign_keys, payload, /))]
pub fn chain_of<'py>(
    py: Python<'py>,
    previous: &[u8],
    sequence: u64,
    foreign_keys: bool,
    payload: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let payload = Payload::of(payload)?;
    let after = journal::chain_of(&chain(previous)?, sequence, foreign_keys, payload.bytes());
    Ok(PyBytes::new(py, &after))
}

/// BLAKE3 of a file.
#[pyfunction]
#[pyo3(signature = (path, /))]
pub fn digest_of_file(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyBytes>> {
    let digest = py.detach(|| journal::digest_of_file(&path)).map_err(python_error)?;
    Ok(PyBytes::new(py, &digest))
}

/// Removes whole segments that hold only sets before one.
#[pyfunction]
#[pyo3(signature = (directory, before, /))]
pub fn prune_journal(py: Python<'_>, directory: PathBuf, before: u64) -> PyResult<usize> {
    py.detach(|| journal::prune(&directory, before)).map_err(python_error)
}

/// A journal, open for its one writer.
#[pyclass(frozen, module = "clnwire._core")]
pub struct Journal {
    journal: Mutex<Option<journal::Journal>>,
    torn: Option<journal::TornTail>,
}

impl Journal {
    fn new(journal: journal::Journal) -> Self {
        Self { torn: journal.torn().cloned(), journal: Mutex::new(Some(journal)) }
    }

    /// Python's lock is released meanwhile, since another thread may be writing.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        act: impl FnOnce(&mut journal::Journal) -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        py.detach(|| match &mut *lock(&self.journal) {
            Some(journal) => act(journal),
            None => Err(Error::Closed),
        })
        .map_err(python_error)
    }
}

#[pymethods]
impl Journal {
    #[staticmethod]
    #[pyo3(signature = (directory, *, sequence, chain, segment_bytes = SEGMENT_BYTES, durability = "power-loss"))]
    fn create(
        py: Python<'_>,
        directory: PathBuf,
        sequence: u64,
        chain: &[u8],
        segment_bytes: u64,
        durability: &str,
    ) -> PyResult<Self> {
        let chain = self::chain(chain)?;
        let options = Options { segment_bytes, durability: self::durability(durability)? };
        py.detach(|| journal::Journal::create(&directory, sequence, chain, options))
            .map(Self::new)
            .map_err(python_error)
    }

    #[staticmethod]
    #[pyo3(signature = (directory, *, segment_bytes = SEGMENT_BYTES, durability = "power-loss"))]
    fn open(
        py: Python<'_>,
        directory: PathBuf,
        segment_bytes: u64,
        durability: &str,
    ) -> PyResult<Self> {
        let options = Options { segment_bytes, durability: self::durability(durability)? };
        py.detach(|| journal::Journal::open(&directory, options))
            .map(Self::new)
            .map_err(python_error)
    }

    #[getter]
    fn sequence(&self, py: Python<'_>) -> PyResult<u64> {
        self.with(py, |journal| Ok(journal.sequence()))
    }

    #[getter]
    fn chain<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let chain = self.with(py, |journal| Ok(*journal.chain()))?;
        Ok(PyBytes::new(py, &chain))
    }

    #[getter]
    fn previous_chain<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let chain = self.with(py, |journal| Ok(journal.previous_chain().copied()))?;
        Ok(chain.map(|chain| PyBytes::new(py, &chain)))
    }

    /// The path, the offset and the length of what opening has removed.
    #[getter]
    fn torn(&self) -> Option<(PathBuf, u64, u64)> {
        self.torn.as_ref().map(|torn| (torn.path.clone(), torn.offset, torn.length))
    }

    #[getter]
    fn room(&self, py: Python<'_>) -> PyResult<u64> {
        self.with(py, |journal| Ok(journal.room()))
    }

    #[getter]
    fn size(&self, py: Python<'_>) -> PyResult<u64> {
        self.with(py, |journal| journal.size())
    }

    #[getter]
    fn reserve_missing(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.with(py, |journal| Ok(journal.reserve_missing().map(Error::to_string)))
    }

    #[pyo3(signature = (sequence, epoch, foreign_keys, payload, /))]
    fn append<'py>(
        &self,
        py: Python<'py>,
        sequence: u64,
        epoch: u64,
        foreign_keys: bool,
        payload: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let payload = Payload::of(payload)?;
        let payload = payload.bytes();
        let append =
            |journal: &mut journal::Journal| journal.append(sequence, epoch, foreign_keys, payload);
        let chain = self.with(py, append)?;
        Ok(PyBytes::new(py, &chain))
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| drop(lock(&self.journal).take()));
    }
}

/// The sets of a journal, as tuples.
#[pyclass(frozen, module = "clnwire._core")]
pub struct JournalRecords(Mutex<journal::Records>);

#[pymethods]
impl JournalRecords {
    #[new]
    #[pyo3(signature = (directory, after, until = None, /))]
    fn new(py: Python<'_>, directory: PathBuf, after: u64, until: Option<u64>) -> PyResult<Self> {
        py.detach(|| journal::Records::open(&directory, after, until))
            .map(|records| Self(Mutex::new(records)))
            .map_err(python_error)
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let next = py.detach(|| lock(&self.0).next());
        let Some(record) = next.transpose().map_err(python_error)? else {
            return Ok(None);
        };
        let journal::Record { sequence, epoch, foreign_keys, payload, chain } = record;
        let (payload, chain) = (PyBytes::new(py, &payload), PyBytes::new(py, &chain));
        (sequence, epoch, foreign_keys, payload, chain).into_pyobject(py).map(Some)
    }
}
