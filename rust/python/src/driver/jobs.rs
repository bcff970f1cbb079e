//! One message whose handler runs in a task or in a thread, from hand-over to answer.
//!
//! To asyncio a job is the coroutine of a task: each step goes through here, so the watchdog sees
//! it, and the last step answers. A thread calls `run`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use clnwire_io::jobs::{Job as Laned, Lane, Queued};
use clnwire_io::sync::lock;
use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::current_message::CurrentMessage;
use crate::driver::Driver;
use crate::driver::dispatch::{Incoming, recover};
use crate::handlers::route::Outcome;
use crate::handlers::routes::Entry;
use crate::params::Params;
use crate::values::bytes;

/// A request or a notification with its handler.
#[pyclass(frozen, module = "clnwire._core")]
pub struct Job {
    driver: Py<Driver>,
    entry: Arc<Entry>,
    message: Py<CurrentMessage>,
    params: Py<PyBytes>,
    /// The job's number among all jobs.
    number: u64,
    /// Notifications of one topic and handler keep their order; requests have none.
    lane: Option<Lane>,
    state: Mutex<State>,
}

/// The progress of a job.
enum State {
    New(Queued),
    /// The handler's coroutine.
    Started(Py<PyAny>),
    Done,
}

/// A job in the table of jobs.
pub struct JobRef(Py<Job>);

impl Laned for JobRef {
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

/// A job, what starts it, and whether its message has just come.
type Start = (Py<Job>, Py<PyAny>, bool);

thread_local! {
    /// What this thread starts after the start that is under way; `None` if none is.
    /// An eager task may run and end within its own creation, and so start the next job of its
    /// lane. The queue makes that a loop; recursion could be as deep as the lane is long.
    static STARTS: RefCell<Option<VecDeque<Start>>> = const { RefCell::new(None) };
}

/// What remains to be done after a job has been answered.
struct Settled {
    answered: PyResult<()>,
    next: Option<JobRef>,
}

#[pymethods]
impl Job {
    /// Handles the message to the end on this thread. Does nothing if the job was given up before.
    fn run(&self, py: Python<'_>) -> PyResult<()> {
        if !self.end_new() {
            return Ok(());
        }
        let driver = self.driver.bind(py).get();
        // The watchdog's count is for handlers of one thread; it knows those of the pool as jobs.
        let is_on_loop = driver.is_on_loop();
        if is_on_loop {
            driver.activity.starts(self.entry.watched);
        }
        let answer = self.call(py);
        driver.end_if_forked(py, &answer)?;
        let settled = driver.settle(py, self, answer);
        if is_on_loop {
            driver.activity.ends();
        }
        driver.start_next(py, settled)
    }

    /// The next step of the task.
    #[pyo3(signature = (value, /))]
    fn send(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.step(py, |job| job.started(py)?.call_method1(intern!(py, "send"), (value,)))
    }

    /// Raises an exception where the handler waits, for example that it is cancelled.
    #[pyo3(signature = (*error))]
    fn throw(&self, py: Python<'_>, error: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
        self.step(py, |job| match job.waiting(py) {
            Some(coroutine) => coroutine.call_method1(intern!(py, "throw"), error),
            None => Err(PyErr::from_value(error.get_item(0)?)),
        })
    }

    /// Closes the handler's coroutine, which gives the job up.
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
    /// Runs the handler until it waits or ends. Its error is answered, so the task never fails.
    fn step<'py>(
        &self,
        py: Python<'py>,
        step: impl FnOnce(&Self) -> PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        if self.is_done() {
            // The job was given up before its task began.
            return Err(PyStopIteration::new_err(()));
        }
        let driver = self.driver.bind(py).get();
        driver.activity.starts(self.entry.watched);
        let ended = match step(self) {
            Ok(awaited) if !driver.is_disowned() => {
                driver.activity.ends();
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
        driver.activity.ends();
        driver.start_next(py, settled)?;
        Err(PyStopIteration::new_err(()))
    }

    /// The handler's coroutine. It is made in the first step, in the task's own context.
    fn started<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &*lock(&self.state) {
            State::Started(coroutine) => return Ok(coroutine.bind(py).clone()),
            State::Done => return Err(PyRuntimeError::new_err("the handler has ended")),
            State::New(_) => {}
        }
        let coroutine = self.call(py)?;
        self.set_state(State::Started(coroutine.clone().unbind()));
        Ok(coroutine)
    }

    /// From now on plain handlers of later messages wait until this job has begun.
    fn keep_ahead(&self) {
        if let State::New(queued) = &mut *lock(&self.state) {
            queued.keep_ahead();
        }
    }

    /// Marks a job that has not begun as done. Returns whether it had not begun.
    fn end_new(&self) -> bool {
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
        self.set_state(State::Done);
    }

    fn set_state(&self, state: State) {
        let before = std::mem::replace(&mut *lock(&self.state), state);
        // Dropping a coroutine may run code that needs the lock, so it is released before.
        drop(before);
    }

    fn waiting<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        match &*lock(&self.state) {
            State::Started(coroutine) => Some(coroutine.bind(py).clone()),
            _ => None,
        }
    }

    fn call<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.driver.bind(py).get().set_current_message(py, Some(&self.message))?;
        let params = Params { text: self.params.as_bytes(py), is_plain: false };
        self.entry.route.get().run(py, params)
    }
}

