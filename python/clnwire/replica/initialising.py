"""Sets a replica up: the settings, and what an engine needs before the node starts with it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import msgspec

from clnwire.replica.engines.local import make_directory
from clnwire.replica.errors import RefusedError, ReplicaError
from clnwire.replica.files import write_synced
from clnwire.replica.opening import open_engine
from clnwire.replica.owner import Owner
from clnwire.replica.sealing import new_key_file, sealing_of
from clnwire.replica.settings import render

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire.replica.records import Head
    from clnwire.replica.settings import ReplicaSettings


class Initialised(msgspec.Struct, frozen=True):
    """What was set up."""

    settings: str
    """The path of the settings."""
    engine: str
    """The engine's address without secrets."""
    found_version: int | None
    """The version of the replica that the engine has of this node; `None` if it has none."""
    adopted: bool
    """Whether the node may continue that replica."""
    same_disk: bool
    """Whether the replica is on the disk of the node's database, and fails with it."""


def initialise(settings: ReplicaSettings, path: Path, *, new_key: bool, adopt: bool) -> Initialised:
    """Probes the engine, and writes the settings to `path`.

    The file must not exist unless the database here continues what another instance has stored,
    which is to `adopt`. With `new_key` the key file is made that the settings name.
    """
    if path.exists() and not adopt:
        raise ReplicaError(f"{path} exists; change it with an editor, or remove it")
    if not path.parent.is_dir():
        raise ReplicaError(
            f"{path.parent}: there is no such directory; it is the network's, which has the "
            "node's database: start the node once without the plugin"
        )
    _check_network(settings, path.parent)
    if new_key and (key := settings.encryption_key_file) is not None:
        try:
            new_key_file(key)
        except FileExistsError:
            raise ReplicaError(f"{key} exists; leave out --new-key to use the key in it") from None
    sealing_of(settings)
    if settings.scheme == "file":
        _make_directory(settings.local_directory)
    # As the plugin will open it, which checks all that it demands.
    with closing(open_engine(settings, writes=True)) as engine:
        head = engine.head()
    if adopt:
        _adopt(settings, head)
    if not path.exists():
        write_synced(path, render(settings, path.parent).encode())
    found = head.version if head else None
    return Initialised(str(path), engine.name, found, adopt, _is_on_disk_of_node(settings))


def _check_network(settings: ReplicaSettings, directory: Path) -> None:
    """Refuses the directory above those of the networks, where no node looks for settings."""
    name = settings.database.name
    if not settings.database.exists() and (found := sorted(directory.glob(f"*/{name}"))):
        raise ReplicaError(
            f"{directory}: has no {name}, but {found[0].parent} has; is `--directory "
            f"{found[0].parent}` meant?"
        )


def _is_on_disk_of_node(settings: ReplicaSettings) -> bool:
    if settings.scheme != "file":
        return False
    places = settings.local_directory, settings.database.parent
    return len({place.stat().st_dev for place in places if place.is_dir()}) == 1


def _make_directory(directory: Path) -> None:
    try:
        make_directory(directory)
    except OSError as error:
        hint = "" if directory.parent.is_dir() else f"; is the disk of {directory.parent} mounted?"
        raise RefusedError(f"{directory}: cannot be made: {error.strerror}{hint}") from error


def _adopt(settings: ReplicaSettings, head: Head | None) -> None:
    if head is None:
        raise ReplicaError(f"there is no replica of {settings.node} to adopt; leave out --adopt")
    Owner(settings.database.parent, settings.node).adopt(head)
