"""Turns the schemas' types into annotations, for values received and for values sent."""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]

_COMMON: Final = {
    "string": "str",
    "boolean": "bool",
    "number": "float",
    "integer": "int",
    "u8": "U8",
    "u16": "U16",
    "u32": "U32",
    "u64": "U64",
    "msat": "Msat",
    "sat": "Sat",
    "pubkey": "PublicKey",
    "hash": "Hash",
    "txid": "Txid",
    "secret": "Secret",
    "hex": "Hex",
    "signature": "Hex",
    "bip340sig": "Hex",
    "outpoint": "Outpoint",
    "short_channel_id": "ShortChannelId",
    "short_channel_id_dir": "ShortChannelIdDir",
    "currency": "str",
}

_SENT: Final = {
    # The daemon also takes amounts with their unit: "10000msat", "10sat", "0.1btc".
    "msat": "Msat | str",
    "msat_or_any": "Msat | str",
    "sat": "Sat | str",
    "sat_or_all": "Sat | str",
    "feerate": "U32 | str",
    "outputdesc": "Mapping[str, Sat | str]",
}

TYPES: Final = frozenset(
    name for name in _COMMON.values() if name not in ("str", "bool", "float", "int")
) | {"Known"}
"""The annotations that are names of `clnwire.types`."""

UNITS: Final = {
    "msat": "In millisatoshis.",
    "msat_or_any": 'In millisatoshis, or "any".',
    "sat": "In satoshis.",
    "sat_or_all": 'In satoshis, or "all".',
    "feerate": 'Satoshis per 1,000 virtual bytes, or a word such as "normal".',
}


def plain(schema: Schema, *, sent: bool) -> str:
    """The annotation for a schema, without Structs for objects with members."""
    if "oneOf" in schema:
        return _one_of([plain(each, sent=sent) for each in schema["oneOf"]])
    kind = schema.get("type")
    if kind == "array":
        inner = plain(schema.get("items", {}), sent=sent)
        return f"Sequence[{inner}]" if sent else f"list[{inner}]"
    if kind == "object":
        return "Mapping[str, Any]" if sent else "dict[str, Any]"
    if "enum" in schema and kind == "string":
        return _words(schema["enum"], sent=sent)
    if kind is None:
        return "Any"
    return (_SENT.get(kind) if sent else None) or _COMMON[kind]


def _words(words: list[str], *, sent: bool) -> str:
    """Sent words must be known ones. Received words may be new, so their type is `str`."""
    listed = ", ".join(f'"{word}"' for word in words)
    if sent:
        return f"Literal[{listed}]"
    return f"Annotated[str, Known(({listed}{',' if len(words) == 1 else ''}))]"


def _one_of(annotations: list[str]) -> str:
    kinds = [kind for annotation in annotations for kind in _alternatives(annotation)]
    if "str" in kinds:
        # `str` includes every `Literal`, and msgspec refuses a union of the two.
        kinds = [kind for kind in kinds if not kind.startswith("Literal[")]
    return " | ".join(dict.fromkeys(kinds))


def _alternatives(annotation: str) -> list[str]:
    return annotation.split(" | ") if "[" not in annotation else [annotation]
