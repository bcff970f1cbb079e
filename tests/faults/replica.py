"""The replica's plugin under faults: what the node commits is stored."""

from __future__ import annotations

import os
import subprocess
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection, connect

from clnwire.replica.digest import digest_of
from clnwire.replica.engines.local import make_directory
from clnwire.replica.opening import open_engine
from clnwire.replica.settings import load
from tests.faults.outcome import (
    AS_ASKED,
    ENDED,
    PATIENCE,
    UNHARMED,
    BrokenPromiseError,
    Faults,
    Outcome,
)
from tests.faults.program import PRELOADED
from tests.faults.strace import traced
from tests.replica.nodes import SCHEMA, add, numbered
from tests.replica.test_keeper import restore
from tests.replica.victims import MANIFEST, read_message, request

SETS = 8
PLUGIN = "from clnwire.replica.plugin import main\nmain()\n"


def run(folder: Path, faults: Faults) -> Outcome:
    """Commits sets as the node does. Raises `BrokenPromiseError`."""
    node = folder / "node"
    node.mkdir()
    make_directory(folder / "copy")
    settings_file = node / "clnwire-replica.toml"
    engine = f'engine = "file:{folder}/copy"'
    lines = (engine, 'node = "alice"', 'survives = "power-loss"', "patience = 2")
    settings_file.write_text("\n".join(lines))
    (folder / "program.py").write_text(PLUGIN)
    program = PRELOADED.start(
        [str(folder / "program.py")],
        cwd=node,
        env=os.environ,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert program.stdin is not None
    assert program.stdout is not None
    assert program.stderr is not None
    committed, said = 0, ""
    to, back = program.stdin.fileno(), program.stdout.fileno()
    try:
        with closing(connect(node / "lightningd.sqlite3", isolation_level=None)) as database:
            os.write(to, MANIFEST)
            read_message(back)
            _commit(database, to, back, 1)
            with traced(program.pid, folder / "calls", faults):
                try:
                    for committed in range(2, SETS + 1):
                        _commit(database, to, back, committed)
                    committed = SETS
                except (BrokenPipeError, _RefusedError) as error:
                    committed, said = committed - 1, str(error)
                program.stdin.close()
                _, errors = program.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise BrokenPromiseError("it does not end") from None
    finally:
        program.kill()
    _check(folder, committed)
    status = program.returncode
    said = "; ".join(each for each in (said, errors.decode().strip()) if each)
    if committed == SETS and status == 0:
        return Outcome(UNHARMED, said)
    if faults.ends:
        return Outcome(AS_ASKED, said)
    if not said:
        raise BrokenPromiseError(f"it ended with {status} after set {committed} and said nothing")
    return Outcome(ENDED, f"{status}: {said}")


class _RefusedError(Exception):
    """The plugin does not let the node commit."""


def _commit(database: Connection, to: int, back: int, version: int) -> None:
    writes = numbered(version, SCHEMA if version == 1 else (add(version),))
    database.execute("BEGIN")
    for statement in writes:
        database.execute(statement)
    os.write(to, request(version, writes))
    answer = read_message(back)
    if b'"continue"' not in answer:
        database.execute("ROLLBACK")
        raise _RefusedError(answer.decode())
    database.execute("COMMIT")


def _check(folder: Path, committed: int) -> None:
    settings = load(folder / "node" / "clnwire-replica.toml")
    engine = open_engine(settings, writes=False)
    head = engine.head()
    engine.close()
    stored = 0 if head is None else head.sequence
    if not committed <= stored <= committed + 1:
        raise BrokenPromiseError(f"{committed} sets are committed, and {stored} stored")
    restore(settings, folder / "restored", committed)
    difference = digest_of(folder / "restored").difference(
        digest_of(folder / "node" / "lightningd.sqlite3")
    )
    if difference is not None:
        raise BrokenPromiseError(f"what is restored differs: {difference}")
