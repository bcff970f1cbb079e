//! Generated streams against serde_json: the same values at the same positions and the same
//! verdict, however the stream is split.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use clnwire_core::{Envelope, Framer, Limits};
use common::{Outcome, at_once, bytewise, chunked, cycled, oracle, spans, whole};
use proptest::collection::vec;
use proptest::prelude::*;

/// Asserts the oracle's answer, however the stream is split.
fn check(stream: &[u8], lengths: &[usize]) -> Outcome {
    let outcome = agreed(stream);
    assert_eq!(bytewise(stream, Limits::default()), outcome, "byte by byte");
    assert_eq!(at_once(stream, Limits::default()), outcome, "with its end");
    let chunks = cycled(stream, lengths);
    assert_eq!(
        chunked(Framer::new(Limits::default()), chunks),
        outcome,
        "in chunks of {lengths:?}"
    );
    outcome
}

fn agreed(stream: &[u8]) -> Outcome {
    let all = whole(stream);
    let outcome = all.until_fault();
    let places: Vec<_> = outcome
        .frames
        .iter()
        .map(|frame| frame.offset as usize..frame.offset as usize + frame.bytes.len())
        .collect();
    oracle::agrees(stream, places.iter().cloned(), outcome.error);
    for (frame, place) in outcome.frames.iter().zip(places) {
        assert_eq!(frame.bytes, stream[place]);
        assert_eq!(frame.members, oracle::envelope(&frame.bytes));
        let is_plain = frame.bytes.is_ascii() && !frame.bytes.contains(&b'\\');
        assert_eq!(frame.is_plain, is_plain);
        let parsed = Envelope::parse(&frame.bytes, Limits::default()).unwrap();
        assert_eq!(spans(&parsed), frame.members);
    }
    all
}

fn space() -> impl Strategy<Value = String> {
    prop_oneof![2 => Just(String::new()), 1 => "[ \n\t\r]{1,3}"]
}

/// A string's JSON text: plain, escaped, with braces and blank lines.
fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z}{\\]\\[:, ]{1,40}",
        1 => "[^\"\\\\\\x00-\\x1f]{1,4}",
        1 => r#"\\["\\/bfnrt]"#,
        1 => r"\\u[0-9a-fA-F]{4}",
        1 => Just("\\n\\n".to_owned()),
    ];
    vec(piece, 0..5).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn key() -> impl Strategy<Value = String> {
    let member = prop::sample::select(&oracle::MEMBERS[..]).prop_map(|name| format!("\"{name}\""));
    let escaped = prop_oneof![Just(r#""\u0069d""#.to_owned()), Just(r#""m\u0065thod""#.to_owned())];
    prop_oneof![3 => member, 1 => escaped, 2 => string()]
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        string(),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,10})?([eE][+-]?[0-9]{1,3})?",
        prop::sample::select(&["true", "false", "null"][..]).prop_map(str::to_owned),
    ]
}

fn value() -> impl Strategy<Value = String> {
    scalar().prop_recursive(5, 40, 6, |inner| {
        let element =
            (space(), inner.clone(), space()).prop_map(|(a, v, b)| format!("{a}{v}{b}")).boxed();
        let pair = (key(), space(), element.clone()).prop_map(|(k, s, v)| format!("{k}{s}:{v}"));
        let member = (space(), pair).prop_map(|(s, pair)| format!("{s}{pair}")).boxed();
        let listed = |open: &str, items: Vec<String>, close: &str| {
            format!("{open}{}{close}", items.join(","))
        };
        let message = vec(member.clone(), 1..4);
        prop_oneof![
            vec(element, 1..6).prop_map(move |items| listed("[", items, "]")),
            vec(member, 1..6).prop_map(move |items| listed("{", items, "}")),
            message.prop_map(move |items| listed("{\"jsonrpc\":\"2.0\",", items, "}")),
            space().prop_map(|space| format!("[{space}]")),
            space().prop_map(|space| format!("{{{space}}}")),
        ]
    })
}

/// Consecutive values, with a separator where one is needed.
fn stream() -> impl Strategy<Value = String> {
    vec((space(), value()), 0..6).prop_map(|values| {
        let mut stream = String::new();
        for (space, value) in values {
            let closed = stream.ends_with(['}', ']', '"', ' ', '\n', '\t', '\r']);
            let separator = if closed || stream.is_empty() { "" } else { "\n\n" };
            stream.extend([separator, &space, &value]);
        }
        stream
    })
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![3 => 1..8_usize, 1 => 8..400_usize], 1..8)
}

