"""The original and clnwire's, side by side in one process."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

original: Any = pytest.importorskip("pyln.client", reason="needs the dependency group: bench")

import pyln.client.lightning as original_lightning  # noqa: E402
import pyln.client.plugin as original_plugin  # noqa: E402

import clnwire.pyln as own  # noqa: E402
import clnwire.pyln.lightning as own_lightning  # noqa: E402
import clnwire.pyln.plugin as own_plugin  # noqa: E402

__all__ = [
    "both",
    "original",
    "original_lightning",
    "original_plugin",
    "outcome",
    "own",
    "own_lightning",
    "own_plugin",
    "parameters",
    "unlogged",
]


def outcome(function: Callable[[], Any]) -> tuple[str, Any]:
    """What a call returns or raises, in a form that both sides share."""
    try:
        value = function()
    except Exception as error:
        return type(error).__name__, str(error)
    return type(value).__name__, str(value)


def both(sides: Iterable[Any], use: Callable[[Any], Any]) -> list[tuple[str, Any]]:
    """The outcome on each side."""
    return [outcome(partial(use, side)) for side in sides]


def parameters(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    """Name, kind and default of each parameter."""
    found = inspect.signature(function).parameters.values()
    return [(each.name, each.kind, str(each.default)) for each in found]


@contextmanager
def unlogged() -> Generator[None]:
    """Takes away again the handlers that plugins add to the root logger."""
    root = logging.getLogger()
    before = list(root.handlers)
    try:
        yield
    finally:
        root.handlers[:] = before
