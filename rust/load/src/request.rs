//! A request's bytes; only the id and the number change.

use crate::job::Ask;

const ID: char = '\u{1}';
const NUMBER: char = '\u{2}';

/// The number of decimal digits of the largest 64-bit number.
const DIGITS: usize = 20;

/// A request in pieces, split where the id and the number are inserted, so that writing one is
/// copying.
pub struct Request {
    id: Vec<Piece>,
    text: Vec<Piece>,
}

enum Piece {
    Text(String),
    Id,
    Number,
}

impl Request {
    pub fn new(ask: &Ask) -> Self {
        Self { id: pieces(&ask.id), text: pieces(&ask.text) }
    }

    /// Appends the request with this number to `frames`, and its id to `token`.
    pub fn write(&self, number: u64, frames: &mut Vec<u8>, token: &mut Vec<u8>) {
        let mut digits = [0; DIGITS];
        let number = in_decimal(number, &mut digits);
        token.clear();
        put(&self.id, number, &[], token);
        put(&self.text, number, token, frames);
    }
}

fn put(pieces: &[Piece], number: &[u8], token: &[u8], bytes: &mut Vec<u8>) {
    for piece in pieces {
        bytes.extend_from_slice(match piece {
            Piece::Text(text) => text.as_bytes(),
            Piece::Id => token,
            Piece::Number => number,
        });
    }
}

/// The number in decimal, without an allocation, since this is done for each message.
fn in_decimal(mut number: u64, digits: &mut [u8; DIGITS]) -> &[u8] {
    let mut start = DIGITS;
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[start..];
        }
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    for part in text.split_inclusive([ID, NUMBER]) {
        let plain = part.trim_end_matches([ID, NUMBER]);
        if !plain.is_empty() {
            found.push(Piece::Text(plain.to_owned()));
        }
        match part.chars().last() {
            Some(ID) => found.push(Piece::Id),
            Some(NUMBER) => found.push(Piece::Number),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(id: &str, text: &str, number: u64) -> (String, String) {
        let request = Request::new(&Ask { id: id.to_owned(), text: text.to_owned() });
        let (mut frames, mut token) = (b"before ".to_vec(), b"old".to_vec());
        request.write(number, &mut frames, &mut token);
        (
            String::from_utf8_lossy(&token).into_owned(),
            String::from_utf8_lossy(&frames).into_owned(),
        )
    }

    #[test]
    fn id_and_number_are_put_in_wherever_they_belong() {
        let text = "{\"id\":\u{1},\"params\":[\u{2},\u{2}]}\n\n";
        let (token, frames) = written("\"cln:x#\u{2}\"", text, 17);
        assert_eq!(token, r#""cln:x#17""#);
        assert_eq!(frames, "before {\"id\":\"cln:x#17\",\"params\":[17,17]}\n\n");
    }

    #[test]
    fn what_has_neither_goes_out_as_it_is() {
        let (token, frames) = written("7", "{\"id\":7,\"say\":\"ü\"}\n\n", 1);
        assert_eq!((token.as_str(), frames.as_str()), ("7", "before {\"id\":7,\"say\":\"ü\"}\n\n"));
        assert_eq!(written("\u{2}", "\u{1}\u{2}\u{1}", 4).1, "before 444");
    }

    #[test]
    fn numbers_are_written_as_others_write_them() {
        for number in [0, 9, 10, 4_294_967_296, u64::MAX] {
            assert_eq!(in_decimal(number, &mut [0; DIGITS]), number.to_string().as_bytes());
        }
    }
}
