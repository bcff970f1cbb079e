//! Messages that are not JSON: only they are lost, and their id and method are found if possible.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use clnwire_core::{Framer, Kind, Limits, Reason};
use common::{Outcome, at_once, bytewise, chunked, cycled, lax, split, whole, whole_limited};
use proptest::collection::vec;
use proptest::prelude::*;

const NEXT: &str = r#"{"jsonrpc":"2.0","id":"next","method":"m","params":[]}"#;

/// What lightningd's parser accepts from a caller, and words that only `init` may have.
const ACCEPTED: [&str; 34] = [
    "[203.0.113.7]",
    "[123456x1x0]",
    "[0x10]",
    "[010]",
    "[1,]",
    "[,1,,2]",
    "[\"a\" \"b\"]",
    "[1 2]",
    "[nan]",
    "[-Infinity]",
    "[\"a\tb\"]",
    "[\"a\nb\"]",
    "[\"a\n\nb\"]",
    "[\"a\n\n{\"]",
    "[1\n\n 2]",
    "[1 \n\n{\"jsonrpc\":\"2.0\",\"id\":\"evil\",\"method\":\"m\"}\n\n]",
    "{\"a\":x \n\n,\"b\":{\"jsonrpc\":\"2.0\",\"id\":\"evil\",\"method\":\"m\"}}",
    "{\"a\":[] \"b\":1}",
    "{\"a\":1,}",
    "{\"a\"::1}",
    "[1:2]",
    "[1:{]",
    "{\"a\":1:\"}",
    "[1:2\n\n{\"jsonrpc\":\"2.0\",\"method\":\"shutdown\"}\n\n]",
    "{\"a\":t:\"\n\n,\"b\":{\"jsonrpc\":\"2.0\",\"id\":\"evil\",\"method\":\"m\"}}",
    "[a\"b]",
    "[a{b]",
    "[a[b]",
    "[[]:1]",
    "{\"a\":,:1}",
    "[{\"a\"}:1]",
    "[{\"a\":},:[1\n\n{\"jsonrpc\":\"2.0\",\"method\":\"shutdown\"}\n\n]]",
    "x",
    "[\"\\u0000\" nul]",
];

fn same_however_cut(stream: &[u8], limits: Limits) -> Outcome {
    let expected = whole_limited(stream, limits);
    assert_eq!(bytewise(stream, limits), expected, "byte by byte");
    assert_eq!(at_once(stream, limits), expected, "at once");
    for at in 0..=stream.len() {
        assert_eq!(split(stream, at, limits), expected, "cut at {at}");
    }
    expected
}

