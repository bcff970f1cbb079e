"""Compares a Struct with a JSON schema of the daemon's, member by member."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from clnwire.types import Known, Unsigned

NAMED = {
    "msat": {"Msat"},
    "sat": {"Sat"},
    "pubkey": {"PublicKey"},
    "hash": {"Hash", "ChannelId"},
    "txid": {"Txid"},
    "secret": {"Secret"},
    "hex": {"Hex"},
    "outpoint": {"Outpoint"},
    "short_channel_id": {"ShortChannelId"},
    "short_channel_id_dir": {"ShortChannelIdDir"},
    "string": {"str", "Psbt"},
    "boolean": {"bool"},
    "number": {"float"},
    "integer": {"int"},
    "u8": {"8 bits"},
    "u16": {"16 bits"},
    "u32": {"32 bits", "BlockHeight"},
    "u64": {"64 bits"},
}
"""The schema's types → the names that ours may have."""


class Member(NamedTuple):
    """A member's annotation, taken apart."""

    name: str
    """Of its type, without the `None` that an optional one may be."""
    kind: Any
    optional: bool
    known: frozenset[str]
    """The words that are known, if it is one of some words."""


def member(annotation: Any) -> Member:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        kinds = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
        optional = type(None) in typing.get_args(annotation)
        if len(kinds) > 1:
            return Member(
                " or ".join(member(kind).name for kind in kinds), kinds, optional, frozenset()
            )
        return member(kinds[0])._replace(optional=optional)
    if hasattr(annotation, "__metadata__"):
        inner = member(annotation.__origin__)
        for each in annotation.__metadata__:
            if isinstance(each, Known):
                inner = inner._replace(known=frozenset(each.values))
            if isinstance(each, Unsigned) and inner.name == "int":
                inner = inner._replace(name=f"{each.bits} bits")
        return inner
    origin = typing.get_origin(annotation) or annotation
    return Member(origin.__name__, annotation, optional=False, known=frozenset())


def differences(schema: dict[str, Any], kind: type[msgspec.Struct], at: str = "") -> Iterator[str]:
    """Where the Struct is not as the schema says, each as `path: what`."""
    hints = typing.get_type_hints(kind, include_extras=True)
    ours = {
        field.encode_name: (field, member(hints[field.name]))
        for field in msgspec.structs.fields(kind)
    }
    theirs = schema.get("properties", {})
    required = set(schema.get("required", ()))
    for name in ours.keys() - theirs.keys():
        yield f"{at}{name}: not in the schema"
    for name, wanted in theirs.items():
        path = f"{at}{name}"
        if name not in ours:
            yield f"{path}: missing"
            continue
        field, found = ours[name]
        if field.required != (name in required) or found.optional != (name not in required):
            yield f"{path}: {'required' if field.required else 'optional'}"
        yield from _type_differences(wanted, found, path)


def _type_differences(wanted: dict[str, Any], found: Member, path: str) -> Iterator[str]:
    if wanted.get("type") == "array":
        yield from _array_differences(wanted, found, path)
    elif wanted.get("properties"):
        yield from _object_differences(wanted, found, path)
    elif wanted.get("type") == "object":
        if found.name not in ("dict", "Any"):
            yield f"{path}: {found.name} is not an object"
    elif found.name not in NAMED.get(str(wanted.get("type")), ()):
        yield f"{path}: {found.name} for {wanted.get('type')}"
    if set(wanted.get("enum", ())) != found.known:
        yield f"{path}: known are {sorted(found.known)}, not {sorted(wanted.get('enum', ()))}"


def _array_differences(wanted: dict[str, Any], found: Member, path: str) -> Iterator[str]:
    if typing.get_origin(found.kind) is not list:
        yield f"{path}: {found.name} is not a list"
        return
    (item,) = typing.get_args(found.kind)
    yield from _type_differences(wanted["items"], member(item), f"{path}[]")


def _object_differences(wanted: dict[str, Any], found: Member, path: str) -> Iterator[str]:
    if not (isinstance(found.kind, type) and issubclass(found.kind, msgspec.Struct)):
        yield f"{path}: {found.name} is not a Struct"
        return
    yield from differences(_with_branches(wanted), found.kind, f"{path}.")


def _with_branches(schema: dict[str, Any]) -> dict[str, Any]:
    """Members that only some forms of an object have are optional members of ours."""
    properties = dict(schema["properties"])
    for branch in schema.get("allOf", ()):
        for name, wanted in branch.get("then", {}).get("properties", {}).items():
            if wanted:
                properties.setdefault(name, wanted)
    return {**schema, "properties": properties}


def added(schema: dict[str, Any], at: str = "") -> Iterator[tuple[str, str]]:
    """Path and version of each member that has not been there from the beginning."""
    for name, wanted in schema.get("properties", {}).items():
        if wanted.get("added", "pre-").startswith("v"):
            yield f"{at}{name}", wanted["added"]
        inner = wanted["items"] if wanted.get("type") == "array" else wanted
        yield from added(inner, f"{at}{name}.")
