//! The grammar of JSON as an automaton that can stop and resume at any byte.
//!
//! The scanner examines each byte once, however the bytes are split into chunks: O(n) time, and
//! O(1) memory plus one bit per nesting level. It decides whether a value is well-formed and where
//! it ends; it decodes nothing. It also reports the positions of the outermost object's members, so
//! the envelope needs no second pass.

use std::ops::Range;

use wide::{CmpEq, CmpLt, i8x16};

use crate::error::Reason;
use crate::nesting::Nesting;

/// Receives the members of the outermost object, in order.
pub(crate) trait Members {
    /// `key` is the text between the key's quotes; `value` is a range from the object's start.
    /// `has_comma`: the value is an object of more than one member.
    fn note(&mut self, key: &[u8], value: Range<usize>, has_comma: bool);
}

/// What is wrong, and at which byte of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) reason: Reason,
    pub(crate) at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A value must come.
    Value,
    /// After `[`: a value or `]`.
    ValueOrEnd,
    /// After `{`: a key or `}`.
    KeyOrEnd,
    /// After `,` in an object: a key.
    Key,
    /// After a key.
    Colon,
    /// After a value inside an array or object.
    CommaOrEnd,
    /// Inside a string.
    Text,
    /// After a backslash in a string.
    Escape,
    /// Inside `\uXXXX`: the number of digits still missing.
    Hex(u8),
    /// Inside a UTF-8 sequence: the number of bytes still missing, and the bounds of the next one.
    Utf8(u8, u8, u8),
    /// After `-`.
    Minus,
    /// After a leading `0`.
    Zero,
    /// Inside the digits before the point.
    Integer,
    /// After the point.
    Point,
    /// Inside the digits after the point.
    Fraction,
    /// After `e`.
    Exponent,
    /// After the sign of an exponent.
    ExponentSign,
    /// Inside the digits of an exponent.
    ExponentDigits,
    /// Inside `true`, `false` or `null`: the range in [`LITERALS`] of the letters still missing.
    Literal(u8, u8),
    /// Inside a bare word that is not JSON, but ends where a scalar would.
    BareWord,
    /// The value is whole.
    Done,
}

/// The literals, concatenated, so that two bytes of a state say what is left of one.
const LITERALS: &[u8] = b"truefalsenull";

/// How nearly all messages start. Comparing it as a whole makes the scan of a short message a fifth
/// faster.
const USUAL_START: &[u8] = br#"{"jsonrpc":"2.0","#;

#[derive(Debug)]
pub(crate) struct Scanner {
    state: State,
    /// The number of the value's bytes scanned so far.
    position: usize,
    /// The string being read is a key.
    in_key: bool,
    /// The range of the key, and the start of the value, of the outermost object's current member.
    key: (usize, usize),
    value_start: usize,
    /// That value is an object with a comma at its own level.
    has_comma: bool,
    /// The open arrays and objects, outermost first.
    nesting: Nesting,
    max_depth: usize,
    /// Bare words are tolerated at this depth and deeper; nowhere if `None`.
    bare_words_from: Option<usize>,
    /// No string so far has an escape or a character beyond ASCII.
    is_plain: bool,
}

impl Scanner {
    pub(crate) fn new(max_depth: usize) -> Self {
        Self {
            state: State::Value,
            position: 0,
            in_key: false,
            key: (0, 0),
            value_start: 0,
            has_comma: false,
            nesting: Nesting::default(),
            max_depth,
            bare_words_from: None,
            is_plain: true,
        }
    }

    /// Prepares for the next value; keeps the allocated memory.
    pub(crate) fn reset(&mut self) {
        self.state = State::Value;
        self.position = 0;
        self.in_key = false;
        self.nesting.clear();
        self.is_plain = true;
    }

