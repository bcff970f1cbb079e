//! Masking members by their names.

#![allow(clippy::unwrap_used, missing_docs)]

use clnwire_core::redaction::mask;
use proptest::prelude::*;

#[test]
fn a_name_is_compared_as_the_text_it_stands_for() {
    let names = ["a/b".to_owned()];
    for spelling in ["a/b", r"a\/b", r"a\u002fb", r"\u0061\u002F\u0062"] {
        let message = format!(r#"{{"{spelling}" : [12, "ff", "x\n"], "a/c": 12}}"#);
        let masked = mask(message.as_bytes(), &names);
        let expected = format!(r#"{{"{spelling}" : [10, "00", "**"], "a/c": 12}}"#);
        assert_eq!(String::from_utf8(masked.message.unwrap()).unwrap(), expected);
        assert_eq!(masked.met, ["a/b"]);
    }
}

#[test]
fn a_message_with_nothing_to_mask_is_not_copied() {
    let names = ["a/b".to_owned()];
    assert_eq!(mask(br#"{"a":"a/b","b":["a/b"]}"#, &names).message, None);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(message in prop::collection::vec(
        prop::sample::select(br#"{}[]:,"\u0a /1-te"#.to_vec()), 0..60)) {
        let names = ["a".to_owned(), String::new()];
        let masked = mask(&message, &names);
        prop_assert!(masked.message.is_none_or(|text| !text.is_empty()));
    }
}

#[test]
fn what_is_cut_off_or_no_value_is_masked_as_well() {
    let names = ["a".to_owned()];
    for (message, masked) in [
        (r#"{"a":"secret"#, r#"{"a":"""#),
        (r#"{"a":{"a":"secret"}}"#, r#"{"a":{"a":"******"}}"#),
        (r#"{"a":secret}"#, r#"{"a":0}"#),
        (r#"{"a":null,"b":1}"#, r#"{"a":null,"b":1}"#),
    ] {
        let found = mask(message.as_bytes(), &names).message;
        assert_eq!(String::from_utf8(found.unwrap()).unwrap(), masked);
    }
}
