//! The driver: moves bytes between the daemon and handlers.
//!
//! By itself it serves on the thread that calls `serve`. A turn is: write what is ready, read what
//! comes (both without Python's lock), and run the handlers of all frames that are whole. One in
//! flight costs one read and one write.
//! In an event loop it waits for nothing; see `looping`. Handlers that run in tasks or threads are
//! handed over as jobs; see `job`.

mod dispatch;
mod later;

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, OnceLock, TryLockError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use clnwire_core::{Framer, IdMap, Limits};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use rustix::io::Errno;

pub use crate::driver::dispatch::Progress;
use crate::errors::{IdError, bad_id, os_error};
use crate::forked::end_child;
use crate::handled::Handled;
use crate::job::JobRef;
use crate::looping::EventLoop;
use crate::route::Route;
use crate::routes::Routes;
use clnwire_io::activity::Activity;
use clnwire_io::channel::Channel;
use clnwire_io::descriptor::{
    Ready, Waited, Watched, drain, is_hung_up, read_some, wait, wait_for_wakeup,
};
use clnwire_io::interrupter::Interrupter;
use clnwire_io::jobs::Jobs;
use clnwire_io::sync::lock;
use clnwire_io::watchdog::{self, WatchdogConfig};
use clnwire_io::{stdio, stray};

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
    /// The context variable for what is being handled.
    variable: Py<PyAny>,
    pub jobs: Arc<Jobs<JobRef>>,
    /// It is in the log that the reading pauses although handlers wait for the daemon.
    told_of_pause: AtomicBool,
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
    /// Twice the number of reads, and 1 more while a part of a message has come. Only the thread
    /// that serves writes it.
    input_mark: AtomicU64,
    stray_ended: Mutex<Option<Receiver<()>>>,
    /// Stdin and stdout are the daemon's. If it is in this process itself, they are others'.
    owns_process: bool,
}

/// Keeps the process's signals the plugin's.
struct Signals<'py> {
    /// `sys.modules`.
    modules: Bound<'py, PyDict>,
    keep: Bound<'py, PyAny>,
}

impl<'py> Signals<'py> {
    fn new(keep: Bound<'py, PyAny>) -> PyResult<Self> {
        let modules = keep.py().import("sys")?.getattr("modules")?.cast_into()?;
        Ok(Self { modules, keep })
    }

    /// To be called after handlers and before the next read: one of them may have run an event
    /// loop, which resets the wakeup descriptor when it closes.
    fn keep(&self) -> PyResult<()> {
        if self.modules.contains(intern!(self.keep.py(), "asyncio"))? {
            self.keep.call0()?;
        }
        Ok(())
    }
}

/// What a turn brought.
enum Turn {
    Input,
    Signal,
    Gone,
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
            stopping: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            grace: OnceLock::new(),
            initialised: AtomicBool::new(false),
            input_mark: AtomicU64::new(0),
            owns_process: pipes.is_none(),
            stray_ended: Mutex::new(stray_ended),
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

    fn forget_routes(&self) {
        self.routes.clear();
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
        // A forked child shares the pipe that wakes the serving thread, and must not use it.
        if self.is_disowned() {
            return;
        }
        self.stopping.store(true, Ordering::Relaxed);
        self.limit_the_end();
        self.wake();
    }

    /// Ends the plugin, and raises this from `serve` when all is tidied up.
    #[pyo3(signature = (error, /))]
    fn fail(&self, error: Bound<'_, PyAny>) {
        self.end_with(PyErr::from_value(error));
    }

    /// This process is a fork of the plugin: it has nothing to say to the daemon. From now on no
    /// lock is taken, since the thread that held it may not exist here.
    fn disown(&self) {
        self.channel.disown();
        self.stopping.store(true, Ordering::Relaxed);
    }

