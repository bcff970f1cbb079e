"""lightningd's log levels and their aliases."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

from clnwire.errors import UsageError

LogLevel: TypeAlias = Literal[
    "trace", "debug", "info", "warn", "error", "unusual", "broken", "warning", "critical"
]
"""Log levels. For lightningd `warn` and `unusual` are the same, as are `error` and `broken`.
`warning` and `critical` are the names in `logging`; clnwire sends `warn` and `error` for them."""

_OF_LOGGING: Final[Mapping[str, LogLevel]] = {"warning": "warn", "critical": "error"}
ALIASES: Final = {"warn": "unusual", "error": "broken"}
"""Level as plugins send it → its name in the daemon's log."""
WARNINGS: Final = {level: alias for alias, level in ALIASES.items()}
"""Levels that the topic `warning` reports → their names in its payload."""
ACCEPTED: Final[tuple[str, ...]] = tuple(
    level for level in get_args(LogLevel) if level not in _OF_LOGGING
)
"""The levels that daemons since v24.05 accept from a plugin."""
SCALE: Final[tuple[str, ...]] = tuple(level for level in ACCEPTED if level not in ALIASES)
"""The levels of the daemon's log, from the least important to the most."""

CURRENT_LEVELS: Final[Mapping[str, LogLevel]] = {
    **{level: level for level in get_args(LogLevel)},
    **_OF_LOGGING,
}
"""Level → the level to send to daemons since v24.05."""
_COMMON: Final[Mapping[str, LogLevel]] = {"trace": "debug", "unusual": "warn", "broken": "error"}
COMMON_LEVELS: Final[Mapping[str, LogLevel]] = {
    level: _COMMON.get(said, said) for level, said in CURRENT_LEVELS.items()
}
"""Level → the closest level that every release accepts."""


def check_level(level: str) -> None:
    """Raises `UsageError` for a log level at which the daemon would kill the plugin."""
    if level not in CURRENT_LEVELS:
        raise UsageError(
            f"unknown log level {level!r}; the daemon knows {', '.join(sorted(CURRENT_LEVELS))}"
        )
