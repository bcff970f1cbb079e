"""What a running daemon says of its parameters, which counts where the schemas say otherwise.

A line of its `help` has the parameters in their order; those in brackets may be left out.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

Schema = dict[str, Any]

UNLISTED: Final = frozenset(["getroute", "keysend", "renepay", "renepaystatus"])
"""Commands of the daemon that the node which printed the lines did not run."""

BACKEND: Final = frozenset(
    ["estimatefees", "getchaininfo", "getrawblockbyheight", "getutxout", "sendrawtransaction"]
)
"""What a Bitcoin backend offers. Any plugin may be one, in place of the daemon's own `bcli`."""

KEPT: Final = frozenset(["pay", "plugin"])
"""Their schemas stand: `bolt11` is an alias of `invstring` that older daemons have, too; and the
line of `plugin` has its subcommands in it."""

ADDED: Final[dict[str, Schema]] = {
    "addpsbtoutput: add_initiator_serial_ids": {"type": "boolean"},
    "injectpaymentonion: blinding": {"type": "pubkey"},
    "parsefeerate: feerate": {"type": "string"},
    "splice_init: skip_stfu": {"type": "boolean"},
}
"""Parameters that the schemas lack."""

_FOR_DEVELOPERS: Final = re.compile(r"dev[_-]")


class Parameter(NamedTuple):
    name: str
    required: bool


def usages(lines: list[str]) -> dict[str, list[Parameter]]:
    """Command → its parameters."""
    return {method: _parameters(words) for method, *words in map(str.split, lines)}


def _parameters(words: list[str]) -> list[Parameter]:
    return [Parameter(word.strip("[]"), not word.startswith("[")) for word in words]


def corrected(method: str, request: Schema, usages: dict[str, list[Parameter]]) -> Schema:
    """The schema of a command's parameters, with those that the daemon takes."""
    if method in KEPT or method not in usages:
        return request
    documented = request.get("properties", {})
    taken = [
        each
        for each in usages[method]
        if each.name in documented or not _FOR_DEVELOPERS.match(each.name)
    ]
    properties = {
        each.name: documented.get(each.name) or ADDED[f"{method}: {each.name}"] for each in taken
    }
    return {
        **request,
        "properties": properties,
        "required": [each.name for each in taken if each.required],
    }
