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
    from typing import NoReturn

    from clnwire._runtime.log import Log
    from clnwire._runtime.run import Run
    from clnwire.hooks._spec import HookSpec


def serve_disabled(run: Run, reason: str) -> None:
    """Registers routes that refuse all methods and continue all hooks.

    Hooks that have no `continue` give their safe answer. `db_write` refuses too: the daemon then
    stops with an error, where `continue` would let it commit writes that the plugin did not store.
    """
    text = f"the plugin is disabled: {reason}"
    driver, log = run.driver, run.log
    for name in run.definition.methods:
        driver.on_request(_refusing(name, text, log))
    for hook in run.definition.hooks.values():
        if hook.spec.continues and hook.name != "db_write":
            driver.on_request(_continuing(hook.spec, log))
        else:
            driver.on_request(_safe(hook.spec, text))


def _refusing(name: str, text: str, log: Log) -> _core.Route:
    def refuse(params: bytes) -> NoReturn:
        raise RpcError(INTERNAL_ERROR, f"{name}: {text}")

    return _core.Route(name, call=refuse, recover=lambda error, _: error_reply(name, error, log))


def _continuing(spec: HookSpec, log: Log) -> _core.Route:
    return _core.Route(
        spec.name,
        call=lambda _: CONTINUE,
        encode=encode,
        recover=lambda error, _: error_reply(spec.name, error, log),
    )


def _safe(spec: HookSpec, text: str) -> _core.Route:
    """The route that gives the hook's safe answer, as after a failure of its handler."""

    def fail(params: bytes) -> NoReturn:
        raise RpcError(INTERNAL_ERROR, text)

    bare_continue = encode(CONTINUE)
    return _core.Route(
        spec.name, call=fail, recover=lambda _, params: spec.safe(params, text, bare_continue)
    )
