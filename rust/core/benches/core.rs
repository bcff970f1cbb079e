//! How fast frames, envelopes, ids and messages are dealt with.
//!
//! `cargo bench -p clnwire-core -- --quick` takes seconds; without it each number gets some more
//! time. Pin it to one core (`taskset -c 1 …`) for numbers to compare.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clnwire_core::{Envelope, Framer, IdMap, Kind, Limits, Member, Outbox};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use flate2::read::GzDecoder;

/// What a pipe holds on Linux, so what one read gives at most.
const READ: usize = 64 << 10;

criterion_group! {
    name = core;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20)
        .without_plots();
    targets = synthetic, captures, envelope, ids, outbox
}
criterion_main!(core);

/// A `db_write` of about so many bytes: one statement a kilobyte, with quotes and hex in it.
fn db_write(version: usize, about: usize) -> String {
    let mut statements = Vec::new();
    let mut left = about.saturating_sub(140);
    while statements.is_empty() || left > 100 {
        let blob = "02ab3f".repeat(left.min(1000) / 6);
        statements.push(format!(r#""UPDATE vars SET blob=x'{blob}' WHERE name=\"tip\";""#));
        left = left.saturating_sub(1060);
    }
    let writes = statements.join(",");
    format!(
        r#"{{"jsonrpc":"2.0","id":"cln:db_write#{version}","method":"db_write","params":{{"data_version":{version},"writes":[{writes}]}}}}"#
    )
}

/// All frames of a stream that comes in reads of a pipe's size: how many, and their bytes.
fn frames_in(framer: &mut Framer, stream: &[u8]) -> (usize, usize) {
    let (mut count, mut bytes) = (0, 0);
    for chunk in stream.chunks(READ) {
        framer.feed(chunk);
        while let Some(frame) = framer.next_frame().expect("it is JSON") {
            count += 1;
            bytes += frame.bytes().len();
        }
    }
    (count, bytes)
}

fn framer(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, frames: &[String]) {
    let stream = frames.iter().map(|frame| format!("{frame}\n\n")).collect::<String>();
    let expected = (frames.len(), frames.iter().map(String::len).sum());
    let mut framer = Framer::new(Limits::default());
    group.throughput(Throughput::Bytes(stream.len() as u64));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            assert_eq!(frames_in(&mut framer, black_box(stream.as_bytes())), expected);
        });
    });
}

fn synthetic(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("framer");
    for (name, size, count) in
        [("0.4 kB", 400, 1000), ("2.4 kB", 2400, 400), ("12 kB", 12_000, 100), ("1 MB", 1 << 20, 4)]
    {
        let frames: Vec<String> = (0..count).map(|version| db_write(version, size)).collect();
        framer(&mut group, name, &frames);
    }
}

/// Recorded traffic, where it is there: what came in to a plugin.
fn captures(criterion: &mut Criterion) {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("CLNWIRE_SHARED").map_or_else(beside, PathBuf::from);
    let mut group = criterion.benchmark_group("framer of recorded traffic");
    for name in ["db_write", "node", "forwarder"] {
        let path = shared.join("captures").join(name).with_extension("jsonl.gz");
        match File::open(&path) {
            Ok(file) => framer(&mut group, name, &recorded(file)),
            Err(error) => println!("skipped: {}: {error}", path.display()),
        }
    }
}

fn recorded(file: File) -> Vec<String> {
    let lines = BufReader::new(GzDecoder::new(file)).lines();
    let messages = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap());
    let incoming = messages.filter(|message: &serde_json::Value| message["dir"] == "in");
    incoming.map(|message| message["frame"].as_str().unwrap().to_owned()).collect()
}

fn envelope(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("envelope");
    for (name, size) in [("0.4 kB", 400), ("12 kB", 12_000)] {
        let frame = db_write(7, size);
        let id = frame.find("\"cln:").unwrap()..frame.find(",\"method\"").unwrap();
        group.throughput(Throughput::Bytes(frame.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let found = Envelope::parse(black_box(frame.as_bytes()), Limits::default());
                assert_eq!(found.expect("it is JSON").range(Member::Id), Some(id.clone()));
            });
        });
    }
}

fn ids(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ids");
    group.throughput(Throughput::Elements(1));
    for in_flight in [1, 1000, 100_000] {
        let mut ids = IdMap::new();
        let mut oldest = ids.insert(b"\"cln:db_write#4711\"");
        for _ in 1..in_flight {
            ids.insert(b"\"cln:db_write#4711\"");
        }
        group.bench_function(format!("insert and take, {in_flight} in flight"), |bencher| {
            bencher.iter(|| {
                ids.insert(black_box(b"\"cln:db_write#4712\""));
                assert_eq!(ids.take(oldest).expect("it waits").len(), 19);
                oldest += 1;
            });
        });
        assert_eq!(ids.len(), in_flight);
    }
}

const REPLY: &[u8] =
    b"{\"jsonrpc\":\"2.0\",\"id\":\"cln:db_write#4711\",\"result\":{\"result\":\"continue\"}}\n\n";

fn outbox(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("outbox");
    let mut outbox = Outbox::new();
    group.throughput(Throughput::Elements(1));
    group.bench_function("reply and advance", |bencher| {
        bencher.iter(|| {
            outbox.reply(black_box(b"\"cln:db_write#4711\""), br#"{"result":"continue"}"#);
            assert_eq!(outbox.pending(), REPLY);
            outbox.advance(REPLY.len());
        });
    });
    round_trip(&mut group, &mut outbox);
}

/// From a request's bytes to its reply's: what the core costs a message.
fn round_trip(group: &mut BenchmarkGroup<'_, WallTime>, outbox: &mut Outbox) {
    let stream = format!("{}\n\n", db_write(4711, 400));
    let (mut framer, mut ids) = (Framer::new(Limits::default()), IdMap::new());
    group.bench_function("request of 0.4 kB to reply", |bencher| {
        bencher.iter(|| {
            framer.feed(black_box(stream.as_bytes()));
            let frame = framer.next_frame().expect("it is JSON").expect("it is whole");
            assert_eq!(frame.kind(), Kind::Request);
            let key = ids.insert(frame.id().expect("it has an id"));
            outbox.reply(ids.take(key).expect("it waits"), br#"{"result":"continue"}"#);
            assert_eq!(outbox.pending(), REPLY);
            outbox.advance(REPLY.len());
        });
    });
}
