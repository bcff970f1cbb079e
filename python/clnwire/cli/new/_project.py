"""From templates to the files of a new plugin."""

from __future__ import annotations

import errno
import os
from enum import Enum
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from clnwire import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Kind(str, Enum):
    """What the plugin begins with."""

    METHOD = "method"
    HOOK = "hook"
    DB_WRITE = "db_write"
    ASYNC = "async"
    NOTIFICATION = "notification"
    BACKGROUND = "background"
    PYLN = "pyln"


_TRY_IT: Final[Mapping[Kind, str]] = {
    Kind.METHOD: "clnwire call {name}",
    Kind.HOOK: "clnwire hook peer_connected",
    Kind.DB_WRITE: "clnwire hook db_write",
    Kind.ASYNC: "clnwire call {name} peers=0",
    Kind.NOTIFICATION: "clnwire fire connect && clnwire call {name}",
    Kind.BACKGROUND: "clnwire call {name}",
    Kind.PYLN: "clnwire call {name}",
}
"""How to make a running plugin do something."""


class Project(Struct, frozen=True):
    """A plugin that is to be written."""

    name: str
    kind: Kind
    is_package: bool

    @property
    def module(self) -> str:
        """The name as Python has it."""
        return self.name.replace("-", "_")

    @property
    def plugin_file(self) -> str:
        """The file that lightningd runs. `reckless` installs `NAME.py` of a folder `NAME`."""
        return f"{self.name}/{self.name}.py" if self.is_package else f"{self.module}.py"

    @property
    def try_it(self) -> str:
        """A command that has the plugin do something, while it runs."""
        return _TRY_IT[self.kind].format(name=self.name)

    def files(self) -> dict[str, str]:
        """Path, relative and with `/` → text."""
        plugin = self._filled(f"plugin/{self.kind.value}.py")
        test = self._filled(f"test/{self.kind.value}.py")
        if not self.is_package:
            header = self._filled("script.py")
            return {self.plugin_file: header + plugin, f"test_{self.module}.py": test}
        inside = f"{self.name}/src/{self.module}"
        return {
            self.plugin_file: self._filled("package/start.py"),
            f"{self.name}/requirements.txt": self._filled("package/requirements.txt"),
            f"{self.name}/pyproject.toml": self._filled("package/pyproject.toml"),
            f"{self.name}/README.md": self._filled("package/README.md"),
            f"{self.name}/.gitignore": self._filled("package/gitignore"),
            f"{self.name}/.github/workflows/ci.yml": self._filled("package/ci.yml"),
            f"{inside}/__init__.py": self._filled("package/init.py"),
            f"{inside}/py.typed": "",
            f"{inside}/plugin.py": plugin,
            f"{self.name}/tests/test_plugin.py": test,
        }

    def _filled(self, template: str) -> str:
        path = files(__package__ or "") / "templates" / f"{template}.tmpl"
        return Template(path.read_text("utf-8")).substitute(self._values())

    def _values(self) -> dict[str, str]:
        beside = f'Path(__file__).with_name("{self.module}.py")'
        at_the_root = f'Path(__file__).parents[1] / "{self.name}.py"'
        return {
            "name": self.name,
            "module": self.module,
            "home": f"{self.module}.plugin" if self.is_package else self.module,
            "file": at_the_root if self.is_package else beside,
            "variable": f"{self.module.upper()}_FILE",
            "version": __version__,
            "try_it": self.try_it,
        }


def write(folder: Path, project: Project) -> list[str]:
    """Writes the files, and gives their paths.

    Raises `FileExistsError` before any is written if one is there already, and `OSError`.
    """
    contents = project.files()
    for path in [project.name] if project.is_package else contents:
        if os.path.lexists(folder / path):
            raise FileExistsError(errno.EEXIST, "already exists", str(folder / path))
    for path, text in contents.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    (folder / project.plugin_file).chmod(0o755)
    return list(contents)
