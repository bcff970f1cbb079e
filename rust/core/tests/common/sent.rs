//! What an outbox sends, against bytes that are put together here with serde_json's encoder.

use std::io;

use clnwire_core::Outbox;
use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter};

/// One outbox, used by all cases.
#[derive(Default)]
pub struct Sent {
    outbox: Outbox,
    expected: Vec<u8>,
}

impl Sent {
    /// Each of the case's steps is a byte that says what to do, a byte that is a length, and that
    /// many bytes.
    pub fn judge(&mut self, mut steps: &[u8]) {
        while let [what, length, rest @ ..] = steps {
            let (bytes, behind) = rest.split_at(usize::from(*length).min(rest.len()));
            self.step(*what, *length, bytes);
            assert_eq!(self.outbox.pending(), self.expected);
            assert_eq!(self.outbox.is_empty(), self.expected.is_empty());
            steps = behind;
        }
        self.outbox.clear();
        self.expected.clear();
        assert!(self.outbox.is_empty());
    }

    fn step(&mut self, what: u8, number: u8, bytes: &[u8]) {
        let (token, json) = bytes.split_at(bytes.len() / 3);
        let text = String::from_utf8_lossy(json);
        match what % 8 {
            0 => {
                self.outbox.reply(token, json);
                self.begin(&[b",\"id\":", token, b",\"result\":", json]);
            }
            1 => {
                let code = i64::from_le_bytes([number; 8]);
                self.outbox.error(token, code, &text, (what >= 128).then_some(token));
                self.begin(&[b",\"id\":", token, b",\"error\":{\"code\":"]);
                self.expected.extend_from_slice(format!("{code},\"message\":").as_bytes());
                self.put(&text);
                if what >= 128 {
                    self.expected.extend_from_slice(b",\"data\":");
                    self.expected.extend_from_slice(token);
                }
                self.expected.push(b'}');
            }
            2 => {
                self.outbox.request(token, &text, json);
                self.begin(&[b",\"id\":", token, b",\"method\":"]);
                self.call(&text, json);
            }
            3 => {
                self.outbox.notification(&text, token);
                self.begin(&[b",\"method\":"]);
                self.call(&text, token);
            }
            4 => {
                self.outbox.message(bytes);
                return self.expected.extend_from_slice(bytes);
            }
            5 => return assert!(self.outbox.reserve(usize::from(number) * 64)),
            _ => {
                let count = usize::from(number) * usize::from(what / 8) / 16;
                let count = count.min(self.expected.len());
                self.outbox.advance(count);
                return drop(self.expected.drain(..count));
            }
        }
        self.expected.extend_from_slice(b"}\n\n");
    }

    fn begin(&mut self, pieces: &[&[u8]]) {
        self.expected.extend_from_slice(b"{\"jsonrpc\":\"2.0\"");
        pieces.iter().for_each(|piece| self.expected.extend_from_slice(piece));
    }

    fn call(&mut self, method: &str, params: &[u8]) {
        self.put(method);
        self.expected.extend_from_slice(b",\"params\":");
        self.expected.extend_from_slice(params);
    }

    fn put(&mut self, text: &str) {
        let mut writer = serde_json::Serializer::with_formatter(&mut self.expected, Escapes);
        text.serialize(&mut writer).unwrap();
    }
}

/// serde_json's text, but with `\u0008` and `\u000c` for its `\b` and `\f`.
struct Escapes;

impl Formatter for Escapes {
    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        writer.write_all(match escape {
            CharEscape::Quote => b"\\\"",
            CharEscape::ReverseSolidus => b"\\\\",
            CharEscape::Solidus => b"\\/",
            CharEscape::Backspace => b"\\u0008",
            CharEscape::FormFeed => b"\\u000c",
            CharEscape::LineFeed => b"\\n",
            CharEscape::CarriageReturn => b"\\r",
            CharEscape::Tab => b"\\t",
            CharEscape::AsciiControl(byte) => {
                return write!(writer, "\\u{byte:04x}");
            }
        })
    }
}
