//! The bytes that go out, also in pieces.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use clnwire_core::{Outbox, text};
use proptest::prelude::*;
use serde_json::Value;

fn sent(fill: impl FnOnce(&mut Outbox)) -> String {
    let mut outbox = Outbox::new();
    fill(&mut outbox);
    String::from_utf8(outbox.pending().to_vec()).unwrap()
}

#[test]
fn a_reply() {
    let text = sent(|outbox| outbox.reply(b"\"a/cln:x#1\"", br#"{"result":"continue"}"#));
    let expected = r#"{"jsonrpc":"2.0","id":"a/cln:x#1","result":{"result":"continue"}}"#;
    assert_eq!(text, format!("{expected}\n\n"));
}

#[test]
fn an_error() {
    let text = sent(|outbox| outbox.error(b"7", -32602, "bad \"name\"", None));
    let expected = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"bad \"name\""}}"#;
    assert_eq!(text, format!("{expected}\n\n"));
}

#[test]
fn an_error_with_data() {
    let text = sent(|outbox| outbox.error(b"null", i64::MIN, "", Some(b"[1]")));
    let expected = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-9223372036854775808,"message":"","data":[1]}}"#;
    assert_eq!(text, format!("{expected}\n\n"));
}

#[test]
fn a_request() {
    let text = sent(|outbox| outbox.request(b"1", "getinfo", b"{}"));
    let expected = r#"{"jsonrpc":"2.0","id":1,"method":"getinfo","params":{}}"#;
    assert_eq!(text, format!("{expected}\n\n"));
}

