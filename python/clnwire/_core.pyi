"""The transport core, in Rust: framing, envelopes, ids, outbox, and the driver.

Tokens, params, results and data are JSON text as `bytes`; nothing here decodes it.
"""

import sys
from collections.abc import Callable, Generator, Sequence
from contextvars import ContextVar
from typing import Any, ClassVar, Final, Literal, TypeAlias, final

_Json: TypeAlias = bytes

__all__ = [
    "DEFAULT_MAX_DEPTH",
    "DEFAULT_MAX_FRAME_BYTES",
    "CurrentMessage",
    "Driver",
    "Frame",
    "Framer",
    "IdError",
    "IdMap",
    "Job",
    "MalformedError",
    "Outbox",
    "Route",
    "Stream",
    "Turn",
    "WritesDecoder",
    "__version__",
    "is_json",
    "mask",
    "measure",
    "members",
    "validate",
]

__version__: Final[str]
DEFAULT_MAX_FRAME_BYTES: Final[int]
"""The longest frame accepted unless told otherwise, in bytes."""
DEFAULT_MAX_DEPTH: Final[int]
"""How deep arrays and objects may nest unless told otherwise."""

@final
class MalformedError(ValueError):
    """Bytes that are not JSON, or beyond a cap. Only the message that they belong to is lost."""

    reason: str
    """What is wrong."""
    offset: int
    """Where, in bytes since the start of the message; since the start of the stream if it has ended
    inside a message."""
    near: str
    """The text around it, shortened and on one line; may be empty."""
    is_out_of_memory: bool
    """There is no memory to hold the message, whose bytes may be all right."""

    def __new__(
        cls, reason: str, offset: int, near: str = ..., is_out_of_memory: bool = ...
    ) -> MalformedError: ...
    def __init__(
        self, reason: str, offset: int, near: str = ..., is_out_of_memory: bool = ...
    ) -> None: ...

@final
class IdError(LookupError):
    """A request cannot be answered: it has been, or there never was one. The caller's mistake."""

@final
class Frame:
    """One whole JSON value, and where its JSON-RPC members stand; or a message that is no JSON.

    Of a doubled member the first counts. Of a message that is no JSON there are those members that
    could be found, as they are spelled.
    """

    @property
    def bytes(self) -> _Json:
        """The exact text, without white space around it."""
    @property
    def offset(self) -> int:
        """Where it starts, in bytes since the start of the stream."""
    @property
    def kind(self) -> Literal["request", "notification", "reply", "other", "malformed"]:
        """What it is for; `"other"` is JSON, but no message of JSON-RPC, `"malformed"` no JSON."""
    @property
    def fault(self) -> MalformedError | None:
        """Why it is no JSON, or which limit it exceeds."""
    @property
    def is_refused(self) -> bool:
        """It is no JSON, and lightningd's own parser, which takes much of that, refuses it too."""
    @property
    def id(self) -> _Json | None:
        """The id's token: its exact text, quotes included."""
    @property
    def method(self) -> str | None:
        """The method's name, unescaped; `None` if absent or no string."""
    @property
    def id_span(self) -> tuple[int, int] | None:
        """Where the id's token stands in `bytes`: its start and its end."""
    @property
    def jsonrpc(self) -> _Json | None: ...
    @property
    def params(self) -> _Json | None: ...
    @property
    def result(self) -> _Json | None: ...
    @property
    def result_span(self) -> tuple[int, int] | None:
        """Where the result stands in `bytes`: to look at a large one without a copy."""
    @property
    def error(self) -> _Json | None: ...
    @property
    def origin(self) -> _Json | None:
        """Who sent a custom notification, as JSON text."""

@final
class Framer:
    """Cuts a stream of bytes into frames: feed it, then iterate until it has none.

    An empty feed is the stream's end. A message that is no JSON is a frame with a
    `fault`. Iterating raises `MalformedError` if the stream has ended inside a message.
    """

    def __new__(cls, *, max_frame_bytes: int = ..., max_depth: int = ...) -> Framer: ...
    def feed(self, data: bytes, /) -> None:
        """Takes bytes of the stream; `b""` is its end."""
    def __iter__(self) -> Framer: ...
    def __next__(self) -> Frame: ...
    @property
    def pending_fault(self) -> MalformedError | None:
        """What is wrong with a message whose end has not come; the offset is the stream's."""
    @property
    def refused(self) -> MalformedError | None:
        """The same, of a message that lightningd's own parser refuses too, however it goes on."""
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

