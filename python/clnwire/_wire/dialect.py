"""The daemon's release, and what clnwire may send to it.

Messages from the daemon are read by their own form where possible: whether a notification is
wrapped, how an amount is spelled, whether `db_write` has a `data_version`, whether an option is
present. Answers have a form that every release accepts, if there is one. For everything else an
older daemon may kill the plugin, so `Dialect` says what the daemon accepts; no other module
compares releases. Source: lightningd's releases.
"""

from typing import Final, TypeAlias

from msgspec import Struct

Release: TypeAlias = "tuple[int, int, int]"

FOUNDING: Final[Release] = (0, 7, 0)
"""The oldest daemons supported: those of May 2019, when the plugin protocol was first documented.
A daemon that does not tell its release is taken for one of them."""
FIRST_TO_TELL: Final[Release] = (0, 7, 3)
"""The first release that sets `LIGHTNINGD_VERSION` in a plugin's environment."""
FIRST_TO_ASK: Final[Release] = (0, 9, 1)
"""The first release whose `getmanifest` has `allow-deprecated-apis`; see `LAST_TO_LEAVE_OUT`."""
LAST_TO_LEAVE_OUT: Final[Release] = (0, 10, 0)
"""The last release whose `getmanifest` leaves `allow-deprecated-apis` out if it is true."""
STRING_IDS: Final[Release] = (25, 5, 0)
"""The first release whose `getmanifest` has a string as its id."""
FOLLOWED: Final = "v26.06.6"
"""The release whose sources define clnwire's messages, names and rules."""
NEWEST: Final[Release] = (9999, 0, 0)
"""Stands for the newest release."""
NO_RELEASE: Final[Release] = (10_000, 0, 0)
"""Later than any release: `is_at_least(NO_RELEASE)` is always false."""

WITH_DATA_VERSION: Final[Release] = (0, 8, 1)
"""The first release whose `db_write` has a `data_version` and expects an object as answer."""
FAILURE_MESSAGES: Final[Release] = (0, 8, 2)
"""The first release that reads `failure_message` in answers to `invoice_payment` and
`htlc_accepted`; earlier ones read `failure_code`."""
_TOPICS_OF_PLUGINS: Final[Release] = (0, 10, 1)
"""The first release that accepts custom topics and subscriptions to unknown topics."""

OPTION_TYPES: Final[dict[str, Release]] = {
    "string": FOUNDING,
    "string-conceal": (24, 11, 0),
    "int": (0, 7, 1),
    "bool": (0, 7, 1),
    "flag": (0, 8, 2),
}
"""Option type → the first release that accepts it in a manifest."""
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
"""Hook → the first release that has it."""
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
"""Topic → the first release that has it. Other topics need a release that ignores subscriptions to
unknown ones (`_TOPICS_OF_PLUGINS`)."""


class Dialect(Struct, frozen=True):
    """The range of releases, ends included, that the daemon may be of."""

    oldest: Release
    newest: Release

    def is_at_least(self, since: Release) -> bool:
        """Whether the daemon is certainly of this release or a later one."""
        return self.oldest >= since

    def takes_type(self, option_type: str) -> bool:
        """Whether the manifest may announce an option of this type."""
        return self.is_at_least(OPTION_TYPES[option_type])

    def may_have_hook(self, name: str) -> bool:
        """Whether a manifest may name the hook. True if the release is uncertain: leaving a hook
        out can lose money, whereas a daemon that does not know it refuses the plugin visibly."""
        return self.newest >= HOOKS.get(name, FOUNDING)

    @property
    def blanks_options(self) -> bool:
        """Whether `init` may have an empty string as the value of an option that is not set."""
        return not self.is_at_least(FIRST_TO_TELL)

    @property
    def orders_hooks(self) -> bool:
        """Whether a hook in the manifest may be an object with `before`, `after` and `filters`."""
        return self.is_at_least((0, 9, 2))

    def takes_topic(self, topic: str) -> bool:
        """Whether a manifest may subscribe to the topic."""
        return self.is_at_least(TOPICS.get(topic, _TOPICS_OF_PLUGINS))

    @property
    def takes_topics_of_plugins(self) -> bool:
        """Whether a plugin may announce custom topics and publish to them."""
        return self.is_at_least(_TOPICS_OF_PLUGINS)

    @property
    def takes_notices(self) -> bool:
        """Whether a plugin may send `message` and `progress`."""
        return self.is_at_least((0, 9, 2))

    @property
    def disables(self) -> bool:
        """Whether a plugin may disable itself."""
        return self.is_at_least((0, 9, 3))

    @property
    def has_trace(self) -> bool:
        """Whether the log has the level `trace`."""
        return self.is_at_least((24, 5, 0))

    def __str__(self) -> str:
        if self.newest >= STRING_IDS:
            return "Core Lightning"
        if self.newest == FOUNDING:
            return "a daemon of 2019"
        release = ".".join(map(str, self.newest))
        return f"v{release}" if self.oldest == self.newest else f"a daemon of v{release} or before"


CURRENT: Final = Dialect(NEWEST, NEWEST)
OF_2019: Final = Dialect(FOUNDING, FOUNDING)


def detect_dialect(
    getmanifest_token: bytes, *, allow_deprecated_apis: bool | None, version: str | None
) -> Dialect:
    """The dialect of the daemon that sent a `getmanifest`.

    `getmanifest_token` is the text of the request's id; `allow_deprecated_apis` is that member of
    its params, or `None`. `version` is `LIGHTNINGD_VERSION`. Where they contradict each other, the
    message decides: the variable may be inherited from another daemon.
    """
    oldest, newest = _release_range(version)
    if getmanifest_token.startswith(b'"'):
        return Dialect(max(oldest, STRING_IDS), newest if newest >= STRING_IDS else NEWEST)
    if allow_deprecated_apis is not None:
        return Dialect(max(oldest, FIRST_TO_ASK), newest if newest >= FIRST_TO_ASK else NEWEST)
    if oldest > LAST_TO_LEAVE_OUT:
        # `version` is inherited from another daemon, so this one is too old to set the variable.
        return Dialect(FOUNDING, FOUNDING)
    return Dialect(oldest, min(newest, LAST_TO_LEAVE_OUT))


def _release_range(version: str | None) -> tuple[Release, Release]:
    """The oldest and the newest release that `version` may stand for.

    A version that is not a release's name (e.g. of a build between releases) gives the whole range
    of releases that set the variable.
    """
    if not version:
        return FOUNDING, FOUNDING
    numbers = version.removeprefix("v").split(".")
    if not 2 <= len(numbers) <= 3 or not all(part.isdecimal() for part in numbers):
        return FIRST_TO_TELL, NEWEST
    major, minor, patch = (int(part) for part in (*numbers, "0")[:3])
    return (major, minor, patch), (major, minor, patch)
