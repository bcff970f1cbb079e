//! The grammar of JSON as an automaton that can stop and go on at any byte.
//!
//! The scanner looks at each byte once, whatever the chunks they come in: O(n) in all, and O(1)
//! memory but for one bit a nesting level. It decides whether a value is well-formed and where it
//! ends; it decodes nothing. On its way it tells where the members of the outermost object stand,
//! so that nobody has to walk the value a second time for the envelope.

use std::ops::Range;

use crate::error::Reason;

/// Who is told of the members of the outermost object, in their order.
pub(crate) trait Members {
    /// `key` is what stands between the key's quotes; `value` counts from the object's start.
    fn note(&mut self, key: &[u8], value: Range<usize>);
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
    /// Inside `\uXXXX`, with so many digits to come.
    Hex(u8),
    /// Inside a UTF-8 sequence: so many bytes to come, the next of them between two bounds.
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
    /// Inside `true`, `false` or `null`: the word's range in [`LITERALS`] that must come.
    Literal(u8, u8),
    /// Inside a bare word that is no JSON, but ends where a scalar would.
    BareWord,
    /// The value is whole.
    Done,
}

/// The literals behind one another, so that a state names what is left of one in two bytes.
const LITERALS: &[u8] = b"truefalsenull";

/// Tolerated bare words stand at least this deep: in the envelope itself none can be meant well.
const BARE_WORD_MIN_DEPTH: usize = 2;

#[derive(Debug)]
pub(crate) struct Scanner {
    state: State,
    /// How far the value has been looked at.
    position: usize,
    /// The string being read is a key.
    in_key: bool,
    /// Where the member of the outermost object that is being read has its key and its value.
    key: (usize, usize),
    value_start: usize,
    /// The open arrays and objects, outermost first.
    nesting: Nesting,
    max_depth: usize,
    /// From which depth on bare words are tolerated, if at all.
    bare_words_from: Option<usize>,
    /// The first bare word that was tolerated.
    bare_word: Option<Fault>,
}

impl Scanner {
    pub(crate) fn new(max_depth: usize) -> Self {
        Self {
            state: State::Value,
            position: 0,
            in_key: false,
            key: (0, 0),
            value_start: 0,
            nesting: Nesting::default(),
            max_depth,
            bare_words_from: None,
            bare_word: None,
        }
    }

    /// Makes ready for the next value, and keeps the memory.
    pub(crate) fn reset(&mut self) {
        self.state = State::Value;
        self.position = 0;
        self.in_key = false;
        self.nesting.clear();
        self.bare_word = None;
    }

    /// See [`crate::Framer::tolerate_bare_words`].
    pub(crate) fn tolerate_bare_words(&mut self, tolerate: bool) {
        self.bare_words_from = tolerate.then_some(BARE_WORD_MIN_DEPTH);
    }

    /// Bare words that stand at least so deep are tolerated.
    pub(crate) fn tolerate_bare_words_from(&mut self, depth: usize) {
        self.bare_words_from = Some(depth);
    }

