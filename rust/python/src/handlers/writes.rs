//! Decodes the params of `db_write` directly into Python objects.
//!
//! It is the one message that all payments wait for, and nearly all of it are strings of ASCII
//! without escapes. Making those straight from the frame takes half the time that msgspec does, and
//! saves a copy of the params (`docs/performance.md`). Strings with escapes or characters beyond
//! ASCII (JSON in JSON, labels with emoji) take less than twice as long. Params of another form,
//! and strings with half a surrogate pair, go to msgspec.

use std::mem::MaybeUninit;

use clnwire_core::text;
use memchr::{memchr, memchr2};
use pyo3::exceptions::PySystemError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};
use wide::{CmpLt, i8x16, u8x16};

use crate::params::Params;

/// How many bytes are taken at once: as many as a vector register has.
const LANES: usize = 16;

/// `bytes` to the event of `db_write`.
#[pyclass(frozen, module = "clnwire._core")]
pub struct WritesDecoder {
    /// `(writes, data_version)` to the event.
    event: Py<PyAny>,
    /// `bytes` to the event, for whatever has not the usual form.
    otherwise: Py<PyAny>,
}

#[pymethods]
impl WritesDecoder {
    #[new]
    #[pyo3(signature = (event, otherwise, /))]
    fn new(event: Py<PyAny>, otherwise: Py<PyAny>) -> Self {
        Self { event, otherwise }
    }

    #[pyo3(signature = (params, /))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        params: &Bound<'py, PyBytes>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let text = params.as_bytes();
        if std::str::from_utf8(text).is_err() {
            return self.otherwise.bind(py).call1((params,));
        }
        self.decode(py, Params { text, is_plain: false })
    }
}

impl WritesDecoder {
    /// The event of params in whatever form; they must be JSON, and so UTF-8.
    pub fn decode<'py>(&self, py: Python<'py>, params: Params<'_>) -> PyResult<Bound<'py, PyAny>> {
        match self.usual(py, params)? {
            Some(event) => Ok(event),
            None => self.otherwise.bind(py).call1((PyBytes::new(py, params.text),)),
        }
    }

    /// The event of params as the daemon of today sends them; nothing if they are any different.
    fn usual<'py>(
        &self,
        py: Python<'py>,
        Params { text, is_plain }: Params<'_>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut texts =
            Texts { is_plain, is_ascii: is_plain || text.is_ascii(), scratch: Vec::new() };
        let Some((version, texts)) = split(py, text, &mut texts)? else { return Ok(None) };
        let writes = PyList::new(py, texts)?;
        self.event.bind(py).call1((writes, version)).map(Some)
    }
}

/// `{"data_version":7,"writes":["…",…]}`, without white space or anything more.
fn split<'py>(
    py: Python<'py>,
    params: &[u8],
    texts: &mut Texts,
) -> PyResult<Option<(u32, Vec<Bound<'py, PyString>>)>> {
    let Some((version, mut rest)) = start(params) else { return Ok(None) };
    // Statements are some 200 bytes long.
    let mut found = Vec::with_capacity(rest.len() / 128);
    while let Some(inside) = rest.strip_prefix(b"\"") {
        let Some((text, behind)) = texts.take(py, inside)? else { return Ok(None) };
        found.push(text);
        match behind.strip_prefix(b",") {
            Some(next) if next.starts_with(b"\"") => rest = next,
            Some(_) => return Ok(None),
            None => {
                rest = behind;
                break;
            }
        }
    }
    Ok((rest == b"]}").then_some((version, found)))
}

/// The version, and what stands behind the bracket of `writes`.
fn start(params: &[u8]) -> Option<(u32, &[u8])> {
    let rest = params.strip_prefix(b"{\"data_version\":")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let version = number(&rest[..digits])?;
    Some((version, rest[digits..].strip_prefix(b",\"writes\":[")?))
}

/// Makes strings; what is known of all of them, and room to unescape in.
struct Texts {
    /// None has an escape, or a character beyond ASCII.
    is_plain: bool,
    /// None has a character beyond ASCII, but for those that are escaped.
    is_ascii: bool,
    scratch: Vec<u8>,
}

