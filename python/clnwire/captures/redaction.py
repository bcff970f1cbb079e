"""Masks members of a message by their names; all else stays byte for byte as it was.

A masked value keeps its type and its length: hexadecimal strings become zeros, others asterisks,
and of numbers the digits. What stands in a masked array or object is masked one by one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import MsgspecError, json

if TYPE_CHECKING:
    from collections.abc import Iterable

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_HEX: Final = re.compile(rb"(?:[0-9a-fA-F]{2})+")
_NUMBER: Final = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_DIGIT: Final = re.compile(rb"[0-9]")
_ESCAPE: Final = re.compile(rb"\\u[0-9a-fA-F]{4}|\\.")


class Redaction:
    """The members that are masked, wherever they stand."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)
        self._texts = [json.encode(name) for name in self.names]

    def mask(self, frame: bytes) -> tuple[bytes, tuple[str, ...]]:
        """The message with the values masked, and the names that were met, in their order."""
        # Most messages have none of them, and a name may be written with escapes.
        if not any(text in frame for text in self._texts) and b"\\u" not in frame:
            return frame, ()
        walk = _Walk(self.names)
        masked = walk.through(frame) if self.names else frame
        return masked, tuple(dict.fromkeys(walk.met))


class _Walk:
    """Once through a message, token by token."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self.met: list[str] = []
        self._depth = 0
        self._masked_from: int | None = None
        """The depth of the member whose value is being masked."""

    def through(self, frame: bytes) -> bytes:
        parts: list[bytes] = []
        done = 0
        tokens = list(_TOKEN.finditer(frame))
        for token, following in zip(tokens, [*tokens[1:], None], strict=True):
            text = token.group()
            is_name = text.startswith(b'"') and following is not None and following[0] == b":"
            new = self._take(text, is_name=is_name)
            if new is not text:
                parts += [frame[done : token.start()], new]
                done = token.end()
        return b"".join([*parts, frame[done:]])

    def _take(self, text: bytes, *, is_name: bool) -> bytes:
        if text in b"{[":
            self._depth += 1
        elif text in b"}]":
            self._depth -= 1
            self._leave()
        elif text == b",":
            self._leave()
        elif is_name:
            self._enter(text)
        elif text != b":" and self._masked_from is not None:
            return masked_scalar(text)
        return text

    def _leave(self) -> None:
        """A value has ended: that of the masked member, unless it is one inside of it."""
        if self._masked_from is not None and self._depth <= self._masked_from:
            self._masked_from = None

    def _enter(self, text: bytes) -> None:
        if self._masked_from is None and (name := _unescaped(text)) in self._names:
            self.met.append(name)
            self._masked_from = self._depth


def masked_scalar(text: bytes) -> bytes:
    """A string, number or literal without what it says."""
    if text.startswith(b'"'):
        body = text[1:-1]
        if _HEX.fullmatch(body):
            return b'"%s"' % (b"0" * len(body))
        # An escape is one character.
        characters = _ESCAPE.sub(b"?", body).decode("utf-8", "replace")
        return b'"%s"' % (b"*" * len(characters))
    if text in (b"true", b"false"):
        return b"false"
    if text == b"null":
        return text
    return _masked_number(text) if _NUMBER.fullmatch(text) else b"0"


def _masked_number(text: bytes) -> bytes:
    """As many digits, none of them the number's own; a first zero alone may stand for it."""
    first = _DIGIT.search(text)
    zeros = _DIGIT.sub(b"0", text)
    if first is None or not text[first.end() : first.end() + 1].isdigit():
        return zeros
    return zeros[: first.start()] + b"1" + zeros[first.end() :]


def _unescaped(text: bytes) -> str:
    if b"\\" not in text:
        return text[1:-1].decode("utf-8", "replace")
    try:
        return json.decode(text, type=str)
    except MsgspecError:
        return ""
