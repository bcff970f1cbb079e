//! The least any plugin can do: finds the end of a frame and answers a constant.
//!
//! Nothing is decoded or checked. One read, and one write for all replies to it.

use std::io::{Read, Result, Write};
use std::ops::Range;

use memchr::{memchr2, memmem};

/// Where in a frame the search stands, so that a frame in pieces is searched once.
#[derive(Default)]
struct Scan {
    at: usize,
    depth: usize,
    quoted: bool,
    id: Option<usize>,
    method: Option<usize>,
}

impl Scan {
    /// The frame's end, if it is here.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        while self.at < bytes.len() {
            if self.quoted {
                self.skip_text(bytes);
                continue;
            }
            match bytes[self.at] {
                // A key that may be cut off is looked at again.
                b'"' if self.depth == 1 && bytes.len() - self.at < 9 => return None,
                b'"' => {
                    self.note_key(&bytes[self.at..]);
                    self.quoted = true;
                }
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth -= 1,
                _ => {}
            }
            self.at += 1;
            if self.depth == 0 && matches!(bytes[self.at - 1], b'}' | b']') {
                return Some(self.at);
            }
        }
        None
    }

    fn skip_text(&mut self, bytes: &[u8]) {
        match memchr2(b'"', b'\\', &bytes[self.at..]) {
            None => self.at = bytes.len(),
            Some(found) if bytes[self.at + found] == b'"' => {
                self.at += found + 1;
                self.quoted = false;
            }
            // An escape whose second byte has not come is looked at again.
            Some(found) if self.at + found + 1 == bytes.len() => self.at = bytes.len() - 1,
            Some(found) => self.at += found + 2,
        }
    }

    fn note_key(&mut self, rest: &[u8]) {
        if self.depth == 1 && rest.starts_with(b"\"id\":") {
            self.id = Some(self.at + 5);
        } else if self.depth == 1 && rest.starts_with(b"\"method\":") {
            self.method = Some(self.at + 9);
        }
    }
}

fn main() -> Result<()> {
    let manifest = if std::env::args().any(|argument| argument == "writes") {
        r#"{"options":[],"rpcmethods":[],"hooks":["db_write"],"nonnumericids":true}"#
    } else {
        r#"{"options":[],"rpcmethods":[{"name":"total","usage":"amount count"}],"hooks":["htlc_accepted"],"subscriptions":["connect"],"nonnumericids":true}"#
    };
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let (mut buffer, mut filled, mut start) = (vec![0; 1 << 16], 0, 0);
    let (mut scan, mut replies) = (Scan::default(), Vec::new());
    loop {
        if buffer.len() - filled < 1 << 16 {
            buffer.resize(buffer.len() * 2, 0);
        }
        match input.read(&mut buffer[filled..])? {
            0 => return Ok(()),
            count => filled += count,
        }
        while let Some(end) = scan.end(&buffer[start..filled]) {
            answer(&buffer[start..start + end], &scan, manifest, &mut replies);
            start += end;
            scan = Scan::default();
        }
        // What is left is a part of a frame, or white space.
        if start > 0 {
            buffer.copy_within(start..filled, 0);
            (filled, start) = (filled - start, 0);
        }
        output.write_all(&replies)?;
        output.flush()?;
        replies.clear();
    }
}

fn answer(frame: &[u8], scan: &Scan, manifest: &str, replies: &mut Vec<u8>) {
    let Some(id) = scan.id.map(|id| token(frame, id)) else { return };
    let method = scan.method.map_or(&frame[..0], |method| &frame[method..]);
    let method = &method[method.iter().take_while(|byte| **byte == b' ').count()..];
    let result = match method {
        [b'"', b't', b'o', b't', ..] => r#"{"amount":123000,"count":4,"total":492000}"#,
        [b'"', b'g', b'e', b't', ..] => manifest,
        [b'"', b'i', b'n', b'i', ..] => "{}",
        _ => r#"{"result":"continue"}"#,
    };
    replies.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    replies.extend_from_slice(&frame[id]);
    replies.extend_from_slice(b",\"result\":");
    replies.extend_from_slice(result.as_bytes());
    replies.extend_from_slice(b"}\n\n");
}

/// The id's token: a string without escapes, as the daemon sends it.
fn token(frame: &[u8], start: usize) -> Range<usize> {
    let length = memmem::find(&frame[start + 1..], b"\"").map_or(0, |found| found + 2);
    start..start + length
}
