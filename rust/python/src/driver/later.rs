//! Messages whose handlers run in tasks and threads: handed over, started, and answered.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::driver::Driver;
use crate::driver::dispatch::{Current, recover};
use crate::handled::Handled;
use crate::job::{Job, JobRef, State};
use crate::route::Outcome;
use crate::routes::Entry;
use crate::values::bytes;
use clnwire_io::jobs::Lane;
use clnwire_io::sync::lock;

/// A job, what takes it, and whether its message has just come.
type Start = (Py<Job>, Py<PyAny>, bool);

thread_local! {
    /// What this thread starts after the start that is under way; nothing if none is.
    /// An eager task may run and end within its own creation, and have the next of its lane
    /// started. The queue makes that a loop; recursion could be as deep as the lane is long.
    static STARTS: RefCell<Option<VecDeque<Start>>> = const { RefCell::new(None) };
}

/// What is left to do when a job has been answered.
pub struct Settled {
    answered: PyResult<()>,
    next: Option<JobRef>,
}

impl Driver {
    /// Makes a job of a message whose handler runs in a task or a thread.
    pub fn hand_over(
        slf: &Bound<'_, Self>,
        entry: &Arc<Entry>,
        current: Current,
        params: &[u8],
        lane: Option<Lane>,
        later: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let queued = params.len();
        let params = match bytes(py, params) {
            Ok(params) => params.unbind(),
            Err(error) => {
                // There is no memory to hand them to what answers for the handler either.
                let (outcome, _) = recover(py, entry, b"null", error);
                return current.key.map_or(Ok(()), |key| this.answer(py, key, entry, outcome));
            }
        };
        let number = this.jobs.reserve();
        let job = Job {
            driver: slf.clone().unbind(),
            entry: Arc::clone(entry),
            handled: Py::new(py, Handled { number, ..this.handled(py, &current) })?,
            params,
            number,
            lane,
            state: Mutex::new(State::New(this.jobs.queued(queued))),
        };
        let Some(job) = this.jobs.admit(JobRef(Py::new(py, job)?)) else { return Ok(()) };
        this.start(py, job.0, later, true)
    }

    /// What takes the messages of plain handlers while jobs that came before have not begun:
    /// answers keep the order of what is answered at once.
    pub fn in_turn<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        if !self.jobs.has_ahead() {
            return None;
        }
        lock(&self.event_loop).as_ref().map(|each| each.run_soon.bind(py).clone())
    }

    /// Has the job started, and those that this one leads to.
    fn start(
        &self,
        py: Python<'_>,
        job: Py<Job>,
        later: &Bound<'_, PyAny>,
        is_new: bool,
    ) -> PyResult<()> {
        let mut start = Some((job, later.clone().unbind(), is_new));
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
        while let Some((job, later, is_new)) = start {
            started = started.and(self.start_now(py, &job, later.bind(py), is_new));
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
        later: &Bound<'_, PyAny>,
        is_new: bool,
    ) -> PyResult<()> {
        self.activity.wake_if_asleep();
        match later.call1((job.clone_ref(py),)) {
            Ok(task) if task.is_none() => Ok(()),
            Ok(task) => {
                self.jobs.set_task(job.get().number, task.unbind());
                // What comes after it in its lane has waited already.
                if is_new && self.is_attached.load(Ordering::Relaxed) {
                    job.get().keep_ahead();
                }
                Ok(())
            }
            // It has not begun, and never will.
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
    pub fn start_next(&self, py: Python<'_>, settled: Settled) -> PyResult<()> {
        let Settled { answered, next } = settled;
        if let Some(JobRef(next)) = next
            && let Some(later) = next.get().entry.route.get().later(py)
        {
            self.start(py, next.clone_ref(py), later, false)?;
        }
        answered
    }

    /// A job is done: answers what it gave, and gives the next of its lane, which is not started
    /// yet: one handler is not to begin within another.
    pub fn settle(&self, py: Python<'_>, job: &Job, answer: PyResult<Bound<'_, PyAny>>) -> Settled {
        let (entry, key) = (&job.entry, job.handled.get().key);
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
    pub fn begin_wait(&self, py: Python<'_>, number: u64) -> PyResult<()> {
        self.jobs.begin_call(number);
        // Reading may go on: the daemon may need an answer of this plugin first.
        match self.jobs.is_awaited() {
            true if self.is_on_loop() => self.soon(py),
            true => {
                self.wake();
                Ok(())
            }
            false => Ok(()),
        }
    }

    /// Sees to it that an answer is written, and that who waits for room, or the end, goes on.
    fn tell_of_end(&self, py: Python<'_>) -> PyResult<()> {
        let is_awaited = self.jobs.is_awaited();
        if self.is_on_loop() {
            // While others are at work there may be more to write in the same round. A fork of the
            // plugin is to end in the next one.
            return match is_awaited || self.jobs.count() > 0 || self.channel.is_disowned() {
                true => self.soon(py),
                false => self.flush_on_loop(py),
            };
        }
        self.flush_waiting(py)?;
        if is_awaited {
            self.wake();
        }
        Ok(())
    }
}
