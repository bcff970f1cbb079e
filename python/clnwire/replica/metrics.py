"""What can be watched of a replica: a text file for Prometheus, and what `status` reads."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from clnwire.replica.files import write_synced

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire.replica.settings import ReplicaSettings

_T = TypeVar("_T")
SUFFIX: Final = ".json"
"""The file that `status` reads is named like the one for Prometheus, and ends in this."""
VERIFIED: Final = "clnwire-replica.verified"
"""The file beside the settings in which `clnwire replica verify` leaves its outcome."""


class Verified(msgspec.Struct, frozen=True):
    """The outcome of the last `clnwire replica verify`."""

    time: float
    """Seconds since 1970 (UTC)."""
    sequence: int
    is_same: bool


class Status(msgspec.Struct):
    """How a replica is. Times are seconds since 1970 (UTC)."""

    node: str
    engine: str
    """The engine's address without secrets."""
    updated: float = 0.0
    started: float = 0.0
    generation: int = 0
    epoch: int = 0
    version: int = 0
    """The `data_version` after the last set."""
    sequence: int = 0
    sets: int = 0
    """How many were stored since the start."""
    set_bytes: int = 0
    """Their bytes, as stored."""
    acknowledgement_seconds: float = 0.0
    """The time that the node waited for the engine, of all sets together."""
    slowest_seconds: float = 0.0
    """The longest of these times since the file was last written."""
    retries: int = 0
    outage_seconds: float = 0.0
    """The time for which the engine could not be reached, in all."""
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
    return settings.metrics.with_name(settings.metrics.name + SUFFIX)


def read_status(settings: ReplicaSettings) -> Status | None:
    """What the plugin has written last; `None` if it has not run yet, or the file is damaged."""
    return _read(status_path(settings), Status)


def read_verified(directory: Path) -> Verified | None:
    """The outcome of the last verification of the node in this directory."""
    return _read(directory / VERIFIED, Verified)


def write_verified(directory: Path, verified: Verified) -> None:
    """Notes the outcome of a verification, for the plugin to show."""
    write_synced(directory / VERIFIED, msgspec.json.encode(verified))


def _read(path: Path, kind: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError):
        return None


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
    labels = f'node="{status.node}",engine="{_escaped(status.engine)}"'
    lines: list[str] = []
    for name, kind, text, value in _figures(status):
        full = f"clnwire_replica_{name}"
        lines += [f"# HELP {full} {text}", f"# TYPE {full} {kind}", f"{full}{{{labels}}} {value}"]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _figures(status: Status) -> list[tuple[str, str, str, float]]:
    figures: list[tuple[str, str, str, float]] = [
        ("updated_seconds", "gauge", "When this was written, since 1970.", status.updated),
        ("generation", "gauge", "The history in use.", status.generation),
        ("epoch", "counter", "How often an instance has taken over.", status.epoch),
        ("version", "gauge", "The data_version of the last set.", status.version),
        ("sets_total", "counter", "Sets stored since the start.", status.sets),
        ("set_bytes_total", "counter", "Their bytes as stored.", status.set_bytes),
        (
            "acknowledgement_seconds_total",
            "counter",
            "How long the node has waited for the engine.",
            round(status.acknowledgement_seconds, 6),
        ),
        (
            "acknowledgement_seconds_max",
            "gauge",
            "The longest wait since this was last written.",
            round(status.slowest_seconds, 6),
        ),
        ("retries_total", "counter", "Writes that were tried again.", status.retries),
        (
            "outage_seconds_total",
            "counter",
            "How long the engine could not be reached.",
            round(status.outage_seconds, 3),
        ),
        ("base_bytes", "gauge", "Bytes of sets since the last base.", status.bytes_since_base),
        ("base_created_seconds", "gauge", "When that was made.", status.base_created),
        ("degraded", "gauge", "1 if worse than the settings ask for.", bool(status.degraded)),
        ("warning", "gauge", "1 if something goes wrong later.", bool(status.warning)),
        ("refused", "gauge", "1 if the node may not commit.", bool(status.refused)),
    ]
    if status.verified is not None:
        figures += [
            ("verified_seconds", "gauge", "When it was last verified.", status.verified.time),
            ("verified_same", "gauge", "1 if it was the same.", status.verified.is_same),
        ]
    return [(name, kind, text, float(value)) for name, kind, text, value in figures]
