//! A second implementation of lightningd's parser: it first reads all tokens, each with the number
//! of its children, and judges them afterwards.

use std::ops::Range;

use super::oracle::MEMBERS;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Object,
    Array,
    Text,
    Word,
}

struct Token {
    kind: Kind,
    bytes: Range<usize>,
    open: bool,
    children: usize,
}

/// What lightningd's parser makes of a value.
pub struct Accepted {
    /// The value's end.
    pub end: usize,
    /// A word starts with a character that no word may start with, except in `init`.
    pub starts_oddly: bool,
    /// The outermost object's members, in the order of [`MEMBERS`]; of a duplicate, the first's.
    pub members: [Option<Range<usize>>; MEMBERS.len()],
}

/// The value that `message` starts with, if lightningd's parser accepts it apart from its words.
pub fn read(message: &[u8]) -> Option<Accepted> {
    let tokens = tokens(message)?;
    let starts_oddly = |token: &Token| {
        token.kind == Kind::Word && !b"-0123456789tfn".contains(&message[token.bytes.start])
    };
    is_valid(message, &tokens, &mut 0).then(|| Accepted {
        end: tokens[0].bytes.end,
        starts_oddly: tokens.iter().any(starts_oddly),
        members: members(message, &tokens),
    })
}

/// The end of the value that [`read`] finds.
pub fn accepted(message: &[u8]) -> Option<usize> {
    read(message).map(|value| value.end)
}

/// Whether lightningd's parser refuses the value that `message` starts with.
pub fn is_refused(message: &[u8]) -> bool {
    read(message).is_none_or(|value| value.starts_oddly)
}

/// Where the brackets of the value close, whatever is in it.
pub fn closed(message: &[u8]) -> Option<usize> {
    tokens(message).map(|tokens| tokens[0].bytes.end)
}

fn members(message: &[u8], tokens: &[Token]) -> [Option<Range<usize>>; MEMBERS.len()] {
    let mut found: [Option<Range<usize>>; MEMBERS.len()] = Default::default();
    let children = if tokens[0].kind == Kind::Object { tokens[0].children } else { 0 };
    let mut next = 1;
    for _ in 0..children {
        let name = &message[tokens[next].bytes.clone()];
        if let Some(at) = MEMBERS.iter().position(|member| member.as_bytes() == name) {
            let value = &tokens[next + 1];
            let Range { start, end } = value.bytes;
            let quote = usize::from(value.kind == Kind::Text);
            found[at].get_or_insert(start - quote..end + quote);
        }
        next = behind(tokens, next);
    }
    found
}

/// The number of the token behind this one and all below it.
fn behind(tokens: &[Token], number: usize) -> usize {
    (0..tokens[number].children).fold(number + 1, |next, _| behind(tokens, next))
}

/// The tokens of one value; `None` if the parser fails or the value does not end.
fn tokens(message: &[u8]) -> Option<Vec<Token>> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut parent = None;
    let mut at = 0;
    while tokens.is_empty() || tokens[0].open {
        match *message.get(at)? {
            b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            b':' => {
                parent = tokens.len().checked_sub(1);
                at += 1;
            }
            b',' => {
                if parent.is_some_and(|n| matches!(tokens[n].kind, Kind::Text | Kind::Word)) {
                    parent = tokens.iter().rposition(|token| token.open).or(parent);
                }
                at += 1;
            }
            byte @ (b'{' | b'[') => {
                let kind = if byte == b'{' { Kind::Object } else { Kind::Array };
                push(&mut tokens, parent, kind, at..at, true);
                parent = Some(tokens.len() - 1);
                at += 1;
            }
            byte @ (b'}' | b']') => {
                let kind = if byte == b'}' { Kind::Object } else { Kind::Array };
                at += 1;
                let innermost = tokens.iter_mut().rfind(|token| token.open)?;
                if innermost.kind != kind {
                    return None;
                }
                innermost.open = false;
                innermost.bytes.end = at;
                parent = tokens.iter().rposition(|token| token.open);
            }
            b'"' => {
                let end = text_end(message, at + 1)?;
                push(&mut tokens, parent, Kind::Text, at + 1..end, false);
                at = end + 1;
                if tokens.len() == 1 {
                    tokens[0].bytes.end = at;
                }
            }
            _ => {
                let word = message[at..].iter().position(|byte| b"\t\r\n ,]}".contains(byte))?;
                if !message[at..at + word].iter().all(|byte| (b' '..0x7F).contains(byte)) {
                    return None;
                }
                push(&mut tokens, parent, Kind::Word, at..at + word, false);
                at += word;
            }
        }
    }
    Some(tokens)
}

fn push(
    tokens: &mut Vec<Token>,
    parent: Option<usize>,
    kind: Kind,
    bytes: Range<usize>,
    open: bool,
) {
    if let Some(parent) = parent {
        tokens[parent].children += 1;
    }
    tokens.push(Token { kind, bytes, open, children: 0 });
}

fn text_end(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            b'"' => return Some(at),
            0 => return None,
            b'\\' => {
                at += 1;
                match *message.get(at)? {
                    b'u' => {
                        let digits = message.get(at + 1..at + 5)?;
                        if !digits.iter().all(u8::is_ascii_hexdigit) {
                            return None;
                        }
                        at += 5;
                    }
                    byte if b"\"\\/bfnrt".contains(&byte) => at += 1,
                    _ => return None,
                }
            }
            _ => at += 1,
        }
    }
}

fn is_valid(message: &[u8], tokens: &[Token], next: &mut usize) -> bool {
    let Some(token) = tokens.get(*next) else { return false };
    *next += 1;
    let is_text = |token: &Token| {
        message.get(token.bytes.clone()).is_some_and(|text| str::from_utf8(text).is_ok())
    };
    match token.kind {
        Kind::Text => token.children == 0 && is_text(token),
        Kind::Word => token.children == 0,
        Kind::Array => (0..token.children).all(|_| is_valid(message, tokens, next)),
        Kind::Object => (0..token.children).all(|_| {
            let Some(key) = tokens.get(*next) else { return false };
            *next += 1;
            let is_key = key.kind == Kind::Text && key.children == 1 && is_text(key);
            is_key && is_valid(message, tokens, next)
        }),
    }
}
