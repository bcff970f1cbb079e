//! The course of a run: start, warm-up, load, end.

use std::collections::VecDeque;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::messages::{self, Template};
use crate::plugin::{Plugin, pin};
use crate::reply::{Checker, parse};
use crate::{Job, Mode, Payload};

/// Where results are put.
struct Meter {
    latency: Histogram<u64>,
    bytes: usize,
    messages: usize,
    checker: Checker,
    number: u64,
}

pub fn run(job: &Job) -> Result<Value, String> {
    if let Some(core) = job.core {
        pin(core)?;
    }
    let started = Instant::now();
    let mut plugin = Plugin::start(&job.command)?;
    let manifest = handshake(&mut plugin, messages::GETMANIFEST)?;
    let manifest_ms = started.elapsed().as_secs_f64() * 1000.0;
    let mut meter = Meter::new()?;
    if has_db_write(&manifest) {
        early_writes(job, &mut plugin, &mut meter)?;
    }
    let daemon = Socket::open()?;
    handshake(&mut plugin, &messages::init(&daemon.folder.to_string_lossy()))?;
    let idle = plugin.peak_memory();
    load(job, &mut plugin, &mut meter, job.warm_up)?;
    let number = meter.number;
    meter = Meter { number, checker: meter.checker, ..Meter::new()? };
    let (before, started) = (plugin.processor_time(), Instant::now());
    load(job, &mut plugin, &mut meter, job.count)?;
    let (elapsed, processor) = (started.elapsed(), plugin.processor_time() - before);
    let peak = plugin.peak_memory();
    let exit = plugin.hang_up();
    Ok(meter.report(elapsed, processor, manifest_ms, (idle, peak), &exit))
}

/// The daemon's own socket, that some plugins connect to when they are initialised.
struct Socket {
    folder: PathBuf,
    _listener: UnixListener,
}

impl Socket {
    fn open() -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("clnwire-load-{}", std::process::id()));
        let bound = std::fs::create_dir_all(&folder)
            .and_then(|()| UnixListener::bind(folder.join("lightning-rpc")));
        let _listener = bound.map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self { folder, _listener })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Asks what is asked once; gives the result.
fn handshake(plugin: &mut Plugin, request: &str) -> Result<Value, String> {
    plugin.send(request.as_bytes())?;
    let (frame, _) = plugin.receive()?;
    let reply = parse(&frame)?;
    // Without a result it is `null`, as some answer `init`, or an error, which the daemon takes too.
    let result = reply.result.map_or("null", |result| result.get());
    serde_json::from_str(result).map_err(|error| error.to_string())
}

fn has_db_write(manifest: &Value) -> bool {
    let hooks = manifest["hooks"].as_array();
    hooks.is_some_and(|hooks| hooks.iter().any(|h| h == "db_write" || h["name"] == "db_write"))
}

/// Those of a migration: the hook is live before `init`.
fn early_writes(job: &Job, plugin: &mut Plugin, meter: &mut Meter) -> Result<(), String> {
    let template = messages::template(Payload::DbWrite, 400);
    let early = one_in_flight(plugin, meter, &template, job.early_writes);
    early.map_err(|reason| format!("db_write before init: {reason}"))
}

fn load(job: &Job, plugin: &mut Plugin, meter: &mut Meter, count: usize) -> Result<(), String> {
    let template = messages::template(job.payload, job.size);
    match (job.mode, job.payload) {
        (Mode::Flood, _) => flood(plugin, meter, &template, count, job.window),
        (_, Payload::Connect) => Err("connect has no answer: use --mode flood".to_owned()),
        (Mode::Window, _) => window(plugin, meter, &template, count, job.window),
        (Mode::One, Payload::Capture) => {
            let path = job.capture.as_deref().ok_or("--payload capture needs --capture FILE")?;
            let frames = messages::recorded(path)?;
            frames.iter().take(count).try_for_each(|(token, frame)| {
                meter.exchange(plugin, frame, token, messages::CONTINUE)
            })
        }
        (Mode::One, _) => one_in_flight(plugin, meter, &template, count),
    }
}

