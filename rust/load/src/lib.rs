//! Plays the daemon to one plugin and measures it. Takes a job and returns an outcome, both in
//! JSON.
//!
//! The plugin is a subprocess on pipes. As with the daemon, it gets `getmanifest`, the requests
//! before `init`, `init`, the load, and end of file. The id's token and the content of every reply
//! are checked; the first wrong one ends the run.
//!
//! The caller makes the messages: a job holds their bytes.

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

/// Why a run has no figures.
#[derive(Debug, Serialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Failure {
    /// The job is invalid, or this machine cannot run it.
    Impossible(String),
    /// The plugin died, was silent for too long, or gave a wrong answer.
    Plugin(String),
}

impl From<String> for Failure {
    /// Most errors are the plugin's fault.
    fn from(reason: String) -> Self {
        Self::Plugin(reason)
    }
}

/// Runs a job and returns `{"report": …}`, `{"plugin": "why"}` or `{"impossible": "why"}`.
///
/// Pins this thread to the job's processor, for good.
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
