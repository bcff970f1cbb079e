"""Merges the forms of a schema (`if`/`then`/`else`) into one object with the members of all forms.

A member that only some forms have is optional. A member that the forms describe differently gets
what the descriptions have in common.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_TEXTS = frozenset(
    ["string", "hex", "pubkey", "hash", "txid", "secret", "signature", "bip340sig", "outpoint"]
)


def flattened(schema: Schema) -> Schema:
    """The object's schema, with the members of all its forms."""
    properties: dict[str, Schema] = {}
    for form in (schema, *_forms(schema)):
        for name, member in form.get("properties", {}).items():
            properties[name] = merged(properties.get(name, {}), member)
    rest = {name: value for name, value in schema.items() if name not in _CONDITIONS}
    return {**rest, "properties": properties}


_CONDITIONS = ("allOf", "if", "then", "else")


def _forms(schema: Schema) -> list[Schema]:
    forms: list[Schema] = []
    for condition in (schema, *schema.get("allOf", ())):
        for branch in ("then", "else"):
            if branch in condition:
                forms += [condition[branch], *_forms(condition[branch])]
    return forms


def merged(one: Schema, other: Schema) -> Schema:
    """A schema that values of both schemas fit. A schema without a type (`{}`) permits any value,
    so the other schema counts."""
    if not other.get("type") or one == other:
        return one or other
    if not one.get("type"):
        return other
    if one["type"] != other["type"]:
        both_texts = {one["type"], other["type"]} <= _TEXTS
        return {"type": "string"} if both_texts else {}
    same = {name: value for name, value in one.items() if other.get(name) == value}
    return {**same, "type": one["type"], **_inner(one, other)}


def _inner(one: Schema, other: Schema) -> Schema:
    inner: Schema = {}
    words = dict.fromkeys([*one.get("enum", ()), *other.get("enum", ())])
    if words:
        inner["enum"] = list(words)
    if "items" in one and "items" in other:
        inner["items"] = merged(one["items"], other["items"])
    if one["type"] == "object" and ("properties" in one or "properties" in other):
        first, second = flattened(one), flattened(other)
        inner["properties"] = flattened({**first, "allOf": [{"then": second}]})["properties"]
        required = other.get("required", ())
        inner["required"] = [name for name in one.get("required", ()) if name in required]
    return inner