#[derive(Debug, Clone)]
enum Change {
    Replace(u8),
    FlipBit(u8),
    Insert(u8),
    Delete,
    Double,
}

/// Bytes with a meaning in JSON or UTF-8.
const ALPHABET: &[u8] = b"{}[]\",:\\/ \n\t\r0123456789eE+-.truefalsnabdx\x00\x1f\x7f\x0c\
    \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xed\xa0\xf4\x90\xc0\xff\xef\xbb\xbf";

fn meaningful() -> impl Strategy<Value = u8> {
    prop::sample::select(ALPHABET)
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        meaningful().prop_map(Change::Replace),
        (0..8_u8).prop_map(Change::FlipBit),
        meaningful().prop_map(Change::Insert),
        Just(Change::Delete),
        Just(Change::Double),
    ]
}

fn apply(stream: &mut Vec<u8>, at: prop::sample::Index, change: Change) {
    if stream.is_empty() {
        return;
    }
    let at = at.index(stream.len());
    match change {
        Change::Replace(byte) => stream[at] = byte,
        Change::FlipBit(bit) => stream[at] ^= 1 << bit,
        Change::Insert(byte) => stream.insert(at, byte),
        Change::Delete => drop(stream.remove(at)),
        Change::Double => stream.insert(at, stream[at]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn streams_of_json(stream in stream(), lengths in lengths()) {
        let outcome = check(stream.as_bytes(), &lengths);
        prop_assert_eq!(outcome.error, None);
    }

    #[test]
    fn streams_with_a_few_bytes_changed(
        stream in stream(),
        changes in vec((any::<prop::sample::Index>(), change()), 1..4),
        lengths in lengths(),
    ) {
        let mut stream = stream.into_bytes();
        for (at, change) in changes {
            apply(&mut stream, at, change);
        }
        check(&stream, &lengths);
    }

    #[test]
    fn streams_cut_anywhere(stream in stream(), at in any::<prop::sample::Index>(), lengths in lengths()) {
        let stream = stream.into_bytes();
        let cut = &stream[..at.index(stream.len() + 1)];
        let outcome = check(cut, &lengths);
        // A truncated stream of JSON is incomplete, but nothing in it is wrong.
        prop_assert!(outcome.error.is_none_or(|error| error.is_incomplete()));
    }

    #[test]
    fn any_bytes_that_mean_something(stream in vec(meaningful(), 0..40), lengths in lengths()) {
        check(&stream, &lengths);
    }

    #[test]
    fn any_bytes_in_a_string(text in vec(meaningful(), 0..12), lengths in lengths()) {
        check(&[b"[\"", &text[..], b"\"]"].concat(), &lengths);
    }

    /// As long as a block of the scan, and longer; at most one byte is wrong.
    #[test]
    fn long_strings_beyond_ascii(
        pieces in vec(prop_oneof!["[a-z]{0,40}", "[^\"\\\\\\x00-\\x1f]{1,4}", Just("\",\"".to_owned())], 0..16),
        wrong in proptest::option::of((any::<prop::sample::Index>(), change())),
        lengths in lengths(),
    ) {
        let mut stream = format!("[\"{}\"]", pieces.concat()).into_bytes();
        if let Some((at, change)) = wrong {
            apply(&mut stream, at, change);
        }
        check(&stream, &lengths);
    }

    #[test]
    fn any_bytes_at_all(stream in vec(any::<u8>(), 0..40), lengths in lengths()) {
        check(&stream, &lengths);
    }
}

#[test]
fn every_pair_of_bytes_in_a_string() {
    for first in 0..=255 {
        for second in 0..=255 {
            agreed(&[b'"', first, second, b'"']);
        }
    }
}

/// Sequences of four bytes around each bound of the Unicode standard's table.
#[test]
fn characters_of_several_bytes() {
    let firsts =
        [0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5];
    let others = [0x22, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0];
    for first in firsts {
        for second in others {
            for third in others {
                for fourth in others {
                    agreed(&[b'"', first, second, third, fourth, b'"']);
                    agreed(&[b'"', first, second, third, b'"']);
                }
            }
        }
    }
}
