//! From a frame to its handler, and from the handler's result to an answer.

use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use clnwire_core as core;
use clnwire_core::{Framer, Kind, Member, Outbox, unwrap_origin};
use clnwire_io::sync::lock;
use pyo3::exceptions::{PyKeyboardInterrupt, PySystemExit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::current_message::CurrentMessage;
use crate::driver::Driver;
use crate::errors::{bad_id, fault, malformed};
use crate::handlers::route::Outcome;
use crate::handlers::routes::{Entry, Snapshot};
use crate::params::Params;

/// Replies may wait to be written for a handler that returned this soon the last time.
const QUICK: Duration = Duration::from_micros(100);
/// JSON-RPC 2.0: the message is not valid JSON.
const PARSE_ERROR: i64 = -32700;
/// JSON-RPC 2.0: the message is not a valid request.
const INVALID_REQUEST: i64 = -32600;
/// JSON-RPC 2.0: the method does not exist.
const METHOD_NOT_FOUND: i64 = -32601;
/// JSON-RPC 2.0: an internal error of the plugin.
const INTERNAL_ERROR: i64 = -32603;

/// The message that is being handled.
pub struct Incoming {
    pub key: Option<u64>,
    pub method: Arc<str>,
    pub origin: Option<Py<PyBytes>>,
}

thread_local! {
    /// The message that the serving thread handles, unless that runs an event loop. It needs no
    /// lock, since no other thread reads it.
    static CURRENT: RefCell<Option<Incoming>> = const { RefCell::new(None) };
}

fn set_current(current: Option<Incoming>) {
    let before = CURRENT.replace(current);
    // Dropping an object may run code that reads it, so it is replaced before.
    drop(before);
}

/// Whether all frames that have arrived were handled.
pub enum Progress {
    All,
    /// There are as many jobs as there may be.
    Full,
}

/// The frames of one read.
struct Batch<'a, 'py> {
    bound: &'a Bound<'py, Driver>,
    driver: &'a Driver,
    routes: Snapshot,
    /// Replies to earlier frames wait to be written.
    others_wait: bool,
    /// When the clock was last read; reading it takes as long as handling a short frame.
    clock: Option<Instant>,
}

impl Driver {
    pub fn handle_frames(slf: &Bound<'_, Self>, framer: &mut Framer) -> PyResult<Progress> {
        let driver = slf.get();
        let mut batch = Batch {
            bound: slf,
            driver,
            routes: driver.routes.snapshot(),
            others_wait: !driver.channel.outbox().is_empty(),
            clock: None,
        };
        while !driver.stops() {
            if driver.jobs.is_full() {
                return Ok(Progress::Full);
            }
            let Some(frame) = framer.next_frame().map_err(malformed)? else { break };
            // The handler of `getmanifest` binds the others.
            driver.routes.refresh(&mut batch.routes);
            batch.handle(&frame)?;
        }
        Ok(Progress::All)
    }

    /// The message that this thread handles, if it is the serving one.
    pub fn current(&self, py: Python<'_>) -> Option<CurrentMessage> {
        if !self.is_serving_thread() {
            return None;
        }
        CURRENT.with_borrow(|current| Some(self.message(py, current.as_ref()?)))
    }

    pub fn message(&self, py: Python<'_>, current: &Incoming) -> CurrentMessage {
        let token = current.key.and_then(|key| {
            lock(&self.ids).token(key).map(|token| PyBytes::new(py, token).unbind()).ok()
        });
        let origin = current.origin.as_ref().map(|origin| origin.clone_ref(py));
        CurrentMessage {
            driver: self.serial,
            key: current.key,
            token,
            method: current.method.to_string(),
            number: 0,
            origin,
        }
    }

    /// Sets the context variable.
    pub fn set_current_message(
        &self,
        py: Python<'_>,
        message: Option<&Py<CurrentMessage>>,
    ) -> PyResult<()> {
        self.variable.bind(py).call_method1(intern!(py, "set"), (message,)).map(drop)
    }

    pub fn answer(
        &self,
        py: Python<'_>,
        key: u64,
        entry: &Entry,
        outcome: Outcome,
    ) -> PyResult<()> {
        let mut ids = lock(&self.ids);
        let token = ids.take(key).map_err(bad_id)?;
        let mut outbox = self.channel.outbox();
        if !outbox.reserve(token.len() + outcome.size(py)) {
            self.answer_shortly(py, token, entry, outbox);
            return Ok(());
        }
        match outcome {
            Outcome::Result(bytes) => outbox.reply(token, bytes.as_bytes(py)),
            Outcome::Error(code, message, data) => {
                outbox.error(token, code, &message, data.as_ref().map(|data| data.as_bytes(py)));
            }
        }
        Ok(())
    }
}

impl Driver {
    /// Without memory for the answer: sends an error that says so, or the hook's safe answer.
    #[cold]
    fn answer_shortly(
        &self,
        py: Python<'_>,
        token: &[u8],
        entry: &Entry,
        mut outbox: MutexGuard<'_, Outbox>,
    ) {
        let why = format!("{}: there is no memory to hold the answer", entry.name);
        match entry.route.get().last_resort(py) {
            Some(bytes) => outbox.reply(token, bytes.as_bytes(py)),
            None => outbox.error(token, INTERNAL_ERROR, &why, None),
        }
        drop(outbox);
        self.channel.log("error", &why);
    }
}

impl<'py> Batch<'_, 'py> {
    fn py(&self) -> Python<'py> {
        self.bound.py()
    }

    fn handle(&mut self, frame: &core::Frame<'_>) -> PyResult<()> {
        match (frame.kind(), frame.id(), frame.method()) {
            (Kind::Request, Some(token), Some(method)) => self.request(frame, token, &method),
            (Kind::Notification, _, Some(topic)) => self.notification(frame, &topic),
            (Kind::Malformed, ..) => self.malformed(frame),
            (Kind::Request, Some(token), None) => {
                self.refuse(token, INVALID_REQUEST, "the method's name must be a string");
                Ok(())
            }
            _ => self.unhandled(&String::from_utf8_lossy(frame.bytes())),
        }
    }

    fn request(&mut self, frame: &core::Frame<'_>, token: &[u8], method: &str) -> PyResult<()> {
        let (py, driver) = (self.py(), self.driver);
        let Some(entry) = self.routes.table.request(method).cloned() else {
            self.refuse(token, METHOD_NOT_FOUND, &format!("unknown method '{method}'"));
            return self.unhandled(method);
        };
        let key = lock(&driver.ids).insert(token);
        let params = frame.get(Member::Params).unwrap_or(b"null");
        let current = Incoming { key: Some(key), method: Arc::clone(&entry.name), origin: None };
        if let Some(spawn) = entry.route.get().spawn(py) {
            return Driver::hand_over(self.bound, &entry, current, params, None, spawn);
        }
        if let Some(in_turn) = driver.in_turn(py) {
            return Driver::hand_over(self.bound, &entry, current, params, None, &in_turn);
        }
        let given = Params { text: params, is_plain: frame.is_plain() };
        let answer = self.run(&entry, current, || entry.route.get().answer(py, given))?;
        let (outcome, fatal) = match answer {
            Ok(bytes) => (Outcome::Result(bytes), None),
            Err(error) => recover(py, &entry, params, error),
        };
        driver.answer(py, key, &entry, outcome)?;
        self.others_wait = true;
        fatal.map_or(Ok(()), Err)
    }

    /// Answers a message that is not valid JSON as if its handler had failed.
    #[cold]
    fn malformed(&mut self, frame: &core::Frame<'_>) -> PyResult<()> {
        let Some(error) = fault(frame) else { return Ok(()) };
        match (frame.id(), frame.method()) {
            (Some(token), Some(method)) => {
                return self.malformed_request(frame, token, &method, error);
            }
            (Some(token), None) => {
                let message = format!("the message is not JSON: {}", error.value(self.py()));
                self.refuse(token, PARSE_ERROR, &message);
            }
            (None, topic) => self.malformed_notification(frame, topic.as_deref(), &error),
        }
        Ok(())
    }

    /// `init` is handled even so: lightningd copies integer options into it as the user spelled
    /// them.
    fn malformed_request(
        &mut self,
        frame: &core::Frame<'_>,
        token: &[u8],
        method: &str,
        error: PyErr,
    ) -> PyResult<()> {
        // Relaxed: the serving thread itself sets it, in the handler of `init`.
        if method == "init" && !self.driver.initialised.load(Ordering::Relaxed) {
            return self.request(frame, token, method);
        }
        let table = Arc::clone(&self.routes.table);
        let Some(entry) = table.request(method) else {
            self.refuse(token, METHOD_NOT_FOUND, &format!("unknown method '{method}'"));
            return self.unhandled(method);
        };
        // A malformed message never ends the process, so the exception is not raised.
        let (outcome, _) = recover(self.py(), entry, malformed_params(frame), error);
        let key = lock(&self.driver.ids).insert(token);
        self.driver.answer(self.py(), key, entry, outcome)?;
        self.others_wait = true;
        Ok(())
    }

    /// Each handler of the topic logs the error. If there is none, it is logged here.
    fn malformed_notification(&self, frame: &core::Frame<'_>, topic: Option<&str>, error: &PyErr) {
        let (py, mut is_logged) = (self.py(), false);
        for entry in topic.into_iter().flat_map(|topic| self.routes.table.notification(topic)) {
            recover(py, entry, malformed_params(frame), error.clone_ref(py));
            is_logged = true;
        }
        if !is_logged {
            let message = format!("a message that is not JSON is lost: {}", error.value(py));
            self.driver.channel.log("warn", &message);
        }
    }

    fn refuse(&mut self, token: &[u8], code: i64, message: &str) {
        self.driver.channel.outbox().error(token, code, message, None);
        self.others_wait = true;
    }

    #[cold]
    fn unhandled(&self, what: &str) -> PyResult<()> {
        self.routes.table.unhandled(self.py(), what)
    }

    fn notification(&mut self, frame: &core::Frame<'_>, topic: &str) -> PyResult<()> {
        let (py, driver) = (self.py(), self.driver);
        let (payload, origin) = unwrap(frame, topic);
        let given = Params { text: payload, is_plain: frame.is_plain() };
        let table = Arc::clone(&self.routes.table);
        let mut handlers = table.notification(topic).peekable();
        if handlers.peek().is_none() {
            return self.unhandled(topic);
        }
        for entry in handlers {
            let method = if *entry.name == *topic { Arc::clone(&entry.name) } else { topic.into() };
            let origin = origin.map(|name| PyBytes::new(py, name).unbind());
            let current = Incoming { key: None, method, origin };
            if let Some(spawn) = entry.route.get().spawn(py) {
                let lane = (Arc::clone(&current.method), entry.watched);
                Driver::hand_over(self.bound, entry, current, payload, Some(lane), spawn)?;
            } else if let Some(in_turn) = driver.in_turn(py) {
                Driver::hand_over(self.bound, entry, current, payload, None, &in_turn)?;
            } else if let Err(error) =
                self.run(entry, current, || entry.route.get().notify(py, given))?
                && let (_, Some(fatal)) = recover(py, entry, payload, error)
            {
                return Err(fatal);
            }
        }
        Ok(())
    }

    /// Runs a handler, which the watchdog observes. Pending replies are written first if it could
    /// take long.
    fn run<T>(
        &mut self,
        entry: &Entry,
        current: Incoming,
        handler: impl FnOnce() -> PyResult<T>,
    ) -> PyResult<PyResult<T>> {
        let (py, driver, route) = (self.py(), self.driver, entry.route.get());
        if self.others_wait && !route.is_quick() {
            driver.flush(py)?;
            self.clock = None;
        }
        let started = self.others_wait.then(|| self.clock.unwrap_or_else(Instant::now));
        // Relaxed: this thread is the event loop's, which has set it, or there is none.
        let on_loop = driver.is_attached.load(Ordering::Relaxed);
        if on_loop {
            // Tasks that the handler starts inherit the variable.
            let message = Py::new(py, driver.message(py, &current))?;
            driver.set_current_message(py, Some(&message))?;
        } else {
            set_current(Some(current));
        }
        driver.activity.starts(entry.watched);
        let answer = handler();
        driver.end_if_forked(py, &answer)?;
        driver.activity.ends();
        if on_loop {
            driver.set_current_message(py, None)?;
        } else {
            set_current(None);
        }
        if let Some(started) = started {
            let ended = Instant::now();
            route.set_quick(ended - started < QUICK);
            self.clock = Some(ended);
        }
        Ok(answer)
    }
}

fn malformed_params<'a>(frame: &core::Frame<'a>) -> &'a [u8] {
    frame.get(Member::Params).unwrap_or(b"null")
}

/// A notification's payload, and the plugin that sent it.
///
/// Today's lightningd names the plugin beside the params, which are then unchanged; older ones
/// wrapped both. The daemon's own topics are wrapped in their name, except in 2019.
fn unwrap<'a>(frame: &core::Frame<'a>, topic: &str) -> (&'a [u8], Option<&'a [u8]>) {
    let params = frame.get(Member::Params).unwrap_or(b"null");
    if let Some(origin) = frame.get(Member::Origin) {
        return (params, Some(origin));
    }
    match unwrap_origin(params) {
        Some((origin, payload)) => (payload, Some(origin)),
        None => (frame.payload(topic), None),
    }
}

/// The answer for a handler that failed, and the exception itself if it is to end the process.
#[cold]
pub fn recover(
    py: Python<'_>,
    entry: &Entry,
    params: &[u8],
    error: PyErr,
) -> (Outcome, Option<PyErr>) {
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
