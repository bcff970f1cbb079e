//! The speed of frames, envelopes, ids and messages, and of other libraries on the same text, in
//! processor time.
//!
//! `cargo bench -p clnwire-core --bench core -- --quick` takes seconds; without `--quick` each
//! figure gets more time. Pin it to one core (`taskset -c 1 …`) for comparable figures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clnwire_core::{Framer, Limits};
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Bencher, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use flate2::read::GzDecoder;
use jiter::Jiter;
use rustix::time::{ClockId, clock_gettime};
use serde::de::IgnoredAny;

use common::{LISTS, READ, SIZES, db_write, list};

criterion_group! {
    name = core;
    config = patient();
    targets = db_writes, lists, byte_by_byte, captures, envelope, ids, outbox
}
criterion_main!(core);

/// `--quick` stops when two times agree, which they never do on a busy machine: so the time is
/// bounded.
fn patient() -> Criterion<CpuTime> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_millis(if quick { 200 } else { 2000 }))
        .sample_size(20)
        .without_plots()
        .with_measurement(CpuTime)
}

/// The processor time of this thread, which other processes on a busy machine do not add to.
struct CpuTime;

type Group<'a> = BenchmarkGroup<'a, CpuTime>;

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
    }

    fn end(&self, start: Duration) -> Duration {
        self.start() - start
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, time: &Duration) -> f64 {
        time.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn of_bytes(group: &mut Group<'_>, name: &str, bytes: usize, step: impl FnMut()) {
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function(name, with(step));
}

fn with(mut step: impl FnMut()) -> impl FnMut(&mut Bencher<'_, CpuTime>) {
    move |bencher| bencher.iter(&mut step)
}

fn framer(group: &mut Group<'_>, name: &str, frames: &[String]) {
    let bytes = common::stream(frames).len();
    of_bytes(group, name, bytes, common::framing(frames, READ));
}

fn db_writes(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("framer");
    for (name, size) in SIZES {
        let count = (4 << 20) / size.max(4000);
        let frames: Vec<String> = (0..count).map(|version| db_write(version, size)).collect();
        framer(&mut group, &format!("db_write, {name}"), &frames);
    }
    drop(group);
    beside(criterion, "db_write, 12 kB", &db_write(7, 12_000));
}

fn lists(criterion: &mut Criterion<CpuTime>) {
    for (method, channels) in LISTS {
        for (name, size) in [("12 kB", 12_000), ("1 MB", 1 << 20)] {
            let mut group = criterion.benchmark_group("framer");
            framer(&mut group, &format!("{method}, {name}"), &[list(channels, size)]);
        }
        beside(criterion, &format!("{method}, 1 MB"), &list(channels, 1 << 20));
    }
}

/// Other libraries that find a value's end without decoding it. They get the whole value, unlike on
/// a stream, and the text is checked as by a framer, UTF-8 included.
fn beside(criterion: &mut Criterion<CpuTime>, name: &str, frame: &str) {
    let mut group = criterion.benchmark_group("skipping");
    of_bytes(&mut group, &format!("framer, {name}"), frame.len(), skipped_by_framer(frame));
    of_bytes(&mut group, &format!("jiter, {name}"), frame.len(), || {
        let text = std::str::from_utf8(black_box(frame.as_bytes())).expect("it is UTF-8");
        let mut reader = Jiter::new(text.as_bytes());
        reader.next_skip().expect("it is JSON");
        reader.finish().expect("nothing follows");
    });
    of_bytes(&mut group, &format!("serde_json, {name}"), frame.len(), || {
        let text = std::str::from_utf8(black_box(frame.as_bytes())).expect("it is UTF-8");
        serde_json::from_str::<IgnoredAny>(text).expect("it is JSON");
    });
}

/// The whole frame at once, as the other libraries get it.
fn skipped_by_framer(frame: &str) -> impl FnMut() {
    let mut framer = Framer::new(Limits::default());
    move || {
        framer.feed(black_box(frame.as_bytes()));
        let found = framer.next_frame().expect("it is JSON").expect("it is whole");
        assert_eq!(found.bytes().len(), frame.len());
    }
}

fn byte_by_byte(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("framer, a byte at a time");
    for size in [12_000, 120_000] {
        let frame = db_write(7, size);
        let name = format!("db_write, {} kB", size / 1000);
        of_bytes(&mut group, &name, frame.len(), common::framing(&[frame], 1));
    }
}

/// Recorded input of a plugin, if the recordings are there.
fn captures(criterion: &mut Criterion<CpuTime>) {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("CLNWIRE_SHARED").map_or_else(beside, PathBuf::from);
    let mut group = criterion.benchmark_group("framer, recorded traffic");
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

fn envelope(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("envelope");
    for (name, frame) in [
        ("db_write, 0.4 kB", db_write(7, 400)),
        ("db_write, 12 kB", db_write(7, 12_000)),
        ("listchannels, 12 kB", list(LISTS[0].1, 12_000)),
    ] {
        of_bytes(&mut group, name, frame.len(), common::envelope(frame));
    }
}

fn ids(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("ids");
    for in_flight in [1, 1000, 100_000] {
        let name = format!("insert and take, {in_flight} in flight");
        group.bench_function(name, with(common::insert_and_take(in_flight)));
    }
}

fn outbox(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("outbox");
    group.bench_function("reply and advance", with(common::replies(1)));
    group.bench_function("64 replies and advance", with(common::replies(64)));
    group.bench_function("error and advance", with(common::error_reply()));
    group.bench_function("request of 0.4 kB to reply", with(common::round_trip(400)));
}
