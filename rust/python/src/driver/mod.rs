//! The driver: moves messages between the daemon and handlers.
//!
//! | module | job |
//! |---|---|
//! | `blocking` | serves on the thread that calls `serve` |
//! | `event_loop` | serves in asyncio's event loop, which calls `turn` |
//! | `dispatch` | from a frame to its handler, and to the answer |
//! | `jobs` | a message whose handler runs in a task or a thread |
//!
//! The order of the locks is in the documentation of `clnwire_io`.

mod blocking;
mod dispatch;
mod event_loop;
mod jobs;

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, OnceLock, TryLockError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use clnwire_core::{Framer, IdMap, Limits};
use clnwire_io::activity::Activity;
use clnwire_io::channel::Channel;
use clnwire_io::descriptor::{drain, is_hung_up};
use clnwire_io::sync::lock;
use clnwire_io::watchdog::{self, WatchdogConfig};
use clnwire_io::{stdio, stray};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::current_message::CurrentMessage;
use crate::driver::event_loop::EventLoop;
pub use crate::driver::jobs::Job;
use crate::driver::jobs::JobRef;
use crate::errors::{IdError, bad_id, os_error};
use crate::forked::end_child;
use crate::handlers::route::Route;
use crate::handlers::routes::Routes;

/// Serves the daemon.
#[pyclass(frozen, module = "clnwire._core")]
pub struct Driver {
    /// Distinguishes this driver's messages from those of other drivers in the process.
    serial: u64,
    input: OwnedFd,
    /// The reading end and the writing end.
    wakeup: (OwnedFd, OwnedFd),
    channel: Arc<Channel>,
    activity: Arc<Activity>,
    /// Held while serving.
    serving: Mutex<()>,
    serving_thread: OnceLock<ThreadId>,
    ids: Mutex<IdMap>,
    routes: Routes,
    /// The context variable with the message that is being handled.
    variable: Py<PyAny>,
    jobs: Arc<clnwire_io::jobs::Jobs<JobRef>>,
    /// Whether it was logged that reading pauses although handlers wait for the daemon.
    told_of_pause: AtomicBool,
    event_loop: Mutex<Option<EventLoop>>,
    /// Whether there is an event loop; saves taking the lock.
    is_attached: AtomicBool,
    /// `None` before `prepare`, and while `serve` uses it.
    framer: Mutex<Option<Framer>>,
    /// Whether another turn is scheduled in the event loop.
    soon_asked: AtomicBool,
    /// Whether the daemon has not taken everything that was ready for it.
    unwritten: AtomicBool,
    /// Raised at the end of `serve` or `detach`.
    fatal: Mutex<Option<PyErr>>,
    /// A `Phase`.
    phase: AtomicU8,
    /// How long the shutdown may take.
    grace: OnceLock<Duration>,
    initialised: AtomicBool,
    /// Twice the number of reads, plus 1 while part of a message has arrived. Only the serving
    /// thread writes it.
    input_mark: AtomicU64,
    stray_ended: Mutex<Option<Receiver<()>>>,
    /// Whether stdin and stdout are the daemon's pipes. False if the daemon is in this process.
    owns_process: bool,
}

/// How near the driver is to its end. It only moves forward.
enum Phase {
    /// Frames are read and handled.
    Serving,
    /// The event loop reads nothing more, and waits for the jobs.
    Draining,
    /// No more frames are handled.
    Stopping,
}

/// What the event loop is to do after a turn.
#[pyclass(frozen, eq, rename_all = "SCREAMING_SNAKE_CASE", module = "clnwire._core")]
#[derive(PartialEq)]
pub enum Turn {
    /// Read on.
    Open,
    /// Pause reading: there are as many jobs as there may be.
    Full,
    /// Stop reading, and end.
    Ended,
}

static NEXT_SERIAL: AtomicU64 = AtomicU64::new(0);

/// Longer durations (such as `float("inf")`) are clamped to a century, in seconds: `Duration` cannot
/// hold infinity.
const CENTURY: f64 = 100.0 * 365.0 * 86_400.0;

/// Seconds from Python are a float, since `timedelta` would import `datetime` at start.
fn seconds(seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds.min(CENTURY))
        .map_err(|error| PyValueError::new_err(error.to_string()))
}

