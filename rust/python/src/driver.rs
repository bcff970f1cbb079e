//! The driver: moves bytes between the daemon and handlers.
//!
//! By itself it serves on the thread that calls `serve`. A turn is: write what is ready, wait for
//! input (both without Python's lock), and run the handlers of all frames that are whole. One in
//! flight costs one wait, one read and one write.
//! In an event loop it waits for nothing; see `looping`. Handlers that run in tasks or threads are
//! handed over as jobs; see `job`.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, OnceLock, TryLockError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use clnwire_core as core;
use clnwire_core::{Framer, IdMap, Kind, Limits, Member, unwrap_origin, unwrap_topic};
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError, PySystemExit, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rustix::io::Errno;

use crate::channel::Channel;
use crate::descriptor::{Ready, drain, is_hung_up, read_some, wait, wait_for_wakeup};
use crate::errors::{bad_id, malformed, os_error};
use crate::handled::Handled;
use crate::job::{Job, State};
use crate::jobs::{Jobs, Lane};
use crate::looping::EventLoop;
use crate::route::{Outcome, Route};
use crate::routes::{Entry, Routes};
use crate::sync::lock;
use crate::watchdog::{self, Activity, Orders};
use crate::{stdio, stray};

/// A handler that returned this soon may run while replies wait to be written.
const QUICK: Duration = Duration::from_micros(100);
/// JSON-RPC 2.0: the request is no request.
const INVALID_REQUEST: i64 = -32600;
/// JSON-RPC 2.0: the method does not exist.
const METHOD_NOT_FOUND: i64 = -32601;
/// JSON-RPC 2.0: the plugin failed.
const INTERNAL_ERROR: i64 = -32603;

/// Serves the daemon.
#[pyclass(frozen, module = "clnwire._core")]
pub struct Driver {
    pub input: OwnedFd,
    wakeup: (OwnedFd, OwnedFd),
    pub channel: Arc<Channel>,
    activity: Arc<Activity>,
    /// Held while serving.
    serving: Mutex<()>,
    serving_thread: OnceLock<ThreadId>,
    ids: Mutex<IdMap>,
    routes: Routes,
    /// What the serving thread is at, unless it runs an event loop.
    current: Mutex<Option<Current>>,
    /// The context variable for what is being handled.
    variable: Py<PyAny>,
    pub jobs: Arc<Jobs>,
    /// Somebody waits for a job to be done.
    pub is_awaited: AtomicBool,
    pub event_loop: Mutex<Option<EventLoop>>,
    /// Whether there is an event loop, at less cost.
    pub is_attached: AtomicBool,
    /// The event loop's framer.
    framer: Mutex<Option<Framer>>,
    pub soon_asked: AtomicBool,
    /// The daemon has not taken all that was ready for it.
    pub unwritten: AtomicBool,
    /// What ends the process, once all is tidied up.
    fatal: Mutex<Option<PyErr>>,
    stopping: AtomicBool,
    /// The event loop takes nothing in any more; what it has is done.
    ending: AtomicBool,
    /// How long the end may take.
    grace: OnceLock<Duration>,
    initialised: AtomicBool,
    stray_ended: Mutex<Option<Receiver<()>>>,
}

/// What is being handled.
struct Current {
    key: Option<u64>,
    method: Arc<str>,
    origin: Option<Py<PyBytes>>,
}

/// What a turn brought.
enum Turn {
    Input,
    Signal,
    Gone,
}

/// How far the frames were handled that have come.
pub enum Progress {
    All,
    /// No more may be in handlers.
    Full,
}

/// A longer time is never: `float("inf")`, say, which no clock can be set to. A hundred years.
const NEVER: f64 = 100.0 * 365.0 * 86_400.0;

/// Seconds as Python gives them: a float, since `timedelta` would import `datetime` at start.
fn seconds(seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds.min(NEVER))
        .map_err(|error| PyValueError::new_err(error.to_string()))
}

