//! The modes: in which order requests are sent and replies awaited.

use std::collections::VecDeque;
use std::iter::Cycle;
use std::slice::Iter;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::job::{Ask, Job, Mode};
use crate::meter::Meter;
use crate::plugin::Plugin;
use crate::processes::time_of;
use crate::reply::shown;
use crate::request::Request;

/// The interval for checking a plugin that has been sent everything.
const GLANCE: Duration = Duration::from_millis(1);

/// A plugin that uses less than `IDLE` of processor time in this time has nothing more to do.
const QUIET: Duration = Duration::from_millis(50);
const IDLE: Duration = Duration::from_micros(500);

/// When to stop sending: after this many messages, or this much time.
#[derive(Clone, Copy)]
pub struct Limit {
    count: usize,
    until: Instant,
}

impl Limit {
    pub fn new(count: usize, seconds: f64) -> Self {
        Self { count, until: Instant::now() + Duration::from_secs_f64(seconds) }
    }

    fn allows(&self, sent: usize) -> bool {
        sent < self.count && Instant::now() < self.until
    }
}

/// What is sent, prepared before the measurement.
pub struct Load<'a> {
    mode: Mode,
    requests: Vec<Request>,
    expect: Option<&'a str>,
    window: usize,
    /// A window of notifications.
    batch: Vec<u8>,
}

impl<'a> Load<'a> {
    pub fn new(job: &'a Job) -> Result<Self, Failure> {
        let requests: Vec<Request> = job.requests.iter().map(Request::new).collect();
        let window = job.window.get();
        if requests.is_empty() && matches!(job.mode, Mode::One | Mode::Window | Mode::Flood) {
            return Err(Failure::Impossible("there is no request to send".to_owned()));
        }
        let batch = job.notification.repeat(window).into_bytes();
        Ok(Self { mode: job.mode, requests, expect: job.expect.as_deref(), window, batch })
    }

    /// Returns how long it took.
    pub fn run(
        &self,
        plugin: &mut Plugin,
        meter: &mut Meter,
        limit: Limit,
    ) -> Result<Duration, String> {
        let started = Instant::now();
        match self.mode {
            Mode::Manifest | Mode::Start => {}
            Mode::One => self.one_in_flight(plugin, meter, limit)?,
            Mode::Window => self.window(plugin, meter, limit)?,
            Mode::Flood => self.flood(plugin, meter, limit)?,
            Mode::Pour => return Ok(self.pour(plugin, meter, limit)? - started),
        }
        Ok(started.elapsed())
    }

