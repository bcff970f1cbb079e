"""Writes `clnwire.commands` from the daemon's JSON schemas. A developer's tool, not installed."""
