"""A peer that cannot be had is absent with the reason, in one line."""

from __future__ import annotations

import sys

import pytest
from benches.suite.peers import AbsentError, environment, execute


def test_a_client_that_is_not_installed_is_named():
    with pytest.raises(AbsentError, match=r"^no-such-client is not installed$"):
        execute(["no-such-client", "install"])


def test_what_a_client_says_last_is_the_reason():
    code = "import sys; sys.exit('first line\\nerror: no such package')"
    with pytest.raises(AbsentError, match=r"^python\S* failed: error: no such package$"):
        execute([sys.executable, "-c", code])


def test_a_client_that_says_nothing_is_reported_too():
    with pytest.raises(AbsentError, match=r"^python\S* failed: no reason given$"):
        execute([sys.executable, "-c", "raise SystemExit(1)"])


def test_an_environment_has_nothing_of_this_one(tmp_path, monkeypatch):
    monkeypatch.setattr("benches.suite.peers.TARGET", tmp_path)
    with pytest.raises(AbsentError, match=r"^python failed: "):
        environment("empty", tmp_path / "no-such-package")
    python = tmp_path / "environments" / "empty" / "bin" / "python"
    assert "False" in execute(
        [python, "-c", "import importlib.util as u; print(bool(u.find_spec('msgspec')))"]
    )
