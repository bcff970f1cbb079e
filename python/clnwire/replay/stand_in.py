"""Keeps a replayed plugin away from the node that the capture was taken from.

The recorded `init` names that node's socket. A plugin that calls it would act on the live node.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import msgspec

from clnwire import _core
from clnwire._wire.codec import UNDECODABLE
from clnwire.captures.reading import CaptureError
from clnwire.host import Host, empty_node
from clnwire.host.rules.decoding import object_text
from clnwire.replay.capture import Step


@asynccontextmanager
async def stand_in(steps: Sequence[Step]) -> AsyncGenerator[None]:
    """While entered, the plugin's calls go to an empty embedded node in a temporary directory.

    Changes the socket's path in each `init` of the steps, and nothing else. Raises `CaptureError`
    for an `init` that cannot be read: the plugin must not see the path in it.
    """
    async with Host() as host:
        empty_node.register(host)
        await host.start_all([])
        place = {
            "lightning-dir": msgspec.json.encode(str(host.rpc_path.parent)),
            "rpc-file": msgspec.json.encode(host.rpc_path.name),
        }
        for step in steps:
            if step.method == "init":
                step.frame = _with_place(step, place)
        yield


def recorded_paths(steps: Sequence[Step]) -> list[str]:
    """The options that `init` sets to a path, as `name=path`; the path may be the live node's."""
    found: dict[str, None] = {}
    for step in steps:
        if step.method == "init":
            # `stand_in` reports an `init` that cannot be read.
            with suppress(_core.MalformedError):
                options = _member(_member(step.frame, "params"), "options")
                for name, value in _core.members(options):
                    found.update((f"{name}={path}", None) for path in _paths(value))
    return [*found]


def _paths(value: bytes) -> list[str]:
    try:
        texts = msgspec.json.decode(value, type=str | list[str])
    except UNDECODABLE:
        return []
    each = [texts] if isinstance(texts, str) else texts
    return [text for text in each if text.startswith(("/", "~/", "./", "../"))]


def _with_place(step: Step, place: Mapping[str, bytes]) -> bytes:
    try:
        params = _member(step.frame, "params")
        configuration = _with(_member(params, "configuration"), place)
        return _with(step.frame, {"params": _with(params, {"configuration": configuration})})
    except _core.MalformedError as error:
        raise CaptureError(
            f"line {step.line} of the capture: the socket's path cannot be found in init: {error}; "
            "--live plays it as it is"
        ) from None


def _with(text: bytes, values: Mapping[str, bytes]) -> bytes:
    """The object with new values for those members that it already has."""
    members = _core.members(text)
    if not any(name in values for name, _ in members):
        return text
    return object_text((name, values.get(name, value)) for name, value in members)


def _member(text: bytes, name: str) -> bytes:
    """The JSON text of an object's member; an empty object if there is none."""
    return dict(_core.members(text)).get(name, b"{}")
