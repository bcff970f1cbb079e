"""lightningd's log levels, and the other words for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from clnwire.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

LogLevel: TypeAlias = Literal[
    "trace", "debug", "info", "warn", "error", "unusual", "broken", "warning", "critical"
]
"""The daemon's words for how bad it is; `warn` is its `unusual`, `error` its `broken`. `warning`
and `critical` are the words of `logging` for the two."""

_OF_LOGGING: Final[Mapping[str, LogLevel]] = {"warning": "warn", "critical": "error"}
ALIASES: Final = {"warn": "unusual", "error": "broken"}
"""What a plugin may say → what the daemon's log says."""
WARNINGS: Final = {level: alias for alias, level in ALIASES.items()}
"""The levels that the topic `warning` tells of → its words for them."""
ACCEPTED: Final[tuple[str, ...]] = tuple(
    level for level in get_args(LogLevel) if level not in _OF_LOGGING
)
"""What a plugin may say to the daemon, since v24.05."""
SCALE: Final[tuple[str, ...]] = tuple(level for level in ACCEPTED if level not in ALIASES)
"""The levels of the daemon's log, from the least important to the most."""

CURRENT_LEVELS: Final[Mapping[str, LogLevel]] = {
    **{level: level for level in get_args(LogLevel)},
    **_OF_LOGGING,
}
"""Level → what to say to the daemon, since v24.05."""
_COMMON: Final[Mapping[str, LogLevel]] = {"trace": "debug", "unusual": "warn", "broken": "error"}
COMMON_LEVELS: Final[Mapping[str, LogLevel]] = {
    level: _COMMON.get(said, said) for level, said in CURRENT_LEVELS.items()
}
"""Level → the closest one of those that all daemons know."""


def check_level(level: str) -> None:
    """Raises `UsageError` for a log level at which the daemon would kill the plugin."""
    if level not in CURRENT_LEVELS:
        raise UsageError(
            f"unknown log level {level!r}; the daemon knows {', '.join(sorted(CURRENT_LEVELS))}"
        )
