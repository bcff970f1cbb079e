//! What can go wrong.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What is wrong with the bytes of a segment.
#[expect(missing_docs, reason = "each variant says what its fields are")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The file is shorter than its header says, or than a header.
    Cut { size: u64, expected: u64 },
    /// The file is longer than its header says.
    TooLong { size: u64, expected: u64 },
    /// The segment's header does not have its checksum.
    SegmentHeader,
    /// The segment's header is another segment's, or does not continue the segment before.
    SegmentOrder,
    /// The format is newer than this program.
    Version(u32),
    /// A segment between others is not there, or has no records.
    Missing,
    /// The record's header does not have its checksum.
    RecordHeader,
    /// The kind of record, or a flag, is newer than this program.
    Kind { kind: u8, flags: u8 },
    /// The record would reach beyond the segment's end.
    Length(u32),
    /// The payload does not have its checksum.
    Payload,
    /// The bytes between the payload and the record's end are not zero, or the end mark is wrong.
    End,
    /// The record is a copy of another one, or one before it is missing.
    Ordinal { found: u64, expected: u64 },
    /// The sequence neither continues nor replaces the last one.
    Sequence { found: u64, last: u64 },
    /// The record does not continue the history before it.
    Chain,
    /// There are bytes after the last record that no torn record explains.
    NotZero,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { size, expected } => {
                write!(f, "the file is cut: it has {size} of {expected} bytes")
            }
            Self::TooLong { size, expected } => {
                write!(f, "the file has {size} bytes, more than its {expected}")
            }
            Self::SegmentHeader => write!(f, "the segment's header is damaged"),
            Self::SegmentOrder => write!(f, "the segment does not continue the one before it"),
            Self::Version(version) => write!(
                f,
                "the format's version is {version}, newer than this clnwire; install a newer one"
            ),
            Self::Missing => write!(f, "the segment is missing or has no records"),
            Self::RecordHeader => write!(f, "a record's header is damaged"),
            Self::Kind { kind, flags } => write!(
                f,
                "a record has kind {kind} and flags {flags}, newer than this clnwire; install a newer one"
            ),
            Self::Length(length) => {
                write!(f, "a record of {length} bytes would reach beyond the segment's end")
            }
            Self::Payload => write!(f, "a record's payload is damaged"),
            Self::End => write!(f, "a record's end is damaged"),
            Self::Ordinal { found, expected } => {
                write!(f, "record {found} stands where record {expected} belongs")
            }
            Self::Sequence { found, last } => {
                write!(f, "set {found} stands after set {last}")
            }
            Self::Chain => write!(f, "a record does not continue the history before it"),
            Self::NotZero => write!(f, "there are bytes after the last record"),
        }
    }
}

/// Why a call has failed. Nothing has been changed, except as [`Error::Failed`] says.
#[expect(missing_docs, reason = "each variant says what its fields are")]
#[derive(Debug)]
pub enum Error {
    /// The operating system refuses. `action` is a verb, such as "open".
    Io { action: &'static str, path: PathBuf, error: io::Error },
    /// Another process, or another `Journal` of this one, has the journal open for writing.
    Locked { path: PathBuf, pid: String },
    /// There is a journal already where one is to be created.
    Exists { path: PathBuf },
    /// There is no journal.
    NoJournal { path: PathBuf },
    /// The journal begins later than asked: earlier segments have been removed.
    Pruned { path: PathBuf, after: u64, first: u64 },
    /// The bytes at `offset` are not what was written.
    Damaged { path: PathBuf, offset: u64, fault: Fault },
    /// There is no room for the record. Appending may succeed once there is.
    Full { path: PathBuf, needed: u64, error: io::Error },
    /// It is unknown what is on the disk. This journal does not write again; open it anew.
    Failed { action: &'static str, path: PathBuf, error: io::Error },
    /// The sequence neither continues nor replaces the last one.
    Sequence { found: u64, last: u64 },
    /// The payload has a byte that is zero, which JSON does not.
    ZeroByte { offset: u64 },
    /// The payload is longer than a record can be.
    TooLong { length: u64 },
    /// The journal has been closed.
    Closed,
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |error| Self::Io { action, path, error }
    }

    pub(crate) fn damaged(path: &Path, offset: u64, fault: Fault) -> Self {
        Self::Damaged { path: path.to_path_buf(), offset, fault }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, path, error } => {
                write!(f, "cannot {action} {}: {error}", path.display())
            }
            Self::Locked { path, pid } => write!(
                f,
                "{} is locked by process {pid}, which writes this journal; stop it first",
                path.display()
            ),
            Self::Exists { path } => {
                write!(f, "{} has a journal already; open it instead", path.display())
            }
            Self::NoJournal { path } => write!(f, "{} has no journal", path.display()),
            Self::Pruned { path, after, first } => write!(
                f,
                "the journal in {} begins with set {first}; the sets after {after} have been removed",
                path.display()
            ),
            Self::Damaged { path, offset, fault } => {
                write!(f, "{} is damaged at byte {offset}: {fault}", path.display())
            }
            Self::Full { path, needed, error } => write!(
                f,
                "no room for {needed} bytes in {}: {error}; make room, then the journal goes on",
                path.display()
            ),
            Self::Failed { action, path, error } => write!(
                f,
                "{} failed for {}: {error}; what is on the disk is unknown, so this journal writes nothing more. Check the disk, then restart",
                action,
                path.display()
            ),
            Self::Sequence { found, last } => write!(
                f,
                "set {found} cannot follow set {last}: the next is {} or replaces {last}",
                last.wrapping_add(1)
            ),
            Self::ZeroByte { offset } => {
                write!(f, "the payload's byte {offset} is zero, which JSON text does not contain")
            }
            Self::TooLong { length } => {
                write!(f, "a payload of {length} bytes is more than a record can hold")
            }
            Self::Closed => write!(f, "the journal is closed"),
        }
    }
}

impl std::error::Error for Error {}