#[pymethods]
impl Driver {
    #[new]
    #[pyo3(signature = (variable, /, pipes=None))]
    fn new(variable: Py<PyAny>, pipes: Option<(RawFd, RawFd)>) -> PyResult<Self> {
        let wakeup = stdio::wakeup_pipe().map_err(os_error)?;
        let stdio = match pipes {
            Some((input, output)) => stdio::at_pipes(input, output).map_err(os_error)?,
            None => stdio::take_over().map_err(os_error)?,
        };
        let channel = Arc::new(Channel::new(stdio.output).map_err(os_error)?);
        let activity = Arc::new(Activity::default());
        let stray_ended =
            stdio.stray.map(|stray| stray::log_lines(stray, Arc::clone(&channel))).transpose()?;
        Ok(Self {
            // Relaxed: only the uniqueness of the numbers matters.
            serial: NEXT_SERIAL.fetch_add(1, Ordering::Relaxed),
            input: stdio.input,
            wakeup,
            channel,
            serving: Mutex::default(),
            serving_thread: OnceLock::new(),
            ids: Mutex::default(),
            routes: Routes::new(Arc::clone(&activity)),
            activity,
            variable,
            jobs: Arc::default(),
            told_of_pause: AtomicBool::new(false),
            event_loop: Mutex::default(),
            is_attached: AtomicBool::new(false),
            framer: Mutex::default(),
            soon_asked: AtomicBool::new(false),
            unwritten: AtomicBool::new(false),
            fatal: Mutex::default(),
            phase: AtomicU8::new(Phase::Serving as u8),
            grace: OnceLock::new(),
            initialised: AtomicBool::new(false),
            input_mark: AtomicU64::new(0),
            owns_process: pipes.is_none(),
            stray_ended: Mutex::new(stray_ended),
        })
    }

