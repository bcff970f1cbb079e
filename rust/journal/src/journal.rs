//! Opens, repairs and appends.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::directory::{Directory, is_full, make_segment, numbers, segment_path};
use crate::error::{Error, Fault};
use crate::format::{
    Chain, MAX_PAYLOAD_BYTES, RECORD_HEADER, RecordHeader, SEGMENT_HEADER, SegmentHeader, chain_of,
    record_end,
};
use crate::reserve::Reserve;
use crate::segment::{Content, Cursor, Segment};
use crate::tail::Tail;
use crate::window::{WINDOW, Window};

/// The size of a journal's first segment. Each next one is twice as large, up to the largest.
const FIRST_SEGMENT: u64 = 4 << 20;
const SMALLEST_SEGMENT: u64 = 4096;
/// From this length on, the header of a record is written after its payload.
const LONG: usize = 32 << 10;
/// How much of it is written before the disk begins with it.
const PIECE: u64 = 256 << 10;
const PAGE: u64 = 4096;

/// What an acknowledged record survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A power failure: the disk has it.
    PowerLoss,
    /// The end of the process, however it ends: the operating system has it.
    ProcessCrash,
}

/// How to write.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The largest segment in bytes. A record that is larger gets a segment of its own.
    pub segment_bytes: u64,
    /// What an acknowledged record survives.
    pub durability: Durability,
}

/// A record that was being written when the writer was interrupted, and that opening has removed.
/// It was never acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The segment.
    pub path: PathBuf,
    /// Where it began.
    pub offset: u64,
    /// How many bytes were there.
    pub length: u64,
}

/// A journal, open for its one writer.
pub struct Journal {
    options: Options,
    cursor: Cursor,
    segment: Open,
    reserve: Reserve,
    torn: Option<TornTail>,
    failure: Option<Failure>,
    // Dropped last, so that the lock is held until the reserve's thread has ended.
    directory: Directory,
}

/// The segment that is being written.
struct Open {
    file: File,
    number: u64,
    size: u64,
    /// Where the next record begins.
    at: u64,
}

/// An error of a sync, which is final.
#[derive(Clone)]
struct Failure {
    action: &'static str,
    path: PathBuf,
    errno: Option<i32>,
    text: String,
}

impl Journal {
    /// Begins a journal after the set `sequence`, whose chain is `chain`.
    ///
    /// Makes the directory if it is not there; its parent has to exist.
    pub fn create(
        path: &Path,
        sequence: u64,
        chain: Chain,
        options: Options,
    ) -> Result<Self, Error> {
        let directory = Directory::lock(path, true)?;
        if !numbers(path)?.is_empty() {
            return Err(Error::Exists { path: path.to_path_buf() });
        }
        let (number, size) = (1, options.segment_bytes.clamp(SMALLEST_SEGMENT, FIRST_SEGMENT));
        let header =
            SegmentHeader { number, size, ordinal: 1, sequence: sequence.wrapping_add(1), chain };
        let file = make_segment(path, number, size, &header.encode())?;
        let segment = Open { file, number, size, at: SEGMENT_HEADER as u64 };
        Ok(Self::new(directory, options, Cursor::before(&header), segment, None, None))
    }

    /// Opens a journal and removes a torn record at its end.
    ///
    /// Reads the last segment, and the headers of all others.
    pub fn open(path: &Path, options: Options) -> Result<Self, Error> {
        if !path.is_dir() {
            return Err(Error::NoJournal { path: path.to_path_buf() });
        }
        let directory = Directory::lock(path, false)?;
        let numbers = numbers(path)?;
        check_numbers(path, &numbers)?;
        let Found { cursor, segment, torn, unused } = find_last(path, &numbers)?;
        check_headers(path, numbers.iter().copied().take_while(|&each| each < segment.number))?;
        Ok(Self::new(directory, options, cursor, segment, torn, unused))
    }

    fn new(
        directory: Directory,
        options: Options,
        cursor: Cursor,
        segment: Open,
        torn: Option<TornTail>,
        unused: Option<u64>,
    ) -> Self {
        let path = directory.path.clone();
        let number = segment.number.wrapping_add(1);
        let reserve = match unused {
            Some(size) => Reserve::ready(path, number, size),
            None => Reserve::prepare(path, number, options.next_size(segment.size)),
        };
        Self { options, cursor, segment, reserve, torn, failure: None, directory }
    }

    /// The last set.
    pub fn sequence(&self) -> u64 {
        self.cursor.sequence
    }

