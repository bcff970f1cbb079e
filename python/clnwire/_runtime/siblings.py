"""The other plugins of the same daemon, found among the system's processes.

Reads `/proc`, or runs `ps` where it does not exist (macOS). Used only when a plugin with `db_write`
ends.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from clnwire._wire.environment import HOST

SUBDAEMON: Final = "lightning_"
"""The prefix of the names of lightningd's subdaemons. Some of them outlive all plugins."""
_PROC: Final = Path("/proc")
_LEAVES_LAST: Final = "clnwire-leaves-last"
_PS_SECONDS: Final = 5.0


class Process(NamedTuple):
    """A running process; zombies are left out."""

    parent: int
    name: str


def mark_as_last() -> None:
    """Marks this process as waiting for the other plugins to exit. Linux only.

    The mark is an open memfd of a known name, which siblings see in `/proc`.
    """
    if hasattr(os, "memfd_create"):
        # Never closed: the mark must last until the process exits.
        os.memfd_create(_LEAVES_LAST)


def others_run() -> bool:
    """Whether another plugin of the daemon runs that is not marked by `mark_as_last`.

    Also true if the processes cannot be listed.
    """
    processes = _listed()
    if os.getpid() not in processes:
        return True
    return any(not _waits_too(pid) for pid in siblings(processes, os.getpid()))


def siblings(processes: dict[int, Process], plugin: int) -> list[int]:
    """The pids of the other plugins of the daemon that started `plugin`."""
    ancestors = _ancestors(processes, plugin)
    daemon = next((pid for pid in ancestors if _is_daemon(processes, pid)), ancestors[0])
    return [
        pid
        for pid, process in processes.items()
        if process.parent == daemon
        and pid not in (plugin, *ancestors)
        and not process.name.startswith(SUBDAEMON)
        and not _is_of_another_host(pid)
    ]


def _ancestors(processes: dict[int, Process], pid: int) -> list[int]:
    found = [processes[pid].parent]
    while found[-1] in processes:
        found.append(processes[found[-1]].parent)
    return found


def _is_daemon(processes: dict[int, Process], pid: int) -> bool:
    """Whether the process is lightningd or the embedded host.

    The plugin's parent may be a wrapper instead (`uv run`, a shell script).
    """
    if os.environ.get(HOST, "").partition(" ")[0] == str(pid):
        return True
    children = (process for process in processes.values() if process.parent == pid)
    return any(child.name.startswith(SUBDAEMON) for child in children)


def _is_of_another_host(pid: int) -> bool:
    """Whether an embedded host started this plugin and did not start process `pid`."""
    ours = os.environ.get(HOST)
    if ours is None:
        return False
    with suppress(OSError):
        environment = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
        return os.fsencode(f"{HOST}={ours}") not in environment
    return False


def _waits_too(pid: int) -> bool:
    """Whether it is marked by `mark_as_last`. Two such plugins must not wait for each other."""
    with suppress(OSError):
        descriptors = (_PROC / str(pid) / "fd").iterdir()
        return any(_LEAVES_LAST in str(each.readlink()) for each in descriptors)
    return False


def _listed() -> dict[int, Process]:
    """All visible processes by pid; empty if they cannot be listed."""
    return _from_proc() or _from_ps()


def _from_proc() -> dict[int, Process]:
    found: dict[int, Process] = {}
    with suppress(OSError):
        for folder in _PROC.iterdir():
            # The process may exit meanwhile.
            with suppress(OSError, ValueError):
                stat = (folder / "stat").read_bytes() if folder.name.isdigit() else b""
                name, state, parent = _parsed(stat)
                if state not in "ZX":
                    found[int(folder.name)] = Process(parent, name)
    return found


def _parsed(stat: bytes) -> tuple[str, str, int]:
    """Name, state and parent pid. The name is in parentheses and may contain parentheses."""
    before, _, after = stat.decode(errors="replace").rpartition(")")
    state, parent = after.split()[:2]
    return before.partition("(")[2], state, int(parent)


def _from_ps() -> dict[int, Process]:
    import subprocess

    command = ["ps", "-A", "-o", "pid=,ppid=,stat=,comm="]
    try:
        listed = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PS_SECONDS, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return {}
    found: dict[int, Process] = {}
    for line in listed.decode(errors="replace").splitlines():
        pid, parent, state, name = (*line.split(None, 3), "")[:4]
        if not state.startswith("Z"):
            # On macOS `comm` is the whole path.
            found[int(pid)] = Process(int(parent), os.path.basename(name))  # noqa: PTH119
    return found