    /// For `signal.set_wakeup_fd`.
    #[getter]
    fn wakeup_write_fd(&self) -> RawFd {
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

    fn forget_routes(&self) {
        self.routes.clear();
    }

    #[pyo3(signature = (callback, /))]
    fn on_unhandled(&self, callback: Py<PyAny>) {
        self.routes.set_unhandled(callback);
    }

    /// `init` has been handled. Before that, it is handled even if it is not valid JSON.
    fn set_initialised(&self) {
        // Relaxed: set and read by the serving thread.
        self.initialised.store(true, Ordering::Relaxed);
    }

    fn stop(&self) {
        // A forked child shares the wakeup pipe with the parent, and must not write to it.
        if self.is_disowned() {
            return;
        }
        // Relaxed: the byte in the pipe comes after it, and the serving thread looks again then.
        self.phase.store(Phase::Stopping as u8, Ordering::Relaxed);
        self.set_shutdown_deadline();
        self.wake();
    }

    /// Ends the plugin. `serve` or `detach` raises the error at its end.
    #[pyo3(signature = (error, /))]
    fn fail(&self, error: Bound<'_, PyAny>) {
        self.end_with(PyErr::from_value(error));
    }

    /// To be called in a fork of the plugin, which must not talk to the daemon. From now on no lock
    /// is taken, since the thread that held it may not exist here.
    fn disown(&self) {
        self.channel.disown();
        // Relaxed: the forked child has one thread.
        self.phase.store(Phase::Stopping as u8, Ordering::Relaxed);
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
        let (input, ends_process) = (self.input.try_clone()?, self.owns_process);
        let config = WatchdogConfig { patience, grace, input, ends_process };
        self.grace.get_or_init(|| grace);
        self.jobs.set_limit(max_in_flight);
        let watched = (Arc::clone(&self.activity), Arc::clone(&self.jobs));
        watchdog::watch(watched, Arc::clone(&self.channel), config)?;
        *lock(&self.framer) = Some(Framer::new(Limits { max_frame_bytes, max_depth }));
        Ok(())
    }

    /// `ending` is called when no more is read, before the jobs are awaited. In a process with
    /// asyncio, `keep` is called after handlers.
    #[pyo3(signature = (ending, keep = None, /))]
    fn serve(
        slf: &Bound<'_, Self>,
        ending: &Bound<'_, PyAny>,
        keep: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        Self::serve_blocking(slf, ending, keep)
    }

    /// From now on this thread's event loop calls `turn`. `soon` schedules a call of `turn`, and
    /// `run_soon` one of a job's `run`.
    #[pyo3(signature = (soon, run_soon, /))]
    fn attach(&self, soon: Py<PyAny>, run_soon: Py<PyAny>) {
        self.serving_thread.get_or_init(|| thread::current().id());
        let event_loop = EventLoop { thread: thread::current().id(), soon, run_soon };
        let before = lock(&self.event_loop).replace(event_loop);
        // Dropping it may run code that needs the lock, so the lock is released before.
        drop(before);
        // Relaxed: this thread is the one that must see it; for others the lock decides.
        self.is_attached.store(true, Ordering::Relaxed);
    }

    /// The event loop has ended. Raises the error given to `fail`.
    fn detach(&self) -> PyResult<()> {
        // Relaxed: see `attach`.
        self.is_attached.store(false, Ordering::Relaxed);
        let event_loop = lock(&self.event_loop).take();
        drop(event_loop);
        self.raise_failure()
    }

    #[pyo3(signature = (readable, /))]
    fn turn(slf: &Bound<'_, Self>, readable: bool) -> PyResult<Turn> {
        let this = slf.get();
        if this.is_disowned() {
            return Ok(Turn::Ended);
        }
        // Relaxed: only the loop's own thread uses it.
        this.soon_asked.store(false, Ordering::Relaxed);
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

    /// From now on the event loop reads nothing, and waits for the jobs.
    fn begin_end(&self) {
        // Relaxed: set and read by the loop's own thread.
        self.phase.fetch_max(Phase::Draining as u8, Ordering::Relaxed);
        self.set_shutdown_deadline();
        self.jobs.set_awaited(true);
    }

    /// Empties the wakeup pipe.
    fn drain_wakeup(&self) {
        drain(self.wakeup.0.as_fd());
    }

    #[getter]
    fn wakeup_read_fd(&self) -> RawFd {
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
        // Relaxed: set and read by the loop's own thread.
        self.unwritten.load(Ordering::Relaxed)
    }

    #[getter]
    fn is_stopping(&self) -> bool {
        self.stops()
    }

    #[getter]
    fn owns_process(&self) -> bool {
        self.owns_process
    }

    #[getter]
    fn is_hung_up(&self) -> bool {
        is_hung_up(self.input.as_fd())
    }

    /// A number that changes with each read and each handler that ends. `None` while a handler runs
    /// or part of a message has arrived.
    #[getter]
    fn idle_mark(&self) -> Option<u64> {
        // Relaxed: the caller compares it with itself, again and again.
        let mark = self.input_mark.load(Ordering::Relaxed);
        let handlers = self.activity.idle_count()?;
        (mark.is_multiple_of(2) && self.jobs.count() == 0).then(|| mark.wrapping_add(handlers))
    }

    #[getter]
    fn in_flight(&self) -> usize {
        self.jobs.count()
    }

    /// The job of this number waits for one of the daemon's commands, so it does not count for the
    /// limit.
    #[pyo3(signature = (number, /))]
    fn begin_call(&self, py: Python<'_>, number: u64) -> PyResult<()> {
        self.begin_wait(py, number)
    }

    #[pyo3(signature = (number, /))]
    fn end_call(&self, number: u64) {
        self.jobs.end_call(number);
    }

    /// Whether the request of this key has its answer.
    #[pyo3(signature = (key, /))]
    fn is_answered(&self, key: u64) -> bool {
        lock(&self.ids).token(key).is_err()
    }

    fn tasks(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        self.jobs.tasks(|task| task.clone_ref(py))
    }

    /// The serial number of this driver: `CurrentMessage.driver` of its messages.
    #[getter]
    fn serial(&self) -> u64 {
        self.serial
    }

    /// The message that the serving thread handles.
    #[getter(current)]
    fn get_current(&self, py: Python<'_>) -> Option<CurrentMessage> {
        if self.is_disowned() {
            return None;
        }
        self.current(py)
    }

    /// The token of a request that is not answered yet.
    #[pyo3(signature = (key, /))]
    fn token<'py>(&self, py: Python<'py>, key: u64) -> PyResult<Bound<'py, PyBytes>> {
        if self.is_disowned() {
            return Err(IdError::new_err("requests are the parent process's to answer"));
        }
        lock(&self.ids).token(key).map(|token| PyBytes::new(py, token)).map_err(bad_id)
    }

    #[pyo3(signature = (method, params, /))]
    fn notify(&self, py: Python<'_>, method: &str, params: &[u8]) -> PyResult<()> {
        if self.is_disowned() {
            return Ok(());
        }
        let mut outbox = self.channel.outbox();
        if !outbox.reserve(method.len() + params.len()) {
            return Err(PyMemoryError::new_err(format!("no memory to send '{method}'")));
        }
        outbox.notification(method, params);
        drop(outbox);
        self.flush(py)
    }

