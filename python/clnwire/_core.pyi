"""The transport core, in Rust: framing, envelopes, ids, outbox, and the blocking driver.

Tokens, params, results and data are JSON text as `bytes`; nothing here decodes it.
"""

from collections.abc import Callable
from typing import Any, Final, Literal, final

__version__: Final[str]
DEFAULT_MAX_FRAME_BYTES: Final[int]
"""The longest frame accepted unless told otherwise, in bytes."""
DEFAULT_MAX_DEPTH: Final[int]
"""How deep arrays and objects may nest unless told otherwise."""

@final
class MalformedError(ValueError):
    """The peer sent bytes that are not JSON, or beyond a cap. The stream is lost from there on."""

    reason: str
    """What is wrong."""
    offset: int
    """Where, in bytes since the start of the stream."""

@final
class IdError(LookupError):
    """A request cannot be answered: it has been, or there never was one. The caller's mistake."""

@final
class Frame:
    """One whole JSON value and where its JSON-RPC members stand. Of a doubled member the first counts."""

    @property
    def bytes(self) -> bytes:
        """The exact text, without white space around it."""
    @property
    def offset(self) -> int:
        """Where it starts, in bytes since the start of the stream."""
    @property
    def kind(self) -> Literal["request", "notification", "reply", "other"]:
        """What it is for; `"other"` is JSON, but no message of JSON-RPC."""
    @property
    def id(self) -> bytes | None:
        """The id's token: its exact text, quotes included."""
    @property
    def method(self) -> str | None:
        """The method's name, unescaped; `None` if absent or no string."""
    @property
    def params(self) -> bytes | None: ...
    @property
    def result(self) -> bytes | None: ...
    @property
    def error(self) -> bytes | None: ...
    @property
    def origin(self) -> bytes | None:
        """Who sent a custom notification, as JSON text."""

@final
class Framer:
    """Cuts a stream of bytes into frames: feed it, then iterate until it has none.

    An empty feed is the stream's end. Iterating raises `MalformedError` at the first malformed
    byte, after all frames before it.
    """

    def __new__(cls, *, max_frame_bytes: int = ..., max_depth: int = ...) -> Framer: ...
    def feed(self, data: bytes, /) -> None:
        """Takes bytes of the stream; `b""` is its end."""
    def __iter__(self) -> Framer: ...
    def __next__(self) -> Frame: ...
    @property
    def buffered(self) -> int:
        """How many bytes were taken that no frame has been given for."""

@final
class IdMap:
    """Our integer ↔ the peer's id token, verbatim; each is answered exactly once."""

    def __new__(cls) -> IdMap: ...
    def insert(self, token: bytes, /) -> int:
        """Keeps a token and gives the key to it: 1, 2, 3, …; none is used twice."""
    def token(self, key: int, /) -> bytes:
        """The token of a request that waits. Raises `IdError`."""
    def take(self, key: int, /) -> bytes:
        """The token, to answer the request with. Raises `IdError` the second time."""
    def waiting(self) -> list[int]:
        """The keys of the requests that wait, oldest first."""
    def __len__(self) -> int: ...

@final
class Outbox:
    """Messages to bytes, many for one write. What is put in must be JSON text."""

    def __new__(cls) -> Outbox: ...
    def reply(self, token: bytes, result: bytes, /) -> None:
        """Answers a request with a result."""
    def error(self, token: bytes, code: int, message: str, data: bytes | None = None, /) -> None:
        """Answers a request with an error."""
    def request(self, token: bytes, method: str, params: bytes, /) -> None:
        """Calls a method."""
    def notification(self, method: str, params: bytes, /) -> None:
        """Announces something."""
    def take(self) -> bytes:
        """All that waits to be written; the outbox is empty afterwards."""
    def __len__(self) -> int:
        """How many bytes wait."""
