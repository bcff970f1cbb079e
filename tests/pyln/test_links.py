"""What a plugin replaces is used, and a request shows what it has."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from clnwire.pyln import plugin as plugin_module
from tests.pyln.both import original_plugin, own, own_plugin, unlogged

CALL = json.dumps({"jsonrpc": "2.0", "id": "1", "method": "m", "params": {"a": 1}}).encode()


@pytest.fixture
def plugin() -> Any:
    with unlogged():
        made: Any = own.Plugin(autopatch=False)
    made.add_method("m", lambda a: a)
    return made


LINKS = {
    "_write_locked": lambda self, obj: self.used.append(obj),
    "_bind_kwargs": lambda self, func, params, request: self.used.append(params),
    "_exec_func": lambda self, func, request: self.used.append(func),
}


@pytest.mark.parametrize("name", LINKS)
def test_a_link_that_is_replaced_in_the_class(
    plugin: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin.used = []
    plugin._write_locked = lambda obj: None
    if name == "_write_locked":
        del plugin._write_locked
        monkeypatch.setattr(plugin, "stdout", plugin_module.transport.DaemonStream(None))  # type: ignore[arg-type]
    monkeypatch.setattr(own_plugin.Plugin, name, LINKS[name])
    plugin._multi_dispatch([CALL, b""])
    assert len(plugin.used) >= 1


def test_a_link_that_is_replaced_in_the_object(plugin: Any) -> None:
    used: list[Any] = []
    plugin._write_locked = used.append
    bind = plugin._bind_kwargs

    def noted(func: Any, params: Any, request: Any) -> Any:
        used.append(params)
        return bind(func, params, request)

    plugin._bind_kwargs = noted
    plugin._multi_dispatch([CALL, b""])
    assert used == [{"a": 1}, {"jsonrpc": "2.0", "id": "1", "result": 1}]


def test_the_members_of_a_request() -> None:
    shown: list[Any] = []
    for side in (original_plugin, own_plugin):
        request = side.Request(None, "1", "m", {"a": 1})
        request.own = [1]
        again = copy.copy(request)
        assert (again.own, again.params, again == {}) == ([1], {"a": 1}, True)
        shown.append({name: str(value) for name, value in vars(again).items()})
    del shown[0]["termination_tb"]
    assert shown[0] == shown[1]


def test_where_a_returned_answer_comes_from(plugin: Any) -> None:
    kept: list[Any] = []
    plugin._write_locked = lambda obj: None

    def keep(request: Any) -> None:
        kept.append(request)

    plugin.add_method("keep", keep)
    framer = plugin_module.Framer()
    framer.feed(CALL.replace(b'"m"', b'"keep"').replace(b'{"a": 1}', b"{}") + b"\n\n")
    plugin._serve(framer)
    assert "_serve" in kept[0].termination_tb
    with pytest.raises(ValueError, match=r"(?s)terminated at\n.*_serve"):
        kept[0].set_result(2)
