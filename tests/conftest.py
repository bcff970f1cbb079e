"""What tests of all layers need."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

try:
    import hypothesis
except ImportError:
    # The wheels' tests have it; a fixture alone does not need it.
    pass
else:
    # A busy machine is slow, and that is no failure.
    slow = [hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large]
    hypothesis.settings.register_profile("clnwire", deadline=None, suppress_health_check=slow)
    hypothesis.settings.load_profile("clnwire")

# A shell and `nohup` let what runs in the background ignore these, and plugins that tests send them
# to would inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the protocol's captures and schemas, beside the checkout; skips without it.

    The environment variable CLNWIRE_SHARED names another place.
    """
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("CLNWIRE_SHARED", beside))
    if not folder.is_dir():
        pytest.skip(f"needs the shared captures and schemas, which are not at {folder}")
    return folder
