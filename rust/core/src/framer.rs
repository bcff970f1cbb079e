//! Bytes in, whole JSON values out.
//!
//! A message ends where its JSON value ends. The blank line that lightningd writes after it is no
//! delimiter, because a forwarded call carries the caller's own white space, blank lines included.
//! A message that is not JSON ends where lightningd's own parser ends it; only that message is
//! lost.
//!
//! Complexity: each byte is scanned once, however the bytes are split, and moved a constant number
//! of times on average. In the steady state nothing is allocated: a frame borrows from the buffer.

use crate::envelope::Envelope;
use crate::error::{Malformed, Reason};
use crate::frame::Frame;
use crate::lax::Lax;
use crate::limits::Limits;
use crate::scanner::{Fault, Scanner, is_space};

/// The least room that [`Framer::space`] offers, in bytes: the capacity of a pipe on Linux.
pub const READ_BYTES: usize = 64 << 10;

/// An empty buffer is kept up to this size, in bytes; a larger one is freed.
const RETAINED_BYTES: usize = 4 << 20;

/// Cuts a stream of bytes into frames.
///
/// Feed it bytes, take frames until there is none, and repeat. An empty feed is the stream's end.
#[derive(Debug)]
pub struct Framer {
    /// Its length includes the room after `filled`, so that a reader can borrow that room without
    /// uninitialised memory.
    buffer: Vec<u8>,
    /// The number of bytes of the stream in the buffer.
    filled: usize,
    /// Where the next frame starts in the buffer.
    start: usize,
    /// The number of bytes of the stream before the buffer's first.
    discarded: u64,
    /// The length of the frame that was lent last; the next call drops it.
    lent: usize,
    scanner: Scanner,
    envelope: Envelope,
    limits: Limits,
    ended: bool,
    /// Why the frame at `start` is not JSON, or which limit it exceeds.
    fault: Option<Fault>,
    /// Finds the end of a frame with a fault.
    lax: Lax,
    /// The number of bytes of that frame that were dropped, since they are beyond the limit.
    dropped: usize,
    failed: Option<Malformed>,
}

