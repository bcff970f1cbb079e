"""How old the daemon is, and what that decides.

A message's own form decides wherever it can: whether a notification is wrapped, how an amount is
spelled, whether `db_write` has a `data_version`, whether an option is there. An answer has the
form that all daemons take, if there is one. What is left is what clnwire sends unasked, at which
an older daemon kills the plugin: `Dialect` says whether the daemon knows it, and nothing else in
clnwire asks for the daemon's age. Its sources are lightningd's releases.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from msgspec import Struct

Release: TypeAlias = "tuple[int, int, int]"

FOUNDING: Final[Release] = (0, 7, 0)
"""The daemons of May 2019, of the protocol's first document, and the first releases after them."""
FIRST_TO_TELL: Final[Release] = (0, 7, 3)
"""From here on `LIGHTNINGD_VERSION` is in the environment."""
FIRST_TO_ASK: Final[Release] = (0, 9, 1)
"""From here on `getmanifest` has `allow-deprecated-apis`; see `LAST_TO_LEAVE_OUT`."""
LAST_TO_LEAVE_OUT: Final[Release] = (0, 10, 0)
"""Up to here `getmanifest` leaves `allow-deprecated-apis` out if it is true."""
STRING_IDS: Final[Release] = (25, 5, 0)
"""From here on the id of `getmanifest` is a string."""
FOLLOWED: Final = "v26.06.6"
"""The release that clnwire's messages, names and rules are taken from."""
NEWEST: Final[Release] = (9999, 0, 0)
"""Stands for the newest release, whatever it is."""
NO_RELEASE: Final[Release] = (10_000, 0, 0)
"""Later than any release: no daemon is of it."""

WITH_DATA_VERSION: Final[Release] = (0, 8, 1)
"""From here on `db_write` has a `data_version`, and wants an object."""
FAILURE_MESSAGES: Final[Release] = (0, 8, 2)
"""From here on `invoice_payment` and `htlc_accepted` read `failure_message`; before, a code."""
_ORDERED_HOOKS: Final[Release] = (0, 9, 2)
_NOTICES: Final[Release] = (0, 9, 2)
"""`message` and `progress`."""
_DISABLE: Final[Release] = (0, 9, 3)
_TOPICS_OF_PLUGINS: Final[Release] = (0, 10, 1)
"""Also: from here on a subscription to a topic that does not exist is only logged."""
_TRACE: Final[Release] = (24, 5, 0)

OPTION_TYPES: Final[dict[str, Release]] = {
    "string": FOUNDING,
    "string-conceal": (24, 11, 0),
    "int": (0, 7, 1),
    "bool": (0, 7, 1),
    "flag": (0, 8, 2),
}
"""Since when a manifest may have an option of the type."""
HOOKS: Final[dict[str, Release]] = {
    "db_write": FOUNDING,
    "invoice_payment": FOUNDING,
    "peer_connected": FOUNDING,
    "htlc_accepted": (0, 7, 1),
    "openchannel": (0, 7, 1),
    "rpc_command": (0, 8, 0),
    "custommsg": (0, 8, 1),
    "commitment_revocation": (0, 9, 0),
    "openchannel2": (0, 9, 1),
    "openchannel2_changed": (0, 9, 1),
    "openchannel2_sign": (0, 9, 1),
    "rbf_channel": (0, 10, 0),
    "onion_message_recv": (22, 11, 0),
    "onion_message_recv_secret": (22, 11, 0),
    "recover": (23, 8, 0),
}
"""The daemon's hooks, and since when it has them."""
TOPICS: Final[dict[str, Release]] = {
    "connect": FOUNDING,
    "disconnect": FOUNDING,
    "warning": (0, 7, 1),
    "channel_opened": (0, 7, 3),
    "forward_event": (0, 7, 3),
    "invoice_payment": (0, 7, 3),
    "sendpay_failure": (0, 7, 3),
    "sendpay_success": (0, 7, 3),
    "coin_movement": (0, 9, 0),
    "invoice_creation": (0, 9, 0),
    "channel_state_changed": (0, 9, 1),
    "openchannel_peer_sigs": (0, 9, 2),
    "channel_open_failed": (0, 9, 3),
}
"""The oldest of the daemon's topics, and since when it has them. Only daemons that ignore unknown
topics take a subscription to another one."""


