"""The folder that gives plugins clnwire in place of pyln-client, on their `PYTHONPATH`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

FOLDER: Final = str(Path(__file__).resolve().parents[1] / "pyln" / "path")
PYTHONPATH: Final = "PYTHONPATH"


def search_path() -> str:
    """This process's `PYTHONPATH` with the folder in front."""
    before = os.environ.get(PYTHONPATH)
    return f"{FOLDER}{os.pathsep}{before}" if before else FOLDER
