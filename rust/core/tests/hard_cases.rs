//! Hand-made streams that are hard to split, each split in every way. The frames must always be the
//! same, and so must an error after them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use clnwire_core::{Framer, Limits, Reason};
use common::{
    Outcome, Random, at_once, bytewise, chunked, oracle, spans, split, whole, whole_limited,
};

const FOLLOWER: &[u8] = br#"{"jsonrpc":"2.0","id":99,"method":"follower","params":{}}"#;

/// Up to this length a stream is split at every point.
const SPLIT_EVERYWHERE: usize = 700;

struct Case {
    name: &'static str,
    stream: Vec<u8>,
    frames: Vec<Vec<u8>>,
    error: Option<(Reason, u64)>,
}

fn good(name: &'static str, stream: impl AsRef<[u8]>, frames: &[&str]) -> Case {
    let frames = frames.iter().map(|frame| frame.as_bytes().to_vec()).collect();
    Case { name, stream: stream.as_ref().to_vec(), frames, error: None }
}

/// A stream that is one frame.
fn one(name: &'static str, frame: impl AsRef<[u8]>) -> Case {
    let frame = frame.as_ref().to_vec();
    Case { name, stream: frame.clone(), frames: vec![frame], error: None }
}

fn bad(
    name: &'static str,
    stream: impl AsRef<[u8]>,
    frames: &[&str],
    reason: Reason,
    offset: u64,
) -> Case {
    Case { error: Some((reason, offset)), ..good(name, stream, frames) }
}

#[test]
fn streams_without_a_fault() {
    for case in separators().iter().chain(&strings()).chain(&scalars()).chain(&members()) {
        check(case);
    }
}