impl Framer {
    /// A framer at the start of a stream.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        // A frame without a byte would be lent again for ever.
        let limits = Limits { max_frame_bytes: limits.max_frame_bytes.max(1), ..limits };
        Self {
            buffer: Vec::new(),
            filled: 0,
            start: 0,
            discarded: 0,
            lent: 0,
            scanner: Scanner::new(limits.max_depth),
            envelope: Envelope::default(),
            limits,
            ended: false,
            fault: None,
            lax: Lax::new(limits.max_depth),
            dropped: 0,
            failed: None,
        }
    }

    /// Takes bytes of the stream; an empty slice is its end.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !self.make_room(bytes.len()) {
            return;
        }
        self.buffer[self.filled..self.filled + bytes.len()].copy_from_slice(bytes);
        self.commit(bytes.len());
    }

    /// Room to read bytes into, at least [`READ_BYTES`]; then call [`Framer::commit`] with the
    /// number of bytes read. If memory is short, the room may be smaller or empty, and the stream
    /// has failed.
    pub fn space(&mut self) -> &mut [u8] {
        self.make_room(READ_BYTES);
        &mut self.buffer[self.filled..]
    }

    /// Takes the first `count` bytes of the room given by [`Framer::space`] as bytes of the
    /// stream; 0 is its end.
    ///
    /// # Panics
    ///
    /// If `count` exceeds the room.
    pub fn commit(&mut self, count: usize) {
        assert!(count <= self.buffer.len() - self.filled, "committed more than there was room for");
        self.ended |= count == 0;
        // An error is final, so nothing is kept after it.
        if self.failed.is_none() {
            self.filled += count;
        }
    }

    /// The next whole frame; `None` if more bytes are needed first. A frame that is not JSON or
    /// exceeds a limit has a [`Frame::fault`]; the frames after it are not affected.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the stream has ended inside a frame. It is final: every later call returns
    /// the same error.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, Malformed> {
        self.release();
        match self.locate() {
            Ok(None) => Ok(None),
            Ok(Some(length)) => Ok(Some(self.lend(length))),
            Err(error) => {
                self.failed = Some(error);
                Err(error)
            }
        }
    }

    /// The number of bytes taken that are in no frame returned so far.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.filled - self.start - self.lent
    }

    /// The fault of the message whose end has not come yet, if one is known.
    #[must_use]
    pub fn pending_fault(&self) -> Option<Malformed> {
        let fault = self.fault.filter(|_| self.lent == 0)?;
        Some(fault.after(self.discarded + self.start as u64))
    }

    /// As [`Framer::pending_fault`], but only if lightningd refuses that message too, whatever
    /// follows.
    #[must_use]
    pub fn refused(&self) -> Option<Malformed> {
        self.pending_fault().filter(|_| self.lax.is_refused())
    }

    /// Whether the stream has ended.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// The length of the frame at `start`, once it is whole.
    fn locate(&mut self) -> Result<Option<usize>, Malformed> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if let Some(fault) = self.fault {
            return self.locate_laxly(fault);
        }
        if self.scanner.position() == 0 {
            self.skip_space();
        }
        if self.start == self.filled {
            return Ok(None);
        }
        // One byte more than the limit, so that the end of a frame of exactly that size is seen.
        // With this window the outcome does not depend on how the bytes were split.
        let cap = self.limits.max_frame_bytes;
        let available = self.filled - self.start;
        let window = &self.buffer[self.start..self.start + available.min(cap.saturating_add(1))];
        let mut end = self.scanner.scan(window, &mut self.envelope);
        if self.ended && available <= cap && end == Ok(None) {
            end = self.scanner.finish(window, &mut self.envelope).map(Some);
        }
        let fault = match end {
            Ok(Some(length)) if length <= cap => return Ok(Some(length)),
            Ok(None) if available <= cap => return Ok(None),
            Ok(_) => Fault { reason: Reason::FrameTooLarge(cap), at: cap },
            Err(fault) => fault,
        };
        self.fault = Some(fault);
        self.envelope.clear();
        self.locate_laxly(fault)
    }

    /// As [`Self::locate`], for a frame with a fault. Drops what is beyond the size limit.
    #[cold]
    fn locate_laxly(&mut self, fault: Fault) -> Result<Option<usize>, Malformed> {
        let kept = self.start + self.limits.max_frame_bytes.min(self.filled - self.start);
        let frame = &self.buffer[self.start..kept];
        let mut end = None;
        if self.lax.position() < frame.len() {
            end = self.lax.scan(frame, 0, &mut self.envelope);
        }
        if end.is_none() && kept < self.filled {
            let before = self.lax.position();
            end = self.lax.scan(&self.buffer[kept..self.filled], before, &mut self.envelope);
            // The blank line that ends the frame may be before or after the limit.
            let seen = end.unwrap_or(self.lax.position()).saturating_sub(before);
            self.buffer.copy_within(kept + seen..self.filled, kept);
            self.filled -= seen;
            self.dropped += seen;
        }
        match end {
            Some(end) => {
                let frame = &self.buffer[self.start..self.start + end.min(kept - self.start)];
                let length = frame.len() - frame.iter().rev().take_while(|b| is_space(**b)).count();
                self.envelope.cut_at(length);
                Ok(Some(length))
            }
            None if self.ended => Err(fault.after(self.discarded + self.start as u64)),
            None => Ok(None),
        }
    }

    fn lend(&mut self, length: usize) -> Frame<'_> {
        self.lent = length;
        let offset = self.discarded + self.start as u64;
        let bytes = &self.buffer[self.start..self.start + length];
        Frame {
            bytes,
            envelope: &self.envelope,
            offset,
            fault: self.fault.map(|fault| fault.after(offset)),
            is_refused: self.fault.is_some() && (self.lax.is_refused() || !is_text(bytes)),
            is_plain: self.scanner.is_plain(),
        }
    }

    /// Drops the frame that was lent, and frees the memory of a large one. The other methods do so
    /// first; call this one if the next call may come late.
    pub fn release(&mut self) {
        if self.lent > 0 {
            self.start += self.lent;
            self.lent = 0;
            self.scanner.reset();
            self.envelope.clear();
            if self.fault.is_some() {
                self.forget_fault();
            }
        }
        if self.start == self.filled {
            self.rewind();
        }
    }

    #[cold]
    fn forget_fault(&mut self) {
        self.fault = None;
        self.lax.reset();
        self.discarded += self.dropped as u64;
        self.dropped = 0;
    }

    fn skip_space(&mut self) {
        let rest = &self.buffer[self.start..self.filled];
        self.start += rest.iter().position(|&byte| !is_space(byte)).unwrap_or(rest.len());
        if self.start == self.filled {
            self.rewind();
        }
    }

    /// Restarts at the beginning of the buffer; nothing in it is needed.
    fn rewind(&mut self) {
        self.discarded += self.filled as u64;
        self.start = 0;
        self.filled = 0;
        if self.buffer.len() > RETAINED_BYTES {
            self.buffer = Vec::new();
        }
    }

    /// Makes room for `wanted` bytes after `filled`. Returns whether there is room; if memory is
    /// short, the stream has failed.
    ///
    /// A move copies no more than was consumed since the last one, and the vector's capacity
    /// doubles, so the cost is linear. Only the needed part of the capacity is touched: a large
    /// frame takes its own size of memory, not twice that.
    fn make_room(&mut self, wanted: usize) -> bool {
        self.release();
        if self.buffer.len() - self.filled >= wanted {
            return true;
        }
        let unread = self.filled - self.start;
        if self.start >= unread {
            self.buffer.copy_within(self.start..self.filled, 0);
            self.discarded += self.start as u64;
            self.start = 0;
            self.filled = unread;
        }
        let needed = self.filled + wanted;
        let more = needed.saturating_sub(self.buffer.len());
        if more == 0 {
            return true;
        }
        // The peer chooses a frame's length, so a failed allocation must not abort the process.
        if self.buffer.try_reserve(more).is_err() && self.buffer.try_reserve_exact(more).is_err() {
            let reason = Reason::OutOfMemory(needed - self.start);
            let offset = self.discarded + self.start as u64;
            self.failed.get_or_insert(Malformed { reason, offset });
            return false;
        }
        self.buffer.resize(needed, 0);
        true
    }
}

/// Whether the bytes are UTF-8; the last character may be cut off.
#[cold]
fn is_text(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}