    pub(crate) fn bare_word(&self) -> Option<Fault> {
        self.bare_word
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Goes on scanning. `value` starts where the value starts, and holds at least what it held
    /// before. Gives the value's end once it is there.
    pub(crate) fn scan(
        &mut self,
        value: &[u8],
        members: &mut impl Members,
    ) -> Result<Option<usize>, Fault> {
        while self.position < value.len() {
            let result = match self.state {
                State::Text => self.text(value, members),
                State::Escape | State::Hex(_) => self.escape(value[self.position]),
                State::Utf8(left, low, high) => self.utf8(value[self.position], left, low, high),
                State::Literal(next, end) => self.literal(value, (next, end), members),
                State::BareWord => self.bare_word_byte(value, members),
                State::Done => return Ok(Some(self.position)),
                state if state.is_number() => self.number(value, members),
                _ => self.structure(value, members),
            };
            if let Err(reason) = result {
                self.tolerate(reason)?;
            }
        }
        Ok((self.state == State::Done).then_some(self.position))
    }

    /// Ends the value at the end of the stream: only there does a number at the outermost level
    /// end without a byte behind it.
    pub(crate) fn finish(
        &mut self,
        value: &[u8],
        members: &mut impl Members,
    ) -> Result<usize, Fault> {
        if self.nesting.depth() == 0 && self.state.may_end() {
            self.value_ends(value, members);
        }
        match self.state {
            State::Done => Ok(self.position),
            _ => Err(Fault { reason: Reason::Truncated, at: value.len() }),
        }
    }

    /// Goes on behind a bad scalar, if that was asked for and its end can be told.
    fn tolerate(&mut self, reason: Reason) -> Result<(), Fault> {
        let fault = Fault { reason, at: self.position };
        let bare_word = match reason {
            Reason::InvalidLiteral | Reason::InvalidNumber => true,
            Reason::ExpectedValue => self.state == State::Value || self.state == State::ValueOrEnd,
            _ => false,
        };
        let tolerated = self.bare_words_from.is_some_and(|depth| self.nesting.depth() >= depth);
        if !(bare_word && tolerated) {
            return Err(fault);
        }
        self.bare_word.get_or_insert(fault);
        self.state = State::BareWord;
        Ok(())
    }

    fn bare_word_byte(&mut self, value: &[u8], members: &mut impl Members) -> Result<(), Reason> {
        if ends_scalar(value[self.position]) {
            self.value_ends(value, members);
        } else {
            self.position += 1;
        }
        Ok(())
    }

    /// White space and the bytes that give a value its structure.
    fn structure(&mut self, value: &[u8], members: &mut impl Members) -> Result<(), Reason> {
        let byte = value[self.position];
        if is_space(byte) {
            self.position += 1;
            return Ok(());
        }
        match (self.state, byte) {
            (State::Colon, b':') => self.step(State::Value),
            (State::KeyOrEnd | State::Key, b'"') => self.key_starts(),
            (State::KeyOrEnd, b'}') | (State::ValueOrEnd, b']') => self.close(value, members),
            (State::Value | State::ValueOrEnd, _) => return self.value_starts(byte),
            (State::CommaOrEnd, _) => return self.comma_or_end(byte, value, members),
            (State::Colon, _) => return Err(Reason::ExpectedColon),
            _ => return Err(Reason::ExpectedKey),
        }
        Ok(())
    }

    fn comma_or_end(
        &mut self,
        byte: u8,
        value: &[u8],
        members: &mut impl Members,
    ) -> Result<(), Reason> {
        match (self.nesting.in_object(), byte) {
            (true, b',') => self.step(State::Key),
            (false, b',') => self.step(State::Value),
            (true, b'}') | (false, b']') => self.close(value, members),
            (true, _) => return Err(Reason::ExpectedCommaOrBrace),
            (false, _) => return Err(Reason::ExpectedCommaOrBracket),
        }
        Ok(())
    }

    fn step(&mut self, state: State) {
        self.state = state;
        self.position += 1;
    }

    fn value_starts(&mut self, byte: u8) -> Result<(), Reason> {
        // Before the byte is judged: a bare word that gets tolerated starts here too.
        if self.nesting.depth() == 1 {
            self.value_start = self.position;
        }
        let state = match byte {
            b'"' => State::Text,
            b'{' => State::KeyOrEnd,
            b'[' => State::ValueOrEnd,
            b'-' => State::Minus,
            b'0' => State::Zero,
            b'1'..=b'9' => State::Integer,
            b't' => State::Literal(1, 4),
            b'f' => State::Literal(5, 9),
            b'n' => State::Literal(10, 13),
            _ => return Err(Reason::ExpectedValue),
        };
        if matches!(state, State::KeyOrEnd | State::ValueOrEnd) {
            if self.nesting.depth() == self.max_depth {
                return Err(Reason::TooDeep(self.max_depth));
            }
            self.nesting.open(state == State::KeyOrEnd);
        }
        self.step(state);
        Ok(())
    }

    fn close(&mut self, value: &[u8], members: &mut impl Members) {
        self.position += 1;
        self.nesting.close();
        self.value_ends(value, members);
    }

    /// A value has ended before `self.position`.
    fn value_ends(&mut self, value: &[u8], members: &mut impl Members) {
        match self.nesting.depth() {
            0 => self.state = State::Done,
            depth => {
                self.state = State::CommaOrEnd;
                if depth == 1 && self.nesting.in_object() {
                    let (start, end) = self.key;
                    members.note(&value[start..end], self.value_start..self.position);
                }
                if self.nesting.in_object() && value[self.position..].starts_with(b",\"") {
                    self.position += 1;
                    self.key_starts();
                }
            }
        }
    }

    fn key_starts(&mut self) {
        self.in_key = true;
        self.step(State::Text);
        if self.nesting.depth() == 1 {
            self.key.0 = self.position;
        }
    }

    fn text_ends(&mut self, value: &[u8], members: &mut impl Members) {
        if self.in_key {
            self.in_key = false;
            if self.nesting.depth() == 1 {
                self.key.1 = self.position;
            }
            self.step(State::Colon);
            // What the daemon writes has no white space there: the turn is saved.
            if value.get(self.position) == Some(&b':') {
                self.step(State::Value);
            }
        } else {
            self.position += 1;
            self.value_ends(value, members);
        }
    }

    fn text(&mut self, value: &[u8], members: &mut impl Members) -> Result<(), Reason> {
        self.position += plain_run(&value[self.position..]);
        // From string to string of an array, as the daemon writes one: what a `db_write` consists
        // of. No member of an object ends there, so there is nothing to note.
        while self.nesting.in_array() && value[self.position..].starts_with(b"\",\"") {
            self.position += 3;
            self.position += plain_run(&value[self.position..]);
        }
        match value.get(self.position) {
            None => {}
            Some(b'"') => self.text_ends(value, members),
            Some(b'\\') => self.step(State::Escape),
            Some(&byte) if byte < 0x20 => return Err(Reason::ControlCharacter),
            Some(&byte) => {
                let state = utf8_sequence(byte).ok_or(Reason::InvalidUtf8)?;
                self.step(state);
            }
        }
        Ok(())
    }

    fn escape(&mut self, byte: u8) -> Result<(), Reason> {
        let state = match (self.state, byte) {
            (State::Escape, b'u') => State::Hex(4),
            (State::Escape, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => State::Text,
            (State::Hex(1), _) if byte.is_ascii_hexdigit() => State::Text,
            (State::Hex(left), _) if byte.is_ascii_hexdigit() => State::Hex(left - 1),
            _ => return Err(Reason::InvalidEscape),
        };
        self.step(state);
        Ok(())
    }

    fn utf8(&mut self, byte: u8, left: u8, low: u8, high: u8) -> Result<(), Reason> {
        if !(low..=high).contains(&byte) {
            return Err(Reason::InvalidUtf8);
        }
        self.step(match left {
            1 => State::Text,
            _ => State::Utf8(left - 1, 0x80, 0xBF),
        });
        Ok(())
    }

    fn number(&mut self, value: &[u8], members: &mut impl Members) -> Result<(), Reason> {
        let byte = value[self.position];
        let state = match (self.state, byte) {
            (State::Minus, b'0') => State::Zero,
            (State::Minus, b'1'..=b'9') | (State::Integer, b'0'..=b'9') => State::Integer,
            (State::Zero | State::Integer, b'.') => State::Point,
            (State::Point | State::Fraction, b'0'..=b'9') => State::Fraction,
            (State::Zero | State::Integer | State::Fraction, b'e' | b'E') => State::Exponent,
            (State::Exponent, b'+' | b'-') => State::ExponentSign,
            (State::Exponent | State::ExponentSign | State::ExponentDigits, b'0'..=b'9') => {
                State::ExponentDigits
            }
            (state, _) if state.may_end() && ends_scalar(byte) => {
                self.value_ends(value, members);
                return Ok(());
            }
            _ => return Err(Reason::InvalidNumber),
        };
        self.step(state);
        Ok(())
    }

    fn literal(
        &mut self,
        value: &[u8],
        (next, end): (u8, u8),
        members: &mut impl Members,
    ) -> Result<(), Reason> {
        let byte = value[self.position];
        if next < end && byte == LITERALS[usize::from(next)] {
            self.step(State::Literal(next + 1, end));
        } else if next == end && ends_scalar(byte) {
            self.value_ends(value, members);
        } else {
            return Err(Reason::InvalidLiteral);
        }
        Ok(())
    }
}

impl State {
    fn is_number(self) -> bool {
        matches!(
            self,
            Self::Minus
                | Self::Zero
                | Self::Integer
                | Self::Point
                | Self::Fraction
                | Self::Exponent
                | Self::ExponentSign
                | Self::ExponentDigits
        )
    }

    /// A scalar without a closing byte could end here.
    fn may_end(self) -> bool {
        match self {
            Self::Zero | Self::Integer | Self::Fraction | Self::ExponentDigits => true,
            Self::Literal(next, end) => next == end,
            _ => false,
        }
    }
}

/// The open arrays and objects as one bit each, so that a hundred thousand of them take 12 kB.
#[derive(Debug, Default)]
struct Nesting {
    depth: usize,
    objects: Vec<u64>,
}

impl Nesting {
    fn depth(&self) -> usize {
        self.depth
    }

    fn clear(&mut self) {
        self.depth = 0;
    }

    fn open(&mut self, object: bool) {
        let (word, bit) = (self.depth / 64, 1 << (self.depth % 64));
        if word == self.objects.len() {
            self.objects.push(0);
        }
        if object {
            self.objects[word] |= bit;
        } else {
            self.objects[word] &= !bit;
        }
        self.depth += 1;
    }

    /// Only called with something open: the automaton reaches a closing byte no other way.
    fn close(&mut self) {
        self.depth -= 1;
    }

    fn in_object(&self) -> bool {
        let innermost = self.depth - 1;
        self.objects[innermost / 64] & (1 << (innermost % 64)) != 0
    }

    /// Whether the innermost of what is open is an array.
    fn in_array(&self) -> bool {
        self.depth > 0 && !self.in_object()
    }
}

pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
}

/// What may stand behind a number or a literal.
fn ends_scalar(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b',' | b']' | b'}' | b'"' | b'[' | b'{' | b':')
}

