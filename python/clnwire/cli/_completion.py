"""What the shell offers for an argument or option when the user presses Tab."""

from collections.abc import Callable, Iterable
from typing import Final

import typer
from msgspec import DecodeError, json

PATIENCE: Final = 1.0
"""Seconds that a daemon has to list its commands."""


def one_of(names: Iterable[str]) -> Callable[[str], list[str]]:
    """Completes one of the names."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete


def topic_names(incomplete: str) -> list[str]:
    """The daemon's topics that begin so."""
    from clnwire.notifications._catalogue import NATIVE

    return one_of(sorted(NATIVE))(incomplete)


def hook_names(incomplete: str) -> list[str]:
    """The daemon's hooks that begin so."""
    from clnwire.hooks._catalogue import HOOKS

    return one_of(sorted(HOOKS))(incomplete)


def rule_codes(incomplete: str) -> list[tuple[str, str]]:
    """The codes of the rules of `clnwire check` that begin so, with their names."""
    from clnwire.checking import RULES

    return [(rule.code, rule.name) for rule in RULES if rule.code.startswith(incomplete)]


def running_methods(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The commands of the running daemon that begin so, with their usages."""
    from clnwire.cli._client import call_daemon, socket_path
    from clnwire.commands.help import HelpReply
    from clnwire.errors import ClnwireError
    from clnwire.rpc._waiting import ExpiredError

    given = ctx.params
    path = socket_path(given["lightning_dir"], given["network"], given["rpc_file"])
    try:
        reply = call_daemon(path, "help", b"{}", level="none", timeout=PATIENCE)
        usages = [each.command for each in json.decode(reply.result or b"", type=HelpReply).help]
    except (ClnwireError, DecodeError, ExpiredError, RecursionError):
        # No daemon runs there, or it is busy: offer nothing.
        return []
    # typer reads brackets as markup.
    return [
        (usage.split()[0], usage.replace("[", "\\["))
        for usage in usages
        if usage.startswith(incomplete)
    ]
