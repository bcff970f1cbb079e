"""The measured plugin with a journal: a `db_write` handler that keeps each set before it goes on.

CLNWIRE_BENCH_FORM is `continue` for one that keeps nothing, or a durability. CLNWIRE_BENCH_JOURNAL
is the journal's directory, which must not be there yet.
"""

import os
from itertools import count

import msgspec

from clnwire import Plugin
from clnwire.hooks import CONTINUE, Continue
from clnwire.journal import Journal

form = os.environ["CLNWIRE_BENCH_FORM"]
plugin = Plugin()

if form == "continue":

    @plugin.hook("db_write")
    def on_write(event: msgspec.Raw) -> Continue:
        return CONTINUE

else:
    journal = Journal.create(
        os.environ["CLNWIRE_BENCH_JOURNAL"], sequence=0, chain=bytes(32), durability=form
    )
    append, sequences = journal.append, count(1)

    @plugin.hook("db_write")
    def on_write_kept(event: msgspec.Raw) -> Continue:
        append(next(sequences), 1, True, event)
        return CONTINUE


plugin.run()
