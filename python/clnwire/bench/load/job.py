"""What is to be measured."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct, field

from clnwire.bench.load.messages import GETMANIFEST, Ask

Mode: TypeAlias = Literal["manifest", "start", "one", "window", "flood", "pour"]


class Job(Struct, frozen=True, kw_only=True):
    """One life of a plugin."""

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
    """What comes between the manifest and `init`, one by one."""
    init: str = ""
    requests: list[Ask] = field(default_factory=list[Ask])
    """Sent in turn, from the first again behind the last."""
    notification: str = ""
    """That of `flood` and `pour`."""
    expect: str | None = None
    """The result, as JSON, that each reply must have; without it any will do, but no error."""
    first: int = 1
    """The number of the first request."""
    count: int = 1_000_000_000
    """How many messages are measured, at most."""
    seconds: float = 0.5
    """For how long is measured, at most."""
    warm_up: int = 2000
    """How many messages come before the measured ones, at most; a fifth of the seconds, at most."""
    window: int = 64
    """How many are in flight, or in a batch."""
    core: int | None = None
    """The processor that the plugin and the load generator run on; any if `None`."""
    patience: float = 20.0
    """After how many seconds of silence the plugin is given up."""
