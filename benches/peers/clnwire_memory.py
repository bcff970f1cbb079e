"""Handlers of each form with each outcome, and a count of what they leave in memory.

CLNWIRE_BENCH_FORM is `plain`, `async` or `thread`; with the suffix `-raw`, hooks and topics get
their events as bytes. A word between two `@` in the message says what is to become of it.
"""

import ctypes
import gc
import itertools
import os
import sys
import types
from collections.abc import Callable
from copy import copy
from typing import Any

from clnwire import Plugin, Request, RpcError
from clnwire.hooks import CONTINUE, DbWrite, PeerConnected
from clnwire.notifications import Connect

FORM, _, RAW = os.environ["CLNWIRE_BENCH_FORM"].partition("-")

plugin = Plugin(mixed_db_write=True)
topic = plugin.topic("published")
numbers = itertools.count()
"""Counts the topic's notifications that were handled."""
held: list[Any] = []


class Mallinfo(ctypes.Structure):
    """`struct mallinfo2` of glibc 2.33 or newer."""

    _fields_ = [(name, ctypes.c_size_t) for name in "abcdefghij"]

    @property
    def used(self) -> int:
        """Bytes that are allocated, in all arenas and maps."""
        return int(self.e + self.h)


LIBC = ctypes.CDLL(None)
LIBC.mallinfo2.restype = Mallinfo
SHARED = (None, True, False, (), "", CONTINUE, plugin, topic)


def fail(word: str) -> None:
    if word == "raise":
        raise ValueError("as asked")
    if word == "refuse":
        raise RpcError(-7, "as asked")


DEEDS: dict[str, Callable[[], object]] = {
    "leak": lambda: held.append(bytes(100)),
    "publish": lambda: topic.publish({"text": "x"}),
    "log": lambda: plugin.log("a line", level="debug"),
    "print": lambda: print("a line", flush=True),
    "call": lambda: plugin.rpc.call("echo", {}),
}


def act(word: str) -> Any:
    fail(word)
    if word in DEEDS:
        DEEDS[word]()
    return {"result": object()} if word == "invalid" else CONTINUE


async def act_async(word: str) -> Any:
    import asyncio

    if word == "hold":
        held.append(future := asyncio.get_running_loop().create_future())
        await future
    elif word == "cancel":
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)
    elif word == "call":
        await plugin.rpc.aio.call("echo", {})
    else:
        return act(word)
    return CONTINUE


def word_in_bytes(event: bytes) -> str:
    return event.split(b"@")[1].decode()


def word_of(event: Any) -> str:
    if RAW:
        return word_in_bytes(event)
    if isinstance(event, DbWrite):
        return event.writes[0].split("@")[1]
    address = event.peer.addr if isinstance(event, PeerConnected) else event.address.address
    return str(address[1:-1])


def done(answer: Any) -> Any:
    """The result of the method for an answer of a hook."""
    return "done" if answer is CONTINUE else object()


async def on_hook_async(event: Any) -> Any:
    return await act_async(word_of(event))


async def on_topic_async(event: Any) -> None:
    try:
        await act_async(word_of(event))
    finally:
        next(numbers)


async def run_async(text: str, request: Request) -> Any:
    if text == "@progress@":
        request.progress(1, 2)
    return done(await act_async(text[1:-1]))


def on_hook(event: Any) -> Any:
    return act(word_of(event))


def on_topic(event: Any) -> None:
    try:
        act(word_of(event))
    finally:
        next(numbers)


def run(text: str, request: Request) -> Any:
    if text == "@progress@":
        request.progress(1, 2)
    return done(act(text[1:-1]))


def annotated(handler: Any, event: type) -> Any:
    """The handler with the annotation that decides the type of its event."""
    copied = types.FunctionType(handler.__code__, globals(), handler.__name__)
    copied.__annotations__ = {
        "event": bytes if RAW else event,
        "return": handler.__annotations__["return"],
    }
    return copied


IS_ASYNC, THREAD = FORM == "async", FORM == "thread"
hook, topic_handler = (on_hook_async, on_topic_async) if IS_ASYNC else (on_hook, on_topic)
plugin.hook("peer_connected", thread=THREAD)(annotated(hook, PeerConnected))
plugin.hook("db_write", thread=THREAD)(annotated(hook, DbWrite))
plugin.subscribe("connect", thread=THREAD)(annotated(topic_handler, Connect))
plugin.method("run", thread=THREAD)(run_async if IS_ASYNC else run)


@plugin.subscribe("release")
def release(event: bytes) -> None:
    for future in held:
        future.set_result(None)
    held.clear()


@plugin.method("measure")
def measure() -> dict[str, int]:
    gc.collect()
    total = getattr(sys, "gettotalrefcount", lambda: 0)
    return {
        "handled": next(copy(numbers)),
        "blocks": sys.getallocatedblocks(),
        "heap": LIBC.mallinfo2().used,
        "references": total() or sum(map(sys.getrefcount, SHARED)),
    }


plugin.run()
