"""The plugin's file: whether lightningd, which runs the file itself, can start it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from msgspec import Struct

from clnwire.checking import catalogue as rules

_HEAD: Final = 65536
"""Bytes that are read to tell a script from a binary, and to find its imports."""
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_IMPORTS_CLNWIRE: Final = re.compile(rb"^\s*(?:from|import)\s+clnwire\b", re.MULTILINE)
_FINDS_CLNWIRE: Final = (
    "from importlib.util import find_spec; raise SystemExit(not find_spec('clnwire'))"
)
_LONGEST_LOOK: Final = 20.0
"""Seconds that a Python has to say whether it finds clnwire."""


class Obstacle(Struct, frozen=True):
    """A reason why lightningd cannot start a file, although this Python may be able to run it."""

    rule: rules.Rule
    message: str
    """What is wrong, and what to type."""


def obstacles(path: str | Path) -> list[Obstacle]:
    """What keeps lightningd from starting this file, if its `PATH` is that of this process.

    Raises `OSError` if the file cannot be read.
    """
    with Path(path).open("rb") as file:
        head = file.read(_HEAD)
    shown = shlex.quote(str(path))
    found: list[Obstacle] = []
    if not os.access(path, os.X_OK):
        found.append(Obstacle(rules.NOT_EXECUTABLE, f"it is not executable: chmod +x {shown}"))
    is_script = b"\0" not in head
    in_line = _in_first_line(head, shown) if is_script else None
    return found if in_line is None else [*found, in_line]


def _in_first_line(head: bytes, path: str) -> Obstacle | None:
    line = head.partition(b"\n")[0]
    if line.startswith(_BYTE_ORDER_MARK + b"#!"):
        message = f"a byte order mark precedes #!: sed -i '1s/^\\xef\\xbb\\xbf//' {path}"
        return Obstacle(rules.NO_INTERPRETER_LINE, message)
    if not line.startswith(b"#!"):
        message = "its first line must be #! and an interpreter: #!/usr/bin/env python3"
        return Obstacle(rules.NO_INTERPRETER_LINE, message)
    if line.endswith(b"\r"):
        message = f"its first line ends with a carriage return: sed -i 's/\\r$//' {path}"
        return Obstacle(rules.CARRIAGE_RETURN, message)
    name, interpreter = _interpreter(line[2:].decode("utf-8", "replace"))
    if interpreter is None:
        message = f"its first line names '{name}', which is not there"
        return Obstacle(rules.MISSING_INTERPRETER, message)
    if _IMPORTS_CLNWIRE.search(head) and not _has_clnwire(interpreter):
        message = f"its first line finds {interpreter}, which has no clnwire"
        message += f"; this Python has: #!{sys.executable}"
        return Obstacle(rules.PYTHON_WITHOUT_CLNWIRE, message)
    return None


def _interpreter(line: str) -> tuple[str, str | None]:
    """The name in the line, and the program that it stands for if there is one."""
    name, *others = line.split() or [""]
    if Path(name).name == "env" and shutil.which(name) is not None:
        # Options of env, mostly -S, and settings of variables come first.
        name = next((word for word in others if word[0] != "-" and "=" not in word), "")
        return name, shutil.which(name)
    # The kernel does not search PATH.
    return name, shutil.which(name) if os.sep in name else None


def _has_clnwire(interpreter: str) -> bool:
    """Whether it is another program than Python, or a Python that finds clnwire."""
    if not Path(interpreter).name.startswith("python") or interpreter == sys.executable:
        return True
    command = [interpreter, "-c", _FINDS_CLNWIRE]
    null = subprocess.DEVNULL
    try:
        return not subprocess.run(
            command, stdin=null, stdout=null, stderr=null, timeout=_LONGEST_LOOK, check=False
        ).returncode
    except (OSError, subprocess.TimeoutExpired):
        return True  # The start will show what is wrong.
