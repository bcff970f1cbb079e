"""The plots: the same bytes each time, and all that was measured is in them."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from benches.suite import plots
from benches.suite.cases import round_trip, window

from clnwire.bench import svg as look
from tests.benches.sample import results


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    pytest.importorskip("matplotlib", reason="needs matplotlib, which `make bench-quick` installs")
    report = results(floor=5, clnwire=10, pyln_client=1000, cln_plugin=40, clightningjs=80)
    for case in (round_trip("1 MB"), window("0.4 kB")):
        del report.cases[case].figures["clightningjs"]
        report.cases[case].died["clightningjs"] = "wrong reply"
    first, second = (plots.draw(report, tmp_path_factory.mktemp("plots")) for _ in range(2))
    return {
        path.name: (path.read_text(), other.read_text())
        for path, other in zip(first, second, strict=True)
    }


def texts(svg: str) -> list[str]:
    found = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return ["".join(element.itertext()).strip() for element in found]


@pytest.mark.parametrize("name", [plots.LATENCY, plots.THROUGHPUT, plots.PROCESSOR])
def test_a_plot_is_the_same_each_time_and_names_all(drawn, name):
    first, second = drawn[name]
    assert first == second
    assert {"floor", "clnwire", "pyln-client", "cln-plugin", "clightningjs"} <= set(texts(first))
    assert "2026" not in first, "a date would change it every day"


def test_the_figures_are_those_of_the_results(drawn):
    assert {"200", "100", "1", "25", "failed"} <= set(texts(drawn[plots.THROUGHPUT][0]))
    assert {"2.5", "5", "500", "20", "40"} <= set(texts(drawn[plots.PROCESSOR][0]))
    assert {"0.4 kB", "2.4 kB", "12 kB", "1 MB", "10 µs", "1 ms"} <= set(
        texts(drawn[plots.LATENCY][0])
    )


def test_there_is_no_background_and_no_black_text(drawn):
    for svg, _ in drawn.values():
        assert f"fill: {look.TEXT}" in svg
        assert "fill: #ffffff" not in svg
        assert "#000000" not in svg
