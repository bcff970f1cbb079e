"""A second copy of the node's database. It has each set of writes before the node commits it."""
