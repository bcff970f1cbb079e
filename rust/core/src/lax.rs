//! The end of a message that is not JSON.
//!
//! lightningd forwards a caller's bytes as they are, once its own parser has accepted them. That
//! parser (jsmn with `JSMN_STRICT`, and a check of what it gives) takes much that is not JSON: words
//! as values (`203.0.113.7`, `0x10`, `1:{"`), commas anywhere or nowhere, control characters in
//! strings. This automaton ends a message where that parser does. It is used once the scanner has
//! found a fault, and reads the message again from its start.
//!
//! A message that even that parser refuses cannot have been forwarded. The blank line that
//! lightningd puts behind each message ends it: the last one that has come, or else the next. While
//! a message could still be one that lightningd accepts, a blank line in it means nothing: otherwise
//! a caller could hide a message of its own in an argument.
//!
//! lightningd writes integer options into `init` as the user spelled them, and its parser never
//! reads that: a word may start with any character there (`+5`), and a value may be missing. Such a
//! message ends where its brackets say, and still counts as refused.
//!
//! Each byte is looked at once, and the bytes may be cut anywhere.

use crate::nesting::Nesting;
use crate::scanner::{Members, is_space, plain_run};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// White space, commas and colons; a value or an end may come.
    Between,
    /// Inside a word: a number, a literal, or anything else without quotes. A quote, `:`, `{` and
    /// `[` belong to it.
    Word,
    /// Inside a string.
    Text,
    /// After a backslash in a string.
    Escape,
    /// Inside `\uXXXX`; how many digits are missing.
    Hex(u8),
    /// lightningd does not accept it: the next blank line ends it. Whether the last byte was a
    /// line break.
    Lost(bool),
}

/// To what the parser would add the next value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// To the innermost array or object that is open.
    Open,
    /// To the same object; the last value was a key that awaits its colon.
    Key,
    /// To a key, as its value.
    Value,
    /// To a key that has its value, or to a scalar: lightningd refuses another one.
    Full,
    /// To the same array; the last value was a scalar.
    Element,
    /// To an array or object that is closed, empty, and the last one read before a colon.
    Closed { object: bool },
    /// To one that is deeper than what is kept: what lightningd makes of that is not followed.
    Any,
}

/// What was read last: a colon adds what follows to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Scalar,
    /// The start of an array or object, or of the message.
    Start,
    /// An array or object with nothing in it.
    Empty {
        object: bool,
    },
}

/// Finds the end of one message.
#[derive(Debug)]
pub(crate) struct Lax {
    state: State,
    place: Place,
    last: Last,
    /// lightningd does not accept the message, however it goes on.
    is_refused: bool,
    /// How far the message has been looked at.
    position: usize,
    /// The open arrays and objects, down to `max_depth`.
    nesting: Nesting,
    /// How many are open below that; of what kind they are is not kept.
    deeper: usize,
    max_depth: usize,
    /// Where the member of the outermost object that is being read has its key and its value.
    key: (usize, usize),
    value_start: usize,
}

impl Lax {
    pub(crate) fn new(max_depth: usize) -> Self {
        Self {
            state: State::Between,
            place: Place::Open,
            last: Last::Start,
            is_refused: false,
            position: 0,
            nesting: Nesting::default(),
            deeper: 0,
            max_depth,
            key: (0, 0),
            value_start: 0,
        }
    }