    /// The chain after the last set.
    pub fn chain(&self) -> &Chain {
        &self.cursor.chain
    }

    /// The chain before the last set, if the journal has that set.
    pub fn previous_chain(&self) -> Option<&Chain> {
        self.cursor.previous.as_ref()
    }

    /// What opening has removed.
    pub fn torn(&self) -> Option<&TornTail> {
        self.torn.as_ref()
    }

    /// The room for records in the present segment, in bytes.
    pub fn room(&self) -> u64 {
        self.segment.size - self.segment.at
    }

    /// The bytes of all segments up to the last record.
    pub fn size(&self) -> Result<u64, Error> {
        let mut size = self.segment.at;
        for number in numbers(&self.directory.path)? {
            let path = segment_path(&self.directory.path, number);
            if number < self.segment.number {
                size += path.metadata().map_err(Error::io("read the size of", &path))?.len();
            }
        }
        Ok(size)
    }

    /// Why the next segment could not be prepared. Once the present one is full, appending fails,
    /// unless there is room by then. Tries again, at most once a second.
    pub fn reserve_missing(&mut self) -> Option<&Error> {
        self.reserve.missing()
    }

    /// Appends a set, or replaces the last one by one of the same sequence. Returns the chain.
    ///
    /// The record is durable on return. After any error but [`Error::Failed`] the journal is as it
    /// was before, and may be appended to.
    pub fn append(
        &mut self,
        sequence: u64,
        epoch: u64,
        foreign_keys: bool,
        payload: &[u8],
    ) -> Result<Chain, Error> {
        self.check(payload)?;
        let Some(previous) = self.cursor.chain_before(sequence) else {
            return Err(Error::Sequence { found: sequence, last: self.cursor.sequence });
        };
        let ordinal = self.cursor.ordinal.wrapping_add(1);
        let length = payload.len() as u32;
        // `write` sets the chain.
        let chain = previous;
        let mut record = RecordHeader { length, ordinal, sequence, epoch, foreign_keys, chain };
        self.reserve.poll();
        if record.total() <= self.room() {
            self.append_here(&mut record, &previous, payload)?;
        } else {
            self.append_to_next(&mut record, &previous, payload)?;
        }
        let RecordHeader { chain, .. } = record;
        self.cursor = Cursor { ordinal, sequence, chain, previous: Some(previous) };
        Ok(chain)
    }

    fn check(&self, payload: &[u8]) -> Result<(), Error> {
        if let Some(failure) = &self.failure {
            return Err(failure.error());
        }
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(Error::TooLong { length: payload.len() as u64 });
        }
        match memchr::memchr(0, payload) {
            Some(offset) => Err(Error::ZeroByte { offset: offset as u64 }),
            None => Ok(()),
        }
    }

    fn append_here(
        &mut self,
        record: &mut RecordHeader,
        previous: &Chain,
        payload: &[u8],
    ) -> Result<(), Error> {
        let at = self.segment.at;
        let durability = self.options.durability;
        let written = write(&self.segment.file, at, &[], record, previous, payload, durability);
        self.settle(self.segment.number, at, record.total(), None, written)?;
        self.segment.at += record.total();
        Ok(())
    }

    /// Begins the next segment with this record. One sync, as for other records.
    fn append_to_next(
        &mut self,
        record: &mut RecordHeader,
        previous: &Chain,
        payload: &[u8],
    ) -> Result<(), Error> {
        let total = SEGMENT_HEADER as u64 + record.total();
        let number = self.segment.number.wrapping_add(1);
        let size = self.reserve.take(total)?;
        let path = segment_path(&self.directory.path, number);
        let file = open_for_writing(&path)?;
        let RecordHeader { ordinal, sequence, .. } = *record;
        let header = SegmentHeader { number, size, ordinal, sequence, chain: *previous }.encode();
        let durability = self.options.durability;
        let written = write(&file, 0, &header, record, previous, payload, durability);
        self.settle(number, 0, total, Some(&file), written)?;
        self.segment = Open { file, number, size, at: total };
        let next = self.options.next_size(size);
        self.reserve = Reserve::prepare(self.directory.path.clone(), number.wrapping_add(1), next);
        Ok(())
    }

    /// After a write that has failed, makes the bytes zero again. After a sync that has failed
    /// nothing is known, and nothing more is written.
    fn settle(
        &mut self,
        number: u64,
        at: u64,
        length: u64,
        file: Option<&File>,
        written: Result<(), WriteError>,
    ) -> Result<(), Error> {
        let path = || segment_path(&self.directory.path, number);
        let error = match written {
            Ok(()) => return Ok(()),
            Err(WriteError::Sync(error)) => return Err(self.fail("syncing", number, error)),
            Err(WriteError::Write(error)) => error,
        };
        if let Err(error) = erase(file.unwrap_or(&self.segment.file), at, length) {
            return Err(self.fail("undoing a write that failed", number, error));
        }
        if is_full(&error) {
            Err(Error::Full { path: path(), needed: length, error })
        } else {
            Err(Error::io("write", &path())(error))
        }
    }

    fn fail(&mut self, action: &'static str, number: u64, error: io::Error) -> Error {
        let path = segment_path(&self.directory.path, number);
        let failure =
            Failure { action, path, errno: error.raw_os_error(), text: error.to_string() };
        self.failure.insert(failure).error()
    }
}

