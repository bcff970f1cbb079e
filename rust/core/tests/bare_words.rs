//! What lightningd pastes raw into `init`: values that are no JSON, and how one goes on behind them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use clnwire_core::{Framer, Limits, Malformed, Member, Reason, members};
use common::{Outcome, chunked, whole};

const INIT: &str = r#"{"id":"cln:init#1","method":"init","params":{"options":{"a":5,"opt":[1,0x10],"b":010},"configuration":{"startup":true}}}"#;

fn tolerant() -> Framer {
    let mut framer = Framer::new(Limits::default());
    framer.tolerate_bare_words(true);
    framer
}

/// The same however it is cut.
fn tolerated(stream: &str) -> Outcome {
    let expected = chunked(tolerant(), [stream.as_bytes()]);
    for at in 1..stream.len() {
        let (first, second) = stream.as_bytes().split_at(at);
        assert_eq!(chunked(tolerant(), [first, second]), expected, "{stream} cut at {at}");
    }
    assert_eq!(chunked(tolerant(), stream.as_bytes().chunks(1)), expected, "{stream} byte by byte");
    expected
}

fn refused(stream: &str) -> Malformed {
    let outcome = tolerated(stream);
    assert_eq!(outcome.frames, [], "{stream}");
    outcome.error.expect(stream)
}

#[test]
fn off_by_default() {
    let error = whole(INIT.as_bytes()).error.unwrap();
    assert_eq!(error.reason, Reason::InvalidNumber);
    assert_eq!(error.offset, INIT.find("x10").unwrap() as u64);
}

#[test]
fn the_frame_ends_where_it_ends() {
    let outcome = tolerated(&format!("{{}}\n\n{INIT}\n\n{{\"id\":2}}"));
    assert_eq!(outcome.texts(), ["{}", INIT, "{\"id\":2}"]);
    assert_eq!(outcome.error, None);
}

#[test]
fn the_first_fault_is_told_with_its_offset_in_the_stream() {
    let outcome = tolerated(&format!("{{}}\n\n{INIT}{{}}"));
    let fault = outcome.frames[1].bare_word.unwrap();
    assert_eq!(fault.reason, Reason::InvalidNumber);
    assert_eq!(fault.offset, 4 + INIT.find("x10").unwrap() as u64);
    assert_eq!(outcome.frames[0].bare_word, None);
    assert_eq!(outcome.frames[2].bare_word, None, "the next frame has none");
}

#[test]
fn a_fault_behind_64_kilobytes_is_told_with_its_offset_in_the_stream() {
    let mut framer = tolerant();
    let filler = format!("\"{}\"\n", "x".repeat(9998));
    for _ in 0..100 {
        framer.feed(filler.as_bytes());
        assert!(framer.next_frame().unwrap().is_some());
    }
    framer.feed(b"[[+1]]");
    let frame = framer.next_frame().unwrap().unwrap();
    let offset = 100 * filler.len() as u64;
    assert_eq!(frame.offset(), offset);
    assert_eq!(
        frame.bare_word(),
        Some(Malformed { reason: Reason::ExpectedValue, offset: offset + 2 })
    );
}