@final
class Stream:
    """A connection to a unix socket. Nothing waits: who must wait does so on `fileno()`."""

    def __new__(cls, path: str, /) -> Stream:
        """Raises `OSError`: `BlockingIOError` if the queue at the other end is full."""
    def fileno(self) -> int:
        """-1 once it is closed."""
    def send(self, data: bytes, start: int, /) -> int | None:
        """Sends some of the data from `start` on: how much, or `None` if it would have to wait.

        Raises `OSError`.
        """
    def receive(self, framer: Framer, /) -> int | None:
        """Feeds the framer what has come: how much, 0 at the end, or `None` if nothing is there.

        Raises `OSError`.
        """
    def hang_up(self) -> None:
        """Ends the connection, from any thread; who waits on `fileno()` wakes up."""
    def close(self) -> None:
        """Gives the descriptor back; nobody may be waiting on it."""

def mask(message: bytes, names: Sequence[str], /) -> tuple[bytes, tuple[str, ...]]:
    """The message with the values of the members of these names masked, and the names that were
    met. Names are compared as the text they stand for; the message need not be JSON."""

def members(object: bytes, /) -> list[tuple[str, bytes]]:
    """The members of a JSON object, each with its value's exact text, in their order.

    A value that is no JSON but ends where a scalar would (`0x10`) is passed on as it is. Raises
    `MalformedError`.
    """

def is_json(value: object, /) -> bool:
    """Whether a value is made of nothing but what JSON has, of exact types: text, finite numbers,
    booleans, `None`, lists, tuples, and dicts and Structs of such. It must not contain itself."""

def validate(value: bytes, /) -> None:
    """Checks that the bytes are exactly one JSON value. Raises `MalformedError`."""

@final
class WritesDecoder:
    """Decodes the params of `db_write`, in their usual form quicker than msgspec does.

    They must be JSON: what a framer has let through. `event` takes the writes and the version;
    `otherwise` decodes whatever has another form.
    """

    def __new__(
        cls, event: Callable[[list[str], int], Any], otherwise: Callable[[bytes], Any], /
    ) -> WritesDecoder: ...
    def __call__(self, params: bytes, /) -> Any: ...

@final
class Route:
    """A bound handler, built once at registration."""

    def __new__(
        cls,
        name: str,
        *,
        call: Callable[[Any], object],
        recover: Callable[[BaseException, bytes], bytes | tuple[int, str, bytes | None]],
        decode: Callable[[bytes], object] | None = None,
        encode: Callable[[Any], bytes | None] | None = None,
        constant: tuple[object, bytes] | None = None,
        translate: tuple[bytes, Callable[[bytes, bytes], bytes]] | None = None,
        last_resort: bytes | None = None,
        spawn: Callable[[Job], object] | None = None,
    ) -> Route:
        """`constant`: an answer, compared by identity, and its bytes. `translate`: how the params
        of a daemon begin that takes the answer as it is, and a function of an encoded answer and
        other params that gives the answer they want. `last_resort`: the result to give if even
        `recover` fails. `spawn`: starts a job in a task (which it returns, and
        which is kept) or in a thread; without it the handler is called directly."""
    @property
    def name(self) -> str: ...

@final
class CurrentMessage:
    """The message that is being handled."""

    @property
    def driver(self) -> int:
        """The serial number of the driver that read it."""
    @property
    def key(self) -> int | None:
        """A request's key; `None` for a notification."""
    @property
    def token(self) -> _Json | None:
        """A request's id."""
    @property
    def method(self) -> str:
        """The method, hook or topic."""
    @property
    def number(self) -> int:
        """The number of its job; 0 if it is handled at once."""
    @property
    def origin(self) -> _Json | None:
        """The plugin that a notification comes from."""

@final
class Job:
    """A message for a handler that runs in a task or a thread. When that ends the daemon has its
    answer, whatever happened; so a task of it never fails."""

    def run(self) -> None:
        """Handles the message to the end, on this thread; nothing if it was given up before."""
    # What a task does with a coroutine.
    def send(self, value: None, /) -> object: ...
    def throw(self, *error: Any) -> object: ...
    def close(self) -> None: ...
    def __await__(self) -> Generator[Any]: ...
    def __iter__(self) -> Generator[Any]: ...
    def __next__(self) -> object: ...
    @property
    def __name__(self) -> str: ...
    @property
    def __qualname__(self) -> str: ...

