"""What can be watched of a replica: a text file for Prometheus, and what `status` reads."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import msgspec

from clnwire.replica.files import read_json, write_synced

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire.replica.settings import ReplicaSettings

VERIFIED: Final = "clnwire-replica.verified"
"""The file beside the settings in which `clnwire replica verify` leaves its outcome."""


class Verified(msgspec.Struct, frozen=True):
    """The outcome of the last `clnwire replica verify`."""

    time: float
    """Seconds since 1970 (UTC)."""
    sequence: int
    is_same: bool


class Status(msgspec.Struct):
    """How a replica is. `_FIGURES` says what numbers mean. Times are seconds since 1970 (UTC)."""

    node: str
    engine: str
    """The engine's address without secrets."""
    updated: float = 0.0
    started: float = 0.0
    generation: int = 0
    epoch: int = 0
    version: int = 0
    sequence: int = 0
    sets: int = 0
    set_bytes: int = 0
    acknowledgement_seconds: float = 0.0
    slowest_seconds: float = 0.0
    retries: int = 0
    outage_seconds: float = 0.0
    bytes_since_base: int = 0
    base_sequence: int = 0
    base_created: float = 0.0
    degraded: str = ""
    """Why the replica is worse than the settings ask for; empty if it is not."""
    warning: str = ""
    """What goes wrong later if nobody mends it, such as a disk that gets full."""
    refused: str = ""
    """Why the node was not allowed to commit; empty if it was."""
    verified: Verified | None = None


def status_path(settings: ReplicaSettings) -> Path:
    """The file that `status` reads."""
    return settings.metrics.with_name(f"{settings.metrics.name}.json")


def read_status(settings: ReplicaSettings) -> Status | None:
    """What the plugin has written last; `None` if it has not run yet, or the file is damaged."""
    return read_json(status_path(settings), Status)


def read_verified(directory: Path) -> Verified | None:
    """The outcome of the last verification of the node in this directory."""
    return read_json(directory / VERIFIED, Verified)


def write_verified(directory: Path, verified: Verified) -> None:
    """Notes the outcome of a verification, for the plugin to show."""
    write_synced(directory / VERIFIED, msgspec.json.encode(verified))


def write(status: Status, settings: ReplicaSettings) -> None:
    """Writes both files. They are replaced, so a reader never sees a part of one."""
    status.updated = time.time()
    _replace(status_path(settings), msgspec.json.encode(status))
    _replace(settings.metrics, prometheus(status).encode())


def _replace(path: Path, content: bytes) -> None:
    # Not synced: after a power failure there are newer ones.
    aside = path.with_name(f".{path.name}.new")
    aside.write_bytes(content)
    aside.replace(path)


def prometheus(status: Status) -> str:
    """The figures in Prometheus's text format."""
    engine = status.engine.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    labels = f'node="{status.node}",engine="{engine}"'
    lines: list[str] = []
    for figure in _FIGURES.strip().splitlines():
        name, kind, member, text = figure.split(maxsplit=3)
        part, _, inner = member.partition(".")
        found = getattr(status, part)
        if found is None:
            continue
        found = getattr(found, inner) if inner else found
        # A text says why, and is empty if all is well.
        value = float(bool(found)) if isinstance(found, str) else round(float(found), 6)
        full = f"clnwire_replica_{name}"
        lines += [f"# HELP {full} {text}", f"# TYPE {full} {kind}", f"{full}{{{labels}}} {value}"]
    return "\n".join(lines) + "\n"


_FIGURES: Final = """
updated_seconds gauge updated When this was written, since 1970.
generation gauge generation The history in use.
epoch counter epoch How often an instance has taken over.
version gauge version The data_version of the last set.
sets_total counter sets Sets stored since the start.
set_bytes_total counter set_bytes Their bytes as stored.
acknowledgement_seconds_total counter acknowledgement_seconds The node's waits for the engine.
acknowledgement_seconds_max gauge slowest_seconds The longest wait since this was last written.
retries_total counter retries Writes that were tried again.
outage_seconds_total counter outage_seconds How long the engine could not be reached.
base_bytes gauge bytes_since_base Bytes of sets since the last base.
base_created_seconds gauge base_created When that was made.
degraded gauge degraded 1 if worse than the settings ask for.
warning gauge warning 1 if something goes wrong later.
refused gauge refused 1 if the node may not commit.
verified_seconds gauge verified.time When it was last verified.
verified_same gauge verified.is_same 1 if it was the same.
"""
"""A figure's name, its kind, the member of `Status` that has it, and what it is."""
