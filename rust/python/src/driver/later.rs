//! Messages whose handlers run in tasks and threads: handed over, started, and answered.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::driver::Driver;
use crate::driver::dispatch::{Current, recover};
use crate::job::{Job, State};
use crate::jobs::Lane;
use crate::route::Outcome;
use crate::routes::Entry;

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
        let job = Job {
            driver: slf.clone().unbind(),
            entry: Arc::clone(entry),
            handled: Py::new(py, this.handled(py, &current))?,
            params: PyBytes::new(py, params).unbind(),
            number: this.jobs.number(),
            lane,
            state: Mutex::new(State::New),
        };
        match this.jobs.admit(Py::new(py, job)?) {
            Some(job) => this.start_job(py, job, later),
            None => Ok(()),
        }
    }

    fn start_job(&self, py: Python<'_>, job: Py<Job>, later: &Bound<'_, PyAny>) -> PyResult<()> {
        self.activity.wake_if_asleep();
        match later.call1((job.clone_ref(py),)) {
            Ok(task) => {
                self.jobs.set_task(job.get(), task.unbind());
                Ok(())
            }
            Err(error) => self.job_ended(py, job.get(), Err(error)),
        }
    }

    /// A job is done: what it gave is answered, and the next of its lane started.
    pub fn job_ended(
        &self,
        py: Python<'_>,
        job: &Job,
        answer: PyResult<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let (entry, key) = (&job.entry, job.handled.get().key);
        let encoded = answer.and_then(|answer| match key {
            Some(_) => entry.route.get().encoded(py, answer, job.params.as_bytes(py)),
            None => Ok(PyBytes::new(py, b"null").unbind()),
        });
        let (outcome, fatal) = match encoded {
            Ok(bytes) => (Outcome::Result(bytes), None),
            Err(error) => recover(py, entry, job.params.as_bytes(py), error),
        };
        let answered = key.map_or(Ok(()), |key| self.answer(py, key, outcome));
        if let Some(fatal) = fatal {
            self.end_with(fatal);
        }
        let next = self.jobs.leave(job, !self.stops());
        self.tell_of_end(py)?;
        if let Some(next) = next
            && let Some(later) = entry.route.get().later(py)
        {
            self.start_job(py, next, later)?;
        }
        answered
    }

    /// Sees to it that an answer is written, and that who waits for room, or the end, goes on.
    fn tell_of_end(&self, py: Python<'_>) -> PyResult<()> {
        let is_awaited = self.is_awaited.load(Ordering::SeqCst);
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
