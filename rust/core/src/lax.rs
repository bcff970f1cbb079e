//! Finds the end of a message that is not JSON.
//!
//! lightningd forwards a caller's bytes unchanged once its own parser has accepted them. That
//! parser (jsmn with `JSMN_STRICT`, and a check of its result) accepts much that is not JSON: words
//! as values (`203.0.113.7`, `0x10`, `1:{"`), missing and surplus commas, control characters in
//! strings. This automaton ends a message where that parser does. It is used once the scanner has
//! found a fault, and reads the message again from its start.
//!
//! A message that even that parser refuses cannot have been forwarded. It ends at a blank line,
//! which lightningd writes after each message: the last blank line that has come, or else the next
//! one. While lightningd could still accept the message, a blank line in it has no meaning:
//! otherwise a caller could hide a message of its own in an argument.
//!
//! lightningd writes integer options into `init` as the user spelled them, and its parser never
//! reads `init`. So a word may start with any character (`+5`), and a value may be missing; such a
//! message counts as refused, but ends where its brackets close.
//!
//! Each byte is examined once, and the bytes may be split anywhere.

use crate::nesting::Nesting;
use crate::scanner::{Members, is_space, plain_run};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between values: white space, commas and colons. A value or a closing bracket may come.
    Between,
    /// Inside a word: a number, a literal, or anything else without quotes. A quote, `:`, `{` and
    /// `[` belong to it.
    Word,
    /// Inside a string.
    Text,
    /// After a backslash in a string.
    Escape,
    /// Inside `\uXXXX`: the number of digits still missing.
    Hex(u8),
    /// lightningd refuses the message: the next blank line ends it. True after a line feed.
    Lost(bool),
}

/// Where lightningd's parser would put the next value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Into the innermost open array or object.
    Open,
    /// Into the same object, although the last value was a key whose colon has not come.
    Key,
    /// Below a key, as its value.
    Value,
    /// Below a key that has its value, or below a scalar: lightningd refuses another value.
    Full,
    /// Into the same array; the last value was a scalar.
    Element,
    /// Into an empty array or object that is closed, because a colon followed it.
    Closed { object: bool },
    /// Deeper than `max_depth`, where lightningd's choice is not tracked.
    Any,
}

/// What was read last. After a colon, the parser puts the next value below it, even if there was a
/// comma or a closing bracket in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Scalar,
    /// A key that has no value so far.
    Key,
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
    /// A bracket has closed since the last value started.
    has_closed: bool,
    /// A colon came behind a closed bracket. Builds of lightningd differ in what may come later, so
    /// nothing but brackets ends the message.
    is_odd: bool,
    /// lightningd refuses the message, whatever follows.
    is_refused: bool,
    /// The number of the message's bytes examined so far.
    position: usize,
    /// The open arrays and objects, down to `max_depth`.
    nesting: Nesting,
    /// The number of those open beyond that depth, whose kind is not kept.
    deeper: usize,
    max_depth: usize,
    /// The range of the key, and the start of the value, of the outermost object's current member.
    key: (usize, usize),
    value_start: usize,
}

impl Lax {
    pub(crate) fn new(max_depth: usize) -> Self {
        Self {
            state: State::Between,
            place: Place::Open,
            last: Last::Start,
            has_closed: false,
            is_odd: false,
            is_refused: false,
            position: 0,
            nesting: Nesting::default(),
            deeper: 0,
            max_depth,
            key: (0, 0),
            value_start: 0,
        }
    }

    /// Prepares for the next message; keeps the allocated memory.
    pub(crate) fn reset(&mut self) {
        self.state = State::Between;
        self.place = Place::Open;
        self.last = Last::Start;
        self.has_closed = false;
        self.is_odd = false;
        self.is_refused = false;
        self.position = 0;
        self.nesting.clear();
        self.deeper = 0;
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Whether lightningd refuses the message, by the bytes examined so far.
    pub(crate) fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// Resumes the scan. Returns the message's length once its end has come. `text` is what follows
    /// the message's first `before` bytes; members are reported only if `before` is 0.
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
            b',' => self.follow(match self.place {
                Place::Value | Place::Full | Place::Element => Place::Open,
                place => place,
            }),
            b':' => {
                self.is_odd |= self.has_closed;
                self.follow(self.behind_colon())
            }
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
            (Place::Any, _) => Place::Any,
            (_, Last::Key) => Place::Value,
            (place, Last::Start) => place,
            (_, Last::Scalar) => Place::Full,
            (_, Last::Empty { object }) => Place::Closed { object },
        }
    }

    fn follow(&mut self, place: Place) -> Turn {
        self.place = place;
        Turn::Next
    }

    /// A value starts. In an object, a key must come before it.
    fn starts(&mut self, state: State, at: usize) -> Turn {
        // Now that key can have no value any more.
        self.is_refused |= self.last == Last::Key && self.place != Place::Value;
        let is_refused = match self.place {
            Place::Full | Place::Key => true,
            Place::Open | Place::Closed { .. } => self.wants_key() && state != State::Text,
            Place::Value | Place::Element | Place::Any => false,
        };
        self.has_closed = false;
        if is_refused && self.is_odd {
            self.is_refused = true;
            self.place = Place::Any;
        } else if is_refused {
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
            self.last = Last::Key;
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
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if self.nesting.depth() > 0 && self.nesting.in_object() == object {
            self.nesting.close();
        } else {
            return Turn::Refused;
        }
        self.has_closed = true;
        if self.last == Last::Start {
            self.last = Last::Empty { object };
        }
        if self.depth() == 0 {
            self.is_refused |= self.last == Last::Key;
            return Turn::Ends(at + 1);
        }
        if self.depth() == 1 && self.in_object() {
            self.place = Place::Value;
            self.note(at + 1, held, members);
        }
        self.follow(self.innermost())
    }

    /// The place directly inside the innermost open array or object.
    fn innermost(&self) -> Place {
        if self.deeper > 0 { Place::Any } else { Place::Open }
    }

    fn depth(&self) -> usize {
        self.nesting.depth() + self.deeper
    }

    /// Whether the next value must be an object's key.
    fn wants_key(&self) -> bool {
        match self.place {
            Place::Open => self.in_object(),
            Place::Closed { object } => object,
            _ => false,
        }
    }

    /// Whether the innermost open value is known to be an object.
    fn in_object(&self) -> bool {
        self.deeper == 0 && self.nesting.depth() > 0 && self.nesting.in_object()
    }
}

/// What to do after a byte.
enum Turn {
    /// Go on with the next byte.
    Next,
    /// Examine the byte again: it ended a word and has a meaning of its own.
    Again,
    /// The message has ended, and has this length.
    Ends(usize),
    /// lightningd refuses such a message.
    Refused,
}

fn ends_word(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b',' | b']' | b'}')
}

fn last_blank_line(text: &[u8]) -> Option<usize> {
    text.windows(2).rposition(|pair| pair == b"\n\n")
}
