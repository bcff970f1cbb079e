"""The transport core, in Rust: framing, envelopes, ids, outbox, and the driver.

Tokens, params, results and data are JSON text as `bytes`; nothing here decodes it.
"""

import sys
from collections.abc import Callable, Generator, Sequence
from contextvars import ContextVar
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, TypeAlias, final

from typing_extensions import Buffer

_Json: TypeAlias = bytes
_Path: TypeAlias = str | PathLike[str]

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
    "Journal",
    "JournalDamagedError",
    "JournalError",
    "JournalFailedError",
    "JournalFullError",
    "JournalLockedError",
    "JournalRecords",
    "MalformedError",
    "Outbox",
    "PipeError",
    "Route",
    "Stream",
    "Turn",
    "Wire",
    "WritesDecoder",
    "__version__",
    "chain_of",
    "digest_of_file",
    "is_json",
    "mask",
    "measure",
    "members",
    "prune_journal",
    "validate",
]

__version__: Final[str]
DEFAULT_MAX_FRAME_BYTES: Final[int]
"""The default limit of a frame's length, in bytes."""
DEFAULT_MAX_DEPTH: Final[int]
"""The default limit of the nesting of arrays and objects."""

@final
class MalformedError(ValueError):
    """Bytes that are not JSON, or exceed a limit. Only the message that they belong to is lost."""

    reason: str
    """What is wrong."""
    offset: int
    """Where, in bytes from the start of the message; from the start of the stream if that has ended
    inside a message."""
    near: str
    """The text around it, shortened and on one line; may be empty."""
    is_out_of_memory: bool
    """There is no memory for the message; its bytes may be well-formed."""

    def __new__(
        cls, reason: str, offset: int, near: str = ..., is_out_of_memory: bool = ...
    ) -> MalformedError: ...
    def __init__(
        self, reason: str, offset: int, near: str = ..., is_out_of_memory: bool = ...
    ) -> None: ...

@final
class PipeError(OSError):
    """A pipe to or from the daemon has failed, which ends the plugin."""

class IdError(LookupError):
    """A request cannot be answered: it was answered before, or it never existed."""

@final
class Frame:
    """A whole JSON value with the positions of its JSON-RPC members, or a malformed message.

    Of a duplicate member the first counts. A malformed message has the members that could be found,
    with their values unchanged.
    """

    @property
    def bytes(self) -> _Json:
        """The exact text, without white space around it."""
    @property
    def offset(self) -> int:
        """Where it starts, in bytes from the start of the stream."""
    @property
    def kind(self) -> Literal["request", "notification", "reply", "other", "malformed"]:
        """`"other"` is JSON, but not a JSON-RPC message; `"malformed"` is not JSON."""
    @property
    def fault(self) -> MalformedError | None:
        """Why it is not JSON, or which limit it exceeds; `None` for a sound frame."""
    @property
    def is_refused(self) -> bool:
        """Whether it is not JSON and lightningd's parser, which is more lenient, refuses it too."""
    @property
    def id(self) -> _Json | None:
        """The id's token: its exact text, quotes included."""
    @property
    def method(self) -> str | None:
        """The method's name, unescaped; `None` if it is absent or not a string."""
    @property
    def id_span(self) -> tuple[int, int] | None:
        """The start and the end of the id's token in `bytes`."""
    @property
    def jsonrpc(self) -> _Json | None: ...
    @property
    def params(self) -> _Json | None: ...
    @property
    def result(self) -> _Json | None: ...
    @property
    def result_span(self) -> tuple[int, int] | None:
        """The start and the end of the result in `bytes`, to read a large one without a copy."""
    @property
    def error(self) -> _Json | None: ...
    @property
    def origin(self) -> _Json | None:
        """The plugin that sent a custom notification, as JSON text."""

