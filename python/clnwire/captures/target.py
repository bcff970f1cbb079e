"""Opens a capture's file, readable by its owner only, and writes the wrapper for lightningd."""

import datetime
import os
import shlex
import stat
import sys
from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path
from typing import Final

from clnwire.captures.reading import CaptureError

MODE: Final = 0o600
"""Readable by the owner only: a capture may hold secrets of the node's payments."""
_IN_DIRECTORY: Final = ", or name a directory: each run makes a new file in it"
SUFFIX: Final = ".jsonl.gz"
_INTERPRETERS: Final = ("python", "node", "ruby", "perl", "sh", "bash", "env", "uv")


def opened(output: Path, argv: Sequence[str], *, force: bool) -> tuple[Path, int]:
    """The file to write (in a directory a new one), and its descriptor. Raises `CaptureError`."""
    path = output.expanduser()
    if not path.is_dir():
        return path, _create(path, MODE, force=force, hint=_IN_DIRECTORY)
    now = datetime.datetime.now(datetime.timezone.utc)
    stem = f"{plugin_name(argv)}-{now:%Y%m%dT%H%M%SZ}"
    names = chain([stem], (f"{stem}-{number}" for number in count(2)))
    free = next(each for name in names if not (each := path / f"{name}{SUFFIX}").exists())
    return free, _create(free, MODE, force=False)


def _create(path: Path, mode: int, *, force: bool, hint: str = "", content: bytes = b"") -> int:
    """Creates a file with this mode and content. Returns its descriptor. Raises `CaptureError`."""
    create = os.O_TRUNC if force else os.O_EXCL
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | create, mode)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            # An existing file may have been readable for everyone.
            os.fchmod(descriptor, mode)
        os.write(descriptor, content)
    except FileExistsError:
        raise CaptureError(f"{path} exists; overwrite it with --force{hint}") from None
    except OSError as error:
        raise CaptureError(f"{path} cannot be written: {error.strerror}") from None
    return descriptor


def plugin_name(argv: Sequence[str]) -> str:
    """The plugin's name without its suffix; of `python3 plugin.py`, the script's."""
    for word in argv:
        name = Path(word).name
        if not word.startswith("-") and name.rstrip("0123456789.") not in _INTERPRETERS:
            return Path(word).stem
    return Path(argv[0]).stem


def write_wrapper(
    path: Path, argv: Sequence[str], output: Path, options: Sequence[str], *, force: bool
) -> None:
    """Writes a shell script for lightningd's `plugin=`, which takes one path and no arguments.

    Words that name files become absolute paths. Without `force`, `output` becomes a directory, in
    which each start makes a new file. Raises `CaptureError`.
    """
    output = output.expanduser()
    if not force:
        try:
            output.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileExistsError:
            raise CaptureError(
                f"{output} is a file; for a wrapper name a directory, where each run makes a new "
                "file, or let each run overwrite it with --force"
            ) from None
        except OSError as error:
            raise CaptureError(f"{output} cannot be made: {error.strerror}") from None
    words = [sys.executable, "-m", "clnwire", "record", "-o", str(output.absolute())]
    plugin = [str(Path(word).absolute()) if Path(word).is_file() else word for word in argv]
    command = shlex.join([*words, *options, "--", *plugin])
    script = os.fsencode(f'#!/bin/sh\nexec {command} "$@"\n')
    os.close(_create(path, 0o755, force=force, content=script))
