//! Where the JSON-RPC members stand in a frame.
//!
//! Any key order and any white space are understood. A name counts as it is spelled, as in lightningd:
//! it hands a caller's own text on, so an escaped key (`"\u0069d"`) read as a member would let the
//! caller choose another method than the one that lightningd has looked up. Of a member that
//! stands twice the first counts: lightningd reads the first one too, and when it forwards a
//! call it puts its own id in place of the first `id` only.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::{Malformed, Reason};
use crate::framer::Limits;
use crate::scanner::{Fault, Members, Scanner, is_space};
use crate::text;

/// The members of a JSON-RPC message that clnwire looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// The protocol's version, `"2.0"`.
    Jsonrpc,
    /// The id, absent in notifications.
    Id,
    /// What is called or announced.
    Method,
    /// What the method is called with, or a notification's payload.
    Params,
    /// The answer to a request.
    Result,
    /// The answer to a request that failed.
    Error,
    /// The plugin that sent a custom notification (lightningd adds it).
    Origin,
}

impl Member {
    const COUNT: usize = 7;

    fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"jsonrpc" => Some(Self::Jsonrpc),
            b"id" => Some(Self::Id),
            b"method" => Some(Self::Method),
            b"params" => Some(Self::Params),
            b"result" => Some(Self::Result),
            b"error" => Some(Self::Error),
            b"origin" => Some(Self::Origin),
            _ => None,
        }
    }
}

/// Where each member's value stands, in bytes from the frame's start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    values: [Option<Value>; Member::COUNT],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Value {
    start: usize,
    end: usize,
    /// It is an array or object of more than one element.
    has_comma: bool,
}

impl Envelope {
    /// Reads the envelope of one whole JSON value with white space around it. A value that is no
    /// object has an empty envelope.
    ///
    /// # Errors
    ///
    /// [`Malformed`], with the offset in `frame`, if it is not exactly one JSON value or is
    /// nested deeper than `limits` allow.
    pub fn parse(frame: &[u8], limits: Limits) -> Result<Self, Malformed> {
        let mut envelope = Self::default();
        let start = frame.iter().position(|&byte| !is_space(byte)).unwrap_or(frame.len());
        let end =
            start + envelope.scan(&frame[start..], limits).map_err(|f| f.after(start as u64))?;
        for value in envelope.values.iter_mut().flatten() {
            value.start += start;
            value.end += start;
        }
        match frame[end..].iter().position(|&byte| !is_space(byte)) {
            None => Ok(envelope),
            Some(extra) => {
                Err(Fault { reason: Reason::ExpectedValue, at: extra }.after(end as u64))
            }
        }
    }

    fn scan(&mut self, value: &[u8], limits: Limits) -> Result<usize, Fault> {
        let mut scanner = Scanner::new(limits.max_depth);
        match scanner.scan(value, self)? {
            Some(end) => Ok(end),
            None => scanner.finish(value, self),
        }
    }

    /// Where a member's value stands in the frame.
    #[must_use]
    pub fn range(&self, member: Member) -> Option<Range<usize>> {
        self.values[member as usize].map(|value| value.start..value.end)
    }

    /// Forgets the members that reach beyond so many bytes.
    pub(crate) fn cut_at(&mut self, length: usize) {
        for value in &mut self.values {
            value.take_if(|value| value.end > length);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.values = [None; Member::COUNT];
    }
}

impl Members for Envelope {
    fn note(&mut self, key: &[u8], value: Range<usize>, has_comma: bool) {
        if let Some(member) = Member::named(key) {
            let Range { start, end } = value;
            self.values[member as usize].get_or_insert(Value { start, end, has_comma });
        }
    }
}

impl Fault {
    pub(crate) fn after(self, start: u64) -> Malformed {
        Malformed { reason: self.reason, offset: start + self.at as u64 }
    }
}

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It has a method and an id, and wants a reply.
    Request,
    /// It has a method and no id, and must not be replied to.
    Notification,
    /// It has an id and a result or an error.
    Reply,
    /// It is JSON, but no message of JSON-RPC.
    Other,
    /// It is no JSON, or beyond a limit: see [`Frame::fault`].
    Malformed,
}