#[pymethods]
impl Driver {
    #[new]
    #[pyo3(signature = (variable, /))]
    fn new(variable: Py<PyAny>) -> PyResult<Self> {
        let wakeup = stdio::wakeup_pipe().map_err(os_error)?;
        let stdio = stdio::take_over().map_err(os_error)?;
        let channel = Arc::new(Channel::new(stdio.output));
        let activity = Arc::new(Activity::default());
        let stray_ended = stray::log_lines(stdio.stray, Arc::clone(&channel))?;
        Ok(Self {
            input: stdio.input,
            wakeup,
            channel,
            serving: Mutex::default(),
            serving_thread: OnceLock::new(),
            ids: Mutex::default(),
            routes: Routes::new(Arc::clone(&activity)),
            activity,
            current: Mutex::default(),
            variable,
            jobs: Arc::default(),
            is_awaited: AtomicBool::new(false),
            event_loop: Mutex::default(),
            is_attached: AtomicBool::new(false),
            framer: Mutex::default(),
            soon_asked: AtomicBool::new(false),
            unwritten: AtomicBool::new(false),
            fatal: Mutex::default(),
            stopping: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            grace: OnceLock::new(),
            initialised: AtomicBool::new(false),
            stray_ended: Mutex::new(Some(stray_ended)),
        })
    }

    /// For `signal.set_wakeup_fd`.
    #[getter]
    fn wakeup_fd(&self) -> RawFd {
        self.wakeup.1.as_raw_fd()
    }

    #[pyo3(signature = (route, /))]
    fn on_request(&self, route: Py<Route>) {
        self.routes.add_request(route);
    }

    #[pyo3(signature = (topic, route, /))]
    fn on_notification(&self, topic: Option<String>, route: Py<Route>) {
        self.routes.add_notification(topic, route);
    }

    #[pyo3(signature = (callback, /))]
    fn on_unhandled(&self, callback: Py<PyAny>) {
        self.routes.set_unhandled(callback);
    }

    /// From now on bytes that are no JSON end the stream; until `init` an option may be.
    fn set_initialised(&self) {
        self.initialised.store(true, Ordering::Relaxed);
    }

    fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.limit_the_end();
        self.wake();
    }

    /// Ends the plugin, and raises this from `serve` when all is tidied up.
    #[pyo3(signature = (error, /))]
    fn fail(&self, error: Bound<'_, PyAny>) {
        self.end_with(PyErr::from_value(error));
    }

    /// This process is a fork of the plugin: it has nothing to say to the daemon.
    fn disown(&self) {
        self.channel.disown();
        self.stopping.store(true, Ordering::Relaxed);
    }

    #[getter]
    fn is_disowned(&self) -> bool {
        self.channel.is_disowned()
    }

    /// Before `serve` or `attach`.
    #[pyo3(signature = (*, max_frame_bytes, max_depth, patience, grace, max_in_flight))]
    fn prepare(
        &self,
        max_frame_bytes: usize,
        max_depth: usize,
        patience: f64,
        grace: f64,
        max_in_flight: usize,
    ) -> PyResult<()> {
        let (patience, grace) = (seconds(patience)?, seconds(grace)?);
        let orders = Orders { patience, grace, input: self.input.try_clone()? };
        self.grace.get_or_init(|| grace);
        self.jobs.set_limit(max_in_flight);
        let watched = (Arc::clone(&self.activity), Arc::clone(&self.jobs));
        watchdog::watch(watched, Arc::clone(&self.channel), orders)?;
        *lock(&self.framer) = Some(Framer::new(Limits { max_frame_bytes, max_depth }));
        Ok(())
    }

    fn serve(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let _serving = match this.serving.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(PyRuntimeError::new_err("the plugin is being served already"));
            }
            serving => serving,
        };
        let Some(mut framer) = lock(&this.framer).take() else {
            return Err(PyRuntimeError::new_err("call prepare() first"));
        };
        this.serving_thread.get_or_init(|| thread::current().id());
        let ended = Self::take_turns(slf, &mut framer);
        this.limit_the_end();
        this.wait_for_jobs(py, |jobs| jobs.count() == 0)?;
        this.raise_failure()?;
        ended
    }

    /// From now on this thread's event loop has the driver take turns: `soon` is to call `turn`
    /// when the loop comes round.
    #[pyo3(signature = (soon, /))]
    fn attach(&self, soon: Py<PyAny>) -> PyResult<()> {
        self.channel.set_blocking(false).map_err(os_error)?;
        *lock(&self.event_loop) = Some(EventLoop { thread: thread::current().id(), soon });
        self.is_attached.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// The event loop is over. Raises what a handler ended the process with.
    fn detach(&self) -> PyResult<()> {
        self.is_attached.store(false, Ordering::SeqCst);
        let event_loop = lock(&self.event_loop).take();
        drop(event_loop);
        self.channel.set_blocking(true).map_err(os_error)?;
        self.raise_failure()
    }

    #[pyo3(signature = (readable, /))]
    fn turn(slf: &Bound<'_, Self>, readable: bool) -> PyResult<&'static str> {
        let this = slf.get();
        this.soon_asked.store(false, Ordering::SeqCst);
        let mut framer = match this.framer.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(Self::is_busy()),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Ok(framer) => framer,
        };
        match framer.as_mut() {
            Some(framer) => Self::take_turn(slf, framer, readable),
            None => Err(PyRuntimeError::new_err("call prepare() first")),
        }
    }

    /// From now on the event loop takes nothing in, and waits for what is at work.
    fn begin_end(&self) {
        self.ending.store(true, Ordering::SeqCst);
        self.limit_the_end();
        self.is_awaited.store(true, Ordering::SeqCst);
    }

    /// Empties the wakeup pipe.
    fn woken(&self) {
        drain(self.wakeup.0.as_fd());
    }

    #[getter]
    fn woken_fd(&self) -> RawFd {
        self.wakeup.0.as_raw_fd()
    }

    #[getter]
    fn input_fd(&self) -> RawFd {
        self.input.as_raw_fd()
    }

    #[getter]
    fn output_fd(&self) -> RawFd {
        self.channel.fd()
    }

    #[getter]
    fn has_unwritten(&self) -> bool {
        self.unwritten.load(Ordering::Relaxed)
    }

    #[getter]
    fn is_stopping(&self) -> bool {
        self.stops()
    }

    #[getter]
    fn is_hung_up(&self) -> bool {
        is_hung_up(self.input.as_fd())
    }

    #[getter]
    fn in_flight(&self) -> usize {
        self.jobs.count()
    }

    fn tasks(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        self.jobs.tasks(py)
    }

    /// The request or notification that the serving thread is at.
    #[getter]
    fn current(&self, py: Python<'_>) -> Option<Handled> {
        let current = lock(&self.current);
        let current = current.as_ref().filter(|_| self.is_serving_thread())?;
        Some(self.handled(py, current))
    }

    /// The token of a request that waits for its answer.
    #[pyo3(signature = (key, /))]
    fn token<'py>(&self, py: Python<'py>, key: u64) -> PyResult<Bound<'py, PyBytes>> {
        lock(&self.ids).token(key).map(|token| PyBytes::new(py, token)).map_err(bad_id)
    }

    #[pyo3(signature = (method, params, /))]
    fn notify(&self, py: Python<'_>, method: &str, params: &[u8]) -> PyResult<()> {
        self.channel.outbox().notification(method, params);
        self.flush(py)
    }

    #[pyo3(signature = (level, message, /))]
    fn log(&self, py: Python<'_>, level: &str, message: &str) -> PyResult<()> {
        self.channel.log(level, message);
        self.flush(py)
    }

    pub fn flush(&self, py: Python<'_>) -> PyResult<()> {
        match self.is_on_loop() {
            true => self.flush_on_loop(py),
            false => self.flush_waiting(py),
        }
    }

    /// Ends the threads, and waits a moment for the last of the stray output.
    #[pyo3(signature = (patience, /))]
    fn close(&self, py: Python<'_>, patience: f64) -> PyResult<()> {
        let patience = seconds(patience)?;
        stdio::release_stdout().map_err(os_error)?;
        if let Some(ended) = lock(&self.stray_ended).take() {
            // A child process that outlives the plugin keeps the pipe open: that is no reason to wait.
            let _ = py.detach(move || ended.recv_timeout(patience));
        }
        let flushed = self.flush_waiting(py);
        self.activity.close();
        flushed
    }
}