impl Options {
    fn next_size(&self, size: u64) -> u64 {
        size.saturating_mul(2).min(self.segment_bytes).max(SMALLEST_SEGMENT)
    }
}

impl Failure {
    fn error(&self) -> Error {
        let error = match self.errno {
            Some(errno) => io::Error::from_raw_os_error(errno),
            None => io::Error::other(self.text.clone()),
        };
        Error::Failed { action: self.action, path: self.path.clone(), error }
    }
}

enum WriteError {
    Write(io::Error),
    Sync(io::Error),
}

/// Writes a record after `front`, sets its chain, and syncs.
fn write(
    file: &File,
    at: u64,
    front: &[u8],
    record: &mut RecordHeader,
    previous: &Chain,
    payload: &[u8],
    durability: Durability,
) -> Result<(), WriteError> {
    let is_long = payload.len() >= LONG && durability == Durability::PowerLoss;
    let behind = at + (front.len() + RECORD_HEADER) as u64;
    let mut finish = || {
        let (end, count) = record_end(payload);
        record.chain = chain_of(previous, record.sequence, record.foreign_keys, payload);
        (record.encode(), end, count)
    };
    let written = if is_long {
        // The disk writes the payload while the chain is computed. Without its header, the record
        // counts as torn.
        write_early(file, behind, payload).and_then(|()| {
            let (header, end, count) = finish();
            write_all(file, behind + payload.len() as u64, &[&end[..count]])?;
            write_all(file, at, &[front, &header])
        })
    } else {
        let (header, end, count) = finish();
        write_all(file, at, &[front, &header, payload, &end[..count]])
    };
    written.map_err(WriteError::Write)?;
    match durability {
        Durability::PowerLoss => file.sync_data().map_err(WriteError::Sync),
        Durability::ProcessCrash => Ok(()),
    }
}

/// Writes piece by piece, and has the kernel begin to write each to the disk: whole pages, which
/// nothing changes later.
fn write_early(file: &File, mut at: u64, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let next = (at + PIECE).next_multiple_of(PAGE) - PAGE;
        let (piece, rest) = bytes.split_at(bytes.len().min((next - at) as usize));
        write_all(file, at, &[piece])?;
        let end = at + piece.len() as u64;
        start_writing(file, at.next_multiple_of(PAGE), end - end % PAGE);
        (at, bytes) = (end, rest);
    }
    Ok(())
}

/// This advice does it on Linux. It only saves time: the sync that follows waits for the disk.
#[cfg(target_os = "linux")]
fn start_writing(file: &File, from: u64, to: u64) {
    if let Some(length) = to.checked_sub(from).and_then(std::num::NonZeroU64::new) {
        let _ = rustix::fs::fadvise(file, from, Some(length), rustix::fs::Advice::DontNeed);
    }
}

#[cfg(not(target_os = "linux"))]
fn start_writing(_file: &File, _from: u64, _to: u64) {}

