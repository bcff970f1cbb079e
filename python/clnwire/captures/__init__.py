"""Captures: written by a proxy between a daemon and a plugin, read by `clnwire trace` and `replay`.

`proxy` forwards and hands copies to `tap`; a process of its own, `writer`, makes records of them:
`cutting` finds the messages, `redaction` masks what nobody may see. `reading` gives the records
back, also those of a damaged file. No plugin imports any of it.
"""
