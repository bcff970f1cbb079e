"""What `clnwire trace` prints: messages as lines, or a summary.

Lines are coloured and cut to the width on a terminal, plain or JSON elsewhere.
"""

import re
import sys
from typing import Any, Final, cast

from msgspec import Raw, json

from clnwire._core import MalformedError, validate
from clnwire._wire.codec import UNDECODABLE
from clnwire._wire.counting import counted
from clnwire._wire.foreign import in_one_line, shortened
from clnwire.captures.conversation import CapturedMessage
from clnwire.captures.tally import Row, Tally
from clnwire.cli._failing import print_json

COLOURS: Final = {
    "startup": "magenta",
    "hook": "cyan",
    "method": "blue",
    "topic": "yellow",
    "answer": "green",
    "error": "bold red",
    "log": "dim",
    "notice": "dim",
    "note": "bold red",
}
SLOW_US: Final = 100_000
"""Slower answers are marked: a hook that takes this long delays payments noticeably."""
WIDTH: Final = 200
"""Characters of a line that is not on a terminal."""
TABLE_WIDTH: Final = 120
"""Columns of a table that is not on a terminal."""
MOST_ROWS: Final = 200
"""Names of a summary, the most frequent: it takes 1 ms to lay out each."""
LONGEST: Final = 40
"""Strings with more characters are shortened to `KEPT`."""
KEPT: Final = 24
_LOOKED_AT: Final = 16_384
"""Bytes of a message that are shown at most."""
_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"?')
_SPACE: Final = re.compile(r"[\x00-\x20\x7f-\x9f]+")


class Lines:
    """Writes messages to stdout, one a line."""

    def __init__(self, *, full: bool, as_json: bool) -> None:
        self._full = full
        self._put = self._json if as_json else self._plain
        if not as_json and sys.stdout.isatty():
            from rich.console import Console

            self._console = Console(highlight=False)
            self._put = self._coloured

    def show(self, message: CapturedMessage) -> None:
        """Writes a line. Raises `BrokenPipeError` if stdout is closed."""
        self._put(message)

    def _plain(self, message: CapturedMessage) -> None:
        line = f"{_head(message)}{latency(message):>11}  {self._content(message)}".rstrip()
        sys.stdout.write((line if self._full else shortened(line, WIDTH)) + "\n")

    def _coloured(self, message: CapturedMessage) -> None:
        from rich.text import Text

        colour = COLOURS[message.kind]
        slow = (message.latency_us or 0) > SLOW_US
        line = Text()
        line.append(_head(message), colour)
        line.append(f"{latency(message):>11}  ", "bold red" if slow else "dim")
        line.append(self._content(message), "red" if message.kind in ("error", "note") else "")
        if self._full:
            self._console.print(line, soft_wrap=True)
        else:
            self._console.print(line, no_wrap=True, overflow="ellipsis")

    def _content(self, message: CapturedMessage) -> str:
        text = message.content if self._full else message.content[:_LOOKED_AT]
        shown = printable(text.decode("utf-8", "replace"))
        if message.kind == "log":
            shown = _log(message.content) or shown
        return shown if self._full else _STRING.sub(_shortened, shown)

    def _json(self, message: CapturedMessage) -> None:
        print_json(as_json(message))


def _head(message: CapturedMessage) -> str:
    arrow = "→" if message.record.dir == "in" else "←"
    what = f"{message.kind} {printable(message.name)}".rstrip()
    if message.asked is not None:
        what += f" to {message.asked.number}"
    return f"{message.number:>6} {message.record.t_us / 1e6:>12.6f} {arrow} {what:<32}"


def latency(message: CapturedMessage) -> str:
    """How long an answer took; empty for other messages."""
    return "" if message.latency_us is None else duration(message.latency_us)


