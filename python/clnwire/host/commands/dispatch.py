"""Dispatches commands: first to the hook `rpc_command`, then to a plugin or the host itself.

Some requests on the socket are refused before lightningd looks up the command.
"""

from __future__ import annotations

import traceback
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from clnwire._core import Frame, Framer, Outbox
from clnwire._wire import tolerant
from clnwire._wire.codec import encode
from clnwire._wire.facts import COMMANDS
from clnwire.error_codes import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PLUGIN_DIED,
)
from clnwire.errors import RpcError, describe_error, sendable
from clnwire.host.commands.commands import CommandOutcome, Delivery, HostCommand
from clnwire.host.commands.trim import filter_of, trimmed
from clnwire.host.encoding import rpc_error
from clnwire.host.errors import FatalAnswerError, PluginDiedError
from clnwire.host.rules.decoding import UndecodableError, as_object

if TYPE_CHECKING:
    from clnwire.host.commands.unix_socket import CallerConnection
    from clnwire.host.hooks import HookCalls
    from clnwire.host.parts import Parts
    from clnwire.host.plugins.output import Notice
    from clnwire.host.plugins.plugin import Plugin
    from clnwire.host.rules.dialect import HostDialect


_VERSION: Final = b'"2.0"'


class _Refusal(Struct, frozen=True):
    """The error sent to the caller."""

    message: str
    token: bytes = b"null"
    """The JSON text of the error's id: the request's id if lightningd has already parsed it."""
    hangs_up: bool = False
    """Whether the connection is closed after the error."""


class Dispatcher:
    """Runs commands."""

    def __init__(self, host: Parts, hooks: HookCalls) -> None:
        self._host, self._hooks = host, hooks
        self._waiting: dict[int, str] = {}
        self._served = 0

    def waiting(self) -> list[str]:
        """The unanswered commands from the socket, oldest first."""
        return list(self._waiting.values())

    async def run(self, command: HostCommand) -> CommandOutcome:
        """Runs a command. An `RpcError` and a plugin's death become the outcome's error.

        Raises `UndecodableError`, and whatever else a function registered by a test raises.
        """
        await self._host.barrier.wait()
        try:
            self._must_be_known(command.method)
            answer = await self._hooks.ask_rpc_command(command)
            replaced = self._replaced(command, answer)
            if isinstance(replaced, CommandOutcome):
                return replaced
            return await self._carry_out(replaced)
        except RpcError as error:
            return CommandOutcome(error=error)
        except (PluginDiedError, FatalAnswerError) as error:
            # lightningd's message ends before the colon; the reason is for tests.
            message = f"Plugin terminated before replying to RPC call: {error}"
            return CommandOutcome(error=RpcError(PLUGIN_DIED, message))

    async def serve(
        self, frame: Frame, connection: CallerConnection
    ) -> tuple[bytes, Delivery | None]:
        """The reply for a caller on the socket, and how to send it."""
        refused = _refusal(frame, self._host.dialect)
        if refused is not None:
            return _refused(refused)
        token, method = frame.id, frame.method
        assert token is not None
        assert method is not None
        if (spelled := _escaped_method(frame)) is not None:
            # lightningd compares the name's raw JSON text, so a name with an escape never matches.
            error = RpcError(METHOD_NOT_FOUND, f"Unknown command '{spelled}'")
            return _reply(token, CommandOutcome(error=error)), None
        number = self._served = self._served + 1
        self._waiting[number] = method
        try:
            outcome = await self._outcome(_command(frame, token, connection), frame)
        finally:
            del self._waiting[number]
        return _reply(token, outcome), outcome.delivery

    async def _outcome(self, command: HostCommand, frame: Frame) -> CommandOutcome:
        """Runs a command and turns any exception into an error, so that the caller gets a reply."""
        try:
            template = filter_of(frame)
            outcome = await self.run(command)
            await self._host.barrier.wait()
            if template is not None and outcome.result is not None:
                # A plugin's reply (`outcome.frame`) is never filtered here: the plugin got the
                # filter and may apply it.
                result = trimmed(outcome.result, template)
                outcome = CommandOutcome(result=result, delivery=outcome.delivery)
        except RpcError as error:
            return CommandOutcome(error=error)
        except UndecodableError as error:
            return CommandOutcome(error=RpcError(INVALID_PARAMS, f"{command.method}: {error}"))
        except Exception as error:
            # A function registered by a test failed. `Host.call` raises the exception itself.
            self._host.remark("", traceback.format_exc(), level="broken")
            return CommandOutcome(
                error=RpcError(INTERNAL_ERROR, f"{command.method}: {describe_error(error)}")
            )
        return outcome

    def _must_be_known(self, method: str) -> None:
        """Raises `RpcError` for a command that does not exist."""
        plugin = self._host.plugins.offering(method)
        if plugin is not None and plugin.death is not None:
            # The daemon forgets a dead plugin's methods.
            raise RpcError(METHOD_NOT_FOUND, f"Unknown command '{method}': {plugin.death}")
        if plugin is None and method not in self._host.commands and method not in COMMANDS:
            raise RpcError(METHOD_NOT_FOUND, f"Unknown command '{method}'")

    def _replaced(self, command: HostCommand, answer: object) -> HostCommand | CommandOutcome:
        """Applies an answer to `rpc_command`: the command, a replacement, or an outcome."""
        members = as_object(answer) or {}
        if members.get("result") == "continue":
            return command
        if "replace" in members:
            return self._replacement(command, members["replace"])
        if "return" in members:
            return _returned(members["return"])
        return command

    def _replacement(self, command: HostCommand, request: object) -> HostCommand:
        members = as_object(request)
        problem = _problem(members)
        if members is None or problem is not None:
            raise _bad_replacement(problem, request)
        method = str(members["method"])
        try:
            self._must_be_known(method)
        except RpcError:
            raise _bad_replacement(f"redirected to unknown method '{method}'", request) from None
        framer = Framer()
        framer.feed(encode(request))
        frame = next(iter(framer))
        return structs.replace(command, method=method, params=frame.params or b"{}", frame=frame)

    async def _carry_out(self, command: HostCommand) -> CommandOutcome:
        self._must_be_known(command.method)
        plugin = self._host.plugins.offering(command.method)
        if plugin is None:
            return await self._host.commands.run(command)
        _announce_deprecations(plugin, command)
        if command.frame is None:
            ask = partial(plugin.request, command.method, command.params)
        else:
            ask = partial(plugin.forward, command.frame)
        return CommandOutcome(await ask(caller=command.token, notify=command.notify))


