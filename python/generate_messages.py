"""Writes `docs/messages.md` from the Structs, their docstrings and their members' docstrings.

    python python/generate_messages.py [--check]

A tool for developers of clnwire, not part of the package. With `--check` it writes nothing and
exits with 1 if the page is out of date.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import sys
import types
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from clnwire import messages
from clnwire._wire.dialect import FOLLOWED
from clnwire.hooks._catalogue import HOOKS, hook_spec
from clnwire.hooks._spec import Continue, Refuse
from clnwire.notifications._catalogue import TYPED, topic_spec
from clnwire.types import Known, Unsigned

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[1] / "docs" / "messages.md"

INTRODUCTION = f"""# Messages

Every message between the daemon and a plugin, for Core Lightning from 2019 to {FOLLOWED}.
`python/generate_messages.py` makes this page from the Structs in `clnwire.hooks`,
`clnwire.notifications` and `clnwire.messages`. Types, units and versions come from the daemon's
JSON schemas.

- **Absent members are `None`.** A member that the daemon may leave out has the type `… or None`.
  An encoded message leaves out members that are `None`. If older daemons lack a member that today's
  daemon always sends, the member's text names the value that clnwire gives it.
- **Newer daemons.** clnwire ignores members that are not listed here. A list of known words is not
  complete: a newer daemon's word arrives unchanged. Topics and hooks that are not listed arrive as
  dicts, or as `msgspec.Raw` or `bytes` if the handler's parameter has that annotation.
- **Older daemons.** clnwire accepts earlier forms of a message: earlier names of members and
  topics, amounts such as `"10000msat"`, and payloads with or without the wrapping object.
- **Answers are checked when they are built**, and raise `clnwire.errors.InvalidAnswerError`. A
  handler may return a dict that fits one of the permitted answers, but type checkers accept the
  Structs only.
"""


def main() -> int:
    """Returns the exit status."""
    page = "\n".join(generate()) + "\n"
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page)
        return 0
    if PAGE.read_text() == page:
        return 0
    sys.stderr.write(f"{PAGE} is out of date: run python {sys.argv[0]}\n")
    return 1


def generate() -> Iterator[str]:
    """The page's lines."""
    yield INTRODUCTION
    yield from _types_table()
    yield from _hooks_table()
    for name in sorted(HOOKS):
        yield from _hook(name)
    yield "## Topics\n"
    for name in sorted(TYPED):
        yield from _topic(name)
    yield from _other_messages()
    yield from _error_codes()


def _types_table() -> Iterator[str]:
    yield "## Types\n"
    yield "Type checkers tell these types apart; at run time they are plain `int` and `str`.\n"
    yield "| type | Python | meaning |\n|---|---|---|"
    for module in ("amounts", "channels", "identifiers"):
        path = f"clnwire.types.{module}"
        docs = assigned_docs(importlib.import_module(path))
        for name, text in docs.items():
            kind = getattr(importlib.import_module(path), name)
            if not name.startswith("_") and not isinstance(kind, int):
                yield f"| `{name}` | `{_runtime_name(kind)}` | {_line(text)} |"
    yield ""


def _runtime_name(kind: Any) -> str:
    return str(getattr(kind, "__supertype__", getattr(kind, "__origin__", kind)).__name__)


def _hooks_table() -> Iterator[str]:
    yield "## Hooks\n"
    columns = ("hook", "kind", "answers", "if the handler fails", 'with `on_failure="refuse"`')
    yield f"| {' | '.join(columns)} | any other answer |"
    yield "|---|---|---|---|---|---|"
    for name in sorted(HOOKS):
        facts = hook_facts(name)
        answers = ", ".join(f"`{_answer_name(kind)}`" for kind in hook_spec(name).answers)
        labels = ("Safe answer", "Refusal", "Any other answer")
        row = (facts["Kind"], answers, *(facts[label] for label in labels))
        yield f"| [`{name}`](#{name}) | " + " | ".join(row) + " |"
    yield ""


def _answer_name(kind: type) -> str:
    return "CONTINUE" if kind is Continue else kind.__name__


def hook_facts(name: str) -> dict[str, str]:
    """The labelled facts in the last paragraph of a hook's module: its kind, and its answers in
    case of failure.

    Raises `ValueError` for a line that is not `Label: text.`
    """
    text = _module_doc(f"clnwire.hooks.{name}").rpartition("\n\n")[2]
    facts: dict[str, str] = {}
    for line in text.splitlines():
        label, colon, fact = line.partition(": ")
        if not colon:
            raise ValueError(
                f"clnwire.hooks.{name}: each line of the last paragraph must be 'Label: text.'"
            )
        facts[label] = fact.rstrip(".")
    return facts


def _hook(name: str) -> Iterator[str]:
    spec = hook_spec(name)
    about = _module_doc(f"clnwire.hooks.{name}").rpartition("\n\n")[0]
    yield from _heading(name, about)
    yield from _structs(spec.event)
    for answer in spec.answers:
        if answer is Refuse:
            yield f"**Answer `Refuse`**: {_line(inspect.getdoc(Refuse))}\n"
        elif answer is not Continue:
            yield from _structs(answer, "Answer ")


def _topic(name: str) -> Iterator[str]:
    yield from _heading(name, _module_doc(f"clnwire.notifications.{name}"))
    spec = topic_spec(name)
    if spec is not None:
        yield from _structs(spec.event)


