"""Captures played back against a plugin, and what was different."""
