"""One plugin, started and asked, for machines too slow for the tests: needs no package but clnwire.

Run as `python -m tests.packaging.smoke`.
"""

from __future__ import annotations

import clnwire._core
from tests.daemon import Daemon
from tests.packaging.project import ROOT, version


def main() -> None:
    """Raises if anything is not as it should be."""
    if clnwire.__version__ != version():
        raise SystemExit(f"clnwire {clnwire.__version__} is installed, not {version()}")
    daemon = Daemon(ROOT / "examples" / "hello.py")
    try:
        daemon.start({"greeting": "Hello"})
        answer = daemon.call("hello", {"name": "wheel"})
        if answer != "Hello wheel":
            raise SystemExit(f"hello.py answered {answer!r}")
        if status := daemon.hang_up():
            raise SystemExit(f"hello.py ended with {status}")
    finally:
        daemon.close()
    print(f"clnwire {clnwire.__version__} works: {clnwire._core.__file__}")


if __name__ == "__main__":
    main()
