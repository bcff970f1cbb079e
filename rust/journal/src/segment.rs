//! Reads and checks the records of one segment.

use std::path::Path;

use crate::error::{Error, Fault};
use crate::format::{
    Chain, RECORD_HEADER, RecordHeader, SEGMENT_HEADER, SegmentHeader, chain_of, check_body,
};
use crate::tail::{Tail, follows_record, judge, read_header};
use crate::window::{Window, is_zero};

/// Where the history stands after a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The ordinal of the last record.
    pub ordinal: u64,
    /// The last set.
    pub sequence: u64,
    /// The chain after it.
    pub chain: Chain,
    /// The chain before it; `None` if the journal has no record of it.
    pub previous: Option<Chain>,
}

impl Cursor {
    /// Where the history stands before a segment's first record.
    pub fn before(header: &SegmentHeader) -> Self {
        Self {
            ordinal: header.ordinal.wrapping_sub(1),
            sequence: header.sequence.wrapping_sub(1),
            chain: header.chain,
            previous: None,
        }
    }

    /// The chain that a set builds upon, which continues or replaces the last one.
    pub fn chain_before(&self, sequence: u64) -> Option<Chain> {
        if self.sequence.checked_add(1) == Some(sequence) {
            Some(self.chain)
        } else if self.sequence == sequence {
            self.previous
        } else {
            None
        }
    }

    /// Checks that a segment continues the history, and goes on with it.
    pub fn enter(&mut self, header: &SegmentHeader) -> Result<(), Fault> {
        let continues = Some(header.ordinal) == self.ordinal.checked_add(1)
            && Some(header.chain) == self.chain_before(header.sequence);
        if !continues {
            return Err(Fault::SegmentOrder);
        }
        *self = Self::before(header);
        Ok(())
    }

    /// Checks that a record continues the history, and goes on to it.
    fn accept(&mut self, record: &RecordHeader, payload: &[u8]) -> Result<(), Fault> {
        let RecordHeader { ordinal, sequence, .. } = *record;
        if self.ordinal.checked_add(1) != Some(ordinal) {
            let expected = self.ordinal.wrapping_add(1);
            return Err(Fault::Ordinal { found: ordinal, expected });
        }
        let Some(previous) = self.chain_before(sequence) else {
            return Err(Fault::Sequence { found: sequence, last: self.sequence });
        };
        if chain_of(&previous, sequence, record.foreign_keys, payload) != record.chain {
            return Err(Fault::Chain);
        }
        *self = Self { ordinal, sequence, chain: record.chain, previous: Some(previous) };
        Ok(())
    }
}

/// What a segment's file holds.
pub enum Content {
    /// Zeros: it was prepared and not used yet.
    Unused,
    /// It was being begun when the writer was interrupted; nothing in it was acknowledged.
    Torn,
    /// A header that is whole.
    Started(Segment),
}

/// A segment with a header, and a place in it.
pub struct Segment {
    pub header: SegmentHeader,
    pub window: Window,
    /// Where the next record begins.
    pub at: u64,
    /// Where what was written last begins. A segment's first record is written with its header.
    pub last: u64,
}

/// What stands at a place of a segment.
pub enum Step {
    /// A record that is whole and continues the history.
    Record(RecordHeader),
    /// None, and what follows instead.
    End(Tail),
}

impl Segment {
    pub fn open(path: &Path, number: u64) -> Result<Content, Error> {
        let mut window = Window::open(path)?;
        let damaged = |fault| Err(Error::damaged(path, 0, fault));
        let size = window.size();
        if size < SEGMENT_HEADER as u64 {
            return damaged(Fault::Cut { size, expected: SEGMENT_HEADER as u64 });
        }
        let mut bytes = [0; SEGMENT_HEADER];
        bytes.copy_from_slice(window.get(0, SEGMENT_HEADER)?);
        let header = match SegmentHeader::decode(&bytes) {
            Ok(header) => header,
            Err(Fault::SegmentHeader) if is_zero(&bytes) => return Self::unused(&mut window),
            Err(fault) => return damaged(fault),
        };
        if header.size > size {
            return Err(Error::damaged(path, size, Fault::Cut { size, expected: header.size }));
        }
        if header.size < size {
            let fault = Fault::TooLong { size, expected: header.size };
            return Err(Error::damaged(path, header.size, fault));
        }
        if header.number != number {
            return damaged(Fault::SegmentOrder);
        }
        Ok(Content::Started(Self { header, window, at: SEGMENT_HEADER as u64, last: 0 }))
    }

    /// A segment whose header is zero: its first sector was not written.
    fn unused(window: &mut Window) -> Result<Content, Error> {
        let end = window.end_of_bytes(0)?;
        if end == 0 {
            Ok(Content::Unused)
        } else if follows_record(window, SEGMENT_HEADER as u64, end)? {
            Err(Error::damaged(&window.path, 0, Fault::SegmentHeader))
        } else {
            Ok(Content::Torn)
        }
    }

    /// Whether the segment begins with a record that is whole.
    pub fn has_record(&mut self) -> Result<bool, Error> {
        Ok(self.whole_record()?.is_ok())
    }

    /// Checks the next record against the history, and goes beyond it.
    pub fn step(&mut self, cursor: &mut Cursor) -> Result<Step, Error> {
        let record = match self.whole_record()? {
            Ok(record) => record,
            Err(fault @ (Fault::Kind { .. } | Fault::Length(_))) => return self.damaged(fault),
            Err(_) => return Ok(Step::End(judge(&mut self.window, self.at)?)),
        };
        let first = self.at == SEGMENT_HEADER as u64;
        if first && record.sequence != self.header.sequence {
            return self.damaged(Fault::SegmentOrder);
        }
        let payload = self.payload(&record)?;
        if let Err(fault) = cursor.accept(&record, payload) {
            return self.damaged(fault);
        }
        self.last = if first { 0 } else { self.at };
        self.at += record.total();
        Ok(Step::Record(record))
    }

    /// Checks all records, and says what follows the last one.
    pub fn skip_records(&mut self, cursor: &mut Cursor) -> Result<Tail, Error> {
        loop {
            if let Step::End(tail) = self.step(cursor)? {
                return Ok(tail);
            }
        }
    }

    fn damaged<T>(&self, fault: Fault) -> Result<T, Error> {
        Err(Error::damaged(&self.window.path, self.at, fault))
    }

    /// The record at this place; the inner error is why there is none.
    fn whole_record(&mut self) -> Result<Result<RecordHeader, Fault>, Error> {
        let size = self.window.size();
        if self.at + RECORD_HEADER as u64 > size {
            return Ok(Err(Fault::RecordHeader));
        }
        let header = match read_header(&mut self.window, self.at)? {
            Ok(header) => header,
            Err(fault) => return Ok(Err(fault)),
        };
        let body = header.total() - RECORD_HEADER as u64;
        if self.at + header.total() > size {
            return Ok(Err(Fault::Length(header.length)));
        }
        let body = self.window.get(self.at + RECORD_HEADER as u64, body as usize)?;
        Ok(check_body(header.length as usize, body).map(|()| header))
    }

    /// The payload of the record at this place.
    fn payload(&mut self, record: &RecordHeader) -> Result<&[u8], Error> {
        self.window.get(self.at + RECORD_HEADER as u64, record.length as usize)
    }

    /// The payload of the record that `step` has returned.
    pub fn last_payload(&mut self, record: &RecordHeader) -> Result<&[u8], Error> {
        let start = self.at - record.total() + RECORD_HEADER as u64;
        self.window.get(start, record.length as usize)
    }
}
