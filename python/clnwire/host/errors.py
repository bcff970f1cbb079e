"""What can go wrong between the host and a plugin, each with the plugin's name in its message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from clnwire.errors import ClnwireError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "DeathKind",
    "FatalAnswerError",
    "HostError",
    "ManifestError",
    "PluginDiedError",
    "PluginOptionError",
]


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
"""Why a plugin is gone. `ended`: by itself. `malformed`, `encoding`, `jsonrpc`, `notification`,
`log`, `level`, `notice`, `reply`: killed for its output, which was no JSON, no UTF-8, without
`jsonrpc`, or a bad notification, log line, log level, `message` or `progress`, or a reply that
nobody waits for, which only old daemons mind. `silent`: it did not answer in time. `stayed`: it did
not end in time. `unwanted`: the host or its user had no use for it."""
ManifestProblem: TypeAlias = Literal["form", "taken", "twice", "unknown"]
"""A manifest's fault: a name that is taken, is there twice, or is nobody's; all else is `form`."""


class HostError(ClnwireError):
    """What all errors of the host have in common; by itself: the host was used wrongly."""


class PluginDiedError(HostError):
    """The plugin is gone: it ended, could not be started, or was killed for what it sent."""

    plugin: str
    """The file's name."""
    reason: str
    """How it ended, or why the daemon would have killed it."""
    kind: DeathKind
    """The same for programs."""
    pending: tuple[str, ...]
    """The id tokens of the requests that it had not answered, oldest first."""

    def __init__(
        self, plugin: str, reason: str, pending: Sequence[str] = (), kind: DeathKind = "ended"
    ) -> None:
        self.plugin, self.reason, self.pending = plugin, reason, tuple(pending)
        self.kind = kind
        super().__init__(f"plugin '{plugin}' {reason}{_waiting(self.pending)}")


class ManifestError(HostError):
    """The answer to `getmanifest` was refused."""

    plugin: str
    field: str
    """Which part of the manifest, such as `options[0].name`."""
    rule: str
    """What it must be, and what it is."""
    clash: str | None
    """`option`, `method` or `hook` if a name of that kind is taken."""
    problem: ManifestProblem
    """What kind of rule it is."""

    def __init__(
        self,
        plugin: str,
        field: str,
        rule: str,
        clash: str | None = None,
        problem: ManifestProblem = "form",
    ) -> None:
        self.plugin, self.field, self.rule, self.clash = plugin, field, rule, clash
        self.problem = problem if clash is None else "taken"
        super().__init__(f"plugin '{plugin}': manifest refused: {field}: {rule}")


class PluginOptionError(HostError):
    """An option that the plugin does not have, or a value that the daemon would not accept."""


class FatalAnswerError(HostError):
    """A hook's answer at which the daemon would have stopped."""

    plugin: str
    hook: str
    reason: str
    """What is wrong with the answer."""

    def __init__(self, plugin: str, hook: str, reason: str) -> None:
        self.plugin, self.hook, self.reason = plugin, hook, reason
        super().__init__(f"the daemon would have stopped: plugin '{plugin}', hook {hook}: {reason}")


_SHOWN = 5
"""How many of the pending ids a message names."""


def _waiting(pending: Sequence[str]) -> str:
    if not pending:
        return ""
    more = f" and {len(pending) - _SHOWN} more" if len(pending) > _SHOWN else ""
    return f"; it had not answered {', '.join(pending[:_SHOWN])}{more}"
