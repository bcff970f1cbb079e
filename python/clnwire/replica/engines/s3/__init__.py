"""The engine `s3:`: a log of objects, and bases, in a bucket of an S3-compatible store.

Below `PREFIX/NODE/` there are

```
log/INDEX               one entry each, numbered from 1 without gaps
manifests/…json         what a base is, written after its parts
bases/TOKEN/NUMBER      the parts of a base; TOKEN is random
probe/TOKEN             written and removed when a writer opens the engine
```

**A write** puts the entry after the last one on the condition that nothing has its key
(`If-None-Match: *`). An entry is a beginning, a take-over, or a set, and names the head after it.

**Fencing.** A take-over is an entry, too. It has the key at which the former owner writes next, so
that write fails, as does that of a copy of the running instance. Entries of beginnings and
take-overs are never removed, since a removed key could be written again. Those of sets are, but
not young ones, and a writer that was silent for longer than half of that age, or after any failure
is in doubt, looks first whether its last entry is still the last one.

**An outcome that is unknown** is settled by writing the same entry to the same key again. If the
key is taken, its content decides: the same bytes are this write, and other bytes are another
writer. So a repeated request does no harm.

**The head** is the last entry. It is found by doubling steps from the newest base, which knows its
entry, so nothing else has to be kept up to date. An entry that is missing before later ones is
damage, and is reported.

What a store promises for an acknowledged object is all that the node has; a client cannot see it.
"""

from clnwire.replica.engines.s3.engine import S3Engine as S3Engine
