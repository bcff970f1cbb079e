"""The journal's writer under faults: nothing that it has acknowledged is lost."""

from __future__ import annotations

from pathlib import Path

from clnwire.journal import Journal, read
from tests.faults.outcome import AS_ASKED, ENDED, UNHARMED, BrokenPromiseError, Faults, Outcome
from tests.faults.program import READY, said_by

SETS = 12
WRITER = (
    "import sys\n"
    + READY
    + """
from clnwire.journal import Journal, JournalError

try:
    journal = Journal.create(
        sys.argv[1], sequence=0, chain=bytes(32), segment_bytes=8192, durability="power-loss"
    )
    for number in range(1, int(sys.argv[2]) + 1):
        # The third is written in pieces, and those after it need new segments.
        journal.append(number, 1, True, b"%d" % number * (40_000 if number == 3 else 700))
        print(number, flush=True)
    journal.close()
except (JournalError, OSError) as error:
    print(f"{type(error).__name__}: {error}", file=sys.stderr)
    sys.exit(3)
"""
)


def run(folder: Path, faults: Faults) -> Outcome:
    """Appends sets under faults, and then reads what is there. Raises `BrokenPromiseError`."""
    path = folder / "journal"
    status, lines, errors = said_by(WRITER, folder, faults, path, str(SETS))
    acknowledged = int(lines[-1]) if lines else 0
    _check(path, acknowledged)
    if status == 0 and acknowledged == SETS:
        return Outcome(UNHARMED, errors)
    if faults.ends and status < 0:
        return Outcome(AS_ASKED)
    if status == 0 or "Error" not in errors or "Traceback" in errors:
        raise BrokenPromiseError(f"it ended with {status} after set {acknowledged}: {errors}")
    return Outcome(ENDED, f"{status}: {errors}")


def _check(path: Path, acknowledged: int) -> None:
    if not acknowledged and not list(path.glob("*")):
        return
    try:
        # It repairs what is torn. Without it a reader ends before that.
        with_end = Journal.open(path, segment_bytes=8192)
    except Exception as error:
        if acknowledged:
            raise BrokenPromiseError(
                f"after set {acknowledged} it cannot be opened: {error}"
            ) from error
        return
    last = with_end.sequence
    if last < SETS:
        with_end.append(last + 1, 1, True, b"more")
    with_end.close()
    sets = {each[0]: bytes(each[3]) for each in read(path, 0)}
    if not acknowledged <= last <= acknowledged + 1:
        raise BrokenPromiseError(
            f"the last set is {last}, and the last acknowledged {acknowledged}"
        )
    for number in range(1, last + 1):
        if sets.get(number) != b"%d" % number * (40_000 if number == 3 else 700):
            raise BrokenPromiseError(f"set {number} is not as it was written")
