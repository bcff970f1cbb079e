"""Measures decoding each message to its Struct, and encoding each answer.

    python benches/messages.py [--quick] [--save benches/results/NAME.json]

The comparison is pyln-client's work for the same message: `json.loads` and binding the params to
the handler. Events are the host's samples. The last table compares other options for the Structs.
Each function's result is checked before it is measured. Quote the ratios rather than the times,
which depend on the machine.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import statistics
import timeit
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from pyln.client import Plugin as PylnPlugin
from pyln.client.plugin import Request as PylnRequest

from clnwire._wire.dialect import CURRENT
from clnwire.hooks import (
    CONTINUE,
    HtlcFail,
    OpenChannel2Continue,
    PeerDisconnect,
    RpcCommandReturn,
)
from clnwire.hooks._answers import answer_encoder
from clnwire.hooks._catalogue import HOOKS, hook_spec
from clnwire.host.rules._samples import PSBT
from clnwire.host.rules.samples import hook_sample, topic_sample
from clnwire.notifications._catalogue import TYPED, topic_spec
from clnwire.types import Psbt, sat_to_msat

if TYPE_CHECKING:
    from collections.abc import Callable

NS = 1e9
ANSWERS = {
    "db_write": CONTINUE,
    "peer_connected": PeerDisconnect(error_message="not today"),
    "htlc_accepted": HtlcFail(failure_message="2002"),
    "openchannel2": OpenChannel2Continue(psbt=Psbt(PSBT), our_funding_msat=sat_to_msat(1_000)),
    "rpc_command": RpcCommandReturn.result({"allowed": False}),
}


class Timer:
    """Measures functions: the median of several rounds, in nanoseconds per call."""

    def __init__(self, rounds: int, seconds: float) -> None:
        self._rounds, self._seconds = rounds, seconds

    def __call__(self, function: Callable[[], object]) -> float:
        timer = timeit.Timer(function)
        number = max(1, int(self._seconds * 100 / timer.timeit(100)))
        return statistics.median(timer.repeat(self._rounds, number)) / number * NS

    def together(self, functions: dict[str, Callable[[], object]]) -> dict[str, float]:
        """Measures the functions in turn, so that a slow minute of the machine affects all of
        them."""
        rounds = [{name: self(function) for name, function in functions.items()} for _ in range(2)]
        return {name: min(each[name] for each in rounds) for name in functions}


def events() -> dict[str, tuple[Callable[[bytes], Any], bytes, bytes]]:
    """Message → its decoder, the text to decode, and the params as pyln-client gets them."""
    found: dict[str, tuple[Callable[[bytes], Any], bytes, bytes]] = {}
    for name in sorted(HOOKS):
        params = json.dumps(hook_sample(name), separators=(",", ":")).encode()
        found[f"hook {name}"] = hook_spec(name).decoder(), params, params
    for name in sorted(TYPED):
        payload = topic_sample(name)
        text = json.dumps(payload, separators=(",", ":")).encode()
        wrapped = text if name in payload else b'{"%s":%s}' % (name.encode(), text)
        spec = topic_spec(name)
        assert spec is not None
        found[f"topic {name}"] = spec.decoder(), text, wrapped
    return found


def pyln(params: bytes) -> Callable[[], object]:
    """pyln-client's work from the message's text to the call of the handler."""
    plugin = PylnPlugin(autopatch=False)

    def handler(plugin: PylnPlugin, **params: Any) -> None: ...

    frame = b'{"jsonrpc":"2.0","id":"cln:x#1","method":"x","params":%s}' % params

    def decode() -> object:
        message = json.loads(frame)
        request = PylnRequest(plugin, message["id"], message["method"], message["params"])
        return plugin._bind_kwargs(handler, request.params, request)  # noqa: SLF001 - its hot path

    assert decode().arguments  # type: ignore[attr-defined]
    return decode


def decoding(timer: Timer) -> dict[str, dict[str, float]]:
    figures: dict[str, dict[str, float]] = {}
    for name, (decode, text, params) in events().items():
        assert type(decode(text)).__struct_config__.frozen
        functions: dict[str, Callable[[], object]] = {
            "clnwire": lambda decode=decode, text=text: decode(text),
            "dict": lambda text=text: msgspec.json.decode(text),
            "pyln-client": pyln(params),
        }
        figures[name] = {"bytes": len(params), **timer.together(functions)}
    return figures


def encoding(timer: Timer) -> dict[str, dict[str, float]]:
    figures: dict[str, dict[str, float]] = {}
    for hook, answer in ANSWERS.items():
        encode = answer_encoder(hook_spec(hook), CURRENT, print)
        plain = json.loads(encode(answer))
        assert json.loads(encode(answer)) == json.loads(json.dumps(plain))
        functions: dict[str, Callable[[], object]] = {
            "clnwire": lambda encode=encode, answer=answer: encode(answer),
            "json": lambda plain=plain: json.dumps(plain).encode(),
        }
        name = f"{hook}: {type(answer).__name__}"
        figures[name] = timer.together(functions)
    return figures


def options(timer: Timer) -> dict[str, dict[str, float]]:
    """The time to decode Structs with other options."""
    figures: dict[str, dict[str, float]] = {}
    for name in ("db_write", "htlc_accepted", "openchannel2"):
        text = json.dumps(hook_sample(name)).encode()
        functions: dict[str, Callable[[], object]] = {}
        for label, chosen in {
            "as they are": {"frozen": True, "gc": False},
            "with gc": {"frozen": True, "gc": True},
            "not frozen": {"frozen": False, "gc": False},
        }.items():
            decode = msgspec.json.Decoder(variant(hook_spec(name).event, chosen)).decode
            assert msgspec.to_builtins(decode(text)) == msgspec.to_builtins(
                hook_spec(name).decoder()(text)
            )
            functions[label] = lambda decode=decode, text=text: decode(text)
        figures[name] = timer.together(functions)
    return figures


def variant(kind: Any, chosen: dict[str, bool]) -> Any:
    """The Struct, and the Structs in it, with these options."""
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return kind
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = [
        (each.name, variant(hints[each.name], chosen))
        if each.required
        else (each.name, hints[each.name], each.default)
        for each in msgspec.structs.fields(kind)
    ]
    return msgspec.defstruct(kind.__name__, fields, omit_defaults=True, **chosen)


def show(title: str, figures: dict[str, dict[str, float]]) -> None:
    columns = list(next(iter(figures.values())))
    print(f"\n{title:<40}" + "".join(f"{column:>13}" for column in columns))
    for name, row in figures.items():
        print(f"{name:<40}" + "".join(f"{row[column]:>13.0f}" for column in columns))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round: does it still work?")
    parser.add_argument("--save", type=Path, metavar="FILE", help="save the figures as JSON")
    arguments = parser.parse_args()
    timer = Timer(1, 0.001) if arguments.quick else Timer(5, 0.05)
    figures = {
        "decode, ns": decoding(timer),
        "encode, ns": encoding(timer),
        "decode by options, ns": options(timer),
    }
    for title, rows in figures.items():
        show(title, rows)
    ratios = [row["pyln-client"] / row["clnwire"] for row in figures["decode, ns"].values()]
    print(f"\npyln-client takes {min(ratios):.1f} to {max(ratios):.1f} times as long to decode,")
    print(f"in the median of the messages {statistics.median(ratios):.1f} times.")
    if arguments.save:
        about = {
            "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
            "machine": platform.processor() or platform.machine(),
            "python": platform.python_version(),
            "msgspec": msgspec.__version__,
        }
        arguments.save.write_text(json.dumps({**about, **figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
