//! What to measure, as the caller describes it.

use std::num::NonZeroUsize;

use serde::Deserialize;

/// In which order requests are sent and replies awaited.
#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Asks for the manifest only, then ends the plugin.
    Manifest,
    /// Starts the plugin, then closes its input.
    Start,
    /// One request in flight, as the daemon calls most hooks.
    One,
    /// As many requests in flight as `window` says.
    Window,
    /// Batches of `window` messages: notifications, then a request whose reply shows that they were
    /// read.
    Flood,
    /// Notifications only. The measurement ends when the plugin has nothing more to do.
    Pour,
}

/// A job. Messages are sent unchanged and include the blank line at their end.
#[derive(Deserialize)]
pub struct Job {
    pub mode: Mode,
    /// The plugin and its arguments.
    pub command: Vec<String>,
    /// The folder that the plugin runs in; the caller's if empty.
    pub folder: String,
    pub getmanifest: String,
    /// Requests sent one by one between the manifest and `init`.
    pub early: Vec<Ask>,
    pub init: String,
    /// Sent in turn, over and over.
    pub requests: Vec<Ask>,
    /// The notification for `flood` and `pour`.
    pub notification: String,
    /// The result, as JSON, that each reply must have. Without it any result is accepted, but no
    /// error.
    pub expect: Option<String>,
    /// The number of the first request.
    pub first: u64,
    /// The most messages to measure.
    pub count: NonZeroUsize,
    /// The most seconds to measure.
    pub seconds: f64,
    /// The most messages to send before the measured ones. This takes at most a fifth of `seconds`.
    pub warm_up: usize,
    pub window: NonZeroUsize,
    /// The processor that both processes run on.
    pub core: Option<usize>,
    /// A plugin that is silent for this many seconds is given up.
    pub patience: f64,
}

/// A request. In its text U+0001 stands for the id and, there and in the id, U+0002 for the
/// request's number: JSON text has neither character.
#[derive(Deserialize)]
pub struct Ask {
    /// The id's JSON text, quotes included.
    pub id: String,
    pub text: String,
}
