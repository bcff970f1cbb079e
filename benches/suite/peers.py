"""Builds the same plugin on every SDK, each installed by its own package manager.

Everything goes into `target/benches`. A peer that cannot be built is absent, with the reason.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .cases import ROOT
from .results import BARE, CLNWIRE, DROP_IN, FLOOR, PYLN, RAW

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BENCHES = ROOT / "benches"
SOURCES = BENCHES / "peers"
TARGET = ROOT / "target" / "benches"
GLIGHTNING = "glightning"
NOT_WRITTEN = "the Go module proxy refused the module, so there is no plugin on it yet"


class AbsentError(Exception):
    """The reason why a peer cannot be built on this machine."""


@dataclass(frozen=True)
class Peer:
    """A peer that has been built."""

    name: str
    version: str
    plugins: dict[str, list[str | Path]]
    """`writes`, `node` and `start` → its command; see `cases.Case`."""


@dataclass
class Built:
    """The peers that have been built, and why the others have not."""

    peers: list[Peer] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    busy: float = 0
    """The number of running processes before the build."""


def build(*, quick: bool) -> Built:
    """Builds all peers; with `quick`, those without a toolchain of their own.

    Raises `AbsentError` if the floor or clnwire, which every comparison needs, cannot be built.
    """
    if sys.platform != "linux":
        raise AbsentError("the load generator needs Linux")
    print("building the peers", file=sys.stderr)
    # Count before building, which adds load itself.
    busy = round(os.getloadavg()[0], 1)
    peers = [floor(), *clnwire(), bare_python()]
    built = Built(peers, busy=busy)
    others: dict[str, Callable[[], Peer]] = {PYLN: pyln_client}
    if not quick:
        others |= {"cln-plugin": cln_plugin, "clightningjs": clightningjs}
        built.absent[GLIGHTNING] = NOT_WRITTEN
    for name, have in others.items():
        try:
            built.peers.append(have())
        except AbsentError as error:
            built.absent[name] = str(error)
            print(f"{name} is absent: {error}", file=sys.stderr)
    return built


def floor() -> Peer:
    return native(FLOOR, cargo_build("floor"), "0")


def cln_plugin() -> Peer:
    lock = (BENCHES / "Cargo.lock").read_text()
    found = re.search(r'name = "cln-plugin"\nversion = "([^"]+)"', lock)
    return native("cln-plugin", cargo_build("cln-plugin-peer"), found[1] if found else "unknown")


def native(name: str, program: Path, version: str) -> Peer:
    writes: list[str | Path] = [program, "writes"]
    return Peer(name, version, {"writes": writes, "start": writes, "node": [program]})


def clnwire() -> list[Peer]:
    """clnwire as users install it: a wheel in a new environment."""
    wheels = TARGET / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    maturin = Path(sys.executable).parent / "maturin"
    options = ["--quiet", "--release", "--locked", "--interpreter", sys.executable]
    execute([maturin, "build", *options, "--out", wheels])
    (wheel,) = wheels.glob("*.whl")
    python = environment(CLNWIRE, wheel, clear=True)
    version = package_version(python, "clnwire")
    typed, raw = python_plugin(python, "clnwire"), SOURCES / "clnwire_db_write_raw.py"
    others = environment(DROP_IN, wheel, clear=True)
    code = "import clnwire; print(clnwire.__path__[0])"
    folder = Path(execute([others, "-c", code]).strip(), "pyln", "path")
    # As PYTHONPATH has it, which a peer's command cannot.
    (folder.parents[2] / "drop-in.pth").write_text(f"{folder}\n")
    return [
        Peer(CLNWIRE, version, typed),
        Peer(RAW, version, {"writes": [python, raw]}),
        Peer(DROP_IN, version, python_plugin(others, "pyln")),
    ]


def pyln_client() -> Peer:
    python = environment(PYLN, "pyln-client>=24")
    return Peer(PYLN, package_version(python, "pyln-client"), python_plugin(python, "pyln"))


def bare_python() -> Peer:
    """The interpreter's own start, which is the least for any plugin in Python."""
    version = sys.version.split(" ", 1)[0]
    return Peer(BARE, version, {"start": [sys.executable, "-I", SOURCES / "bare_python.py"]})


def clightningjs() -> Peer:
    folder = TARGET / "clightningjs"
    shutil.copytree(
        SOURCES / "clightningjs",
        folder,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("node_modules"),
    )
    execute(["npm", "ci", "--silent", "--no-audit", "--no-fund"], folder=folder)
    said = execute(["node", "-p", "require('clightningjs/package.json').version"], folder=folder)
    program = shutil.which("node") or "node"
    writes: list[str | Path] = [program, folder / "plugin.js", "writes"]
    node: list[str | Path] = [program, folder / "plugin.js"]
    return Peer("clightningjs", said.strip(), {"writes": writes, "start": writes, "node": node})


def python_plugin(python: Path, sdk: str) -> dict[str, list[str | Path]]:
    writes: list[str | Path] = [python, SOURCES / f"{sdk}_db_write.py"]
    return {"writes": writes, "start": writes, "node": [python, SOURCES / f"{sdk}_node.py"]}


def environment(name: str, package: str | Path, *, clear: bool = False) -> Path:
    """The interpreter of an environment with this package and its dependencies alone."""
    folder = TARGET / "environments" / name
    python = folder / "bin" / "python"
    if clear or not python.exists():
        execute([sys.executable, "-m", "venv", "--clear", "--without-pip", folder])
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python]
    execute([*pip, "install", "--disable-pip-version-check", "--quiet", package])
    return python


def package_version(python: Path, package: str) -> str:
    code = f"import importlib.metadata; print(importlib.metadata.version({package!r}))"
    return execute([python, "-c", code]).strip().removeprefix("v")


def cargo_build(package: str) -> Path:
    """Builds a program of `benches/Cargo.toml` and returns its path."""
    where: list[str | Path] = ["--manifest-path", BENCHES / "Cargo.toml", "--target-dir", TARGET]
    execute(["cargo", "build", "--quiet", "--release", "--locked", "--package", package, *where])
    return TARGET / "release" / package


def execute(command: Sequence[str | Path], folder: Path = ROOT) -> str:
    """Runs a command and returns its output.

    Raises `AbsentError` if the program is missing, or with the last line of its error output if it
    fails.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    except FileNotFoundError:
        raise AbsentError(f"{command[0]} is not installed") from None
    if done.returncode:
        complaint = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise AbsentError(f"{Path(command[0]).name} failed: {complaint[-1]}")
    return done.stdout
