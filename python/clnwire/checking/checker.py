"""Checks all rules with one plugin: a few starts in each dialect, more if it dies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from clnwire.checking import catalogue as rules
from clnwire.checking import hooks, lifecycle, manifest, methods, output, reading, topics
from clnwire.checking.file import obstacles
from clnwire.checking.finding import Found, Report
from clnwire.checking.reading import MessageCutter
from clnwire.checking.session import CheckSession, Limits, Target
from clnwire.host.plugins.launcher import command_line

if TYPE_CHECKING:
    from clnwire.host.plugins.boot import Values
    from clnwire.host.rules.dialect import Name
    from clnwire.host.rules.manifest import HostHook, HostManifest

MOST_STARTS: Final = 40
"""The most starts in one dialect: bounds the check of a plugin that dies at every message."""
QUICK_START: Final = 10.0
"""The time-out of a start that may fail, as a multiple of the usual start's time."""
SHORTEST_START: Final = 3.0
"""The shortest such time-out in seconds, since the machine may be busy."""


async def check(
    target: Target, dialects: Sequence[Name] = ("current", "2019"), limits: Limits | None = None
) -> Report:
    """Checks a plugin in these dialects.

    If the plugin starts in the first dialect only, that is not a finding. Raises
    `HostError` if the file is missing or cannot be started, or if the plugin lacks a given option
    or method.
    """
    report = Report()
    if not _check_file(target, dialects, report):
        report.note("not started, as the daemon cannot start it either")
        return report
    for number, dialect in enumerate(dialects):
        await _Dialect(target, dialect, limits or Limits(), report).run(is_extra=number > 0)
    return report


def _check_file(target: Target, dialects: Sequence[Name], report: Report) -> bool:
    """Reports why the daemon cannot start the file; returns whether the host can."""
    runs_file = command_line(target.path)[0] == str(target.path.absolute())
    found = obstacles(target.path)
    for obstacle in found:
        for dialect in dialects:
            Found(report, dialect).add(obstacle.rule, "file", obstacle.message)
    # A `.py` that is not executable is run by this Python, whatever its first line names.
    is_fatal = any(obstacle.rule.severity == "error" for obstacle in found)
    return not (runs_file and is_fatal)


