"""Converts words of the command line to JSON parameters, as lightning-cli does."""

import re
from collections.abc import Sequence
from typing import Final

from msgspec import json

from clnwire._core import MalformedError, validate
from clnwire.errors import ClnwireError

_LITERAL: Final = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
"""Without exponents: `1e5` may be hexadecimal."""
_KEYWORD: Final = re.compile(r"[A-Za-z0-9_.-]+=")
_BRACKETS: Final = ("{}", "[]", '""')


class WordError(ClnwireError):
    """A word that cannot be a parameter; the message says what to write instead."""


def params_text(words: Sequence[str], *, keyword: bool = False, ordered: bool = False) -> bytes:
    """An object if the first word is `key=value`, else an array, unless one is forced.

    Raises `WordError`.
    """
    if keyword or (not ordered and words and _KEYWORD.match(words[0])):
        return b"{" + b",".join(_members(words)) + b"}"
    return b"[" + b",".join(value_text(word) for word in words) + b"]"


def _members(words: Sequence[str]) -> list[bytes]:
    found: dict[str, bytes] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key:
            raise WordError(f"'{word}' must be KEY=VALUE like the others; -o takes values only")
        if key in found:
            raise WordError(f"'{key}' is given twice")
        found[key] = value_text(value)
    return [string_text(key) + b":" + value for key, value in found.items()]


def value_text(word: str) -> bytes:
    """The word itself if it looks like JSON, else a string.

    Raises `WordError` for what only looks like JSON.
    """
    if _LITERAL.fullmatch(word):
        return word.encode()
    if len(word) > 1 and word[0] + word[-1] in _BRACKETS:
        return json_text(word)
    return string_text(word)


def json_text(word: str) -> bytes:
    """The text of exactly one JSON value. Raises `WordError`."""
    try:
        text = word.encode()
        validate(text)
    except (MalformedError, UnicodeEncodeError) as error:
        raise WordError(f"not JSON: {word!r}: {error}") from None
    return text


def json_object(word: str) -> bytes:
    """The text of exactly one JSON object. Raises `WordError`."""
    text = json_text(word).strip()
    if not text.startswith(b"{"):
        raise WordError(f"must be a JSON object, not {word!r}")
    return text


def string_text(word: str) -> bytes:
    """The text of a JSON string. Raises `WordError` for what is not UTF-8."""
    try:
        return json.encode(word)
    except UnicodeEncodeError:
        raise WordError(f"not UTF-8: {word!r}") from None