def duration(count_us: float) -> str:
    """Microseconds as µs, ms or s."""
    if count_us < 1_000:
        return f"{count_us:.0f} µs"
    if count_us < 1_000_000:
        return f"{count_us / 1e3:.2f} ms"
    return f"{count_us / 1e6:.3f} s"


def as_json(message: CapturedMessage) -> dict[str, Any]:
    """A message for `--json`. A frame is embedded as JSON if it is JSON."""
    record = message.record
    shown: dict[str, Any] = {
        "number": message.number,
        "t_us": record.t_us,
        "dir": record.dir,
        "kind": message.kind,
        "name": message.name,
    }
    if message.asked is not None:
        shown |= {"request": message.asked.number, "latency_us": message.latency_us}
    others = {"note": record.note, "raw": record.raw, "redacted": record.redacted or None}
    shown |= {name: value for name, value in others.items() if value is not None}
    if record.frame is not None:
        shown["frame"] = _embedded(record.frame)
    return shown


def _embedded(frame: str) -> Raw | str:
    text = frame.encode("utf-8", "replace")
    try:
        validate(text)
    except MalformedError:
        return frame
    # A frame may contain line ends; a line of output must not.
    return Raw(json.format(text, indent=-1) if b"\n" in text or b"\r" in text else text)


def _log(content: bytes) -> str | None:
    """A log line as the daemon's log shows it."""
    try:
        found = json.decode(content)
    except UNDECODABLE:
        return None
    members = cast("dict[str, object]", found) if isinstance(found, dict) else {}
    level, text = members.get("level", "info"), members.get("message")
    return printable(f"{level}: {text}") if isinstance(text, str) else None


def printable(text: str) -> str:
    """The text on one line, without characters that control a terminal."""
    return in_one_line(_SPACE.sub(" ", text)).strip()


def _shortened(found: re.Match[str]) -> str:
    text = found[1]
    return found[0] if len(text) <= LONGEST else f'"{text[:KEPT]}…+{len(text) - KEPT}"'


def show_summary(tally: Tally, daemon: str, *, as_json: bool) -> None:
    """Writes it to stdout. `daemon` is the version of the recorded daemon."""
    if as_json:
        print_json(
            {
                "messages": tally.messages,
                "seconds": round(tally.seconds, 6),
                "daemon": daemon,
                "names": [row.as_json() for row in tally.rows],
            }
        )
        return
    from rich.console import Console
    from rich.table import Column, Table

    heads = ("count", "errors", "unanswered", "median", "99 %", "max")
    columns = [Column(head, no_wrap=True) for head in ("", "what", "name")]
    columns += [Column(head, no_wrap=True, justify="right") for head in heads]
    table = Table(*columns, box=None, pad_edge=False)
    rows = tally.rows
    for row in rows[:MOST_ROWS]:
        table.add_row(*_cells(row))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else TABLE_WIDTH)
    console.print(table)
    if len(rows) > MOST_ROWS:
        console.print(f"and {counted(len(rows) - MOST_ROWS, 'more name')}; --json has them")
    console.print(f"{counted(tally.messages, 'message')} in {tally.seconds:,.3f} s, from {daemon}")


def _cells(row: Row) -> list[str]:
    from rich.markup import escape

    arrow = "→" if row.direction == "in" else "←"
    colour = COLOURS[row.kind]
    cells = [
        arrow,
        f"[{colour}]{row.kind}[/]",
        escape(shortened(printable(row.name))),
        f"{row.count:,}",
    ]
    times = row.latencies
    if not times.count:
        return [*cells, "", f"{row.unanswered:,}" if row.unanswered else "", "", "", ""]
    errors = f"[red]{row.errors:,}[/]" if row.errors else "0"
    unanswered = f"[red]{row.unanswered:,}[/]" if row.unanswered else "0"
    most = duration(times.most)
    return [
        *cells,
        errors,
        unanswered,
        duration(times.percentile(50)),
        duration(times.percentile(99)),
        f"[red]{most}[/]" if times.most > SLOW_US else most,
    ]