    #[getter]
    pub fn is_disowned(&self) -> bool {
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

    /// In a process with asyncio, `keep` is called after handlers.
    #[pyo3(signature = (keep = None, /))]
    fn serve(slf: &Bound<'_, Self>, keep: Option<Bound<'_, PyAny>>) -> PyResult<()> {
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
        let interrupter = this.interrupter()?;
        let signals = keep.map(Signals::new).transpose()?;
        let ended = Self::take_turns(slf, &mut framer, interrupter.as_deref(), signals.as_ref());
        if let Some(interrupter) = interrupter
            && !this.is_disowned()
        {
            interrupter.end();
            this.wake();
        }
        this.limit_the_end();
        this.wait_for_jobs(py, |jobs| jobs.count() == 0)?;
        this.raise_failure()?;
        ended
    }

    /// From now on this thread's event loop has the driver take turns: `soon` is to call `turn`
    /// when the loop comes round, `run_soon` a job's `run`.
    #[pyo3(signature = (soon, run_soon, /))]
    fn attach(&self, soon: Py<PyAny>, run_soon: Py<PyAny>) {
        self.serving_thread.get_or_init(|| thread::current().id());
        *lock(&self.event_loop) =
            Some(EventLoop { thread: thread::current().id(), soon, run_soon });
        self.is_attached.store(true, Ordering::SeqCst);
    }

    /// The event loop is over. Raises what a handler ended the process with.
    fn detach(&self) -> PyResult<()> {
        self.is_attached.store(false, Ordering::SeqCst);
        let event_loop = lock(&self.event_loop).take();
        drop(event_loop);
        self.raise_failure()
    }

    #[pyo3(signature = (readable, /))]
    fn turn(slf: &Bound<'_, Self>, readable: bool) -> PyResult<&'static str> {
        let this = slf.get();
        if this.is_disowned() {
            return Ok("ended");
        }
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
        self.jobs.set_awaited(true);
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
    fn owns_process(&self) -> bool {
        self.owns_process
    }

    #[getter]
    fn is_hung_up(&self) -> bool {
        is_hung_up(self.input.as_fd())
    }

    /// A number that changes with each read and each handler that ends; nothing while a handler
    /// runs, or part of a message has come.
    #[getter]
    fn idle_mark(&self) -> Option<u64> {
        // The caller looks again and again, so that no order with other memory is needed.
        let mark = self.input_mark.load(Ordering::Relaxed);
        let handlers = self.activity.idle_count()?;
        (mark.is_multiple_of(2) && self.jobs.count() == 0).then(|| mark.wrapping_add(handlers))
    }

    #[getter]
    fn in_flight(&self) -> usize {
        self.jobs.count()
    }

    /// The job of this number waits for one of the daemon's commands: it does not stop the reading.
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

    /// The request or notification that the serving thread is at.
    #[getter(current)]
    fn get_current(&self, py: Python<'_>) -> Option<Handled> {
        if self.is_disowned() {
            return None;
        }
        self.current(py)
    }

    /// The token of a request that waits for its answer.
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

    pub fn flush(&self, py: Python<'_>) -> PyResult<()> {
        if self.is_disowned() {
            return Ok(());
        }
        match self.is_on_loop() {
            true => self.flush_on_loop(py),
            false => self.flush_waiting(py),
        }
    }

    /// Ends the threads, and waits a moment for the last of the stray output.
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
            // A child process that outlives the plugin keeps the pipe open: that is no reason to wait.
            let _ = py.detach(move || ended.recv_timeout(patience));
        }
        let flushed = self.flush_waiting(py);
        self.activity.close();
        // Handlers refer to the driver: without this, its descriptors would never be closed.
        self.routes.clear();
        flushed
    }
}

impl Driver {
    /// From now on the process has so long to end as `serve` was told.
    fn limit_the_end(&self) {
        if let Some(grace) = self.grace.get() {
            self.activity.set_shutdown_deadline(*grace);
        }
    }

    /// In a process that is others' there is none: its signals are theirs.
    fn interrupter(&self) -> PyResult<Option<Arc<Interrupter>>> {
        if !self.owns_process {
            return Ok(None);
        }
        Ok(Interrupter::start(self.input.as_fd(), self.wakeup.0.try_clone()?)?)
    }

    /// Until the daemon closes its end, does not listen any more, or `stop` was called.
    fn take_turns(
        slf: &Bound<'_, Self>,
        framer: &mut Framer,
        interrupter: Option<&Interrupter>,
        signals: Option<&Signals<'_>>,
    ) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        while !this.stops() {
            match py.detach(|| this.turn_blocking(framer, interrupter)).map_err(os_error)? {
                Turn::Input => {
                    this.handle_all(slf, framer)?;
                    this.note_input(framer);
                    signals.map_or(Ok(()), Signals::keep)?;
                }
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
            self.tell_of_pause();
            self.wait_for_jobs(slf.py(), |jobs| !jobs.is_full() || self.stops())?;
        }
        Ok(())
    }

