"""How a command ends: JSON if asked for, or one line that says why it fails, and a traceback."""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

import typer
from msgspec import json

from clnwire._wire.foreign import printable
from clnwire.errors import ClnwireError, describe_error

DEBUG: Final = "CLNWIRE_DEBUG"
"""The environment variable that shows tracebacks, as the option `--debug` does."""
CANNOT: Final = 2
"""The status of a command that could not do its work."""
INTERRUPTED: Final = 130
NOBODY_READS: Final = 141
"""The statuses that a shell reports for SIGINT and SIGPIPE."""


def fail(
    command: str, message: str, status: int = CANNOT, *, as_json: bool = False, **details: object
) -> NoReturn:
    """Ends the command with one line that says why.

    With `as_json` the line goes to stdout as JSON: the `details`, or the message without any.
    """
    if as_json:
        print_json({"ok": False, **(details or {"error": message})})
        raise typer.Exit(status)
    if os.environ.get(DEBUG) and sys.exc_info()[1] is not None:
        traceback.print_exc()
    sys.stderr.write(f"{f'clnwire {command}'.strip()}: {printable(message)}\n")
    raise typer.Exit(status)


def say(command: str, text: str) -> None:
    """Writes a line about what the command meets, which goes on."""
    sys.stderr.write(f"clnwire {command}: {text}\n")


def print_json(result: object) -> None:
    """Prints what `--json` asks for, on one line."""
    sys.stdout.write(json.encode(result).decode() + "\n")


def guarded(
    name: Callable[[], str], run: Callable[[], object], own: Sequence[type[BaseException]]
) -> object:
    """Runs a command; an error ends it with one line, except typer's `own` exceptions.

    `name` returns the command's name, which is known once the command runs.
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
        if error.filename is None or error.strerror is None:
            fail(name(), describe_error(error), CANNOT)
        fail(name(), f"{os.fsdecode(error.filename)}: {error.strerror}", CANNOT)
    except Exception as error:
        where = f"this is a bug in clnwire; for the traceback: clnwire --debug {name()} ..."
        fail(name(), f"{describe_error(error)}; {where}", CANNOT)
    return done
