//! Why bytes are not valid JSON: a reason and a byte offset.

use std::error::Error;
use std::fmt;

/// Why bytes are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// A value was expected, but this byte starts none.
    ExpectedValue,
    /// An object's member must start with a string.
    ExpectedKey,
    /// A colon must follow an object's key.
    ExpectedColon,
    /// After a value in an object, only `,` or `}` may follow.
    ExpectedCommaOrBrace,
    /// After a value in an array, only `,` or `]` may follow.
    ExpectedCommaOrBracket,
    /// A word other than `true`, `false` and `null`.
    InvalidLiteral,
    /// A number that is not JSON, such as `0x10`, `01`, `1.` or `+1`.
    InvalidNumber,
    /// A backslash in a string that starts no escape of JSON.
    InvalidEscape,
    /// An unescaped byte below 0x20 in a string.
    ControlCharacter,
    /// Bytes in a string that are not UTF-8.
    InvalidUtf8,
    /// The bytes ended inside a value.
    Truncated,
    /// A frame is longer than this limit, in bytes.
    FrameTooLarge(usize),
    /// Arrays and objects are nested deeper than this limit.
    TooDeep(usize),
    /// Allocating this many bytes for a frame failed.
    OutOfMemory(usize),
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExpectedValue => out.write_str("expected a JSON value"),
            Self::ExpectedKey => out.write_str("expected a string as the member's key"),
            Self::ExpectedColon => out.write_str("expected ':' after the member's key"),
            Self::ExpectedCommaOrBrace => out.write_str("expected ',' or '}' after the member"),
            Self::ExpectedCommaOrBracket => out.write_str("expected ',' or ']' after the element"),
            Self::InvalidLiteral => out.write_str("expected true, false or null"),
            Self::InvalidNumber => out.write_str("invalid number"),
            Self::InvalidEscape => out.write_str("invalid escape in a string"),
            Self::ControlCharacter => out.write_str("unescaped control character in a string"),
            Self::InvalidUtf8 => out.write_str("invalid UTF-8 in a string"),
            Self::Truncated => out.write_str("the stream ended inside a message"),
            Self::FrameTooLarge(cap) => write!(
                out,
                "the message is larger than max_frame_bytes = {cap}; raise it if you expect such messages"
            ),
            Self::TooDeep(cap) => write!(
                out,
                "the message is nested deeper than max_depth = {cap}; raise it if you expect such messages"
            ),
            Self::OutOfMemory(bytes) => write!(
                out,
                "there is no memory to hold {bytes} bytes of the message; allow the process more, or lower max_frame_bytes"
            ),
        }
    }
}

/// Bytes that are not JSON, or exceed a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong.
    pub reason: Reason,
    /// Where, in bytes since the start of the stream (0 is its first byte).
    pub offset: u64,
}

impl Malformed {
    /// Whether the value is only incomplete, so that more bytes could have completed it.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.reason == Reason::Truncated
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} at byte {}", self.reason, self.offset)
    }
}

impl Error for Malformed {}
