//! Feeds streams to a framer, split in every way, and collects the frames.

// Each test binary uses a part of this.
#![allow(dead_code)]

pub mod judge;
pub mod lax;
pub mod oracle;
pub mod sent;

use std::ops::Range;

use clnwire_core::{Envelope, Frame, Framer, Kind, Limits, Malformed, Member};

pub const MEMBERS: [Member; 7] = [
    Member::Jsonrpc,
    Member::Id,
    Member::Method,
    Member::Params,
    Member::Result,
    Member::Error,
    Member::Origin,
];

/// Everything that a frame tells.
#[derive(Clone, PartialEq, Eq)]
pub struct Seen {
    pub bytes: Vec<u8>,
    pub offset: u64,
    pub members: [Option<Range<usize>>; 7],
    pub kind: Kind,
    pub fault: Option<Malformed>,
    pub is_refused: bool,
    pub is_plain: bool,
}

impl Seen {
    fn new(frame: &Frame<'_>) -> Self {
        Self {
            bytes: frame.bytes().to_vec(),
            offset: frame.offset(),
            members: spans(frame.envelope()),
            kind: frame.kind(),
            fault: frame.fault(),
            is_refused: frame.is_refused(),
            is_plain: frame.is_plain(),
        }
    }
}

/// Short, because frames of 64 MB are compared too.
impl std::fmt::Debug for Seen {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = String::from_utf8_lossy(&self.bytes[..self.bytes.len().min(200)]);
        write!(out, "{} bytes at {}: {shown:?} {:?}", self.bytes.len(), self.offset, self.members)
    }
}

/// A stream's frames, and the error that ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub frames: Vec<Seen>,
    pub error: Option<Malformed>,
}

impl Outcome {
    /// The outcome up to the first message that is not JSON, with its fault as the error.
    pub fn until_fault(&self) -> Self {
        let sound = self.frames.iter().position(|frame| frame.fault.is_some());
        let fault = sound.and_then(|n| self.frames[n].fault);
        let frames = self.frames[..sound.unwrap_or(self.frames.len())].to_vec();
        Self { frames, error: fault.or(self.error) }
    }

    pub fn texts(&self) -> Vec<String> {
        self.frames.iter().map(|f| String::from_utf8_lossy(&f.bytes).into_owned()).collect()
    }
}

pub fn spans(envelope: &Envelope) -> [Option<Range<usize>>; 7] {
    MEMBERS.map(|member| envelope.range(member))
}

/// Feeds a stream in chunks, and then its end.
pub fn chunked<'a>(mut framer: Framer, chunks: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut outcome = Outcome { frames: Vec::new(), error: None };
    for chunk in chunks.into_iter().filter(|chunk| !chunk.is_empty()) {
        framer.feed(chunk);
        take(&mut framer, &mut outcome);
    }
    framer.feed(b"");
    take(&mut framer, &mut outcome);
    outcome
}

/// Takes all frames. An error is final, so no frame can follow it.
fn take(framer: &mut Framer, outcome: &mut Outcome) {
    loop {
        match framer.next_frame() {
            Ok(None) => return,
            Ok(Some(frame)) => {
                assert_eq!(outcome.error, None, "a frame behind an error");
                outcome.frames.push(Seen::new(&frame));
            }
            Err(error) => {
                let first = *outcome.error.get_or_insert(error);
                assert_eq!(error, first, "a second error");
                return;
            }
        }
    }
}

pub fn whole(stream: &[u8]) -> Outcome {
    whole_limited(stream, Limits::default())
}

pub fn whole_limited(stream: &[u8], limits: Limits) -> Outcome {
    chunked(Framer::new(limits), [stream])
}

/// Feeds all of the stream and its end before it takes the first frame.
pub fn at_once(stream: &[u8], limits: Limits) -> Outcome {
    let mut framer = Framer::new(limits);
    let mut outcome = Outcome { frames: Vec::new(), error: None };
    framer.feed(stream);
    framer.feed(b"");
    take(&mut framer, &mut outcome);
    outcome
}

/// Feeds the stream byte by byte.
pub fn bytewise(stream: &[u8], limits: Limits) -> Outcome {
    let mut framer = Framer::new(limits);
    let mut outcome = Outcome { frames: Vec::new(), error: None };
    for byte in stream {
        framer.feed(std::slice::from_ref(byte));
        take(&mut framer, &mut outcome);
        assert_eq!(outcome.error, None, "an error before the end");
    }
    framer.feed(b"");
    take(&mut framer, &mut outcome);
    outcome
}

/// Feeds the stream in two pieces.
pub fn split(stream: &[u8], at: usize, limits: Limits) -> Outcome {
    let (first, second) = stream.split_at(at);
    chunked(Framer::new(limits), [first, second])
}

/// Chunks whose lengths repeat.
pub fn cycled<'a>(stream: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    let mut rest = stream;
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, behind) = rest.split_at((*length).clamp(1, rest.len()));
        chunks.push(chunk);
        rest = behind;
    }
    chunks
}

/// Pseudo-random numbers (xorshift64), the same in each run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}
