"""`docs/messages.md` is up to date with the Structs, and documents each of them."""

from __future__ import annotations

import pytest

from clnwire import hooks, messages, notifications
from clnwire.hooks._catalogue import HOOKS
from generate_messages import hook_facts
from tests.docs.generated import ROOT, assert_current


def test_the_page_is_current():
    assert_current("generate_messages.py")


@pytest.mark.parametrize("package", [hooks, notifications, messages])
def test_no_struct_is_left_out(package):
    page = (ROOT / "docs" / "messages.md").read_text()
    constants = {"CONTINUE", "Continue", "SentPart"}
    assert [name for name in package.__all__ if f"`{name}`" not in page] == sorted(
        constants & set(package.__all__) - {"CONTINUE"}
    )


@pytest.mark.parametrize("hook", sorted(HOOKS))
def test_each_hook_tells_what_happens_on_failure(hook):
    assert set(hook_facts(hook)) == {"Kind", "Safe answer", "Refusal", "Any other answer"}