    /// Something was read, and all whole messages in it were handled.
    pub fn note_input(&self, framer: &Framer) {
        let reads = self.input_mark.load(Ordering::Relaxed) & !1;
        let mark = reads.wrapping_add(2) | u64::from(framer.buffered() > 0);
        self.input_mark.store(mark, Ordering::Relaxed);
    }

    /// Says once what pauses the reading if that may never end. It is not certain: the daemon may as
    /// well carry the commands out without this plugin.
    pub fn tell_of_pause(&self) {
        // Relaxed: only the serving thread looks at it.
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

    /// Waits on the serving thread for what jobs do in other threads.
    fn wait_for_jobs(
        &self,
        py: Python<'_>,
        enough: impl Fn(&Jobs<JobRef>) -> bool,
    ) -> PyResult<()> {
        self.jobs.set_awaited(true);
        while !enough(&self.jobs) {
            self.flush_waiting(py)?;
            py.detach(|| wait_for_wakeup(self.wakeup.0.as_fd())).map_err(os_error)?;
            py.check_signals()?;
            if is_hung_up(self.input.as_fd()) {
                self.limit_the_end();
            }
        }
        self.jobs.set_awaited(false);
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

    /// Ends the process if it is a child that the handler forked off; `answer` is what the handler
    /// gave.
    pub fn end_if_forked<T>(&self, py: Python<'_>, answer: &PyResult<T>) -> PyResult<()> {
        if self.channel.is_disowned() {
            return Err(end_child(py, answer.as_ref().err()));
        }
        Ok(())
    }

    pub fn activity(&self) -> &Activity {
        &self.activity
    }

    fn wake(&self) {
        // A full pipe will wake it all the same.
        let _ = rustix::io::write(&self.wakeup.1, b"!");
    }

    fn end_with(&self, error: PyErr) {
        if self.is_disowned() {
            return;
        }
        lock(&self.fatal).get_or_insert(error);
        self.stop();
    }

    fn raise_failure(&self) -> PyResult<()> {
        let fatal = lock(&self.fatal).take();
        fatal.map_or(Ok(()), Err)
    }

    /// A daemon that is gone is no error here: the serving thread notices by itself.
    pub fn flush_waiting(&self, py: Python<'_>) -> PyResult<()> {
        if !self.is_serving_thread() {
            while py.detach(|| self.channel.flush(None)) == Ok(Waited::Signal) {
                py.check_signals()?;
            }
            return Ok(());
        }
        let mut woken = false;
        while py.detach(|| self.flush_watching()) == Ok(Waited::Signal) {
            woken = true;
            self.woken();
            py.check_signals()?;
        }
        if woken {
            // The byte may have been meant for a later wait.
            self.wake();
        }
        Ok(())
    }

    /// Writes all that waits, or as much as the daemon takes until there is something else to do.
    /// Only the serving thread may: signals are its to see.
    fn flush_watching(&self) -> Result<Waited, Errno> {
        let (wakeup, input) = (self.wakeup.0.as_fd(), self.input.as_fd());
        let waited = self.channel.flush(Some(Watched { wakeup, input: Some(input) }))?;
        if waited != Waited::HungUp {
            return Ok(waited);
        }
        // The daemon has closed our input; it may never read the rest.
        self.limit_the_end();
        self.channel.flush(Some(Watched { wakeup, input: None }))
    }

    /// Without Python's lock: writes, and reads.
    fn turn_blocking(
        &self,
        framer: &mut Framer,
        interrupter: Option<&Interrupter>,
    ) -> Result<Turn, Errno> {
        match self.flush_watching() {
            Err(Errno::PIPE) => return Ok(Turn::Gone),
            Ok(Waited::Signal) => {
                self.woken();
                return Ok(Turn::Signal);
            }
            other => other?,
        };
        match self.read(framer.space(), interrupter)? {
            None => {
                self.woken();
                Ok(Turn::Signal)
            }
            Some(count) => {
                framer.commit(count);
                Ok(Turn::Input)
            }
        }
    }

    /// Waits for input; gives nothing if there is something else to do first.
    fn read(
        &self,
        room: &mut [u8],
        interrupter: Option<&Interrupter>,
    ) -> Result<Option<usize>, Errno> {
        let input = self.input.as_fd();
        if let Some(interrupter) = interrupter {
            return interrupter.read(input, room);
        }
        match wait(input, self.wakeup.0.as_fd())? {
            Ready::Signal => Ok(None),
            Ready::Input => read_some(input, room),
        }
    }
}
