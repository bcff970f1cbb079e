"""`clnwire new`: a plugin that runs and has tests, as one script or as a package."""

import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from clnwire.cli._arguments import argument, flag, option
from clnwire.cli._failing import fail
from clnwire.cli.new._project import Kind, Project, problem, write

EXAMPLES = (
    ("clnwire new fee-watch", "one script with a method, and its test"),
    ("clnwire new htlc-guard --kind hook", "one that answers a hook"),
    ("clnwire new replica --kind db_write --package", "a package: pyproject, src, tests, CI"),
)


def new(
    name: Annotated[str, argument(None, "Its name, such as fee-watch.")],
    kind: Annotated[
        Kind, option(None, "What it contains; `async` is a method that waits.")
    ] = "method",
    package: Annotated[
        bool, flag("A package with a command, in a folder of its own.", "--package")
    ] = False,
    directory: Annotated[Path, option("DIR", "Where to write it.")] = Path(),
) -> None:
    """Writes a new plugin with its tests: one script, or with --package a package.

    No file is overwritten. Status 2: nothing was written; the message says why.
    """
    wrong = problem(name)
    if wrong is not None:
        fail("new", wrong, 2)
    project = Project(name, kind, package)
    try:
        written = write(directory, project)
    except FileExistsError as error:
        fail("new", f"{error.filename} already exists; choose another name, or remove it", 2)
    except OSError as error:
        fail("new", f"{error.filename} cannot be written: {error.strerror}", 2)
    typer.echo(_next_steps(directory, project, written), nl=False)


def _next_steps(directory: Path, project: Project, written: list[str]) -> str:
    plugin = directory / project.plugin_file
    tests = directory / (project.name if project.is_package else f"test_{project.module}.py")
    files = "".join(f"  {directory / path}\n" for path in written)
    return f"""\
Written:

{files}
Next:

  pytest {tests}
  clnwire check {plugin}
  clnwire run --plugin={plugin}    # and then, in another terminal:
  {project.try_it}

It is a real plugin already:

  {_start_line(plugin.absolute())}
"""


def _start_line(plugin: Path) -> str:
    """How to start a node with it: the `python3` of lightningd's PATH must be one with clnwire."""
    ours = Path(sys.executable).parent
    is_first = Path(shutil.which("python3") or "").parent == ours
    path = "" if is_first else f'PATH={shlex.quote(str(ours))}:"$PATH" '
    return f"{path}lightningd --plugin={shlex.quote(str(plugin))}"
