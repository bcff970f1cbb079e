"""A `Plugin` is what an author declares; what the daemon tells belongs to a run."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING

import pytest

from clnwire import NotReadyError, Plugin, Registry, UsageError
from clnwire.hooks import PeerConnected, PeerDisconnect
from clnwire.testing import BlockingHost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clnwire._runtime.run import Run

NAMES = {
    # What registers.
    *("background", "hook", "method", "every", "on_init", "on_shutdown", "option"),
    *("subscribe", "topic"),
    # What has been registered.
    *("custom_messages", "dynamic", "feature_bits", "hooks", "methods", "options"),
    *("subscriptions", "topics"),
    # What runs, and what is there while it does.
    *(
        "allow_deprecated_apis",
        "configuration",
        "disable",
        "include",
        "log",
        "notify",
        "rpc",
        "run",
        "run_on",
    ),
    "stopping",
}


def test_a_plugin_has_what_an_author_uses():
    plugin = Plugin()
    assert {name for name in dir(plugin) if not name.startswith("_")} == NAMES


def everything() -> Plugin:
    plugin = Plugin()
    level = plugin.option("level", 1, dynamic=True)
    plugin.topic("news")
    plugin.subscribe("block_added")(lambda event: None)
    plugin.method("level", thread=True)(lambda: level.value)

    @plugin.method("tries", thread=True)
    def tries() -> list[str]:
        plugin.notify("news", {})
        return [plugin.configuration.network, plugin.rpc.call("echo", ["it"])[0]]

    @plugin.on_init
    async def on_init() -> None:
        if level.value == 3:
            plugin.disable("three is too many")

    return plugin


def snapshot(plugin: Plugin) -> dict[str, object]:
    found = vars(plugin._definition)
    settings = plugin._definition.settings
    return {
        **{name: copy.copy(each) for name, each in found.items() if isinstance(each, (dict, list))},
        **{name: copy.copy(getattr(settings, name)) for name in settings.__slots__},
        "disabled": plugin._definition.disabled,
    }


def test_a_run_leaves_nothing_behind():
    plugin = everything()
    before, attributes = snapshot(plugin), {*vars(plugin)}
    for level in (5, 3, 6):
        with BlockingHost() as host:
            host.answer("echo", lambda params: params)
            running = host.start(plugin, {"level": level})
            assert (running.disabled is None) == (level != 3)
            if running.disabled is None:
                assert running.call("level") == level
                assert running.call("tries") == ["regtest", "it"]
                host.call("setconfig", {"config": "level", "val": 9})
                assert running.call("level") == 9
        assert snapshot(plugin) == before
        # The client is made when it is first used, and has nothing of a run.
        assert {*vars(plugin)} - {"_rpc"} == attributes
        # The host does not wait for the thread that it has told to end.
        deadline = time.monotonic() + 20
        while plugin._run is not None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert plugin._run is None
        for read in (lambda: plugin.options["level"].value, lambda: plugin.configuration):
            with pytest.raises(NotReadyError):
                read()
        with pytest.raises(NotReadyError):
            plugin.rpc.call("echo", {})


def test_a_default_that_a_handler_changes_is_that_of_the_run():
    plugin = Plugin()
    names = plugin.option("names", ["alice"], multi=True)

    @plugin.method("add")
    def add() -> list[str]:
        names.value.append("bob")
        return names.value

    for _ in range(2):
        with BlockingHost() as host:
            assert host.start(plugin).call("add") == ["alice", "bob"]


def test_nothing_is_registered_after_a_run():
    plugin = everything()
    with BlockingHost() as host:
        host.start(plugin)
    with pytest.raises(UsageError, match="method 'late': register it before run"):
        plugin.method("late")(lambda: None)


def test_what_other_sdks_call_it():
    plugin = Plugin()
    with pytest.raises(AttributeError, match=r"no attribute 'init'; use @plugin\.on_init"):
        plugin.init()  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"use plugin\.option\("):
        plugin.add_option  # type: ignore[attr-defined] # noqa: B018
    with pytest.raises(AttributeError, match=r"no attribute 'nonsense'$"):
        plugin.nonsense  # type: ignore[attr-defined] # noqa: B018
    assert not hasattr(plugin, "add_method")


class Node(Plugin):
    """An author's subclass with a property that cannot be read."""

    reads = 0

    @property
    def balance(self) -> int:
        self.reads += 1
        return self.funds.total  # type: ignore[attr-defined, no-any-return]


