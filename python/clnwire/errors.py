"""The exceptions of clnwire: the daemon's fault, the caller's fault, and answers that are errors.

`MalformedError` (the daemon sent no JSON) and `IdError` (a request answered twice) come from the
core and are named here too.
"""

from __future__ import annotations

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
    """`str(value)` as text that can be sent. Never raises, whatever the value's `__str__` does.

    Half of a surrogate pair, as `os.fsdecode` makes of a file name, becomes its escape: `\\udcff`.
    """
    try:
        return str(value).encode("utf-8", "backslashreplace").decode()
    except BaseException as failure:  # `SystemExit` too: a text must not end the process.
        return f"<{type(value).__name__}, whose text fails with {type(failure).__name__}>"


def describe_error(error: BaseException) -> str:
    """An exception as one text: its type and what it says. Never raises, whatever it is."""
    text = sendable(error)
    return text if isinstance(error, ClnwireError) else f"{type(error).__name__}: {text}"


class ClnwireError(Exception):
    """What all exceptions of clnwire's Python side have in common."""


class UsageError(ClnwireError):
    """The plugin uses clnwire in a way that cannot work. The message says what to do instead."""


class NotAwaitedError(UsageError, TypeError):
    """A coroutine, or something like it, is in the place of what it would give."""


class NotReadyError(UsageError):
    """Something was used before the daemon has provided it: options and `rpc` come with `init`."""


class DeadlockError(UsageError):
    """The call would wait for a daemon that is itself waiting for this handler."""


class InvalidAnswerError(UsageError, ValueError):
    """A hook's answer was built in a way that the daemon would not take."""


class OptionError(ClnwireError):
    """The daemon passed a value that does not fit the option's type."""


class ConnectionLostError(ClnwireError):
    """The connection to the daemon's socket broke. `may_have_run` tells what that means."""

    may_have_run: bool
    """The command had been sent: it may have been carried out."""

    def __init__(self, message: str, *, may_have_run: bool) -> None:
        super().__init__(message)
        self.may_have_run = may_have_run


class CallTimeoutError(ClnwireError, TimeoutError):
    """A command of the daemon took longer than the call's timeout. It may still be running."""

    may_have_run: bool
    """The command had been sent: it may have been, or will be, carried out."""

    def __init__(self, message: str, *, may_have_run: bool) -> None:
        super().__init__(message)
        self.may_have_run = may_have_run


class ReplyError(ClnwireError):
    """A command's result is no JSON, or not of the type that was expected. The command was carried
    out."""


class RpcError(ClnwireError):
    """An error of JSON-RPC: raised by a method to refuse a call, or by a call that was refused.

    `code` is a JSON-RPC code (-32768 to -32000 are reserved) or one of the daemon's own; `data` is
    anything that JSON can express, or `None`. If another plugin's error has no integer as its code,
    `code` is 0 and `data` the whole error.
    """

    code: int
    message: str
    data: object

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(code, message, data)
        self.code = code
        self.message = message
        self.data = data

    def __str__(self) -> str:
        return f"{self.message} (code {self.code})"


def unawaited(value: object) -> str | None:
    """What a function has returned that does nothing until somebody awaits it, in words."""
    kind = type(value)
    if hasattr(kind, "__aiter__"):
        return "an asynchronous generator"
    if hasattr(kind, "__await__"):
        return "a coroutine" if kind.__name__ == "coroutine" else f"an awaitable {kind.__name__}"
    return None


def must_not_wait(what: str, result: object) -> None:
    """Raises `NotAwaitedError` if a plain function has returned what nobody awaits."""
    if result is not None and (kind := unawaited(result)) is not None:
        raise NotAwaitedError(f"{what} returned {kind}: `await` is missing")


def must_not_be_awaited(result: object) -> None:
    """The same for what a subscription returned, whose failure is logged with its name.

    A task or another future goes on by itself.
    """
    if not hasattr(result, "_asyncio_future_blocking") and (kind := unawaited(result)) is not None:
        raise NotAwaitedError(f"{kind}: `await` is missing")
