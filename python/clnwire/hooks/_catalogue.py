"""Hook names → what clnwire knows of them. Modules are imported when their hook is registered."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from clnwire.hooks._safe import go_on
from clnwire.hooks._spec import HookSpec

HOOKS: Final = frozenset(
    [
        "commitment_revocation",
        "custommsg",
        "db_write",
        "htlc_accepted",
        "invoice_payment",
        "onion_message_recv",
        "onion_message_recv_secret",
        "openchannel",
        "openchannel2",
        "openchannel2_changed",
        "openchannel2_sign",
        "peer_connected",
        "rbf_channel",
        "recover",
        "rpc_command",
    ]
)
"""The hooks of Core Lightning v26.06. Each has a module of its name here, with a `SPEC`."""


def hook_spec(name: str) -> HookSpec:
    """The hook of that name; one that clnwire does not know takes and answers dicts."""
    if name in HOOKS:
        spec: HookSpec = import_module(f"clnwire.hooks.{name}").SPEC
        return spec
    # Filters for an unknown hook are the daemon's to judge.
    return HookSpec(name, safe=go_on, filters=True)
