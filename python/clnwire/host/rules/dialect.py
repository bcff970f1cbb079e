"""The differences between the protocol's dialects.

`"current"` is Core Lightning of the release `VERSION`, `"2020"` is v0.10.0 with its default
settings, and `"2019"` is the daemon of May 2019, the first with a documented protocol. The two old
dialects follow the behaviour of running daemons; `docs/host.md` lists where the documentation
differs.
"""

import re
from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct, json

from clnwire._wire import dialect as wire
from clnwire._wire.levels import ACCEPTED, COMMON_LEVELS
from clnwire.hooks._catalogue import HOOKS
from clnwire.host.errors import HostError
from clnwire.notifications._catalogue import NATIVE

Name: TypeAlias = Literal["current", "2020", "2019"]
NAMES: Final[tuple[Name, ...]] = get_args(Name)
VERSION: Final = wire.FOLLOWED
"""The release of Core Lightning that the host imitates."""

_ODD: Final = re.compile(rb'[\x00-\x1f\x7f"\\]')
"""What would need an escape in a string."""
_BARE: Final = frozenset(("connect", "disconnect"))
"""The topics whose payload old daemons do not wrap in the topic's name."""


class HostDialect(Struct, frozen=True):
    """One dialect. The defaults are those of the current daemon."""

    name: Name
    hooks: frozenset[str]
    topics: frozenset[str]
    """The native topics."""
    option_types: tuple[str, ...]
    manifest_params: bytes
    """The params of `getmanifest`, as JSON text."""
    version: str | None = VERSION
    """The value of `LIGHTNINGD_VERSION` in a plugin's environment; `None` if it is not set."""
    levels: tuple[str, ...] = ACCEPTED
    """The accepted log levels."""
    numbers_ids: bool = False
    """Whether request ids are integers from 0, counted across all plugins; else strings."""
    longest_line: int | None = 1 << 18
    """The longest log line in bytes; the daemon aborts at a longer one. `None` is no limit."""
    takes_notices: bool = True
    """Whether the daemon accepts `message` and `progress`."""
    takes_anything: bool = True
    """Whether the daemon accepts plugins' own topics, subscriptions to unknown topics and replies
    to no pending request; else it kills the plugin for them."""
    orders_hooks: bool = True
    """Whether several plugins may have the same hook and declare their order."""
    disables: bool = True
    """Whether a plugin may disable itself."""
    survives: bool = True
    """Whether the daemon handles the end of a plugin that has a hook or a method."""
    counts_writes: bool = True
    """Whether `db_write` has a `data_version`; else each set is framed as a transaction."""
    blanks_options: bool = False
    """Whether an option without a value is sent as an empty string; else it is absent."""
    has_network_folder: bool = True
    """Whether `<lightning-dir>/<network>` holds the socket and is the plugins' working directory;
    else plugins run in the folder in which the daemon was started."""

    @property
    def is_current(self) -> bool:
        """Whether this is the dialect `current`."""
        return self.name == "current"

    def token(self, caller: bytes | None, method: str, number: int) -> bytes:
        """The JSON text of the id of request `number`, counted from 1.

        It is `"cln:<method>#<n>"`, prefixed with the caller's id and `/` if there is a caller; the
        daemon replaces an id with an escape in it.
        """
        if self.numbers_ids:
            return b"%d" % (number - 1)
        own = json.encode(f"cln:{method}#{number}")
        if caller is None:
            return own
        given = caller.removeprefix(b'"').removesuffix(b'"')
        return b'"%s/%s' % (b"weird-id" if _ODD.search(given) else given, own[1:])

    def notification_params(self, topic: str, payload: bytes) -> bytes:
        """A native notification's params: the payload, wrapped in the topic's name if required."""
        if not self.is_current and topic in _BARE:
            return payload
        return b"{%s:%s}" % (json.encode(topic), payload)


_RELEASE_OF_2020: Final = (0, 10, 0)


def _known_to(release: wire.Release, since: dict[str, wire.Release]) -> tuple[str, ...]:
    """The names that a daemon of this release knows, given the release that added each."""
    return tuple(name for name, first in since.items() if first <= release)


CURRENT: Final = HostDialect(
    "current", HOOKS, NATIVE, tuple(wire.OPTION_TYPES), b'{"allow-deprecated-apis":false}'
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
    frozenset((*_known_to(wire.FOUNDING, wire.TOPICS), "warning")),  # Added in a later build.
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
