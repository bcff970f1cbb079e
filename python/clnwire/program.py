"""The command line of a plugin that is given as a file or as a command."""

import errno
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from clnwire.errors import ClnwireError

_SHEBANG: Final = "#!/usr/bin/env python3"
_LONGEST_LINE: Final = 4096
"""Bytes that are read of a first line: a binary may have no line break at all."""


class ProgramError(ClnwireError):
    """The plugin cannot be run. The message says why and what to do."""


def of_file(path: str | Path) -> list[str]:
    """The command for a file: itself, or this Python with it for a `.py` that is not executable.

    Raises `ProgramError`.
    """
    file = Path(path).absolute()
    if file.is_dir():
        raise ProgramError(f"plugin '{path}' is a directory; name a file in it")
    if not file.is_file():
        raise ProgramError(f"plugin '{path}': there is no such file")
    if os.access(file, os.X_OK):
        return [str(file)]
    if file.suffix == ".py":
        return [sys.executable, str(file)]
    raise ProgramError(f"plugin '{path}' is not executable; try: chmod a+x {path}")


def why_not_started(file: str, error: OSError) -> str:
    """Explains the `OSError` of starting `file`, and says what to do."""
    start = f"plugin '{file}' cannot be started"
    line = _first_line(file)
    if isinstance(error, FileNotFoundError) and line.startswith("#!"):
        # The missing file is the interpreter; the error names the script.
        interpreter = line[2:].split(maxsplit=1)[:1]
        return f"{start}: its first line names {''.join(interpreter)!r}, and there is no such file"
    if error.errno == errno.ENOEXEC and not line.startswith("#!"):
        return f"{start}: it is not a program; a script must begin with a line such as {_SHEBANG}"
    return f"{start}: {error.strerror}"


def _first_line(file: str) -> str:
    try:
        with Path(file).open("rb") as text:
            return text.readline(_LONGEST_LINE).decode("utf-8", "replace").rstrip("\n")
    except OSError:
        return ""


def of_words(words: Sequence[str]) -> list[str]:
    """The command for a file, or a program on `PATH`, with arguments. Raises `ProgramError`."""
    program, *arguments = words
    found = None if Path(program).exists() else shutil.which(program)
    return [*(of_file(program) if found is None else [found]), *arguments]