@final
class Framer:
    """Cuts a stream of bytes into frames: feed it, then iterate until it has none.

    An empty feed is the stream's end. A message that is not JSON is a frame with a `fault`.
    Iterating raises `MalformedError` if the stream has ended inside a message.
    """

    def __new__(cls, *, max_frame_bytes: int = ..., max_depth: int = ...) -> Framer: ...
    def feed(self, data: bytes, /) -> None:
        """Takes bytes of the stream; `b""` is its end."""
    def __iter__(self) -> Framer: ...
    def __next__(self) -> Frame: ...
    @property
    def pending_fault(self) -> MalformedError | None:
        """The fault of the message whose end has not come, if known; its offset is the stream's."""
    @property
    def refused(self) -> MalformedError | None:
        """As `pending_fault`, if lightningd's parser refuses that message too, whatever follows."""
    @property
    def buffered(self) -> int:
        """The number of bytes taken that are in no frame returned so far."""

@final
class IdMap:
    """Integer keys for the peer's id tokens, kept verbatim; each request is answered once."""

    def __new__(cls) -> IdMap: ...
    def insert(self, token: bytes, /) -> int:
        """Stores a token and returns its key: 1, 2, 3, …; none is used twice."""
    def token(self, key: int, /) -> bytes:
        """The token of a waiting request. Raises `IdError`."""
    def take(self, key: int, /) -> bytes:
        """Removes and returns the token, to answer the request. Raises `IdError`."""
    def waiting(self) -> list[int]:
        """The keys of the waiting requests, oldest first."""
    def __len__(self) -> int: ...

@final
class Outbox:
    """Encodes messages as bytes, many for one write. The arguments must be JSON text."""

    def __new__(cls) -> Outbox: ...
    def reply(self, token: bytes, result: bytes, /) -> None:
        """Answers a request with a result."""
    def error(self, token: bytes, code: int, message: str, data: bytes | None = None, /) -> None:
        """Answers a request with an error."""
    def request(self, token: bytes, method: str, params: bytes, /) -> None:
        """Calls a method."""
    def notification(self, method: str, params: bytes, /) -> None:
        """Sends a notification."""
    def take(self) -> bytes:
        """Removes and returns the bytes that wait to be written."""
    def __len__(self) -> int:
        """The number of bytes that wait to be written."""

@final
class Stream:
    """A non-blocking connection to a unix socket. To wait for it, poll `fileno()`."""

    def __new__(cls, path: str, /) -> Stream:
        """Raises `OSError`: `BlockingIOError` if the queue at the other end is full."""
    def fileno(self) -> int:
        """-1 once it is closed."""
    def send(self, data: bytes, start: int, /) -> int | None:
        """Sends some of the data from `start` on. Returns how much; `None` if it would block.

        Raises `OSError`.
        """
    def receive(self, framer: Framer, /) -> int | None:
        """Feeds the framer what has come. Returns how much: 0 at the end, `None` if nothing came.

        Raises `OSError`.
        """
    def hang_up(self) -> None:
        """Ends the connection; a poll of `fileno()` returns. Thread-safe."""
    def close(self) -> None:
        """Closes the descriptor. No thread may be polling it."""

def mask(message: bytes, names: Sequence[str], /) -> tuple[bytes, tuple[str, ...]]:
    """The message with the values of all members with these names masked, and the names found.

    A masked value keeps its type and length: hexadecimal strings become zeros, other strings
    asterisks, and the digits of numbers zeros. Each value in a masked array or object is masked by
    itself. Names are compared without their escapes; the message need not be JSON.
    """

def members(object: bytes, /) -> list[tuple[str, bytes]]:
    """The members of a JSON object in order, each with its value's exact text.

    A value that is not JSON but ends where a scalar would (`0x10`) is returned unchanged. Raises
    `MalformedError`.
    """

def is_json(value: object, /) -> bool:
    """Whether a value consists of JSON's types only: text, finite numbers, booleans, `None`, and
    lists, tuples, dicts and Structs of these, but no subclasses. It must not contain itself."""

def validate(value: bytes, /) -> None:
    """Checks that the bytes are exactly one JSON value. Raises `MalformedError`."""

