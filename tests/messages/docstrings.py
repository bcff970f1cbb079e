"""What stands below the members of a Struct in its source: msgspec does not keep it."""

from __future__ import annotations

import ast
import importlib
import inspect
import typing

import msgspec

from tests.messages.shape import member


def own_docs(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Member → its text, those of base classes included."""
    docs: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if not issubclass(base, msgspec.Struct) or base is msgspec.Struct:
            continue
        source = ast.parse(inspect.getsource(importlib.import_module(base.__module__)))
        for node in source.body:
            if isinstance(node, ast.ClassDef) and node.name == base.__name__:
                docs.update(_in_class(node))
    return docs


def _in_class(node: ast.ClassDef) -> dict[str, str]:
    docs: dict[str, str] = {}
    for statement, following in zip(node.body, node.body[1:], strict=False):
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
            continue
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            docs[statement.target.id] = inspect.cleandoc(str(following.value.value))
    return docs


def member_docs(kind: type[msgspec.Struct], at: str = "") -> dict[str, str]:
    """Path → text, of the whole message."""
    docs: dict[str, str] = {}
    own = own_docs(kind)
    hints = typing.get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        path = f"{at}{field.encode_name}"
        docs[path] = own.get(field.name, "")
        found = member(hints[field.name])
        inner = (
            typing.get_args(found.kind)[0] if typing.get_origin(found.kind) is list else found.kind
        )
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            docs |= member_docs(inner, f"{path}.")
    return docs
