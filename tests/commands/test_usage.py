"""Every command against the usage that a running daemon prints of it, and the reserved names."""

from __future__ import annotations

import asyncio
import json
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from msgspec.structs import fields

from clnwire import Plugin, UsageError, commands
from clnwire._wire.facts import COMMANDS
from clnwire.commands._command import Command
from clnwire.host import Host, ManifestError
from commands_generator.usage import BACKEND
from tests.checking.test_rules import checked
from tests.host.raw import write_plugin

DIFFERENCES = {
    "getroutes": "[dev_algorithm] is for the daemon's developers",
    "invoice": "[dev-routes] is for the daemon's developers",
    "pay": "bolt11 is an alias of invstring, and has been there for longer",
    "plugin": "the daemon shows subcommands where others show a parameter",
}
"""Commands whose usage is another than the daemon's, and why."""

NOT_RUNNING = {
    "clnrest-register-path",
    "currencyconvert",
    "currencyrate",
    "fetchbip353",
    "getroute",
    "keysend",
    "listcurrencyrates",
    "renepay",
    "renepaystatus",
}
"""Commands with a schema that the node which printed the usages did not have."""


@pytest.fixture
def usages(shared: Path) -> dict[str, str]:
    lines: list[str] = json.loads((shared / "node/commands.json").read_text())
    assert len(lines) == 202
    return {line.split()[0]: line.strip() for line in lines}


def usage(command: Command) -> str:
    """As the daemon prints it, with the parameters' names in JSON."""
    parameters = [(each.encode_name, each.required) for each in fields(command.request)]
    return " ".join([command.method, *(n if needed else f"[{n}]" for n, needed in parameters)])


def generated() -> dict[str, Command]:
    modules = [each.name for each in iter_modules(commands.__path__) if each.name[0] != "_"]
    found = [import_module(f"{commands.__name__}.{name}").COMMAND for name in modules]
    return {each.method: each for each in found}


def test_the_parameters_are_those_that_the_daemon_takes(usages: dict[str, str]) -> None:
    ours = {name: usage(command) for name, command in generated().items()}
    assert ours.keys() - usages.keys() == NOT_RUNNING
    differing = {name for name in ours.keys() & usages.keys() if ours[name] != usages[name]}
    assert differing == set(DIFFERENCES)


def test_what_differs_does_so_in_nothing_else(usages: dict[str, str]) -> None:
    ours = generated()
    for name in ("getroutes", "invoice"):
        for_developers = [word for word in usages[name].split() if word.startswith("[dev")]
        words = [word for word in usages[name].split() if word not in for_developers]
        assert usage(ours[name]).split() == words
    pay = usages["pay"].replace(" invstring ", " bolt11 ").replace(" [dev_use_shadow]", "")
    assert usage(ours["pay"]) == pay


def test_all_names_are_reserved_at_registration(usages: dict[str, str]) -> None:
    assert usages.keys() - BACKEND <= COMMANDS
    for name in usages.keys() - BACKEND:
        with pytest.raises(UsageError, match=f"method '{name}': (lightningd|clnwire) "):
            Plugin().method(name)(lambda: None)


def test_a_bitcoin_backend_offers_what_the_daemon_s_own_does(usages: dict[str, str]) -> None:
    assert usages.keys() >= BACKEND
    plugin = Plugin()
    for name in BACKEND:
        plugin.method(name)(lambda: None)


def start(plugin: Path) -> None:
    async def run() -> None:
        async with Host() as host:
            await host.start(plugin)

    asyncio.run(run())


def offering(tmp_path: Path, name: str) -> Path:
    method = {"name": name, "usage": "", "description": "d"}
    return write_plugin(tmp_path, f'MANIFEST["rpcmethods"] = [{method}]')


@pytest.mark.parametrize("name", ["dev-memleak", "getinfo", "setpsbtversion"])
def test_the_host_and_the_check_refuse_what_the_daemon_refuses(tmp_path: Path, name: str) -> None:
    plugin = offering(tmp_path, name)
    with pytest.raises(ManifestError, match=f"'{name}' is already taken"):
        start(plugin)
    assert "CW006" in {each.rule.code for each in checked(plugin).findings}


@pytest.mark.parametrize("name", ["currencyconvert", "fetchbip353"])
def test_the_host_and_the_check_accept_what_the_daemon_accepts(tmp_path: Path, name: str) -> None:
    plugin = offering(tmp_path, name)
    start(plugin)
    assert "CW006" not in {each.rule.code for each in checked(plugin).findings}
