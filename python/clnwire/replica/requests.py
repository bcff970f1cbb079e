"""How a command asks the running plugin for a copy of the node's database.

Only while the node waits for the answer to `db_write` is its database at rest. So a command writes
a request beside the settings, and at the node's next set the plugin

1. copies the database's files as they are to the path that the request names,
2. writes the answer, which says at which set the database is,
3. removes the request, and stores the set as always.

The command then opens the copy (`Raw.open`), which rolls back the set in progress, and has as much
time for it as it needs.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from clnwire.replica.errors import ReplicaError, UnavailableError
from clnwire.replica.files import read_json, write_synced
from clnwire.replica.snapshot import Raw, copy_raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire.replica.records import Head

REQUEST: Final = "clnwire-replica.request"
_ANSWER: Final = "clnwire-replica.answer"
_POLL_SECONDS: Final = 0.05


class Request(msgspec.Struct, frozen=True):
    """Asks for a copy."""

    id: str
    target: str
    """The path of the copy, which must not exist."""


class Answer(msgspec.Struct, frozen=True):
    """What became of a request."""

    id: str
    generation: int = 0
    sequence: int = 0
    """The last set that the node has committed, so the one that the copy is at."""
    chain: bytes = b""
    """The chain after that set."""
    error: str = ""


def ask(
    directory: Path, request: Request, seconds: float, waiting: Callable[[], object]
) -> tuple[Answer, Raw]:
    """Asks the plugin of the node in a directory, and waits for the copy.

    `waiting` is called again and again meanwhile. Raises `UnavailableError` if the node writes
    nothing for so many seconds, and `ReplicaError` if it cannot be copied.
    """
    path, answer_path = directory / REQUEST, directory / _ANSWER
    answer_path.unlink(missing_ok=True)
    write_synced(path, msgspec.json.encode(request))
    deadline = time.monotonic() + seconds
    try:
        while (answer := read_json(answer_path, Answer)) is None or answer.id != request.id:
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"the node has written nothing for {seconds:g} s, or does not run with the "
                    "replica; `lightning-cli datastore` makes it write"
                )
            waiting()
            time.sleep(_POLL_SECONDS)
    finally:
        path.unlink(missing_ok=True)
        answer_path.unlink(missing_ok=True)
    if answer.error:
        raise ReplicaError(answer.error)
    return answer, Raw(Path(request.target))


def serve(directory: Path, database: Path, committed: Head, log: Callable[[str], object]) -> None:
    """Answers a request, if there is one, while the node waits. Raises nothing."""
    path = directory / REQUEST
    request = read_json(path, Request)
    if request is None:
        return
    try:
        path.unlink()
        copy_raw(database, Path(request.target), log)
    except (ReplicaError, OSError) as error:
        answer = Answer(request.id, error=str(error))
    else:
        answer = Answer(request.id, committed.generation, committed.sequence, committed.chain)
    try:
        write_synced(directory / _ANSWER, msgspec.json.encode(answer))
    except OSError as error:
        log(f"{directory / _ANSWER}: cannot be written: {error.strerror}")
