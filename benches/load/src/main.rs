//! Plays the daemon to one plugin and prints what was measured, as one JSON object.
//!
//! A real subprocess on real pipes. The order is the daemon's: `getmanifest`, some `db_write`s if
//! the plugin has that hook, `init`, the load, end of file. Every reply is checked: its id's token
//! and its content. The first one that is wrong ends the run with status 1 and the reason.

mod measure;
mod messages;
mod plugin;
mod reply;

use clap::{Parser, ValueEnum};

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// One request in flight, as `db_write` is sent.
    One,
    /// So many requests in flight as `--window` says.
    Window,
    /// Notifications, so many as `--window` says, then a request that shows they were handled.
    Flood,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Payload {
    /// Sets of database writes of about `--size` bytes.
    DbWrite,
    /// A payment of 3.5 kB.
    Htlc,
    /// The method `total` with two parameters, as a caller's request is passed on: its id last.
    Total,
    /// The notification `connect`; only with the mode `flood`.
    Connect,
    /// The `db_write`s of a recording; only with the mode `one`.
    Capture,
    /// A method call with a blank line inside its params, which is legal JSON.
    BlankLine,
}

#[derive(Parser)]
#[command(about = "Plays the daemon to a plugin and measures it.")]
pub struct Job {
    #[arg(long, value_enum, default_value = "one")]
    pub mode: Mode,
    #[arg(long, value_enum)]
    pub payload: Payload,
    /// Of a `db_write`, in bytes.
    #[arg(long, default_value_t = 400)]
    pub size: usize,
    /// A recording of traffic: one JSON object a line, gzip.
    #[arg(long)]
    pub capture: Option<std::path::PathBuf>,
    /// How many messages are measured.
    #[arg(long, default_value_t = 2000)]
    pub count: usize,
    /// How many messages come before the measured ones.
    #[arg(long, default_value_t = 200)]
    pub warm_up: usize,
    #[arg(long, default_value_t = 64)]
    pub window: usize,
    /// The processor that both processes run on.
    #[arg(long)]
    pub core: Option<usize>,
    /// How many `db_write`s come before `init`, if the plugin has that hook.
    #[arg(long, default_value_t = 0)]
    pub early_writes: usize,
    /// The plugin and its arguments.
    #[arg(last = true, required = true)]
    pub command: Vec<String>,
}

fn main() {
    match measure::run(&Job::parse()) {
        Ok(report) => println!("{report}"),
        Err(reason) => {
            eprintln!("load: {reason}");
            std::process::exit(1);
        }
    }
}
