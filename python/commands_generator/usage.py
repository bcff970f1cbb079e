"""Reads the parameters from a daemon's `help`, which overrule the schemas where they differ.

A line of `help` has a command's parameters in order; those in brackets are optional.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

Schema = dict[str, Any]

UNLISTED: Final = frozenset(["getroute", "keysend", "renepay", "renepaystatus"])
"""Commands of the daemon that are missing in the usage lines, since that node did not run them."""

BACKEND: Final = frozenset(
    ["estimatefees", "getchaininfo", "getrawblockbyheight", "getutxout", "sendrawtransaction"]
)
"""The commands of a Bitcoin backend. Any plugin may provide them in place of the daemon's
`bcli`."""

KEPT: Final = frozenset(["pay", "plugin"])
"""Commands for which the schema overrules the usage line. `pay`: `bolt11` is an alias of
`invstring` that older daemons have too. `plugin`: its line has the subcommands in it."""

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
    """The schema of a command's parameters, with exactly the parameters that the daemon accepts."""
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
