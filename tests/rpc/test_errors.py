"""clnwire's exceptions get through to another process, as those of a pool's tasks have to."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest

from clnwire import errors
from clnwire.host import errors as host_errors

ERRORS = [
    errors.ConnectionLostError("broke", may_have_run=True),
    errors.CallTimeoutError("late", may_have_run=False),
    errors.RpcError(-1, "refused", {"a": 1}),
    errors.ReplyError("no JSON"),
    errors.InvalidAnswerError("none"),
    host_errors.PluginDiedError("p.py", "exited", ["1", "2"], "exited"),
    host_errors.ManifestError("p.py", "options[0]", "must be", clash="option"),
    host_errors.FatalAnswerError("p.py", "db_write", "is wrong"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_is_the_same_in_another_process(
    error: Exception, again: Callable[[Exception], Exception]
) -> None:
    copied = again(error)
    assert type(copied) is type(error)
    assert str(copied) == str(error)
    assert copied.args == error.args
    assert vars(copied) == vars(error)
