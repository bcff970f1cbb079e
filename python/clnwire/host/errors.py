"""The host's exceptions. Errors about a plugin name it in their message."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from clnwire._wire.foreign import shortened
from clnwire.errors import ClnwireError

DeathKind: TypeAlias = Literal[
    "ended",
    "malformed",
    "encoding",
    "jsonrpc",
    "notification",
    "log",
    "level",
    "notice",
    "reply",
    "silent",
    "stayed",
    "unwanted",
]
"""Why a plugin ended.

- `ended`: the process exited, or a signal from outside the host ended it.
- Killed for its output: `malformed` (not JSON), `encoding` (not UTF-8), `jsonrpc` (a message
  without `jsonrpc`), `notification` (a bad notification), `log` (a bad log line), `level` (an
  unknown log level), `notice` (a bad `message` or `progress`), `reply` (a reply to no pending
  request; only old daemons kill for it).
- `silent`: no answer in time.
- `stayed`: still running at the end of the shutdown time-out.
- `unwanted`: refused by the host, disabled by itself, or killed by `Plugin.kill`.
"""
ManifestProblem: TypeAlias = Literal["form", "taken", "twice", "unknown"]
"""A manifest's fault: a name is taken, registered twice or unknown; `form` is any other fault."""


class HostError(ClnwireError):
    """The base of the host's errors; raised directly if the host is used wrongly."""


class PluginDiedError(HostError):
    """The plugin's process ended or was killed."""

    def __init__(
        self, plugin: str, reason: str, pending: Sequence[str] = (), kind: DeathKind = "ended"
    ) -> None:
        self.plugin = plugin
        """The file's name."""
        self.reason = reason
        """How the plugin ended, or why the daemon would have killed it."""
        self.kind: DeathKind = kind
        """The reason in machine-readable form."""
        self.pending = tuple(pending)
        """The id tokens of the requests that the plugin had not answered, oldest first."""
        super().__init__(f"plugin '{plugin}' {reason}{_waiting(self.pending)}")


class ManifestError(HostError):
    """The answer to `getmanifest` was refused."""

    def __init__(
        self,
        plugin: str,
        field: str,
        rule: str,
        clash: str | None = None,
        problem: ManifestProblem = "form",
    ) -> None:
        self.plugin = plugin
        self.field = field
        """The part of the manifest that was refused, such as `options[0].name`."""
        self.rule = rule
        """What the field must be, and its value."""
        self.clash = clash
        """`option`, `method` or `hook` if a name of that kind is taken."""
        self.problem: ManifestProblem = problem if clash is None else "taken"
        """The kind of fault."""
        super().__init__(f"plugin '{plugin}': manifest refused: {field}: {rule}")


class PluginOptionError(HostError):
    """An option that the plugin does not have, or a value that the daemon would refuse."""


class FatalAnswerError(HostError):
    """A hook's answer that would have stopped the daemon."""

    def __init__(self, plugin: str, hook: str, reason: str) -> None:
        self.plugin, self.hook = plugin, hook
        self.reason = reason
        """What is wrong with the answer."""
        super().__init__(f"the daemon would have stopped: plugin '{plugin}', hook {hook}: {reason}")


_SHOWN = 5
"""The number of pending ids that a message names."""


def _waiting(pending: Sequence[str]) -> str:
    if not pending:
        return ""
    more = f" and {len(pending) - _SHOWN} more" if len(pending) > _SHOWN else ""
    return f"; it had not answered {', '.join(map(shortened, pending[:_SHOWN]))}{more}"
