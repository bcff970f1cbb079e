//! What the benchmarks measure: messages as the daemon writes them, and the steps of handling one.
//!
//! A step checks its outcome each time.

// Each benchmark uses a part of this.
#![allow(dead_code)]

use std::hint::black_box;

use clnwire_core::{Envelope, Framer, IdMap, Kind, Limits, Member, Outbox};

/// The capacity of a pipe on Linux, so the most that one read returns.
pub const READ: usize = 64 << 10;

/// The sizes of `db_write`s that are measured, in bytes.
pub const SIZES: [(&str, usize); 4] =
    [("0.4 kB", 400), ("2.4 kB", 2400), ("12 kB", 12_000), ("1 MB", 1 << 20)];

/// Replies with little text and much structure: a list of channels.
pub const LISTS: [(&str, &str); 2] = [
    ("listchannels", include_str!("../traffic/listchannels.jsonl")),
    ("listpeerchannels", include_str!("../traffic/listpeerchannels.jsonl")),
];

const TOKEN: &[u8] = b"\"cln:db_write#4711\"";
const CONTINUE: &[u8] = br#"{"result":"continue"}"#;
const REPLY: &[u8] =
    b"{\"jsonrpc\":\"2.0\",\"id\":\"cln:db_write#4711\",\"result\":{\"result\":\"continue\"}}\n\n";

/// A `db_write` of about this many bytes: one statement per kilobyte, with quotes and hex.
pub fn db_write(version: usize, about: usize) -> String {
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

/// A reply of about this many bytes that lists channels.
pub fn list(channels: &str, about: usize) -> String {
    let mut text = r#"{"jsonrpc":"2.0","id":"plugin:list#7","result":{"channels":["#.to_owned();
    for channel in channels.lines().cycle() {
        text.push_str(channel);
        if text.len() >= about {
            break;
        }
        text.push(',');
    }
    text + "]}}"
}

/// The number and the total bytes of the frames of a stream that comes in reads of this many bytes.
pub fn frames_in(framer: &mut Framer, stream: &[u8], read: usize) -> (usize, usize) {
    let (mut count, mut bytes) = (0, 0);
    for chunk in stream.chunks(read) {
        framer.feed(chunk);
        while let Some(frame) = framer.next_frame().expect("it is JSON") {
            count += 1;
            bytes += frame.bytes().len();
        }
    }
    (count, bytes)
}

/// Frames, and the stream of them with the daemon's separators.
pub fn stream(frames: &[String]) -> Vec<u8> {
    frames.iter().flat_map(|frame| [frame.as_bytes(), b"\n\n"].concat()).collect()
}

/// A framer finds frames, in reads of this many bytes.
pub fn framing(frames: &[String], read: usize) -> impl FnMut() + use<> {
    let (stream, expected) = (stream(frames), (frames.len(), frames.iter().map(String::len).sum()));
    let mut framer = Framer::new(Limits::default());
    move || assert_eq!(frames_in(&mut framer, black_box(&stream), read), expected)
}

/// Parses a frame's envelope again, as is done without a framer.
pub fn envelope(frame: String) -> impl FnMut() {
    let start = frame.find("\"id\":").expect("it has an id") + 5;
    let id = start..start + frame[start..].find(',').expect("more follows");
    move || {
        let found = Envelope::parse(black_box(frame.as_bytes()), Limits::default());
        assert_eq!(found.expect("it is JSON").range(Member::Id), Some(id.clone()));
    }
}

/// Inserts a token into the map, and takes out the oldest of this many.
pub fn insert_and_take(in_flight: usize) -> impl FnMut() {
    let mut ids = IdMap::new();
    let mut oldest = ids.insert(TOKEN);
    for _ in 1..in_flight {
        ids.insert(TOKEN);
    }
    move || {
        ids.insert(black_box(TOKEN));
        assert_eq!(ids.take(oldest).expect("it waits").len(), TOKEN.len());
        oldest += 1;
        debug_assert_eq!(ids.len(), in_flight);
    }
}

/// Gathers this many replies for one write.
pub fn replies(count: usize) -> impl FnMut() {
    let mut outbox = Outbox::new();
    move || {
        for _ in 0..count {
            outbox.reply(black_box(TOKEN), CONTINUE);
        }
        assert_eq!(outbox.pending().len(), count * REPLY.len());
        assert!(outbox.pending().ends_with(REPLY));
        outbox.advance(count * REPLY.len());
    }
}

/// An error whose message has quotes and a line break.
pub fn error_reply() -> impl FnMut() {
    let mut outbox = Outbox::new();
    move || {
        outbox.error(black_box(TOKEN), -32602, "parameter \"name\":\nexpected a string", None);
        assert!(outbox.pending().ends_with(b"\\\"name\\\":\\nexpected a string\"}}\n\n"));
        outbox.advance(outbox.pending().len());
    }
}

/// From a request's bytes to its reply's: the core's cost per message.
pub fn round_trip(size: usize) -> impl FnMut() {
    let stream = stream(&[db_write(4711, size)]);
    let mut framer = Framer::new(Limits::default());
    let (mut ids, mut outbox) = (IdMap::new(), Outbox::new());
    move || {
        framer.feed(black_box(&stream));
        let frame = framer.next_frame().expect("it is JSON").expect("it is whole");
        assert_eq!(frame.kind(), Kind::Request);
        let key = ids.insert(frame.id().expect("it has an id"));
        outbox.reply(ids.take(key).expect("it waits"), CONTINUE);
        assert_eq!(outbox.pending(), REPLY);
        outbox.advance(REPLY.len());
    }
}
