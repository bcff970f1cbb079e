//! What follows the last record: nothing, a torn record, or damage.
//!
//! A disk writes whole sectors of 512 bytes. So of a record that was being written when the power
//! failed, each sector is there or is as before, which is zero. A record's part of a sector is never
//! zero by itself: a record begins with its magic, its header ends in a checksum behind the kind, a
//! payload has no zero byte, and the record's last bytes are its end mark. So a record that misses a
//! part is torn, and a record that has all of its parts was whole, and is damaged.

use crate::error::{Error, Fault};
use crate::format::{RECORD_HEADER, RecordHeader, check_body};
use crate::window::{Window, is_zero};

/// What a disk writes whole.
const SECTOR: u64 = 512;

/// What follows the last record, if it is not damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Zeros.
    Clean,
    /// A record that was being written; its bytes end at `end`.
    Torn { end: u64 },
}

/// Judges the bytes from `at`, where no whole record begins.
pub fn judge(window: &mut Window, at: u64) -> Result<Tail, Error> {
    let Some(first) = window.first_not_zero(at)? else {
        return Ok(Tail::Clean);
    };
    let end = window.end_of_bytes(first)?;
    let damaged = |window: &Window, offset, fault| Err(Error::damaged(&window.path, offset, fault));
    if at + RECORD_HEADER as u64 > window.size() {
        return damaged(window, first, Fault::NotZero);
    }
    let header = read_header(window, at)?;
    if follows_record(window, at + 8, end)? {
        let fault = match header {
            Ok(_) => Fault::Payload,
            Err(fault) => fault,
        };
        return damaged(window, at, fault);
    }
    if misses_part(window, at, at + RECORD_HEADER as u64)? {
        return Ok(Tail::Torn { end });
    }
    let header = match header {
        Ok(header) => header,
        Err(fault) => return damaged(window, at, fault),
    };
    let whole = at + header.total();
    if whole > window.size() {
        return damaged(window, at, Fault::Length(header.length));
    }
    if end > whole {
        let beyond = window.first_not_zero(whole)?.unwrap_or(whole);
        return damaged(window, beyond, Fault::NotZero);
    }
    if misses_part(window, at, whole)? {
        return Ok(Tail::Torn { end });
    }
    let body = window.get(at + RECORD_HEADER as u64, header.total() as usize - RECORD_HEADER)?;
    let fault = check_body(header.length as usize, body).err().unwrap_or(Fault::Payload);
    damaged(window, at, fault)
}

/// Reads the header of a record; the inner error is why it is none.
pub fn read_header(window: &mut Window, at: u64) -> Result<Result<RecordHeader, Fault>, Error> {
    let mut bytes = [0; RECORD_HEADER];
    bytes.copy_from_slice(window.get(at, RECORD_HEADER)?);
    Ok(RecordHeader::decode(&bytes))
}

/// Whether a record's header begins anywhere in these bytes. A payload contains none: it has no
/// zero byte, and a header has some.
pub fn follows_record(window: &mut Window, from: u64, end: u64) -> Result<bool, Error> {
    let mut at = from;
    while at + RECORD_HEADER as u64 <= end {
        let may_begin = RecordHeader::may_begin(window.get(at, 8)?);
        if may_begin && !matches!(read_header(window, at)?, Err(Fault::RecordHeader)) {
            return Ok(true);
        }
        at += 8;
    }
    Ok(false)
}

/// Whether the part of a sector from `from` to `to` is zero.
fn misses_part(window: &mut Window, from: u64, to: u64) -> Result<bool, Error> {
    let mut at = from;
    while at < to {
        let next = to.min((at / SECTOR + 1) * SECTOR);
        if is_zero(window.get(at, (next - at) as usize)?) {
            return Ok(true);
        }
        at = next;
    }
    Ok(false)
}
