"""`clnwire replica init`: sets up a replica."""

import os
import shutil
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

from msgspec import Struct

from clnwire.cli._arguments import File, Word, argument, flag, option
from clnwire.cli.replica._common import AsJson, Directory, report, settings_file
from clnwire.replica.engines.local import make_directory
from clnwire.replica.errors import RefusedError, ReplicaError
from clnwire.replica.files import write_synced
from clnwire.replica.opening import open_engine
from clnwire.replica.owner import Owner
from clnwire.replica.records import Head
from clnwire.replica.sealing import new_key_file, sealing_of
from clnwire.replica.settings import FILE, ReplicaSettings, from_table, load, render

EXAMPLES = (
    (
        "clnwire replica init file:/mnt/backup/replica --directory ~/.lightning/bitcoin",
        "another disk",
    ),
    (
        "clnwire replica init postgresql://clnwire@db.example/replica --credentials-file password",
        "another machine",
    ),
)


class Initialised(Struct, frozen=True):
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


def init(
    engine: Annotated[
        Word, argument("ENGINE", "file:/DIRECTORY, postgresql://USER@HOST/DATABASE or s3://…")
    ] = None,
    directory: Directory = None,
    node: Annotated[str, option("NAME", "The node's name in the engine.")] = "node",
    credentials_file: Annotated[File, option("FILE", "The engine's secrets.")] = None,
    durability: Annotated[
        str, option("single|sync", "sync: a standby has each set, too.")
    ] = "single",
    encryption_key_file: Annotated[File, option("FILE", "The key to encrypt with.")] = None,
    new_key: Annotated[bool, flag("Makes that file.", "--new-key")] = False,
    adopt: Annotated[
        bool,
        flag(
            "This database continues what another instance stored, and that one is gone.", "--adopt"
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Writes the settings of a replica, clnwire-replica.toml, and tries the engine out.

    The engine must keep what it acknowledges: on a disk, synced, and with --durability sync on a
    standby as well. The node's database is not touched, and stored when the node starts next with
    the plugin.

    Status 2: nothing was set up.
    """
    os.umask(0o077)
    path = settings_file(directory)
    if adopt and path.exists():
        settings = load(path)
    elif engine is None:
        raise ReplicaError("name the ENGINE, such as file:/mnt/backup/replica")
    elif new_key and encryption_key_file is None:
        raise ReplicaError("--new-key needs --encryption-key-file, which names the file to make")
    else:
        table = {"engine": engine, "node": node, "durability": durability}
        files = {"credentials-file": credentials_file, "encryption-key-file": encryption_key_file}
        table |= {key: str(each.expanduser().absolute()) for key, each in files.items() if each}
        settings = from_table(table, path)
    done = _set_up(settings, path, new_key=new_key, adopt=adopt)
    rows = {"settings": done.settings, "engine": done.engine}
    if done.found_version is not None:
        rows["has already"] = f"version {done.found_version} of {settings.node}"
    report(done, rows, "The engine can be used.", as_json=as_json)
    if not as_json:
        sys.stdout.write(_next_step(settings, done))


def _next_step(settings: ReplicaSettings, done: Initialised) -> str:
    text = ""
    if done.same_disk:
        text += (
            "\nThe replica is on the disk of the node's database: when it fails, both are lost.\n"
        )
    if done.found_version is not None and not done.adopted:
        text += (
            f"\nThe engine has a replica of {settings.node!r}. If that is another node, remove "
            f"{done.settings},\nand run init with another directory or --node.\n"
        )
    program = shutil.which("clnwire-replica") or "/path/to/clnwire-replica"
    text += f"\nIn lightningd's config, then start the node again:\n  important-plugin={program}\n"
    if settings.encryption_key_file is not None:
        key = settings.encryption_key_file
        text += f"\nCopy {key} to another place: without it nothing can be restored.\n"
    files = " and ".join(
        path.name for path in (Path(FILE), settings.credentials_file) if path is not None
    )
    return text + f"\nCopy {files} to another machine, too: restoring there needs that.\n"


def _set_up(settings: ReplicaSettings, path: Path, *, new_key: bool, adopt: bool) -> Initialised:
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