#[test]
fn the_envelope_is_read_as_ever() {
    let outcome = tolerated(INIT);
    let frame = &outcome.frames[0];
    let text = |member: Member| &INIT[frame.members[member as usize].clone().unwrap()];
    assert_eq!(text(Member::Id), "\"cln:init#1\"");
    assert_eq!(text(Member::Method), "\"init\"");
    assert_eq!(text(Member::Params), &INIT[INIT.find(r#"{"options""#).unwrap()..INIT.len() - 1]);
}

#[test]
fn every_spelling_that_ends_like_a_scalar() {
    for word in ["0x10", "010", "+5", "-", "1.", "1e", ".5", "0x", "yes", "True", "nul", "-0x1", ""]
    {
        for stream in [format!("{{\"p\":{{\"o\":{word}}}}}"), format!("[[1,{word} ,2]]")] {
            let outcome = tolerated(&stream);
            assert_eq!(outcome.texts(), [&stream[..]], "{word:?}");
            assert!(outcome.frames[0].bare_word.is_some(), "{word:?}");
        }
    }
}

#[test]
fn json_is_no_bare_word() {
    for stream in [r#"{"p":{"o":10,"a":[true,null,-1.5e3,"0x10"]}}"#, "[[]]", "[[],{}]", "1"] {
        assert_eq!(tolerated(stream).frames[0].bare_word, None, "{stream}");
    }
}

#[test]
fn never_in_the_envelope_itself() {
    assert_eq!(refused(r#"{"id":0x10,"method":"m"}"#).reason, Reason::InvalidNumber);
    assert_eq!(refused(r#"{"params":yes}"#).reason, Reason::ExpectedValue);
    assert_eq!(refused("[0x10]"), Malformed { reason: Reason::InvalidNumber, offset: 2 });
    assert_eq!(refused("0x10"), Malformed { reason: Reason::InvalidNumber, offset: 1 });
    assert_eq!(refused("hello"), Malformed { reason: Reason::ExpectedValue, offset: 0 });
}

#[test]
fn other_faults_stay_faults() {
    assert_eq!(refused(r#"{"p":{"o":1 2}}"#).reason, Reason::ExpectedCommaOrBrace);
    assert_eq!(refused(r#"{"p":{o:1}}"#).reason, Reason::ExpectedKey);
    assert_eq!(refused(r#"{"p":{"o":"\x"}}"#).reason, Reason::InvalidEscape);
    assert_eq!(refused(r#"{"p":{"o":0x1"0"}}"#).reason, Reason::ExpectedCommaOrBrace);
    assert_eq!(refused(r#"{"p":[0x10}}"#).reason, Reason::ExpectedCommaOrBracket);
    assert_eq!(refused(r#"{"p":{"o":0x10"#).reason, Reason::Truncated);
}

#[test]
fn it_can_be_turned_off_again() {
    let mut framer = tolerant();
    framer.feed(b"[[0x10]]");
    assert!(framer.next_frame().unwrap().unwrap().bare_word().is_some());
    framer.tolerate_bare_words(false);
    framer.feed(b"[[0x10]]");
    let error = framer.next_frame().unwrap_err();
    assert_eq!(error, Malformed { reason: Reason::InvalidNumber, offset: 8 + 3 });
}

#[test]
fn members_gives_each_value_as_it_is_spelled() {
    let object = br#"{ "a" : 5,"b":0x10 , "c":[1,010],"d":"x","\u0065":yes,"f":+5,"g":}"#;
    let found = members(object).unwrap();
    let expected: [(&str, &str); 7] = [
        ("a", "5"),
        ("b", "0x10"),
        ("c", "[1,010]"),
        ("d", "\"x\""),
        ("e", "yes"),
        ("f", "+5"),
        ("g", ""),
    ];
    let found: Vec<(&str, &str)> =
        found.iter().map(|(name, value)| (&name[..], str::from_utf8(value).unwrap())).collect();
    assert_eq!(found, expected);
}

#[test]
fn members_keeps_order_and_duplicates() {
    let found = members(br#"{"b":1,"a":2,"b":3,"":4,"\ud83d":5}"#).unwrap();
    let names: Vec<&str> = found.iter().map(|(name, _)| &name[..]).collect();
    assert_eq!(names, ["b", "a", "b", ""], "half a surrogate pair is no name");
    assert_eq!(members(b"{}").unwrap(), []);
}

#[test]
fn members_of_what_is_no_object() {
    for (text, reason) in [
        ("", Reason::Truncated),
        ("{\"a\":1", Reason::Truncated),
        ("[1]", Reason::ExpectedValue),
        ("\"a\"", Reason::ExpectedValue),
        ("{} {}", Reason::ExpectedValue),
        ("{\"a\" 1}", Reason::ExpectedColon),
    ] {
        assert_eq!(members(text.as_bytes()).unwrap_err().reason, reason, "{text}");
    }
    assert_eq!(members(br#"{"a":1 2}"#).unwrap_err().offset, 7);
}
