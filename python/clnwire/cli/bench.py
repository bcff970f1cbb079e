"""`clnwire bench`: measures how fast a plugin is, in any language."""

import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from msgspec import to_builtins

from clnwire.bench.load import Job, PluginFailedError
from clnwire.bench.measuring import Setup, ask_manifest, measure_all, runs
from clnwire.bench.plan import Wanted, plan
from clnwire.bench.results import BenchError, Results, load, ratios, save
from clnwire.cli import _bench_table
from clnwire.cli._arguments import (
    AsJson,
    File,
    PluginArguments,
    PluginOptions,
    Word,
    Words,
    argument,
    option,
)
from clnwire.cli._captures import bar
from clnwire.cli._completion import hook_names, topic_names
from clnwire.cli._failing import fail, print_json
from clnwire.cli._params import WordError, json_text
from clnwire.errors import ClnwireError
from clnwire.host.config import parse_words
from clnwire.host.errors import ManifestError
from clnwire.program import of_file

EXAMPLES = (
    ("clnwire bench ./plugin.py", "its hooks and subscriptions"),
    ("clnwire bench ./plugin.py --method hello --params '[\"Rusty\"]'", "a method"),
    ("clnwire bench ./plugin.py --hook htlc_accepted --event htlc.json", "with your own event"),
    (
        "clnwire bench ./plugin.py --save before.json",
        "keep the results, change the plugin, and then:",
    ),
    ("clnwire bench ./plugin.py --compare before.json", "compare with them"),
)
SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def bench(
    plugin: Annotated[Path, argument("PLUGIN", "The plugin's file, executable or .py.")],
    arguments: PluginArguments = None,
    hook: Annotated[
        Words, option("NAME", "Only this hook; may be repeated.", autocompletion=hook_names)
    ] = None,
    topic: Annotated[
        Words, option("NAME", "Only this topic; may be repeated.", autocompletion=topic_names)
    ] = None,
    method: Annotated[Word, option("NAME", "A method; it is really called.")] = None,
    params: Annotated[Word, option("JSON", "Its parameters, an array or object.")] = None,
    event: Annotated[
        Word, option("FILE|JSON", "The event of the one hook or topic. Default: a sample.")
    ] = None,
    expect: Annotated[Word, option("JSON", "The result that each answer must have.")] = None,
    settings: PluginOptions = None,
    rounds: Annotated[int, option("N", "How many rounds; medians are shown.", min=1)] = 5,
    seconds: Annotated[
        float, option("SECONDS", "For each case in each round.", min=0.001, max=3600)
    ] = 0.3,
    window: Annotated[int, option("N", "Messages in flight.", min=1, max=100_000)] = 64,
    core: Annotated[str, option("N|none", "The processor to measure on. Default: the last.")] = "",
    timeout: Annotated[
        float, option("SECONDS", "The longest wait for an answer.", min=0.1, max=3600)
    ] = 10.0,
    as_json: AsJson = False,
    save_to: Annotated[File, option("FILE", "Writes the results to a file.", "--save")] = None,
    compare: Annotated[File, option("FILE", "Compares with the results in a file.")] = None,
    plot: Annotated[File, option("FILE.svg", "Draws the results; needs matplotlib.")] = None,
) -> None:
    """Measures a plugin, in any language, with a native load generator that plays the daemon.

    The plugin gets made-up events thousands of times, so give it no options of one in use. Its
    methods are called only if you name one.

    Status 1: the plugin died or answered wrongly. Status 2: it could not be measured.
    """
    try:
        _check_files(save_to, plot)
        earlier = None if compare is None else load(compare)
        job = Job(
            mode="start",
            command=[*of_file(plugin), *(arguments or ())],
            seconds=seconds,
            window=window,
            core=_core(core),
            patience=timeout,
        )
        written = parse_words([f"--{word}" for word in settings or ()])
        setup = Setup(job=job, options=written, rounds=rounds)
        wanted = Wanted(
            hooks=hook or (),
            topics=topic or (),
            method=method,
            params=None if params is None else _json("--params", params),
            event=None if event is None else _event(event),
            expect=None if expect is None else _json("--expect", expect),
        )
        results = _measured(setup, plugin.name, wanted, hidden=as_json)
        _keep(results, earlier, save_to, plot)
    except (PluginFailedError, ManifestError) as error:
        fail("bench", str(error), 1, as_json=as_json)
    except ClnwireError as error:
        fail("bench", str(error), as_json=as_json)
    if as_json:
        report = {"ok": True, **to_builtins(results)}
        report |= {} if earlier is None else {"ratios": ratios(results, earlier)}
        print_json(report)
    else:
        checked = wanted.expect is not None
        sys.stdout.write(_bench_table.as_text(results, earlier, checked=checked))


def _measured(setup: Setup, name: str, wanted: Wanted, *, hidden: bool) -> Results:
    with _ended_by_signals():
        manifest = ask_manifest(setup, name)
        made = plan(manifest, wanted)
        total = setup.rounds * len(runs(made))
        with bar(f"measuring {name}", total, hidden=hidden) as advance:
            return measure_all(setup, name, manifest, made, advance)


@contextmanager
def _ended_by_signals() -> Generator[None, None, None]:
    """Ends the plugin with this process."""

    def end(number: int, _: object) -> None:
        raise typer.Exit(128 + number)

    before = {number: signal.signal(number, end) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _core(word: str) -> int | None:
    if word == "none" or sys.platform != "linux":
        return None
    usable = sorted(os.sched_getaffinity(0))
    if not word:
        # The first processors serve interrupts.
        return usable[-1]
    if not word.isdecimal() or int(word) not in usable:
        raise BenchError(
            f"--core must be none or one of {', '.join(map(str, usable))}, not '{word}'"
        )
    return int(word)


def _json(option: str, word: str) -> str:
    try:
        return json_text(word).decode()
    except WordError as error:
        raise BenchError(f"{option}: {error}") from None


def _event(word: str) -> str:
    """JSON, or the name of a file that holds it."""
    if word.lstrip()[:1] in ("{", "["):
        return _json("--event", word)
    try:
        return _json("--event", Path(word).read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BenchError(f"--event: {word}: {why}") from None


def _check_files(save_to: Path | None, plot: Path | None) -> None:
    """Refuses what cannot be written before anything is measured."""
    for name, path in (("--save", save_to), ("--plot", plot)):
        if path is not None and not path.absolute().parent.is_dir():
            raise BenchError(f"{name}: there is no folder {path.absolute().parent}")
        if path is not None and path.is_dir():
            raise BenchError(f"{name}: {path} is a folder; name a file")
    if plot is not None and plot.suffix != ".svg":
        raise BenchError(f"--plot writes SVG: give it a name that ends in .svg, not {plot.name}")
    if plot is not None and find_spec("matplotlib") is None:
        raise BenchError("--plot needs matplotlib: pip install 'clnwire[plot]'")


def _keep(
    results: Results, earlier: Results | None, save_to: Path | None, plot: Path | None
) -> None:
    if save_to is not None:
        save(results, save_to)
    if plot is not None:
        # matplotlib is slow to import.
        from clnwire.bench.plot import draw

        draw(results, earlier, plot)
