//! Encodes replies, calls and notifications as bytes.
//!
//! It gathers many messages for one write, and does no I/O: its owner writes [`Outbox::pending`]
//! and reports the number of bytes written with [`Outbox::advance`], so a short write loses and
//! repeats nothing.

use crate::text;

/// An empty buffer is kept up to this size, in bytes; a larger one is freed.
const RETAINED_BYTES: usize = 4 << 20;

/// An upper bound of a message's size in bytes, without its params or result, id and method.
const FRAME_BYTES: usize = 256;

/// Messages waiting to be written.
///
/// Tokens, results and params are copied unchecked: they must be JSON.
#[derive(Debug, Default)]
pub struct Outbox {
    buffer: Vec<u8>,
    written: usize,
}

impl Outbox {
    /// An empty outbox.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reserves room for a message of about this many bytes. Returns whether there is memory for
    /// it; if not, adding the message would abort the process.
    #[must_use]
    pub fn reserve(&mut self, bytes: usize) -> bool {
        self.buffer.try_reserve(bytes.saturating_add(FRAME_BYTES)).is_ok()
            || self.buffer.try_reserve_exact(bytes.saturating_add(FRAME_BYTES)).is_ok()
    }

    /// Answers a request with a result.
    pub fn reply(&mut self, token: &[u8], result: &[u8]) {
        self.start(token);
        self.put(b",\"result\":");
        self.put(result);
        self.end();
    }

    /// Answers a request with an error; `data` is JSON.
    pub fn error(&mut self, token: &[u8], code: i64, message: &str, data: Option<&[u8]>) {
        self.start(token);
        self.put(b",\"error\":{\"code\":");
        self.put(code.to_string().as_bytes());
        self.put(b",\"message\":");
        text::encode(message, &mut self.buffer);
        if let Some(data) = data {
            self.put(b",\"data\":");
            self.put(data);
        }
        self.put(b"}");
        self.end();
    }

    /// Calls a method.
    pub fn request(&mut self, token: &[u8], method: &str, params: &[u8]) {
        self.start(token);
        self.call(method, params);
    }

    /// Sends a notification.
    pub fn notification(&mut self, method: &str, params: &[u8]) {
        self.begin();
        self.call(method, params);
    }

    /// Adds a message as it is, with what separates it from the next one.
    pub fn message(&mut self, message: &[u8]) {
        self.buffer.extend_from_slice(message);
    }

    /// The bytes waiting to be written.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        &self.buffer[self.written..]
    }

    /// Whether nothing is waiting.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.written == self.buffer.len()
    }

    /// Records that the first `count` pending bytes were written.
    ///
    /// # Panics
    ///
    /// If fewer bytes are pending.
    pub fn advance(&mut self, count: usize) {
        assert!(count <= self.pending().len(), "more was written than waited");
        self.written += count;
        if self.is_empty() {
            self.clear();
        }
    }

    /// Drops all pending bytes.
    pub fn clear(&mut self) {
        self.written = 0;
        self.buffer.clear();
        if self.buffer.capacity() > RETAINED_BYTES {
            self.buffer = Vec::new();
        }
    }

    fn start(&mut self, token: &[u8]) {
        self.begin();
        self.put(b",\"id\":");
        self.put(token);
    }

    fn begin(&mut self) {
        self.forget_written();
        self.put(b"{\"jsonrpc\":\"2.0\"");
    }

    /// Removes what was written; otherwise the buffer would grow for ever with a reader that is
    /// always a little behind. It moves at most as many bytes as were written since the last time,
    /// so the cost is linear.
    fn forget_written(&mut self) {
        if self.written >= self.pending().len() {
            self.buffer.drain(..self.written);
            self.written = 0;
        }
    }

    fn call(&mut self, method: &str, params: &[u8]) {
        self.put(b",\"method\":");
        text::encode(method, &mut self.buffer);
        self.put(b",\"params\":");
        self.put(params);
        self.end();
    }

    fn end(&mut self) {
        self.put(b"}\n\n");
    }

    fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }
}
