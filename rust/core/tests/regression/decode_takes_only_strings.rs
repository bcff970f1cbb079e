//! `text::decode` accepted a quote or a control character inside a token, which is then not a JSON
//! string.

use clnwire_core::text::decode;

#[test]
fn a_bare_quote() {
    assert_eq!(decode(br#""a"b""#), None);
    assert_eq!(decode(br#""a","b""#), None);
    assert_eq!(decode(br#""\n"b""#), None);
}

#[test]
fn a_bare_control_character() {
    assert_eq!(decode(b"\"a\nb\""), None);
    assert_eq!(decode(b"\"\\n\0\""), None);
}

#[test]
fn a_closing_quote_that_is_escaped() {
    assert_eq!(decode(br#""a\""#), None);
}

#[test]
fn what_stays_text() {
    assert_eq!(decode(br#""a\"b""#).as_deref(), Some("a\"b"));
    assert_eq!(decode(b"\"\x7f\"").as_deref(), Some("\u{7f}"));
    assert_eq!(decode(b"\"\""), Some("".into()));
}
