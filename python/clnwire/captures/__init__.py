"""Captures: written by a proxy between a daemon and a plugin, read by `clnwire trace` and `replay`.

`proxy` forwards the bytes, and `tap` sends copies to the process of `writer`, which makes records
of them: `cutting` finds the messages. `reading` reads records, also from a damaged file. No plugin
imports these modules.
"""