    /// Tolerates bare words at this depth and deeper.
    pub(crate) fn tolerate_bare_words_from(&mut self, depth: usize) {
        self.bare_words_from = Some(depth);
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Resumes the scan. `value` is all that has come of the value, from its first byte. Returns
    /// the value's end once it has come.
    pub(crate) fn scan(
        &mut self,
        value: &[u8],
        members: &mut impl Members,
    ) -> Result<Option<usize>, Fault> {
        // A local variable stays in a register, which makes the scan a third faster.
        let mut at = self.position;
        if at == 0 && value.starts_with(USUAL_START) && self.max_depth > 0 {
            at = self.usual_start(value, members);
        }
        while at < value.len() {
            let next = match self.state {
                State::Text => self.text(value, at, members),
                State::Value | State::ValueOrEnd => self.value_starts(value, at, members),
                State::Escape | State::Hex(_) => self.escape(value[at], at),
                State::Utf8(left, low, high) => self.utf8(value[at], at, left, low, high),
                State::Literal(next, end) => self.literal(value, at, (next, end), members),
                State::BareWord => Ok(self.bare_word_byte(value, at, members)),
                State::Done => break,
                State::KeyOrEnd | State::Key | State::Colon | State::CommaOrEnd => {
                    self.structure(value, at, members)
                }
                _ => self.number(value, at, members),
            };
            at = match next {
                Ok(next) => next,
                Err(fault) => self.tolerate(fault)?,
            };
        }
        self.position = at;
        Ok((self.state == State::Done).then_some(at))
    }

    /// Skips [`USUAL_START`].
    fn usual_start(&mut self, value: &[u8], members: &mut impl Members) -> usize {
        self.nesting.open(true);
        members.note(b"jsonrpc", 11..16, false);
        self.comma(value, true, USUAL_START.len() - 1)
    }

    /// Ends the value at the end of the stream, where an outermost number may end without a byte
    /// after it.
    pub(crate) fn finish(
        &mut self,
        value: &[u8],
        members: &mut impl Members,
    ) -> Result<usize, Fault> {
        if self.nesting.depth() == 0 && self.state.may_end() {
            self.value_ends(value, self.position, members);
        }
        match self.state {
            State::Done => Ok(self.position),
            _ => Err(Fault { reason: Reason::Truncated, at: value.len() }),
        }
    }

    /// Continues a bad scalar as a bare word, if bare words are tolerated at this depth and the
    /// fault is of a kind that leaves the scalar's end recognisable.
    #[cold]
    fn tolerate(&mut self, fault: Fault) -> Result<usize, Fault> {
        let bare_word = match fault.reason {
            Reason::InvalidLiteral | Reason::InvalidNumber => true,
            Reason::ExpectedValue => self.state == State::Value || self.state == State::ValueOrEnd,
            _ => false,
        };
        let tolerated = self.bare_words_from.is_some_and(|depth| self.nesting.depth() >= depth);
        if !(bare_word && tolerated) {
            return Err(fault);
        }
        self.state = State::BareWord;
        Ok(fault.at)
    }

    fn bare_word_byte(&mut self, value: &[u8], at: usize, members: &mut impl Members) -> usize {
        match ends_scalar(value[at]) {
            true => self.value_ends(value, at, members),
            false => at + 1,
        }
    }

    /// Handles white space and the bytes of structure in states that do not expect a value.
    fn structure(
        &mut self,
        value: &[u8],
        at: usize,
        members: &mut impl Members,
    ) -> Result<usize, Fault> {
        let byte = value[at];
        if is_space(byte) {
            return Ok(at + spaces(&value[at..]));
        }
        let reason = match (self.state, byte) {
            (State::Colon, b':') => return Ok(self.step(State::Value, at)),
            (State::KeyOrEnd | State::Key, b'"') => return Ok(self.key_starts(at)),
            (State::KeyOrEnd, b'}') => return Ok(self.close(value, at, members)),
            (State::CommaOrEnd, _) => return self.comma_or_end(value, at, members),
            (State::Colon, _) => Reason::ExpectedColon,
            _ => Reason::ExpectedKey,
        };
        Err(Fault { reason, at })
    }

    fn comma_or_end(
        &mut self,
        value: &[u8],
        at: usize,
        members: &mut impl Members,
    ) -> Result<usize, Fault> {
        let reason = match (self.nesting.in_object(), value[at]) {
            (in_object, b',') => return Ok(self.comma(value, in_object, at)),
            (true, b'}') | (false, b']') => return Ok(self.close(value, at, members)),
            (true, _) => Reason::ExpectedCommaOrBrace,
            (false, _) => Reason::ExpectedCommaOrBracket,
        };
        Err(Fault { reason, at })
    }

    /// Not inlined: most values end at a greater depth, and inlining this slows them down.
    #[inline(never)]
    fn member_ends(&self, value: &[u8], at: usize, members: &mut impl Members) {
        let (start, end) = self.key;
        members.note(&value[start..end], self.value_start..at, self.has_comma);
    }

    fn comma(&mut self, value: &[u8], in_object: bool, at: usize) -> usize {
        self.has_comma |= in_object & (self.nesting.depth() == 2);
        match (in_object, value.get(at + 1)) {
            (true, Some(b'"')) => self.key_starts(at + 1),
            (true, _) => self.step(State::Key, at),
            (false, _) => self.step(State::Value, at),
        }
    }

    fn step(&mut self, state: State, at: usize) -> usize {
        self.state = state;
        at + 1
    }

    fn value_starts(
        &mut self,
        value: &[u8],
        at: usize,
        members: &mut impl Members,
    ) -> Result<usize, Fault> {
        let byte = value[at];
        if is_space(byte) {
            return Ok(at + spaces(&value[at..]));
        }
        if byte == b']' && self.state == State::ValueOrEnd {
            return Ok(self.close(value, at, members));
        }
        // Set before the byte is checked, because a tolerated bare word starts here too.
        if self.nesting.depth() == 1 {
            self.value_start = at;
            self.has_comma = false;
        }
        let state = match byte {
            b'"' => return Ok(self.step(State::Text, at)),
            b'{' | b'[' => return self.opens(byte == b'{', at),
            b't' => State::Literal(1, 4),
            b'f' => State::Literal(5, 9),
            b'n' => State::Literal(10, 13),
            b'-' => State::Minus,
            b'0' => State::Zero,
            b'1'..=b'9' => State::Integer,
            _ => return Err(Fault { reason: Reason::ExpectedValue, at }),
        };
        let at = self.step(state, at);
        match state {
            State::Literal(next, end) => self.literal(value, at, (next, end), members),
            _ => self.number(value, at, members),
        }
    }

    fn opens(&mut self, object: bool, at: usize) -> Result<usize, Fault> {
        if self.nesting.depth() == self.max_depth {
            return Err(Fault { reason: Reason::TooDeep(self.max_depth), at });
        }
        self.nesting.open(object);
        Ok(self.step(if object { State::KeyOrEnd } else { State::ValueOrEnd }, at))
    }

    fn close(&mut self, value: &[u8], at: usize, members: &mut impl Members) -> usize {
        self.nesting.close();
        self.value_ends(value, at + 1, members)
    }

    /// A value has ended before `at`. Handles the comma or the closing brackets that usually follow
    /// as well, which saves turns of the main loop.
    fn value_ends(&mut self, value: &[u8], mut at: usize, members: &mut impl Members) -> usize {
        loop {
            let depth = self.nesting.depth();
            if depth == 0 {
                self.state = State::Done;
                return at;
            }
            let in_object = self.nesting.in_object();
            if depth == 1 && in_object {
                self.member_ends(value, at, members);
            }
            match (value.get(at), in_object) {
                (Some(b','), _) => return self.comma(value, in_object, at),
                (Some(b'}'), true) | (Some(b']'), false) => {
                    self.nesting.close();
                    at += 1;
                }
                _ => {
                    self.state = State::CommaOrEnd;
                    return at;
                }
            }
        }
    }

    fn key_starts(&mut self, at: usize) -> usize {
        self.in_key = true;
        if self.nesting.depth() == 1 {
            self.key.0 = at + 1;
        }
        self.step(State::Text, at)
    }

    fn text_ends(
        &mut self,
        value: &[u8],
        at: usize,
        members: &mut impl Members,
    ) -> Result<usize, Fault> {
        if !self.in_key {
            return Ok(self.value_ends(value, at + 1, members));
        }
        self.in_key = false;
        if self.nesting.depth() == 1 {
            self.key.1 = at;
        }
        // The daemon writes no white space here. Going on to the value at once saves two turns of
        // the main loop.
        if value.get(at + 1) != Some(&b':') {
            return Ok(self.step(State::Colon, at));
        }
        let at = self.step(State::Value, at + 1);
        match at < value.len() {
            true => self.value_starts(value, at, members),
            false => Ok(at),
        }
    }

    fn text(
        &mut self,
        value: &[u8],
        mut at: usize,
        members: &mut impl Members,
    ) -> Result<usize, Fault> {
        at += plain_run(&value[at..]);
        // Skips from string to string in an array as the daemon writes it; a `db_write` consists of
        // these. No member of an object ends here, so there is nothing to report.
        while self.nesting.in_array() && value[at..].starts_with(b"\",\"") {
            at += 3;
            at += plain_run(&value[at..]);
        }
        match value.get(at) {
            None => Ok(at),
            Some(b'"') => self.text_ends(value, at, members),
            Some(0..0x20) => Err(Fault { reason: Reason::ControlCharacter, at }),
            Some(_) => self.not_plain(value, at),
        }
    }

    /// Continues a string at an escape or a character beyond ASCII.
    #[cold] // Inlining it slows plain strings down.
    fn not_plain(&mut self, value: &[u8], mut at: usize) -> Result<usize, Fault> {
        self.is_plain = false;
        at = self.texts_end::<true>(value, at);
        if let Some(0x80..) = value.get(at) {
            at = self.utf8_end(value, at);
        }
        match value.get(at) {
            Some(b'\\') => Ok(self.step(State::Escape, at)),
            Some(&byte) if !byte.is_ascii() => {
                let invalid = Fault { reason: Reason::InvalidUtf8, at };
                Ok(self.step(utf8_sequence(byte).ok_or(invalid)?, at))
            }
            _ => Ok(at),
        }
    }

    /// The end of the valid UTF-8 that starts at `at`. Everything up to the next special byte is
    /// checked at once, across the strings of a `db_write`. At a character that is cut off or
    /// invalid the states take over: they tell the two apart, and find the faulty byte.
    fn utf8_end(&self, value: &[u8], at: usize) -> usize {
        let end = self.texts_end::<false>(value, at);
        match simdutf8::compat::from_utf8(&value[at..end]) {
            Ok(_) => end,
            Err(error) => at + error.valid_up_to(),
        }
    }

    /// The next byte that the states must handle. Skips ordinary bytes, short escapes, and the
    /// separators between an array's strings.
    fn texts_end<const ASCII: bool>(&self, value: &[u8], mut at: usize) -> usize {
        loop {
            at += run::<ASCII>(&value[at..]);
            match &value[at..] {
                [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => at += 2,
                [b'"', b',', b'"', ..] if self.nesting.in_array() => at += 3,
                _ => return at,
            }
        }
    }

    fn escape(&mut self, byte: u8, at: usize) -> Result<usize, Fault> {
        let state = match (self.state, byte) {
            (State::Escape, b'u') => State::Hex(4),
            (State::Escape, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => State::Text,
            (State::Hex(1), _) if byte.is_ascii_hexdigit() => State::Text,
            (State::Hex(left), _) if byte.is_ascii_hexdigit() => State::Hex(left - 1),
            _ => return Err(Fault { reason: Reason::InvalidEscape, at }),
        };
        Ok(self.step(state, at))
    }

    fn utf8(&mut self, byte: u8, at: usize, left: u8, low: u8, high: u8) -> Result<usize, Fault> {
        if !(low..=high).contains(&byte) {
            return Err(Fault { reason: Reason::InvalidUtf8, at });
        }
        let state = match left {
            1 => State::Text,
            _ => State::Utf8(left - 1, 0x80, 0xBF),
        };
        Ok(self.step(state, at))
    }

    /// Scans as much of a number as has come.
    fn number(
        &mut self,
        value: &[u8],
        mut at: usize,
        members: &mut impl Members,
    ) -> Result<usize, Fault> {
        while let Some(&byte) = value.get(at) {
            self.state = match (self.state, byte) {
                (State::Integer | State::Fraction | State::ExponentDigits, b'0'..=b'9') => {
                    at += digits(&value[at..]);
                    continue;
                }
                (state, _) if state.may_end() && ends_scalar(byte) => {
                    return Ok(self.value_ends(value, at, members));
                }
                (State::Minus, b'0') => State::Zero,
                (State::Minus, b'1'..=b'9') => State::Integer,
                (State::Zero | State::Integer, b'.') => State::Point,
                (State::Point, b'0'..=b'9') => State::Fraction,
                (State::Zero | State::Integer | State::Fraction, b'e' | b'E') => State::Exponent,
                (State::Exponent, b'+' | b'-') => State::ExponentSign,
                (State::Exponent | State::ExponentSign, b'0'..=b'9') => State::ExponentDigits,
                _ => return Err(Fault { reason: Reason::InvalidNumber, at }),
            };
            at += 1;
        }
        Ok(at)
    }

    fn literal(
        &mut self,
        value: &[u8],
        at: usize,
        (next, end): (u8, u8),
        members: &mut impl Members,
    ) -> Result<usize, Fault> {
        let left = &LITERALS[usize::from(next)..usize::from(end)];
        let same = left.iter().zip(&value[at..]).take_while(|(a, b)| a == b).count();
        self.state = State::Literal(next + same as u8, end);
        let at = at + same;
        match value.get(at) {
            None => Ok(at),
            Some(&byte) if same == left.len() && ends_scalar(byte) => {
                Ok(self.value_ends(value, at, members))
            }
            Some(_) => Err(Fault { reason: Reason::InvalidLiteral, at }),
        }
    }
}

impl State {
    /// Whether a number or literal may end in this state.
    fn may_end(self) -> bool {
        match self {
            Self::Zero | Self::Integer | Self::Fraction | Self::ExponentDigits => true,
            Self::Literal(next, end) => next == end,
            _ => false,
        }
    }
}

pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
}

/// The number of white-space bytes that `text` starts with.
fn spaces(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_space(**byte)).count()
}

/// The number of digits that `text` starts with.
fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Whether this byte ends a number, a literal or a bare word.
fn ends_scalar(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b',' | b']' | b'}' | b'"' | b'[' | b'{' | b':')
}

