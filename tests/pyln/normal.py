"""What a plugin has written, without what differs between two runs of equal plugins.

That is the body of a traceback, the second copy of a log line in its frame, counters in ids, and
pids in warnings.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

_TRACEBACK: Final = re.compile(r"^(Traceback \(most recent call last\):|  .*)$")
_COUNTER: Final = re.compile(r"#\d+|\(pid=\d+\)")


def normal(output: bytes) -> list[str]:
    """The messages as text, in order."""
    kept: list[str] = []
    for text in output.decode().split("\n\n"):
        if not text:
            continue
        try:
            message = json.loads(text)
        except ValueError:
            kept.append(text)
            continue
        said = _said(message)
        if said is None or not _TRACEBACK.match(said):
            kept.append(_COUNTER.sub("#N", _shown(text, message)))
    return kept


def _said(message: Any) -> str | None:
    if isinstance(message, dict) and message.get("method") == "log":
        return str(message["params"].get("message"))
    return None


def _shown(text: str, message: Any) -> str:
    """The text as it was written, but for the members that are left out."""
    if not isinstance(message, dict):
        return text
    changed = False
    if message.get("method") == "log" and "log" in message["params"]:
        del message["params"]["log"]
        changed = True
    error = message.get("error")
    if isinstance(error, dict) and "traceback" in error:
        error["traceback"] = "TRACEBACK"
        changed = True
    if not changed:
        return text
    written = json.dumps(json.loads(text), ensure_ascii=False)
    if written != text:
        return text  # It was not written as `json.dumps` writes it: a difference, which shows.
    return json.dumps(message, ensure_ascii=False)
