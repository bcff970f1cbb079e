"""`clnwire check`: a linter for plugins in any language."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from typing import Annotated, Any, Literal, NoReturn

import typer
from msgspec import DecodeError, json

from clnwire._wire.nearest import did_you_mean
from clnwire.checking import RULES, Limits, Report, Rule, Target
from clnwire.checking import check as check_plugin
from clnwire.cli import _findings
from clnwire.cli._arguments import (
    AsJson,
    File,
    PluginArguments,
    PluginOptions,
    Word,
    Words,
    argument,
    flag,
    option,
)
from clnwire.cli._completion import rule_codes
from clnwire.cli._failing import fail, print_json
from clnwire.cli.pyln import PYTHONPATH, search_path
from clnwire.host import HostError
from clnwire.host.config import ConfigError, parse_words
from clnwire.host.plugins.launcher import command_line
from clnwire.host.rules.dialect import Name

DIALECTS: dict[str, tuple[Name, ...]] = {
    "both": ("current", "2019"),
    "current": ("current",),
    "2020": ("2020",),
    "2019": ("2019",),
}
EXAMPLES = (
    ("clnwire check ./plugin.py", "in today's dialect and that of 2019, by all rules"),
    ("clnwire check ./plugin --option url=http://localhost:8080", "one that needs an option"),
    (
        "clnwire check ./plugin.py --select CW3 --json",
        "the rules whose codes begin so, for programs",
    ),
    ("clnwire check ./plugin.py --with-pyln", "pyln-client or clnwire: what is different?"),
    ("clnwire check --explain CW302", "what a finding means, and what to do"),
)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_CALL = "Calls a method, with made-up parameters or these; '*' is all methods."


def check(
    plugin: Annotated[File, argument("PLUGIN", "Its file, executable or .py.")] = None,
    arguments: PluginArguments = None,
    settings: PluginOptions = None,
    select: Annotated[
        Words, option("CODES", "Only these rules: CW302, CW3, or names.", autocompletion=rule_codes)
    ] = None,
    ignore: Annotated[
        Words, option("CODES", "All rules but these.", autocompletion=rule_codes)
    ] = None,
    severity: Annotated[
        Literal["warning", "error"], option(None, "The least that is reported.")
    ] = "warning",
    dialect: Annotated[
        Literal["both", "current", "2020", "2019"] | None,
        option(None, "The daemon's dialect; otherwise both, if the plugin starts in both."),
    ] = None,
    timeout: Annotated[
        float, option("SECONDS", "For each answer, and for the end.", min=0.1)
    ] = Limits().timeout,
    slow_start: Annotated[
        float, option("SECONDS", "A start that takes longer is slow.", min=0)
    ] = Limits().slow_start,
    slow_hook: Annotated[
        float, option("SECONDS", "A hook's answer that takes longer is slow.", min=0)
    ] = Limits().slow_hook,
    call: Annotated[Words, option("METHOD[=JSON]", _CALL)] = None,
    with_pyln: Annotated[
        bool, flag("Checks it on pyln-client and on clnwire: what is different?", "--with-pyln")
    ] = False,
    as_json: AsJson = False,
    explain: Annotated[Word, option("CODE", "Explains a rule.", autocompletion=rule_codes)] = None,
) -> None:
    """Starts a plugin, in any language, and reports what would fail on a node.

    The plugin gets made-up events, so give it no options of one in use. Its methods are called
    only with --call.

    With --with-pyln the plugin is one that imports `pyln.client`. It is checked with the installed
    pyln-client and with clnwire in its place, and only what differs is printed.

    Status 1: there are findings, or differences. Status 2: it could not be checked.
    """
    if explain is not None:
        rules = _named("--explain", [explain])
        sys.stdout.write("\n".join(map(_findings.explanation, rules)))
        return
    if plugin is None:
        fail("check", "name the plugin: clnwire check PLUGIN", 2)
    started = perf_counter()
    try:
        wanted = chosen_rules(select, ignore, severity)
        options = parse_words([f"--{word}" for word in settings or ()])
        command_line(plugin)
        target = Target(plugin, arguments or (), options, _calls(call or ()))
        limits = Limits(timeout, slow_start, slow_hook)
        if with_pyln:
            _compare(target, DIALECTS[dialect or "current"], limits, wanted, as_json=as_json)
        report = _run(target, DIALECTS[dialect or "both"], limits, shown=not as_json)
    except HostError as error:
        fail("check", str(error), as_json=as_json)
    if dialect is not None:
        for name, why in report.other_daemon.items():
            report.note(f"{name}: not checked, the plugin is for another daemon: {why}")
    findings = report.chosen(wanted)
    seconds = perf_counter() - started
    if as_json:
        print_json(_findings.as_json(plugin.name, findings, report, seconds))
    else:
        sys.stdout.write(_findings.as_text(plugin.name, findings, report, seconds))
    raise typer.Exit(1 if findings else 0)


def _compare(
    target: Target, dialects: Sequence[Name], limits: Limits, wanted: list[Rule], *, as_json: bool
) -> NoReturn:
    """Checks the plugin with pyln-client and with clnwire, and prints what differs.

    Exits with status 1 if anything does.
    """
    reports: list[Report] = []
    for has_it in (False, True):
        os.environ[PYTHONPATH] = search_path(has_it=has_it)
        reports.append(_run(target, dialects, limits, shown=not as_json))
    found = _findings.differences(reports[0], reports[1], wanted)
    if as_json:
        print_json({"ok": not found, "differences": found})
    else:
        sys.stdout.write(
            _findings.differences_as_text(target.path.name, found, len(reports[1].answers))
        )
    raise typer.Exit(1 if found else 0)


def _calls(words: Sequence[str]) -> dict[str, bytes | None]:
    """Method → parameters. Raises `ConfigError`."""
    calls: dict[str, bytes | None] = {}
    for word in words:
        name, has_params, params = word.partition("=")
        try:
            given: Any = json.decode(params) if has_params else {}
        except (DecodeError, RecursionError) as error:
            raise ConfigError(f"--call {name}: the parameters are not JSON: {error}") from None
        if not isinstance(given, (dict, list)):
            raise ConfigError(f"--call {name}: the parameters must be a JSON object or an array")
        calls[name] = params.encode() if has_params else None
    return calls


def chosen_rules(select: Words, ignore: Words, severity: str) -> list[Rule]:
    """The selected rules. Raises `ConfigError` for an unknown code."""
    selected = list(RULES) if select is None else _named("--select", select)
    ignored = _named("--ignore", ignore or [])
    return [
        rule
        for rule in selected
        if rule not in ignored and (severity == "warning" or rule.severity == "error")
    ]


def _named(option: str, words: Sequence[str]) -> list[Rule]:
    """The rules whose codes begin so, and those of these names."""
    found: list[Rule] = []
    for code in filter(None, map(str.strip, ",".join(words).split(","))):
        wanted = code.lower()
        rules = [r for r in RULES if r.code.lower().startswith(wanted) or r.name == wanted]
        if not rules:
            known = [name for rule in RULES for name in (rule.code, rule.name)]
            raise ConfigError(f"{option}: there is no rule '{code}'{did_you_mean(code, known)}")
        found += rules
    return found


def _run(target: Target, dialects: Sequence[Name], limits: Limits, *, shown: bool) -> Report:
    """Runs the check; a signal ends the plugin as well."""
    came: list[int] = []

    async def main() -> Report:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def interrupt(number: int) -> None:
            # Cancel only at the first signal: the plugin's end that follows must not be cut short.
            came.append(number)
            if len(came) == 1:
                task.cancel()

        for number in SIGNALS:
            loop.add_signal_handler(number, interrupt, number)
        return await check_plugin(target, dialects, limits)

    with _busy(target.path.name, shown=shown):
        try:
            return asyncio.run(main())
        except asyncio.CancelledError:
            raise typer.Exit(128 + came[0]) from None


def _busy(name: str, *, shown: bool) -> AbstractContextManager[object]:
    """Shows on a terminal that the check is running."""
    if not shown or not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status(f"checking {name}")
