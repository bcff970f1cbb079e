"""Values of options: integers are what C's `strtoll` makes of them, as in lightningd."""

from __future__ import annotations

import ctypes
import json
from pathlib import Path
from random import Random
from typing import Any, Final

from clnwire import Option, OptionError

REFUSED: Final = object()
PIECES: Final = [
    *(bytes([letter]) for letter in b'0011789afxX+-.eE \t\n\v""\\,[]{}:\'_'),
    *(b"true", b"FALSE", b"yes", b"No", b"null", b"0x", b"9223372036854775807", b"-", b"NaN"),
    *(b"\\u0030", b"\xc2\xa0", b"\xd9\xa1", b"\xff", b"\x00", b"\xe2\x80\x8a"),
]
WORDS: Final = {"true": True, "yes": True, "false": False, "no": False}
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_LIBC.strtoll.restype = ctypes.c_longlong


class Target:
    """Each case is the JSON text of a value in `init`, and an option of each type."""

    def __init__(self, folder: Path) -> None:
        del folder
        self._single = {each: Option("o", type=each) for each in ("int", "bool", "flag", "string")}
        self._multi = {each: Option("o", type=each, multi=True) for each in ("int", "string")}

    def case(self, random: Random) -> None:
        """Compares all types' readings of one text, and of a list of it and another."""
        raw, other = text(random), text(random)
        for name, option in self._single.items():
            expected, found = EXPECTED[name](raw), read(option, raw)
            assert same(found, expected), (name, raw, found, expected)
        for name, option in self._multi.items():
            if is_element(raw) and is_element(other):
                each = [EXPECTED[name](raw), EXPECTED[name](other)]
                expected = REFUSED if REFUSED in each else each
                found = read(option, b"[%s, %s]" % (raw, other))
                assert same(found, expected), (name, raw, other, found, expected)


def text(random: Random) -> bytes:
    """A number, a word, or a JSON string of them; or anything. White space is around no value."""
    inner = b"".join(random.choices(PIECES, k=random.randrange(6)))
    return b'"%s"' % inner if random.random() < 0.3 else inner.strip(b" \t\n")


def is_element(raw: bytes) -> bool:
    """Whether the text can be an element of a list, as lightningd writes it."""
    return bool(raw) and raw.isascii() and not set(raw) & set(b' \t\n\v\x00,:[]{}"\\')


def read(option: Option[Any], raw: bytes) -> Any:
    """What the option makes of it."""
    try:
        return option.read(raw)
    except OptionError:
        return REFUSED


def same(found: Any, expected: Any) -> bool:
    """Whether both are the same value of the same type."""
    return type(found) is type(expected) and found == expected


def decoded(raw: bytes) -> Any:
    """The value of a JSON text, or the text itself if it is none."""
    try:
        value = json.loads(raw.decode(), parse_constant=refuse)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return raw.decode("utf-8", "replace")
    return value


def refuse(constant: str) -> None:
    """`NaN` and the like are not JSON."""
    raise ValueError(constant)


def as_integer(raw: bytes) -> Any:
    """Read by the C library, white space around it apart. lightningd takes no text at all for 0;
    clnwire refuses it."""
    value = decoded(raw)
    if isinstance(value, str):
        data = value.strip().encode()
        buffer = ctypes.create_string_buffer(data)
        end = ctypes.c_char_p()
        ctypes.set_errno(0)
        number = _LIBC.strtoll(buffer, ctypes.byref(end), 0)
        is_whole = data and b"\0" not in data and not end.value and not ctypes.get_errno()
        return number if is_whole else REFUSED
    is_number = type(value) is int and -(1 << 63) <= value < 1 << 63
    return value if is_number else REFUSED


def as_boolean(raw: bytes) -> Any:
    """A word in any case."""
    value = decoded(raw)
    if isinstance(value, str):
        return WORDS.get(value.casefold(), REFUSED)
    return value if isinstance(value, bool) else REFUSED


def as_flag(raw: bytes) -> Any:
    """As a boolean; no text at all is true."""
    return True if decoded(raw) == "" else as_boolean(raw)


def as_text(raw: bytes) -> Any:
    """A string, or a scalar as the user spelled it."""
    value = decoded(raw)
    if isinstance(value, str):
        return value
    return REFUSED if value is None or isinstance(value, (list, dict)) else raw.decode()


EXPECTED: Final = {"int": as_integer, "bool": as_boolean, "flag": as_flag, "string": as_text}
