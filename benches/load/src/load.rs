//! The modes: in which order requests are sent and replies awaited.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::meter::Meter;
use crate::payload::{self, Template};
use crate::plugin::Plugin;
use crate::{Job, Mode, Payload};

/// When enough has been sent: so many messages, or so much time.
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

/// What is sent, made ready before the clock runs.
pub enum Load<'a> {
    One(Template<'a>),
    Window(Template<'a>, usize),
    Flood { batch: Vec<u8>, notifications: usize, fence: Template<'a> },
    Recorded { requests: Vec<(String, Vec<u8>)>, result: Option<&'a str> },
}

impl<'a> Load<'a> {
    /// `hooks` are the plugin's.
    pub fn new(job: &'a Job, hooks: &[&str]) -> Result<Self, String> {
        if job.payload == Payload::Capture {
            if job.mode != Mode::One {
                return Err("--payload capture goes with --mode one alone".to_owned());
            }
            let path = job.capture.as_deref().ok_or("--payload capture needs --capture FILE")?;
            let requests = payload::recorded(path, hooks)?;
            return Ok(Self::Recorded { requests, result: job.expect.as_deref() });
        }
        let template = Template::new(job)?;
        Ok(match job.mode {
            Mode::One => Self::One(template),
            Mode::Window => Self::Window(template, job.window.get()),
            Mode::Flood => Self::Flood {
                batch: payload::notification(job)?.repeat(job.window.get()).into_bytes(),
                notifications: job.window.get(),
                fence: template,
            },
        })
    }

    pub fn run(&self, plugin: &mut Plugin, meter: &mut Meter, limit: Limit) -> Result<(), String> {
        match self {
            Self::One(template) => one_in_flight(plugin, meter, template, limit),
            Self::Window(template, size) => window(plugin, meter, template, *size, limit),
            Self::Flood { batch, notifications, fence } => {
                flood(plugin, meter, batch, *notifications, fence, limit)
            }
            Self::Recorded { requests, result } => {
                recorded(plugin, meter, requests, *result, limit)
            }
        }
    }
}

pub fn one_in_flight(
    plugin: &mut Plugin,
    meter: &mut Meter,
    template: &Template,
    limit: Limit,
) -> Result<(), String> {
    let (mut frame, mut token) = (Vec::new(), String::new());
    for sent in 0.. {
        if !limit.allows(sent) {
            break;
        }
        frame.clear();
        template.write(meter.next(), &mut frame, &mut token);
        exchange(plugin, meter, &frame, &token, template.result)?;
    }
    Ok(())
}

/// Each of a recording's requests in turn, from the first again behind the last.
fn recorded(
    plugin: &mut Plugin,
    meter: &mut Meter,
    requests: &[(String, Vec<u8>)],
    result: Option<&str>,
    limit: Limit,
) -> Result<(), String> {
    for (sent, (token, frame)) in requests.iter().cycle().enumerate() {
        if !limit.allows(sent) {
            break;
        }
        exchange(plugin, meter, frame, token, result)?;
    }
    Ok(())
}

/// Tops the window up with one write whenever replies have come.
fn window(
    plugin: &mut Plugin,
    meter: &mut Meter,
    template: &Template,
    size: usize,
    limit: Limit,
) -> Result<(), String> {
    let (mut sent, mut frames) = (0, Vec::new());
    let mut waiting: VecDeque<(String, Instant)> = VecDeque::new();
    let mut used: Vec<String> = Vec::new();
    loop {
        frames.clear();
        // Looking at the clock once for all is enough, and cheaper.
        let now = Instant::now();
        let room = if now < limit.until { size - waiting.len() } else { 0 };
        for _ in 0..room.min(limit.count - sent) {
            let mut token = used.pop().unwrap_or_default();
            template.write(meter.next(), &mut frames, &mut token);
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
            used.push(settle(meter, &mut waiting, reply, whole, template.result)?);
            next = plugin.already_here();
        }
    }
}

/// Batches of notifications, each with a request behind it whose reply shows that all were taken.
fn flood(
    plugin: &mut Plugin,
    meter: &mut Meter,
    batch: &[u8],
    notifications: usize,
    fence: &Template,
    limit: Limit,
) -> Result<(), String> {
    let (mut frames, mut token, mut sent) = (batch.to_vec(), String::new(), 0);
    while limit.allows(sent) {
        frames.truncate(batch.len());
        fence.write(meter.next(), &mut frames, &mut token);
        exchange(plugin, meter, &frames, &token, fence.result)?;
        // The fence itself is not counted.
        meter.messages += notifications - 1;
        sent += notifications;
    }
    Ok(())
}

fn exchange(
    plugin: &mut Plugin,
    meter: &mut Meter,
    frame: &[u8],
    token: &str,
    result: Option<&str>,
) -> Result<(), String> {
    let sent = Instant::now();
    plugin.send(frame)?;
    let (reply, whole) = plugin.receive()?;
    meter.bytes += frame.len();
    meter.count(whole - sent)?;
    meter.checker.check(plugin.frame(&reply), token, result)
}

/// Replies may come in any order: most come in that of the requests. Gives the token back.
fn settle(
    meter: &mut Meter,
    waiting: &mut VecDeque<(String, Instant)>,
    reply: &[u8],
    whole: Instant,
    result: Option<&str>,
) -> Result<String, String> {
    for at in 0..waiting.len() {
        match meter.checker.check(reply, &waiting[at].0, result) {
            Ok(()) => {
                let (token, sent) = waiting.remove(at).unwrap_or_else(|| (String::new(), whole));
                meter.count(whole - sent)?;
                return Ok(token);
            }
            Err(reason) if is_to(reply, &waiting[at].0) => return Err(reason),
            Err(_) => {}
        }
    }
    Err(format!("wrong reply, which nothing waits for: {}", String::from_utf8_lossy(reply)))
}

fn is_to(reply: &[u8], token: &str) -> bool {
    memchr::memmem::find(reply, token.as_bytes()).is_some()
}
