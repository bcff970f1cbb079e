"""Measures the cases in turn in each round, so that a slow minute affects all of them."""

import datetime
import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from msgspec import Struct, structs

from clnwire import __version__
from clnwire.bench.load import Job, PluginFailedError, Report, measure, medians
from clnwire.bench.load.messages import init
from clnwire.bench.load.running import RPC_FILE
from clnwire.bench.plan import Case, Plan, Settings
from clnwire.bench.results import BenchError, BenchMethod, ResultRow, Results, Start, machine
from clnwire.host import empty_node
from clnwire.host.config import Written, plugin_options
from clnwire.host.rules.manifest import HostManifest, ReservedNames, check_manifest
from clnwire.host.rules.options import init_options
from clnwire.testing import BlockingHost

SHOWN_WORDS: Final = 300
"""The most characters to show of a line from the plugin's stderr."""
_PREFIX: Final = "clnwire-bench-"
_FRAME: Final = re.compile(r"\s*(?:\d+: |at )")
"""A line of a backtrace, as Rust and JavaScript print it."""
_TELLING: Final = re.compile(r"error|exception|panic|fatal", re.IGNORECASE)


class Setup(Struct, frozen=True, kw_only=True):
    """The plugin, and how it is measured."""

    job: Job
    """What all runs share: the plugin's command, how long a run is, and where."""
    options: Sequence[Written] = ()
    """Values for the plugin's own options, as a user writes them."""
    rounds: int = 5

    def run(self, what: str, folder: str, **settings: Any) -> Report:
        """Runs the plugin once. The error names `what`, and has the plugin's last words."""
        try:
            return measure(structs.replace(self.job, folder=folder, **settings))
        except PluginFailedError as error:
            raise PluginFailedError(
                f"{what}: {error}{last_words(error.stderr)}", error.stderr
            ) from None


def last_words(stderr: Sequence[str]) -> str:
    """The most telling line. Some runtimes write a backtrace or their version after it."""
    lines = [line for line in stderr if not _FRAME.match(line)] or stderr
    telling = [line for line in lines if _TELLING.search(line)] or lines
    if not telling:
        return ""
    return f"; it said on stderr: {telling[-1].strip()[:SHOWN_WORDS]}"


def ask_manifest(setup: Setup, name: str) -> HostManifest:
    """Starts the plugin for its manifest alone, and ends it.

    Raises `LoadError`, `PluginFailedError`, `ManifestError`, and `BenchError` if the plugin has
    disabled itself.
    """
    with TemporaryDirectory(prefix=_PREFIX) as folder:
        report = setup.run("getmanifest", folder, mode="manifest")
    manifest = check_manifest(name, bytes(report.manifest), ReservedNames())
    if manifest.disable is not None:
        raise BenchError(f"the plugin does not want to run: {manifest.disable}")
    return manifest


def measure_all(
    setup: Setup, name: str, manifest: HostManifest, plan: Plan, on_run: Callable[[int], object]
) -> Results:
    """Runs all rounds of all cases; calls `on_run` with the number of runs after each.

    Raises `HostError` for options that do not fit, `LoadError`, and `PluginFailedError`.
    """
    given = plugin_options(setup.options, manifest.options)
    options = init_options(name, manifest, given).decode()
    here, job = machine(), setup.job
    reports: dict[tuple[str, str], list[Report]] = defaultdict(list)
    number = 0
    # An empty node, for plugins that call the daemon.
    with BlockingHost(shutdown_timeout=0) as node:
        empty_node.register(node.host)
        node.serve()
        for what, settings in runs(plan) * setup.rounds:
            # Each run has a daemon's directory without the files of earlier ones.
            with TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as folder:
                (Path(folder) / RPC_FILE).symlink_to(node.rpc_path)
                told = init(folder, options)
                many = f", {job.window} in flight" if settings["mode"] == "window" else ""
                words = f"{what}{many}"
                report = setup.run(words, folder, init=told, **plan.common, **settings)
            reports[what, settings["mode"]].append(report)
            number += 1
            on_run(number)
    every = [report for each in reports.values() for report in each]
    return Results(
        plugin=name,
        date=datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        clnwire=__version__,
        machine=here,
        method=BenchMethod(setup.rounds, job.seconds, job.window, job.core),
        rows={case.name: _row(case, reports) for case in plan.cases},
        start=Start(
            _median([report.manifest_ms for report in every]),
            _median([report.idle_memory_kb for report in every]),
            max(report.peak_memory_kb for report in every),
        ),
        not_measured=plan.notes,
    )


def runs(plan: Plan) -> list[tuple[str, Settings]]:
    """The runs of a round, each with the name of the case."""
    found = [
        (case.name, settings)
        for case in plan.cases
        for settings in (case.one, case.many)
        if settings is not None
    ]
    return found or [("init", {"mode": "start"})]


def _row(case: Case, reports: Mapping[tuple[str, str], Sequence[Report]]) -> ResultRow:
    """The medians of a case; the reports are by its name and mode."""

    def middle(settings: Settings) -> Any:
        return medians([report.all_figures() for report in reports[case.name, settings["mode"]]])

    return ResultRow(middle(case.many), None if case.one is None else middle(case.one))


def _median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 3)