#[test]
fn a_notification() {
    let text = sent(|outbox| outbox.notification("log", br#"{"level":"info"}"#));
    let expected = r#"{"jsonrpc":"2.0","method":"log","params":{"level":"info"}}"#;
    assert_eq!(text, format!("{expected}\n\n"));
}

#[test]
fn what_is_copied_is_not_touched() {
    let result = b"{\n\n \"a\" : [ 1e2 , \"\\u00e9\" ]\n\n}";
    let text = sent(|outbox| outbox.reply(b"-0", result));
    assert_eq!(
        text.as_bytes(),
        [b"{\"jsonrpc\":\"2.0\",\"id\":-0,\"result\":", &result[..], b"}\n\n"].concat()
    );
}

#[test]
fn many_messages_wait_in_their_order() {
    let text = sent(|outbox| {
        outbox.reply(b"1", b"{}");
        outbox.notification("a", b"[]");
        outbox.error(b"2", 1, "no", None);
    });
    let messages: Vec<Value> = text.split_terminator("\n\n").map(parsed).collect();
    assert_eq!(messages.len(), 3);
    assert_eq!((&messages[0]["id"], &messages[2]["id"]), (&1.into(), &2.into()));
    assert_eq!(messages[1]["method"], "a");
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn short_writes_lose_and_repeat_nothing() {
    for step in 1..80 {
        let (mut outbox, mut written) = (Outbox::new(), Vec::new());
        for n in 0..5_u8 {
            outbox.reply(&[b'0' + n], b"{\"result\":\"continue\"}");
            let count = step.min(outbox.pending().len());
            written.extend_from_slice(&outbox.pending()[..count]);
            outbox.advance(count);
        }
        while !outbox.is_empty() {
            let count = step.min(outbox.pending().len());
            written.extend_from_slice(&outbox.pending()[..count]);
            outbox.advance(count);
        }
        let expected = sent(|all| {
            (0..5_u8).for_each(|n| all.reply(&[b'0' + n], b"{\"result\":\"continue\"}"))
        });
        assert_eq!(String::from_utf8(written).unwrap(), expected, "{step} bytes at a time");
    }
}

#[test]
fn nothing_written_changes_nothing() {
    let mut outbox = Outbox::new();
    outbox.advance(0);
    assert!(outbox.is_empty());
    outbox.reply(b"1", b"{}");
    let before = outbox.pending().to_vec();
    outbox.advance(0);
    assert_eq!(outbox.pending(), before);
    assert!(!outbox.is_empty());
}

#[test]
fn all_that_waits_can_be_dropped() {
    let mut outbox = Outbox::new();
    outbox.reply(b"1", b"{}");
    outbox.advance(5);
    outbox.clear();
    assert!(outbox.is_empty());
    assert_eq!(outbox.pending(), b"");
    outbox.notification("a", b"[]");
    assert_eq!(outbox.pending(), b"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":[]}\n\n");
}

#[test]
#[should_panic(expected = "more was written than waited")]
fn more_than_waits() {
    let mut outbox = Outbox::new();
    outbox.reply(b"1", b"{}");
    outbox.advance(outbox.pending().len() + 1);
}

#[test]
fn each_control_character_is_escaped() {
    let all: String = (0..0x80_u8).map(char::from).collect();
    let mut encoded = Vec::new();
    text::encode(&all, &mut encoded);
    assert!(encoded.iter().all(|&byte| byte >= 0x20));
    assert_eq!(serde_json::from_slice::<String>(&encoded).unwrap(), all);
    assert_eq!(text::decode(&encoded).unwrap(), all);
}

#[test]
fn the_bounds_of_escaped_characters() {
    for (token, text) in [
        (r#""\ud800\udc00""#, Some("\u{10000}")),
        (r#""\udbff\udfff""#, Some("\u{10ffff}")),
        (r#""\ud7ff\ue000""#, Some("\u{d7ff}\u{e000}")),
        (r#""\ud800\udbff""#, None),
        (r#""\ud800\ue000""#, None),
        (r#""\udc00""#, None),
        (r#""\ud800""#, None),
        (r#""\ud800x""#, None),
        (r#""\u+041""#, None),
        (r#""\u041""#, None),
        (r#""\u00é""#, None),
        (r#""\é""#, None),
        (r#""\""#, None),
        (r#"""#, None),
        ("7", None),
    ] {
        assert_eq!(text::decode(token.as_bytes()).as_deref(), text, "{token}");
    }
}

/// Texts with much that must be escaped.
fn awkward() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        Just('"'),
        Just('\\'),
        Just('\n'),
        Just('/'),
        prop::char::range('\0', '\u{1f}'),
        prop::char::range(' ', '\u{80}'),
        any::<char>(),
    ];
    prop::collection::vec(character, 0..60).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_is_read_back_the_same(text in awkward()) {
        let request = sent(|outbox| outbox.request(b"1", &text, b"null"));
        prop_assert_eq!(&parsed(&request)["method"], &text[..]);
        let notification = sent(|outbox| outbox.notification(&text, b"null"));
        prop_assert_eq!(&parsed(&notification)["method"], &text[..]);
        let error = sent(|outbox| outbox.error(b"1", -1, &text, Some(b"{}")));
        prop_assert_eq!(&parsed(&error)["error"]["message"], &text[..]);
        for message in [request, notification, error] {
            prop_assert_eq!(message.matches('\n').count(), 2, "only the blank line at the end");
            prop_assert!(message.ends_with("\n\n"), "with it");
        }
    }

    #[test]
    fn any_steps_send_what_serde_json_writes(steps in prop::collection::vec(any::<u8>(), 0..300)) {
        common::sent::Sent::default().judge(&steps);
    }

    #[test]
    fn any_text_is_decoded_as_serde_json_does(text in awkward()) {
        let mut ours = Vec::new();
        text::encode(&text, &mut ours);
        let escaped = serde_json::to_string(&text).unwrap();
        for token in [&ours[..], escaped.as_bytes(), escaped_throughout(&text).as_bytes()] {
            let decoded = text::decode(token);
            prop_assert_eq!(decoded.as_deref(), Some(&text[..]));
        }
    }

    #[test]
    fn any_token_is_a_string_or_none_as_in_serde_json(token in r#""([ -~é€]|\\["\\/bfnrtuxdD08]|\\u[dD][89a-fA-F][0-9a-f]{2}){0,8}"?"#) {
        let expected = serde_json::from_str::<String>(&token).ok();
        let decoded = text::decode(token.as_bytes());
        prop_assert_eq!(decoded.as_deref(), expected.as_deref());
    }
}

/// Each UTF-16 unit as `\uXXXX`.
fn escaped_throughout(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
    format!("\"{units}\"")
}

#[test]
fn room_that_cannot_be_had_is_refused() {
    let mut outbox = Outbox::new();
    assert!(outbox.reserve(1 << 20));
    for too_many in [usize::MAX, usize::MAX - 100, isize::MAX as usize] {
        assert!(!outbox.reserve(too_many));
    }
    // Smaller messages still go out.
    outbox.reply(b"1", b"{}");
    assert_eq!(outbox.pending(), b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n");
}
