//! Integer keys for the peer's id tokens.
//!
//! A token is an id's exact text: `"a/cln:x#1"`, `7`, `-0`, `1e2`, `null`. It is returned byte for
//! byte, since lightningd drops a reply whose id it does not recognise. The same type serves
//! incoming requests, outgoing calls, and calls that a host forwards.
//!
//! Complexity: O(1) for each call. In the steady state nothing is allocated: the memory of answered
//! tokens is reused.

use std::error::Error;
use std::fmt;

use rustc_hash::FxHashMap;

/// The number of answered tokens' buffers that are kept for reuse.
const SPARE_BUFFERS: usize = 1024;

/// The largest buffer that is kept, in bytes. The peer chooses the ids, and a few long ones must
/// not hold memory for ever.
const SPARE_BUFFER_BYTES: usize = 1024;

/// An id that cannot be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdError {
    /// The request has been answered before.
    AlreadyAnswered(u64),
    /// No request was ever given this key.
    Unknown(u64),
}

impl fmt::Display for IdError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyAnswered(key) => {
                write!(out, "request {key} is answered already; each is answered exactly once")
            }
            Self::Unknown(key) => write!(out, "there never was a request {key}"),
        }
    }
}

impl Error for IdError {}

/// The requests that wait for an answer.
#[derive(Debug, Default)]
pub struct IdMap {
    issued: u64,
    waiting: FxHashMap<u64, Vec<u8>>,
    answered: Vec<u8>,
    spare: Vec<Vec<u8>>,
}

impl IdMap {
    /// An empty map; its keys start at 1.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores a token and returns its key. Keys grow by one and are never reused.
    pub fn insert(&mut self, token: &[u8]) -> u64 {
        self.issued += 1;
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(token);
        self.waiting.insert(self.issued, buffer);
        self.issued
    }

    /// The token of a waiting request.
    ///
    /// # Errors
    ///
    /// [`IdError`] if the request was answered, or never existed.
    pub fn token(&self, key: u64) -> Result<&[u8], IdError> {
        self.waiting.get(&key).map(Vec::as_slice).ok_or_else(|| self.missing(key))
    }

    /// Removes and returns the token, to answer the request.
    ///
    /// # Errors
    ///
    /// [`IdError`] if the request was answered, or never existed.
    pub fn take(&mut self, key: u64) -> Result<&[u8], IdError> {
        let token = self.waiting.remove(&key).ok_or_else(|| self.missing(key))?;
        let used = std::mem::replace(&mut self.answered, token);
        if self.spare.len() < SPARE_BUFFERS && used.capacity() <= SPARE_BUFFER_BYTES {
            self.spare.push(used);
        }
        Ok(&self.answered)
    }

    /// The number of requests that are not answered yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether all requests are answered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The keys of the requests that wait, oldest first.
    #[must_use]
    pub fn waiting(&self) -> Vec<u64> {
        let mut keys: Vec<u64> = self.waiting.keys().copied().collect();
        keys.sort_unstable();
        keys
    }

    fn missing(&self, key: u64) -> IdError {
        if (1..=self.issued).contains(&key) {
            IdError::AlreadyAnswered(key)
        } else {
            IdError::Unknown(key)
        }
    }
}
