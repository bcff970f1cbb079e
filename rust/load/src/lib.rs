//! Plays the daemon to one plugin and measures it: a job in JSON gives an outcome in JSON.
//!
//! A real subprocess on real pipes, in the daemon's order: `getmanifest`, what comes before `init`,
//! `init`, the load, end of file. Every reply is checked: its id's token and its content. The
//! first one that is wrong ends the run.
//!
//! What is sent is the caller's: a job holds the messages as they go out.

#![cfg(target_os = "linux")]

mod job;
mod load;
mod meter;
mod plugin;
mod processes;
mod reply;
mod request;
mod run;
mod watchdog;

use serde::Serialize;

/// Why there are no figures.
#[derive(Debug, Serialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Failure {
    /// It could not be measured: the job or the machine is not made for it.
    Impossible(String),
    /// The plugin died, was silent for too long, or answered wrongly.
    Plugin(String),
}

impl From<String> for Failure {
    /// Most that can go wrong is the plugin's fault.
    fn from(reason: String) -> Self {
        Self::Plugin(reason)
    }
}

/// Does a job, and gives `{"report": …}`, `{"plugin": "why"}` or `{"impossible": "why"}`.
///
/// This thread is pinned to the job's processor, and stays there.
pub fn measure(job: &[u8]) -> Vec<u8> {
    let outcome = serde_json::from_slice(job)
        .map_err(|error| Failure::Impossible(format!("no job: {error}")))
        .and_then(|job| run::run(&job));
    let written = match &outcome {
        Ok(report) => serde_json::to_vec(&Outcome { report }),
        Err(failure) => serde_json::to_vec(failure),
    };
    written.unwrap_or_default()
}

#[derive(Serialize)]
struct Outcome<'a> {
    report: &'a run::Report,
}
