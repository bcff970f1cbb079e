"""Handlers get the arguments that pyln-client gives them, and callers its errors, to the byte."""

from __future__ import annotations

import json
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from tests.pyln.both import original_plugin, own_plugin, unlogged
from tests.pyln.normal import normal

SIDES: Final = (original_plugin, own_plugin)
NAMES: Final = ("a", "b", "plugin", "request", "c")


class Pipe:
    """Takes the place of `plugin.stdout`."""

    def __init__(self) -> None:
        self.buffer = self
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def flush(self) -> None:
        pass


@st.composite
def heads(draw: st.DrawFn) -> str:
    """The parameters of a function, as source."""
    names = draw(st.permutations(NAMES))[: draw(st.integers(0, len(NAMES)))]
    kinds = sorted(draw(st.lists(st.integers(0, 3), min_size=len(names), max_size=len(names))))
    optional = draw(st.integers(0, len(names)))
    star = draw(st.sampled_from(["", "*args"]))
    words: list[str] = []
    for place, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        if kind == 3 and (not words or not any(word.startswith("*") for word in words)):
            words.append(star or "*")
        amount = name in "abc" and draw(st.booleans()) and draw(st.booleans())
        hint = ": Millisatoshi" if amount else ""
        words.append(f"{name}{hint}" + (" = 7" if place >= optional else ""))
    if draw(st.booleans()):
        words.append("**more")
    return ", ".join(words)


VALUES: Final = st.one_of(st.integers(-1, 9), st.sampled_from(["5msat", "x", None, 1.5, [1]]))
PARAMS: Final = st.one_of(
    st.dictionaries(st.sampled_from([*NAMES, "args", "more", "d"]), VALUES, max_size=5),
    st.lists(VALUES, max_size=5),
    st.sampled_from(["text", 5, None]),
)
BODY: Final = """
def handler({head}):
    return {{name: shown(value) for name, value in locals().items()}}
"""


def shown(value: Any) -> Any:
    """A value that is equal on both sides."""
    if type(value).__name__ in ("Plugin", "Request"):
        return type(value).__name__
    if isinstance(value, dict):
        return {name: shown(each) for name, each in value.items()}
    return [shown(each) for each in value] if isinstance(value, (list, tuple)) else value


def answered(side: Any, head: str, params: Any, subscribed: bool) -> list[str]:
    """What one side's plugin writes."""
    space: dict[str, Any] = {"Millisatoshi": side.Millisatoshi, "shown": shown}
    exec(BODY.format(head=head), space)
    with unlogged():
        plugin = side.Plugin(autopatch=False)
    plugin.stdout = Pipe()
    if subscribed:
        plugin.subscriptions["topic"] = space["handler"]
        message = {"method": "topic", "params": params}
    else:
        plugin.add_method("m", space["handler"])
        message = {"id": "i", "method": "m", "params": params}
    plugin.deprecated_apis = True
    plugin._multi_dispatch([json.dumps(message).encode(), b""])
    return normal(plugin.stdout.written)


def is_misplaced(head: str, params: Any) -> bool:
    """Whether pyln-client would put the plugin or the request into another parameter."""
    words = [word for word in head.split(", ") if word]
    if not isinstance(params, list):
        return False
    given_count = len(params)
    for place, word in enumerate(words):
        if word.partition(" ")[0] in ("plugin", "request"):
            if place > given_count or any(each.startswith("*") for each in words[:place]):
                return True
            given_count += 1
    return False


@given(heads(), PARAMS, st.booleans())
def test_binding(head: str, params: Any, subscribed: bool) -> None:
    if subscribed and not isinstance(params, dict):
        params = {}
    theirs, ours = (answered(side, head, params, subscribed) for side in SIDES)
    if not is_misplaced(head, params):
        assert theirs == ours


def test_injection_by_position_goes_to_its_own_parameter() -> None:
    head = "a, b = 1, plugin = None, *, request = None"
    (reply,) = answered(own_plugin, head, ["x"], False)
    got = json.loads(reply)["result"]
    assert got == {"a": "x", "b": 1, "plugin": "Plugin", "request": "Request"}
