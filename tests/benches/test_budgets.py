"""Budgets are judged by the figures that they speak of."""

from __future__ import annotations

import pytest
from benches.suite.budgets import BUDGETS, LIBPLUGIN, judge
from benches.suite.cases import METHOD, START, round_trip, window
from benches.suite.results import DROP_IN, RAW

from tests.benches.sample import figures, results


def verdict(report, name):
    (found,) = [verdict for verdict in judge(report) if verdict.budget.name == name]
    return found


def test_every_budget_can_be_met_and_missed():
    near, far = {"floor": 10, "clnwire": 10, "pyln_client": 1000}, {"clnwire": 900}
    good, bad = results(**near), results(**near | far)
    good_raw, bad_raw = figures(10), figures(900)
    for report, raw in ((good, good_raw), (bad, bad_raw)):
        for outcome in report.cases.values():
            outcome.figures |= {RAW: raw, DROP_IN: raw}
    assert [one.met for one in judge(good)] == [True] * len(BUDGETS)
    assert [one.met for one in judge(bad)] == [False] * len(BUDGETS)


@pytest.mark.parametrize(("microseconds", "met"), [(14.0, True), (14.1, False)])
def test_a_ratio_to_the_floor(microseconds, met):
    found = verdict(results(floor=10, clnwire=microseconds), "round trip, typed, 0.4 kB")
    assert (found.met, found.budget.text()) == (met, "≤ 1.4 × floor")
    assert found.to_floor == pytest.approx(microseconds / 10)


@pytest.mark.parametrize(("microseconds", "met"), [(14.0, True), (14.2, False)])
def test_an_excess_of_the_floor(microseconds, met):
    # The sample's CPU time is half of the round trip: floor 5 µs, limit 7 µs.
    found = verdict(results(floor=10, clnwire=microseconds), "CPU a message, 0.4 kB")
    assert (found.met, found.budget.text()) == (met, "≤ floor + 2 µs")


@pytest.mark.parametrize(
    ("floor", "pyln", "met"), [(8, 400, True), (8, 300, False), (6, 400, False)]
)
def test_both_limits_must_hold(floor, pyln, met):
    found = verdict(results(floor=floor, clnwire=10, pyln_client=pyln), "window of 64, 0.4 kB")
    assert found.met is met
    assert found.budget.text() == "≥ 0.7 × floor, ≥ 35 × pyln-client"
    assert found.to_pyln == pytest.approx(pyln / 10)


def test_without_a_figure_nothing_is_judged():
    without_pyln = results(floor=10, clnwire=10)
    assert verdict(without_pyln, "exec to manifest").met is None
    assert verdict(without_pyln, "window of 64, 0.4 kB").met is None
    without_ours = results(floor=10)
    assert {one.met for one in judge(without_ours)} == {None}
    assert verdict(without_ours, "method, round trip").text() == "not measured"


def test_who_does_better_is_named():
    report = results(floor=10, clnwire=20, pyln_client=50, cln_plugin=15)
    assert verdict(report, "method, round trip").better == ("cln-plugin",)
    assert verdict(report, "notifications").better == ("cln-plugin",)
    del report.cases[METHOD].figures["cln-plugin"]
    assert verdict(report, "method, round trip").better == ()
    # The floor does better too, but is not an SDK.
    assert verdict(report, "exec to manifest").better == ("cln-plugin",)


def test_libplugin_is_compared_by_its_ratio_to_the_floor():
    assert verdict(results(floor=10, clnwire=27), "round trip, typed, 0.4 kB").better == ()
    slow = results(floor=10, clnwire=29)
    assert verdict(slow, "round trip, typed, 0.4 kB").better == (LIBPLUGIN,)
    assert verdict(slow, "window of 64, 0.4 kB").better == (LIBPLUGIN,)
    assert verdict(slow, "window of 64, 2.4 kB").better == ()


def test_every_budget_speaks_of_a_case_of_the_suite():
    report = results(floor=1, clnwire=1)
    assert {budget.case for budget in BUDGETS} <= set(report.cases)
    assert {round_trip("1 MB"), window("2.4 kB"), START} <= {budget.case for budget in BUDGETS}
