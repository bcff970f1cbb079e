//! Reads the records of all segments, also while a writer appends.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::directory::{numbers, segment_path};
use crate::error::{Error, Fault};
use crate::format::{Chain, RecordHeader};
use crate::segment::{Content, Cursor, Segment, Step};
use crate::tail::Tail;

/// How often and how long to wait for a writer that is within a record.
const TRIES: usize = 20;
const PAUSE: Duration = Duration::from_millis(5);
/// A writer is within a record of a file only if the file has changed more recently than this.
const RECENT: Duration = Duration::from_secs(1);

/// One set of writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The number of the set.
    pub sequence: u64,
    /// The epoch of the instance that wrote it.
    pub epoch: u64,
    /// Whether the node's connection enforced foreign keys.
    pub foreign_keys: bool,
    /// The params of the `db_write` message, byte for byte.
    pub payload: Vec<u8>,
    /// The chain after the set.
    pub chain: Chain,
}

/// The sets after one, in order. Those that were replaced are left out.
///
/// Needs no lock. While a writer appends, the journal ends where it ended when the reader came
/// there; a record that is not durable yet may be among those read.
pub struct Records {
    directory: PathBuf,
    segment: Segment,
    cursor: Cursor,
    after: u64,
    until: u64,
    /// The next record may replace it.
    held: Option<Record>,
    is_done: bool,
}

impl Records {
    /// The sets after `after`, up to and with `until`.
    pub fn open(directory: &Path, after: u64, until: Option<u64>) -> Result<Self, Error> {
        let segment = settled(|| find_first(directory, after))?;
        Ok(Self {
            directory: directory.to_path_buf(),
            cursor: Cursor::before(&segment.header),
            segment,
            after,
            until: until.unwrap_or(u64::MAX),
            held: None,
            is_done: false,
        })
    }

    fn read_on(&mut self) -> Result<Option<Record>, Error> {
        while let Some(header) = self.next_header()? {
            let before = match &self.held {
                Some(held) if held.sequence != header.sequence => self.held.take(),
                _ => None,
            };
            if header.sequence > self.until {
                self.is_done = true;
                return Ok(before);
            }
            if header.sequence > self.after {
                self.held = Some(self.record(&header)?);
            }
            if before.is_some() {
                return Ok(before);
            }
        }
        self.is_done = true;
        Ok(self.held.take())
    }

    fn record(&mut self, header: &RecordHeader) -> Result<Record, Error> {
        let RecordHeader { sequence, epoch, foreign_keys, chain, .. } = *header;
        let payload = self.segment.last_payload(header)?.to_vec();
        Ok(Record { sequence, epoch, foreign_keys, payload, chain })
    }

    /// The next whole record, replaced ones too.
    fn next_header(&mut self) -> Result<Option<RecordHeader>, Error> {
        loop {
            if let Step::Record(header) = self.step()? {
                return Ok(Some(header));
            }
            let Some(next) = settled(|| next_started(&self.directory, self.segment.header.number))?
            else {
                return Ok(None);
            };
            // The writer may have appended here before it began the next segment.
            self.segment.window.forget();
            match self.step()? {
                Step::Record(header) => return Ok(Some(header)),
                Step::End(Tail::Clean) => {}
                Step::End(Tail::Torn { .. }) => {
                    let Segment { window, at, .. } = &self.segment;
                    return Err(Error::damaged(&window.path, *at, Fault::NotZero));
                }
            }
            if let Err(fault) = self.cursor.enter(&next.header) {
                return Err(Error::damaged(&next.window.path, 0, fault));
            }
            self.segment = next;
        }
    }

    /// What stands at this place, once a writer is not within a record there.
    fn step(&mut self) -> Result<Step, Error> {
        let Self { segment, cursor, .. } = self;
        for _ in 1..TRIES {
            match segment.step(cursor) {
                Ok(Step::End(Tail::Torn { .. })) | Err(Error::Damaged { .. })
                    if is_recent(&segment.window.path) =>
                {
                    segment.window.forget();
                    thread::sleep(PAUSE);
                }
                other => return other,
            }
        }
        segment.step(cursor)
    }
}

impl Iterator for Records {
    type Item = Result<Record, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let read = self.read_on();
        self.is_done |= read.is_err();
        read.transpose()
    }
}

/// Repeats what a writer may disturb.
fn settled<T>(read: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    for _ in 1..TRIES {
        match read() {
            Err(Error::Damaged { path, .. }) if is_recent(&path) => thread::sleep(PAUSE),
            other => return other,
        }
    }
    read()
}

/// Whether a writer may be within a write. Where the clock or the file says nothing, it may.
fn is_recent(path: &Path) -> bool {
    let changed = path.metadata().and_then(|metadata| metadata.modified());
    changed.map_or(true, |changed| changed.elapsed().map_or(true, |age| age < RECENT))
}

/// The last segment that begins with the set after `after`, or an earlier one.
fn find_first(directory: &Path, after: u64) -> Result<Segment, Error> {
    let mut first = None;
    for &number in numbers(directory)?.iter().rev() {
        if let Content::Started(segment) = Segment::open(&segment_path(directory, number), number)?
        {
            if segment.header.sequence <= after.saturating_add(1) {
                return Ok(segment);
            }
            first = Some(segment.header.sequence);
        }
    }
    Err(match first {
        Some(first) => Error::Pruned { path: directory.to_path_buf(), after, first },
        None => Error::NoJournal { path: directory.to_path_buf() },
    })
}

/// The segment after one, if it has been begun.
fn next_started(directory: &Path, number: u64) -> Result<Option<Segment>, Error> {
    let mut later = numbers(directory)?;
    later.retain(|&each| each > number);
    let Some(&first) = later.first() else { return Ok(None) };
    let next = number.wrapping_add(1);
    if first == next
        && let Content::Started(segment) = Segment::open(&segment_path(directory, next), next)?
    {
        return Ok(Some(segment));
    }
    // A segment is prepared only once the one before it has a record.
    match later.as_slice() {
        [only] if *only == next => Ok(None),
        _ => Err(Error::damaged(&segment_path(directory, next), 0, Fault::Missing)),
    }
}