@final
class Turn:
    """What the event loop is to do after a turn: read on, pause reading, or end."""

    OPEN: ClassVar[Turn]
    FULL: ClassVar[Turn]
    ENDED: ClassVar[Turn]
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class Driver:
    """Serves the daemon: on the thread that calls `serve`, or in an event loop that calls `turn`.

    Takes the process's stdin and stdout for itself: file descriptor 0 becomes an empty file, and
    what is written to file descriptor 1 becomes lines of the daemon's log. With `pipes` it leaves
    both alone.
    """

    def __new__(
        cls, variable: ContextVar[CurrentMessage | None], /, pipes: tuple[int, int] | None = None
    ) -> Driver:
        """`variable` is set to what a task or thread handles. `pipes`: descriptors to read from
        and to write to, of a daemon in the same process; they stay the caller's to close, and the
        watchdog does not end the process. Raises `OSError`."""
    @property
    def wakeup_write_fd(self) -> int:
        """For `signal.set_wakeup_fd`: a signal ends the wait for input at once."""
    @property
    def serial(self) -> int:
        """The number of this driver: no other one in the process has it."""
    @property
    def current(self) -> CurrentMessage | None:
        """What the calling thread handles, if it is the one that calls `serve`."""
    def on_request(self, route: Route, /) -> None: ...
    def on_notification(self, topic: str | None, route: Route, /) -> None:
        """Without a topic: subscribed to all."""
    def forget_routes(self) -> None:
        """From now on there is no handler any more, until others are registered."""
    def on_unhandled(self, callback: Callable[[str], object], /) -> None:
        """Is told the name of a method or topic without a handler; the request is refused."""
    def set_initialised(self) -> None:
        """From now on bytes that are no JSON end the stream; until `init` an option may be."""
    def prepare(
        self,
        *,
        max_frame_bytes: int,
        max_depth: int,
        patience: float,
        grace: float,
        max_in_flight: int,
    ) -> None:
        """Comes before `serve` or `attach`.

        A handler that runs for `patience` seconds is named in the log. The process is ended, with
        status 1, if it is still there `grace` seconds after it has begun to end. With
        `max_in_flight` messages in tasks and threads, no more are taken in.
        """
    def serve(self, keep: Callable[[], object] | None = None, /) -> None:
        """Serves until the daemon goes away, or `stop` is called, and threads have finished.

        In a process with asyncio, `keep` is called after handlers and before the next read: one of
        them may have run an event loop, which resets the wakeup descriptor when it closes.

        Raises `MalformedError`, and `SystemExit` or `KeyboardInterrupt` if a handler does; all
        requests before that are answered.
        """
    def attach(self, soon: Callable[[], object], run_soon: Callable[[Job], object], /) -> None:
        """This thread's event loop serves from now on: `soon` makes it call `turn` soon, `run_soon`
        a job's `run`, each after what else it was made to call. Nothing
        that is called on this thread waits for the daemon any more."""
    def detach(self) -> None:
        """The event loop is over. Raises what `fail` was given."""
    def turn(self, readable: bool, /) -> Turn:
        """Reads if `readable` says that there is something, handles what has come, writes what the
        daemon takes. Returns what the event loop is to do. Raises as `serve` does."""
    def begin_end(self) -> None:
        """From now on turns only write."""
    def drain_wakeup(self) -> None:
        """Empties the pipe of `wakeup_read_fd`."""
    @property
    def wakeup_read_fd(self) -> int:
        """Readable when a signal came, or another thread has something for the event loop."""
    @property
    def input_fd(self) -> int: ...
    @property
    def output_fd(self) -> int: ...
    @property
    def has_unwritten(self) -> bool:
        """Whether the last turn could not write all."""
    @property
    def is_stopping(self) -> bool: ...
    @property
    def owns_process(self) -> bool:
        """Whether stdin and stdout are the daemon's."""
    @property
    def is_hung_up(self) -> bool:
        """Whether the daemon has closed its end."""
    @property
    def idle_mark(self) -> int | None:
        """Changes with all that comes in; `None` in a handler or in the middle of a message."""
    @property
    def in_flight(self) -> int:
        """How many messages are with tasks and threads, or wait for them."""
    def begin_call(self, number: int, /) -> None:
        """The job of this number waits for one of the daemon's commands: it does not count against
        `max_in_flight`. Without such a job it does nothing."""
    def end_call(self, number: int, /) -> None:
        """It waits no more."""
    def is_answered(self, key: int, /) -> bool:
        """Whether the request has its answer."""
    def tasks(self) -> list[Any]:
        """What `spawn` returned for the messages that are being handled."""
    def fail(self, error: BaseException, /) -> None:
        """Ends the plugin as `stop` does; `serve` or `detach` will raise the error."""
    def stop(self) -> None:
        """Lets the handler that runs finish, and starts no other."""
    def disown(self) -> None:
        """This process is a fork of the plugin: it has nothing to say to the daemon."""
    @property
    def is_disowned(self) -> bool: ...
    def token(self, key: int, /) -> bytes:
        """The token of a request that waits. Raises `IdError`."""
    def notify(self, method: str, params: bytes, /) -> None:
        """Sends a notification now, from any thread."""
    def log(self, level: str, message: str, /) -> None:
        """Sends a log line now, from any thread."""
    def flush(self) -> None:
        """Writes all that waits, from any thread."""
    def close(self, patience: float, /) -> None:
        """Sends later output to stderr, waits `patience` seconds for the last
        stray lines, writes all, and forgets the handlers."""

if sys.platform == "linux":
    def measure(job: bytes, /) -> bytes:
        """Plays the daemon to a plugin. A job and its outcome are JSON: see `clnwire.bench.load`.

        Pins the thread to the job's processor: it is made for a process of its own.
        """
