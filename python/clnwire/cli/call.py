"""`clnwire call`: calls a command of a running daemon, like lightning-cli."""

import os
import sys
from collections.abc import Iterator
from typing import Annotated, TypeAlias, cast

import typer
from msgspec import json

from clnwire._wire.codec import UNDECODABLE
from clnwire._wire.foreign import printable, printable_json
from clnwire._wire.nearest import did_you_mean
from clnwire.cli._arguments import (
    DEFAULT_DIR,
    LightningDir,
    Network,
    RpcFile,
    Word,
    Words,
    argument,
    flag,
    option,
)
from clnwire.cli._client import LEVELS, reached, socket_path
from clnwire.cli._completion import one_of, running_methods
from clnwire.cli._failing import fail
from clnwire.cli._group import options
from clnwire.cli._params import WordError, json_object, params_text, string_text

EXAMPLES = (
    ("clnwire call hello name=Rusty", "a plugin's method, under clnwire run"),
    (
        "clnwire call --lightning-dir ~/.lightning --network bitcoin getinfo",
        "a real lightningd, as with lightning-cli",
    ),
    ("clnwire call --raw ban '[203.0.113.7]'", "parameters that are not JSON, sent unchanged"),
    ("""clnwire call -l '{"peers":[{"id":"x"}]}' listpeers""", "only a part of the result"),
)
_Object: TypeAlias = "dict[str, object]"
SETTINGS = {"ignore_unknown_options": True}
"""A parameter may be a negative number."""


_RAW = "Prints the result unchanged, and sends [...] or {...} unchecked."


def call(
    context: typer.Context,
    method: Annotated[
        str,
        argument(
            None, "A command of the daemon or a method of a plugin.", autocompletion=running_methods
        ),
    ],
    words: Annotated[Words, argument("[ARG | KEY=VALUE]...", "Its parameters.")] = None,
    lightning_dir: LightningDir = DEFAULT_DIR,
    network: Network = "regtest",
    rpc_file: RpcFile = "lightning-rpc",
    keyword: Annotated[bool, flag("All parameters are KEY=VALUE.", "--keyword", "-k")] = False,
    ordered: Annotated[
        bool, flag("All parameters are values in order.", "--ordered", "-o")
    ] = False,
    trim: Annotated[
        Word, option("JSON", "The members to keep of the result.", "--filter", "-l")
    ] = None,
    raw: Annotated[bool, flag(_RAW, "--raw", "-R")] = False,
    level: Annotated[
        str,
        option(
            "LEVEL",
            f"{' | '.join(LEVELS)}.",
            "--notifications",
            "-N",
            autocompletion=one_of(LEVELS),
        ),
    ] = "info",
) -> None:
    """Calls a command of a running daemon, and prints its result.

    If the first parameter is KEY=VALUE, all are. Numbers, true, false, null and anything in {}, []
    or "" is JSON; everything else is a string. Messages and progress are shown on stderr. With
    --raw, a single parameter in [] or {} is all of the parameters and is sent unchecked, as
    lightningd forwards what a caller sends even if it is not JSON.

    Status 1: the daemon refused; the error is on stderr, as JSON. Status 2: no daemon runs, or the
    command line is wrong.
    """
    if keyword and ordered:
        fail("call", "give -k or -o, not both")
    if level not in LEVELS:
        fail("call", f"--notifications must be one of {', '.join(LEVELS)}, not '{level}'")
    chosen = words or []
    _refuse_options([method, *chosen], options(context))
    string_text(method)
    if raw and len(chosen) == 1 and chosen[0][:1] + chosen[0][-1:] in ("[]", "{}"):
        params = os.fsencode(chosen[0])
    else:
        params = params_text(chosen, keyword=keyword, ordered=ordered)
    wanted = None if trim is None else json_object(trim)
    path = socket_path(lightning_dir, network, rpc_file)
    reply = reached("call", path, method, params, trim=wanted, level=level)
    if reply.error is not None:
        sys.stderr.write(printable_json(_indented(reply.error)) + "\n")
        raise typer.Exit(1)
    sys.stdout.write(_shown(reply.result or b"null", raw=raw))


def _refuse_options(words: list[str], known: list[str]) -> None:
    """Raises `WordError` for a word that looks like an option, except negative numbers."""
    for word in words:
        if word.startswith("-") and not word[1:2].isdigit():
            written = word.lstrip("-") if "=" in word else f"key={word}"
            hint = (
                did_you_mean(word.partition("=")[0], known) or f"; a parameter is written {written}"
            )
            raise WordError(f"there is no option {word}{hint}")


def _shown(result: bytes, *, raw: bool) -> str:
    if raw:
        return result.decode() + "\n"
    # Only the first level of an object can have the hint; do not decode a large result for nothing.
    if b'"format-hint"' in result:
        members = _decoded(result)
        if isinstance(members, dict) and cast("_Object", members).get("format-hint") == "simple":
            return "".join(f"{printable(line)}\n" for line in _plain(cast("_Object", members)))
    return printable_json(_indented(result)) + "\n"


def _decoded(result: bytes) -> object:
    try:
        return json.decode(result)
    except UNDECODABLE:
        # Valid JSON that Python cannot hold, e.g. half a surrogate pair.
        return None


def _indented(text: bytes) -> str:
    try:
        return json.format(text, indent=3).decode()
    except UNDECODABLE:
        return text.decode()


def _plain(value: object) -> Iterator[str]:
    """The values, each on a line; an object with several members shows their names."""
    if isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _plain(item)
    elif isinstance(value, dict):
        members = cast("_Object", value)
        shown = {name: member for name, member in members.items() if name != "format-hint"}
        for name, member in shown.items():
            lines = _plain(member)
            is_named = len(shown) > 1 and not isinstance(member, (list, dict))
            yield from (f"{name}={line}" if is_named else line for line in lines)
    else:
        yield value if isinstance(value, str) else json.encode(value).decode()