class Dialect(Struct, frozen=True):
    """What is known of the daemon's release: it is one of these two, or between them."""

    oldest: Release
    newest: Release

    def is_at_least(self, since: Release) -> bool:
        """Whether the daemon is of this release or a later one."""
        return self.oldest >= since

    def takes_type(self, option_type: str) -> bool:
        """Whether the manifest may announce an option of this type."""
        return self.is_at_least(OPTION_TYPES[option_type])

    def may_have_hook(self, name: str) -> bool:
        """Whether a manifest may name the hook. If that is not known it may: a missing hook can
        cost more than a plugin that is refused."""
        return self.newest >= HOOKS.get(name, FOUNDING)

    @property
    def blanks_options(self) -> bool:
        """Whether `init` may have an empty string for an option that was not given."""
        return not self.is_at_least(FIRST_TO_TELL)

    @property
    def orders_hooks(self) -> bool:
        """Whether a hook may be an object, with `before`, `after` and `filters`."""
        return self.is_at_least(_ORDERED_HOOKS)

    def takes_topic(self, topic: str) -> bool:
        """Whether a manifest may subscribe to the topic."""
        return self.is_at_least(TOPICS.get(topic, _TOPICS_OF_PLUGINS))

    @property
    def takes_topics_of_plugins(self) -> bool:
        """Whether a plugin may publish."""
        return self.is_at_least(_TOPICS_OF_PLUGINS)

    @property
    def takes_notices(self) -> bool:
        """Whether a plugin may send `message` and `progress`."""
        return self.is_at_least(_NOTICES)

    @property
    def disables(self) -> bool:
        """Whether a plugin may disable itself."""
        return self.is_at_least(_DISABLE)

    @property
    def has_trace(self) -> bool:
        """Whether the log has the level `trace`."""
        return self.is_at_least(_TRACE)

    def __str__(self) -> str:
        if self.newest >= STRING_IDS:
            return "Core Lightning"
        if self.newest == FOUNDING:
            return "a daemon of 2019"
        release = ".".join(map(str, self.newest))
        return f"v{release}" if self.oldest == self.newest else f"a daemon of v{release} or before"


CURRENT: Final = Dialect(NEWEST, NEWEST)
OF_2019: Final = Dialect(FOUNDING, FOUNDING)


def spoken(
    getmanifest_token: bytes, *, allow_deprecated_apis: bool | None, version: str | None
) -> Dialect:
    """The dialect of a daemon that sent `getmanifest` with this id and this member of its params.

    `version` is what the environment says (`LIGHTNINGD_VERSION`). The message has the last word:
    a plugin inherits the environment of whoever started the daemon.
    """
    oldest, newest = _told(version)
    if getmanifest_token.startswith(b'"'):
        return Dialect(max(oldest, STRING_IDS), newest if newest >= STRING_IDS else NEWEST)
    if allow_deprecated_apis is not None:
        return Dialect(max(oldest, FIRST_TO_ASK), newest if newest >= FIRST_TO_ASK else NEWEST)
    if oldest > LAST_TO_LEAVE_OUT:
        # The environment is another daemon's: this one is too old to set the variable.
        return Dialect(FOUNDING, FOUNDING)
    return Dialect(oldest, min(newest, LAST_TO_LEAVE_OUT))


def _told(version: str | None) -> tuple[Release, Release]:
    """The oldest and the newest release that `version` may mean.

    It need not be a release's name: a build after a release, for instance, has its own.
    """
    if not version:
        return FOUNDING, FOUNDING
    numbers = version.removeprefix("v").split(".")
    if not 2 <= len(numbers) <= 3 or not all(part.isdecimal() for part in numbers):
        return FIRST_TO_TELL, NEWEST
    major, minor, patch = (int(part) for part in (*numbers, "0")[:3])
    return (major, minor, patch), (major, minor, patch)
