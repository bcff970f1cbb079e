//! A message for a handler that runs in a task or in a thread.
//!
//! To asyncio it is the coroutine of a task: each step goes through here, under the watchdog's
//! eyes, and the last one answers. A thread calls `run`.

use std::sync::{Arc, Mutex};

use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::driver::Driver;
use crate::handled::Handled;
use crate::route::Params;
use crate::routes::Entry;
use clnwire_io::jobs::{Lane, Queued};
use clnwire_io::sync::lock;

#[pyclass(frozen, module = "clnwire._core")]
pub struct Job {
    pub driver: Py<Driver>,
    pub entry: Arc<Entry>,
    pub handled: Py<Handled>,
    pub params: Py<PyBytes>,
    /// Among all jobs.
    pub number: u64,
    /// Notifications keep their order; requests have none.
    pub lane: Option<Lane>,
    pub state: Mutex<State>,
}

/// A job in the table of jobs.
pub struct JobRef(pub Py<Job>);

impl clnwire_io::jobs::Job for JobRef {
    type Task = Py<PyAny>;

    fn number(&self) -> u64 {
        self.0.get().number
    }

    fn lane(&self) -> Option<&Lane> {
        self.0.get().lane.as_ref()
    }

    fn name(&self) -> &Arc<str> {
        &self.0.get().entry.name
    }
}

/// How far it is.
pub enum State {
    New(Queued),
    /// What the handler gave when it was called.
    Started(Py<PyAny>),
    Done,
}

#[pymethods]
impl Job {
    /// Handles the message to the end, on this thread; does nothing if it was given up before.
    fn run(&self, py: Python<'_>) -> PyResult<()> {
        if !self.end_new() {
            return Ok(());
        }
        let driver = self.driver.bind(py).get();
        // The watchdog looks at one thread's handlers; those of the pool are jobs to it.
        let is_on_loop = driver.is_on_loop();
        if is_on_loop {
            driver.activity().starts(self.entry.watched);
        }
        let answer = self.call(py);
        driver.end_if_forked(py, &answer)?;
        let settled = driver.settle(py, self, answer);
        if is_on_loop {
            driver.activity().ends();
        }
        driver.start_next(py, settled)
    }

    /// The next step of the task.
    #[pyo3(signature = (value, /))]
    fn send(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.step(py, |job| job.started(py)?.call_method1(intern!(py, "send"), (value,)))
    }

    /// Raises an exception where the handler waits, such as that it is cancelled.
    #[pyo3(signature = (*error))]
    fn throw(&self, py: Python<'_>, error: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
        self.step(py, |job| match job.waiting(py) {
            Some(coroutine) => coroutine.call_method1(intern!(py, "throw"), error),
            None => Err(PyErr::from_value(error.get_item(0)?)),
        })
    }

    /// Gives the handler up.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        match self.waiting(py) {
            Some(coroutine) => coroutine.call_method0(intern!(py, "close")).map(drop),
            None => Ok(()),
        }
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.send(py, py.None().bind(py))
    }

    #[getter]
    fn __name__(&self) -> &str {
        &self.entry.name
    }

    #[getter]
    fn __qualname__(&self) -> &str {
        &self.entry.name
    }
}

impl Job {
    /// The handler goes on until it waits, or ends. An error of it is answered, so the task itself
    /// never fails.
    fn step<'py>(
        &self,
        py: Python<'py>,
        step: impl FnOnce(&Self) -> PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        if self.is_done() {
            // It was given up before its task began.
            return Err(PyStopIteration::new_err(()));
        }
        let driver = self.driver.bind(py).get();
        driver.activity().starts(self.entry.watched);
        let ended = match step(self) {
            Ok(awaited) if !driver.is_disowned() => {
                driver.activity().ends();
                return Ok(awaited.unbind());
            }
            // The event loop is the parent's, and would never resume it.
            Ok(_) => Err(PyRuntimeError::new_err("a forked child cannot await")),
            Err(error) if error.is_instance_of::<PyStopIteration>(py) => {
                error.value(py).getattr(intern!(py, "value"))
            }
            Err(error) => Err(error),
        };
        driver.end_if_forked(py, &ended)?;
        self.set_done();
        let settled = driver.settle(py, self, ended);
        driver.activity().ends();
        driver.start_next(py, settled)?;
        Err(PyStopIteration::new_err(()))
    }

    /// The handler's coroutine; it is made in the first step, in the task's own context.
    fn started<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &*lock(&self.state) {
            State::Started(coroutine) => return Ok(coroutine.bind(py).clone()),
            State::Done => return Err(PyRuntimeError::new_err("the handler has ended")),
            State::New(_) => {}
        }
        let coroutine = self.call(py)?;
        let before =
            std::mem::replace(&mut *lock(&self.state), State::Started(coroutine.clone().unbind()));
        drop(before);
        Ok(coroutine)
    }

    /// From now on plain handlers whose messages came later wait until this one has begun.
    pub fn keep_ahead(&self) {
        if let State::New(queued) = &mut *lock(&self.state) {
            queued.keep_ahead();
        }
    }

    /// Whether the job was new; it is done now.
    pub fn end_new(&self) -> bool {
        let mut state = lock(&self.state);
        if !matches!(*state, State::New(_)) {
            return false;
        }
        *state = State::Done;
        true
    }

    fn is_done(&self) -> bool {
        matches!(*lock(&self.state), State::Done)
    }

    fn set_done(&self) {
        let before = std::mem::replace(&mut *lock(&self.state), State::Done);
        // What Python runs when a coroutine goes must find the state free.
        drop(before);
    }

    fn waiting<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        match &*lock(&self.state) {
            State::Started(coroutine) => Some(coroutine.bind(py).clone()),
            _ => None,
        }
    }

    fn call<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.driver.bind(py).get().set_handled(py, Some(&self.handled))?;
        let params = Params { text: self.params.as_bytes(py), is_plain: false };
        self.entry.route.get().run(py, params)
    }
}
