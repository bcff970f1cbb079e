//! The course of a run: start, warm-up, load, end.

use std::time::Instant;

use rustix::thread::{CpuSet, sched_setaffinity};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::Failure;
use crate::job::{Ask, Job, Mode};
use crate::load::{Limit, Load, ask};
use crate::meter::{Figures, Meter};
use crate::plugin::Plugin;
use crate::reply::parse;

/// The figures, and the plugin's manifest.
#[derive(Serialize)]
pub struct Report {
    figures: Option<Figures>,
    manifest_ms: f64,
    /// As the plugin wrote it.
    manifest: Box<RawValue>,
    /// The peak memory before the first message.
    idle_memory_kb: u64,
    peak_memory_kb: u64,
    /// How the plugin ended.
    exit: String,
}

pub fn run(job: &Job) -> Result<Report, Failure> {
    if let Some(core) = job.core {
        pin(core)?;
    }
    let load = Load::new(job)?;
    let started = Instant::now();
    let mut plugin = Plugin::start(job)?;
    let manifest = handshake(&mut plugin, &job.getmanifest)?;
    let manifest_ms = started.elapsed().as_secs_f64() * 1000.0;
    let mut report = Report {
        figures: None,
        manifest_ms,
        manifest,
        idle_memory_kb: 0,
        peak_memory_kb: 0,
        exit: String::new(),
    };
    if job.mode == Mode::Manifest {
        return Ok(report);
    }
    ask_early(&mut plugin, &job.early)?;
    let started = handshake(&mut plugin, &job.init).map_err(|reason| format!("init: {reason}"))?;
    willing(&started)?;
    report.idle_memory_kb = plugin.group.peak_memory();
    if job.mode != Mode::Start {
        report.figures = Some(measured(job, &load, &mut plugin)?);
    }
    report.peak_memory_kb = plugin.group.peak_memory();
    report.exit = plugin.hang_up();
    Ok(report)
}

fn measured(job: &Job, load: &Load, plugin: &mut Plugin) -> Result<Figures, Failure> {
    let mut meter = Meter::new(job.first)?;
    load.run(plugin, &mut meter, Limit::new(job.warm_up, job.seconds / 5.0))?;
    meter.reset();
    let before = plugin.group.processor_time();
    let elapsed = load.run(plugin, &mut meter, Limit::new(job.count.get(), job.seconds))?;
    let processor = plugin.group.processor_time().saturating_sub(before);
    if meter.messages == 0 {
        let reason = format!("nothing was measured in {} s: give it more seconds", job.seconds);
        return Err(Failure::Impossible(reason));
    }
    Ok(meter.figures(elapsed, processor))
}

/// Pins this thread, and the plugins that it starts, to one processor.
fn pin(core: usize) -> Result<(), Failure> {
    let mut set = CpuSet::new();
    let known = core < CpuSet::MAX_CPU;
    if known {
        set.set(core);
    }
    if known && sched_setaffinity(None, &set).is_ok() {
        return Ok(());
    }
    Err(Failure::Impossible(format!("there is no processor {core} to run on")))
}

/// Sends a request that is sent once, and returns the result.
fn handshake(plugin: &mut Plugin, request: &str) -> Result<Box<RawValue>, String> {
    plugin.send(request.as_bytes())?;
    let (frame, _) = plugin.receive()?;
    let reply = parse(plugin.frame(&frame))?;
    // The result is missing if it is `null`, as some plugins answer `init`, or if the reply is an
    // error, which the daemon accepts too.
    Ok(reply.result.unwrap_or(RawValue::NULL).to_owned())
}

/// Fails if the plugin says that it does not want to run.
fn willing(result: &RawValue) -> Result<(), Failure> {
    let result: Value = serde_json::from_str(result.get()).unwrap_or_default();
    match result.get("disable") {
        Some(reason) => {
            Err(Failure::Impossible(format!("the plugin does not want to run: {reason}")))
        }
        None => Ok(()),
    }
}

/// Sends the requests of a database migration: `db_write` is called before `init`.
fn ask_early(plugin: &mut Plugin, early: &[Ask]) -> Result<(), String> {
    let mut meter = Meter::new(1)?;
    let done = early.iter().try_for_each(|each| ask(plugin, &mut meter, each));
    done.map_err(|reason| format!("db_write before init: {reason}"))
}
