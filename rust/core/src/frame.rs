//! One whole message: its text, its members, and what it is for.

use std::borrow::Cow;

use crate::envelope::{Envelope, Member, Value};
use crate::error::Malformed;
use crate::text;

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It has a method and an id, and wants a reply.
    Request,
    /// It has a method and no id, and must not be replied to.
    Notification,
    /// It has an id and a result or an error.
    Reply,
    /// It is JSON, but not a JSON-RPC message.
    Other,
    /// It is not JSON, or exceeds a limit: see [`Frame::fault`].
    Malformed,
}

/// A whole JSON value and its envelope, or a malformed message.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) envelope: &'a Envelope,
    pub(crate) offset: u64,
    pub(crate) fault: Option<Malformed>,
    pub(crate) is_refused: bool,
    pub(crate) is_plain: bool,
}

impl<'a> Frame<'a> {
    /// The frame's exact text, without white space around it.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Where the frame starts, in bytes since the start of the stream.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Why the frame is not JSON, or which limit it exceeds; `None` for a sound frame.
    ///
    /// A frame with a fault has the members that could be found, with their values unchanged. Of a
    /// frame that is too large, only the first bytes are kept.
    #[must_use]
    pub fn fault(&self) -> Option<Malformed> {
        self.fault
    }

    /// Whether the frame is not JSON and lightningd's own parser, which accepts much that is not
    /// JSON, refuses it too.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// The text around the fault, shortened, and escaped so that it is one line.
    #[must_use]
    pub fn around_fault(&self) -> Option<String> {
        let at = usize::try_from(self.fault?.offset - self.offset).unwrap_or(usize::MAX);
        let at = at.min(self.bytes.len());
        let (start, end) = (at.saturating_sub(SHOWN), (at + SHOWN).min(self.bytes.len()));
        let text = String::from_utf8_lossy(&self.bytes[start..end]);
        Some(text.chars().flat_map(escaped_control).collect())
    }

    /// Whether no string in the frame has an escape or a character beyond ASCII: the text of each
    /// string is then exactly what is between its quotes.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// The envelope.
    #[must_use]
    pub fn envelope(&self) -> &'a Envelope {
        self.envelope
    }

    /// A member's exact text.
    #[must_use]
    pub fn get(&self, member: Member) -> Option<&'a [u8]> {
        self.envelope.range(member).map(|range| &self.bytes[range])
    }

    /// The id's token: its exact text, quotes included.
    #[must_use]
    pub fn id(&self) -> Option<&'a [u8]> {
        self.get(Member::Id)
    }

    /// The method's name; `None` if it is absent or not a string.
    #[must_use]
    pub fn method(&self) -> Option<Cow<'a, str>> {
        text::decode(self.get(Member::Method)?)
    }

    /// The payload of a notification of that topic.
    ///
    /// Today's lightningd wraps a native topic's payload as `{"<topic>": payload}`; that of 2019
    /// sent it bare. The params count as wrapped if they are an object whose only member has the
    /// topic's name. Without params the payload is `null`.
    #[must_use]
    pub fn payload(&self, topic: &str) -> &'a [u8] {
        let Some(Value { start, end, has_comma }) = self.envelope.values[Member::Params as usize]
        else {
            return b"null";
        };
        let params = &self.bytes[start..end];
        if has_comma { params } else { only_member(params, topic).unwrap_or(params) }
    }

    /// What the frame is for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        if self.fault.is_some() {
            return Kind::Malformed;
        }
        let has = |member| self.envelope.values[member as usize].is_some();
        match (has(Member::Method), has(Member::Id)) {
            (true, true) => Kind::Request,
            (true, false) => Kind::Notification,
            (false, true) if has(Member::Result) || has(Member::Error) => Kind::Reply,
            _ => Kind::Other,
        }
    }
}

/// The number of bytes that [`Frame::around_fault`] shows on each side.
const SHOWN: usize = 30;

fn escaped_control(letter: char) -> impl Iterator<Item = char> {
    let escaped = letter.is_control().then(|| letter.escape_default());
    let plain = (!letter.is_control()).then_some(letter);
    escaped.into_iter().flatten().chain(plain)
}

/// The value of an object's only member, if it has that name. `json` is one value without a comma
/// on its outermost level.
fn only_member<'a>(json: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let inner = json.strip_prefix(b"{")?.strip_suffix(b"}")?.trim_ascii();
    let value = inner.strip_prefix(b"\"")?.strip_prefix(name.as_bytes())?.strip_prefix(b"\"")?;
    Some(value.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start())
}