/// A byte of a string that needs a closer look: a quote, a backslash, a control character, or a
/// part of a UTF-8 sequence. As a signed number, the last two are both below 0x20.
#[allow(clippy::cast_possible_wrap)]
fn is_special(byte: u8) -> bool {
    (byte as i8) < 0x20 || byte == b'"' || byte == b'\\'
}

/// How many bytes at the start of `text` are plain.
///
/// Whole blocks are tested without a branch a byte, which the compiler turns into vector
/// instructions; the block that holds the first special byte is searched eight bytes at a time.
fn plain_run(text: &[u8]) -> usize {
    const BLOCK: usize = 64;
    let mut run = 0;
    for block in text.chunks_exact(BLOCK) {
        if block.iter().fold(false, |found, &byte| found | is_special(byte)) {
            break;
        }
        run += BLOCK;
    }
    while let Some(word) = text[run..].first_chunk::<8>() {
        match first_special(u64::from_le_bytes(*word)) {
            Some(at) => return run + at,
            None => run += 8,
        }
    }
    let rest = &text[run..];
    run + rest.iter().position(|&byte| is_special(byte)).unwrap_or(rest.len())
}

/// The first special byte of eight, the lowest first. Subtracting borrows from the byte above
/// only behind a match, so the lowest match is always a true one.
fn first_special(word: u64) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGH_BITS: u64 = ONES * 0x80;
    let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word;
    let quote = below(word ^ (ONES * 0x22), 1);
    let backslash = below(word ^ (ONES * 0x5C), 1);
    let found = (below(word, 0x20) | quote | backslash | word) & HIGH_BITS;
    (found != 0).then(|| found.trailing_zeros() as usize / 8)
}

/// What must follow the first byte of a UTF-8 sequence (Unicode standard, table 3-7).
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
