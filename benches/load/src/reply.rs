//! Where a reply ends, and whether it is the right one.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The end of the first JSON object or array in the bytes, if it is whole.
pub fn end(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[derive(Deserialize)]
pub struct Reply<'a> {
    jsonrpc: Option<&'a str>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub result: Option<&'a RawValue>,
}

pub fn parse(frame: &[u8]) -> Result<Reply<'_>, String> {
    serde_json::from_slice(frame)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(frame)))
}

/// Checks replies. One that has been checked in full is kept, and those like it but for the
/// token are compared with it byte by byte, which is as strict.
#[derive(Default)]
pub struct Checker {
    around: Option<(Vec<u8>, Vec<u8>, &'static str)>,
}

impl Checker {
    pub fn check(&mut self, frame: &[u8], token: &str, result: &'static str) -> Result<(), String> {
        if let Some((before, after, known)) = &self.around
            && *known == result
            && let Some(rest) = frame.strip_prefix(before.as_slice())
            && rest.strip_prefix(token.as_bytes()) == Some(after.as_slice())
        {
            return Ok(());
        }
        self.check_in_full(frame, token, result)
    }

    fn check_in_full(
        &mut self,
        frame: &[u8],
        token: &str,
        result: &'static str,
    ) -> Result<(), String> {
        let reply = parse(frame)?;
        let text = String::from_utf8_lossy(frame);
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        let is_right = reply.jsonrpc == Some("2.0")
            && reply.id.map(RawValue::get) == Some(token)
            && reply.result.and_then(|found| value(found.get())) == value(result);
        if !is_right {
            return Err(format!("wrong reply to {token}: {text}"));
        }
        let at = text.find(token).ok_or("the token is not in the reply")?;
        let after = frame[at + token.len()..].to_vec();
        self.around = Some((frame[..at].to_vec(), after, result));
        Ok(())
    }
}
