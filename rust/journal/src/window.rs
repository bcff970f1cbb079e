//! Reads a segment piece by piece.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Fault};

/// How many bytes are read at once, unless a record is longer.
pub const WINDOW: usize = 1 << 20;

/// A file of which a part is in memory.
pub struct Window {
    pub path: PathBuf,
    file: File,
    size: u64,
    buffer: Vec<u8>,
    start: u64,
}

impl Window {
    pub fn open(path: &Path) -> Result<Self, Error> {
        let open = || -> io::Result<(File, u64)> {
            let file = File::open(path)?;
            let size = file.metadata()?.len();
            Ok((file, size))
        };
        let (file, size) = open().map_err(Error::io("open", path))?;
        Ok(Self { path: path.to_path_buf(), file, size, buffer: Vec::new(), start: 0 })
    }

    /// The file's size when it was opened.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bytes from `offset`, which must be within the file's size.
    pub fn get(&mut self, offset: u64, length: usize) -> Result<&[u8], Error> {
        let end = offset + length as u64;
        if offset < self.start || end > self.start + self.buffer.len() as u64 {
            self.fill(offset, length)?;
        }
        let from = (offset - self.start) as usize;
        Ok(&self.buffer[from..from + length])
    }

    fn fill(&mut self, offset: u64, length: usize) -> Result<(), Error> {
        let left = self.size.saturating_sub(offset);
        let count = left.min(length.max(WINDOW) as u64) as usize;
        if self.buffer.capacity() > 2 * WINDOW && count <= WINDOW {
            self.buffer = Vec::new();
        }
        self.buffer.resize(count, 0);
        self.start = offset;
        let read = self.file.read_exact_at(&mut self.buffer, offset);
        let failure = match read {
            Ok(()) if count >= length => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                Error::io("read", &self.path)(error)
            }
            _ => {
                let fault = Fault::Cut { size: offset + count as u64, expected: self.size };
                Error::damaged(&self.path, offset, fault)
            }
        };
        self.forget();
        Err(failure)
    }

    /// Reads anew what is asked for next, since a writer may have changed it.
    pub fn forget(&mut self) {
        self.buffer.clear();
        self.start = 0;
    }

    /// The first byte that is not zero, from `from` on.
    pub fn first_not_zero(&mut self, from: u64) -> Result<Option<u64>, Error> {
        let mut at = from;
        while at < self.size {
            let count = (self.size - at).min(WINDOW as u64) as usize;
            let piece = self.get(at, count)?;
            if !is_zero(piece) {
                return Ok(piece.iter().position(|&byte| byte != 0).map(|index| at + index as u64));
            }
            at += count as u64;
        }
        Ok(None)
    }

    /// The end of the bytes that are not zero; at least `from`.
    pub fn end_of_bytes(&mut self, from: u64) -> Result<u64, Error> {
        let (mut at, mut end) = (from, from);
        while at < self.size {
            let count = (self.size - at).min(WINDOW as u64) as usize;
            let piece = self.get(at, count)?;
            if !is_zero(piece)
                && let Some(index) = piece.iter().rposition(|&byte| byte != 0)
            {
                end = at + index as u64 + 1;
            }
            at += count as u64;
        }
        Ok(end)
    }
}

/// Whether all bytes are zero.
pub fn is_zero(bytes: &[u8]) -> bool {
    const ZEROS: [u8; 4096] = [0; 4096];
    bytes.chunks(ZEROS.len()).all(|chunk| chunk == &ZEROS[..chunk.len()])
}