    fn in_turn(&self) -> Cycle<Iter<'_, Request>> {
        self.requests.iter().cycle()
    }

    fn one_in_flight(
        &self,
        plugin: &mut Plugin,
        meter: &mut Meter,
        limit: Limit,
    ) -> Result<(), String> {
        let (mut frame, mut token) = (Vec::new(), Vec::new());
        for (sent, request) in self.in_turn().enumerate() {
            if !limit.allows(sent) {
                break;
            }
            frame.clear();
            request.write(meter.next(), &mut frame, &mut token);
            exchange(plugin, meter, &frame, &token, self.expect)?;
        }
        Ok(())
    }

    /// Refills the window, with one write, whenever replies have come.
    fn window(&self, plugin: &mut Plugin, meter: &mut Meter, limit: Limit) -> Result<(), String> {
        let (mut sent, mut frames, mut requests) = (0, Vec::new(), self.in_turn());
        let mut waiting: VecDeque<(Vec<u8>, Instant)> = VecDeque::new();
        let mut used: Vec<Vec<u8>> = Vec::new();
        loop {
            frames.clear();
            // One reading of the clock serves all of them, which is cheaper.
            let now = Instant::now();
            let room = if now < limit.until { self.window - waiting.len() } else { 0 };
            for request in requests.by_ref().take(room.min(limit.count - sent)) {
                let mut token = used.pop().unwrap_or_default();
                request.write(meter.next(), &mut frames, &mut token);
                waiting.push_back((token, now));
                sent += 1;
            }
            if waiting.is_empty() {
                return Ok(());
            }
            plugin.send(&frames)?;
            meter.bytes += frames.len();
            let mut next = Some(plugin.receive()?);
            while let Some((frame, whole)) = next {
                let reply = plugin.frame(&frame);
                used.push(settle(meter, &mut waiting, reply, whole, self.expect)?);
                next = plugin.already_here();
            }
        }
    }

    /// Batches of notifications, each followed by a request whose reply shows that all were read.
    fn flood(&self, plugin: &mut Plugin, meter: &mut Meter, limit: Limit) -> Result<(), String> {
        let (mut frames, mut token, mut sent) = (self.batch.clone(), Vec::new(), 0);
        for request in self.in_turn() {
            if !limit.allows(sent) {
                break;
            }
            frames.truncate(self.batch.len());
            request.write(meter.next(), &mut frames, &mut token);
            exchange(plugin, meter, &frames, &token, self.expect)?;
            // The request is not counted.
            meter.messages += self.window - 1;
            sent += self.window;
        }
        Ok(())
    }

    /// Batches of notifications as fast as the plugin reads them. Returns when it had handled them.
    fn pour(
        &self,
        plugin: &mut Plugin,
        meter: &mut Meter,
        limit: Limit,
    ) -> Result<Instant, String> {
        let mut sent = 0;
        while limit.allows(sent) {
            plugin.send(&self.batch)?;
            plugin.has_read();
            plugin.overhear()?;
            meter.bytes += self.batch.len();
            meter.messages += self.window;
            sent += self.window;
        }
        done(plugin)
    }
}

/// When the plugin, which has been sent everything, last did something.
fn done(plugin: &mut Plugin) -> Result<Instant, String> {
    let processes = plugin.group.members();
    let (mut last, mut used) = (Instant::now(), time_of(&processes));
    let (mut busy, mut used_then) = (last, used);
    while busy.elapsed() < QUIET {
        std::thread::sleep(GLANCE);
        plugin.overhear()?;
        let now = time_of(&processes);
        if now > used {
            (last, used) = (Instant::now(), now);
        }
        if plugin.has_unread() || now.saturating_sub(used_then) > IDLE {
            (busy, used_then) = (Instant::now(), now);
        }
    }
    Ok(last)
}

fn exchange(
    plugin: &mut Plugin,
    meter: &mut Meter,
    frame: &[u8],
    token: &[u8],
    result: Option<&str>,
) -> Result<(), String> {
    let sent = Instant::now();
    plugin.send(frame)?;
    let (reply, whole) = plugin.receive()?;
    meter.bytes += frame.len();
    meter.count(whole - sent)?;
    meter.checker.check(plugin.frame(&reply), token, result)
}

/// Sends a request once, and accepts any result.
pub fn ask(plugin: &mut Plugin, meter: &mut Meter, ask: &Ask) -> Result<(), String> {
    let (mut frame, mut token) = (Vec::new(), Vec::new());
    Request::new(ask).write(meter.next(), &mut frame, &mut token);
    exchange(plugin, meter, &frame, &token, None)
}

/// Matches a reply to its request. Replies may come in any order; most come in that of the
/// requests. Returns the token.
fn settle(
    meter: &mut Meter,
    waiting: &mut VecDeque<(Vec<u8>, Instant)>,
    reply: &[u8],
    whole: Instant,
    result: Option<&str>,
) -> Result<Vec<u8>, String> {
    for at in 0..waiting.len() {
        match meter.checker.check(reply, &waiting[at].0, result) {
            Ok(()) => {
                let (token, sent) = waiting.remove(at).unwrap_or_else(|| (Vec::new(), whole));
                meter.count(whole - sent)?;
                return Ok(token);
            }
            Err(reason) if is_to(reply, &waiting[at].0) => return Err(reason),
            Err(_) => {}
        }
    }
    Err(format!("wrong reply, which nothing waits for: {}", shown(reply)))
}

fn is_to(reply: &[u8], token: &[u8]) -> bool {
    memchr::memmem::find(reply, token).is_some()
}
