"""The log, line by line."""

from __future__ import annotations

import io
import re

from clnwire.host.logbook import Logbook

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", re.MULTILINE)


def written(*entries: tuple[str, str, str], level: str = "info", colours: bool = False) -> str:
    stream = io.StringIO()
    book = Logbook(stream, level=level, colours=colours)
    for entry in entries:
        book.write(*entry)
    text = stream.getvalue()
    assert len(TIME.findall(text)) == text.count("\n")
    return TIME.sub("", text)


def test_levels() -> None:
    names = ("trace", "debug", "info", "warn", "unusual", "error", "broken")
    entries = [(name, "plugin-a.py", "text") for name in names]
    assert written(*entries).splitlines() == [
        "INFO    plugin-a.py: text",
        "UNUSUAL plugin-a.py: text",
        "UNUSUAL plugin-a.py: text",
        "**BROKEN** plugin-a.py: text",
        "**BROKEN** plugin-a.py: text",
    ]
    assert written(*entries, level="trace").startswith("TRACE   plugin-a.py: text\nDEBUG   ")
    assert written(*entries, level="broken").count("\n") == 2


def test_each_line_is_complete_and_cannot_move_the_cursor() -> None:
    text = "one\n\x1b[2Jtwo\x07\tü"
    assert written(("info", "lightningd", text), ("info", "lightningd", "")) == (
        "INFO    lightningd: one\nINFO    lightningd: \\x1b[2Jtwo\\x07\tü\nINFO    lightningd: \n"
    )


def test_colours() -> None:
    assert written(("broken", "s", "m"), colours=True) == "\x1b[1;31m**BROKEN** s: m\x1b[0m\n"
    assert written(("info", "s", "m"), colours=True) == "INFO    s: m\n"


def test_traffic_is_shown_at_any_level() -> None:
    stream = io.StringIO()
    book = Logbook(stream, level="broken")
    book.trace("in", "a.py", b'{"id":1}')
    book.trace("out", "a.py", '{"ü":1}'.encode())
    assert TIME.sub("", stream.getvalue()) == (
        'IO_OUT  plugin-a.py: {"id":1}\nIO_IN   plugin-a.py: {"ü":1}\n'
    )
