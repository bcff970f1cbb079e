//! What is to be measured, as the caller says it.

use std::num::NonZeroUsize;

use serde::Deserialize;

/// In which order requests are sent and replies awaited.
#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Only the manifest is asked for, and the plugin ended.
    Manifest,
    /// The plugin is started, and its input ends.
    Start,
    /// One request in flight, as most hooks are asked.
    One,
    /// So many requests in flight as the window says.
    Window,
    /// As many notifications as the window says, then a request whose answer shows that they were
    /// read.
    Flood,
    /// Notifications alone, until the plugin has nothing more to do.
    Pour,
}

/// A job. Texts are sent as they are, with the blank line that ends a message.
#[derive(Deserialize)]
pub struct Job {
    pub mode: Mode,
    /// The plugin and its arguments.
    pub command: Vec<String>,
    /// The folder that the plugin runs in; the caller's own if empty.
    pub folder: String,
    pub getmanifest: String,
    /// What comes between the manifest and `init`, one by one.
    pub early: Vec<Ask>,
    pub init: String,
    /// Sent in turn, from the first again behind the last.
    pub requests: Vec<Ask>,
    /// The notification of `flood` and `pour`.
    pub notification: String,
    /// The result, as JSON, that each reply must have. Without it any result will do, but no error.
    pub expect: Option<String>,
    /// The number of the first request.
    pub first: u64,
    /// How many messages are measured, at most.
    pub count: NonZeroUsize,
    /// For how long is measured, at most.
    pub seconds: f64,
    /// How many messages come before the measured ones, at most; a fifth of the seconds, at most.
    pub warm_up: usize,
    pub window: NonZeroUsize,
    /// The processor that both processes run on.
    pub core: Option<usize>,
    /// After how many seconds of silence a plugin is given up.
    pub patience: f64,
}

/// A request. In its text U+0001 stands for the id, and U+0002 for the request's number, in the id
/// as well: no JSON has these characters.
#[derive(Deserialize)]
pub struct Ask {
    /// The id as it is written, quotes and all.
    pub id: String,
    pub text: String,
}
