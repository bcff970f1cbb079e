//! Masks the values of members with given names. All other bytes stay unchanged.
//!
//! A masked value keeps its type and its length: a hexadecimal string becomes zeros, any other
//! string asterisks, and a number gets other digits. In a masked array or object, each value is
//! masked. Names are compared without their escapes.
//!
//! The message is read once, and need not be JSON.

use crate::envelope::Envelope;
use crate::limits::Limits;
use crate::scanner::{is_space, plain_run};
use crate::text::unescape;

/// A message with values masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked<'a> {
    /// The message; `None` if no value had to be masked.
    pub message: Option<Vec<u8>>,
    /// The names that were found, each once, in the order of the message.
    pub met: Vec<&'a str>,
}

/// Masks all members with these names, at any depth.
#[must_use]
pub fn mask<'a>(message: &[u8], names: &'a [String]) -> Masked<'a> {
    let mut walk = Walk { names, met: Vec::new(), depth: 0, masked_from: None };
    let mut out = Vec::new();
    let (mut at, mut copied) = (0, 0);
    while let Some(&byte) = message.get(at) {
        let end = token_end(message, at);
        let token = &message[at..end];
        if is_space(byte) || byte == b':' {
            // Neither starts nor ends a value.
        } else if byte == b'"' && is_name(message, end) {
            walk.enter(token);
        } else if matches!(byte, b'{' | b'[' | b'}' | b']' | b',') {
            walk.structure(byte);
        } else if walk.masked_from.is_some() {
            out.extend_from_slice(&message[copied..at]);
            mask_scalar(token, &mut out);
            copied = end;
        }
        at = end;
    }
    let is_masked = copied > 0;
    if is_masked {
        out.extend_from_slice(&message[copied..]);
    }
    Masked { message: is_masked.then_some(out), met: walk.met }
}

struct Walk<'a> {
    names: &'a [String],
    met: Vec<&'a str>,
    depth: usize,
    /// The depth of the member whose value is being masked; `None` outside of one.
    masked_from: Option<usize>,
}

impl Walk<'_> {
    fn enter(&mut self, token: &[u8]) {
        if self.masked_from.is_some() {
            return;
        }
        let Some(name) = unescape(&token[1..token.len() - 1]) else { return };
        if let Some(name) = self.names.iter().find(|each| **each == name) {
            self.masked_from = Some(self.depth);
            if !self.met.contains(&name.as_str()) {
                self.met.push(name);
            }
        }
    }

    fn structure(&mut self, byte: u8) {
        match byte {
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        // A value has ended. Unless it is inside the masked value, that has ended with it.
        let has_ended = !matches!(byte, b'{' | b'[');
        if has_ended && self.masked_from.is_some_and(|depth| self.depth <= depth) {
            self.masked_from = None;
        }
    }
}

/// The end of the token that starts at `at`: white space, a string, a word, or one byte of
/// structure.
fn token_end(message: &[u8], at: usize) -> usize {
    let rest = &message[at..];
    let length = match rest[0] {
        b'"' => string_length(rest),
        b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
        first => {
            let space = is_space(first);
            let same = |&&byte: &&u8| is_space(byte) == space && !ends_word(byte);
            rest.iter().take_while(same).count()
        }
    };
    at + length
}

fn ends_word(byte: u8) -> bool {
    matches!(byte, b'{' | b'}' | b'[' | b']' | b',' | b':' | b'"')
}

/// The length of the string that `rest` starts with, quotes included.
fn string_length(rest: &[u8]) -> usize {
    let mut at = 1;
    loop {
        at += plain_run(&rest[at..]);
        at += match rest.get(at) {
            Some(b'"') => return at + 1,
            Some(b'\\') => 2,
            Some(_) => 1,
            None => return rest.len(),
        };
        at = at.min(rest.len());
    }
}

/// Whether the string that ends at `end` is a member's name.
fn is_name(message: &[u8], end: usize) -> bool {
    message[end..].iter().find(|byte| !is_space(**byte)) == Some(&b':')
}

/// Writes the masked form of a string, number or literal.
fn mask_scalar(token: &[u8], out: &mut Vec<u8>) {
    match token {
        [b'"', body @ .., b'"'] => mask_string(body, out),
        [b'"', ..] => out.extend_from_slice(b"\"\""),
        b"true" | b"false" => out.extend_from_slice(b"false"),
        b"null" => out.extend_from_slice(token),
        _ if is_number(token) => mask_number(token, out),
        _ => out.push(b'0'),
    }
}

fn mask_string(body: &[u8], out: &mut Vec<u8>) {
    let is_hex = body.len().is_multiple_of(2) && body.iter().all(u8::is_ascii_hexdigit);
    let (length, mark) = if is_hex { (body.len(), b'0') } else { (characters(body), b'*') };
    out.push(b'"');
    out.resize(out.len() + length, mark);
    out.push(b'"');
}

/// The number of characters between the quotes; an escape counts as one.
fn characters(body: &[u8]) -> usize {
    let (mut at, mut count) = (0, 0);
    while let Some(&byte) = body.get(at) {
        let is_continuation = byte & 0xC0 == 0x80;
        count += usize::from(!is_continuation);
        at += match (byte, body.get(at + 1)) {
            (b'\\', Some(b'u')) => 6,
            (b'\\', _) => 2,
            _ => 1,
        };
    }
    count
}

fn is_number(token: &[u8]) -> bool {
    matches!(token[0], b'-' | b'0'..=b'9') && Envelope::parse(token, Limits::default()).is_ok()
}

/// Replaces each digit by 0, but the first of several by 1: JSON has no leading zeros.
fn mask_number(token: &[u8], out: &mut Vec<u8>) {
    let first = out.len() + usize::from(token[0] == b'-');
    out.extend(token.iter().map(|&byte| if byte.is_ascii_digit() { b'0' } else { byte }));
    if out.get(first + 1).is_some_and(u8::is_ascii_digit) {
        out[first] = b'1';
    }
}