def _refusal(frame: Frame, dialect: HostDialect) -> _Refusal | None:
    """Why a request is refused; `None` if it is not. Old dialects do not require `jsonrpc`."""
    token = frame.id
    if dialect.is_current and frame.jsonrpc is None:
        text = frame.bytes.decode(errors="replace")
        message = f"JSON-RPC message does not contain \"jsonrpc\" field: '{text}'"
        return _Refusal(message, hangs_up=True)
    if not frame.bytes.startswith(b"{"):
        return _Refusal("Expected {} for json command")
    if token is None:
        return _Refusal("No id")
    if token.startswith((b"{", b"[")):
        return _Refusal("Expected string/primitive for id")
    if dialect.is_current and frame.jsonrpc != _VERSION:
        return _Refusal('jsonrpc: "2.0" must be specified in the request')
    if frame.method is not None and frame.params is not None:
        return None
    return _Refusal(_incomplete(frame), token)


def _incomplete(frame: Frame) -> str:
    if all(name != b'"method"' for name, _ in tolerant.members(frame.bytes)):
        return "No method"
    return "No params" if frame.params is None else "Expected string for method"


def _escaped_method(frame: Frame) -> str | None:
    """The raw JSON text of the method's name, without quotes, if it contains an escape."""
    if b"\\" not in frame.bytes:
        return None
    given = tolerant.members(frame.bytes)
    spelled = next((text for name, text in given if name == b'"method"'), b"")
    return spelled[1:-1].decode() if b"\\" in spelled else None


def _announce_deprecations(plugin: Plugin, command: HostCommand) -> None:
    """Tells a plugin that its next request may use deprecated features, if the caller may."""
    topic = "deprecated_oneshot"
    flipped = command.session is not None and command.session.allows_deprecated
    if flipped and topic in plugin.dialect.topics:
        plugin.notify(plugin.notification(topic, b'{"deprecated_ok":true}'), topic)


def _command(frame: Frame, token: bytes, connection: CallerConnection) -> HostCommand:
    def notify(notice: Notice) -> None:
        if connection.session.wants_notices:
            connection.write(notice.addressed_to(token))

    params = frame.params or b"{}"
    return HostCommand(frame.method or "", params, token, frame, notify, connection.session)


def _problem(replacement: dict[str, object] | None) -> str | None:
    if replacement is None:
        return "'replace' must be an object"
    for name in ("method", "params", "id"):
        if name not in replacement:
            return f"missing '{name}'"
    if replacement.get("jsonrpc") != "2.0":
        return 'jsonrpc: "2.0" must be specified in the request'
    return None


def _bad_replacement(problem: str | None, request: object) -> RpcError:
    text = encode(request).decode()
    return RpcError(INVALID_REQUEST, f"Bad response to 'rpc_command' hook: {problem} ({text})")


def _returned(returned: object) -> CommandOutcome:
    members = as_object(returned) or {}
    if "result" in members:
        return CommandOutcome(result=encode(members["result"]))
    if as_object(members.get("error")) is not None:
        return CommandOutcome(error=rpc_error(encode(members["error"])))
    raise RpcError(INVALID_REQUEST, "Bad response to 'rpc_command' hook")


def _refused(refused: _Refusal) -> tuple[bytes, Delivery | None]:
    error = RpcError(INVALID_REQUEST, refused.message)
    reply = _reply(refused.token, CommandOutcome(error=error))
    return reply, Delivery(None, hang_up_after=len(reply)) if refused.hangs_up else None


def _reply(token: bytes, outcome: CommandOutcome) -> bytes:
    """The reply's text for a caller, with the exact text of the caller's id."""
    if outcome.frame is not None:
        span = outcome.frame.id_span
        assert span is not None
        text = outcome.frame.bytes
        return b"%s%s%s\n\n" % (text[: span[0]], token, text[span[1] :])
    outbox = Outbox()
    if outcome.error is not None:
        error = outcome.error
        data = None if error.data is None else encode(error.data)
        outbox.error(token, error.code, sendable(error.message), data)
    else:
        outbox.reply(token, outcome.result or b"{}")
    return outbox.take()
