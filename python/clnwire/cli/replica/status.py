"""`clnwire replica status`: shows how the replica is."""

import time
from contextlib import closing
from typing import Final

import typer
from msgspec import Struct

from clnwire.cli.replica._common import (
    AsJson,
    Directory,
    ago,
    load_settings,
    report,
    seconds,
    size,
)
from clnwire.replica.errors import ReplicaError
from clnwire.replica.metrics import Status, Verified, read_status, read_verified
from clnwire.replica.opening import open_engine
from clnwire.replica.records import Base, Head
from clnwire.replica.settings import ReplicaSettings
from clnwire.replica.verifying import node_runs

EXAMPLES = (("clnwire replica status --json", "for monitoring: status 1 if something is wrong"),)
SILENT_SECONDS: Final = 60.0
"""A running plugin writes its figures every 10 s."""


class Report(Struct, frozen=True):
    """What `--json` prints."""

    problems: list[str]
    """What is wrong, in words; empty if nothing is."""
    node_runs: bool
    head: Head | None
    """What the engine has stored last."""
    bases: list[Base]
    plugin: Status | None
    """What the plugin has written last."""
    verified: Verified | None
    """The outcome of the last `clnwire replica verify`."""


def status(directory: Directory = None, as_json: AsJson = False) -> None:
    """Shows what the engine has, and what the plugin has noted last.

    Status 1: something is wrong, which is said. Status 2: there is no replica to look at.
    """
    settings, network = load_settings(directory)
    problems: list[str] = []
    head, bases = _engine(settings, problems)
    noted, runs, verified = read_status(settings), node_runs(network), read_verified(network)
    if head is None and not problems:
        problems.append(f"nothing of the node {settings.node!r} is stored yet")
    if verified is not None and not verified.is_same:
        problems.append(f"it differed from the node's database {ago(verified.time)}")
    problems += _problems(noted, runs=runs)
    found = Report(problems, runs, head, bases, noted, verified)
    headline = "The replica is as it should be." if not problems else "Something is wrong:"
    rows = {f"{number}": problem for number, problem in enumerate(problems, 1)}
    report(found, {**rows, **_rows(found)}, headline, as_json=as_json)
    if problems:
        raise typer.Exit(1)


def _engine(settings: ReplicaSettings, problems: list[str]) -> tuple[Head | None, list[Base]]:
    try:
        with closing(open_engine(settings)) as engine:
            return engine.head(), engine.bases()
    except ReplicaError as error:
        problems.append(str(error))
        return None, []


def _problems(noted: Status | None, *, runs: bool) -> list[str]:
    if noted is None:
        return ["the plugin has not run here yet"]
    found: list[str] = []
    if noted.refused:
        found.append(f"the node was not allowed to commit: {noted.refused}")
    found += filter(None, (noted.degraded, noted.warning))
    if runs and time.time() - noted.updated > SILENT_SECONDS:
        found.append(f"the node runs without the plugin, which was last there {ago(noted.updated)}")
    return found


def _rows(found: Report) -> dict[str, str]:
    rows: dict[str, str] = {}
    if found.head is not None:
        head = found.head
        rows["stored"] = f"version {head.version}, generation {head.generation}, epoch {head.epoch}"
    if found.bases:
        base = found.bases[-1]
        rows["base"] = f"{size(base.size)}, {ago(base.created)}; {len(found.bases)} in all"
    noted = found.plugin
    if noted is not None:
        rows["plugin"] = f"version {noted.version}, {ago(noted.updated)}"
        rows["sets"] = f"{noted.sets:,}, {size(noted.set_bytes)}, since {ago(noted.started)}"
        if noted.sets:
            rows["a set takes"] = seconds(noted.acknowledgement_seconds / noted.sets)
        rows["since the base"] = size(noted.bytes_since_base)
    rows["verified"] = ago(found.verified.time) if found.verified else "never"
    return rows
