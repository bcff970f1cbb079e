//! Decodes the params of `db_write` directly into Python objects.
//!
//! It is the one message that all payments wait for, and nearly all of it are strings of ASCII
//! without escapes. Making those straight from the frame takes half the time that msgspec does, and
//! saves a copy of the params (`docs/performance.md`). Strings with escapes or characters beyond
//! ASCII (JSON in JSON, labels with emoji) take less than twice as long. Params of another form,
//! and strings with half a surrogate pair, go to msgspec.

use std::mem::MaybeUninit;

use clnwire_core::text;
use memchr::memchr;
use pyo3::exceptions::PySystemError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};
use wide::{CmpEq, i8x16};

use crate::params::Params;

/// How many bytes a vector register has.
const LANES: usize = 16;

/// How many bytes are taken at once.
const BLOCK: usize = 2 * LANES;

/// How far a block, a special character in it, and a block behind that reach; an escape has twelve
/// bytes at most.
const REACH: usize = 2 * BLOCK;

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
        let mut texts = Texts { is_plain, ..Texts::default() };
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

/// Makes strings.
#[derive(Default)]
struct Texts {
    /// None has an escape, or a character beyond ASCII.
    is_plain: bool,
    narrow: Characters<u16>,
    /// For the first string that has a character of four bytes, and all behind it.
    wide: Option<Characters<u32>>,
}

impl Texts {
    /// The string that begins behind a quote, and what stands behind its end; nothing if it is no
    /// text, or has no end.
    fn take<'py, 'a>(
        &mut self,
        py: Python<'py>,
        inside: &'a [u8],
    ) -> PyResult<Option<(Bound<'py, PyString>, &'a [u8])>> {
        let (end, string) = if self.is_plain {
            let Some(end) = memchr(b'"', inside) else { return Ok(None) };
            (end, ascii(py, &inside[..end]))
        } else if self.wide.is_none()
            && let Some(end) = self.narrow.read(inside)
        {
            (end, self.narrow.string(py, &inside[..end]))
        } else {
            let wide = self.wide.get_or_insert_default();
            let Some(end) = wide.read(inside) else { return Ok(None) };
            (end, wide.string(py, &inside[..end]))
        };
        Ok(Some((string?, &inside[end + 1..])))
    }
}

/// The characters of a string, as long as each fits `T`.
///
/// Python must know their number and the largest of them before there is room for them in a string.
/// Writing them here meanwhile, and copying them then, takes less time than looking twice.
#[derive(Default)]
struct Characters<T> {
    room: Vec<T>,
    length: usize,
    /// All bits that characters beyond ASCII or escaped have.
    bits: u32,
}

impl<T: Copy + Default + From<u8> + TryFrom<u32> + Into<u32>> Characters<T> {
    /// Reads the string that begins behind a quote, and gives the place of its end; nothing if it
    /// has none, is no text, has a character that does not fit `T`, or memory for it is lacking.
    fn read(&mut self, inside: &[u8]) -> Option<usize> {
        let ends = |at: usize| (inside.get(at) == Some(&b'"')).then_some(at);
        (self.length, self.bits) = (0, 0);
        let at = self.read_on(inside)?;
        ends(at).or_else(|| {
            let left = &inside[at..];
            let mut padded = [b'"'; 2 * REACH];
            padded[..left.len()].copy_from_slice(left);
            ends(at + self.read_on(&padded)?)
        })
    }

    /// Reads up to a string's end, or to where less than `REACH` bytes are left.
    fn read_on(&mut self, text: &[u8]) -> Option<usize> {
        let (mut at, mut written, mut bits) = (0, self.length, self.bits);
        'blocks: while let Some(reach) = text[at..].first_chunk::<REACH>() {
            if self.room.len() < written + REACH {
                let length = 2 * (written + 2 * REACH);
                self.room.try_reserve(length - self.room.len()).ok()?;
                self.room.resize(length, T::default());
            }
            copy(reach, &mut self.room[written..]);
            let mut specials = specials(reach);
            let mut done = 0;
            // Where the next block starts does not depend on what is special in this one, as a rule:
            // the processor reads it meanwhile.
            while specials != 0 {
                let place = specials.trailing_zeros() as usize;
                written += place - done;
                let special = &reach[place..];
                let (code, size) = match special[0] {
                    b'"' => {
                        at += place;
                        break 'blocks;
                    }
                    b'\\' => unescape(special)?,
                    _ => decode(special)?,
                };
                self.room[written] = T::try_from(code).ok()?;
                written += 1;
                bits |= code;
                done = place + size;
                if done >= BLOCK {
                    break;
                }
                specials &= u32::MAX << done;
                if specials & 1 << done == 0 {
                    copy(&reach[done..], &mut self.room[written..]);
                }
            }
            let end = done.max(BLOCK);
            (at, written) = (at + end, written + end - done);
        }
        (self.length, self.bits) = (written, bits);
        Some(at)
    }

    /// The Python string of what was read, which is spelled so.
    fn string<'py>(&self, py: Python<'py>, spelling: &[u8]) -> PyResult<Bound<'py, PyString>> {
        // Python has strings of one, two and four bytes a character. Escapes, and characters beyond
        // ASCII, are longer than one byte.
        match self.bits {
            _ if self.length == spelling.len() => ascii(py, spelling),
            0..0x80 => self.cast(py, 0x7F, |code| code as u8),
            0x80..0x100 => self.cast(py, 0xFF, |code| code as u8),
            0x100..0x1_0000 => self.cast(py, 0xFFFF, |code| code as u16),
            _ => self.cast(py, 0x10_FFFF, |code| code),
        }
    }

    fn cast<'py, U>(
        &self,
        py: Python<'py>,
        most: u32,
        cast: impl Fn(u32) -> U,
    ) -> PyResult<Bound<'py, PyString>> {
        filled(py, self.length, most, |room: &mut [MaybeUninit<U>]| {
            room.iter_mut()
                .zip(&self.room)
                .map(|(character, &code)| character.write(cast(code.into())))
                .count()
        })
    }
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

/// Which bytes of the first block are a quote, a backslash or not ASCII, the first in the lowest
/// bit.
fn specials(text: &[u8; REACH]) -> u32 {
    let (halves, _) = text.as_chunks::<LANES>();
    specials_of(halves[0]) | specials_of(halves[1]) << LANES
}

fn specials_of(half: [u8; LANES]) -> u32 {
    let bytes = i8x16::new(half.map(|byte| byte as i8));
    let equal = |byte: u8| bytes.cmp_eq(i8x16::splat(byte as i8));
    // Bytes beyond ASCII have the bit that `move_mask` takes.
    (bytes | equal(b'"') | equal(b'\\')).move_mask() as u32
}

/// Each byte of the first block as a character, or a part of one.
fn copy<T: From<u8>>(text: &[u8], room: &mut [T]) {
    for (character, &byte) in room[..BLOCK].iter_mut().zip(&text[..BLOCK]) {
        *character = T::from(byte);
    }
}

/// The character that an escape stands for, and its bytes; nothing for an escape that is none, or is
/// half a surrogate pair.
fn unescape(escape: &[u8]) -> Option<(u32, usize)> {
    let (character, behind) = text::unescape_one(&escape[1..])?;
    Some((u32::from(character), escape.len() - behind.len()))
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