    #[pyo3(signature = (level, message, /))]
    fn log(&self, py: Python<'_>, level: &str, message: &str) -> PyResult<()> {
        if self.is_disowned() {
            return Ok(());
        }
        self.channel.log(level, message);
        self.flush(py)
    }

    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        if self.is_disowned() {
            return Ok(());
        }
        if self.is_on_loop() { self.flush_on_loop(py) } else { self.flush_waiting(py) }
    }

    /// Ends the threads. Waits up to `patience` seconds for the last stray output.
    #[pyo3(signature = (patience, /))]
    fn close(&self, py: Python<'_>, patience: f64) -> PyResult<()> {
        if self.is_disowned() {
            return Ok(());
        }
        let patience = seconds(patience)?;
        if self.owns_process {
            stdio::release_stdout().map_err(os_error)?;
        }
        if let Some(ended) = lock(&self.stray_ended).take() {
            // It times out if a child process outlives the plugin, and so keeps the pipe open.
            let _ = py.detach(move || ended.recv_timeout(patience));
        }
        let flushed = self.flush_waiting(py);
        self.activity.close();
        // Handlers refer to the driver: without this, its descriptors would stay open.
        self.routes.clear();
        flushed
    }
}

impl Driver {
    /// Starts the time that the process has to end, which `prepare` was given.
    fn set_shutdown_deadline(&self) {
        if let Some(grace) = self.grace.get() {
            self.activity.set_shutdown_deadline(*grace);
        }
    }

    /// To be called after a read, once all whole messages in it were handled.
    fn note_input(&self, framer: &Framer) {
        // Relaxed: this thread alone writes it.
        let reads = self.input_mark.load(Ordering::Relaxed) & !1;
        let mark = reads.wrapping_add(2) | u64::from(framer.buffered() > 0);
        // Relaxed: see `idle_mark`.
        self.input_mark.store(mark, Ordering::Relaxed);
    }

    /// Logs once why reading pauses, if the pause might never end. (The daemon may also carry the
    /// commands out without an answer of this plugin.)
    fn tell_of_pause(&self) {
        // Relaxed: only the serving thread uses it.
        if !self.told_of_pause.load(Ordering::Relaxed)
            && let Some(what) = self.jobs.reached_bound()
        {
            // Relaxed: likewise.
            self.told_of_pause.store(true, Ordering::Relaxed);
            self.channel.log(
                "warn",
                &format!(
                    "reading pauses, for {what}: if the daemon needs an answer of this plugin first, neither goes on. Let fewer handlers call the daemon at a time, with a semaphore for instance"
                ),
            );
        }
    }

    /// Whether the event loop reads nothing more.
    fn ends(&self) -> bool {
        // Relaxed: see `stop` and `begin_end`.
        self.phase.load(Ordering::Relaxed) >= Phase::Draining as u8
    }

    /// Whether no more frames are handled.
    fn stops(&self) -> bool {
        // Relaxed: see `stop`.
        self.phase.load(Ordering::Relaxed) == Phase::Stopping as u8
    }

    fn is_serving_thread(&self) -> bool {
        self.serving_thread.get() == Some(&thread::current().id())
    }

    /// Ends the process if it is a child that the handler forked. `answer` is the handler's result.
    fn end_if_forked<T>(&self, py: Python<'_>, answer: &PyResult<T>) -> PyResult<()> {
        if self.channel.is_disowned() {
            return Err(end_child(py, answer.as_ref().err()));
        }
        Ok(())
    }

    fn wake(&self) {
        // It fails if the pipe is full, which wakes the thread as well.
        let _ = rustix::io::write(&self.wakeup.1, b"!");
    }

    fn end_with(&self, error: PyErr) {
        if self.is_disowned() {
            return;
        }
        let mut fatal = lock(&self.fatal);
        let dropped = if fatal.is_none() { fatal.replace(error) } else { Some(error) };
        drop(fatal);
        // Dropping it may run code that needs the lock, so the lock is released before.
        drop(dropped);
        self.stop();
    }

    fn raise_failure(&self) -> PyResult<()> {
        let fatal = lock(&self.fatal).take();
        fatal.map_or(Ok(()), Err)
    }
}
