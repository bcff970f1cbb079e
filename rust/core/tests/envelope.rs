//! The positions of a message's members, its kind, and a notification's payload.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use clnwire_core::{Envelope, Framer, Kind, Limits, Malformed, Member, Reason, unwrap_origin};
use common::{MEMBERS, oracle, spans};

fn get(text: &str, member: Member) -> Option<&str> {
    let envelope = Envelope::parse(text.as_bytes(), Limits::default()).unwrap();
    assert_eq!(spans(&envelope), oracle::envelope(text.as_bytes()), "{text}");
    envelope.range(member).map(|range| &text[range])
}

fn fault(text: &str) -> (Reason, u64) {
    let Malformed { reason, offset } =
        Envelope::parse(text.as_bytes(), Limits::default()).unwrap_err();
    (reason, offset)
}

/// A framer's reading of a message.
fn told<T>(text: &str, tell: impl FnOnce(&clnwire_core::Frame<'_>) -> T) -> T {
    let mut framer = Framer::new(Limits::default());
    framer.feed(text.as_bytes());
    framer.feed(b"");
    tell(&framer.next_frame().unwrap().unwrap())
}

const PAIRS: [(&str, &str); 7] = [
    ("jsonrpc", "\"2.0\""),
    ("id", "\"a/cln:x#1\""),
    ("method", "\"m\""),
    ("params", "{\"id\":5,\"method\":[]}"),
    ("result", "[{}]"),
    ("error", "null"),
    ("origin", "\"plugin.py\""),
];

#[test]
fn any_order_of_keys() {
    let mut order: Vec<usize> = (0..PAIRS.len()).collect();
    // The rotations, forwards and backwards, put each key in each position.
    for _ in 0..PAIRS.len() {
        order.rotate_left(1);
        for order in [order.clone(), order.iter().rev().copied().collect()] {
            for (gap, colon) in [("", ":"), (" \n\n\t", " \r\n: ")] {
                let pair =
                    |&n: &usize| format!("{gap}\"{}\"{colon}{}{gap}", PAIRS[n].0, PAIRS[n].1);
                let pairs: Vec<String> = order.iter().map(pair).collect();
                let text = format!("{gap}{{{}}}{gap}", pairs.join(","));
                for (member, (_, value)) in MEMBERS.into_iter().zip(PAIRS) {
                    assert_eq!(get(&text, member), Some(value), "{text}");
                }
            }
        }
    }
}

#[test]
fn a_key_with_escapes_is_another_member() {
    for key in ["\\u0069d", "i\\u0064", "\\\\u0069d", "id\\u0000", "\\\"id", "\\/id", "\\ud83d"] {
        assert_eq!(get(&format!("{{\"{key}\":7}}"), Member::Id), None, "{key}");
        assert_eq!(get(&format!("{{\"{key}\":7,\"id\":8}}"), Member::Id), Some("8"), "{key}");
    }
    assert_eq!(get(r#"{"m\u0065thod":"x","method":"y"}"#, Member::Method), Some("\"y\""));
}

#[test]
fn the_first_of_two_counts() {
    assert_eq!(get(r#"{"id":1,"id":2,"id":3}"#, Member::Id), Some("1"));
    assert_eq!(get(r#"{"\u0069d":1,"id":2}"#, Member::Id), Some("2"));
    assert_eq!(get(r#"{"id":1,"\u0069d":2}"#, Member::Id), Some("1"));
    assert_eq!(get(r#"{"id":null,"id":2}"#, Member::Id), Some("null"));
    assert_eq!(get(r#"{"params":{},"a":1,"params":[1]}"#, Member::Params), Some("{}"));
}

#[test]
fn only_the_outermost_object_has_members() {
    for text in [r#"[{"id":1}]"#, r#"{"a":{"id":1}}"#, r#"["id",1]"#, r#""id""#, "1", "[[]]"] {
        assert_eq!(get(text, Member::Id), None, "{text}");
    }
    assert_eq!(get(r#"{"a":[{"id":1}],"id":2,"b":{"id":3}}"#, Member::Id), Some("2"));
}

#[test]
fn exactly_one_value() {
    assert_eq!(fault(""), (Reason::Truncated, 0));
    assert_eq!(fault(" \n"), (Reason::Truncated, 2));
    assert_eq!(fault(" {\"id\":1"), (Reason::Truncated, 8));
    assert_eq!(fault(" {} {}"), (Reason::ExpectedValue, 4));
    assert_eq!(fault("1 2"), (Reason::ExpectedValue, 2));
    assert_eq!(fault(" [1,]"), (Reason::ExpectedValue, 4));
    assert_eq!(fault(" {\"id\":0x10}"), (Reason::InvalidNumber, 8));
}

#[test]
fn kinds() {
    for (text, kind) in [
        (r#"{"id":1,"method":"m"}"#, Kind::Request),
        (r#"{"method":"m","params":[],"id":null}"#, Kind::Request),
        (r#"{"method":"m"}"#, Kind::Notification),
        (r#"{"method":"m","result":1}"#, Kind::Notification),
        (r#"{"id":1,"result":null}"#, Kind::Reply),
        (r#"{"error":{},"id":1}"#, Kind::Reply),
        (r#"{"id":1,"result":1,"error":2}"#, Kind::Reply),
        (r#"{"id":1,"method":"m","result":1}"#, Kind::Request),
        (r#"{"id":1}"#, Kind::Other),
        (r#"{"result":1}"#, Kind::Other),
        ("{}", Kind::Other),
        (r#"[{"id":1,"method":"m"}]"#, Kind::Other),
        ("\"method\"", Kind::Other),
        ("5", Kind::Other),
    ] {
        assert_eq!(told(text, |frame| frame.kind()), kind, "{text}");
    }
}

#[test]
fn the_next_frame_has_nothing_of_the_last_one() {
    let mut framer = Framer::new(Limits::default());
    framer.feed(br#"{"id":1,"method":"m"}{"a":1}"#);
    assert_eq!(framer.next_frame().unwrap().unwrap().kind(), Kind::Request);
    let frame = framer.next_frame().unwrap().unwrap();
    assert_eq!((frame.kind(), frame.id(), frame.method()), (Kind::Other, None, None));
}

#[test]
fn method_names() {
    for (text, name) in [
        (r#"{"method":"hello"}"#, Some("hello")),
        (r#"{"method":"h\u0065llo\n\ud83d\ude00"}"#, Some("hello\n😀")),
        (r#"{"method":"größe"}"#, Some("größe")),
        (r#"{"method":""}"#, Some("")),
        (r#"{"method":"\ud83d"}"#, None),
        (r#"{"method":7}"#, None),
        (r#"{"method":["m"]}"#, None),
        (r#"{"id":7}"#, None),
    ] {
        let found = told(text, |frame| frame.method().map(|name| name.into_owned()));
        assert_eq!(found.as_deref(), name, "{text}");
    }
}

#[test]
fn what_a_frame_tells() {
    told("  {\"id\": 7 ,\"params\":[ ]}\n\n", |frame| {
        assert_eq!(frame.bytes(), b"{\"id\": 7 ,\"params\":[ ]}");
        assert_eq!((frame.id(), frame.get(Member::Params)), (Some(&b"7"[..]), Some(&b"[ ]"[..])));
        assert_eq!((frame.offset(), frame.fault()), (2, None));
    });
}

fn payload(params: &str) -> String {
    let mut framer = Framer::new(Limits::default());
    framer.feed(format!(r#"{{"params":{params},"method":"connect"}}"#).as_bytes());
    let frame = framer.next_frame().unwrap().unwrap();
    String::from_utf8(frame.payload("connect").to_vec()).unwrap()
}

#[test]
fn a_wrapped_payload() {
    for inner in
        [r#"{"id":"02ab","connect":{}}"#, "[1,{}]", "[]", "null", "7", "-1.5e3", "\"}\"", "true"]
    {
        assert_eq!(payload(&format!("{{\"connect\":{inner}}}")), inner);
        assert_eq!(payload(&format!("{{ \n\t\"connect\" \r\n: {inner} \n\n}}")), inner);
    }
}

#[test]
fn a_bare_payload() {
    for bare in [
        r#"{"id":"02ab"}"#,
        r#"{"connects":1}"#,
        r#"{"connec":1}"#,
        r#"{"Connect":1}"#,
        "{}",
        "[]",
        "[{\"connect\":1}]",
        "\"connect\"",
        "null",
        "7",
    ] {
        assert_eq!(payload(bare), bare);
    }
}

#[test]
fn without_params_the_payload_is_null() {
    told(r#"{"method":"connect"}"#, |frame| assert_eq!(frame.payload("connect"), b"null"));
}

#[test]
fn a_payload_with_more_than_the_topic_is_bare() {
    for bare in [
        r#"{"connect":1,"id":2}"#,
        r#"{"id":2,"connect":1}"#,
        r#"{"connect":{},"connect":{}}"#,
        r#"{"connect" : 1 , "origin":"x"}"#,
    ] {
        assert_eq!(payload(bare), bare);
    }
}

#[test]
fn a_wrapped_notification_is_unwrapped_and_nothing_else() {
    let wrapped = br#"{"origin":"forwarder", "payload": {"a":[1]}}"#;
    assert_eq!(unwrap_origin(wrapped), Some((&b"\"forwarder\""[..], &b"{\"a\":[1]}"[..])));
    for other in [
        r#"{"payload":{},"origin":"x"}"#,
        r#"{"origin":"x"}"#,
        r#"{"origin":"x","payload":1,"more":2}"#,
        r#"{"origin":"x","load":1}"#,
        r#"{"origin""#,
        r#"["origin"]"#,
        "",
    ] {
        assert_eq!(unwrap_origin(other.as_bytes()), None, "{other}");
    }
}