impl Texts {
    /// The string that begins behind a quote, and what stands behind its end; nothing if it is no
    /// text, or has no end.
    fn take<'py, 'a>(
        &mut self,
        py: Python<'py>,
        inside: &'a [u8],
    ) -> PyResult<Option<(Bound<'py, PyString>, &'a [u8])>> {
        let Some((text, has_escapes, behind)) = self.cut(inside) else { return Ok(None) };
        let string = if has_escapes {
            self.scratch.clear();
            let Some(is_ascii) = unescape(text, &mut self.scratch) else { return Ok(None) };
            string(py, &self.scratch, is_ascii && self.is_ascii)?
        } else {
            string(py, text, self.is_ascii)?
        };
        Ok(Some((string, behind)))
    }

    /// What stands before the closing quote, whether escapes are in it, and what is behind.
    fn cut<'a>(&self, inside: &'a [u8]) -> Option<(&'a [u8], bool, &'a [u8])> {
        let mut end =
            if self.is_plain { memchr(b'"', inside) } else { memchr2(b'"', b'\\', inside) }?;
        let has_escapes = inside[end] != b'"';
        while inside[end] != b'"' {
            let after = end + 2;
            end = after + memchr2(b'"', b'\\', inside.get(after..)?)?;
        }
        Some((&inside[..end], has_escapes, &inside[end + 1..]))
    }
}

/// A Python string of UTF-8.
fn string<'py>(py: Python<'py>, text: &[u8], is_ascii: bool) -> PyResult<Bound<'py, PyString>> {
    if is_ascii || text.is_ascii() { ascii(py, text) } else { beyond_ascii(py, text) }
}

/// Appends what the escapes of a JSON string stand for, in UTF-8. Returns whether none of them is
/// beyond ASCII; nothing for an escape that is none, or is half a surrogate pair.
fn unescape(mut text: &[u8], out: &mut Vec<u8>) -> Option<bool> {
    let mut is_ascii = true;
    while let Some(at) = memchr(b'\\', text) {
        out.extend_from_slice(&text[..at]);
        let (character, behind) = text::unescape_one(&text[at + 1..])?;
        is_ascii &= character.is_ascii();
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        text = behind;
    }
    out.extend_from_slice(text);
    Some(is_ascii)
}

/// A number as JSON spells it: without zeros in front.
fn number(digits: &[u8]) -> Option<u32> {
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (digits.len() == 1 || digits[0] != b'0').then_some(number)
}

/// A Python string of `text`, which is ASCII.
///
/// Python's own way to it looks at every byte once more. Without that, a round trip of 12 kB was
/// measured at 12.1 µs instead of 13.1, and one of 1 MB at 585 instead of 637.
fn ascii<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyString>> {
    debug_assert!(text.is_ascii());
    filled(py, text.len(), 0x7F, |room: &mut [MaybeUninit<u8>]| {
        room.iter_mut().zip(text).map(|(character, &byte)| character.write(byte)).count()
    })
}

/// A Python string of UTF-8 that is not all ASCII. Python's own decoder takes longer.
fn beyond_ascii<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyString>> {
    // Python has strings of one, two and four bytes a character: the first byte of the largest
    // character tells which. What the closures are given fits for that reason.
    let (length, largest) = shape(text);
    match largest {
        0..0xC4 => filled(py, length, 0xFF, |room| widen(text, room, |code| code as u8)),
        0xC4..0xF0 => filled(py, length, 0xFFFF, |room| widen(text, room, |code| code as u16)),
        _ => filled(py, length, 0x10_FFFF, |room| widen(text, room, |code| code)),
    }
}

/// How many characters there are in UTF-8, and the largest byte.
fn shape(text: &[u8]) -> (usize, u8) {
    let (mut length, mut largest) = (text.len(), u8x16::ZERO);
    // Each of sixteen lanes counts the bytes that continue a character, -128 to -65 as signed
    // numbers; 255 of them at most, which fit its byte.
    for part in text.chunks(LANES * 255) {
        let mut continuations = i8x16::ZERO;
        let mut look = |block: [u8; LANES]| {
            largest = largest.max(u8x16::new(block));
            // True is -1.
            continuations -= signed(block).cmp_lt(i8x16::splat(-64));
        };
        let (blocks, rest) = part.as_chunks();
        blocks.iter().for_each(|block| look(*block));
        if !rest.is_empty() {
            let mut block = [0; LANES];
            block[..rest.len()].copy_from_slice(rest);
            look(block);
        }
        let counts = continuations.to_array();
        length -= counts.iter().map(|&count| usize::from(count as u8)).sum::<usize>();
    }
    (length, largest.to_array().into_iter().fold(0, u8::max))
}

