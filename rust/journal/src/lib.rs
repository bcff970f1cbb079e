//! An append-only journal of sets of writes, in segments of preallocated zeros.
//!
//! `docs/replica-format.md` specifies the files. A record is durable when [`Journal::append`]
//! returns. What a crash has torn was never acknowledged and is cut off by [`Journal::open`];
//! everything else that is not as it was written is an error that names the file and the byte.
//!
//! | module | job |
//! |---|---|
//! | `format` | the bytes of segments' headers and of records, and the chain |
//! | `error` | what can go wrong |
//! | `directory` | the files: names, lock, making segments, syncing |
//! | `window` | reads a segment piece by piece |
//! | `tail` | what follows the last record: nothing, a torn record, or damage |
//! | `segment` | reads and checks the records of one segment |
//! | `records` | reads the records of all segments, also while a writer appends |
//! | `reserve` | prepares the next segment in a thread |
//! | `journal` | opens, repairs and appends |

#![forbid(unsafe_code)]

mod directory;
mod error;
mod format;
mod journal;
mod records;
mod reserve;
mod segment;
mod tail;
mod window;

pub use directory::prune;
pub use error::{Error, Fault};
pub use format::{Chain, MAX_PAYLOAD_BYTES, chain_of, digest_of_file};
pub use journal::{Durability, Journal, Options, TornTail};
pub use records::{Record, Records};
