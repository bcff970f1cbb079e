"""What a run leaves behind: medians, the file, its name."""

from __future__ import annotations

import json

import pytest
from benches.suite.results import FormatError, load, save, slug

from clnwire.bench.load import medians
from tests.benches.sample import figures, results


def test_a_file_holds_what_was_saved(tmp_path):
    report = results(floor=5, clnwire=7)
    report.cases["start"].died["clightningjs"] = "it closed its stdout"
    save(report, tmp_path / "a.json")
    assert load(tmp_path / "a.json") == report


@pytest.mark.parametrize("text", ["", "{}", "[1, 2", '{"machine": {"cpu": "x"}}'])
def test_what_is_no_result_is_named(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(FormatError, match=r"a\.json: no result of this suite: "):
        load(path)


def test_another_format_is_named(tmp_path):
    path = tmp_path / "a.json"
    save(results(floor=5, clnwire=7), path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2}))
    with pytest.raises(FormatError, match="format 2, but this suite reads 1"):
        load(path)


def test_the_median_is_each_figures_own():
    rows = [figures(value) for value in (9, 1, 4)]
    assert medians(rows) == figures(4)
    # Throughput goes the other way: its median is not that of the same round.
    assert medians([figures(1), figures(4)]).messages_per_second == pytest.approx(625_000)


def test_what_was_not_measured_has_no_value():
    report = results(floor=5, clnwire=7)
    assert report.value("start", "clnwire", "manifest_ms") == 7
    assert report.value("start", "pyln-client", "manifest_ms") is None
    assert report.value("never", "clnwire", "manifest_ms") is None


@pytest.mark.parametrize(
    ("cpu", "name"),
    [
        ("Intel(R) Xeon(R) Processor", "intel-xeon"),
        ("Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", "intel-xeon-platinum-8481c"),
        ("AMD EPYC 7763 64-Core Processor", "amd-epyc-7763"),
        ("Intel(R) Core(TM) i7-1185G7 @ 3.00GHz", "intel-core-i7-1185g7"),
        ("", "unknown"),
    ],
)
def test_a_processors_name_fits_a_file(cpu, name):
    assert slug(cpu) == name


def test_the_file_is_named_by_day_and_processor():
    assert results(floor=1).file_name() == "2026-11-25-intel-xeon.json"
