"""The load generator's job."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct, field

from clnwire.bench.load.messages import GETMANIFEST, Ask

Mode: TypeAlias = Literal["manifest", "start", "one", "window", "flood", "pour"]


class Job(Struct, frozen=True, kw_only=True):
    """One run of a plugin."""

    mode: Mode
    """`manifest`: only that is asked for; `start`: the plugin is initialised, too; `one` request in
    flight; a `window` of them; a `flood` of notifications with a request behind each window;
    `pour`: notifications alone, until the plugin has come to rest."""
    command: list[str]
    """The plugin and its arguments."""
    folder: str = ""
    """Where it runs; here if empty."""
    getmanifest: str = GETMANIFEST
    early: list[Ask] = field(default_factory=list[Ask])
    """Requests between the manifest and `init`, sent one at a time."""
    init: str = ""
    requests: list[Ask] = field(default_factory=list[Ask])
    """Sent in turn; the first follows the last."""
    notification: str = ""
    """The notification of `flood` and `pour`."""
    expect: str | None = None
    """The result that each reply must have, as JSON; `None` accepts any result, but no error."""
    first: int = 1
    """The number of the first request."""
    count: int = 1_000_000_000
    """The most messages to measure."""
    seconds: float = 0.5
    """The longest time to measure."""
    warm_up: int = 2000
    """The most messages before the measured ones; they take a fifth of `seconds` at most."""
    window: int = 64
    """The number of messages in flight, or in a batch."""
    core: int | None = None
    """The processor that the plugin and the load generator run on; any if `None`."""
    patience: float = 20.0
    """Seconds without output after which the plugin counts as failed."""
