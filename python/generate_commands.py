"""Regenerates `python/clnwire/commands` from the daemon's schemas and the output of its `help`.

    .venv/bin/python python/generate_commands.py SCHEMAS COMMANDS

`SCHEMAS` is the folder of the JSON schemas of the commands. `COMMANDS` is a JSON list of the usage
lines that `help` prints.
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
"""Outside of the folder, since registering a method needs the names without importing the
commands."""


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
    """Writes and formats the files, and removes generated files of commands that are gone."""
    for old in (*folder.glob("*.py"), *folder.glob("*.pyi")):
        if old.name not in files and old.read_text().startswith(source.MARK):
            old.unlink()
    for name, text in files.items():
        (folder / name).write_text(text)
    tidy([(folder / name).resolve() for name in files])


def tidy(paths: list[Path]) -> None:
    """Sorts the imports of generated files, and formats them."""
    ruff, project = Path(sys.executable).parent / "ruff", HERE.parent
    settings: list[str | Path] = ["--quiet", "--config", project / "pyproject.toml"]
    # ruff runs in the project's folder, since paths in its settings are relative to that.
    subprocess.run(
        [ruff, "check", "--select=I", "--fix", *settings, *paths], cwd=project, check=True
    )
    subprocess.run([ruff, "format", *settings, *paths], cwd=project, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Regenerates clnwire.commands.")
    parser.add_argument("schemas", type=Path, help="the folder with one schema for each command")
    parser.add_argument("lines", type=Path, help="the usage lines that `help` prints, as JSON")
    parser.add_argument("--into", type=Path, default=HERE / "clnwire" / "commands")
    arguments = parser.parse_args()
    write(generate(arguments.schemas, arguments.lines), arguments.into)


if __name__ == "__main__":
    main()
