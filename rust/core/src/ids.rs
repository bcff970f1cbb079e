//! Our integer ↔ the peer's id token.
//!
//! A token is an id's exact text: `"a/cln:x#1"`, `7`, `-0`, `1e2`, `null`. It is given back byte
//! for byte, since lightningd drops a reply whose id it does not recognise. One map serves the
//! requests that come in, the calls that go out, and a host's passthrough.
//!
//! Complexity: O(1) for each call. In a steady state nothing is allocated: the memory of answered
//! tokens is used again.

use std::error::Error;
use std::fmt;

use rustc_hash::FxHashMap;

/// How many answered tokens' buffers are kept for later ones.
const SPARE_BUFFERS: usize = 1024;

/// How large such a buffer may be, in bytes. The peer chooses the ids, and a few long ones must not
/// keep memory for ever.
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

    /// Keeps a token and gives the key to it. Keys grow by one and are never used again.
    pub fn insert(&mut self, token: &[u8]) -> u64 {
        self.issued += 1;
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(token);
        self.waiting.insert(self.issued, buffer);
        self.issued
    }

    /// The token of a request that waits.
    ///
    /// # Errors
    ///
    /// [`IdError`] if the request was answered, or never existed.
    pub fn token(&self, key: u64) -> Result<&[u8], IdError> {
        self.waiting.get(&key).map(Vec::as_slice).ok_or_else(|| self.missing(key))
    }

    /// Takes the token out, to answer the request.
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

    /// How many requests are not answered yet.
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
