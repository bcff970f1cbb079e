//! serde_json's reading of the same bytes. It shares no code with the crate, and reads a raw value
//! without recursion, so nesting needs no limit here.

use std::ops::Range;

use clnwire_core::{Malformed, Reason};
use serde::de::{MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

/// The members of a JSON-RPC message, in the order of `clnwire_core::Member`.
pub const MEMBERS: [&str; 7] = ["jsonrpc", "id", "method", "params", "result", "error", "origin"];

/// How a stream continues after its last whole value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Not at all.
    Whole,
    /// With a value that is cut off.
    Cut,
    /// With something that is not JSON.
    Malformed,
}

/// Calls `found` with each value's place. Returns how the stream ends.
pub fn values(stream: &[u8], mut found: impl FnMut(Range<usize>)) -> Verdict {
    let mut reader = serde_json::Deserializer::from_slice(stream).into_iter::<&RawValue>();
    loop {
        match reader.next() {
            None => return Verdict::Whole,
            Some(Ok(value)) => {
                let end = reader.byte_offset();
                found(end - value.get().len()..end);
            }
            Some(Err(error)) if error.classify() == Category::Eof => return Verdict::Cut,
            Some(Err(_)) => return Verdict::Malformed,
        }
    }
}

/// Asserts that the framer and serde_json give the same values and the same verdict.
pub fn agrees(
    stream: &[u8],
    frames: impl IntoIterator<Item = Range<usize>>,
    error: Option<Malformed>,
) {
    let mut frames = frames.into_iter();
    let verdict = values(stream, |value| assert_eq!(frames.next(), Some(value)));
    assert_eq!(frames.next(), None, "what serde_json does not find");
    assert_eq!(error.is_none(), verdict == Verdict::Whole, "{error:?}, but {verdict:?}");
    let Some(error) = error else { return };
    match verdict {
        Verdict::Cut => assert!(error.is_incomplete() || seen_sooner(stream, error), "{error:?}"),
        _ if error.is_incomplete() => assert!(lacks_digits(stream), "{error:?}"),
        _ => assert!(error.offset < stream.len() as u64, "{error:?}"),
    }
}

/// serde_json may call a value incomplete that is wrong already: it checks a string's UTF-8 once
/// the value has ended, and the digits of a `\u` escape once there are four.
fn seen_sooner(stream: &[u8], error: Malformed) -> bool {
    let behind = stream.len() as u64 - error.offset;
    error.reason == Reason::InvalidUtf8 || (error.reason == Reason::InvalidEscape && behind <= 4)
}

/// serde_json calls a number without its last digits invalid even at the end of the stream, where
/// more bytes could complete it.
fn lacks_digits(stream: &[u8]) -> bool {
    matches!(stream.last(), Some(b'-' | b'+' | b'.' | b'e' | b'E'))
}

/// The members' ranges in a well-formed frame; of a duplicate, the first's.
pub fn envelope(frame: &[u8]) -> [Option<Range<usize>>; 7] {
    let mut found: [Option<Range<usize>>; 7] = Default::default();
    for (key, value) in members(frame) {
        // Names are compared as they are spelled.
        let name = key.strip_prefix('"').and_then(|key| key.strip_suffix('"'));
        if let Some(at) = MEMBERS.iter().position(|&member| Some(member) == name) {
            let start = value.as_ptr() as usize - frame.as_ptr() as usize;
            found[at].get_or_insert(start..start + value.len());
        }
    }
    found
}

/// An object's members, with keys and values as they are spelled; none for another value.
pub fn members(frame: &[u8]) -> Vec<(&str, &str)> {
    let mut reader = serde_json::Deserializer::from_slice(frame);
    serde::Deserializer::deserialize_map(&mut reader, Pairs).unwrap_or_default()
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(&'de str, &'de str)>;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            pairs.push((key.get(), value.get()));
        }
        Ok(pairs)
    }
}