def test_an_error_in_a_property_of_a_subclass_names_what_is_missing():
    node = Node()
    with pytest.raises(AttributeError, match=r"^'Node' object has no attribute 'funds'$"):
        _ = node.balance
    assert node.reads > 0


class Ending(Plugin):
    """Its run ends in another thread as soon as the plugin has looked for it."""

    looks: Iterator[Run | None] = iter(())

    @property
    def _run(self) -> Run | None:
        return next(self.looks)

    @_run.setter
    def _run(self, run: Run | None) -> None:
        pass


def test_a_run_may_end_while_another_thread_uses_the_plugin():
    """Each function looks once for the present run: it finds it, or finds none."""
    ending = Ending()
    level = ending.option("level", 1)
    with BlockingHost() as host:
        host.answer("echo", lambda params: params)
        plugin = everything()
        host.start(plugin)
        run = plugin._run
        uses: list[tuple[Callable[[], object], object]] = [
            (lambda: level.value, 1),
            (lambda: ending.configuration.network, "regtest"),
            (lambda: ending.allow_deprecated_apis, False),
            (lambda: ending.rpc.call("echo", ["it"]), ["it"]),
            (lambda: ending.notify("news", {}), None),
        ]
        for use, found in uses:
            ending.looks = iter([run])
            assert use() == found
        ending.looks = iter([run])
        with pytest.raises(UsageError, match="before init is answered"):
            ending.disable("too late")


# Registries


def modular() -> tuple[Registry, Callable[[], Plugin]]:
    """A registry of a module, and what makes a plugin that includes it."""
    registry = Registry()
    limit = registry.option("limit", 7)
    news = registry.topic("news")

    @registry.method("limit")
    def get() -> list[object]:
        news.publish({"limit": limit.value})
        return [limit.value, registry.plugin.configuration.network]

    @registry.hook("peer_connected")
    def on_peer(event: PeerConnected) -> PeerDisconnect:
        return PeerDisconnect("no")

    @registry.subscribe("block_added")
    async def on_block(event: object) -> None:
        registry.plugin.log("a block")

    @registry.on_init
    def ready() -> None:
        registry.plugin.log("ready")

    @registry.every(1000)
    async def work() -> None:
        registry.plugin.log("round")

    @registry.on_shutdown
    def end() -> None:
        registry.plugin.log("bye")

    def make_plugin() -> Plugin:
        plugin = Plugin()
        plugin.method("own")(lambda: "own")
        plugin.include(registry)
        return plugin

    return registry, make_plugin


def test_a_plugin_has_what_its_registries_have():
    registry, make_plugin = modular()
    with pytest.raises(NotReadyError, match=r"plugin\.include\(registry\)"):
        _ = registry.plugin
    with pytest.raises(NotReadyError):
        _ = registry.options["limit"].value
    for limit in (5, 6):
        plugin = make_plugin()
        with BlockingHost() as host:
            running = host.start(plugin, {"limit": limit})
            assert running.call("limit") == [limit, "regtest"]
            assert running.wait_for_topic("news") == {"limit": limit}
            assert running.hook(PeerConnected) == PeerDisconnect("no")
            assert running.call("own") == "own"
            running.notify("block_added")
            for line in ("ready", "round", "a block"):
                running.wait_for_log(line)
            assert running.hang_up() == 0
            assert "bye" in running.log_text()


def test_what_a_registry_cannot_add():
    registry, make_plugin = modular()
    plugin = make_plugin()
    with pytest.raises(UsageError, match="once for each registry"):
        plugin.include(registry)
    with pytest.raises(UsageError, match=r"method 'late': register it before include\(\)"):
        registry.method("late")(lambda: None)
    with pytest.raises(
        UsageError, match=r"on_init function 'late': register it before include\(\)"
    ):

        @registry.on_init
        def late() -> None: ...

    other = Registry()
    other.method("limit")(lambda: None)
    other.subscribe("connect")(lambda event: None)
    before = snapshot(plugin)
    with pytest.raises(UsageError, match="method 'limit' is registered twice"):
        plugin.include(other)
    assert snapshot(plugin) == before
    ran = Plugin()
    with BlockingHost() as host:
        host.start(ran)
    with pytest.raises(UsageError, match=r"before run\(\)"):
        ran.include(other)
