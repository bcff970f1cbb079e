"""Whether lightningd, which runs the plugin's file itself, can start it."""

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
"""The number of bytes in which to look for a NUL (a binary) and for imports."""
_LONGEST_LINE: Final = 1024
"""Bytes of the first line that count. The kernel itself reads fewer: Linux 256, macOS 512."""
_SHOWN: Final = 80
"""The most characters of a name that a message shows."""
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_IMPORTS_CLNWIRE: Final = re.compile(rb"^[ \t]*(?:from|import)[ \t]+clnwire\b", re.MULTILINE)
_FINDS_CLNWIRE: Final = (
    "from importlib.util import find_spec; raise SystemExit(not find_spec('clnwire'))"
)
_SPLIT_OPTION: Final = re.compile(r"-v?S|--split-string=?")
_OPTIONS_WITH_VALUE: Final = ("-u", "--unset", "-C", "--chdir")
"""The options of `env` whose value is the next word."""
_LONGEST_LOOK: Final = 20.0
"""Seconds to wait for a Python to say whether it finds clnwire."""


class Obstacle(Struct, frozen=True):
    """A reason why lightningd cannot start a file, although this Python may be able to run it."""

    rule: rules.Rule
    message: str
    """What is wrong, and what to type."""


def obstacles(path: str | Path) -> list[Obstacle]:
    """What keeps lightningd, with the `PATH` of this process, from starting the file.

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
    line = head.partition(b"\n")[0][:_LONGEST_LINE]
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
        message = f"its first line names '{name[:_SHOWN]}', which is not there"
        if " " in name:
            message += "; env -S takes several words"
        return Obstacle(rules.MISSING_INTERPRETER, message)
    if _IMPORTS_CLNWIRE.search(head) and not _has_clnwire(interpreter):
        message = f"its first line finds {interpreter}, which has no clnwire"
        message += f"; this Python has: #!{sys.executable}"
        return Obstacle(rules.PYTHON_WITHOUT_CLNWIRE, message)
    return None


def _interpreter(line: str) -> tuple[str, str | None]:
    """The interpreter's name in the line, and its path; `None` if there is no such program."""
    name, rest = (*line.split(None, 1), "", "")[:2]
    if Path(name).name == "env" and shutil.which(name) is not None:
        return _found_by_env(rest.strip())
    # The kernel does not search PATH.
    return name, shutil.which(name) if os.sep in name else None


def _found_by_env(rest: str) -> tuple[str, str | None]:
    """The program's name among the arguments of `env`, and the path that `env` finds."""
    if not rest.startswith("-") and sys.platform == "linux":
        # Linux passes all that follows as one argument; -S splits it.
        return rest, shutil.which(rest)
    path = None
    words = _words(rest)
    while words:
        word = words.pop(0)
        split = _SPLIT_OPTION.match(word)
        if split is not None:
            words[:0] = _words(word[split.end() :])
        elif word in _OPTIONS_WITH_VALUE:
            del words[:1]
        elif word.startswith("PATH="):
            path = os.path.expandvars(word.removeprefix("PATH="))
        elif not word.startswith("-") and "=" not in word:
            word = os.path.expandvars(word)
            return word, shutil.which(word, path=path)
    return "", None


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quotation without an end
        return text.split()


def _has_clnwire(interpreter: str) -> bool:
    """Whether the interpreter finds clnwire. True if it is not a Python."""
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
