"""Names that Core Lightning reserves: native topics, options, and the hooks with filters.

`OPTIONS` is a selection: the options that plugins' names are likely to clash with.
"""

from __future__ import annotations

from typing import Final

from clnwire.notifications._catalogue import NATIVE

FILTERS: Final[dict[str, type]] = {"rpc_command": str, "custommsg": int}
"""The hooks that accept filters, and the type of their filters' items."""

TOPICS: Final = NATIVE
"""The native topics, which only the daemon may publish."""

_OPTIONS: Final = """
    addr alias announce-addr autolisten bind-addr bookkeeper-dir clear-plugins conf daemon
    database-upgrade developer disable-plugin encrypted-hsm fee-base fee-per-satoshi help
    important-plugin lightning-dir log-file log-level log-prefix mainnet network offline pid-file
    plugin plugin-dir proxy regtest rgb rpc-file rpc-file-mode signet testnet version wallet
"""
OPTIONS: Final = frozenset(_OPTIONS.split())
