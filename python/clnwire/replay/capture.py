"""Reads a capture for replay: the daemon's messages, each with the captured reply.

One JSON object a line, plain or gzipped: `{"t_us": microseconds since the start, "dir": "in" to the
plugin | "out" from it, "frame": text}`. Lines with a `note` instead of a frame are not messages.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from clnwire import _core
from clnwire._wire.dialect import CURRENT, FOUNDING, LAST_TO_LEAVE_OUT
from clnwire.captures.conversation import STARTUP, age_after
from clnwire.captures.filter import WHOLE, Span
from clnwire.captures.reading import CaptureError, read_records
from clnwire.host.rules.dialect import HostDialect, dialect_named

__all__ = ["CaptureError", "Step", "read_capture"]


class Step(Struct):
    """A message from the daemon, and the captured reply."""

    line: int
    """The line of the capture, counted from 1."""
    t_us: int
    frame: bytes
    method: str
    token: bytes | None
    """`None` for a notification."""
    reply: bytes | None = None
    """The captured reply; `None` if there is none."""
    refused: bool = False
    """The captured reply is an error."""


def read_capture(
    path: Path, span: Span = WHOLE, *, on_cut: Callable[[CaptureError], object] | None = None
) -> list[Step]:
    """The daemon's messages in order, or those of a span and of the start-up before it.

    If the capture ends early or is damaged, `on_cut` gets the reason, and the messages before that
    point are returned. Raises `CaptureError` if there are none.
    """
    cuts: list[CaptureError] = []
    steps = _steps(path, span, cuts.append)
    if not steps:
        raise cuts[0] if cuts else CaptureError(f"{path}: no message to the plugin in it")
    if span != WHOLE and all(step.method in STARTUP for step in steps):
        raise CaptureError(f"{path}: no message to the plugin between --from and --to")
    if cuts and on_cut is not None:
        on_cut(cuts[0])
    return steps


def dialect_of(steps: Sequence[Step]) -> HostDialect:
    """The dialect of the daemon that the capture was taken from."""
    known = CURRENT
    for step in steps:
        if step.token is not None:
            params = dict(_core.members(step.frame)).get("params", b"")
            known = age_after(known, step.method, step.token, params)
            if step.method in ("init", "db_write"):
                # Later messages tell nothing more about the dialect.
                break
    if known.newest > LAST_TO_LEAVE_OUT:
        return dialect_named("current")
    return dialect_named("2019" if known.newest == FOUNDING else "2020")


def _steps(path: Path, span: Span, on_cut: Callable[[CaptureError], object]) -> list[Step]:
    steps: list[Step] = []
    asked: dict[bytes, Step] = {}
    for line, record in read_records(path, on_broken=_raise, on_cut=on_cut):
        if record.frame is None:
            continue
        where = f"{path}:{line}"
        text, members = _members(where, record.frame)
        token = members.get("id")
        if record.dir == "in":
            step = Step(line, record.t_us, text, _method(where, members), token)
            if token is not None:
                asked[token] = step
            if _is_wanted(step, span):
                steps.append(step)
        elif token in asked and "method" not in members:
            asked[token].reply = text
            asked[token].refused = "error" in members
    return steps


def _is_wanted(step: Step, span: Span) -> bool:
    """No plugin works without the requests of the start-up, so every span includes them."""
    if span.has(step.line, step.t_us):
        return True
    return step.method in STARTUP and span.last.distance(step.line, step.t_us) <= 0


def _raise(error: CaptureError) -> None:
    raise error


def _members(where: str, frame: str) -> tuple[bytes, dict[str, bytes]]:
    """The frame's text and members; of a repeated one the first. A value may be invalid JSON."""
    try:
        text = frame.encode()
        return text, dict(reversed(_core.members(text)))
    except UnicodeError as error:
        raise CaptureError(f"{where}: the frame is not text: {error}") from None
    except ValueError as error:
        raise CaptureError(f"{where}: the frame is not a JSON object: {error}") from None


def _method(where: str, members: dict[str, bytes]) -> str:
    try:
        return msgspec.json.decode(members.get("method", b""), type=str)
    except msgspec.MsgspecError:
        raise CaptureError(f"{where}: the frame has no method") from None