def _other_messages() -> Iterator[str]:
    yield "## Other messages\n"
    modules = ("getmanifest", "init", "setconfig", "check", "log", "message", "progress", "custom")
    for module in modules:
        path = f"clnwire.messages.{module}"
        yield from _heading(module, _module_doc(path))
        shown: set[type] = set()
        for name in messages.__all__:
            kind = getattr(messages, name)
            if kind.__module__ == path and kind not in shown and not _is_part(kind, path):
                yield from _structs(kind, shown=shown)


def _is_part(kind: type, path: str) -> bool:
    """Whether the Struct is a member of another Struct of its module, which shows it below
    itself."""
    others = [getattr(messages, name) for name in messages.__all__]
    wholes = [other for other in others if other.__module__ == path and other is not kind]
    return any(kind in set(_parts(whole)) for whole in wholes)


def _error_codes() -> Iterator[str]:
    module = importlib.import_module("clnwire.error_codes")
    yield "## Error codes\n"
    yield f"{_line(inspect.getdoc(module))}\n"
    yield "| code | `clnwire.error_codes` | meaning |\n|---|---|---|"
    for name, text in assigned_docs(module).items():
        yield f"| {getattr(module, name)} | `{name}` | {_line(text)} |"


def _heading(name: str, about: str) -> Iterator[str]:
    first, _, rest = about.partition("\n\n")
    yield f"### {name}\n"
    said = _line(first.partition(": ")[2])
    yield f"{said[0].upper()}{said[1:]}\n"
    if rest:
        yield f"{_paragraphs(rest)}\n"


def _structs(
    kind: type[msgspec.Struct], label: str = "", shown: set[type] | None = None
) -> Iterator[str]:
    """A Struct as a table of its members, followed by the Structs of its members."""
    shown = set() if shown is None else shown
    if kind in shown:
        return
    shown.add(kind)
    yield f"**{label}`{kind.__name__}`**: {_line(inspect.getdoc(kind))}\n"
    docs = member_docs(kind)
    fields = msgspec.structs.fields(kind)
    if fields:
        yield "| member | type | meaning |\n|---|---|---|"
        hints = typing.get_type_hints(kind, include_extras=True)
        for each in fields:
            words = _words(hints[each.name])
            text = _line(docs[each.name]) + (f" {words}" if words else "")
            yield f"| `{each.name}` | {_shown(hints[each.name])} | {text} |"
        yield ""
    for part in _parts(kind):
        yield from _structs(part, shown=shown)


def _parts(kind: type) -> Iterator[type[msgspec.Struct]]:
    """The Structs in the annotations of a Struct's members."""
    for hint in typing.get_type_hints(kind).values():
        yield from _structs_in(hint)


def _structs_in(hint: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    for each in typing.get_args(hint):
        yield from _structs_in(each)


def _shown(hint: Any) -> str:
    """An annotation for the tables."""
    if isinstance(hint, typing.NewType):
        return f"`{hint.__name__}`"
    if hasattr(hint, "__metadata__"):
        for each in hint.__metadata__:
            if isinstance(each, Unsigned) and hint.__origin__ is int:
                return f"`U{each.bits}`"
        return _shown(hint.__origin__)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return " or ".join(map(_shown, typing.get_args(hint)))
    if typing.get_origin(hint) is list:
        return f"list of {_shown(typing.get_args(hint)[0])}"
    if hint is type(None):
        return "`None`"
    return f"`{(typing.get_origin(hint) or hint).__name__}`"


def _words(hint: Any) -> str:
    """The annotation's known words as a sentence; empty if it has none."""
    for each in (hint, *typing.get_args(hint)):
        for rule in getattr(each, "__metadata__", ()):
            if isinstance(rule, Known):
                return "Known: " + ", ".join(f"`{word}`" for word in rule.values) + "."
    return ""


def member_docs(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Member → its docstring, read from the source since msgspec does not keep it.

    Raises `ValueError` for a member without a docstring.
    """
    docs: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if issubclass(base, msgspec.Struct) and base is not msgspec.Struct:
            module = importlib.import_module(base.__module__)
            for node in ast.parse(inspect.getsource(module)).body:
                if isinstance(node, ast.ClassDef) and node.name == base.__name__:
                    docs.update(_docs_in(node.body))
    for name in kind.__struct_fields__:
        if not docs.get(name):
            raise ValueError(f"{kind.__module__}.{kind.__name__}.{name} has no docstring below it")
    return docs


def assigned_docs(module: types.ModuleType) -> dict[str, str]:
    """Name → the docstring below its assignment at the module's top level."""
    return dict(_docs_in(ast.parse(inspect.getsource(module)).body))


def _docs_in(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for statement, following in itertools.pairwise(body):
        target = (
            getattr(statement, "target", None) or (getattr(statement, "targets", None) or [0])[0]
        )
        if not isinstance(target, ast.Name) or not isinstance(following, ast.Expr):
            continue
        if isinstance(following.value, ast.Constant) and isinstance(following.value.value, str):
            yield target.id, inspect.cleandoc(following.value.value)


def _module_doc(path: str) -> str:
    return inspect.getdoc(importlib.import_module(path)) or ""


def _line(text: str | None) -> str:
    """A docstring as one line of a table."""
    return " ".join((text or "").split()).replace("|", "\\|")


def _paragraphs(text: str) -> str:
    return "\n\n".join(_line(paragraph) for paragraph in text.split("\n\n"))


if __name__ == "__main__":
    sys.exit(main())
