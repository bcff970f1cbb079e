//! The number of instructions of each step, counted by callgrind: unlike times, the same in each
//! run.
//!
//! Prints the counts as JSON. The program runs itself again under callgrind, and there does each
//! step some times before the counted calls, so that buffers have their size.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../tests/common/callgrind.rs"]
mod callgrind;
mod common;

use std::env;
use std::path::Path;

use common::{LISTS, READ, SIZES, db_write, list};

/// The number of times that a step is counted: now and then a table grows.
const REPEATS: u64 = 100;

/// The argument that marks the run under callgrind.
const COUNTED: &str = "counted";

fn main() {
    let told = |option: &str| env::args().any(|argument| argument == option);
    // Without `--bench`, `cargo test` runs this, to check that each step works.
    if told(COUNTED) || !told("--bench") {
        each_step();
    } else if callgrind::is_present() {
        report();
    } else {
        eprintln!("{}", callgrind::ABSENT);
    }
}

fn each_step() {
    for (_, mut step) in steps() {
        (0..REPEATS).for_each(|_| step());
        counted(&mut *step);
    }
}

/// Callgrind counts the instructions of this function.
#[inline(never)]
fn counted(step: &mut dyn FnMut()) {
    (0..REPEATS).for_each(|_| step());
}

fn report() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("instructions");
    let counts = callgrind::instructions("instructions::counted", &folder, &[COUNTED]);
    let names: Vec<String> = steps().into_iter().map(|(name, _)| name).collect();
    assert_eq!(counts.len(), names.len(), "a count for each step");
    println!("{{\"unit\": \"instructions each, mean of {REPEATS}\"");
    for (name, count) in names.iter().zip(counts) {
        println!(",\"{name}\": {}", count / REPEATS);
    }
    println!("}}");
}

type Step = (String, Box<dyn FnMut()>);

fn steps() -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (name, size) in &SIZES[..3] {
        let frames = [db_write(4711, *size)];
        steps.push((format!("framer: db_write, {name}"), Box::new(common::framing(&frames, READ))));
    }
    for (method, channels) in LISTS {
        let frames = [list(channels, 12_000)];
        let name = format!("framer: {method}, 12 kB");
        steps.push((name, Box::new(common::framing(&frames, READ))));
    }
    let mut add = |name: &str, step: Box<dyn FnMut()>| steps.push((name.to_owned(), step));
    let frames = [db_write(4711, 2400)];
    add("framer: db_write, 2.4 kB, a byte at a time", Box::new(common::framing(&frames, 1)));
    add("envelope: db_write, 0.4 kB", Box::new(common::envelope(db_write(4711, 400))));
    add("ids: insert and take, 1 in flight", Box::new(common::insert_and_take(1)));
    add("ids: insert and take, 1000 in flight", Box::new(common::insert_and_take(1000)));
    add("outbox: reply and advance", Box::new(common::replies(1)));
    add("outbox: 64 replies and advance", Box::new(common::replies(64)));
    add("outbox: error and advance", Box::new(common::error_reply()));
    add("request of 0.4 kB to reply", Box::new(common::round_trip(400)));
    steps
}