class _Dialect:
    """Checks in one dialect. When the plugin dies or hangs, a new session replaces its session."""

    def __init__(self, target: Target, dialect: Name, limits: Limits, report: Report) -> None:
        self._target, self._limits = target, limits
        self._dialect: Name = dialect
        self._report = report
        self._found = Found(report, dialect)
        self._is_extra = False
        self._where = ""
        self._live: CheckSession | None = None
        self._starts = 0
        self._seconds: list[float] = []
        self._fine: list[HostHook] = []
        """Hooks that have answered an ordinary event."""

    async def run(self, *, is_extra: bool) -> None:
        """Checks all rules. In an extra dialect, a plugin that does not start breaks no rule."""
        self._is_extra = is_extra
        try:
            offered = await self._first_start()
            if offered is not None:
                self._report.dialects.append(self._dialect)
                await self._go_through(offered)
        finally:
            await self._drop()
        lifecycle.check_speed(self._found, self._seconds, self._limits.slow_start)

    async def _first_start(self) -> HostManifest | None:
        trial = Report() if self._is_extra else self._report
        session = await self._begin(Found(trial, self._dialect))
        if session is not None:
            for finding in trial.findings if self._is_extra else ():
                self._report.add(finding)
            return session.plugin.manifest
        if self._report.dialects and trial.findings:
            first = trial.findings[0]
            self._report.other_daemon[self._dialect] = f"{first.where}: {first.message}"
        return None

    async def _go_through(self, offered: HostManifest) -> None:
        manifest.check_accepted(self._found, offered, self._dialect)
        self._at("start")
        for hook in offered.hooks.values():
            self._at(f"hook {hook.name}")
            if await hooks.check(self._found, self._ready, hook):
                self._fine.append(hook)
        self._at("topics")
        await topics.check(self._found, self._ready)
        if self._dialect == "current":
            await self._check_options_and_methods(offered)
        await self._end(lifecycle.end_by_eof)
        if self._dialect == "current":
            if any(finding.rule is rules.ENDS_UNASKED for finding in self._report.findings):
                # Whether such a plugin starts proves nothing.
                self._found.note("not checked, the plugin ends by itself: messages in other forms")
            else:
                await self._start_otherwise(offered)
            if reading.passes_callers_bytes(offered) and (session := await self._ready()):
                await reading.check_malformed(self._found, session, offered.methods)
                await self._drop()

    async def _check_options_and_methods(self, offered: HostManifest) -> None:
        for option in offered.options.values():
            if session := await self._ready(f"setconfig {option.name}"):
                await methods.check_setconfig(self._found, session, option)
        for method in offered.methods.values() if offered.cancheck else ():
            if session := await self._ready(f"method {method.name}"):
                await methods.check_method(self._found, session, method)
        for name, params in methods.chosen(self._target, offered.methods).items():
            if session := await self._ready(f"method {name}"):
                await methods.call_method(self._found, session, offered.methods[name], params)

    async def _start_otherwise(self, offered: HostManifest) -> None:
        """Starts with messages in pieces and all options set, and again with blank lines."""
        written = methods.spelled_out(offered)
        numbers = methods.in_hexadecimal(offered)
        delivery = MessageCutter(in_pieces=True)
        if not await self._starts_with(delivery, {**written, **numbers}):
            await self._blame(rules.NEEDS_WHOLE_READS, "in pieces", MessageCutter(in_pieces=True))
            await self._blame(rules.OPTIONS_FAIL, f"with {_shown(written)}", values=written)
            await self._blame(rules.HEX_FAILS, f"with {_shown(numbers)}", values=numbers)
            await self._starts_with(delivery := MessageCutter(), None)
        delivery.in_pieces = False
        if self._live is not None:
            await reading.check_pairs(self._found, self._live, self._fine, delivery)
            is_told = not {"shutdown", "*"}.isdisjoint(offered.subscriptions)
            await self._end(lifecycle.end_by_shutdown if is_told else lifecycle.end_by_eof)
        if reading.passes_white_space(offered):
            blank_lines = MessageCutter(blank_lines=True)
            await self._blame(rules.TRIPS_ON_BLANK_LINES, "with blank lines", blank_lines)

    async def _blame(
        self,
        rule: rules.Rule,
        how: str,
        delivery: MessageCutter | None = None,
        values: Values | None = None,
    ) -> None:
        """Reports the rule if the plugin does not start like this."""
        if delivery is None and not values:
            return
        why = Report()
        if not await self._starts_with(delivery, values, Found(why, self._dialect)):
            reasons = [finding.message for finding in why.findings]
            self._found.add(rule, "start", f"{how}: {reasons[0] if reasons else 'does not run'}")
        await self._drop()

    async def _starts_with(
        self, delivery: MessageCutter | None, values: Values | None, found: Found | None = None
    ) -> bool:
        # The first start has already reported logs and stray replies; do not report them again.
        self._at("")
        usual = min(self._seconds, default=self._limits.timeout)
        timeout = min(self._limits.timeout, max(SHORTEST_START, QUICK_START * usual))
        unseen = found or Found(Report(), self._dialect)
        return await self._begin(unseen, delivery, values, timeout) is not None

    async def _ready(self, where: str | None = None) -> CheckSession | None:
        """A session whose plugin runs; starts the plugin again if it has ended.

        `where` is the place to which further remarks and stray replies belong.
        """
        if where is not None:
            self._at(where)
        if self._live is not None and self._live.usable:
            if self._live.plugin.death is None:
                return self._live
            await lifecycle.end_by_eof(self._live, self._found)
        return await self._begin(self._found)

    async def _begin(
        self,
        found: Found,
        delivery: MessageCutter | None = None,
        values: Values | None = None,
        timeout: float | None = None,
    ) -> CheckSession | None:
        await self._drop()
        if self._starts == MOST_STARTS:
            self._found.note(f"not checked to the end: it was started {MOST_STARTS} times")
            return None
        self._starts += 1
        self._live = session = CheckSession(
            self._target, self._dialect, self._limits, delivery, timeout
        )
        if not await lifecycle.start(session, found, values):
            await self._drop()
            return None
        if session.watch.init_seconds is not None and delivery is None:
            self._seconds.append(session.watch.init_seconds)
        return session

    async def _end(self, how: Callable[[CheckSession, Found], Awaitable[None]]) -> None:
        if self._live is not None and self._live.usable:
            await how(self._live, self._found)
        await self._drop()

    async def _drop(self) -> None:
        self._collect()
        session, self._live = self._live, None
        if session is not None:
            self._report.starts += 1
            self._report.messages += session.watch.sent
            for request, reply in session.answers():
                self._report.answers.setdefault(request, reply)
            await session.end()

    def _at(self, where: str) -> None:
        """Sets the place to which further remarks and stray replies belong."""
        self._collect()
        self._where = where

    def _collect(self) -> None:
        """Reports the host's remarks and the stray replies since the last call."""
        session = self._live
        if session is None or not self._where:
            return
        output.report_stray(self._found, session, self._where)
        for remark in session.new_remarks(*output.BY_REMARK):
            rule, place = output.BY_REMARK[remark.kind]
            if not (place and self._is_extra):  # The first dialect's report has the manifest.
                self._found.add(rule, place or self._where, remark.message)


def _shown(values: Values) -> str:
    return " ".join(f"--{name}={value}" for name, value in values.items())
