"""Which names a new plugin may have, and its files, made from templates."""

import errno
import keyword
import os
import re
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from clnwire import __version__
from clnwire._wire.facts import COMMANDS

Kind: TypeAlias = Literal[
    "method", "hook", "db_write", "async", "notification", "background", "pyln"
]
"""What the plugin begins with."""
_TRY_IT: Final[Mapping[str, str]] = {
    "hook": "clnwire hook peer_connected",
    "db_write": "clnwire hook db_write",
    "async": "clnwire call {name} peers=0",
    "notification": "clnwire fire connect && clnwire call {name}",
}
"""How to make a running plugin do something; otherwise a call of its method does it."""
LONGEST: Final = 24
"""Characters; the templates keep to their line length up to this."""
_FORM: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TAKEN: Final = frozenset(("clnwire", "conftest", "msgspec", "pytest", "setup", "src", "tests"))
"""Modules that a plugin of that name would shadow."""


def problem(name: str) -> str | None:
    """What is wrong with a plugin's name, and what to do; `None` if it is valid."""
    module = name.replace("-", "_")
    if _FORM.fullmatch(name) is None:
        return (
            f"{name!r} is not a valid name: it consists of a-z, 0-9 and single '-' between them, "
            "and begins with a letter, such as fee-watch"
        )
    if len(name) > LONGEST:
        return f"'{name}' has {len(name)} characters; choose a name of at most {LONGEST}"
    if keyword.iskeyword(module) or keyword.issoftkeyword(module):
        return f"'{name}' is a Python keyword; choose another name"
    if module in sys.stdlib_module_names or module in _TAKEN or module.startswith("test_"):
        return f"'{name}' is the name of another module; choose another name"
    if name in COMMANDS:
        return f"'{name}' is a command of lightningd; choose another name"
    return None


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
        return _TRY_IT.get(self.kind, "clnwire call {name}").format(name=self.name)

    def files(self) -> dict[str, str]:
        """Path, relative and with `/` → text."""
        plugin = self._filled(f"plugin/{self.kind}.py")
        test = self._filled(f"test/{self.kind}.py")
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
