//! Recorded messages between a daemon and its plugins, split in every way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use clnwire_core::{Framer, Kind, Limits};
use common::{Outcome, Random, bytewise, chunked, oracle, whole};
use flate2::read::GzDecoder;

/// The folder of the recordings, which a clone of the project does not have.
fn captures() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("CLNWIRE_SHARED").map_or_else(beside, PathBuf::from);
    let captures = shared.join("captures");
    if captures.is_dir() {
        return Some(captures);
    }
    println!("skipped: no recorded traffic in {} (set CLNWIRE_SHARED)", captures.display());
    None
}

/// The frames of one direction: `in` to the plugin, or `out` from it.
fn recorded(path: &Path, direction: &str) -> Vec<String> {
    let file = BufReader::new(GzDecoder::new(File::open(path).unwrap()));
    let messages = file.lines().map(|line| {
        let message: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        (message["dir"] == direction).then(|| message["frame"].as_str().unwrap().to_owned())
    });
    messages.flatten().collect()
}

fn check(file: &str, direction: &str, at_least: usize) {
    let Some(captures) = captures() else { return };
    let frames = recorded(&captures.join(file), direction);
    assert!(frames.len() >= at_least, "{} frames", frames.len());
    for separator in ["\n\n", ""] {
        let stream = frames.join(separator).into_bytes();
        let outcome = whole(&stream);
        are_the_recorded(&frames, &outcome, separator.len());
        assert!(bytewise(&stream, Limits::default()) == outcome, "byte by byte");
        assert!(in_random_chunks(&stream) == outcome, "in random chunks");
    }
}

/// The recorded texts may have white space around them; a frame has none.
fn are_the_recorded(frames: &[String], outcome: &Outcome, separator: usize) {
    assert_eq!(outcome.error, None);
    assert_eq!(outcome.frames.len(), frames.len());
    let mut offset = 0;
    for (frame, seen) in frames.iter().zip(&outcome.frames) {
        let leading = frame.len() - frame.trim_start().len();
        assert_eq!(seen.offset, (offset + leading) as u64);
        assert!(seen.bytes == frame.trim().as_bytes(), "{frame}");
        assert_eq!(seen.members, oracle::envelope(&seen.bytes), "{frame}");
        assert_ne!(seen.kind, Kind::Other, "{frame}");
        offset += frame.len() + separator;
    }
}

fn in_random_chunks(stream: &[u8]) -> Outcome {
    let mut random = Random::new(20_261_123);
    let lengths: Vec<usize> = (0..997).map(|_| 1 + random.below(9000)).collect();
    chunked(Framer::new(Limits::default()), common::cycled(stream, &lengths))
}

#[test]
fn database_writes() {
    check("db_write.jsonl.gz", "in", 2162);
}

#[test]
fn answers_to_database_writes() {
    check("db_write.jsonl.gz", "out", 2162);
}

#[test]
fn hooks_and_notifications() {
    check("node.jsonl.gz", "in", 4357);
}

#[test]
fn answers_to_hooks() {
    check("node.jsonl.gz", "out", 3000);
}

#[test]
fn a_routing_node() {
    check("forwarder.jsonl.gz", "in", 582);
}

#[test]
fn answers_to_a_routing_node() {
    check("forwarder.jsonl.gz", "out", 400);
}