@final
class WritesDecoder:
    """Decodes the params of `db_write`; their usual form faster than msgspec.

    The params must be JSON that a framer has accepted. `event` is called with the writes and the
    version; `otherwise` decodes params of any other form.
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
        """
        `constant`: an answer, compared by identity, and its bytes.
        `translate`: the prefix of params for which answers stay unchanged, and a function from an
        encoded answer and other params to the answer for these.
        `last_resort`: the result to send if `recover` fails too.
        `spawn`: starts a job in a thread or in a task, which it returns and the driver keeps;
        without it the handler is called directly.
        """
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
        """The number of its job; 0 if its handler was called directly."""
    @property
    def origin(self) -> _Json | None:
        """The plugin that a notification comes from."""

@final
class Job:
    """A message for a handler that runs in a task or a thread.

    It answers the daemon whatever the handler does, so its task never fails.
    """

    def run(self) -> None:
        """Handles the message on this thread; does nothing if the job was given up before."""
    # The methods of a coroutine, for a task.
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

    Takes the process's stdin and stdout: descriptor 0 becomes `/dev/null`, and what is written to
    descriptor 1 becomes lines of the daemon's log. With `pipes` it leaves both alone.
    """

    def __new__(
        cls, variable: ContextVar[CurrentMessage | None], /, pipes: tuple[int, int] | None = None
    ) -> Driver:
        """`variable` is set to the message that a task or thread handles. `pipes`: the descriptors
        for reading and writing, of a daemon in the same process. The caller closes them, and the
        watchdog does not end the process. Raises `OSError`."""
    @property
    def wakeup_write_fd(self) -> int:
        """For `signal.set_wakeup_fd`: a signal ends the wait for input at once."""
    @property
    def serial(self) -> int:
        """The number of this driver, unique in the process."""
    @property
    def current(self) -> CurrentMessage | None:
        """The message that the calling thread handles, if it is in `serve`."""
    def on_request(self, route: Route, /) -> None: ...
    def on_notification(self, topic: str | None, route: Route, /) -> None:
        """Subscribes to the topic; to all topics if it is `None`."""
    def forget_routes(self) -> None:
        """Removes all handlers."""
    def on_unhandled(self, callback: Callable[[str], object], /) -> None:
        """`callback` gets the name of a method or topic without a handler; requests are refused."""
    def set_initialised(self) -> None:
        """`init` is handled. Before that, `init` is handled even if it is not valid JSON."""
    def prepare(
        self,
        *,
        max_frame_bytes: int,
        max_depth: int,
        patience: float,
        grace: float,
        max_in_flight: int,
    ) -> None:
        """To be called before `serve` or `attach`.

        A handler that runs for `patience` seconds is named in the log. If the process has not ended
        `grace` seconds after the end began, it exits with status 1. While `max_in_flight` messages
        are in tasks and threads, no more are read.
        """
    def serve(
        self, ending: Callable[[], object], keep: Callable[[], object] | None = None, /
    ) -> None:
        """Serves until the daemon hangs up or `stop` is called, and the threads have finished.

        `ending` is called when no more is read, before the threads are awaited. In a process with
        asyncio, `keep` is called after handlers and before the next read: one of them may have run
        an event loop, which resets the wakeup descriptor when it closes.

        Raises `MalformedError`, `PipeError`, and `SystemExit` or `KeyboardInterrupt` if a handler
        does; all requests before that are answered.
        """
    def attach(self, soon: Callable[[], object], run_soon: Callable[[Job], object], /) -> None:
        """Serves in this thread's event loop. `soon` schedules a call of `turn`, and `run_soon` one
        of a job's `run`, both after the calls that are scheduled already. Calls on this thread then
        do not wait for the daemon."""
    def detach(self) -> None:
        """The event loop has ended. Raises the error given to `fail`."""
    def turn(self, readable: bool, /) -> Turn:
        """Reads if `readable`, handles the messages, and writes what the daemon takes. Returns what
        the event loop is to do. Raises as `serve` does."""
    def begin_end(self) -> None:
        """Turns read nothing from now on, and wait for the jobs."""
    def drain_wakeup(self) -> None:
        """Empties the pipe of `wakeup_read_fd`."""
    @property
    def wakeup_read_fd(self) -> int:
        """Readable when a signal has come, or another thread needs the event loop."""
    @property
    def input_fd(self) -> int: ...
    @property
    def output_fd(self) -> int: ...
    @property
    def has_unwritten(self) -> bool:
        """Whether the last turn could not write everything."""
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
        """Changes with each read and handler; `None` in a handler or inside a message."""
    @property
    def in_flight(self) -> int:
        """The number of messages that tasks and threads handle, or that wait for them."""
    def begin_call(self, number: int, /) -> None:
        """The job of this number waits for a command of the daemon, so it does not count against
        `max_in_flight`. Without such a job this does nothing."""
    def end_call(self, number: int, /) -> None:
        """The job of this number has the command's reply."""
    def is_answered(self, key: int, /) -> bool:
        """Whether the request of this key is answered."""
    def tasks(self) -> list[Any]:
        """The results of `spawn` for the messages that are being handled."""
    def fail(self, error: BaseException, /) -> None:
        """Ends the plugin as `stop` does; `serve` or `detach` will raise the error."""
    def stop(self) -> None:
        """Ends the plugin: lets the running handler finish, and starts no other."""
    def disown(self) -> None:
        """To be called in a fork of the plugin, which must not talk to the daemon."""
    @property
    def is_disowned(self) -> bool: ...
    def token(self, key: int, /) -> bytes:
        """The token of a waiting request. Raises `IdError`."""
    def notify(self, method: str, params: bytes, /) -> None:
        """Sends a notification at once. Thread-safe."""
    def log(self, level: str, message: str, /) -> None:
        """Sends a log line at once. Thread-safe."""
    def flush(self) -> None:
        """Writes all pending messages. Thread-safe."""
    def close(self, patience: float, /) -> None:
        """Sends later output to stderr, waits up to `patience` seconds for the last stray output,
        writes everything, and drops the handlers."""

