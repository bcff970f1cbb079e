"""The results of a bench, the machine that they are of, and their file."""

import os
import platform
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct, field, structs

from clnwire._wire.codec import UNDECODABLE
from clnwire.bench.load import Figures
from clnwire.errors import ClnwireError

FORMAT: Final = 1
"""The file format's version. Raise it when older files can no longer be read."""


class BenchError(ClnwireError):
    """The request makes no sense for this plugin; the message says what to do instead."""


class Machine(Struct, frozen=True):
    """The machine that the bench ran on."""

    cpu: str
    system: str
    cores: int
    load: float
    """The load average before the bench."""


def machine() -> Machine:
    """This machine, with its current load."""
    return Machine(cpu_name(), system_name(), os.cpu_count() or 1, round(os.getloadavg()[0], 1))


def cpu_name() -> str:
    """The processor's model, as far as the kernel tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or "unknown"


def system_name() -> str:
    """The kernel with its release, and the architecture."""
    return f"{platform.system()} {platform.release()} {platform.machine()}"


class BenchMethod(Struct, frozen=True):
    """How the plugin was measured."""

    rounds: int
    seconds: float
    """The length of each run, without its warm-up."""
    window: int
    """The number of messages in flight in runs with more than one."""
    core: int | None
    """The processor that plugin and load generator shared."""


class ResultRow(Struct, frozen=True):
    """A hook, method or topic: the medians of the rounds."""

    many: Figures
    """With a window of messages in flight."""
    one: Figures | None = None
    """With one in flight; a topic has no answers."""

    @property
    def processor_us(self) -> float:
        """The plugin's processor time per message, with one in flight if that was measured."""
        return (self.one or self.many).processor_us


class Start(Struct, frozen=True):
    """The plugin's figures at its start: medians of all runs."""

    manifest_ms: float
    """From exec to the manifest."""
    idle_memory_kb: float
    """The peak, before the first message."""
    peak_memory_kb: float
    """The peak of the run that took most."""


class Results(Struct, kw_only=True):
    """All results of a bench."""

    plugin: str
    """Its file's name."""
    date: str
    clnwire: str
    """The version."""
    machine: Machine
    method: BenchMethod
    rows: dict[str, ResultRow]
    start: Start
    not_measured: list[str] = field(default_factory=list[str])
    """What was left out, and why."""
    format: int = FORMAT


def ratios(new: Results, old: Results) -> dict[str, dict[str, dict[str, float]]]:
    """The ratios of new to old, by row, by `one` or `many`, and by figure that both have."""
    return {
        name: {
            part: found
            for part in ("one", "many")
            if (found := _ratios(getattr(row, part), getattr(old.rows[name], part)))
        }
        for name, row in new.rows.items()
        if name in old.rows
    }


def _ratios(new: Figures | None, old: Figures | None) -> dict[str, float]:
    if new is None or old is None:
        return {}
    before = structs.asdict(old)
    return {
        name: round(value / before[name], 4)
        for name, value in structs.asdict(new).items()
        if before[name]
    }


def save(results: Results, path: Path) -> None:
    """Writes the file, a figure a line. Raises `OSError`."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")


def load(path: Path) -> Results:
    """Reads it again. Raises `BenchError`."""
    try:
        results = msgspec.json.decode(path.read_bytes(), type=Results)
    except OSError as error:
        raise BenchError(f"{path}: cannot be read: {error.strerror}") from None
    except UNDECODABLE as error:
        raise BenchError(
            f"{path}: nothing that clnwire bench --save has written: {error}"
        ) from None
    if results.format != FORMAT:
        raise BenchError(f"{path}: it has format {results.format}, this clnwire reads {FORMAT}")
    return results
