//! The course of a run: start, warm-up, load, end.

use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::load::{Limit, Load, one_in_flight};
use crate::meter::Meter;
use crate::payload::{self, Template};
use crate::plugin::{Plugin, pin};
use crate::reply::parse;
use crate::{Job, Mode};

pub fn run(job: &Job) -> Result<Value, String> {
    if let Some(core) = job.core {
        pin(core)?;
    }
    let options: Value =
        serde_json::from_str(&job.options).map_err(|error| format!("--options: {error}"))?;
    let started = Instant::now();
    let mut plugin = Plugin::start(&job.command, Duration::from_secs_f64(job.patience))?;
    let manifest = handshake(&mut plugin, payload::GETMANIFEST)?;
    let manifest_ms = started.elapsed().as_secs_f64() * 1000.0;
    let load = Load::new(job, &hooks(&manifest))?;
    if hooks(&manifest).contains(&"db_write") {
        early_writes(job, &mut plugin)?;
    }
    let daemon = Socket::open()?;
    handshake(&mut plugin, &payload::init(&daemon.folder.to_string_lossy(), &options))?;
    let (idle, mut meter) = (plugin.peak_memory(), Meter::new()?);
    load.run(&mut plugin, &mut meter, Limit::new(job.warm_up, job.seconds / 5.0))?;
    meter.reset();
    let (before, started) = (plugin.processor_time(), Instant::now());
    load.run(&mut plugin, &mut meter, Limit::new(job.count.get(), job.seconds))?;
    let (elapsed, processor) = (started.elapsed(), plugin.processor_time() - before);
    if meter.messages == 0 {
        return Err(format!("nothing was measured in {} s: give it more --seconds", job.seconds));
    }
    let mut report = meter.report(elapsed, processor);
    report["mode"] = json!(match job.mode {
        Mode::One => "one",
        Mode::Window => "window",
        Mode::Flood => "flood",
    });
    report["exec_to_manifest_ms"] = json!(manifest_ms);
    report["idle_peak_memory_kb"] = json!(idle);
    report["peak_memory_kb"] = json!(plugin.peak_memory());
    report["exit"] = json!(plugin.hang_up());
    Ok(report)
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
    let reply = parse(plugin.frame(&frame))?;
    // Without a result it is `null`, as some answer `init`, or an error, which the daemon takes too.
    let result = reply.result.map_or("null", |result| result.get());
    serde_json::from_str(result).map_err(|error| error.to_string())
}

/// The names of the hooks in a manifest, which are names or objects with one.
fn hooks(manifest: &Value) -> Vec<&str> {
    let hooks = manifest["hooks"].as_array().map_or(&[][..], Vec::as_slice);
    hooks.iter().filter_map(|hook| hook.as_str().or_else(|| hook["name"].as_str())).collect()
}

/// Those of a migration: the hook is live before `init`.
fn early_writes(job: &Job, plugin: &mut Plugin) -> Result<(), String> {
    let limit = Limit::new(job.early_writes, job.patience);
    let early = one_in_flight(plugin, &mut Meter::new()?, &Template::db_write(400), limit);
    early.map_err(|reason| format!("db_write before init: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_are_named_in_both_ways() {
        let manifest = json!({"hooks": ["db_write", {"name": "rpc_command", "filters": ["pay"]}]});
        assert_eq!(hooks(&manifest), ["db_write", "rpc_command"]);
        assert!(hooks(&json!({"options": []})).is_empty());
    }
}