fn separators() -> Vec<Case> {
    vec![
        good("nothing", "", &[]),
        good("white space only", " \n\n\t\r\n ", &[]),
        good("the daemon's way", "{\"id\":1}\n\n{\"id\":2}\n\n", &[r#"{"id":1}"#, r#"{"id":2}"#]),
        good(
            "no separator",
            r#"{"id":1}{"id":2}[][]"#,
            &[r#"{"id":1}"#, r#"{"id":2}"#, "[]", "[]"],
        ),
        good("one newline", "{}\n{}\n", &["{}", "{}"]),
        good("any white space", "\r\n \t{}\t \r\n\n\n\n[ ]\r", &["{}", "[ ]"]),
        one(
            "blank lines between tokens",
            "{\n\n\"id\"\n\n:\n\n1\n\n,\n\n\"method\" \n\n: \"m\"\n\n}",
        ),
        one(
            "pretty-printed",
            "{\n  \"id\": 1,\n  \"params\": {\n    \"a\": [\n      1,\n      2\n    ]\n  }\n}",
        ),
        one("indented with tabs", "{\r\n\t\"id\"\t:\t1\r\n}"),
        one("empty containers", r#"{"a":{},"b":[],"c":[[],{},[{}]]}"#),
        one("space in empty ones", "{\"a\":{ \n\n },\"b\":[\t\r\n]}"),
        good(
            "a brace behind a brace",
            r#"{"a":{"b":{}}}{"a":1}"#,
            &[r#"{"a":{"b":{}}}"#, r#"{"a":1}"#],
        ),
    ]
}

fn strings() -> Vec<Case> {
    vec![
        one("braces in a string", r#"{"a":"}{][","b":"]}"}"#),
        one("braces in a key", r#"{"}":1,"{\"":"}"}"#),
        one("an escaped blank line", r#"{"a":"one\n\ntwo"}"#),
        one("escaped quotes", r#"{"a":"\"}\"","b":"\\"}"#),
        one("backslashes before the quote", r#"["\\","\\\\","\\\"","\\\\\""]"#),
        one("each escape", r#"["\"\\\/\b\f\n\r\t\u0000\u001f\uABCD\uabcd"]"#),
        one("a frame in a string", r#"{"a":"{\"id\":1}\n\n{\"id\":2}"}"#),
        one("a whole surrogate pair", r#""\ud83d\ude00""#),
        one("half a pair, high", r#"["\ud83d"]"#),
        one("half a pair, low", r#"["\ude00"]"#),
        one("a pair the wrong way round", r#"["\ude00\ud83d","\ud83d\u0041"]"#),
        one("each length of UTF-8", "[\"a\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}\"]"),
        one("next to the surrogates", "[\"\u{d7ff}\u{e000}\"]"),
        one("UTF-8 in a key", "{\"schlüssel\":\"wert €\",\"😀\":\"😀\"}"),
        one("a byte order mark in a string", "\"\u{feff}\""),
        one("line separators of Unicode", "\"\u{2028}\u{2029}\u{85}\""),
        one("delete is no control character", "\"\u{7f}\""),
        one("a string across the blocks", format!("[\"{}\\n{}\"]", "x".repeat(31), "y".repeat(33))),
        one("multi-byte across the blocks", format!("[\"{}\"]", "x€😀".repeat(40))),
        one("special at each place of a word", special_places()),
    ]
}

/// Strings with an escape after 0 to 57 plain bytes, since the scan takes blocks of bytes.
fn special_places() -> String {
    let texts: Vec<String> = (0..20).map(|n| format!("\"{}\\\"é\"", "~".repeat(n * 3))).collect();
    format!("[{}]", texts.join(","))
}

fn scalars() -> Vec<Case> {
    let digits = "9".repeat(400);
    let long = format!("-{digits}.{digits}e-{digits}");
    vec![
        good(
            "scalars",
            "1 2\ntrue\tfalse\rnull\"a\"",
            &["1", "2", "true", "false", "null", "\"a\""],
        ),
        good("strings side by side", r#""a""b""#, &[r#""a""#, r#""b""#]),
        good("a number at the end", "1", &["1"]),
        good("a literal at the end", "null", &["null"]),
        good("a number before a bracket", "1[2]3{}", &["1", "[2]", "3", "{}"]),
        good("a literal before a quote", "null\"a\"true[]", &["null", "\"a\"", "true", "[]"]),
        good(
            "each shape of number",
            "0 -0 -0.0 1.50 1e2 1E2 1e+2 1e-2 -1.5E-10 0e0 10",
            &["0", "-0", "-0.0", "1.50", "1e2", "1E2", "1e+2", "1e-2", "-1.5E-10", "0e0", "10"],
        ),
        one("400 digits", format!("[{long},{digits}]")),
        good("400 digits on their own", &long, &[&long]),
        one("literals", "[true,false,null,{\"a\":true}]"),
    ]
}

fn members() -> Vec<Case> {
    let ids = [
        "\"a/cln:x#1\"",
        "\"\"",
        "\"\\\"\"",
        "7",
        "-0",
        "1e2",
        "1.5",
        "12345678901234567890",
        "null",
        "true",
        "[1,[2]]",
        "{\"id\":{\"id\":2}}",
    ];
    let mut cases: Vec<Case> = ids
        .iter()
        .map(|id| {
            one("an id of each type", format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#))
        })
        .collect();
    cases.extend([
        one("the id last", r#"{"method":"m","params":{"id":5},"id":1}"#),
        one("two ids", r#"{"id":1,"id":"second","method":"m"}"#),
        one("an escaped key", r#"{"\u0069d":1,"\u006det\u0068od":"m"}"#),
        one("an escaped key before a plain one", r#"{"\u0069d":1,"id":2,"id":3}"#),
        one("a plain key before an escaped one", r#"{"id":1,"\u0069d":2}"#),
        one("almost a member", r#"{"Id":1,"id ":2,"ids":3,"":4,"i\u0064\u0000":5,"\\u0069d":6}"#),
        one("half a pair as a key", r#"{"\ud83d":1,"id":2}"#),
        one("members in an array", r#"[{"id":1},"id",{"method":"m"}]"#),
        one("members further in", r#"{"a":{"id":1,"b":[{"method":"m"}]},"b":["id"]}"#),
        one("all members", r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[],"result":{},"error":null,"origin":"o"}"#),
    ]);
    cases
}

#[test]
fn streams_with_a_fault() {
    use Reason::*;
    let cases = [
        bad("a byte order mark", b"\xEF\xBB\xBF{}", &[], ExpectedValue, 0),
        bad("a form feed", "{}\x0C{}", &["{}"], ExpectedValue, 2),
        bad("a no-break space", "{}\u{a0}{}", &["{}"], ExpectedValue, 2),
        bad("a NUL", "{}\0", &["{}"], ExpectedValue, 2),
        bad("print", "{\"id\":1}\n\nhello\n", &[r#"{"id":1}"#], ExpectedValue, 10),
        bad("a comma between frames", "{},{}", &["{}"], ExpectedValue, 2),
        bad("one brace too many", "[]}", &["[]"], ExpectedValue, 2),
        bad("closed by the wrong one", r#"[1}"#, &[], ExpectedCommaOrBracket, 2),
        bad("closed by the other", r#"{"a":1]"#, &[], ExpectedCommaOrBrace, 6),
        bad("wrong one further in", r#"{"a":[{"b":[]]}"#, &[], ExpectedCommaOrBrace, 13),
        bad("an empty one closed wrong", "[}", &[], ExpectedValue, 1),
        bad("an object closed wrong", "{]", &[], ExpectedKey, 1),
        bad("a comma at the end", r#"{"a":1,}"#, &[], ExpectedKey, 7),
        bad("a comma at an array's end", "[1,]", &[], ExpectedValue, 3),
        bad("a comma at the start", "[,1]", &[], ExpectedValue, 1),
        bad("two commas", r#"{"a":1,,"b":2}"#, &[], ExpectedKey, 7),
        bad("no comma", r#"{"a":1 "b":2}"#, &[], ExpectedCommaOrBrace, 7),
        bad("no comma in an array", "[1 2]", &[], ExpectedCommaOrBracket, 3),
        bad("no colon", r#"{"a" 1}"#, &[], ExpectedColon, 5),
        bad("two colons", r#"{"a"::1}"#, &[], ExpectedValue, 5),
        bad("no value", r#"{"a":}"#, &[], ExpectedValue, 5),
        bad("a number as a key", r#"{1:2}"#, &[], ExpectedKey, 1),
        bad("quotes of the wrong kind", "{'a':1}", &[], ExpectedKey, 1),
        bad("a comment", "[1 /* */]", &[], ExpectedCommaOrBracket, 3),
        bad("capitals", "[True]", &[], ExpectedValue, 1),
        bad("a literal that ends wrong", "[nul]", &[], InvalidLiteral, 4),
        bad("a literal that goes on", "[nulls]", &[], InvalidLiteral, 5),
        bad("literals without a gap", "truefalse", &[], InvalidLiteral, 4),
        bad("a literal cut by a space", "{} tr ue", &["{}"], InvalidLiteral, 5),
        bad("hexadecimal", r#"{"a":0x10}"#, &[], InvalidNumber, 6),
        bad("octal", "[010]", &[], InvalidNumber, 2),
        bad("a leading plus", "[+1]", &[], ExpectedValue, 1),
        bad("a leading point", "[.5]", &[], ExpectedValue, 1),
        bad("a point and no digit", "[1.]", &[], InvalidNumber, 3),
        bad("a point and an exponent", "[1.e5]", &[], InvalidNumber, 3),
        bad("an exponent and no digit", "[1e]", &[], InvalidNumber, 3),
        bad("a signed exponent and no digit", "[1e+]", &[], InvalidNumber, 4),
        bad("two points", "[1.2.3]", &[], InvalidNumber, 4),
        bad("a minus alone", "[-]", &[], InvalidNumber, 2),
        bad("minus zero one", "[-01]", &[], InvalidNumber, 3),
        bad("a word behind a number", "1a", &[], InvalidNumber, 1),
        bad("an unknown escape", r#"{"a":"\x41"}"#, &[], InvalidEscape, 7),
        bad("an escaped newline", "[\"\\\n\"]", &[], InvalidEscape, 3),
        bad("an escape of three digits", r#"["\u12"]"#, &[], InvalidEscape, 6),
        bad("a capital U", r#"["\U0041"]"#, &[], InvalidEscape, 3),
        bad("a sign among the digits", r#"["\u+123"]"#, &[], InvalidEscape, 4),
        bad("a newline in a string", "{}[\"a\n\"]", &["{}"], ControlCharacter, 5),
        bad("a NUL in a string", "[\"a\0\"]", &[], ControlCharacter, 3),
        bad("a tab in a key", "{\"a\tb\":1}", &[], ControlCharacter, 3),
        bad("a lone continuation", b"[\"\x80\"]", &[], InvalidUtf8, 2),
        bad("an overlong slash", b"[\"\xC0\xAF\"]", &[], InvalidUtf8, 2),
        bad("an overlong form of three", b"[\"\xE0\x9F\xBF\"]", &[], InvalidUtf8, 3),
        bad("an overlong form of four", b"[\"\xF0\x8F\xBF\xBF\"]", &[], InvalidUtf8, 3),
        bad("a surrogate as bytes", b"[\"\xED\xA0\x80\"]", &[], InvalidUtf8, 3),
        bad("beyond the last character", b"[\"\xF4\x90\x80\x80\"]", &[], InvalidUtf8, 3),
        bad("a byte UTF-8 never has", b"[\"\xFF\"]", &[], InvalidUtf8, 2),
        bad("a character cut by a quote", b"[\"\xE2\x82\"]", &[], InvalidUtf8, 4),
        bad("latin-1 in a key", b"{}{\"\xE9t\xE9\":1}", &["{}"], InvalidUtf8, 5),
        bad("a fault far in", far_fault(), &[], ControlCharacter, 503),
    ];
    for case in &cases {
        check(case);
    }
}

fn far_fault() -> String {
    format!("[\"{}\n\"]", "x".repeat(501))
}

#[test]
fn streams_that_end_too_early() {
    let whole_frame = r#"{"id":"a\u00e9€","p":[true,-1.5e+3,{}]}"#;
    for at in 1..whole_frame.len() {
        let stream = [b"{}\n\n", &whole_frame.as_bytes()[..at]].concat();
        let end = stream.len() as u64;
        let case = Case {
            name: "cut anywhere",
            stream,
            frames: vec![b"{}".to_vec()],
            error: Some((Reason::Truncated, end)),
        };
        check(&case);
    }
}

#[test]
fn scalars_that_end_too_early() {
    for stream in ["-", "1.", "1e", "1e-", "tru", "\"a", "\"a\\", "\"a\\u12", "[1", "{\"a\":"] {
        let end = stream.len() as u64;
        check(&bad("a cut scalar", stream, &[], Reason::Truncated, end));
        let spaced = format!("{stream}  ");
        let outcome = whole(spaced.as_bytes()).until_fault();
        assert_eq!(outcome.frames, [], "{spaced:?}");
        assert!(outcome.error.is_some(), "{spaced:?}");
    }
}

#[test]
fn space_behind_a_cut_frame_counts_to_the_end() {
    check(&bad("a cut frame and space", "{\"a\":1\n\n", &[], Reason::Truncated, 8));
}

#[test]
fn a_hundred_thousand_levels() {
    const LEVELS: usize = 100_000;
    let arrays = format!("{}{}", "[".repeat(LEVELS), "]".repeat(LEVELS));
    let objects = format!("{}1{}", "{\"a\":".repeat(LEVELS), "}".repeat(LEVELS));
    let mixed = format!("{}1{}", "[{\"a\":".repeat(LEVELS / 2), "}]".repeat(LEVELS / 2));
    for frame in [&arrays, &objects, &mixed] {
        check(&one("deep", frame));
    }
    let wrong = format!("{}}}", "[".repeat(LEVELS));
    check(&bad("deep and wrong", wrong, &[], Reason::ExpectedValue, LEVELS as u64));
    let wrong = format!("{}1]", "{\"a\":".repeat(LEVELS));
    let at = 5 * LEVELS as u64 + 1;
    check(&bad("deep and closed wrong", wrong, &[], Reason::ExpectedCommaOrBrace, at));
}

#[test]
fn a_string_of_one_megabyte() {
    check(&one("1 MB", megabytes(1)));
    let mut faulty = megabytes(1).into_bytes();
    faulty[700_000] = 1;
    let case = Case {
        name: "1 MB with a fault",
        stream: [b"{}", &faulty[..]].concat(),
        frames: vec![b"{}".to_vec()],
        error: Some((Reason::ControlCharacter, 700_002)),
    };
    check(&case);
}

/// Split at fewer points than the others, as each costs a pass over 64 MB. The benchmark
/// `linear_time` feeds such a frame byte by byte.
#[test]
fn a_string_of_64_megabytes() {
    let stream = megabytes(64).into_bytes();
    let expected = whole(&stream);
    assert_eq!(expected.frames.len(), 1);
    assert!(expected.frames[0].bytes == stream);
    assert_eq!(expected.frames[0].members, oracle::envelope(&stream));
    for at in [(4 << 20) + 1, stream.len() - 1] {
        assert!(split(&stream, at, Limits::default()) == expected, "cut at {at}");
    }
    let chunks = chunked(Framer::new(Limits::default()), stream.chunks(64 << 10));
    assert!(chunks == expected, "chunks of 64 kB");
}

/// A frame with a string of this many megabytes: letters, escapes and characters of several bytes.
fn megabytes(count: usize) -> String {
    let line = format!(r#"{}\"}}\n\n\u00e9 é€😀"#, "plain ".repeat(200));
    let mut text = String::with_capacity((count << 20) + 2 * line.len());
    text.push_str(r#"{"method":"m","params":""#);
    while text.len() < count << 20 {
        text.push_str(&line);
    }
    text.push_str(r#"","id":1}"#);
    text
}

fn check(case: &Case) {
    let name = case.name;
    let expected = whole(&case.stream);
    is_as_told(case, &expected.until_fault());
    assert_eq!(bytewise(&case.stream, Limits::default()), expected, "{name}: byte by byte");
    assert_eq!(at_once(&case.stream, Limits::default()), expected, "{name}: with its end");
    for at in cuts(case.stream.len()) {
        let outcome = split(&case.stream, at, Limits::default());
        assert_eq!(outcome, expected, "{name}: cut at {at}");
    }
    if expected.error.is_none() {
        followed(case, &expected, b"");
        followed(case, &expected, b"\n\n");
    }
}

fn is_as_told(case: &Case, outcome: &Outcome) {
    let name = case.name;
    let frames: Vec<&[u8]> = outcome.frames.iter().map(|frame| &frame.bytes[..]).collect();
    assert!(frames == case.frames, "{name}: {:?}", outcome.frames);
    assert_eq!(outcome.error.map(|error| (error.reason, error.offset)), case.error, "{name}");
    let mut behind = 0;
    for frame in &outcome.frames {
        let start = frame.offset as usize;
        assert!(case.stream[start..].starts_with(&frame.bytes), "{name}: offset {start}");
        assert!(case.stream[behind..start].iter().all(u8::is_ascii_whitespace), "{name}");
        assert_eq!(frame.members, oracle::envelope(&frame.bytes), "{name}");
        let parsed = clnwire_core::Envelope::parse(&frame.bytes, Limits::default()).unwrap();
        assert_eq!(frame.members, spans(&parsed), "{name}");
        behind = start + frame.bytes.len();
    }
}

/// Asserts the same frames and one more, or the same error.
fn followed(case: &Case, alone: &Outcome, separator: &[u8]) {
    let stream = [&case.stream, separator, FOLLOWER].concat();
    let outcome = whole(&stream);
    let (strict, alone) = (outcome.until_fault(), alone.until_fault());
    let count = alone.frames.len();
    assert_eq!(strict.frames[..count], alone.frames, "{}: with a follower", case.name);
    assert_eq!(strict.error, alone.error, "{}: with a follower", case.name);
    if alone.error.is_none() {
        assert_eq!(outcome.frames.len(), count + 1, "{}", case.name);
        assert_eq!(outcome.frames[count].bytes, FOLLOWER, "{}", case.name);
    }
    assert_eq!(
        bytewise(&stream, Limits::default()),
        outcome,
        "{}: byte by byte with a follower",
        case.name
    );
    for at in cuts(stream.len()).filter(|at| at.abs_diff(case.stream.len()) < 80) {
        let cut = split(&stream, at, Limits::default());
        assert_eq!(cut, outcome, "{}: cut at {at} with a follower", case.name);
    }
}

/// Where to split: every point of a short stream; in a long one, points near its ends and powers of
/// two, and random ones.
fn cuts(length: usize) -> Box<dyn Iterator<Item = usize>> {
    if length <= SPLIT_EVERYWHERE {
        return Box::new(0..=length);
    }
    let ends = (1..3).chain(length - 2..length);
    let powers = (14..usize::BITS).map(|n| 1_usize << n).flat_map(|power| [power, power + 1]);
    let mut random = Random::new(length as u64);
    let some: Vec<usize> = (0..4).map(|_| random.below(length)).collect();
    Box::new(ends.chain(powers.take_while(move |&at| at < length)).chain(some))
}

#[test]
fn a_frame_longer_than_the_cap_is_refused_wherever_it_is_cut() {
    let limits = Limits { max_frame_bytes: 9, ..Limits::default() };
    for stream in ["{\"a\":[1]}{\"a\":[12]}", "123456789 1234567890", "{} \"12345678"] {
        let expected = whole_limited(stream.as_bytes(), limits);
        assert_eq!(expected.until_fault().frames.len(), 1, "{stream}");
        assert!(expected.until_fault().error.is_some(), "{stream}");
        assert_eq!(bytewise(stream.as_bytes(), limits), expected, "{stream}");
        for at in 0..=stream.len() {
            assert_eq!(split(stream.as_bytes(), at, limits), expected, "{stream}: cut at {at}");
        }
    }
}
