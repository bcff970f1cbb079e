//! Feeds a stream split as the input says, byte by byte, and whole. The frames and the error must
//! be the same each time, and the frames and the verdict those of serde_json.
//!
//! The input's first byte is the number (at most 7) of bytes after it that are the chunks' lengths,
//! which repeat; the rest is the stream. A space stands for none, so a seed is a space and a
//! stream.

#![no_main]

#[path = "../../core/tests/common/oracle.rs"]
#[allow(dead_code)]
mod oracle;

#[path = "../../core/tests/common/lax.rs"]
mod lax;

use std::ops::Range;

use clnwire_core::{Framer, Limits, Malformed};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, PartialEq)]
struct Outcome {
    frames: Vec<Range<usize>>,
    /// The frames that are not JSON: each one's index and fault.
    faults: Vec<(usize, Malformed)>,
    error: Option<Malformed>,
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, rest)) = data.split_first() else { return };
    let (lengths, stream) = rest.split_at(usize::from(first % 8).min(rest.len()));

    let whole = framed(stream, std::iter::once(stream));
    assert_eq!(framed(stream, stream.chunks(1)), whole);
    if !lengths.is_empty() {
        assert_eq!(framed(stream, cycled(stream, lengths).into_iter()), whole);
    }
    match whole.faults.first() {
        None => oracle::agrees(stream, &whole.frames, whole.error),
        Some(&(count, fault)) => oracle::agrees(stream, &whole.frames[..count], Some(fault)),
    }
    for &(number, _) in &whole.faults {
        let Range { start, end } = whole.frames[number];
        if let Some(length) = lax::accepted(&stream[start..]) {
            assert_eq!(end - start, length, "where lightningd's parser ends it");
        }
    }
});

fn framed<'a>(stream: &[u8], chunks: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let mut framer = Framer::new(Limits::default());
    let mut outcome = Outcome { frames: Vec::new(), faults: Vec::new(), error: None };
    for chunk in chunks.filter(|chunk| !chunk.is_empty()) {
        framer.feed(chunk);
        take(&mut framer, stream, &mut outcome);
    }
    framer.feed(b"");
    take(&mut framer, stream, &mut outcome);
    outcome
}

fn take(framer: &mut Framer, stream: &[u8], outcome: &mut Outcome) {
    loop {
        match framer.next_frame() {
            Ok(None) => return,
            Ok(Some(frame)) => {
                assert_eq!(outcome.error, None, "a frame behind an error");
                let start = frame.offset() as usize;
                let range = start..start + frame.bytes().len();
                assert_eq!(&stream[range.clone()], frame.bytes());
                if let Some(fault) = frame.fault() {
                    outcome.faults.push((outcome.frames.len(), fault));
                    outcome.frames.push(range);
                    continue;
                }
                let is_plain = frame.bytes().is_ascii() && !frame.bytes().contains(&b'\\');
                assert_eq!(frame.is_plain(), is_plain);
                outcome.frames.push(range);
            }
            Err(error) => {
                assert_eq!(*outcome.error.get_or_insert(error), error, "a second error");
                return;
            }
        }
    }
}

fn cycled<'a>(stream: &'a [u8], lengths: &[u8]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    let mut rest = stream;
    for &length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, behind) = rest.split_at(usize::from(length).clamp(1, rest.len()));
        chunks.push(chunk);
        rest = behind;
    }
    chunks
}