/// Whether a string's byte is special: a quote, a backslash, a control character or, if `ASCII`, a
/// part of a UTF-8 sequence.
fn is_special<const ASCII: bool>(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\' || (ASCII && !byte.is_ascii())
}

/// One bit for each of the sixteen bytes, set if it is special; the first byte has the lowest bit.
#[allow(clippy::cast_possible_wrap)]
#[inline(always)]
fn specials<const ASCII: bool>(block: [u8; 16]) -> i32 {
    let bytes = i8x16::new(block.map(|byte| byte as i8));
    let quoted = bytes.cmp_eq(i8x16::splat(b'"' as i8)) | bytes.cmp_eq(i8x16::splat(b'\\' as i8));
    // As signed numbers, bytes beyond ASCII are negative, so below 0x20. With the sign bit flipped,
    // they are above it.
    let low = match ASCII {
        true => bytes.cmp_lt(i8x16::splat(0x20)),
        false => (bytes ^ i8x16::splat(i8::MIN)).cmp_lt(i8x16::splat(i8::MIN + 0x20)),
    };
    (low | quoted).move_mask()
}

/// The number of bytes that `text` starts with before a special one or one beyond ASCII.
#[inline(always)] // A call would cost as much as scanning a short name.
pub(crate) fn plain_run(text: &[u8]) -> usize {
    run::<true>(text)
}

