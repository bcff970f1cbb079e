"""What a frozen plugin may import: hooks, topics and commands come when they are first used."""

from PyInstaller.utils.hooks import (  # pyright: ignore[reportMissingModuleSource]
    collect_submodules,
)


def is_of_plugins(name: str) -> bool:
    """Leaves out the command line, which a plugin does not need."""
    return not name.startswith(("clnwire.cli", "clnwire._pyinstaller"))


hiddenimports = collect_submodules("clnwire", filter=is_of_plugins)
