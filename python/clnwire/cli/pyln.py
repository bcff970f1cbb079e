"""`clnwire pyln`: runs plugins that were written with pyln-client, unchanged."""

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn

from clnwire.captures.target import plugin_name
from clnwire.cli._arguments import File, Words, argument, option
from clnwire.cli._failing import fail
from clnwire.program import of_words, why_not_started

FOLDER: Final = str(Path(__file__).resolve().parents[1] / "pyln" / "path")
"""Gives plugins clnwire in place of pyln-client, on their `PYTHONPATH`."""
PYTHONPATH: Final = "PYTHONPATH"
SETTINGS: dict[str, Any] = {"ignore_unknown_options": True, "allow_interspersed_args": True}
EXAMPLES = (
    (
        "clnwire pyln path",
        "the folder, for all plugins of a node: PYTHONPATH=$(clnwire pyln path) lightningd",
    ),
    ("clnwire pyln run ./plugin.py", "one plugin, as lightningd would start it"),
    (
        "clnwire pyln wrap ./plugin.py",
        "a script for lightningd's config: plugin=/path/to/plugin-clnwire",
    ),
)


def pyln(
    what: Annotated[Literal["path", "run", "wrap"], argument("path|run|wrap", "")],
    plugin: Annotated[Words, argument("[PLUGIN ARGS...]", "The command of the plugin.")] = None,
    output: Annotated[
        File,
        option("FILE", "wrap: the script, otherwise NAME-clnwire here.", "--output", "-o"),
    ] = None,
) -> None:
    """Runs plugins that were written with pyln-client on clnwire, unchanged.

    `path` prints the folder that takes the place of pyln-client on PYTHONPATH. `run` becomes the
    plugin, with that folder on its PYTHONPATH. `wrap` writes a script that does the same, for
    lightningd's plugin=FILE.

    The plugin's Python has to be of the version that clnwire is installed for. Otherwise the
    plugin runs on the installed pyln-client, and one line on its stderr says so.

    Status 2: there is no such plugin, or the script cannot be written.
    """
    if what == "path":
        if plugin or output is not None:
            fail("pyln", "path takes no plugin and no file; see: clnwire pyln --help")
        sys.stdout.write(f"{FOLDER}\n")
        return
    if not plugin:
        fail("pyln", f"{what} needs the plugin: clnwire pyln {what} ./plugin.py")
    argv = of_words(plugin)
    if what == "wrap":
        _wrap(argv, output or Path(f"{plugin_name(argv)}-clnwire"))
    elif output is not None:
        fail("pyln", "run writes no file; leave out --output")
    else:
        _become(argv)


def _become(argv: list[str]) -> NoReturn:
    os.environ[PYTHONPATH] = search_path()
    try:
        os.execv(argv[0], argv)
    except OSError as error:
        fail("pyln", why_not_started(argv[0], error))


def _wrap(argv: list[str], script: Path) -> None:
    words = [str(Path(word).absolute()) if Path(word).is_file() else word for word in argv]
    text = (
        "#!/bin/sh\n"
        f"PYTHONPATH={shlex.quote(FOLDER)}${{PYTHONPATH:+:$PYTHONPATH}}\n"
        f'export PYTHONPATH\nexec {shlex.join(words)} "$@"\n'
    )
    try:
        with script.open("x", encoding="utf-8") as file:
            file.write(text)
        script.chmod(0o755)
    except FileExistsError:
        fail("pyln", f"{script} exists; name another file with --output")
    except OSError as error:
        fail("pyln", f"{script} cannot be written: {error.strerror}")
    sys.stdout.write(f"{script} written; for lightningd's config: plugin={script.absolute()}\n")


def search_path(*, has_it: bool = True) -> str:
    """This process's `PYTHONPATH`, with the folder in front or without it."""
    given = os.environ.get(PYTHONPATH, "").split(os.pathsep)
    others = [place for place in given if place and place != FOLDER]
    return os.pathsep.join([FOLDER, *others] if has_it else others)