/// The number of bytes that `text` starts with before a special one.
///
/// Tests sixteen bytes at a time in a vector register, and the last few, or a short name, one by
/// one.
#[inline(always)]
fn run<const ASCII: bool>(text: &[u8]) -> usize {
    let (blocks, rest) = text.as_chunks::<16>();
    for (number, block) in blocks.iter().enumerate() {
        let specials = specials::<ASCII>(*block);
        if specials != 0 {
            return number * 16 + specials.trailing_zeros() as usize;
        }
    }
    let run = rest.iter().position(|&byte| is_special::<ASCII>(byte));
    text.len() - rest.len() + run.unwrap_or(rest.len())
}

/// The state after the first byte of a UTF-8 sequence (Unicode standard, table 3-7); `None` if no
/// sequence starts with it.
fn utf8_sequence(first: u8) -> Option<State> {
    match first {
        0xC2..=0xDF => Some(State::Utf8(1, 0x80, 0xBF)),
        0xE0 => Some(State::Utf8(2, 0xA0, 0xBF)),
        0xED => Some(State::Utf8(2, 0x80, 0x9F)),
        0xE1..=0xEF => Some(State::Utf8(2, 0x80, 0xBF)),
        0xF0 => Some(State::Utf8(3, 0x90, 0xBF)),
        0xF1..=0xF3 => Some(State::Utf8(3, 0x80, 0xBF)),
        0xF4 => Some(State::Utf8(3, 0x80, 0x8F)),
        _ => None,
    }
}
