"""The processes that the daemon has started beside this plugin.

Read from `/proc`, or from `ps` where there is none (macOS). Needed at the end of a plugin alone.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from clnwire._wire.environment import HOST

SUBDAEMON: Final = "lightning_"
"""How the names of lightningd's own processes begin. Some of them outlive all plugins."""
_PROC: Final = Path("/proc")
_LEAVES_LAST: Final = "clnwire-leaves-last"
_PS_SECONDS: Final = 5.0


class Process(NamedTuple):
    """One that runs; a zombie does not."""

    parent: int
    name: str


def mark_as_last() -> None:
    """Lets sibling plugins see that this one waits for the others to end. Linux only."""
    if hasattr(os, "memfd_create"):
        # Never closed: it is to be seen until the process ends.
        os.memfd_create(_LEAVES_LAST)


def others_run() -> bool:
    """Whether another plugin of the daemon runs that does not itself wait for the others to end.

    Also true if the processes cannot be listed.
    """
    processes = _listed()
    if os.getpid() not in processes:
        return True
    return any(not _waits_too(pid) for pid in siblings(processes, os.getpid()))


def siblings(processes: dict[int, Process], plugin: int) -> list[int]:
    """The plugins that run beside this one under the same daemon."""
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
    """A plugin's parent need not be the daemon: there are wrappers (`uv run`, a shell script)."""
    if os.environ.get(HOST, "").partition(" ")[0] == str(pid):
        return True
    children = (process for process in processes.values() if process.parent == pid)
    return any(child.name.startswith(SUBDAEMON) for child in children)


def _is_of_another_host(pid: int) -> bool:
    """Whether it is known to be no plugin of the embedded host that started this one."""
    ours = os.environ.get(HOST)
    if ours is None:
        return False
    with suppress(OSError):
        environment = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
        return os.fsencode(f"{HOST}={ours}") not in environment
    return False


def _waits_too(pid: int) -> bool:
    """Whether it is marked by `mark_as_last`: two that wait must not wait for each other."""
    with suppress(OSError):
        descriptors = (_PROC / str(pid) / "fd").iterdir()
        return any(_LEAVES_LAST in str(each.readlink()) for each in descriptors)
    return False


def _listed() -> dict[int, Process]:
    """All processes that can be seen; empty if there is no way to see them."""
    return _from_proc() or _from_ps()


def _from_proc() -> dict[int, Process]:
    found: dict[int, Process] = {}
    with suppress(OSError):
        for folder in _PROC.iterdir():
            # It may end while it is looked at.
            with suppress(OSError, ValueError):
                stat = (folder / "stat").read_bytes() if folder.name.isdigit() else b""
                name, state, parent = _parsed(stat)
                if state not in "ZX":
                    found[int(folder.name)] = Process(parent, name)
    return found


def _parsed(stat: bytes) -> tuple[str, str, int]:
    """Name, state and parent. The name is in parentheses, and may have some itself."""
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
            # macOS gives the whole path.
            found[int(pid)] = Process(int(parent), os.path.basename(name))  # noqa: PTH119
    return found
