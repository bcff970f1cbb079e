"""The help text of a plugin that is started from a terminal."""

from __future__ import annotations

import inspect
import os
import sys
from typing import TYPE_CHECKING, Any

from clnwire._definition.documentation import in_annotations, in_docstring
from clnwire._definition.functions import docstring

if TYPE_CHECKING:
    from clnwire._definition.definition import Definition
    from clnwire._definition.methods import Method
    from clnwire._definition.options import Option


def describe(definition: Definition) -> str:
    """The help text: how to run the plugin, and everything registered on it."""
    options, methods = definition.options.values(), definition.methods.values()
    hooks, subscriptions = definition.hooks.values(), definition.subscriptions
    path = (sys.argv or [""])[0] or "plugin.py"
    purpose = inspect.getdoc(sys.modules["__main__"]) or ""
    intro = f"""{path} is a plugin for Core Lightning. It is started by lightningd:

    lightningd --plugin={os.path.abspath(path)}

To try it without a node:

    clnwire run --plugin={path}"""  # noqa: PTH100 - pathlib costs time at every start
    parts = [
        purpose,
        intro,
        _section("Options", [(f"--{o.name}=<{o.type}>", _option_text(o)) for o in options]),
        _section("Methods", [row for method in methods for row in _method_rows(method)]),
        _section("Hooks", [(hook.name, "") for hook in hooks]),
        _section("Subscriptions", [(s.topic, "") for s in subscriptions]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _method_rows(method: Method) -> list[tuple[str, str]]:
    """The method, and below it what is said about its parameters."""
    texts = {**in_docstring(docstring(method.function)), **in_annotations(method.parameters)}
    named = [(each.name, texts[each.name]) for each in method.parameters if each.name in texts]
    first = (f"{method.name} {method.usage}".rstrip(), method.description)
    return [first, *((f"    {name}", text) for name, text in named)]


def _option_text(option: Option[Any]) -> str:
    if option.default is None or option.type == "flag":
        return option.description
    return f"{option.description} (default: {option.default_text})".lstrip()


def _section(title: str, rows: list[tuple[str, str]]) -> str:
    if not rows:
        return ""
    width = max(len(name) for name, _ in rows)
    lines = [f"    {name:<{width}}  {text}".rstrip() for name, text in rows]
    return f"{title}\n" + "\n".join(lines)
