//! The members of an object with values that are not JSON, as in `init`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use clnwire_core::{Reason, members};

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