    /// Makes ready for the next message, and keeps the memory.
    pub(crate) fn reset(&mut self) {
        self.state = State::Between;
        self.place = Place::Open;
        self.last = Last::Start;
        self.is_refused = false;
        self.position = 0;
        self.nesting.clear();
        self.deeper = 0;
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Whether lightningd does not accept the message, as far as it has been looked at.
    pub(crate) fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// Goes on in the message: gives its length once its end has come. `text` is what follows its
    /// first `before` bytes; only if there are none can members be told of.
    pub(crate) fn scan(
        &mut self,
        text: &[u8],
        before: usize,
        members: &mut impl Members,
    ) -> Option<usize> {
        let held = if before == 0 { text } else { &[] };
        while let Some(&byte) = text.get(self.position - before) {
            let at = self.position;
            if self.state == State::Text {
                self.position += plain_run(&text[at - before..]);
                if self.position > at {
                    continue;
                }
            }
            match self.byte(byte, at, held, members) {
                Turn::Next => self.position += 1,
                Turn::Again => {}
                Turn::Ends(length) => return Some(length),
                Turn::Refused => {
                    self.is_refused = true;
                    match last_blank_line(held.get(..at).unwrap_or_default()) {
                        Some(length) => return Some(length),
                        None => self.state = State::Lost(false),
                    }
                }
            }
        }
        None
    }

    fn byte(&mut self, byte: u8, at: usize, held: &[u8], members: &mut impl Members) -> Turn {
        self.state = match (self.state, byte) {
            (State::Between, _) => return self.between(byte, at, held, members),
            (State::Word, _) if ends_word(byte) => {
                return match self.value_ends(at, held, members) {
                    Turn::Next => Turn::Again,
                    turn => turn,
                };
            }
            (State::Word, b' '..0x7F) => State::Word,
            (State::Text, b'"') => return self.text_ends(at, held, members),
            (State::Text, b'\\') => State::Escape,
            (State::Text, 1..) => State::Text,
            (State::Escape, b'u') => State::Hex(4),
            (State::Escape, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')
            | (State::Hex(1), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => State::Text,
            (State::Hex(left), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => State::Hex(left - 1),
            (State::Lost(true), b'\n') => return Turn::Ends(at - 1),
            (State::Lost(_), _) => State::Lost(byte == b'\n'),
            _ => return Turn::Refused,
        };
        Turn::Next
    }

    fn between(&mut self, byte: u8, at: usize, held: &[u8], members: &mut impl Members) -> Turn {
        match byte {
            _ if is_space(byte) => Turn::Next,
            b',' => {
                self.is_refused |= self.place == Place::Value;
                self.follow(match self.place {
                    Place::Value | Place::Full | Place::Element => Place::Open,
                    place => place,
                })
            }
            b':' => self.follow(self.behind_colon()),
            b'}' | b']' => self.closes(byte == b'}', at, held, members),
            b'"' => self.starts(State::Text, at),
            b'{' | b'[' => match self.starts(State::Between, at) {
                Turn::Next => self.opens(byte == b'{'),
                turn => turn,
            },
            b' '..0x7F => {
                self.is_refused |= !matches!(byte, b'-' | b'0'..=b'9' | b't' | b'f' | b'n');
                self.starts(State::Word, at)
            }
            _ => Turn::Refused,
        }
    }

    fn behind_colon(&self) -> Place {
        match (self.place, self.last) {
            (Place::Key | Place::Value, _) => Place::Value,
            (Place::Any, _) => Place::Any,
            (place, Last::Start) => place,
            (_, Last::Scalar) => Place::Full,
            (_, Last::Empty { object }) => Place::Closed { object },
        }
    }

    fn follow(&mut self, place: Place) -> Turn {
        self.place = place;
        Turn::Next
    }

    /// A value starts; in an object it must be a key first.
    fn starts(&mut self, state: State, at: usize) -> Turn {
        let is_refused = match self.place {
            Place::Full | Place::Key => true,
            Place::Open | Place::Closed { .. } => self.wants_key() && state != State::Text,
            Place::Value | Place::Element | Place::Any => false,
        };
        if is_refused {
            return Turn::Refused;
        }
        if self.depth() == 1 {
            match self.place {
                Place::Open => self.key.0 = at + 1,
                _ => self.value_start = at,
            }
        }
        self.state = state;
        Turn::Next
    }

    fn text_ends(&mut self, at: usize, held: &[u8], members: &mut impl Members) -> Turn {
        self.state = State::Between;
        if self.wants_key() {
            self.last = Last::Scalar;
            if self.depth() == 1 {
                self.key.1 = at;
            }
            return self.follow(Place::Key);
        }
        match self.value_ends(at + 1, held, members) {
            Turn::Ends(length) => Turn::Ends(length),
            _ => Turn::Next,
        }
    }

    /// A scalar has ended before `end`.
    fn value_ends(&mut self, end: usize, held: &[u8], members: &mut impl Members) -> Turn {
        self.state = State::Between;
        if self.depth() == 0 {
            return Turn::Ends(end);
        }
        self.last = Last::Scalar;
        self.note(end, held, members);
        self.follow(match self.place {
            Place::Value => Place::Full,
            Place::Open => Place::Element,
            place => place,
        })
    }

    fn note(&self, end: usize, held: &[u8], members: &mut impl Members) {
        if self.depth() == 1
            && self.place == Place::Value
            && let Some(key) = held.get(self.key.0..self.key.1)
        {
            members.note(key, self.value_start..end, true);
        }
    }

    fn opens(&mut self, object: bool) -> Turn {
        if self.nesting.depth() < self.max_depth {
            self.nesting.open(object);
        } else {
            self.deeper += 1;
        }
        self.last = Last::Start;
        self.follow(self.innermost())
    }

    fn closes(&mut self, object: bool, at: usize, held: &[u8], members: &mut impl Members) -> Turn {
        self.is_refused |= matches!(self.place, Place::Key | Place::Value);
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if self.nesting.depth() > 0 && self.nesting.in_object() == object {
            self.nesting.close();
        } else {
            return Turn::Refused;
        }
        if self.last == Last::Start {
            self.last = Last::Empty { object };
        }
        if self.depth() == 0 {
            return Turn::Ends(at + 1);
        }
        if self.depth() == 1 && self.in_object() {
            self.place = Place::Value;
            self.note(at + 1, held, members);
        }
        self.follow(self.innermost())
    }

    /// Where a value belongs right inside of the innermost of what is open.
    fn innermost(&self) -> Place {
        if self.deeper > 0 { Place::Any } else { Place::Open }
    }

    fn depth(&self) -> usize {
        self.nesting.depth() + self.deeper
    }

    /// Whether the next value belongs to an object, which wants a key first.
    fn wants_key(&self) -> bool {
        match self.place {
            Place::Open => self.in_object(),
            Place::Closed { object } => object,
            _ => false,
        }
    }

    /// Whether the innermost of what is open is known to be an object.
    fn in_object(&self) -> bool {
        self.deeper == 0 && self.nesting.depth() > 0 && self.nesting.in_object()
    }
}

/// What a byte means for the message.
enum Turn {
    /// Go on behind it.
    Next,
    /// Look at it again: it ended a word and means something itself.
    Again,
    /// The message is so long.
    Ends(usize),
    /// lightningd does not accept such a message.
    Refused,
}

fn ends_word(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b',' | b']' | b'}')
}

fn last_blank_line(text: &[u8]) -> Option<usize> {
    text.windows(2).rposition(|pair| pair == b"\n\n")
}