impl Driver {
    /// From now on the process has so long to end as `serve` was told.
    fn limit_the_end(&self) {
        if let Some(grace) = self.grace.get() {
            self.activity.must_end_within(*grace);
        }
    }

    /// Until the daemon closes its end, does not listen any more, or `stop` was called.
    fn take_turns(slf: &Bound<'_, Self>, framer: &mut Framer) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        while !this.stops() {
            match py.detach(|| this.turn_blocking(framer)).map_err(os_error)? {
                Turn::Input => this.handle_all(slf, framer)?,
                Turn::Signal => py.check_signals()?,
                Turn::Gone => break,
            }
            if framer.is_ended() {
                break;
            }
        }
        Ok(())
    }

    fn handle_all(&self, slf: &Bound<'_, Self>, framer: &mut Framer) -> PyResult<()> {
        while let Progress::Full = Self::handle_frames(slf, framer)? {
            self.wait_for_jobs(slf.py(), |jobs| !jobs.is_full() || self.stops())?;
        }
        Ok(())
    }

    /// Waits on the serving thread for what jobs do in other threads.
    fn wait_for_jobs(&self, py: Python<'_>, enough: impl Fn(&Jobs) -> bool) -> PyResult<()> {
        self.is_awaited.store(true, Ordering::SeqCst);
        while !enough(&self.jobs) {
            self.flush_waiting(py)?;
            py.detach(|| wait_for_wakeup(self.wakeup.0.as_fd())).map_err(os_error)?;
            py.check_signals()?;
            if is_hung_up(self.input.as_fd()) {
                self.limit_the_end();
            }
        }
        self.is_awaited.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// Whether the event loop takes in nothing more.
    pub fn ends(&self) -> bool {
        self.stops() || self.ending.load(Ordering::SeqCst)
    }

    pub fn stops(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn is_serving_thread(&self) -> bool {
        self.serving_thread.get() == Some(&thread::current().id())
    }

    pub fn activity(&self) -> &Activity {
        &self.activity
    }

    fn wake(&self) {
        // A full pipe will wake it all the same.
        let _ = rustix::io::write(&self.wakeup.1, b"!");
    }

    fn end_with(&self, error: PyErr) {
        lock(&self.fatal).get_or_insert(error);
        self.stop();
    }

    fn raise_failure(&self) -> PyResult<()> {
        let fatal = lock(&self.fatal).take();
        fatal.map_or(Ok(()), Err)
    }

    /// A daemon that is gone is no error here: the serving thread notices by itself.
    pub fn flush_waiting(&self, py: Python<'_>) -> PyResult<()> {
        while py.detach(|| self.channel.flush()) == Err(Errno::INTR) {
            py.check_signals()?;
        }
        Ok(())
    }

    /// Without Python's lock: writes, waits, reads.
    fn turn_blocking(&self, framer: &mut Framer) -> Result<Turn, Errno> {
        match self.channel.flush() {
            Err(Errno::PIPE) => return Ok(Turn::Gone),
            Err(Errno::INTR) => return Ok(Turn::Signal),
            other => other?,
        }
        if let Ready::Signal = wait(self.input.as_fd(), self.wakeup.0.as_fd())? {
            return Ok(Turn::Signal);
        }
        match read_some(self.input.as_fd(), framer.space())? {
            None => Ok(Turn::Signal),
            Some(count) => {
                framer.commit(count);
                Ok(Turn::Input)
            }
        }
    }

    pub fn handle_frames(slf: &Bound<'_, Self>, framer: &mut Framer) -> PyResult<Progress> {
        let this = slf.get();
        while !this.stops() {
            if this.jobs.is_full() {
                return Ok(Progress::Full);
            }
            framer.tolerate_bare_words(!this.initialised.load(Ordering::Relaxed));
            let Some(frame) = framer.next_frame().map_err(malformed)? else { break };
            if let Some(bare_word) = frame.bare_word()
                && frame.method().as_deref() != Some("init")
            {
                return Err(malformed(bare_word));
            }
            Self::handle(slf, &frame)?;
        }
        Ok(Progress::All)
    }

    fn handle(slf: &Bound<'_, Self>, frame: &core::Frame<'_>) -> PyResult<()> {
        let this = slf.get();
        match (frame.kind(), frame.id(), frame.method()) {
            (Kind::Request, Some(token), Some(method)) => Self::request(slf, frame, token, &method),
            (Kind::Notification, _, Some(topic)) => Self::notification(slf, frame, &topic),
            (Kind::Request, Some(token), None) => {
                let text = "the method's name must be a string";
                this.channel.outbox().error(token, INVALID_REQUEST, text, None);
                Ok(())
            }
            _ => this.routes.unhandled(slf.py(), &String::from_utf8_lossy(frame.bytes())),
        }
    }

    fn request(
        slf: &Bound<'_, Self>,
        frame: &core::Frame<'_>,
        token: &[u8],
        method: &str,
    ) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let Some(entry) = this.routes.request(method) else {
            let text = format!("unknown method '{method}'");
            this.channel.outbox().error(token, METHOD_NOT_FOUND, &text, None);
            return this.routes.unhandled(py, method);
        };
        let key = lock(&this.ids).insert(token);
        let params = frame.get(Member::Params).unwrap_or(b"null");
        let current = Current { key: Some(key), method: Arc::clone(&entry.name), origin: None };
        if let Some(later) = entry.route.get().later(py) {
            return Self::hand_over(slf, &entry, current, params, None, later);
        }
        let answer = this.run(py, &entry, current, || entry.route.get().answer(py, params))?;
        let (outcome, fatal) = match answer {
            Ok(bytes) => (Outcome::Result(bytes), None),
            Err(error) => recover(py, &entry, params, error),
        };
        this.answer(py, key, outcome)?;
        fatal.map_or(Ok(()), Err)
    }

    fn notification(slf: &Bound<'_, Self>, frame: &core::Frame<'_>, topic: &str) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let (payload, origin) = unwrap(frame, topic);
        let (entries, everything) = this.routes.notification(topic);
        if entries.is_empty() && everything.is_empty() {
            return this.routes.unhandled(py, topic);
        }
        for entry in entries.iter().chain(everything.iter()) {
            let method = if *entry.name == *topic { Arc::clone(&entry.name) } else { topic.into() };
            let origin = origin.map(|name| PyBytes::new(py, name).unbind());
            let current = Current { key: None, method, origin };
            if let Some(later) = entry.route.get().later(py) {
                let lane = (Arc::clone(&current.method), entry.watched);
                Self::hand_over(slf, entry, current, payload, Some(lane), later)?;
            } else if let Err(error) =
                this.run(py, entry, current, || entry.route.get().run(py, payload).map(drop))?
                && let (_, Some(fatal)) = recover(py, entry, payload, error)
            {
                return Err(fatal);
            }
        }
        Ok(())
    }

    /// Makes a job of a message whose handler runs in a task or a thread.
    fn hand_over(
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
            Some(_) => entry.route.get().encoded(py, answer),
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

    fn handled(&self, py: Python<'_>, current: &Current) -> Handled {
        let token = current.key.and_then(|key| {
            lock(&self.ids).token(key).map(|token| PyBytes::new(py, token).unbind()).ok()
        });
        let origin = current.origin.as_ref().map(|origin| origin.clone_ref(py));
        Handled { key: current.key, token, method: current.method.to_string(), origin }
    }

    /// Sets the context variable.
    pub fn set_handled(&self, py: Python<'_>, handled: Option<&Py<Handled>>) -> PyResult<()> {
        self.variable.bind(py).call_method1(intern!(py, "set"), (handled,)).map(drop)
    }

    /// Runs a handler under the watchdog's eyes. Replies that wait are written first if it could
    /// take long: nothing waits behind a slow handler.
    fn run<T>(
        &self,
        py: Python<'_>,
        entry: &Entry,
        current: Current,
        handler: impl FnOnce() -> T,
    ) -> PyResult<T> {
        let others_wait = !self.channel.outbox().is_empty();
        if others_wait && !entry.route.get().is_quick() {
            self.flush(py)?;
        }
        let started = others_wait.then(Instant::now);
        let on_loop = self.is_attached.load(Ordering::Relaxed);
        if on_loop {
            // Tasks that the handler starts inherit it.
            let handled = Py::new(py, self.handled(py, &current))?;
            self.set_handled(py, Some(&handled))?;
        } else {
            *lock(&self.current) = Some(current);
        }
        self.activity.starts(entry.watched);
        let answer = handler();
        self.activity.ends();
        if on_loop {
            self.set_handled(py, None)?;
        } else {
            *lock(&self.current) = None;
        }
        if let Some(started) = started {
            entry.route.get().set_quick(started.elapsed() < QUICK);
        }
        Ok(answer)
    }

    fn answer(&self, py: Python<'_>, key: u64, outcome: Outcome) -> PyResult<()> {
        let mut ids = lock(&self.ids);
        let token = ids.take(key).map_err(bad_id)?;
        let mut outbox = self.channel.outbox();
        match outcome {
            Outcome::Result(bytes) => outbox.reply(token, bytes.as_bytes(py)),
            Outcome::Error(code, message, data) => {
                outbox.error(token, code, &message, data.as_ref().map(|data| data.as_bytes(py)));
            }
        }
        Ok(())
    }
}