fn one_in_flight(
    plugin: &mut Plugin,
    meter: &mut Meter,
    template: &Template,
    count: usize,
) -> Result<(), String> {
    let mut frame = Vec::new();
    for _ in 0..count {
        frame.clear();
        let token = template.write(meter.next(), &mut frame);
        meter.exchange(plugin, &frame, &token, template.result)?;
    }
    Ok(())
}

/// Tops the window up with one write whenever replies have come. A window of replies fits into
/// the pipe, so that neither side can wait for the other for ever.
fn window(
    plugin: &mut Plugin,
    meter: &mut Meter,
    template: &Template,
    count: usize,
    window: usize,
) -> Result<(), String> {
    let (mut sent, mut frames) = (0, Vec::new());
    let mut waiting: VecDeque<(String, Instant)> = VecDeque::new();
    while sent < count || !waiting.is_empty() {
        frames.clear();
        let now = Instant::now();
        while sent < count && waiting.len() < window {
            waiting.push_back((template.write(meter.next(), &mut frames), now));
            sent += 1;
        }
        plugin.send(&frames)?;
        meter.bytes += frames.len();
        loop {
            let (reply, whole) = plugin.receive()?;
            meter.settle(&mut waiting, &reply, whole, template.result)?;
            if !plugin.has_reply() {
                break;
            }
        }
    }
    Ok(())
}

/// Batches of notifications, each with a request behind it whose reply shows that all were taken.
fn flood(
    plugin: &mut Plugin,
    meter: &mut Meter,
    fence: &Template,
    count: usize,
    batch: usize,
) -> Result<(), String> {
    let notifications = messages::connect().repeat(batch).into_bytes();
    for _ in 0..count.div_ceil(batch) {
        let mut frames = notifications.clone();
        let token = fence.write(meter.next(), &mut frames);
        meter.exchange(plugin, &frames, &token, fence.result)?;
        meter.messages += batch - 1;
    }
    Ok(())
}

impl Meter {
    fn new() -> Result<Self, String> {
        Ok(Self {
            latency: Histogram::new(3).map_err(|error| error.to_string())?,
            bytes: 0,
            messages: 0,
            checker: Checker::default(),
            number: 0,
        })
    }

    fn next(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    fn exchange(
        &mut self,
        plugin: &mut Plugin,
        frame: &[u8],
        token: &str,
        result: &'static str,
    ) -> Result<(), String> {
        let sent = Instant::now();
        plugin.send(frame)?;
        let (reply, whole) = plugin.receive()?;
        self.bytes += frame.len();
        self.count(whole - sent)?;
        self.checker.check(&reply, token, result)
    }

    fn count(&mut self, latency: Duration) -> Result<(), String> {
        self.messages += 1;
        let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.latency.record(nanoseconds).map_err(|error| error.to_string())
    }

    /// Replies may come in any order: most come in that of the requests.
    fn settle(
        &mut self,
        waiting: &mut VecDeque<(String, Instant)>,
        reply: &[u8],
        whole: Instant,
        result: &'static str,
    ) -> Result<(), String> {
        let mut wrong = String::new();
        for at in 0..waiting.len() {
            match self.checker.check(reply, &waiting[at].0, result) {
                Ok(()) => {
                    let sent = waiting.remove(at).map_or(whole, |(_, sent)| sent);
                    return self.count(whole - sent);
                }
                Err(reason) => wrong = reason,
            }
        }
        Err(wrong)
    }

    fn report(
        &self,
        elapsed: Duration,
        processor: Duration,
        manifest_ms: f64,
        (idle, peak): (u64, u64),
        exit: &str,
    ) -> Value {
        let seconds = elapsed.as_secs_f64();
        let at = |quantile| self.latency.value_at_quantile(quantile) as f64 / 1000.0;
        let latency = json!({
            "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p99.9": at(0.999),
            "max": self.latency.max() as f64 / 1000.0,
        });
        json!({
            "messages": self.messages,
            "latency_us": latency,
            "messages_per_second": self.messages as f64 / seconds,
            "megabytes_per_second": self.bytes as f64 / seconds / 1e6,
            "processor_us_per_message": processor.as_secs_f64() * 1e6 / self.messages as f64,
            "exec_to_manifest_ms": manifest_ms,
            "idle_peak_memory_kb": idle,
            "peak_memory_kb": peak,
            "exit": exit,
        })
    }
}
