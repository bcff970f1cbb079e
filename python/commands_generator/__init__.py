"""Generates `clnwire.commands` from the daemon's JSON schemas. For developers; not installed."""
