"""Writes `python/clnwire/commands` anew from the daemon's schemas and from what its `help` prints.

.venv/bin/python python/generate_commands.py ../shared/schemas/rpc ../shared/node/commands.json
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from commands_generator import source
from commands_generator.builtin import BUILTIN
from commands_generator.model import command
from commands_generator.usage import BACKEND, UNLISTED, usages

HERE = Path(__file__).resolve().parent
FACTS = "../_wire/facts.py"
"""Beside the folder: who registers a method needs the names, and none of the commands."""


def generate(schemas: Path, lines: Path) -> dict[str, str]:
    """File name → its text, not yet formatted."""
    texts = sorted(schemas.glob("*.json"))
    taken = usages(json.loads(lines.read_text()))
    commands = sorted(
        (command(json.loads(text.read_text()), taken) for text in texts), key=lambda c: c.method
    )
    files = {f"{each.module}.py": source.module(each) for each in commands}
    files[FACTS] = source.names(sorted(BUILTIN), sorted({*taken, *UNLISTED} - BACKEND - BUILTIN))
    files["_blocking.pyi"] = source.table(commands, awaitable=False)
    files["_awaitable.pyi"] = source.table(commands, awaitable=True)
    return files


def write(files: dict[str, str], folder: Path) -> None:
    """Writes and formats the files, and removes those of commands that are gone."""
    for old in (*folder.glob("*.py"), *folder.glob("*.pyi")):
        if old.name not in files and old.read_text().startswith(source.MARK):
            old.unlink()
    for name, text in files.items():
        (folder / name).write_text(text)
    _tidy([(folder / name).resolve() for name in files])


def _tidy(paths: list[Path]) -> None:
    ruff, project = Path(sys.executable).parent / "ruff", HERE.parent
    settings: list[str | Path] = ["--quiet", "--config", project / "pyproject.toml"]
    # From there, since the settings' own paths are relative.
    subprocess.run(
        [ruff, "check", "--select=I", "--fix", *settings, *paths], cwd=project, check=True
    )
    subprocess.run([ruff, "format", *settings, *paths], cwd=project, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes clnwire.commands anew.")
    parser.add_argument("schemas", type=Path, help="the folder with a schema a command")
    parser.add_argument("lines", type=Path, help="the usage of all commands, as `help` prints it")
    parser.add_argument("--into", type=Path, default=HERE / "clnwire" / "commands")
    arguments = parser.parse_args()
    write(generate(arguments.schemas, arguments.lines), arguments.into)


if __name__ == "__main__":
    main()
