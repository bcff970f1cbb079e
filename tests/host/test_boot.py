"""A set of plugins, started as the daemon does when it boots."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from clnwire.host import (
    FatalAnswerError,
    Given,
    Host,
    HostError,
    ManifestError,
    Option,
    PluginDiedError,
    PluginOptionError,
    PluginSpec,
)
from tests.host.raw import MakePlugin


def offering(**members: Any) -> str:
    """The body of a plugin whose manifest has these members, and which logs what it gets."""
    return f"MANIFEST.update({members!r})\n" + LOUD


LOUD = """
def handle(message, handle=handle):
    log(message["TEXT"])
    handle(message)
def notified(message, notified=notified):
    log(message["TEXT"])
    notified(message)
"""


def option(name: str, **members: Any) -> dict[str, Any]:
    return {"name": name, "type": "string", "description": "d", **members}


def method(name: str) -> dict[str, Any]:
    return {"name": name, "usage": "", "description": "d"}


def specs(*paths: Path, important: bool = False) -> list[PluginSpec]:
    return [PluginSpec(path, important=important) for path in paths]


def test_all_are_asked_before_any_is_initialised(make: MakePlugin) -> None:
    frames: list[tuple[str, str, str]] = []

    def trace(direction: str, plugin: str, frame: bytes) -> None:
        frames.append((direction, plugin, json.loads(frame).get("method", "reply")))

    async def run() -> None:
        async with Host(on_trace=trace) as host:
            paths = [make(offering(hooks=["db_write"] if n else []), f"{n}.py") for n in range(3)]
            started = await host.start_all(specs(*paths), migrations=[["A"], ["B"]])
            assert [plugin.name for plugin in started] == ["0.py", "1.py", "2.py"]

    asyncio.run(run())
    sent = [entry[1:] for entry in frames if entry[0] == "in"]
    replies = [index for index, entry in enumerate(frames) if entry[2] == "reply"]
    assert sent == [
        *[(f"{n}.py", "getmanifest") for n in range(3)],
        *[(f"{n}.py", "db_write") for n in (1, 2, 1, 2)],
        *[(f"{n}.py", "init") for n in range(3)],
    ]
    first_write = frames.index(("in", "1.py", "db_write"))
    assert len([index for index in replies if index < first_write]) == 3
    first_init = frames.index(("in", "0.py", "init"))
    assert len([index for index in replies if index < first_init]) == 7


def test_options_go_to_the_plugin_that_has_them(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            one = make(offering(options=[option("greeting", default="World")]), "one.py")
            two = make(offering(options=[option("number", type="int")]), "two.py")
            await host.start_all(
                specs(one, two), {"greeting": Given("Hi", "config:1"), "number": "16"}
            )
            inits = {
                entry.plugin: entry.message for entry in host.logs if '"init"' in entry.message
            }
            assert '"options":{"greeting":"Hi"}' in inits["one.py"]
            assert '"startup":true' in inits["one.py"]
            assert host.plugins[1].settings["number"].text == b"16"

    asyncio.run(run())


def test_options_can_be_chosen_when_they_are_known(make: MakePlugin) -> None:
    seen: list[str] = []

    def choose(offered: Mapping[str, Option]) -> dict[str, object]:
        seen.extend(f"{name} {option.type}" for name, option in offered.items())
        return {"flag": True}

    async def run() -> None:
        async with Host() as host:
            options = [option("greeting"), option("flag", type="flag")]
            await host.load(specs(make(offering(options=options))))
            assert list(host.manifest_options()) == ["greeting", "flag"]
            await host.bring_up(choose)
            assert '"options":{"flag":true}' in host.logs[1].message

    asyncio.run(run())
    assert seen == ["greeting string", "flag flag"]


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"greting": "Hi"}, "no plugin has an option 'greting'; did you mean 'greeting'?"),
        ({"number": "many"}, "plugin 'p.py': option 'number' must be an integer"),
    ],
)
def test_options_that_end_the_host(make: MakePlugin, values: dict[str, str], match: str) -> None:
    async def run() -> None:
        async with Host() as host:
            options = [option("greeting"), option("number", type="int")]
            with pytest.raises(PluginOptionError, match=match.replace("?", r"\?")):
                await host.start_all(specs(make(offering(options=options), "p.py")), values)
            assert (await host.wait_stopped()).failed

    asyncio.run(run())


BAD: dict[str, str] = {
    "refused": offering(hooks=["no_such_hook"]),
    "dies": "sys.exit(3)",
    "hangs": "def handle(message):\n    pass",
    "garbage": 'def handle(message):\n    say("hello")',
    "half": 'def handle(message):\n    say(\'{"jsonrpc": "2.0", "id": "cln\')\n    sys.exit(1)',
    "floods": 'while True:\n    log("x" * 10000)',
    "dies in init": "def init(message):\n    sys.exit(5)",
    "hangs in init": "def init(message):\n    time.sleep(60)",
    "method": offering(rpcmethods=[method("mine")]),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_plugin_is_ended_and_the_others_run(make: MakePlugin, kind: str) -> None:
    good = offering(rpcmethods=[method("mine")])
    body = f"def answer(message):\n    return {{'by': {'good'!r}}}\n"

    async def run() -> None:
        async with Host(manifest_timeout=1, init_timeout=1) as host:
            paths = [make(good + body, "good.py"), make(BAD[kind], "bad.py")]
            started = await host.start_all(specs(*paths))
            assert [plugin.name for plugin in started] == ["good.py"]
            assert await host.call("mine") == {"by": "good"}
            assert any(entry.plugin == "bad.py" for entry in host.remarks)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("kind", "error"),
    [("refused", ManifestError), ("dies", PluginDiedError), ("dies in init", PluginDiedError)],
)
def test_a_bad_important_plugin_ends_the_host(
    make: MakePlugin, kind: str, error: type[HostError]
) -> None:
    async def run() -> None:
        async with Host() as host:
            with pytest.raises(error):
                await host.start_all(specs(make(BAD[kind], "bad.py"), important=True))
            stopped = await host.wait_stopped()
            assert stopped.failed
            assert "important plugin 'bad.py'" in stopped.reason

    asyncio.run(run())


@pytest.mark.parametrize(
    "body",
    [
        'MANIFEST = {"disable": "no wallet"}',
        'def init(message):\n    return {"disable": "no wallet"}',
    ],
    ids=["manifest", "init"],
)
def test_a_plugin_of_a_set_may_disable_itself_unless_it_is_important(
    make: MakePlugin, body: str
) -> None:
    async def run() -> None:
        async with Host() as host:
            assert await host.start_all(specs(make(body, "off.py"))) == []
            assert "disabled itself: no wallet" in host.remarks[-1].message
            match = r"important plugin 'off\.py' disabled itself: no wallet"
            with pytest.raises(HostError, match=match):
                await host.start_all(specs(make(body, "off.py"), important=True))
            assert "disabled itself" in (await host.wait_stopped()).reason

    asyncio.run(run())


def test_a_file_that_cannot_be_started_is_passed_over(make: MakePlugin, tmp_path: Path) -> None:
    missing = tmp_path / "none.py"

    async def run() -> None:
        async with Host() as host:
            started = await host.start_all(specs(missing, make("", "good.py")))
            assert [plugin.name for plugin in started] == ["good.py"]
            assert "there is no such file" in host.remarks[0].message
            with pytest.raises(HostError, match="there is no such file"):
                await host.start_all(specs(missing, important=True))
            assert (await host.wait_stopped()).failed

    asyncio.run(run())


def test_an_important_plugin_that_dies_later_ends_the_host(make: MakePlugin) -> None:
    body = offering(rpcmethods=[method("die")]) + "def answer(message):\n    sys.exit(9)"

    async def run() -> None:
        async with Host() as host:
            await host.start_all([*specs(make(body, "a.py"), important=True)])
            call = asyncio.ensure_future(host.call("die"))
            stopped = await host.wait_stopped()
            assert stopped.reason.startswith("important plugin 'a.py' exited with status 9")
            assert stopped.failed
            await asyncio.wait([call])
            assert call.exception() is not None

    asyncio.run(run())


CLASHES: dict[str, tuple[dict[str, Any], str]] = {
    "option": ({"options": [option("o")]}, "option 'o' is already taken by plugin 'a.py'"),
    "method": ({"rpcmethods": [method("m")]}, "method 'm' is already taken by plugin 'a.py'"),
    "hook": ({"hooks": ["db_write"]}, "hook 'db_write' is already taken by plugin 'a.py'"),
}


@pytest.mark.parametrize("dialect", ["current", "2019"])
@pytest.mark.parametrize("kind", CLASHES)
def test_clashes_between_plugins(make: MakePlugin, dialect: Any, kind: str) -> None:
    members, message = CLASHES[kind]
    answer = "def answer(message):\n    return " + ("True" if dialect == "2019" else repr(CONTINUE))
    paths = [make(offering(**members) + answer, name) for name in ("a.py", "b.py")]

    async def run() -> None:
        async with Host(dialect=dialect) as host:
            if kind == "option" and dialect == "current":
                with pytest.raises(ManifestError, match=message):
                    await host.start_all(specs(*paths))
                assert message in (await host.wait_stopped()).reason
            else:
                started = await host.start_all(specs(*paths))
                clashes = kind != ("hook" if dialect == "current" else "option")
                assert len(started) == (1 if clashes else 2)
                assert any(message in remark.message for remark in host.remarks) is clashes

    asyncio.run(run())


CONTINUE = {"result": "continue"}


def test_feature_bits_clash_between_plugins(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            paths = [
                make(offering(featurebits={"node": bits}), f"{bits}.py")
                for bits in ("40" + "00" * 20, "60" + "00" * 20, "20" + "00" * 20)
            ]
            started = await host.start_all(specs(*paths))
            assert [plugin.name[:2] for plugin in started] == ["40", "20"]
            assert "are announced already" in host.remarks[0].message
            init = next(entry.message for entry in host.logs if '"init"' in entry.message)
            features = json.loads(init)["params"]["configuration"]["feature_set"]
            assert features["node"].startswith("60000000")

    asyncio.run(run())


def test_topics_may_have_several_publishers(make: MakePlugin) -> None:
    announced = offering(notifications=[{"method": "mine"}])

    async def run() -> None:
        async with Host() as host:
            listener = offering(subscriptions=["mine", "theirs", "connect", "*"])
            paths = [make(announced, "a.py"), make(announced, "b.py"), make(listener, "c.py")]
            assert len(await host.start_all(specs(*paths))) == 3
            remarks = [entry.message for entry in host.remarks if entry.plugin == "c.py"]
            assert remarks == ["topic 'theirs' is not a known notification topic"]

    asyncio.run(run())


def test_starts_while_the_host_runs(make: MakePlugin) -> None:
    async def run() -> None:
        async with Host() as host:
            await host.start(make(offering(subscriptions=["plugin_started"]), "first.py"))
            await host.start(make(offering(), "second.py"), arguments=["x"])
            inits = [entry.message for entry in host.logs if '"method":"init"' in entry.message]
            assert '"startup":true' in inits[0]
            assert '"startup":false' in inits[1]
            entry = await host.wait_for_log('"plugin_name":"second.py"')
            assert entry.plugin == "first.py"

    asyncio.run(run())


def test_a_name_is_free_again_when_its_plugin_has_died(make: MakePlugin) -> None:
    body = offering(rpcmethods=[method("mine")], hooks=["recover"])

    async def run() -> None:
        async with Host() as host:
            first = await host.start(make(body, "a.py"))
            first.kill("test")
            await host.start(make(body, "b.py"))
            assert await host.call("mine") == CONTINUE
            assert await host.hook("recover", {}) == CONTINUE
            await host.start(make("", "a.py"))
            assert [plugin.name for plugin in host.plugins] == ["b.py", "a.py"]

    asyncio.run(run())


def test_a_refused_migration_ends_the_host(make: MakePlugin) -> None:
    bad = offering(hooks=["db_write"]) + 'def answer(message):\n    return {"result": "no"}'

    async def run() -> None:
        async with Host() as host:
            good = make(offering(hooks=["db_write"]), "good.py")
            with pytest.raises(FatalAnswerError, match=r"plugin .bad.py., hook db_write"):
                await host.start_all(specs(good, make(bad, "bad.py")))
            assert (await host.wait_stopped()).failed

    asyncio.run(run())