/// One whole JSON value and its envelope; or a message that should be one.
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

    /// Why the frame is no JSON, if it is none, or which limit it exceeds.
    ///
    /// Its members are then those that could be found, the values as they are spelled; of one that
    /// is too large there are its first bytes only.
    #[must_use]
    pub fn fault(&self) -> Option<Malformed> {
        self.fault
    }

    /// Whether the frame is no JSON and lightningd's own parser, which takes much of that, refuses
    /// it too.
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

    /// Whether no string in the frame has an escape or a character beyond ASCII: what stands between
    /// two quotes is then the text itself, and the next quote ends it.
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

    /// The method's name, or nothing if it is absent or no string.
    #[must_use]
    pub fn method(&self) -> Option<Cow<'a, str>> {
        text::decode(self.get(Member::Method)?)
    }

    /// The payload of a notification of that topic.
    ///
    /// lightningd of today wraps a native topic's payload as `{"<topic>": payload}`; the one of
    /// 2019 sent it as it is. The params count as wrapped if they are an object whose only member
    /// has the topic's name. Without params the payload is `null`.
    #[must_use]
    pub fn payload(&self, topic: &str) -> &'a [u8] {
        let Some(Value { start, end, has_comma }) = self.envelope.values[Member::Params as usize]
        else {
            return b"null";
        };
        let params = &self.bytes[start..end];
        match has_comma {
            true => params,
            false => only_member(params, topic).unwrap_or(params),
        }
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

/// How much [`Frame::around_fault`] shows on either side, in bytes.
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

/// The origin and the payload of another plugin's notification, as older daemons sent it: `params`
/// is an object with just these two members. Nothing if it is anything else.
#[must_use]
pub fn unwrap_origin(params: &[u8]) -> Option<(&[u8], &[u8])> {
    if !params.starts_with(b"{\"origin\"") {
        return None;
    }
    match members(params).ok()?.as_slice() {
        [(origin, name), (payload, value)] if origin == "origin" && payload == "payload" => {
            Some((name, value))
        }
        _ => None,
    }
}

/// The members of an object, each with its value's exact text, in their order.
///
/// Values that are no JSON are passed on if they end where a scalar would (`0x10`), even at the
/// outermost level: with this, one bad option in `init` leaves the others readable.
///
/// # Errors
///
/// [`Malformed`], with the offset in `object`, if it is not exactly one object.
pub fn members(object: &[u8]) -> Result<Vec<(String, &[u8])>, Malformed> {
    let mut found = Collected::default();
    let mut scanner = Scanner::new(Limits::default().max_depth);
    scanner.tolerate_bare_words_from(1);
    let truncated = Fault { reason: Reason::Truncated, at: object.len() };
    match scanner.scan(object, &mut found).and_then(|end| end.ok_or(truncated)) {
        Err(fault) => Err(fault.after(0)),
        Ok(end) if end == object.len() && object.starts_with(b"{") => Ok(found.named(object)),
        Ok(end) => Err(Fault { reason: Reason::ExpectedValue, at: end }.after(0)),
    }
}

#[derive(Default)]
struct Collected(Vec<(Vec<u8>, Range<usize>)>);

impl Members for Collected {
    fn note(&mut self, key: &[u8], value: Range<usize>, _: bool) {
        self.0.push((key.to_vec(), value));
    }
}

impl Collected {
    /// Keys that are no text (half a surrogate pair) are left out: no option has such a name.
    fn named(self, object: &[u8]) -> Vec<(String, &[u8])> {
        self.0
            .into_iter()
            .filter_map(|(key, value)| {
                let name = text::unescape(&key)?.into_owned();
                Some((name, &object[value]))
            })
            .collect()
    }
}