if sys.platform == "linux":
    def measure(job: bytes, /) -> bytes:
        """Plays the daemon to a plugin. A job and its outcome are JSON: see `clnwire.bench.load`.

        Pins the thread to the job's processor for good, so call it in a process of its own.
        """

@final
class Wire:
    """The daemon's pipes, as whole messages, for a plugin that dispatches them itself.

    It may answer late or never. One thread reads; all threads may write.
    """

    def __new__(cls, pipes: tuple[int, int] | None = None, /) -> Wire:
        """Takes the process's stdout: what is written to file descriptor 1 becomes lines of the
        daemon's log, and file descriptor 0 stays the daemon's. With `pipes`, the descriptors to
        read from and to write to, which stay the caller's to close, both are left alone. Raises
        `OSError`."""
    def feed(self, data: bytes, /) -> None:
        """Takes bytes that were read from the daemon before. Raises `RuntimeError` if another
        thread reads."""
    def read(self) -> Frame | None:
        """The next message, `None` at the end of the input. Signal handlers run meanwhile.

        Raises `MalformedError` if the input ends inside a message, `OSError`, `RuntimeError` if
        another thread reads, and what signal handlers raise."""
    def write(self, message: bytes, /) -> None:
        """Writes a message, with what separates it from the next one. Raises `OSError`."""
    @property
    def input_fd(self) -> int: ...
    @property
    def output_fd(self) -> int: ...
    def close(self, patience: float, /) -> None:
        """Gives stdout back, as a duplicate of stderr, and waits up to `patience` seconds for the
        last of the stray output to be logged. Raises `OSError`."""

class JournalError(Exception):
    """A journal cannot be written or read. The message says what to do."""

