"""The folder that gives plugins clnwire in place of pyln-client, on their `PYTHONPATH`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

FOLDER: Final = str(Path(__file__).resolve().parents[1] / "pyln" / "path")
PYTHONPATH: Final = "PYTHONPATH"


def search_path(*, has_it: bool = True) -> str:
    """This process's `PYTHONPATH`, with the folder in front or without it."""
    given = os.environ.get(PYTHONPATH, "").split(os.pathsep)
    others = [place for place in given if place and place != FOLDER]
    return os.pathsep.join([FOLDER, *others] if has_it else others)
