//! The transport core of clnwire, for both ends of the Core Lightning plugin protocol.
//!
//! The crate does no I/O: bytes go in, frames come out; replies go in, bytes come out. The caller
//! owns the file descriptors and moves the bytes.
//!
//! ```
//! use clnwire_core::{Framer, IdMap, Kind, Limits, Outbox};
//!
//! let mut framer = Framer::new(Limits::default());
//! let mut ids = IdMap::new();
//! let mut outbox = Outbox::new();
//!
//! framer.feed(br#"{"jsonrpc":"2.0","id":"cln:hello#7","method":"hello","params":[]}"#);
//! while let Some(frame) = framer.next_frame()? {
//!     if let (Kind::Request, Some(token)) = (frame.kind(), frame.id()) {
//!         let key = ids.insert(token);
//!         outbox.reply(ids.take(key)?, br#""Hello World""#);
//!     }
//! }
//! let expected = b"{\"jsonrpc\":\"2.0\",\"id\":\"cln:hello#7\",\"result\":\"Hello World\"}\n\n";
//! assert_eq!(outbox.pending(), expected);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | job |
//! |---|---|
//! | [`framer`] | bytes in, whole JSON values out |
//! | [`limits`] | how long and how deep a frame may be |
//! | [`frame`] | one whole message, and what it is for |
//! | [`envelope`] | the positions of the JSON-RPC members in a frame |
//! | [`ids`] | integer keys for the peer's id tokens; each request is answered once |
//! | [`outbox`] | replies, calls and notifications in, bytes out |
//! | [`redaction`] | masks the values of members with given names |
//! | [`text`] | JSON strings to text and back |

#![forbid(unsafe_code)]

pub mod envelope;
pub mod error;
pub mod frame;
pub mod framer;
pub mod ids;
mod lax;
pub mod limits;
mod nesting;
pub mod outbox;
pub mod redaction;
mod scanner;
pub mod text;

pub use envelope::{Envelope, Member, members, unwrap_origin};
pub use error::{Malformed, Reason};
pub use frame::{Frame, Kind};
pub use framer::Framer;
pub use ids::{IdError, IdMap};
pub use limits::{DEFAULT_MAX_DEPTH, DEFAULT_MAX_FRAME_BYTES, Limits};
pub use outbox::Outbox;

/// The example in the README, which is run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
