//! Bytes in, whole JSON values out.
//!
//! A message ends where its JSON value ends. The blank line that lightningd puts behind it is no
//! delimiter: a forwarded call carries the caller's own white space, blank lines included.
//! A message that is not JSON ends where lightningd's own parser ends it, and is lost alone.
//!
//! Complexity: each byte is scanned once, however the bytes are cut, and moved a constant number
//! of times on average. In a steady state nothing is allocated: a frame is lent from the buffer.

use crate::envelope::Envelope;
use crate::error::{Malformed, Reason};
use crate::frame::Frame;
use crate::lax::Lax;
use crate::limits::Limits;
use crate::scanner::{Fault, Scanner, is_space};

/// How much room [`Framer::space`] offers at least, in bytes: what a pipe holds on Linux.
pub const READ_BYTES: usize = 64 << 10;

/// A buffer that grew for a large frame is kept up to this size, in bytes, for the next one.
const RETAINED_BYTES: usize = 4 << 20;

/// Cuts a stream of bytes into frames.
///
/// Feed it bytes, take frames until there is none, and start over; an empty feed is the stream's
/// end.
#[derive(Debug)]
pub struct Framer {
    /// Always as long as its capacity is used, so that a reader can be lent the room behind
    /// `filled` without uninitialised memory.
    buffer: Vec<u8>,
    /// How much of the buffer holds bytes of the stream.
    filled: usize,
    /// Where the next frame starts in the buffer.
    start: usize,
    /// How many bytes of the stream came before the buffer's first.
    discarded: u64,
    /// The bytes of the frame that was lent last; they go at the next call.
    lent: usize,
    scanner: Scanner,
    envelope: Envelope,
    limits: Limits,
    ended: bool,
    /// The frame at `start` is not JSON, or exceeds a limit.
    fault: Option<Fault>,
    /// Looks for the end of a frame with a fault.
    lax: Lax,
    /// How many bytes of that frame were let go behind what the limit allows to keep.
    dropped: usize,
    failed: Option<Malformed>,
}

impl Framer {
    /// A framer at the start of a stream.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
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

    /// Takes bytes of the stream; none at all is its end.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !self.make_room(bytes.len()) {
            return;
        }
        self.buffer[self.filled..self.filled + bytes.len()].copy_from_slice(bytes);
        self.commit(bytes.len());
    }

    /// Room to read bytes into, at least [`READ_BYTES`] of it; tell with [`Framer::commit`] how
    /// many came. Without memory for that it may be less, or empty, and the stream has failed.
    pub fn space(&mut self) -> &mut [u8] {
        self.make_room(READ_BYTES);
        &mut self.buffer[self.filled..]
    }

    /// Takes the first `count` bytes of the room given by [`Framer::space`] as bytes of the
    /// stream; 0 is its end.
    ///
    /// # Panics
    ///
    /// If `count` is more than the room.
    pub fn commit(&mut self, count: usize) {
        assert!(count <= self.buffer.len() - self.filled, "committed more than there was room for");
        self.ended |= count == 0;
        // An error is final, so nothing is kept behind it.
        if self.failed.is_none() {
            self.filled += count;
        }
    }

    /// The next whole frame, or nothing if more bytes are needed first. A frame that is not JSON, or
    /// beyond a limit, has a [`Frame::fault`], and those behind it come as ever.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the stream has ended inside a frame. It is final: every later call gives
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

    /// How many bytes were taken that no frame has been given for.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.filled - self.start - self.lent
    }

    /// What is wrong with the message whose end has not come yet, if that is known already.
    #[must_use]
    pub fn pending_fault(&self) -> Option<Malformed> {
        let fault = self.fault.filter(|_| self.lent == 0)?;
        Some(fault.after(self.discarded + self.start as u64))
    }

    /// The same, if lightningd refuses that message as well, however it goes on.
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
        // One byte more than the cap, so that a frame of exactly that size can be seen to end.
        // With this window the outcome does not depend on how the bytes were cut.
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

    /// The same for a frame with a fault. Of one that is too large, what is beyond the limit is let
    /// go.
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
            // A blank line may stand on either side of the limit.
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

    /// Releases the frame that was lent, and the memory that a large one took. Every other call does
    /// so first; this one is for callers that keep a copy and may not call again soon.
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

    /// Starts the buffer over, as nothing in it is needed.
    fn rewind(&mut self) {
        self.discarded += self.filled as u64;
        self.start = 0;
        self.filled = 0;
        if self.buffer.len() > RETAINED_BYTES {
            self.buffer = Vec::new();
        }
    }

    /// Sees to it that `wanted` bytes fit behind `filled`. What is moved is never more than what
    /// has been consumed since the last move, and the vector's capacity doubles: linear in all.
    /// Only what is needed of the capacity is touched, so that a large frame takes its own size of
    /// memory and not twice that.
    /// Returns whether there is room; without memory for it the stream has failed.
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
        // A peer chooses how long a frame is: that must not abort the process.
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

/// Whether it is UTF-8, up to a character that its end may cut through.
#[cold]
fn is_text(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}
