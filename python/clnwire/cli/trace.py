"""`clnwire trace`: shows and searches a recorded conversation of a daemon and a plugin."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from clnwire.captures.conversation import KINDS, CapturedMessage, Conversation
from clnwire.captures.filter import RecordFilter, duration_us, parse_span
from clnwire.captures.reading import CaptureError, read_records
from clnwire.captures.tally import Tally
from clnwire.cli._arguments import AsJson, Capture, From, To, Word, Words, flag, option
from clnwire.cli._captures import bar, size_of
from clnwire.cli._completion import one_of
from clnwire.cli._failing import fail, say
from clnwire.cli._trace_lines import Lines, show_summary

EXAMPLES = (
    ("clnwire trace node.jsonl.gz --hook 'htlc_*'", "some hooks, with their answers"),
    ("clnwire trace node.jsonl.gz --slower-than 10ms", "slow answers"),
    ("clnwire trace node.jsonl.gz --from 12.5s --to 14s --full", "all of these messages in full"),
    ("clnwire trace node.jsonl.gz --summary", "counts and latencies"),
)
SHOWN_PROBLEMS = 5
"""Broken lines that are reported one by one."""
DIRECTIONS = ("in", "out")


def trace(
    capture: Capture,
    kind: Annotated[
        Words, option("KIND", f"{', '.join(KINDS)}.", autocompletion=one_of(KINDS))
    ] = None,
    hook: Annotated[Words, option("NAME", "Calls of this hook, with answers.")] = None,
    method: Annotated[Words, option("NAME", "Calls of this method, with answers.")] = None,
    topic: Annotated[Words, option("NAME", "Notifications of this topic.")] = None,
    direction: Annotated[
        Word, option("in|out", "To or from the plugin.", autocompletion=one_of(DIRECTIONS))
    ] = None,
    slower_than: Annotated[Word, option("TIME", "Answers that took longer, such as 10ms.")] = None,
    text: Annotated[Word, option("TEXT", "Messages that contain this, in any case.")] = None,
    first: From = None,
    last: To = None,
    full: Annotated[bool, flag("Shows whole messages.", "--full")] = False,
    summary: Annotated[bool, flag("Counts and latencies by name instead.", "--summary")] = False,
    as_json: AsJson = False,
) -> None:
    """Shows a capture: each message on a line, with its time and how long an answer took.

    → is to the plugin, ← from it. An answer shows the number of its request. Names may contain *
    and ?. --kind, --hook, --method and --topic may be repeated.

    Status 1: the capture is damaged; the readable part was shown. Status 2: it cannot be read.
    """
    wanted = RecordFilter(
        kinds=[_checked("--kind", one, KINDS) for one in kind or []],
        names=[
            *(("hook", name) for name in hook or []),
            *(("method", name) for name in method or []),
            *(("topic", name) for name in topic or []),
        ],
        direction=_checked("--direction", direction, DIRECTIONS) if direction else None,
        slower_than_us=duration_us("--slower-than", slower_than) if slower_than else None,
        text=text.lower() if text is not None else None,
        span=parse_span(first, last),
    )
    reading = _Reading(capture)
    if summary:
        _summarise(reading, wanted, as_json=as_json)
    else:
        lines = Lines(full=full, as_json=as_json)
        for message in reading.messages():
            if wanted.has(message):
                lines.show(message)
            elif wanted.span.last.distance(message.number, message.record.t_us) > 0:
                break
    sys.stdout.flush()
    reading.report()


def _checked(name: str, given: str, known: tuple[str, ...]) -> str:
    if given not in known:
        raise CaptureError(f"{name} must be one of {', '.join(known)}, not '{given}'")
    return given


class _Reading:
    """Reads a capture as far as possible."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.conversation = Conversation()
        self._shown: list[CaptureError] = []
        self._broken = self.read = 0

    def messages(self) -> Iterator[CapturedMessage]:
        found = read_records(
            self.path, on_broken=self._on_broken, on_cut=self._shown.append, on_read=self._on_read
        )
        for number, record in found:
            yield self.conversation.take(number, record)

    def report(self) -> None:
        """Reports what could not be read; the command then ends with status 1."""
        for problem in self._shown[:-1]:
            say("trace", str(problem))
        if self._broken > SHOWN_PROBLEMS:
            say("trace", f"{self._broken:,} lines cannot be read as records")
        if self._shown:
            fail("trace", str(self._shown[-1]), 1)

    def _on_broken(self, error: CaptureError) -> None:
        self._broken += 1
        if self._broken <= SHOWN_PROBLEMS:
            self._shown.append(error)

    def _on_read(self, count: int) -> None:
        self.read = count


def _summarise(reading: _Reading, wanted: RecordFilter, *, as_json: bool) -> None:
    tally = Tally()
    with bar("reading", size_of(reading.path), hidden=as_json) as advance:
        for message in reading.messages():
            if wanted.has(message):
                tally.take(message)
            if message.number % 1000 == 0:
                advance(reading.read)
    for asked in reading.conversation.waiting:
        if wanted.has_unanswered(asked):
            tally.unanswered(asked)
    show_summary(tally, str(reading.conversation.dialect), as_json=as_json)
