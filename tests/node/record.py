"""Writes `recorded.json`: what a lightningd sends to the plugins of `scenario.py`.

LIGHTNINGD=/path/to/lightningd python -m tests.node.record
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.node.differences import without
from tests.node.node import RealNode, found_lightningd
from tests.node.scenario import RECORDED, play


def main() -> None:
    """Plays the scenario."""
    lightningd = found_lightningd()
    if lightningd is None:
        raise SystemExit("needs a lightningd: on the PATH, or named by LIGHTNINGD")
    with tempfile.TemporaryDirectory(prefix="ln", dir="/tmp") as folder:
        node = RealNode(lightningd, Path(folder) / "node", Path(folder) / "chain")
        try:
            streams = without(play(node), are_real=True)
        finally:
            node.kill()
    RECORDED.write_text(json.dumps(streams, indent=0, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
