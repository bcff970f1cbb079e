//! Decodes and encodes the few JSON strings that the core itself reads and writes.

use std::borrow::Cow;

use crate::scanner::plain_run;

/// The text of a JSON string, given with its quotes. `None` for another value, an unknown escape,
/// half a surrogate pair, or bytes that are not UTF-8.
#[must_use]
pub fn decode(token: &[u8]) -> Option<Cow<'_, str>> {
    unescape(token.strip_prefix(b"\"")?.strip_suffix(b"\"")?)
}

/// As [`decode`], given what is between the quotes.
pub(crate) fn unescape(escaped: &[u8]) -> Option<Cow<'_, str>> {
    let is_plain = plain_run(escaped) == escaped.len();
    let escaped = std::str::from_utf8(escaped).ok()?;
    if is_plain {
        return Some(Cow::Borrowed(escaped));
    }
    if !escaped.contains('\\') {
        return plain_only(escaped).map(Cow::Borrowed);
    }
    let mut text = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain_only(plain)?);
        let (character, behind) = unescape_one(escape.as_bytes())?;
        text.push(character);
        // An escape is ASCII, so a character starts here.
        rest = &escape[escape.len() - behind.len()..];
    }
    text.push_str(plain_only(rest)?);
    Some(Cow::Owned(text))
}

/// The text, unless it has something that must be escaped in a JSON string.
fn plain_only(text: &str) -> Option<&str> {
    let plain = text.bytes().all(|byte| byte >= 0x20 && byte != b'"');
    plain.then_some(text)
}

/// The character of an escape, and what follows it; `escape` starts after the backslash. `None` for
/// an unknown escape or half a surrogate pair.
#[must_use]
pub fn unescape_one(escape: &[u8]) -> Option<(char, &[u8])> {
    let (&kind, rest) = escape.split_first()?;
    let character = match kind {
        b'u' => return unescape_unicode(rest),
        b'"' | b'\\' | b'/' => kind,
        b'b' => 0x08,
        b'f' => 0x0C,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        _ => return None,
    };
    Some((char::from(character), rest))
}

/// The character of four hexadecimal digits, or of a surrogate pair; and what follows.
fn unescape_unicode(digits: &[u8]) -> Option<(char, &[u8])> {
    let (first, rest) = hex4(digits)?;
    if !(0xD800..0xDC00).contains(&first) {
        return Some((char::from_u32(first)?, rest));
    }
    let (second, rest) = hex4(rest.strip_prefix(b"\\u")?)?;
    if !(0xDC00..0xE000).contains(&second) {
        return None;
    }
    Some((char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00))?, rest))
}

fn hex4(digits: &[u8]) -> Option<(u32, &[u8])> {
    let (four, rest) = digits.split_at_checked(4)?;
    let add = |number, &digit| Some(number << 4 | char::from(digit).to_digit(16)?);
    Some((four.iter().try_fold(0, add)?, rest))
}

/// Writes text as a JSON string, quotes included.
pub fn encode(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte < 0x20 || byte == b'"' || byte == b'\\' {
            out.extend_from_slice(&text.as_bytes()[plain..at]);
            escape(byte, out);
            plain = at + 1;
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
    out.push(b'"');
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => out.extend_from_slice(&[
            b'\\',
            b'u',
            b'0',
            b'0',
            HEX[usize::from(byte >> 4)],
            HEX[usize::from(byte & 15)],
        ]),
    }
}
