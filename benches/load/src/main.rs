//! Plays the daemon to one plugin and prints what was measured, as one JSON object.
//!
//! A real subprocess on real pipes. The order is the daemon's: `getmanifest`, some `db_write`s if
//! the plugin has that hook, `init`, the load, end of file. Every reply is checked: its id's token
//! and its content. The first one that is wrong ends the run with status 1 and the reason.

mod load;
mod meter;
mod payload;
mod plugin;
mod reply;
mod run;
mod watchdog;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// One request in flight, as `db_write` is sent.
    One,
    /// So many requests in flight as `--window` says.
    Window,
    /// Notifications, so many as `--window` says, then a request that shows they were taken.
    Flood,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Payload {
    /// Sets of database writes of about `--size` bytes.
    DbWrite,
    /// The hook `htlc_accepted` with a payment of 3.5 kB.
    Htlc,
    /// The method `total` with two parameters, as a caller's request is passed on: its id last.
    Total,
    /// The same with a blank line inside its params, which is legal JSON.
    BlankLine,
    /// A recording's requests for the hooks that the plugin has; needs `--capture`.
    Capture,
    /// Any hook or method: `--method` with `--params`.
    Request,
}

#[derive(Parser)]
#[command(about = "Plays the daemon to a plugin and measures it.", args_override_self = true)]
pub struct Job {
    #[arg(long, value_enum, default_value = "one")]
    pub mode: Mode,
    #[arg(long, value_enum)]
    pub payload: Payload,
    /// Of a `db_write`, in bytes.
    #[arg(long, default_value_t = 400)]
    pub size: usize,
    /// The hook or method of the payload `request`.
    #[arg(long, default_value = "")]
    pub method: String,
    /// The params of the payload `request`: a JSON object or array.
    #[arg(long, default_value = "{}")]
    pub params: String,
    /// The result, as JSON, that each reply to the payloads `request` and `capture` must have.
    /// Without it any result will do, but no error.
    #[arg(long)]
    pub expect: Option<String>,
    /// The notification that the mode `flood` sends.
    #[arg(long, default_value = "connect")]
    pub topic: String,
    /// That notification's params, as JSON. Without it: those of a `connect`.
    #[arg(long)]
    pub event: Option<String>,
    /// A recording of traffic: one JSON object a line, gzip.
    #[arg(long)]
    pub capture: Option<PathBuf>,
    /// How many messages are measured, at most.
    #[arg(long, default_value = "2000")]
    pub count: NonZeroUsize,
    /// For how long is measured, at most.
    #[arg(long, default_value_t = 60.0)]
    pub seconds: f64,
    /// How many messages come before the measured ones, at most; a fifth of the seconds, at most.
    #[arg(long, default_value_t = 200)]
    pub warm_up: usize,
    #[arg(long, default_value = "64")]
    pub window: NonZeroUsize,
    /// The processor that both processes run on.
    #[arg(long)]
    pub core: Option<usize>,
    /// How many `db_write`s come before `init`, if the plugin has that hook.
    #[arg(long, default_value_t = 0)]
    pub early_writes: usize,
    /// The values of the plugin's options, as a JSON object.
    #[arg(long, default_value = "{}")]
    pub options: String,
    /// After how many seconds of silence a plugin is given up.
    #[arg(long, default_value_t = 20.0)]
    pub patience: f64,
    /// The plugin and its arguments.
    #[arg(last = true, required = true)]
    pub command: Vec<String>,
}

fn main() {
    match run::run(&Job::parse()) {
        Ok(report) => println!("{report}"),
        Err(reason) => {
            eprintln!("load: {reason}");
            std::process::exit(1);
        }
    }
}