/// A notification's payload, and the plugin it comes from.
///
/// lightningd names that plugin beside the params, which are then as they were sent; older ones
/// wrapped both. Its own topics are wrapped in their name, or in 2019 not at all.
fn unwrap<'a>(frame: &core::Frame<'a>, topic: &str) -> (&'a [u8], Option<&'a [u8]>) {
    let params = frame.get(Member::Params).unwrap_or(b"null");
    if let Some(origin) = frame.get(Member::Origin) {
        return (params, Some(origin));
    }
    match unwrap_origin(params) {
        Some((origin, payload)) => (payload, Some(origin)),
        None => (unwrap_topic(params, topic), None),
    }
}

/// What to answer for a handler that failed, and the exception itself if it is meant to end the
/// process.
#[cold]
fn recover(py: Python<'_>, entry: &Entry, params: &[u8], error: PyErr) -> (Outcome, Option<PyErr>) {
    let route = entry.route.get();
    let outcome = route.recover(py, &error, params).unwrap_or_else(|failure| {
        failure.write_unraisable(py, None);
        match route.last_resort(py) {
            Some(bytes) => Outcome::Result(bytes),
            None => Outcome::Error(INTERNAL_ERROR, format!("{}: failed", entry.name), None),
        }
    });
    let is_fatal =
        error.is_instance_of::<PySystemExit>(py) || error.is_instance_of::<PyKeyboardInterrupt>(py);
    (outcome, is_fatal.then_some(error))
}
