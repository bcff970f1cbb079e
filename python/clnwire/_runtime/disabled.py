"""What a disabled plugin answers.

Today's daemon ends such a plugin. An older one ignores that it is disabled, and does not survive
the end of a plugin that has a hook. So the plugin stays, and answers as if it were not there.
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
    """Has methods refuse and hooks continue; hooks that cannot continue give their safe answer.

    `db_write` refuses: the daemon then ends and says why, rather than write what the plugin does
    not see.
    """
    text = f"the plugin is disabled: {reason}"
    driver, log = run.driver, run.log
    for name in run.definition.methods:
        driver.on_request(_refusing(name, text, log))
    for hook in run.definition.hooks.values():
        if hook.spec.continues and hook.name != "db_write":
            driver.on_request(_going_on(hook.spec, log))
        else:
            driver.on_request(_safe(hook.spec, text))


def _refusing(name: str, text: str, log: Log) -> _core.Route:
    def refuse(params: bytes) -> NoReturn:
        raise RpcError(INTERNAL_ERROR, f"{name}: {text}")

    return _core.Route(name, call=refuse, recover=lambda error, _: error_reply(name, error, log))


def _going_on(spec: HookSpec, log: Log) -> _core.Route:
    return _core.Route(
        spec.name,
        call=lambda _: CONTINUE,
        encode=encode,
        recover=lambda error, _: error_reply(spec.name, error, log),
    )


def _safe(spec: HookSpec, text: str) -> _core.Route:
    """As if the handler had failed."""

    def fail(params: bytes) -> NoReturn:
        raise RpcError(INTERNAL_ERROR, text)

    bare_continue = encode(CONTINUE)
    return _core.Route(
        spec.name, call=fail, recover=lambda _, params: spec.safe(params, text, bare_continue)
    )
