"""The exceptions of clnwire.

`MalformedError` (input is not JSON) and `IdError` (a request was answered twice) are defined in the
Rust core and exported here as well.
"""

from typing import Any

from clnwire._core import IdError, MalformedError

__all__ = [
    "CallTimeoutError",
    "ClnwireError",
    "ConnectionLostError",
    "DeadlockError",
    "IdError",
    "InvalidAnswerError",
    "MalformedError",
    "NotReadyError",
    "OptionError",
    "ReplyError",
    "RpcError",
    "UsageError",
]


def sendable(value: object) -> str:
    """`str(value)` as text that UTF-8 can encode. Never raises, even if `__str__` does.

    Lone surrogates, such as `os.fsdecode` puts into file names, become escapes: `\\udcff`.
    """
    try:
        return str(value).encode("utf-8", "backslashreplace").decode()
    except BaseException as failure:  # Not even `SystemExit` in a `__str__` may end the process.
        return f"<{type(value).__name__}, whose text fails with {type(failure).__name__}>"


def describe_error(error: BaseException) -> str:
    """An exception's type and text (for clnwire's own exceptions the text alone). Never raises."""
    text = sendable(error)
    if isinstance(error, RuntimeError) and "different event loop" in text:
        text += (
            "; an earlier run has used it: create it in on_init, or let a function make the plugin "
            "and what it keeps (docs/testing.md)"
        )
    return text if isinstance(error, ClnwireError) else f"{type(error).__name__}: {text}"


class ClnwireError(Exception):
    """Base class of the exceptions that clnwire's Python code defines."""

    def __reduce__(self) -> tuple[Any, ...]:
        # A process of a pool sends it by pickle, which would call `__init__` with the text alone.
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[ClnwireError], args: Any, members: dict[str, Any]) -> ClnwireError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(members)
    return error


class UsageError(ClnwireError):
    """The plugin uses clnwire in a way that cannot work. The message says what to do instead."""


class NotAwaitedError(UsageError, TypeError):
    """A coroutine or another awaitable was given where its result is needed."""


class NotReadyError(UsageError):
    """A value was used too early: options and `rpc` are available from `init` on."""


class DeadlockError(UsageError):
    """The call could never return, because the daemon is waiting for the handler that makes it."""


class InvalidAnswerError(UsageError, ValueError):
    """A hook's answer has a member that the daemon would refuse."""


class OptionError(ClnwireError):
    """The daemon passed a value that does not fit the option's type."""


class _UncertainError(ClnwireError):
    may_have_run: bool
    """Whether the command may have been, or may still be, carried out: sending it had begun."""

    def __init__(self, message: str, *, may_have_run: bool) -> None:
        super().__init__(message)
        self.may_have_run = may_have_run


class ConnectionLostError(_UncertainError, ConnectionError):
    """The connection to the daemon's socket could not be opened, or it broke."""


class CallTimeoutError(_UncertainError, TimeoutError):
    """A command took longer than the call's time-out. The daemon may still be running it."""


class ReplyError(ClnwireError):
    """A command was carried out, but its result is not JSON or does not fit the expected type."""


class RpcError(ClnwireError):
    """A JSON-RPC error.

    Methods raise it to refuse a call; calls of `plugin.rpc` raise it for an error reply. `code` is
    a JSON-RPC code (-32768 to -32000 are reserved) or one of lightningd's (`error_codes`); `data`
    is any value that JSON can express, or `None`. If an error reply has no integer code (other
    plugins may send anything), `code` is 0 and `data` the whole error.
    """

    code: int
    message: str
    data: object

    def __init__(self, code: int, message: str, data: object = None) -> None:
        second: object = message
        if isinstance(second, int):
            raise UsageError(f"RpcError takes the code first: RpcError({message!r}, {code!r})")
        super().__init__(code, message, data)
        self.code = code
        self.message = message
        self.data = data

    def __str__(self) -> str:
        return f"{self.message} (code {self.code})"


def unawaited(value: object) -> str | None:
    """Names the kind of an awaitable or asynchronous generator; `None` for any other value."""
    kind = type(value)
    if hasattr(kind, "__aiter__"):
        return "an asynchronous generator"
    if hasattr(kind, "__await__"):
        return "a coroutine" if kind.__name__ == "coroutine" else f"an awaitable {kind.__name__}"
    return None


def refuse_unawaited(what: str, result: object) -> None:
    """Raises `NotAwaitedError` if the result of a plain function is awaitable.

    clnwire would not await it. `what` names the function.
    """
    if result is not None and (kind := unawaited(result)) is not None:
        raise NotAwaitedError(f"{what} returned {kind}: `await` is missing")


def refuse_unawaited_result(result: object) -> None:
    """Raises `NotAwaitedError` if the result of a subscription's handler is awaitable.

    Tasks and other futures are accepted, since they run without being awaited. The message does
    not name the handler: the log line does.
    """
    if not hasattr(result, "_asyncio_future_blocking") and (kind := unawaited(result)) is not None:
        raise NotAwaitedError(f"{kind}: `await` is missing")
