"""The routes of a disabled plugin.

Today's daemon ends a plugin that disables itself. Older daemons ignore `disable`, and abort if a
plugin with a hook exits. So the plugin keeps running, and answers so that the daemon behaves as if
the plugin were absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clnwire import _core
from clnwire._runtime.routes import error_reply
from clnwire._wire.codec import encode
from clnwire.error_codes import INTERNAL_ERROR
from clnwire.errors import RpcError
from clnwire.hooks._spec import CONTINUE

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn, TypeAlias

    from clnwire._runtime.log import Log
    from clnwire._runtime.run import Run
    from clnwire.hooks._spec import ErrorParts, HookSpec

    Recover: TypeAlias = Callable[[BaseException, bytes], bytes | ErrorParts]


def serve_disabled(run: Run, reason: str) -> None:
    """Registers routes that refuse all methods and continue all hooks.

    Hooks that have no `continue` give their safe answer. `db_write` refuses too: the daemon then
    stops with an error, where `continue` would let it commit writes that the plugin did not store.
    """
    text = f"the plugin is disabled: {reason}"
    for name in run.definition.methods:
        run.driver.on_request(_refusing(name, f"{name}: {text}", _error(name, run.log)))
    for hook in run.definition.hooks.values():
        if hook.spec.continues and hook.name != "db_write":
            run.driver.on_request(_continuing(hook.name, run.log))
        else:
            run.driver.on_request(_refusing(hook.name, text, _safe(hook.spec, text)))


def _error(name: str, log: Log) -> Recover:
    return lambda error, _: error_reply(name, error, log)


def _safe(spec: HookSpec, text: str) -> Recover:
    """Gives the hook's safe answer, as after a failure of its handler."""
    bare_continue = encode(CONTINUE)
    return lambda _, params: spec.safe(params, text, bare_continue)


def _refusing(name: str, text: str, recover: Recover) -> _core.Route:
    def refuse(params: bytes) -> NoReturn:
        raise RpcError(INTERNAL_ERROR, text)

    return _core.Route(name, call=refuse, recover=recover)


def _continuing(name: str, log: Log) -> _core.Route:
    return _core.Route(name, call=lambda _: CONTINUE, encode=encode, recover=_error(name, log))
