"""What the daemon says, takes and does in each of the protocol's dialects.

`"current"` is Core Lightning of the release `VERSION`, `"2020"` is v0.10.0 with its default
settings, and `"2019"` the daemon of May 2019, whose document is the protocol's first one. The two
old ones are as they were seen running; `docs/host.md` says where the document differs.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct, json

from clnwire._wire import dialect as wire
from clnwire._wire.levels import ACCEPTED, COMMON_LEVELS
from clnwire.hooks._catalogue import HOOKS
from clnwire.host.errors import HostError
from clnwire.host.rules.names import TOPICS

Name: TypeAlias = Literal["current", "2020", "2019"]
NAMES: Final[tuple[Name, ...]] = get_args(Name)
VERSION: Final = wire.FOLLOWED
"""The release of Core Lightning that the host imitates."""

_BARE: Final = frozenset(("connect", "disconnect"))
"""The topics that old daemons do not wrap."""


class HostDialect(Struct, frozen=True):
    """One dialect: its names, and what differs. The defaults are today's."""

    name: Name
    hooks: frozenset[str]
    topics: frozenset[str]
    """The native ones."""
    option_types: tuple[str, ...]
    manifest_params: bytes
    """Of `getmanifest`."""
    version: str | None = VERSION
    """What a plugin finds in `LIGHTNINGD_VERSION`, if it is there."""
    levels: tuple[str, ...] = ACCEPTED
    """What a log line's level may be."""
    numbers_ids: bool = False
    """Ids are integers from 0 on, shared by all plugins."""
    longest_line: int | None = 1 << 18
    """Bytes of a line for the log, at which the daemon aborts if there are more."""
    takes_notices: bool = True
    """`message` and `progress`."""
    takes_anything: bool = True
    """Topics of plugins, subscriptions to topics that do not exist, and replies that nobody waits
    for; else the plugin is killed for them."""
    orders_hooks: bool = True
    """Several plugins may have one hook, and say in which order."""
    disables: bool = True
    """A plugin may disable itself."""
    survives: bool = True
    """The end of a plugin that has a hook or a method."""
    counts_writes: bool = True
    """`db_write` has a `data_version`; else a set is framed as a transaction."""
    blanks_options: bool = False
    """An option that was not given is an empty string; else it is absent."""
    has_network_folder: bool = True
    """`<lightning-dir>/<network>`, where the socket is and plugins run; else they run where the
    daemon was started."""

    @property
    def is_current(self) -> bool:
        """Whether the daemon is of today."""
        return self.name == "current"

    def token(self, caller: bytes | None, method: str, number: int) -> bytes:
        """The id of request `number`, which is counted from 1."""
        if self.numbers_ids:
            return b"%d" % (number - 1)
        return _request_token(caller, method, number)

    def notification_params(self, topic: str, payload: bytes) -> bytes:
        """A native notification's params: wrapped in the topic's name, or bare."""
        if not self.is_current and topic in _BARE:
            return payload
        return b"{%s:%s}" % (json.encode(topic), payload)


_RELEASE_OF_2020: Final = (0, 10, 0)


def _known_to(release: wire.Release, since: dict[str, wire.Release]) -> tuple[str, ...]:
    """The names that a daemon of this release knows."""
    return tuple(name for name, first in since.items() if first <= release)


CURRENT: Final = HostDialect(
    "current",
    HOOKS,
    TOPICS,
    tuple(wire.OPTION_TYPES),
    b'{"allow-deprecated-apis":false}',
)
OF_2020: Final = HostDialect(
    "2020",
    frozenset(_known_to(_RELEASE_OF_2020, wire.HOOKS)),
    frozenset(_known_to(_RELEASE_OF_2020, wire.TOPICS)),
    _known_to(_RELEASE_OF_2020, wire.OPTION_TYPES),
    b"{}",
    version="v0.10.0",
    levels=tuple(level for level in ACCEPTED if level != "trace"),
    longest_line=None,
    numbers_ids=True,
    takes_anything=False,
)
OF_2019: Final = HostDialect(
    "2019",
    frozenset(_known_to(wire.FOUNDING, wire.HOOKS)),
    frozenset((*_known_to(wire.FOUNDING, wire.TOPICS), "warning")),  # A later build has it.
    _known_to(wire.FOUNDING, wire.OPTION_TYPES),
    b"{}",
    version=None,
    levels=tuple(dict.fromkeys(COMMON_LEVELS.values())),
    longest_line=None,
    numbers_ids=True,
    takes_notices=False,
    takes_anything=False,
    orders_hooks=False,
    disables=False,
    survives=False,
    counts_writes=False,
    blanks_options=True,
    has_network_folder=False,
)


def dialect_named(name: str) -> HostDialect:
    """The dialect of that name. Raises `HostError`."""
    for dialect in (CURRENT, OF_2020, OF_2019):
        if dialect.name == name:
            return dialect
    known = ", ".join(f"'{each}'" for each in NAMES)
    raise HostError(f"there is no dialect {name!r}; there are {known}")


def _request_token(caller: bytes | None, method: str, number: int) -> bytes:
    """The id of request `number`: `"cln:<method>#<n>"`, after the id of the caller, if any.

    A caller's string stays as it is spelled; any other id is quoted.
    """
    own = json.encode(f"cln:{method}#{number}")
    if caller is None:
        return own
    return b'"%s/%s' % (_inside_quotes(caller), own[1:])


def _inside_quotes(token: bytes) -> bytes:
    if token.startswith(b'"'):
        return token[1:-1]
    return json.encode(token.decode())[1:-1]
