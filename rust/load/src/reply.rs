//! Finds a reply's end, and checks the reply.

use memchr::{memchr2, memmem};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The number of a message's bytes that an error shows.
const SHOWN: usize = 400;

/// The state of the search for a value's end, so that a value that comes in pieces is searched
/// once.
#[derive(Default)]
pub struct Scan {
    at: usize,
    depth: usize,
    quoted: bool,
}

impl Scan {
    /// The end of the first JSON object or array in the bytes, once it is whole. The bytes must
    /// begin with those of the previous call.
    pub fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        while let Some(byte) = bytes.get(self.at) {
            if self.quoted {
                self.skip_text(bytes)?;
                continue;
            }
            self.at += 1;
            match byte {
                b'"' => self.quoted = true,
                b'{' | b'[' => self.depth += 1,
                // A surplus bracket ends the value too; the parser then reports it.
                b'}' | b']' if self.depth <= 1 => return Some(self.at),
                b'}' | b']' => self.depth -= 1,
                _ => {}
            }
        }
        None
    }

    fn skip_text(&mut self, bytes: &[u8]) -> Option<()> {
        let Some(found) = memchr2(b'"', b'\\', &bytes[self.at..]) else {
            self.at = bytes.len();
            return None;
        };
        self.at += found;
        if bytes[self.at] == b'"' {
            self.quoted = false;
            self.at += 1;
        } else {
            // If an escape's second byte has not come, look again later.
            bytes.get(self.at + 1)?;
            self.at += 2;
        }
        Some(())
    }
}

#[derive(Deserialize)]
pub struct Reply<'a> {
    jsonrpc: Option<&'a str>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub result: Option<&'a RawValue>,
}

pub fn parse(frame: &[u8]) -> Result<Reply<'_>, String> {
    serde_json::from_slice(frame).map_err(|error| format!("{error}: {}", shown(frame)))
}

/// A message's text on one line, shortened for an error.
pub fn shown(frame: &[u8]) -> String {
    let text = String::from_utf8_lossy(&frame[..frame.len().min(SHOWN)]);
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    if frame.len() > SHOWN {
        line.push('…');
    }
    line
}

/// Checks replies. It keeps a reply that was checked in full and compares later ones with it byte
/// by byte, except for the token, which is as strict.
#[derive(Default)]
pub struct Checker {
    around: Option<(Vec<u8>, Vec<u8>)>,
}

impl Checker {
    /// `result` must be the same for all tokens of a kind; without it any result is accepted.
    pub fn check(
        &mut self,
        frame: &[u8],
        token: &[u8],
        result: Option<&str>,
    ) -> Result<(), String> {
        if let Some((before, after)) = &self.around
            && let Some(rest) = frame.strip_prefix(before.as_slice())
            && rest.strip_prefix(token) == Some(after.as_slice())
        {
            return Ok(());
        }
        let around = check_in_full(frame, token, result)?;
        self.around = Some(around);
        Ok(())
    }
}

/// Returns the bytes before and after the token.
fn check_in_full(
    frame: &[u8],
    token: &[u8],
    result: Option<&str>,
) -> Result<(Vec<u8>, Vec<u8>), String> {
    let reply = parse(frame)?;
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    let is_result_right = match (reply.result, result) {
        (Some(found), Some(result)) => value(found.get()) == value(result),
        (found, None) => found.is_some(),
        (None, Some(_)) => false,
    };
    let is_id_right = reply.id.map(|id| id.get().as_bytes()) == Some(token);
    if reply.jsonrpc != Some("2.0") || !is_id_right || !is_result_right {
        let token = String::from_utf8_lossy(token);
        return Err(format!("wrong reply to {token}: {}", shown(frame)));
    }
    let at = memmem::find(frame, token).ok_or("the token is not in the reply")?;
    Ok((frame[..at].to_vec(), frame[at + token.len()..].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: &[u8] = br#"{"jsonrpc":"2.0","id":"a#1","result":{"say":"}\"]{","x":[1,{}]}}"#;
    const RESULT: Option<&str> = Some(r#"{"x": [1, {}], "say": "}\"]{"}"#);

    #[test]
    fn the_end_is_found_however_the_bytes_come() {
        let stream = [REPLY, b"\n\n{"].concat();
        for piece in 1..=stream.len() {
            let mut scan = Scan::default();
            let end = (piece..)
                .step_by(piece)
                .take_while(|read| *read < stream.len() + piece)
                .find_map(|read| scan.end(&stream[..read.min(stream.len())]));
            assert_eq!(end, Some(REPLY.len()), "in pieces of {piece}");
        }
        assert_eq!(Scan::default().end(&REPLY[..REPLY.len() - 1]), None);
    }

    #[test]
    fn whatever_was_said_is_shown_in_one_line() {
        assert_eq!(shown("a\nü\u{1b}[0m".as_bytes()), "a\\nü\\u{1b}[0m");
        assert!(shown(&[b'x'; 1000]).ends_with("xx…"));
    }

    #[test]
    fn a_right_reply_is_right_spelled_in_any_way() {
        let mut checker = Checker::default();
        assert_eq!(checker.check(REPLY, b"\"a#1\"", RESULT), Ok(()));
        let next = String::from_utf8_lossy(REPLY).replace("a#1", "a#2");
        assert_eq!(checker.check(next.as_bytes(), b"\"a#2\"", RESULT), Ok(()));
        let other = br#"{"result": {"say":"}\"]{","x":[1,{}]}, "id": "a#3", "jsonrpc": "2.0"}"#;
        assert_eq!(checker.check(other, b"\"a#3\"", RESULT), Ok(()));
        assert_eq!(checker.check(other, b"\"a#3\"", None), Ok(()));
    }

    #[test]
    fn a_wrong_reply_is_wrong_behind_right_ones_too() {
        let mut checker = Checker::default();
        for _ in 0..2 {
            for wrong in [
                r#"{"jsonrpc":"2.0","id":"a#2","result":{"say":"}\"]{","x":[1,{}]}}"#,
                r#"{"jsonrpc":"2.0","id":a#1,"result":{"say":"}\"]{","x":[1,{}]}}"#,
                r#"{"jsonrpc":"2.0","id":"a#1","result":{"say":"}\"]{","x":[2,{}]}}"#,
                r#"{"jsonrpc":"1.0","id":"a#1","result":{"say":"}\"]{","x":[1,{}]}}"#,
                r#"{"id":"a#1","result":{"say":"}\"]{","x":[1,{}]}}"#,
                r#"{"jsonrpc":"2.0","id":"a#1","error":{"code":-1,"message":"no"}}"#,
            ] {
                assert!(checker.check(wrong.as_bytes(), b"\"a#1\"", RESULT).is_err(), "{wrong}");
            }
            assert_eq!(checker.check(REPLY, b"\"a#1\"", RESULT), Ok(()));
        }
        let error = br#"{"jsonrpc":"2.0","id":"a#1","error":{"code":-1,"message":"no"}}"#;
        assert!(checker.check(error, b"\"a#1\"", None).is_err());
    }
}
