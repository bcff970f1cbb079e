"""`clnwire examples`: lists plugins to learn from, and copies them."""

import ast
from pathlib import Path
from typing import Annotated, Final

import typer

from clnwire.cli._arguments import Words, argument, option
from clnwire.cli._failing import CANNOT, fail

EXAMPLES: Final = (
    ("clnwire examples", "what there is"),
    ("clnwire examples hello", "hello.py, copied to this folder, ready to run"),
)
FOLDER: Final = Path(__file__).with_name("_examples")
"""Links to the repository's `examples`; a wheel has the files themselves."""


def examples(
    names: Annotated[Words, argument(None, "The examples to copy.")] = None,
    directory: Annotated[Path, option("DIR", "Where to copy them.")] = Path(),
) -> None:
    """Lists the examples, or copies those that are named.

    No file is overwritten. Status 2: an example was not copied; the message says why.
    """
    known = {path.stem: path for path in sorted(FOLDER.glob("*.py"))}
    if not names:
        for name, path in known.items():
            summary = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")
            typer.echo(f"{name:16} {summary[0]}")
    for name in names or ():
        if name not in known:
            fail("examples", f"there is no '{name}'; there are: {', '.join(known)}", CANNOT)
        _copy(known[name], directory / f"{name}.py")


def _copy(path: Path, target: Path) -> None:
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(path.read_text("utf-8"))
    except OSError as error:
        fail("examples", f"{target} cannot be written: {error.strerror}", CANNOT)
    target.chmod(0o755)
    typer.echo(f"{target}\n  clnwire run --plugin={target}")
