"""`clnwire replica init`: sets up a replica."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from clnwire.cli.replica._common import AsJson, Directory, report, settings_file
from clnwire.replica.errors import ReplicaError
from clnwire.replica.initialising import Initialised, initialise
from clnwire.replica.settings import FILE, ReplicaSettings, from_table, load

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


def init(
    engine: Annotated[
        str | None,
        typer.Argument(
            metavar="ENGINE", help="file:/DIRECTORY, postgresql://USER@HOST/DATABASE or s3://…"
        ),
    ] = None,
    directory: Directory = None,
    node: Annotated[
        str, typer.Option(metavar="NAME", help="The node's name in the engine.")
    ] = "node",
    credentials_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The engine's secrets.")
    ] = None,
    durability: Annotated[
        str, typer.Option(metavar="single|sync", help="sync: a standby has each set, too.")
    ] = "single",
    encryption_key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The key to encrypt with.")
    ] = None,
    new_key: Annotated[bool, typer.Option("--new-key", help="Makes that file.")] = False,
    adopt: Annotated[
        bool,
        typer.Option(
            "--adopt",
            help="This database continues what another instance stored, and that one is gone.",
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
        table = {
            "engine": engine,
            "node": node,
            "durability": durability,
            **_paths(credentials_file=credentials_file, encryption_key_file=encryption_key_file),
        }
        settings = from_table(table, path)
    done = initialise(settings, path, new_key=new_key, adopt=adopt)
    rows = {"settings": done.settings, "engine": done.engine}
    if done.found_version is not None:
        rows["has already"] = f"version {done.found_version} of {settings.node}"
    report(done, rows, "The engine can be used.", as_json=as_json)
    if not as_json:
        sys.stdout.write(_next_step(settings, done))


def _paths(**given: Path | None) -> dict[str, str]:
    return {
        name.replace("_", "-"): str(path.expanduser().absolute())
        for name, path in given.items()
        if path is not None
    }


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