/// Writes the characters of UTF-8, as many as there is room for, and gives how many.
fn widen<T: From<u8>>(
    text: &[u8],
    room: &mut [MaybeUninit<T>],
    narrow: impl Fn(u32) -> T,
) -> usize {
    let (mut read, mut written) = (0, 0);
    while let (Some(block), Some(free)) =
        (text[read..].first_chunk(), room[written..].first_chunk_mut())
    {
        // The first byte that is not ASCII and those behind it are overwritten below.
        copy(block, free);
        let others = beyond(*block);
        // A branch, so that the processor need not wait for the sum before it reads on.
        if others == 0 {
            (read, written) = (read + LANES, written + LANES);
            continue;
        }
        let ascii = others.trailing_zeros() as usize;
        (read, written) = (read + ascii, written + ascii);
        let Some((code, size)) = decode(&text[read..]) else { break };
        room[written].write(narrow(code));
        (read, written) = (read + size, written + 1);
    }
    // Less than a block is left as a rule. If the text ends with a block of ASCII, that is written
    // whole, though some of it has been already.
    let left = text.len() - read;
    if left < LANES
        && let (Some(block), Some(free)) = (text.last_chunk(), room.last_chunk_mut())
        && beyond(*block) == 0
    {
        copy(block, free);
        return written + left;
    }
    while let Some(free) = room.get_mut(written)
        && let Some((code, size)) = decode(&text[read..])
    {
        free.write(narrow(code));
        (read, written) = (read + size, written + 1);
    }
    written
}

/// Which bytes of a block are not ASCII, the first in the lowest bit.
fn beyond(block: [u8; LANES]) -> i32 {
    signed(block).move_mask()
}

fn signed(block: [u8; LANES]) -> i8x16 {
    i8x16::new(block.map(|byte| byte as i8))
}

/// Each byte as a character, or a part of one.
fn copy<T: From<u8>>(block: &[u8; LANES], free: &mut [MaybeUninit<T>; LANES]) {
    for (character, &byte) in free.iter_mut().zip(block) {
        character.write(T::from(byte));
    }
}

/// The first character of UTF-8, and its bytes.
fn decode(text: &[u8]) -> Option<(u32, usize)> {
    let more = |at: usize| text.get(at).map(|&byte| u32::from(byte & 0x3F));
    let first = u32::from(*text.first()?);
    Some(match first {
        0..0x80 => (first, 1),
        0x80..0xE0 => ((first & 0x1F) << 6 | more(1)?, 2),
        0xE0..0xF0 => ((first & 0x0F) << 12 | more(1)? << 6 | more(2)?, 3),
        _ => ((first & 0x07) << 18 | more(1)? << 12 | more(2)? << 6 | more(3)?, 4),
    })
}

/// A Python string of `length` characters, none above `most`, at least one above the next smaller
/// of 0x7F, 0xFF, 0xFFFF. `T` is as wide as `most`; `fill` writes the characters and counts them.
#[allow(unsafe_code)]
fn filled<'py, T>(
    py: Python<'py>,
    length: usize,
    most: u32,
    fill: impl FnOnce(&mut [MaybeUninit<T>]) -> usize,
) -> PyResult<Bound<'py, PyString>> {
    debug_assert!(
        size_of::<T>()
            == if most > 0xFFFF {
                4
            } else if most > 0xFF {
                2
            } else {
                1
            }
    );
    // A slice is never longer than `isize::MAX`.
    // SAFETY: `PyUnicode_New` returns NULL with an error set (propagated), or a new unshared string
    // with aligned room for `length` characters of the width that `most` needs, which is that of
    // `T`. (The empty string is shared, but nothing is written to it.) The string is returned only
    // if all characters were written.
    let (string, written) = unsafe {
        let string = ffi::PyUnicode_New(length as ffi::Py_ssize_t, most);
        let string = Bound::from_owned_ptr_or_err(py, string)?;
        let room = ffi::PyUnicode_DATA(string.as_ptr()).cast::<MaybeUninit<T>>();
        let written = fill(std::slice::from_raw_parts_mut(room, length));
        (string.cast_into_unchecked(), written)
    };
    if written != length {
        return Err(PySystemError::new_err("characters of a string were counted wrong"));
    }
    Ok(string)
}
