//! The files of a journal: names, lock, making segments, syncing, pruning.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::error::Error;
use crate::segment::{Content, Segment};

const SUFFIX: &str = ".segment";
const UNFINISHED: &str = ".segment.tmp";
const DIGITS: usize = 16;
static ZEROS: [u8; 1 << 17] = [0; 1 << 17];

/// The path of a segment.
pub fn segment_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:016x}{SUFFIX}"))
}

/// The numbers of the segments that are there, in order.
pub fn numbers(directory: &Path) -> Result<Vec<u64>, Error> {
    let mut numbers: Vec<u64> =
        names(directory)?.iter().filter_map(|name| number_of(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let is_ours = digits.len() == DIGITS
        && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    is_ours.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

fn names(directory: &Path) -> Result<Vec<String>, Error> {
    let listed = || -> io::Result<Vec<String>> {
        let entries = fs::read_dir(directory)?;
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    };
    listed().map_err(Error::io("list", directory))
}

/// The directory, locked for one writer.
pub struct Directory {
    pub path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Makes the directory, mode 0700, if it is not there. Removes what an interrupted writer has
    /// left of unfinished segments.
    pub fn lock(path: &Path, create: bool) -> Result<Self, Error> {
        if create && !path.exists() {
            make_directory(path)?;
        }
        let lock = lock(&path.join("lock"))?;
        for name in names(path)?.iter().filter(|name| name.ends_with(UNFINISHED)) {
            let unfinished = path.join(name);
            fs::remove_file(&unfinished).map_err(Error::io("remove", &unfinished))?;
        }
        Ok(Self { path: path.to_path_buf(), _lock: lock })
    }
}

fn make_directory(path: &Path) -> Result<(), Error> {
    DirBuilder::new().mode(0o700).create(path).map_err(Error::io("make", path))?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync_directory(parent.unwrap_or(Path::new(".")))
}

fn lock(path: &Path) -> Result<File, Error> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(Error::io("open", path))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            return Err(Error::Locked { path: path.to_path_buf(), pid: pid.trim().to_owned() });
        }
        Err(error) => return Err(Error::io("lock", path)(error.into())),
    }
    let write = |mut file: &File| {
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())
    };
    write(&file).map_err(Error::io("write", path))?;
    Ok(file)
}

/// Makes the names in a directory durable.
pub fn sync_directory(path: &Path) -> Result<(), Error> {
    let sync = || File::open(path)?.sync_all();
    sync().map_err(Error::io("sync", path))
}

/// Makes a segment of zeros. It and its name are durable on return.
///
/// The zeros are written and not only reserved, so that syncing a record later changes no metadata
/// and needs no room. `header` is what the segment begins with; it may be empty.
pub fn make_segment(
    directory: &Path,
    number: u64,
    size: u64,
    header: &[u8],
) -> Result<File, Error> {
    let unfinished = directory.join(format!("{number:016x}{UNFINISHED}"));
    let path = segment_path(directory, number);
    let make = || -> io::Result<File> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)?;
        reserve(&file, size)?;
        write_zeros(&file, size)?;
        file.write_all_at(header, 0)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        Ok(file)
    };
    let file = make().map_err(|error| {
        let _ = fs::remove_file(&unfinished);
        if is_full(&error) {
            Error::Full { path: directory.to_path_buf(), needed: size, error }
        } else {
            Error::io("make", &path)(error)
        }
    })?;
    sync_directory(directory)?;
    Ok(file)
}

/// Whether the file system, or the user's share of it, is full.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        || error.kind() == io::ErrorKind::FileTooLarge
}

/// Asks for room at once, so that a full disk is known before gigabytes are written, and the file's
/// blocks are close together.
#[cfg(target_os = "linux")]
fn reserve(file: &File, size: u64) -> io::Result<()> {
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, size) {
        // Not every file system can.
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(_file: &File, _size: u64) -> io::Result<()> {
    Ok(())
}

fn write_zeros(mut file: &File, size: u64) -> io::Result<()> {
    let mut left = size;
    while left > 0 {
        let count = left.min(ZEROS.len() as u64);
        file.write_all(&ZEROS[..count as usize])?;
        left -= count;
    }
    Ok(())
}

/// Removes the segments that hold only sets before `before`. Returns how many.
///
/// The last segment with a record stays, so that the journal can be opened. May run while a writer
/// appends; readers of what is removed fail.
pub fn prune(directory: &Path, before: u64) -> Result<usize, Error> {
    let numbers = numbers(directory)?;
    let mut removed = 0;
    for pair in numbers.windows(2) {
        if !begins_by(directory, pair[1], before)? {
            break;
        }
        let path = segment_path(directory, pair[0]);
        fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        removed += 1;
    }
    if removed > 0 {
        sync_directory(directory)?;
    }
    Ok(removed)
}

/// Whether a segment has a whole record, and begins at `before` or earlier.
fn begins_by(directory: &Path, number: u64, before: u64) -> Result<bool, Error> {
    match Segment::open(&segment_path(directory, number), number)? {
        Content::Started(mut segment) => {
            Ok(segment.header.sequence <= before && segment.has_record()?)
        }
        Content::Unused | Content::Torn => Ok(false),
    }
}
