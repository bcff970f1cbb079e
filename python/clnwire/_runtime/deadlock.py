"""Refusal of calls that could never return, because the daemon waits for their caller."""

from __future__ import annotations

from _thread import get_ident
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from clnwire._definition.current import handled
from clnwire._wire.environment import program_name
from clnwire.errors import DeadlockError
from clnwire.rpc._caller import CallOrigin

if TYPE_CHECKING:
    from collections.abc import Generator

    from clnwire._core import CurrentMessage, Driver
    from clnwire._runtime.run import Run


def call_origin(run: Run, method: str, *, blocking: bool) -> CallOrigin:
    """The origin of a call of `method`; `blocking` if the call blocks its thread.

    Raises `DeadlockError` if the daemon waits for the caller and would never answer.
    """
    driver = run.driver
    name = program_name()
    # The daemon does not wait for a forked child.
    if run.is_over or driver.is_disowned:
        return CallOrigin(run.socket, name)
    current = handled(driver)
    # A task started by a handler may outlive it. The daemon no longer waits once it has the answer.
    awaited = None if current is None or _is_answered(driver, current) else current
    on_serving_thread = get_ident() == run.thread
    if awaited is not None and awaited.method == "db_write" and awaited.key is not None:
        raise DeadlockError(
            f"rpc '{method}' in db_write: the daemon waits for that hook and would never "
            "answer. Call it after the hook, or from another plugin"
        )
    # A plain handler may run an event loop of its own (`asyncio.run`): an awaited call in it blocks
    # the serving thread as well.
    if on_serving_thread and (blocking or not run.is_async):
        _refuse_to_block(run, method)
    prefix = None if current is None or current.token is None else _id_text(current.token)
    if awaited is None:
        return CallOrigin(run.socket, name, prefix, is_handler=on_serving_thread)
    waits = _waits(run, awaited.number, blocking=blocking) if awaited.number else None
    return CallOrigin(run.socket, name, prefix, is_handler=True, waits=waits)


@contextmanager
def _waits(run: Run, number: int, *, blocking: bool) -> Generator[None, None, None]:
    """A context that is held while the handler of job `number` waits for a call's reply.

    The handler then counts neither against `max_threads` nor against `max_in_flight`: the daemon
    may need another handler's answer first, so that one must be able to start. Raises
    `DeadlockError` if no thread can be started for it.
    """
    pool = run.pool_if_used if blocking else None
    if pool is not None:
        pool.begin_call()
    run.driver.begin_call(number)
    try:
        yield
    finally:
        run.driver.end_call(number)
        if pool is not None:
            pool.end_call()


def _refuse_to_block(run: Run, method: str) -> None:
    """Raises `DeadlockError` if a call that blocks the serving thread may deadlock.

    Only this thread can answer the hooks that the daemon may call before it replies.
    """
    if run.is_async:
        raise DeadlockError(
            f"rpc '{method}' would block the event loop, and with it every handler. Await "
            "it: rpc.aio has the same methods; or register a plain handler with thread=True"
        )
    hooks = run.definition.hooks
    if "db_write" in hooks and not run.settings.mixed_db_write:
        raise DeadlockError(
            f"rpc '{method}' in a plugin with db_write: the daemon may be waiting for that "
            "hook and would never answer"
        )
    hook = hooks.get("rpc_command")
    if hook is not None and (not hook.filters or method in hook.filters):
        raise DeadlockError(
            f"rpc '{method}' in a handler: the daemon would ask this plugin's own rpc_command "
            "hook first, and wait. Give the hook filters that leave the method out, or "
            "register this handler with thread=True"
        )


def _is_answered(driver: Driver, current: CurrentMessage) -> bool:
    return current.key is not None and driver.is_answered(current.key)


def _id_text(token: bytes) -> str:
    """An id as text for use within another id: a string loses its quotes."""
    try:
        return msgspec.json.decode(token, type=str)
    except msgspec.DecodeError:
        # It is no string, or one that msgspec refuses, with a lone surrogate.
        return token.decode()
