//! The bytes of segments' headers and of records. All integers are little-endian.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::{Error, Fault};

/// The value of the chain after a set: BLAKE3.
pub type Chain = [u8; 32];

const SEGMENT_MAGIC: [u8; 8] = *b"CLNWJRNL";
const RECORD_MAGIC: [u8; 4] = *b"SET\xb1";
const END_MAGIC: [u8; 4] = *b"END\xb1";
const FORMAT: u32 = 1;
const SET: u8 = 1;
const FOREIGN_KEYS: u8 = 1;

pub const SEGMENT_HEADER: usize = 80;
pub const RECORD_HEADER: usize = 72;
pub const RECORD_END: usize = 8;

/// The longest payload of a record.
pub const MAX_PAYLOAD_BYTES: usize = u32::MAX as usize - 4096;

/// The chain after a set. It depends on all sets before.
///
/// The payload comes first, so that its chunks are hashed where they lie, several at a time: this
/// takes half the time of having it after the 41 bytes.
pub fn chain_of(previous: &Chain, sequence: u64, foreign_keys: bool, payload: &[u8]) -> Chain {
    let mut suffix = [0; 41];
    suffix[..32].copy_from_slice(previous);
    suffix[32..40].copy_from_slice(&sequence.to_le_bytes());
    suffix[40] = u8::from(foreign_keys);
    let mut hasher = blake3::Hasher::new();
    hasher.update(payload).update(&suffix);
    *hasher.finalize().as_bytes()
}

/// BLAKE3 of a file.
pub fn digest_of_file(path: &Path) -> Result<Chain, Error> {
    let digest = || -> io::Result<Chain> {
        let mut file = File::open(path)?;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; 1 << 18];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(*hasher.finalize().as_bytes()),
                Ok(count) => hasher.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
        }
    };
    digest().map_err(Error::io("read", path))
}

/// What a segment begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Counts the segments, from 1. The file's name.
    pub number: u64,
    /// The file's size in bytes.
    pub size: u64,
    /// The ordinal of the first record.
    pub ordinal: u64,
    /// The sequence of the first record.
    pub sequence: u64,
    /// The chain before that sequence.
    pub chain: Chain,
}

impl SegmentHeader {
    pub fn encode(&self) -> [u8; SEGMENT_HEADER] {
        let mut bytes = [0; SEGMENT_HEADER];
        bytes[..8].copy_from_slice(&SEGMENT_MAGIC);
        bytes[8..16].copy_from_slice(&self.number.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.size.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.ordinal.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[40..72].copy_from_slice(&self.chain);
        bytes[72..76].copy_from_slice(&FORMAT.to_le_bytes());
        let checksum = crc32c::crc32c(&bytes[..76]);
        bytes[76..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub fn decode(bytes: &[u8; SEGMENT_HEADER]) -> Result<Self, Fault> {
        if bytes[..8] != SEGMENT_MAGIC || crc32c::crc32c(&bytes[..76]) != u32_at(bytes, 76) {
            return Err(Fault::SegmentHeader);
        }
        match u32_at(bytes, 72) {
            FORMAT => Ok(Self {
                number: u64_at(bytes, 8),
                size: u64_at(bytes, 16),
                ordinal: u64_at(bytes, 24),
                sequence: u64_at(bytes, 32),
                chain: chain_at(bytes, 40),
            }),
            version => Err(Fault::Version(version)),
        }
    }
}

/// What a record begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// The payload's length in bytes.
    pub length: u32,
    /// Counts the records of the journal, from 1, replaced ones too.
    pub ordinal: u64,
    pub sequence: u64,
    pub epoch: u64,
    pub foreign_keys: bool,
    /// The chain after this set.
    pub chain: Chain,
}

impl RecordHeader {
    pub fn encode(&self) -> [u8; RECORD_HEADER] {
        let mut bytes = [0; RECORD_HEADER];
        bytes[..4].copy_from_slice(&RECORD_MAGIC);
        bytes[4..8].copy_from_slice(&self.length.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.ordinal.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[32..64].copy_from_slice(&self.chain);
        bytes[64] = SET;
        bytes[65] = if self.foreign_keys { FOREIGN_KEYS } else { 0 };
        let checksum = crc32c::crc32c(&bytes[..68]);
        bytes[68..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Whether these may be a record's first bytes.
    pub fn may_begin(bytes: &[u8]) -> bool {
        bytes.starts_with(&RECORD_MAGIC)
    }

    pub fn decode(bytes: &[u8; RECORD_HEADER]) -> Result<Self, Fault> {
        if !Self::may_begin(bytes) || crc32c::crc32c(&bytes[..68]) != u32_at(bytes, 68) {
            return Err(Fault::RecordHeader);
        }
        let (kind, flags) = (bytes[64], bytes[65]);
        if kind != SET || flags & !FOREIGN_KEYS != 0 || bytes[66..68] != [0, 0] {
            return Err(Fault::Kind { kind, flags });
        }
        Ok(Self {
            length: u32_at(bytes, 4),
            ordinal: u64_at(bytes, 8),
            sequence: u64_at(bytes, 16),
            epoch: u64_at(bytes, 24),
            foreign_keys: flags == FOREIGN_KEYS,
            chain: chain_at(bytes, 32),
        })
    }

    /// The record's length with header, padding and end, a multiple of 8.
    pub fn total(&self) -> u64 {
        total_of(self.length as usize) as u64
    }
}

/// The length of the record of a payload.
pub fn total_of(length: usize) -> usize {
    RECORD_HEADER + length + padding_of(length) + RECORD_END
}

/// The zeros between a payload and the record's end.
pub fn padding_of(length: usize) -> usize {
    length.wrapping_neg() % 8
}

/// What follows a payload: its padding and the record's end, `padding_of + RECORD_END` bytes of it.
pub fn record_end(payload: &[u8]) -> ([u8; 15], usize) {
    let padding = padding_of(payload.len());
    let mut bytes = [0; 15];
    bytes[padding..padding + 4].copy_from_slice(&crc32c::crc32c(payload).to_le_bytes());
    bytes[padding + 4..padding + 8].copy_from_slice(&END_MAGIC);
    (bytes, padding + RECORD_END)
}

/// Checks what follows the header of a record: payload, padding and end.
pub fn check_body(length: usize, body: &[u8]) -> Result<(), Fault> {
    let (payload, end) = body.split_at(length);
    let (expected, count) = record_end(payload);
    if end == &expected[..count] {
        Ok(())
    } else if end.len() == count
        && end[..count - 8] == expected[..count - 8]
        && end[count - 4..] == END_MAGIC
    {
        Err(Fault::Payload)
    } else {
        Err(Fault::End)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

fn chain_at(bytes: &[u8], at: usize) -> Chain {
    let mut chain = [0; 32];
    chain.copy_from_slice(&bytes[at..at + 32]);
    chain
}
