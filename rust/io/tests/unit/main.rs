//! Tests of the crate's modules with real pipes, sockets, signals and threads.

#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test may panic")]

mod activity;
mod channel;
mod descriptor;
mod interrupter;
mod jobs;
mod log_line;
mod message;
mod socket;
mod stray;
mod watchdog;
