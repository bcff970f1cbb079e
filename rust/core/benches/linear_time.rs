//! Times frames of 2 to 64 MB, fed one byte and 64 kB at a time. `tests/linear.rs` shows, by
//! counting, that the time per byte does not grow with the frame.
//!
//! Prints the median of some runs as JSON: one pass over 64 MB is long enough to be measured alone.
//! `-- --quick` makes one run of each size up to 8 MB.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::hint::black_box;
use std::time::Instant;

use clnwire_core::{Framer, Limits};

const MEGABYTES: [usize; 6] = [2, 4, 8, 16, 32, 64];
const CHUNKS: [usize; 2] = [1, 64 << 10];

fn main() {
    let told = |option: &str| std::env::args().any(|argument| argument == option);
    // Without `--bench`, `cargo test` runs this, without optimisation.
    if !told("--bench") {
        CHUNKS.iter().for_each(|&chunk| assert!(measured(1 << 20, chunk) > 0.0));
        return;
    }
    let quick = told("--quick");
    let (sizes, runs) = if quick { (&MEGABYTES[..3], 1) } else { (&MEGABYTES[..], 7) };
    println!("{{\"unit\": \"ns per byte, median of {runs} runs\",");
    for chunk in CHUNKS {
        let row: Vec<f64> = sizes.iter().map(|size| median(size << 20, chunk, runs)).collect();
        let cells: Vec<String> =
            sizes.iter().zip(&row).map(|(size, ns)| format!("\"{size} MB\": {ns:.3}")).collect();
        let end = if chunk == CHUNKS[CHUNKS.len() - 1] { "}" } else { "," };
        println!("\"feeds of {chunk} bytes\": {{{}}}{end}", cells.join(", "));
    }
}

fn median(length: usize, chunk: usize, runs: usize) -> f64 {
    let mut times: Vec<f64> = (0..runs).map(|_| measured(length, chunk)).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Nanoseconds per byte, for one frame in a new framer.
fn measured(length: usize, chunk: usize) -> f64 {
    let frame = frame(length);
    let mut framer = Framer::new(Limits::default());
    let start = Instant::now();
    let mut found = Vec::new();
    for piece in black_box(&frame).chunks(chunk) {
        framer.feed(piece);
        found.extend(framer.next_frame().expect("it is JSON").map(|frame| frame.bytes().len()));
    }
    let time = start.elapsed();
    assert_eq!(found, [frame.len()], "one frame, when its last byte has come");
    assert!(framer.next_frame().expect("it is JSON").is_none());
    time.as_nanos() as f64 / frame.len() as f64
}

/// A list as a daemon would return it: small objects with strings, numbers and some escapes.
fn frame(length: usize) -> Vec<u8> {
    const ITEM: &str = r#"{"short_channel_id":"103x1x0","source":"02ab3f02ab3f02ab3f02ab3f02ab3f02ab3f02ab3f02ab3f02ab3f02ab3f02ab3f","amount_msat":1000000000,"active":true,"alias":"a \"node\"","fees":[1,10,-2.5e3]}"#;
    let mut text = r#"{"jsonrpc":"2.0","id":1,"result":{"channels":["#.to_owned();
    text.push_str(ITEM);
    while text.len() + ITEM.len() + 4 <= length {
        text.push(',');
        text.push_str(ITEM);
    }
    text.push_str("]}}");
    text.into_bytes()
}
