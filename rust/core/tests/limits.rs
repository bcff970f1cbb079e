//! The limits, the end of the stream, and the room for a reader.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use clnwire_core::framer::READ_BYTES;
use clnwire_core::{
    DEFAULT_MAX_DEPTH, DEFAULT_MAX_FRAME_BYTES, Envelope, Framer, Limits, Malformed, Reason,
};
use common::{Outcome, Random, at_once, bytewise, chunked, split, whole, whole_limited};

fn bytes(max_frame_bytes: usize) -> Limits {
    Limits { max_frame_bytes, ..Limits::default() }
}

fn depth(max_depth: usize) -> Limits {
    Limits { max_depth, ..Limits::default() }
}

/// The outcome, which must be the same however the stream is split.
fn limited(stream: &str, limits: Limits) -> Outcome {
    let expected = whole_limited(stream.as_bytes(), limits);
    assert_eq!(bytewise(stream.as_bytes(), limits), expected, "{stream}: byte by byte");
    assert_eq!(at_once(stream.as_bytes(), limits), expected, "{stream}: with its end");
    for at in 0..=stream.len() {
        assert_eq!(split(stream.as_bytes(), at, limits), expected, "{stream}: cut at {at}");
    }
    expected.until_fault()
}

/// One frame for each way in which a frame ends.
const FRAMES: [&str; 7] =
    [r#"{"id":1,"a":[]}"#, "[1,[2],\"x\"]", "\"a string\"", "1234567.5e-10", "-0", "true", "7"];

#[test]
fn a_frame_of_exactly_the_cap() {
    for frame in FRAMES {
        for stream in [frame.to_owned(), format!(" {frame}\n\n"), format!("{frame}[]")] {
            let outcome = limited(&stream, bytes(frame.len().max(2)));
            assert_eq!(outcome.texts()[0], frame, "{stream}");
            assert_eq!(outcome.error, None, "{stream}");
        }
    }
}

#[test]
fn a_frame_one_byte_over_the_cap() {
    for frame in FRAMES.iter().filter(|frame| frame.len() > 1) {
        let cap = frame.len() - 1;
        for (before, behind) in [("", ""), (" ", "\n\n"), ("\n\n", "[]"), ("", " {}{}{}")] {
            let outcome = limited(&format!("{before}{frame}{behind}"), bytes(cap));
            let offset = (before.len() + cap) as u64;
            assert_eq!(outcome.frames, [], "{frame}");
            let expected = Malformed { reason: Reason::FrameTooLarge(cap), offset };
            assert_eq!(outcome.error, Some(expected), "{frame}");
        }
    }
}

#[test]
fn frames_before_the_one_that_is_too_large_are_given() {
    let outcome = limited("[1] [2][12345]", bytes(5));
    assert_eq!(outcome.texts(), ["[1]", "[2]"]);
    assert_eq!(outcome.error, Some(Malformed { reason: Reason::FrameTooLarge(5), offset: 12 }));
}

#[test]
fn white_space_between_frames_does_not_count() {
    let stream = format!("{}[12]{}[34]\n", " ".repeat(100), "\n".repeat(100));
    assert_eq!(limited(&stream, bytes(4)).texts(), ["[12]", "[34]"]);
    assert_eq!(limited(&stream, bytes(4)).error, None);
}

#[test]
fn what_is_malformed_before_the_cap_is_malformed() {
    let outcome = limited("[12x4567890]", bytes(5));
    assert_eq!(outcome.error.unwrap().reason, Reason::InvalidNumber);
    let outcome = limited("[12345x]", bytes(5));
    assert_eq!(outcome.error.unwrap().reason, Reason::FrameTooLarge(5));
}

#[test]
fn a_cut_frame_below_the_cap_is_cut_not_too_large() {
    let outcome = limited("[1234", bytes(5));
    assert_eq!(outcome.error, Some(Malformed { reason: Reason::Truncated, offset: 5 }));
    let outcome = limited("[12345", bytes(5));
    assert_eq!(outcome.error, Some(Malformed { reason: Reason::FrameTooLarge(5), offset: 5 }));
}

#[test]
fn the_smallest_and_the_largest_cap() {
    for smallest in [0, 1] {
        assert_eq!(limited("  \n", bytes(smallest)).error, None);
        assert_eq!(limited("1 2", bytes(smallest)).texts(), ["1", "2"]);
        let error = limited(" 12", bytes(smallest)).error;
        assert_eq!(error, Some(Malformed { reason: Reason::FrameTooLarge(1), offset: 2 }));
    }
    assert_eq!(limited("[1]2", bytes(usize::MAX)).texts(), ["[1]", "2"]);
}

const MESSAGE: &str = r#"{"jsonrpc":"2.0","params":[{}]}"#;

#[test]
fn nesting_of_exactly_the_cap() {
    for stream in ["[[[]]]", r#"{"a":{"b":{"c":1}}}"#, r#"[{"a":[1]},{"b":[2]},[{}]]"#, MESSAGE] {
        assert_eq!(limited(stream, depth(3)).texts(), [stream]);
    }
}

#[test]
fn nesting_one_over_the_cap() {
    for (stream, offset) in [
        ("[[[[]]]]", 3),
        (r#"{"a":[{"b":{}}]}"#, 11),
        ("[][[[[1]]]]", 5),
        (&MESSAGE.replace("{}", "{\"a\":[]}"), 32),
    ] {
        let expected = Malformed { reason: Reason::TooDeep(3), offset };
        assert_eq!(limited(stream, depth(3)).error, Some(expected), "{stream}");
    }
    assert_eq!(limited("1 \"a\"", depth(0)).texts(), ["1", "\"a\""]);
    for stream in ["1 []", r#"1 {"jsonrpc":"2.0","id":1}"#] {
        let expected = Malformed { reason: Reason::TooDeep(0), offset: 2 };
        assert_eq!(limited(stream, depth(0)).error, Some(expected), "{stream}");
    }
}

#[test]
fn nesting_is_counted_across_words_of_bits() {
    for levels in [63, 64, 65, 127, 128, 129, 1000] {
        let stream = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(limited(&stream, depth(levels)).frames.len(), 1, "{levels}");
        let error = limited(&stream, depth(levels - 1)).error.unwrap();
        assert_eq!(error.offset, levels as u64 - 1, "{levels}");
    }
}

#[test]
fn an_envelope_on_its_own_has_the_same_cap() {
    assert!(Envelope::parse(b"[[[]]]", depth(3)).is_ok());
    let error = Envelope::parse(b" [[[[]]]]", depth(3)).unwrap_err();
    assert_eq!(error, Malformed { reason: Reason::TooDeep(3), offset: 4 });
}

#[test]
fn the_defaults() {
    let limits = Limits::default();
    assert_eq!(limits.max_frame_bytes, DEFAULT_MAX_FRAME_BYTES);
    assert_eq!(limits.max_depth, DEFAULT_MAX_DEPTH);
    let stream = "[".repeat(DEFAULT_MAX_DEPTH + 1);
    let error = whole(stream.as_bytes()).error.unwrap();
    assert_eq!(error.reason, Reason::TooDeep(DEFAULT_MAX_DEPTH));
    assert_eq!(error.offset, DEFAULT_MAX_DEPTH as u64);
}

#[test]
fn the_message_names_the_cap_and_says_what_to_do() {
    let text = limited("[123456]", bytes(5)).error.unwrap().to_string();
    assert!(text.contains("max_frame_bytes = 5; raise it"), "{text}");
    assert!(text.ends_with("at byte 5"), "{text}");
    let text = limited("[[]]", depth(1)).error.unwrap().to_string();
    assert!(text.contains("max_depth = 1; raise it"), "{text}");
    assert!(text.ends_with("at byte 1"), "{text}");
}

#[test]
fn each_fault_has_a_text_of_its_own() {
    let faults = [
        ("x", "expected a JSON value at byte 0"),
        ("{1", "expected a string as the member's key at byte 1"),
        ("{\"a\"1", "expected ':' after the member's key at byte 4"),
        ("{\"a\":1]", "expected ',' or '}' after the member at byte 6"),
        ("[1}", "expected ',' or ']' after the element at byte 2"),
        ("nope", "expected true, false or null at byte 1"),
        ("01", "invalid number at byte 1"),
        ("\"\\x", "invalid escape in a string at byte 2"),
        ("\"\n", "unescaped control character in a string at byte 1"),
        ("[", "the stream ended inside a message at byte 1"),
    ];
    for (stream, text) in faults {
        assert_eq!(whole(stream.as_bytes()).error.unwrap().to_string(), text);
    }
    let error = whole(b"\"\xFF").error.unwrap();
    assert_eq!(error.to_string(), "invalid UTF-8 in a string at byte 1");
}

#[test]
fn an_empty_feed_is_the_end() {
    let mut framer = Framer::new(Limits::default());
    assert!(!framer.is_ended());
    framer.feed(b"12");
    assert!(framer.next_frame().unwrap().is_none(), "another digit could come");
    framer.feed(b"");
    assert!(framer.is_ended());
    assert_eq!(framer.next_frame().unwrap().unwrap().bytes(), b"12");
    for _ in 0..3 {
        assert!(framer.next_frame().unwrap().is_none());
    }
    framer.feed(b"");
    assert!(framer.next_frame().unwrap().is_none());
}

#[test]
fn the_end_before_the_frames_are_taken() {
    let mut framer = Framer::new(Limits::default());
    framer.feed(b"{} [] 1");
    framer.feed(b"");
    for expected in ["{}", "[]", "1"] {
        assert_eq!(framer.next_frame().unwrap().unwrap().bytes(), expected.as_bytes());
    }
    assert!(framer.next_frame().unwrap().is_none());
}

#[test]
fn the_end_inside_a_frame() {
    for (stream, frames) in [("{\"id\":1", 0), ("{}\n\n[", 1), ("{}\"a", 1), ("1 tru", 1), ("-", 0)]
    {
        let outcome = limited(stream, Limits::default());
        let error = outcome.error.unwrap();
        assert_eq!(error, Malformed { reason: Reason::Truncated, offset: stream.len() as u64 });
        assert!(error.is_incomplete());
        assert_eq!(outcome.frames.len(), frames);
    }
    assert!(!limited("]", Limits::default()).error.unwrap().is_incomplete());
}

#[test]
fn an_error_is_final() {
    let mut framer = Framer::new(Limits::default());
    framer.feed(b"{} ] {}");
    assert!(framer.next_frame().unwrap().is_some());
    assert!(framer.next_frame().unwrap().is_none());
    framer.feed(b"");
    let error = framer.next_frame().unwrap_err();
    assert_eq!(error, Malformed { reason: Reason::ExpectedValue, offset: 3 });
    for more in [&b"{}"[..], b"\n\n", b""] {
        let kept = framer.buffered();
        framer.feed(more);
        assert_eq!(framer.next_frame().unwrap_err(), error);
        assert_eq!(framer.buffered(), kept, "what comes behind it is not kept");
    }
}

#[test]
fn an_error_that_more_bytes_could_mend_is_final_too() {
    for stream in ["[1", "[12345"] {
        let mut framer = Framer::new(bytes(5));
        framer.feed(stream.as_bytes());
        framer.feed(b"");
        let error = framer.next_frame().unwrap_err();
        framer.feed(b"]{}");
        assert_eq!(framer.next_frame().unwrap_err(), error, "{stream}");
    }
}

#[test]
fn room_to_read_into() {
    let mut framer = Framer::new(Limits::default());
    assert!(framer.space().len() >= READ_BYTES);
    framer.space()[..9].copy_from_slice(b"{}\n\n[1]\"a");
    framer.commit(9);
    assert_eq!(framer.next_frame().unwrap().unwrap().bytes(), b"{}");
    assert_eq!(framer.next_frame().unwrap().unwrap().bytes(), b"[1]");
    assert!(framer.space().len() >= READ_BYTES);
    framer.space()[0] = b'"';
    framer.commit(1);
    assert_eq!(framer.next_frame().unwrap().unwrap().bytes(), b"\"a\"");
    framer.space();
    framer.commit(0);
    assert!(framer.is_ended());
    assert!(framer.next_frame().unwrap().is_none());
}

#[test]
#[should_panic(expected = "committed more than there was room for")]
fn more_than_the_room() {
    let mut framer = Framer::new(Limits::default());
    let room = framer.space().len();
    framer.commit(room + 1);
}

#[test]
fn bytes_that_no_frame_was_given_for() {
    let mut framer = Framer::new(Limits::default());
    assert_eq!(framer.buffered(), 0);
    framer.feed(b"[1][2]");
    assert_eq!(framer.buffered(), 6);
    framer.next_frame().unwrap();
    assert_eq!(framer.buffered(), 3);
    framer.feed(b"[");
    assert_eq!(framer.buffered(), 4);
    framer.next_frame().unwrap();
    assert_eq!(framer.buffered(), 1);
    framer.next_frame().unwrap();
    assert_eq!(framer.buffered(), 1);
}

/// Frames of many sizes, for which the buffer restarts, moves bytes and grows.
fn long_stream() -> (Vec<u8>, Vec<usize>) {
    let mut random = Random::new(7);
    let (mut stream, mut starts) = (Vec::new(), Vec::new());
    while stream.len() < 3 << 20 {
        stream.extend_from_slice(&b" \n\n "[..random.below(4)]);
        starts.push(stream.len());
        let length = if random.below(100) == 0 { 300_000 } else { random.below(9000) };
        stream.extend_from_slice(format!("{{\"id\":\"{}\"}}", "x".repeat(length)).as_bytes());
    }
    (stream, starts)
}

#[test]
fn offsets_count_from_the_start_of_the_stream() {
    let (mut stream, starts) = long_stream();
    let fault = stream.len() as u64 + 1;
    stream.extend_from_slice(b"[x");
    for size in [1000, 4096, 65_536, 1_000_000, stream.len()] {
        let outcome = chunked(Framer::new(Limits::default()), stream.chunks(size));
        let offsets: Vec<usize> = outcome.frames.iter().map(|f| f.offset as usize).collect();
        assert_eq!(offsets, starts, "chunks of {size}");
        assert_eq!(outcome.error.unwrap().offset, fault, "chunks of {size}");
    }
}

#[test]
fn reads_of_any_length_into_the_room() {
    let (stream, starts) = long_stream();
    let mut random = Random::new(3);
    let mut framer = Framer::new(Limits::default());
    let (mut rest, mut count) = (&stream[..], 0);
    while !rest.is_empty() {
        let room = framer.space();
        let length = (1 + random.below(room.len())).min(rest.len());
        room[..length].copy_from_slice(&rest[..length]);
        framer.commit(length);
        rest = &rest[length..];
        while let Some(frame) = framer.next_frame().unwrap() {
            let start = starts[count];
            assert_eq!(frame.offset(), start as u64);
            assert!(frame.bytes() == &stream[start..start + frame.bytes().len()]);
            count += 1;
        }
    }
    assert_eq!(count, starts.len());
}
