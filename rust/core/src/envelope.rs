//! The positions of the JSON-RPC members in a frame.
//!
//! Keys may have any order, with any white space. They are compared as they are spelled, as
//! lightningd does: it forwards a caller's own text, so if an escaped key (`"\u0069d"`) counted as
//! a member, the caller could choose another method than the one that lightningd has looked up. Of
//! a duplicate member the first counts: lightningd reads the first, and when it forwards a call it
//! replaces only the first `id`.

use std::ops::Range;

use crate::error::{Malformed, Reason};
use crate::limits::Limits;
use crate::scanner::{Fault, Members, Scanner, is_space};
use crate::text;

/// The members of a JSON-RPC message that clnwire looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// The protocol's version, `"2.0"`.
    Jsonrpc,
    /// The id, absent in notifications.
    Id,
    /// The method that is called, or the notification's topic.
    Method,
    /// The method's params, or the notification's payload.
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

/// The range of each member's value, in bytes from the frame's start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    pub(crate) values: [Option<Value>; Member::COUNT],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// It is an object of more than one member.
    pub(crate) has_comma: bool,
}

impl Envelope {
    /// Reads the envelope of one whole JSON value, with or without white space around it. The
    /// envelope is empty for a value that is not an object.
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

    /// The range of a member's value in the frame.
    #[must_use]
    pub fn range(&self, member: Member) -> Option<Range<usize>> {
        self.values[member as usize].map(|value| value.start..value.end)
    }

    /// Drops the members that end after this many bytes.
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

/// The origin and the payload of another plugin's notification in the form of older daemons, whose
/// `params` are an object with exactly these two members. `None` for other `params`.
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

/// The members of an object in order, each with its value's exact text.
///
/// A value that is not JSON is returned unchanged if it ends where a scalar would (`0x10`). So one
/// bad option in `init` leaves the others readable.
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
    /// Leaves out keys that are not text (half a surrogate pair): no option has such a name.
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