class JournalDamagedError(JournalError):
    """A file of the journal is not as it was written."""

    path: Path
    """The file."""
    offset: int
    """The byte at which the damaged record or header begins."""
    what: str
    """What is wrong there."""

class JournalLockedError(JournalError):
    """Another process, or another `Journal` of this one, writes the journal."""

class JournalFullError(JournalError):
    """There is no room for the record. Nothing is written; appending may succeed later."""

class JournalFailedError(JournalError):
    """A sync has failed, so what is on the disk is unknown. This `Journal` writes nothing more."""

@final
class Journal:
    """An append-only journal of sets of writes, open for its one writer.

    Its calls release Python's lock, and may come from several threads. After `close` they raise
    `JournalError`.
    """

    @staticmethod
    def create(
        directory: _Path,
        *,
        sequence: int,
        chain: bytes,
        segment_bytes: int = ...,
        durability: str = "power-loss",
    ) -> Journal:
        """Begins a journal after the set `sequence`, whose chain is `chain`.

        Makes the directory if it is not there. Segments grow to `segment_bytes`. A record survives,
        once `append` has returned, a power failure, or only the end of the process
        (`process-crash`). Raises `FileExistsError` if there is a journal, `JournalLockedError`,
        `JournalFullError`, `OSError`, and `ValueError` if the chain does not have 32 bytes."""
    @staticmethod
    def open(
        directory: _Path, *, segment_bytes: int = ..., durability: str = "power-loss"
    ) -> Journal:
        """Opens a journal, and removes a torn record at its end, which was never acknowledged.

        Reads the last segment and the headers of the others. Raises `FileNotFoundError` if there
        is no journal, `JournalDamagedError`, `JournalLockedError` and `OSError`."""
    @property
    def sequence(self) -> int:
        """The last set."""
    @property
    def chain(self) -> bytes:
        """The chain after the last set."""
    @property
    def previous_chain(self) -> bytes | None:
        """The chain before the last set; `None` if the journal has no set yet."""
    @property
    def torn(self) -> tuple[Path, int, int] | None:
        """The segment, offset and length of what `open` has removed."""
    @property
    def room(self) -> int:
        """The bytes that are left in the present segment."""
    @property
    def size(self) -> int:
        """The bytes of all segments up to the last record. Raises `OSError`."""
    @property
    def reserve_missing(self) -> str | None:
        """Why the next segment could not be prepared: usually a full disk. Once there is no `room`
        left, `append` raises `JournalFullError`. Tries again, at most once a second."""
    def append(self, sequence: int, epoch: int, foreign_keys: bool, payload: Buffer, /) -> bytes:
        """Appends a set, and returns the chain after it. The record is durable on return.

        A set with the sequence of the last one replaces it. Raises `JournalFullError`,
        `JournalFailedError`, `OSError`, and `ValueError` if the sequence neither continues nor
        replaces the last one, or the payload contains a zero byte, which JSON text does not. After
        any error but `JournalFailedError` the journal is as it was before."""
    def close(self) -> None:
        """Closes the files and releases the lock. May be called twice."""

@final
class JournalRecords:
    """The sets of a journal in order: sequence, epoch, `foreign_keys`, payload, chain."""

    def __new__(
        cls, directory: _Path, after: int, until: int | None = None, /
    ) -> JournalRecords: ...
    def __iter__(self) -> JournalRecords: ...
    def __next__(self) -> tuple[int, int, bool, bytes, bytes]: ...

def chain_of(previous: bytes, sequence: int, foreign_keys: bool, payload: Buffer, /) -> bytes:
    """The chain after a set: BLAKE3 of the payload, the chain before and the sequence. Raises
    `ValueError` if the chain before does not have 32 bytes."""

def digest_of_file(path: _Path, /) -> bytes:
    """BLAKE3 of a file. Raises `OSError`."""

def prune_journal(directory: _Path, before: int, /) -> int:
    """Removes the segments that hold only sets before `before`, and returns how many."""
