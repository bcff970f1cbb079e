"""`clnwire record`: runs a plugin under lightningd, and records their conversation."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from clnwire.captures.proxy import Proxy, end_like
from clnwire.captures.tap import LIMIT
from clnwire.captures.target import opened, write_wrapper
from clnwire.cli._arguments import File, PluginCommand, Words, flag, option
from clnwire.cli._failing import say
from clnwire.program import ProgramError, of_words

EXAMPLES = (
    ("clnwire record -- ./plugin.py", "a new file in this folder, plugin-TIME.jsonl.gz"),
    (
        "clnwire record -o ~/captures --redact preimage,payment_secret -- ./plugin.py",
        "a new file there, without these secrets",
    ),
    (
        "clnwire record -o ~/captures --write-wrapper recorded.sh -- ./plugin.py",
        "a script for lightningd's config: plugin=/path/to/recorded.sh",
    ),
)


def record(
    plugin: PluginCommand,
    output: Annotated[
        Path, option("PATH", "The capture's file, or a folder for a new one.", "--output", "-o")
    ] = Path(),
    redact: Annotated[
        Words, option("NAME,...", "Members to mask in the capture, at any depth.")
    ] = None,
    buffer: Annotated[int, option("MIB", "Memory for what waits for a slow disk.", min=1)] = LIMIT,
    force: Annotated[bool, flag("Overwrites a file that exists.", "--force")] = False,
    wrapper: Annotated[
        File,
        option(
            "FILE",
            "Only writes a script that does this, for lightningd's plugin=FILE.",
            "--write-wrapper",
        ),
    ] = None,
) -> None:
    """Runs a plugin, in any language, under lightningd, and records their conversation.

    Every byte is forwarded at once and unchanged; another process writes the capture. Signals, the
    ends of the pipes and the exit status are passed on. `clnwire trace` shows a capture, `clnwire
    replay` plays it.

    The status is the plugin's. Status 2: the plugin cannot be started or the capture not written.
    """
    argv = of_words(plugin)
    names = [name for group in redact or [] for name in group.split(",") if name]
    if wrapper is not None:
        options = [f"--redact={','.join(names)}"] if names else []
        options += [f"--buffer={buffer}"] if buffer != LIMIT else []
        options += ["--force"] if force else []
        write_wrapper(wrapper, argv, output, options, force=force)
        sys.stdout.write(f"lightningd records with: plugin={wrapper.absolute()}\n")
        return
    path, file = opened(output, argv, force=force)
    complain = partial(say, "record")
    complain(f"writing {path}")
    try:
        code = Proxy(argv, complain, limit=buffer << 20).run(file, names)
    except ProgramError:
        path.unlink()
        raise
    raise typer.Exit(end_like(code))
