"""Why an engine on another machine refuses a conditional write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clnwire.replica.errors import FencedError, RefusedError, ReplicaError

if TYPE_CHECKING:
    from clnwire.replica.records import Head


def refusal(
    name: str, store: str, node: str, expected: Head | None, found: Head | None
) -> ReplicaError:
    """The error for a write that expected another head than the one that was found.

    Args:
        name: The engine's address without secrets.
        store: What it is, in one word.
        node: The node's name.
        expected: What this instance has stored last; `None` if nothing.
        found: What the engine has; `None` if nothing.
    """
    if expected is None or (found is not None and found.epoch > expected.epoch):
        return FencedError(
            f"{name}: another instance of node {node} has taken over "
            f"({shown(found)}); stop this one, or the other"
        )
    if found is None or found.sequence < expected.sequence or found.epoch < expected.epoch:
        return RefusedError(
            f"{name}: the {store} has lost sets of node {node}: it has {shown(found)}, and had "
            f"{shown(expected)}; start the node again, and it stores a new base"
        )
    return FencedError(
        f"{name}: a copy of this instance of node {node} writes at the same time: "
        f"the {store} has {shown(found)}, and this instance wrote {shown(expected)}; stop one"
    )


def shown(head: Head | None) -> str:
    """A head in words."""
    if head is None:
        return "nothing"
    return f"generation {head.generation}, epoch {head.epoch}, set {head.sequence}"