fn write_all(file: &File, mut at: u64, parts: &[&[u8]]) -> io::Result<()> {
    let mut slices = [IoSlice::new(&[]); 4];
    for (slice, part) in slices.iter_mut().zip(parts) {
        *slice = IoSlice::new(part);
    }
    let mut left = &mut slices[..parts.len()];
    // Goes beyond parts that are empty.
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        match rustix::io::pwritev(file, left, at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                at += count as u64;
                IoSlice::advance_slices(&mut left, count);
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Makes bytes zero, durably.
fn erase(file: &File, at: u64, length: u64) -> io::Result<()> {
    const ZEROS: [u8; 4096] = [0; 4096];
    let (mut at, end) = (at, at + length);
    while at < end {
        let count = (end - at).min(ZEROS.len() as u64);
        file.write_all_at(&ZEROS[..count as usize], at)?;
        at += count;
    }
    file.sync_data()
}

fn open_for_writing(path: &Path) -> Result<File, Error> {
    OpenOptions::new().read(true).write(true).open(path).map_err(Error::io("open", path))
}

/// Where a journal ends.
struct Found {
    cursor: Cursor,
    segment: Open,
    torn: Option<TornTail>,
    /// The size of the segment after it, which is zero.
    unused: Option<u64>,
}

fn check_numbers(path: &Path, numbers: &[u64]) -> Result<(), Error> {
    if numbers.is_empty() {
        return Err(Error::NoJournal { path: path.to_path_buf() });
    }
    match numbers.windows(2).find(|pair| pair[1] != pair[0].wrapping_add(1)) {
        Some(pair) => Err(missing(path, pair[0].wrapping_add(1))),
        None => Ok(()),
    }
}

fn missing(path: &Path, number: u64) -> Error {
    Error::damaged(&segment_path(path, number), 0, Fault::Missing)
}

/// The segments before the last one are read when their records are; here only their headers.
fn check_headers(path: &Path, numbers: impl Iterator<Item = u64>) -> Result<(), Error> {
    for number in numbers {
        match Segment::open(&segment_path(path, number), number)? {
            Content::Started(_) => {}
            Content::Unused | Content::Torn => return Err(missing(path, number)),
        }
    }
    Ok(())
}

/// Finds the last segment that has a record, or the first one, and removes what is torn.
fn find_last(path: &Path, numbers: &[u64]) -> Result<Found, Error> {
    let (mut torn, mut unused) = (None, None);
    for (index, &number) in numbers.iter().enumerate().rev() {
        let name = segment_path(path, number);
        let (offset, end) = match Segment::open(&name, number)? {
            Content::Unused => (0, 0),
            Content::Torn => (0, Window::open(&name)?.end_of_bytes(0)?),
            Content::Started(mut segment) => {
                let mut cursor = Cursor::before(&segment.header);
                let tail = segment.skip_records(&mut cursor)?;
                let end = match tail {
                    Tail::Clean => segment.at,
                    Tail::Torn { end } => end,
                };
                // A segment is begun together with its first record, except the journal's first.
                if cursor.previous.is_some() || index == 0 {
                    if torn.is_some() && tail != Tail::Clean {
                        return Err(Error::damaged(&name, segment.at, Fault::NotZero));
                    }
                    let file = open_for_writing(&name)?;
                    torn = torn.or(remove_torn(&file, &name, segment.at, end)?);
                    write_again(&file, &mut segment)?;
                    let Segment { header, at, .. } = segment;
                    let segment = Open { file, number, size: header.size, at };
                    return Ok(Found { cursor, segment, torn, unused });
                }
                (0, end)
            }
        };
        // A segment is prepared only once the one before it has a record.
        if index + 1 < numbers.len() {
            return Err(missing(path, number));
        }
        let file = open_for_writing(&name)?;
        torn = remove_torn(&file, &name, offset, end)?;
        unused = Some(file.metadata().map_err(Error::io("open", &name))?.len());
    }
    Err(missing(path, numbers[0]))
}

/// Makes the bytes of a record zero that was never acknowledged.
fn remove_torn(file: &File, path: &Path, offset: u64, end: u64) -> Result<Option<TornTail>, Error> {
    if end <= offset {
        return Ok(None);
    }
    erase(file, offset, end - offset).map_err(Error::io("repair", path))?;
    Ok(Some(TornTail { path: path.to_path_buf(), offset, length: end - offset }))
}

/// Makes the last record durable. The writer may have been killed before it could sync it, or the
/// sync has failed, and then the pages of the file are not what is on the disk, but count as if
/// they were: a sync without another write would do nothing.
fn write_again(file: &File, segment: &mut Segment) -> Result<(), Error> {
    let mut at = segment.last;
    while at < segment.at {
        let count = (segment.at - at).min(WINDOW as u64);
        let piece = segment.window.get(at, count as usize)?;
        let written = file.write_all_at(piece, at);
        written.map_err(Error::io("write", &segment.window.path))?;
        at += count;
    }
    file.sync_data().map_err(Error::io("sync", &segment.window.path))
}
