"""The same plugin on every SDK: each is had by its own ecosystem's client, here and now.

Everything goes into `target/benches`. What cannot be had is absent, with the reason.
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
from .results import BARE, CLNWIRE, FLOOR, PYLN, RAW

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BENCHES = ROOT / "benches"
SOURCES = BENCHES / "peers"
TARGET = ROOT / "target" / "benches"
GLIGHTNING = "glightning"
NOT_WRITTEN = "the Go module proxy refused the module, so there is no plugin on it yet"


class AbsentError(Exception):
    """A peer that cannot be had on this machine, and why."""


@dataclass(frozen=True)
class Peer:
    """A peer that is here."""

    name: str
    version: str
    plugins: dict[str, list[str | Path]]
    """`writes`, `node` and `start` → its command; see `cases.Case`."""


@dataclass
class Built:
    """What is here, and why the rest is not."""

    peers: list[Peer] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    busy: float = 0
    """How many processes ran before building."""


def build(*, quick: bool) -> Built:
    """All peers; if `quick`, those without a toolchain of their own.

    Raises AbsentError if the floor or clnwire cannot be built, without which there is nothing to
    compare.
    """
    if sys.platform != "linux":
        raise AbsentError("the load generator needs Linux")
    print("building the peers", file=sys.stderr)
    # Before building, which is load too.
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
    """As users have it: a wheel in a clean environment."""
    wheels = TARGET / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    maturin = Path(sys.executable).parent / "maturin"
    options = ["--quiet", "--release", "--locked", "--interpreter", sys.executable]
    execute([maturin, "build", *options, "--out", wheels])
    (wheel,) = wheels.glob("*.whl")
    python = environment(CLNWIRE, wheel, clear=True)
    version = package_version(python, "clnwire")
    typed, raw = python_plugin(python, "clnwire"), SOURCES / "clnwire_db_write_raw.py"
    return [Peer(CLNWIRE, version, typed), Peer(RAW, version, {"writes": [python, raw]})]


def pyln_client() -> Peer:
    python = environment(PYLN, "pyln-client>=24")
    return Peer(PYLN, package_version(python, "pyln-client"), python_plugin(python, "pyln"))


def bare_python() -> Peer:
    """What the interpreter itself takes to start: no plugin in Python can take less."""
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
    """An environment with this package and what it needs, and nothing else; its interpreter."""
    folder = TARGET / "environments" / name
    python = folder / "bin" / "python"
    if clear or not python.exists():
        execute([sys.executable, "-m", "venv", "--clear", folder])
    execute([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package])
    return python


def package_version(python: Path, package: str) -> str:
    code = f"import importlib.metadata; print(importlib.metadata.version({package!r}))"
    return execute([python, "-c", code]).strip().removeprefix("v")


def cargo_build(package: str) -> Path:
    """Builds one of `benches/Cargo.toml`'s; gives the program."""
    where: list[str | Path] = ["--manifest-path", BENCHES / "Cargo.toml", "--target-dir", TARGET]
    execute(["cargo", "build", "--quiet", "--release", "--locked", "--package", package, *where])
    return TARGET / "release" / package


def execute(command: Sequence[str | Path], folder: Path = ROOT) -> str:
    """Runs it and gives what it prints.

    Raises AbsentError with the last line of its complaint, or if there is no such program.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    except FileNotFoundError:
        raise AbsentError(f"{command[0]} is not installed") from None
    if done.returncode:
        complaint = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise AbsentError(f"{Path(command[0]).name} failed: {complaint[-1]}")
    return done.stdout
