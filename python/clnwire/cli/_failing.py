"""How a command ends that cannot go on: one line that says why; a traceback if asked for."""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING, Final, NoReturn

import typer

from clnwire._wire.foreign import printable
from clnwire.errors import ClnwireError, describe_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEBUG: Final = "CLNWIRE_DEBUG"
"""The environment variable that shows tracebacks, as the option `--debug` does."""
CANNOT: Final = 2
"""The status of a command that could not do its work."""
INTERRUPTED: Final = 130
NOBODY_READS: Final = 141
"""The statuses that a shell reports for SIGINT and SIGPIPE."""


def fail(command: str, message: str, status: int) -> NoReturn:
    """Ends the command with one line that says why; an exception being handled is its reason."""
    if os.environ.get(DEBUG) and sys.exc_info()[1] is not None:
        traceback.print_exc()
    sys.stderr.write(f"{f'clnwire {command}'.strip()}: {printable(message)}\n")
    raise typer.Exit(status)


def guarded(
    name: Callable[[], str], run: Callable[[], object], own: Sequence[type[BaseException]]
) -> object:
    """Runs a command. What it raises ends it with one line, unless it is one of typer's `own`.

    `name` gives the command's name, which is known once it runs.
    """
    try:
        done = run()
        # Flush now, so that a closed pipe is handled here and not when Python exits.
        sys.stdout.flush()
    except tuple(own):
        raise
    except KeyboardInterrupt:
        fail(name(), "interrupted", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(NOBODY_READS) from None
    except ClnwireError as error:
        fail(name(), str(error), CANNOT)
    except OSError as error:
        fail(name(), _what_failed(error), CANNOT)
    except Exception as error:
        where = f"that is a mistake in clnwire; for its traceback: clnwire --debug {name()} ..."
        fail(name(), f"{describe_error(error)}; {where}", CANNOT)
    return done


def _what_failed(error: OSError) -> str:
    if error.filename is None or error.strerror is None:
        return describe_error(error)
    return f"{os.fsdecode(error.filename)}: {error.strerror}"
