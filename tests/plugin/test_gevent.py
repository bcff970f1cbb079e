"""With gevent's patch threads are greenlets: what needs a thread is refused at the start."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.process

PATCHED = """
import sys, types
gevent = types.ModuleType("gevent.monkey")
gevent.is_module_patched = lambda name: {threading}
sys.modules["gevent.monkey"] = gevent
"""

THREADED = """
@plugin.method("slow", thread=True)
def slow() -> int:
    return 1
"""


@pytest.mark.promise(
    "gevent's `patch_all()` turns threads into greenlets, which never run while the core waits",
    "a plugin with `thread=True` or plain background functions is refused at start, with the "
    "remedy",
)
@pytest.mark.parametrize(
    "body",
    [THREADED, "@plugin.background\ndef watch() -> None: ...\n"],
    ids=["thread", "background"],
)
def test_threads_that_would_never_run_are_refused(plugin, body):
    daemon = plugin(PATCHED.format(threading=True) + "plugin = Plugin()\n" + body)
    assert daemon.process.wait(20) == 1
    daemon.drain()
    assert "refused: gevent has replaced threads" in daemon.log_text()
    assert "patch_all(thread=False)" in daemon.log_text()


def test_other_plugins_run_with_gevent(plugin):
    for threading, body in ((False, THREADED), (True, THREADED.replace(", thread=True", ""))):
        daemon = plugin(PATCHED.format(threading=threading) + "plugin = Plugin()\n" + body)
        daemon.start()
        assert daemon.call("slow") == 1
        assert daemon.hang_up() == 0
