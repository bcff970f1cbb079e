//! For a value such as `+5`, whose first byte is not JSON, `members` returned text from the start
//! of the previous member's value: `lightningd --opt=+5` gave a long piece of the object.

use clnwire_core::members;

fn values(object: &str) -> Vec<&str> {
    let found = members(object.as_bytes()).unwrap();
    found.into_iter().map(|(_, value)| str::from_utf8(value).unwrap()).collect()
}

#[test]
fn behind_another_member() {
    assert_eq!(values(r#"{"a":1,"b":+5,"c":2}"#), ["1", "+5", "2"]);
}

#[test]
fn as_the_first_member() {
    assert_eq!(values(r#"{"a": yes}"#), ["yes"]);
}

#[test]
fn when_there_is_no_value() {
    assert_eq!(values(r#"{"a":1,"b":,"c": }"#), ["1", "", ""]);
}
