//! The length of a line that the daemon's log takes.

use std::borrow::Cow;

/// The longest line, in bytes of JSON text. lightningd up to v26.06.6 aborts on a longer one: it
/// frees memory that is not from `malloc` (`logv` in lightningd/log.c). Where it does not know an
/// escape it logs the JSON text unchanged, so the length of the escaped text counts.
const MAX_BYTES: usize = 1 << 18;
/// Room for the note that says how much is missing, in bytes.
const NOTE_BYTES: usize = 64;
/// The longest escape, such as `\u001b`, of a character that is one byte by itself.
const MAX_ESCAPE_BYTES: usize = 6;

/// The line, or as much of it as the daemon takes, with a note of how many characters are missing.
pub fn cut(line: &str) -> Cow<'_, str> {
    if line.len() <= MAX_BYTES / MAX_ESCAPE_BYTES {
        return Cow::Borrowed(line);
    }
    let (mut length, mut kept) = (0, 0);
    for (at, character) in line.char_indices() {
        if length <= MAX_BYTES - NOTE_BYTES {
            kept = at;
        }
        length += escaped_length(character);
        if length > MAX_BYTES {
            let missing = line[kept..].chars().count();
            return Cow::Owned(format!("{} [... {missing} more characters]", &line[..kept]));
        }
    }
    Cow::Borrowed(line)
}

fn escaped_length(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' => 2,
        '\0'..='\x1f' => MAX_ESCAPE_BYTES,
        _ => character.len_utf8(),
    }
}