impl Driver {
    /// Makes a job of a message whose handler runs in a task or a thread.
    pub(super) fn hand_over(
        slf: &Bound<'_, Self>,
        entry: &Arc<Entry>,
        current: Incoming,
        params: &[u8],
        lane: Option<Lane>,
        spawn: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let queued = params.len();
        let params = match bytes(py, params) {
            Ok(params) => params.unbind(),
            Err(error) => {
                // There is no memory for the params for `recover` either.
                let (outcome, _) = recover(py, entry, b"null", error);
                return current.key.map_or(Ok(()), |key| this.answer(py, key, entry, outcome));
            }
        };
        let number = this.jobs.reserve();
        let job = Job {
            driver: slf.clone().unbind(),
            entry: Arc::clone(entry),
            message: Py::new(py, CurrentMessage { number, ..this.message(py, &current) })?,
            params,
            number,
            lane,
            state: Mutex::new(State::New(this.jobs.queued(queued))),
        };
        let Some(job) = this.jobs.admit(JobRef(Py::new(py, job)?)) else { return Ok(()) };
        this.start(py, job.0, spawn, true)
    }

    /// What starts a plain handler as a job while jobs of earlier messages have not begun, so that
    /// the order of messages is kept. `None` if the handler can be called directly.
    pub(super) fn in_turn<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        if !self.jobs.has_ahead() {
            return None;
        }
        lock(&self.event_loop).as_ref().map(|each| each.run_soon.bind(py).clone())
    }

    /// Starts the job, and the jobs whose start it leads to.
    fn start(
        &self,
        py: Python<'_>,
        job: Py<Job>,
        spawn: &Bound<'_, PyAny>,
        is_new: bool,
    ) -> PyResult<()> {
        let mut start = Some((job, spawn.clone().unbind(), is_new));
        let is_first = STARTS.with_borrow_mut(|starts| match starts {
            Some(starts) => {
                starts.extend(start.take());
                false
            }
            None => {
                *starts = Some(VecDeque::new());
                true
            }
        });
        let mut started = Ok(());
        while let Some((job, spawn, is_new)) = start {
            started = started.and(self.start_now(py, &job, spawn.bind(py), is_new));
            start = STARTS.with_borrow_mut(|starts| starts.as_mut()?.pop_front());
        }
        if is_first {
            STARTS.set(None);
        }
        started
    }

    fn start_now(
        &self,
        py: Python<'_>,
        job: &Py<Job>,
        spawn: &Bound<'_, PyAny>,
        is_new: bool,
    ) -> PyResult<()> {
        self.activity.wake_if_asleep();
        match spawn.call1((job.clone_ref(py),)) {
            Ok(task) if task.is_none() => Ok(()),
            Ok(task) => {
                self.jobs.set_task(job.get().number, task.unbind());
                // Not the next job of a lane: it has waited behind the one before, and what was
                // called meanwhile has overtaken it already.
                // Relaxed: this thread is the event loop's, which has set it.
                if is_new && self.is_attached.load(Ordering::Relaxed) {
                    job.get().keep_ahead();
                }
                Ok(())
            }
            // The job has not begun, and never will.
            Err(error) if job.get().end_new() => {
                let settled = self.settle(py, job.get(), Err(error));
                self.start_next(py, settled)
            }
            Err(error) => {
                error.write_unraisable(py, None);
                Ok(())
            }
        }
    }

    /// Starts what comes after a job that has been settled.
    fn start_next(&self, py: Python<'_>, settled: Settled) -> PyResult<()> {
        let Settled { answered, next } = settled;
        if let Some(JobRef(next)) = next
            && let Some(spawn) = next.get().entry.route.get().spawn(py)
        {
            self.start(py, next.clone_ref(py), spawn, false)?;
        }
        answered
    }

    /// Answers a job that is done. The next job of its lane is returned, to be started after the
    /// watchdog has been told that this one has ended.
    fn settle(&self, py: Python<'_>, job: &Job, answer: PyResult<Bound<'_, PyAny>>) -> Settled {
        let (entry, key) = (&job.entry, job.message.get().key);
        let encoded = answer.and_then(|answer| match key {
            Some(_) => entry.route.get().encoded(py, answer, job.params.as_bytes(py)),
            None => entry.route.get().check(answer).map(|()| PyBytes::new(py, b"null").unbind()),
        });
        let (outcome, fatal) = match encoded {
            Ok(bytes) => (Outcome::Result(bytes), None),
            Err(error) => recover(py, entry, job.params.as_bytes(py), error),
        };
        let mut answered = key.map_or(Ok(()), |key| self.answer(py, key, entry, outcome));
        if let Some(fatal) = fatal {
            self.end_with(fatal);
        }
        let next = self.jobs.leave(job.number, job.lane.as_ref(), !self.stops());
        answered = answered.and(self.tell_of_end(py));
        Settled { answered, next }
    }

    /// The job of this number waits for one of the daemon's commands.
    pub(super) fn begin_wait(&self, py: Python<'_>, number: u64) -> PyResult<()> {
        self.jobs.begin_call(number);
        if !self.jobs.is_awaited() {
            return Ok(());
        }
        // Reading may go on: the daemon may need another answer of this plugin first.
        if self.is_on_loop() {
            return self.soon(py);
        }
        self.wake();
        Ok(())
    }

    /// Has an answer written, and wakes the thread that waits for jobs to end.
    fn tell_of_end(&self, py: Python<'_>) -> PyResult<()> {
        let is_awaited = self.jobs.is_awaited();
        if self.is_on_loop() {
            // While other jobs are at work, their answers may be written in the same round. A
            // forked child ends in the next round.
            if is_awaited || self.jobs.count() > 0 || self.channel.is_disowned() {
                return self.soon(py);
            }
            return self.flush_on_loop(py);
        }
        self.flush_waiting(py)?;
        if is_awaited {
            self.wake();
        }
        Ok(())
    }
}
