//! The blocking driver: moves bytes between the daemon and plain functions, on one thread.
//!
//! A turn is: write what is ready, wait for input (both without Python's lock), and run the
//! handlers of all frames that are whole. One in flight costs one wait, one read and one write.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, OnceLock, TryLockError};
use std::time::{Duration, Instant};

use clnwire_core as core;
use clnwire_core::{Framer, IdMap, Kind, Limits, Member, unwrap_origin, unwrap_topic};
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError, PySystemExit, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rustix::io::Errno;

use crate::channel::Channel;
use crate::descriptor::{Ready, read_some, wait};
use crate::errors::{bad_id, malformed, os_error};
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
    input: OwnedFd,
    wakeup: (OwnedFd, OwnedFd),
    channel: Arc<Channel>,
    activity: Arc<Activity>,
    /// Held while serving.
    serving: Mutex<()>,
    ids: Mutex<IdMap>,
    routes: Routes,
    current: Mutex<Option<Current>>,
    stopping: AtomicBool,
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

/// What [`Driver::current`] gives: the request's key and token, the method or topic, the origin.
type CurrentForPython = (Option<u64>, Option<Py<PyBytes>>, String, Option<Py<PyBytes>>);

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
    fn new() -> PyResult<Self> {
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
            ids: Mutex::default(),
            routes: Routes::new(Arc::clone(&activity)),
            activity,
            current: Mutex::default(),
            stopping: AtomicBool::new(false),
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

    #[pyo3(signature = (*, max_frame_bytes, max_depth, patience, grace))]
    fn serve(
        &self,
        py: Python<'_>,
        max_frame_bytes: usize,
        max_depth: usize,
        patience: f64,
        grace: f64,
    ) -> PyResult<()> {
        let _serving = match self.serving.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(PyRuntimeError::new_err("the plugin is being served already"));
            }
            serving => serving,
        };
        let (patience, grace) = (seconds(patience)?, seconds(grace)?);
        let orders = Orders { patience, grace, input: self.input.try_clone()? };
        self.grace.get_or_init(|| grace);
        watchdog::watch(Arc::clone(&self.activity), Arc::clone(&self.channel), orders)?;
        let mut framer = Framer::new(Limits { max_frame_bytes, max_depth });
        let ended = self.take_turns(py, &mut framer);
        self.limit_the_end();
        ended
    }

    /// The request or notification that the serving thread is at.
    #[getter]
    fn current(&self, py: Python<'_>) -> Option<CurrentForPython> {
        let current = lock(&self.current);
        let current = current.as_ref()?;
        let token = current.key.and_then(|key| {
            lock(&self.ids).token(key).map(|token| PyBytes::new(py, token).unbind()).ok()
        });
        let origin = current.origin.as_ref().map(|origin| origin.clone_ref(py));
        Some((current.key, token, current.method.to_string(), origin))
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

    /// A daemon that is gone is no error here: the serving thread notices by itself.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        while py.detach(|| self.channel.flush()) == Err(Errno::INTR) {
            py.check_signals()?;
        }
        Ok(())
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
        let flushed = self.flush(py);
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
    fn take_turns(&self, py: Python<'_>, framer: &mut Framer) -> PyResult<()> {
        while !self.stopping.load(Ordering::Relaxed) {
            match py.detach(|| self.turn(framer)).map_err(os_error)? {
                Turn::Input => self.handle_frames(py, framer)?,
                Turn::Signal => py.check_signals()?,
                Turn::Gone => break,
            }
            if framer.is_ended() {
                break;
            }
        }
        Ok(())
    }

    /// Without Python's lock: writes, waits, reads.
    fn turn(&self, framer: &mut Framer) -> Result<Turn, Errno> {
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

    fn handle_frames(&self, py: Python<'_>, framer: &mut Framer) -> PyResult<()> {
        loop {
            framer.tolerate_bare_words(!self.initialised.load(Ordering::Relaxed));
            let Some(frame) = framer.next_frame().map_err(malformed)? else { return Ok(()) };
            if let Some(bare_word) = frame.bare_word()
                && frame.method().as_deref() != Some("init")
            {
                return Err(malformed(bare_word));
            }
            self.handle(py, &frame)?;
            if self.stopping.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
    }

    fn handle(&self, py: Python<'_>, frame: &core::Frame<'_>) -> PyResult<()> {
        match (frame.kind(), frame.id(), frame.method()) {
            (Kind::Request, Some(token), Some(method)) => self.request(py, frame, token, &method),
            (Kind::Notification, _, Some(topic)) => self.notification(py, frame, &topic),
            (Kind::Request, Some(token), None) => {
                let text = "the method's name must be a string";
                self.channel.outbox().error(token, INVALID_REQUEST, text, None);
                Ok(())
            }
            _ => self.routes.unhandled(py, &String::from_utf8_lossy(frame.bytes())),
        }
    }

    fn request(
        &self,
        py: Python<'_>,
        frame: &core::Frame<'_>,
        token: &[u8],
        method: &str,
    ) -> PyResult<()> {
        let Some(entry) = self.routes.request(method) else {
            let text = format!("unknown method '{method}'");
            self.channel.outbox().error(token, METHOD_NOT_FOUND, &text, None);
            return self.routes.unhandled(py, method);
        };
        let key = lock(&self.ids).insert(token);
        let params = frame.get(Member::Params).unwrap_or(b"null");
        let current = Current { key: Some(key), method: Arc::clone(&entry.name), origin: None };
        let answer = self.run(py, &entry, current, || entry.route.get().answer(py, params))?;
        let (outcome, fatal) = match answer {
            Ok(bytes) => (Outcome::Result(bytes), None),
            Err(error) => recover(py, &entry, params, error),
        };
        self.answer(py, key, outcome)?;
        fatal.map_or(Ok(()), Err)
    }

    fn notification(&self, py: Python<'_>, frame: &core::Frame<'_>, topic: &str) -> PyResult<()> {
        let (payload, origin) = unwrap(frame, topic);
        let (entries, everything) = self.routes.notification(topic);
        if entries.is_empty() && everything.is_empty() {
            return self.routes.unhandled(py, topic);
        }
        for entry in entries.iter().chain(everything.iter()) {
            let method = if *entry.name == *topic { Arc::clone(&entry.name) } else { topic.into() };
            let origin = origin.map(|name| PyBytes::new(py, name).unbind());
            let current = Current { key: None, method, origin };
            if let Err(error) =
                self.run(py, entry, current, || entry.route.get().run(py, payload).map(drop))?
                && let (_, Some(fatal)) = recover(py, entry, payload, error)
            {
                return Err(fatal);
            }
        }
        Ok(())
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
        *lock(&self.current) = Some(current);
        self.activity.starts(entry.watched);
        let answer = handler();
        self.activity.ends();
        *lock(&self.current) = None;
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
