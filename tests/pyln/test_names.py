"""The names, signatures and attributes are those of the installed pyln-client."""

from __future__ import annotations

import inspect
import types
from typing import Any

import pytest

from tests.pyln.both import (
    original,
    original_lightning,
    original_plugin,
    own,
    own_lightning,
    own_plugin,
    parameters,
    unlogged,
)

CLASSES = (
    "Method",
    "MethodType",
    "Option",
    "Plugin",
    "PluginLogHandler",
    "PluginStream",
    "Request",
    "RequestState",
    "RpcException",
)


@pytest.mark.parametrize(
    ("theirs", "ours"), [(original_plugin, own_plugin), (original_lightning, own_lightning)]
)
def test_modules_have_the_names(theirs: Any, ours: Any) -> None:
    for name, value in vars(theirs).items():
        is_own = getattr(value, "__module__", theirs.__name__) == theirs.__name__
        if name.startswith("_") or isinstance(value, types.ModuleType) or not is_own:
            continue
        assert hasattr(ours, name), name


def test_package_has_the_names() -> None:
    lazy = {"Gossmap", "LnFeatureBits", "NodeVersion"}  # They come from an installed pyln-client.
    for name in set(original.__all__) - lazy:
        if not name.startswith(("Gossmap", "clnutils")):
            assert hasattr(own, name), name


@pytest.mark.parametrize("name", CLASSES)
def test_members(name: str) -> None:
    theirs, ours = getattr(original_plugin, name), getattr(own_plugin, name)
    for member, value in vars(theirs).items():
        if member.startswith("__") and member != "__init__":
            continue
        if member in ("_coerce_arguments",) or (member == "_write_result" and name == "Plugin"):
            continue
        assert hasattr(ours, member), member
        if inspect.isfunction(value):
            assert parameters(getattr(ours, member)) == parameters(value), member


def test_attributes_of_a_plugin() -> None:
    with unlogged():
        theirs, ours = original_plugin.Plugin(), own_plugin.Plugin()
    for name, value in vars(theirs).items():
        assert hasattr(ours, name), name
        if isinstance(value, (str, int, type(None))):
            assert getattr(ours, name) == value, name
        if isinstance(value, (dict, list)):
            assert list(getattr(ours, name)) == list(value), name
    # A plugin sets attributes of its own: no public one is added that could collide.
    public = {name for name in dir(ours) if not name.startswith("_")}
    assert public - {name for name in dir(theirs) if not name.startswith("_")} <= {
        "deprecated_apis"  # pyln-client's plugins have it from `getmanifest` on.
    }


def test_attributes_of_a_request_and_an_option() -> None:
    with unlogged():
        plugins = [original_plugin.Plugin(), own_plugin.Plugin()]
    members: list[Any] = []
    for side, plugin in zip((original_plugin, own_plugin), plugins, strict=True):
        request = side.Request(plugin, "1", "m", {"a": 1})
        plugin.add_option("o", 1, "text", "int", multi=True)
        option = plugin.options["o"]
        members.append(
            (
                {name: str(each) for name, each in vars(request).items() if name[0] != "_"},
                request == {},
                bool(request),
                request.termination_tb,
                vars(option),
                repr(option),
                option == side.Option(**vars(option)),
                option.json(),
            )
        )
        with pytest.raises(TypeError):
            hash(request)
        with pytest.raises(TypeError):
            hash(option)
    theirs, ours = members
    assert ours[1:] == theirs[1:]
    for name in ("id", "method", "params", "background", "origin", "state"):
        assert ours[0][name] == theirs[0][name]


def test_fallbacks_are_a_superset() -> None:
    theirs, ours = original_plugin.hook_fallbacks, own_plugin.hook_fallbacks
    assert theirs.items() <= ours.items()
    assert not {"db_write", "commitment_revocation"} & set(ours)


def test_dispatch_by_hand_raises_for_unknown_names() -> None:
    got: list[Any] = []
    for side in (original_plugin, own_plugin):
        with unlogged():
            plugin = side.Plugin(autopatch=False)
        for use, req_id in ((plugin._dispatch_request, 1), (plugin._dispatch_notification, None)):
            with pytest.raises(
                ValueError, match=r"^No (method|subscription for) m found\.$"
            ) as error:
                use(side.Request(plugin, req_id, "m", {}))
            got.append(str(error.value))
    assert got[:2] == got[2:]