fn request(params: &str, id_first: bool) -> String {
    match id_first {
        true => format!(r#"{{"jsonrpc":"2.0","id":"a#1","method":"ban","params":{params}}}"#),
        false => format!(r#"{{"method":"ban","params":{params},"id":"a#1"}}"#),
    }
}

#[test]
fn what_lightningd_forwards_is_lost_alone() {
    for params in ACCEPTED {
        for id_first in [true, false] {
            let message = request(params, id_first);
            assert_eq!(lax::accepted(message.as_bytes()), Some(message.len()), "{message}");
            let stream = format!("{NEXT}\n\n{message}\n\n{NEXT}");
            let outcome = same_however_cut(stream.as_bytes(), Limits::default());
            assert_eq!(outcome.texts(), [NEXT, &message, NEXT]);
            assert_eq!(outcome.error, None);
            let lost = &outcome.frames[1];
            assert_eq!(lost.is_refused, lax::is_refused(message.as_bytes()), "{message}");
            assert_eq!(lost.kind, Kind::Malformed, "{message}");
            let found = |n: usize| lost.members[n].clone().map(|range| &message[range]);
            assert_eq!(found(1), Some("\"a#1\""), "{message}");
            assert_eq!(found(2), Some("\"ban\""), "{message}");
            assert_eq!(found(3), Some(params), "{message}");
        }
    }
}

/// Builds of lightningd with links from each token to its parent put the key into the object that is
/// closed, and so accept it.
#[test]
fn what_some_builds_of_lightningd_forward_is_lost_alone() {
    let evil = r#"{"jsonrpc":"2.0","method":"shutdown"}"#;
    for params in [
        format!("[{{\"a\"}}:1,\"b\":[1\n\n{evil}\n\n]]"),
        format!("{{\"x\":[{{\"a\":}}:[],\"b\":[\n\n{evil}\n\n]]}}"),
    ] {
        let message = request(&params, true);
        let outcome =
            same_however_cut(format!("{message}\n\n{NEXT}").as_bytes(), Limits::default());
        assert_eq!(outcome.texts(), [&message, NEXT]);
    }
}

#[test]
fn what_lightningd_refuses_ends_at_a_blank_line() {
    for params in [
        "[1}",
        "{\"a\":[}}",
        "[\"abc",
        "[\"abc]",
        "[\"\\x\"]",
        "[\"\\u00g0\"]",
        "[\u{e9}]",
        "{",
        "{\"a\":1",
        "[\0]",
        "[1 :2]",
        "{\"a\":1 \"b\":2}",
        "[\"a\0\"]",
        "[{}:\"a\"]",
    ] {
        let message = request(params, true);
        assert_eq!(lax::accepted(message.as_bytes()), None, "{message}");
        let stream = format!("{message}\n\n{NEXT}\n\n{NEXT}\n\n");
        let outcome = same_however_cut(stream.as_bytes(), Limits::default());
        assert_eq!(outcome.error, None, "{message}");
        let whole = outcome.frames.iter().filter(|frame| frame.kind == Kind::Request).count();
        assert_eq!(whole, 2, "{message}: {:?}", outcome.frames);
        let lost = &outcome.frames[0];
        assert_eq!(lost.members[1].clone().map(|range| &message[range]), Some("\"a#1\""));
        assert!(lost.is_refused, "{message}");
    }
}

#[test]
fn a_brace_too_many_is_lost_alone() {
    let stream = format!("{NEXT}}}}}\n\n{NEXT}");
    let outcome = same_however_cut(stream.as_bytes(), Limits::default());
    assert_eq!(outcome.texts(), [NEXT, "}}", NEXT]);
}

/// lightningd copies integer options into `init` as the user spelled them.
#[test]
fn init_is_cut_as_it_is_meant() {
    let params = r#"{"options":{"a":5,"opt":[1,0x10],"b":010,"c":},"configuration":{}}"#;
    let init = format!(r#"{{"id":1,"method":"init","params":{params}}}"#);
    let outcome = whole(format!("{init}\n\n{NEXT}").as_bytes());
    assert_eq!(outcome.texts(), [&init[..], NEXT]);
    let found = outcome.frames[0].members[3].clone().unwrap();
    assert_eq!(&init[found], params);
}

#[test]
fn invalid_utf_8_is_lost_alone() {
    let message = b"{\"id\":1,\"method\":\"m\",\"params\":[\"\xFF\"]}";
    let stream = [&message[..], b"\n\n", NEXT.as_bytes()].concat();
    let outcome = same_however_cut(&stream, Limits::default());
    assert_eq!(outcome.frames[0].bytes, message);
    assert_eq!(outcome.frames[0].fault.unwrap().reason, Reason::InvalidUtf8);
    assert_eq!(outcome.frames[1].bytes, NEXT.as_bytes());
}

#[test]
fn beyond_a_limit_is_lost_alone() {
    let deep =
        format!("{{\"id\":1,\"method\":\"m\",\"params\":{}1{}}}", "[".repeat(9), "]".repeat(9));
    let stream = format!("{deep}{NEXT}");
    let outcome = same_however_cut(stream.as_bytes(), Limits { max_depth: 4, ..Limits::default() });
    assert_eq!(outcome.texts(), [&deep[..], NEXT]);
    assert_eq!(outcome.frames[0].fault.unwrap().reason, Reason::TooDeep(4));
    let long = format!("{{\"id\":1,\"method\":\"m\",\"params\":[\"{}\"]}}", "x".repeat(90));
    let stream = format!("{long}{NEXT} {NEXT}");
    let limits = Limits { max_frame_bytes: 60, ..Limits::default() };
    let outcome = same_however_cut(stream.as_bytes(), limits);
    assert_eq!(outcome.texts(), [&long[..60], NEXT, NEXT]);
    assert_eq!(outcome.frames[0].fault.unwrap().reason, Reason::FrameTooLarge(60));
    assert_eq!(outcome.frames[1].offset, long.len() as u64);
    assert_eq!(outcome.frames[0].members[1], Some(6..7));
}

#[test]
fn the_text_around_the_fault_is_one_short_line() {
    let mut framer = Framer::new(Limits::default());
    framer.feed(format!("{{}}[\"{}\n\u{1b}{}\"]", "é".repeat(200), "b".repeat(200)).as_bytes());
    framer.next_frame().unwrap();
    let frame = framer.next_frame().unwrap().unwrap();
    let shown = frame.around_fault().unwrap();
    assert!(shown.contains("é\\n\\u{1b}b"), "{shown}");
    assert!(shown.len() < 100, "{shown}");
}

#[test]
fn a_message_that_never_ends_is_told_at_the_end() {
    let outcome = same_however_cut(b"{}[1 2", Limits::default());
    assert_eq!(outcome.texts(), ["{}"]);
    assert_eq!(outcome.error.unwrap().reason, Reason::ExpectedCommaOrBracket);
    assert_eq!(outcome.error.unwrap().offset, 5);
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let tokens: &[&[u8]] = &[
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b" ",
        b"\n\n",
        b"\n",
        b"\"a\"",
        b"\"\n\n\"",
        b"\"",
        b"\\",
        b"\\u00e9",
        b"x",
        b"1",
        b"1:",
        b"[]",
        b"{}:",
        b"\"id\":1",
        b"{\"jsonrpc\":\"2.0\"",
        b"\xc3\xa9",
        b"\xff",
        b"\0",
    ];
    prop::sample::select(tokens).prop_map(<[u8]>::to_vec)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_pieces(
        pieces in vec(piece(), 0..25),
        lengths in vec(1..9_usize, 1..6),
        max_frame_bytes in prop_oneof![Just(usize::MAX), 1..40_usize],
        max_depth in prop_oneof![Just(1000_usize), 0..4_usize],
    ) {
        let stream = [&pieces.concat()[..], b"\n\n", NEXT.as_bytes(), b"\n\n"].concat();
        let limits = Limits { max_frame_bytes, max_depth };
        let expected = whole_limited(&stream, limits);
        prop_assert_eq!(&bytewise(&stream, limits), &expected);
        prop_assert_eq!(&at_once(&stream, limits), &expected);
        let chunks = cycled(&stream, &lengths);
        prop_assert_eq!(&chunked(Framer::new(limits), chunks), &expected);
        for frame in &expected.frames {
            let start = frame.offset as usize;
            let length = lax::accepted(&stream[start..]);
            if let (Some(length), Kind::Malformed, usize::MAX) = (length, frame.kind, max_frame_bytes) {
                prop_assert_eq!(frame.bytes.len(), length);
            }
            if (frame.kind, max_frame_bytes, max_depth) == (Kind::Malformed, usize::MAX, 1000) {
                prop_assert_eq!(frame.is_refused, lax::is_refused(&stream[start..]));
            }
            for range in frame.members.iter().flatten() {
                prop_assert!(range.end <= frame.bytes.len());
            }
        }
    }
}

#[test]
fn a_fault_is_told_before_the_message_ends() {
    // A number that is not JSON, which lightningd accepts; then a word that it refuses.
    for (begun, is_refused) in [("{\"a\":01", false), ("{\"a\":x", true)] {
        let mut framer = Framer::new(Limits::default());
        framer.feed(format!("{NEXT}\n\n").as_bytes());
        assert!(framer.next_frame().unwrap().is_some());
        assert_eq!((framer.pending_fault(), framer.refused()), (None, None));
        framer.feed(begun.as_bytes());
        assert!(framer.next_frame().unwrap().is_none());
        let fault = framer.pending_fault().expect("it is known already");
        assert!(fault.offset > NEXT.len() as u64, "{begun}: {fault:?}");
        assert_eq!(framer.refused(), is_refused.then_some(fault), "{begun}");
    }
}

#[test]
fn what_cannot_be_held_says_how_much_it_was() {
    let said = Reason::OutOfMemory(5).to_string();
    assert!(said.contains("5 bytes") && said.contains("max_frame_bytes"), "{said}");
}
