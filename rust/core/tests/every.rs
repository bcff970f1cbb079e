//! Every text of a few symbols, judged as the fuzz targets judge what they try.
//!
//! Each test goes as deep as `CLNWIRE_EVERY_CASES` texts allow, and tells each million of them: see
//! `rust/fuzz/README.md`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::env;
use std::time::Instant;

use common::judge::{Messages, Streams};
use common::sent::Sent;

const DEFAULT_CASES: usize = 40_000;
const TOLD: usize = 1_000_000;

/// The bytes that JSON's grammar and lightningd's parser tell apart.
const BYTES: [&[u8]; 20] = [
    b"{", b"}", b"[", b"]", b",", b":", b"\"", b"\\", b"u", b"0", b"1", b"-", b".", b"e", b" ",
    b"\n", b"\0", b"\xC3", b"\xA9", b"true",
];

const TOKENS: [&[u8]; 9] = [b"{", b"}", b"[", b"]", b",", b":", b"\"id\"", b"1", b"\n\n"];

/// Larger ones, so that whole members come after few of them.
const CALLS: [&[u8]; 8] = [b"{\"id\":", b"\"id\":", b"\"a\"", b"1 ", b"[", b"]", b"}", b","];

const TEXT: [&[u8]; 8] = [b"\"", b"\\", b"u", b"0", b"d", b"8", b"\n", b" "];

const NUMBERS: [&[u8]; 8] = [b"-", b"0", b"1", b".", b"e", b"+", b" ", b"]"];

const LITERALS: [&[u8]; 9] = [b"t", b"r", b"u", b"e", b"n", b"l", b"f", b"[", b"]"];

/// Around each bound of the Unicode standard's table of well-formed sequences.
const UTF8: [&[u8]; 20] = [
    b"\"", b"a", b"\x7F", b"\x80", b"\x8F", b"\x90", b"\x9F", b"\xA0", b"\xBF", b"\xC1", b"\xC2",
    b"\xDF", b"\xE0", b"\xE1", b"\xED", b"\xEE", b"\xF0", b"\xF1", b"\xF4", b"\xF5",
];

const FOLLOWER: &[u8] = br#"{"id":7,"method":"m"}"#;

/// Shows the text at a failed assertion.
struct Shown<'a>(&'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("it fails for \"{}\"", self.0.escape_ascii());
        }
    }
}

struct Run<'a, Judge> {
    name: &'a str,
    symbols: &'a [&'a [u8]],
    text: Vec<u8>,
    judge: Judge,
    cases: usize,
    start: Instant,
}

impl<Judge: FnMut(&mut Vec<u8>)> Run<'_, Judge> {
    /// Judges the text with all that `more` symbols can add.
    fn extend(&mut self, more: u32) {
        if more == 0 {
            (self.judge)(&mut self.text);
            self.cases += 1;
            return if self.cases.is_multiple_of(TOLD) {
                self.tell("so far")
            };
        }
        let length = self.text.len();
        for number in 0..self.symbols.len() {
            self.text.extend_from_slice(self.symbols[number]);
            self.extend(more - 1);
            self.text.truncate(length);
        }
    }

    fn tell(&self, what: &str) {
        let seconds = self.start.elapsed().as_secs();
        eprintln!("{}: {} texts in {seconds} s, {what}", self.name, self.cases);
    }
}

/// All texts of one symbol, of two, and so on, as long as all of a length fit.
fn every(name: &str, symbols: &[&[u8]], judge: impl FnMut(&mut Vec<u8>)) {
    let allowed = env::var("CLNWIRE_EVERY_CASES");
    let allowed = allowed.map_or(DEFAULT_CASES, |number| number.parse().expect("a number"));
    let start = Instant::now();
    let mut run = Run { name, symbols, text: Vec::new(), judge, cases: 0, start };
    for length in 1_u32.. {
        if run.cases + symbols.len().pow(length) > allowed {
            return;
        }
        run.extend(length);
        if run.cases >= TOLD {
            run.tell(&format!("all of up to {length} symbols"));
        }
    }
}

fn every_stream(name: &str, symbols: &[&[u8]]) {
    let mut streams = Streams::default();
    let mut copy = Vec::new();
    every(name, symbols, |text| {
        copy.clone_from(text);
        let _shown = Shown(&copy);
        streams.judge(text);
        streams.judge_with_follower(text, FOLLOWER);
    });
}

#[test]
fn bytes() {
    every_stream("bytes", &BYTES);
}

#[test]
fn tokens() {
    every_stream("tokens", &TOKENS);
}

#[test]
fn calls() {
    every_stream("calls", &CALLS);
}

#[test]
fn text() {
    every_stream("text", &TEXT);
}

#[test]
fn numbers() {
    every_stream("numbers", &NUMBERS);
}

#[test]
fn literals() {
    every_stream("literals", &LITERALS);
}

#[test]
fn utf8() {
    let mut streams = Streams::default();
    every("utf8", &UTF8, |text| {
        text.insert(0, b'"');
        streams.judge(Shown(text).0);
        text.remove(0);
    });
}

/// Objects of members in any order, doubled or not.
#[test]
fn members() {
    let names = ["jsonrpc", "id", "method", "params", "result", "error", "origin", "i\\u0064", "x"];
    let values = ["7", "\"a\"", "null", "{\"connect\" : 7}", "[7,{\"id\":8}]", "{ }"];
    let members: Vec<String> = names
        .iter()
        .flat_map(|name| values.map(|value| format!("\"{name}\": {value} ,")))
        .collect();
    let symbols: Vec<&[u8]> = members.iter().map(String::as_bytes).collect();
    let mut messages = Messages::default();
    let mut object = Vec::new();
    every("members", &symbols, |members| {
        object.clear();
        object.push(b'{');
        object.extend_from_slice(&members[..members.len() - 1]);
        object.push(b'}');
        messages.judge(Shown(&object).0);
    });
}

/// Messages of any tokens, one behind the other.
#[test]
fn messages() {
    let symbols: [&[u8]; 10] = [
        b"{\"id\":",
        b"}",
        b"[",
        b"]",
        b",",
        b"\"params\":{",
        b"1",
        b"\"connect\":",
        b"\"a\"",
        b"\n",
    ];
    let mut messages = Messages::default();
    every("messages", &symbols, |text| messages.judge(Shown(text).0));
}

/// Messages added to an outbox and written in part, in any order.
#[test]
fn steps() {
    let symbols: [&[u8]; 10] = [
        b"\x00\x067\x00{}\n\n",
        b"\x01\x06\"\\\0\x7F\xC3\xA9",
        b"\x81\x0612\xE2\x82\xAC\x1F",
        b"\x02\x061 \x08\x0C\"/",
        b"\x03\x06[]a\n\xF0\x9F",
        b"\x04\x05\0{}\n\n",
        b"\x05\xFF",
        // A byte is written, fifteen, and up to 494.
        b"\x0F\x10",
        b"\x0E\xFF",
        b"\xFF\xFF",
    ];
    let mut sent = Sent::default();
    every("steps", &symbols, |steps| sent.judge(Shown(steps).0));
}
