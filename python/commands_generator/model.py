"""The model of the generated code: commands, their Structs, and the Structs' members."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from commands_generator import kinds, versions
from commands_generator.merging import flattened
from commands_generator.names import METHODS, attribute, camel
from commands_generator.usage import Parameter, corrected

Schema = dict[str, Any]


NOT_ALWAYS_THERE: Final = frozenset(["askrene-bias-node: timestamp"])
"""Members of replies that the schemas require although their own examples lack them."""


@dataclass
class Member:
    name: str
    """The name in JSON."""
    annotation: str
    """The annotation, without the `| None` of an optional member."""
    required: bool
    facts: list[str]

    @property
    def attribute(self) -> str:
        return attribute(self.name)


@dataclass
class Structure:
    name: str
    base: str
    doc: str
    members: list[Member]


@dataclass
class Command:
    method: str
    facts: list[str]
    takes_more: bool
    """Whether the command accepts parameters that the schema does not list."""
    gives_anything: bool
    """Whether the schema leaves the result open."""
    structures: list[Structure] = field(default_factory=list)
    """The Structs, inner ones before those that use them."""

    @property
    def module(self) -> str:
        return attribute(self.method)

    @property
    def request(self) -> str:
        """The Struct of the parameters."""
        return f"{camel(self.method)}Request"

    @property
    def parameters(self) -> list[Member]:
        return next(each for each in self.structures if each.name == self.request).members

    @property
    def reply(self) -> str:
        """The Struct of the result."""
        return "Any" if self.gives_anything else f"{camel(self.method)}Reply"


def command(schema: Schema, usages: dict[str, list[Parameter]]) -> Command:
    """The model of a command, from its schema and from the parameters that a daemon accepts."""
    method: str = METHODS.get(schema["rpc"]) or schema["rpc"]
    request, response = corrected(method, schema["request"], usages), schema["response"]
    made = Command(
        method,
        versions.facts(schema),
        takes_more=request.get("additionalProperties") is True,
        gives_anything=response.get("additionalProperties") is True and not _has_members(response),
    )
    structures = made.structures
    maker = _Maker(structures, method, sent=True)
    parameters = maker.structure(request, made.request, "The parameters")
    if not made.gives_anything:
        maker = _Maker(structures, method, sent=False)
        result = maker.structure(response, made.reply, "The result")
        structures += [parameters, result]
    else:
        structures.append(parameters)
    return made


class _Maker:
    def __init__(self, inner: list[Structure], method: str, *, sent: bool) -> None:
        self._inner, self._method, self._sent = inner, method, sent

    def structure(self, schema: Schema, name: str, what: str) -> Structure:
        schema = flattened(schema)
        required = set(schema.get("required", ()))
        members = [
            self._member(key, each, name, key in required)
            for key, each in schema["properties"].items()
        ]
        members.sort(key=lambda member: not member.required)
        base = "Params" if self._sent else "Reply"
        return Structure(name, base, f"{what} of `{self._method}`.", members)

    def _member(self, key: str, schema: Schema, owner: str, required: bool) -> Member:
        absent = f"{self._method}: {key}" in NOT_ALWAYS_THERE
        optional_since = not self._sent and (absent or versions.came_later(schema))
        annotation = self._annotation(key, schema, owner)
        return Member(key, annotation, required and not optional_since, _facts(schema))

    def _annotation(self, key: str, schema: Schema, owner: str) -> str:
        if schema.get("type") == "array" and _has_members(schema.get("items", {})):
            inner = self._annotation(key, schema["items"], owner)
            return f"Sequence[{inner}]" if self._sent else f"list[{inner}]"
        if _has_members(schema) and not (self._sent and schema.get("additionalProperties")):
            base = owner.removesuffix("Reply")
            structure = self.structure(
                schema, f"{base}{camel(key)}", f"`{key}` in the {self._side}"
            )
            self._inner.append(structure)
            return structure.name
        return kinds.plain(schema, sent=self._sent)

    @property
    def _side(self) -> str:
        return "parameters" if self._sent else "result"


def _has_members(schema: Schema) -> bool:
    if schema.get("type") == "array":
        return _has_members(schema.get("items", {}))
    return bool(schema.get("properties") or schema.get("allOf"))


def _facts(schema: Schema) -> list[str]:
    """The facts in the schema: unit, length, default and versions. The schema's prose is left out,
    since it is the daemon's."""
    item = schema.get("items", schema) if schema.get("type") == "array" else schema
    unit = kinds.UNITS.get(str(item.get("type")))
    sentences = [unit] if unit else []
    if "maxLength" in schema:
        sentences.append(f"Up to {schema['maxLength']} characters.")
    default = re.fullmatch(r"[`*]*([\w.%-]+)[`*]*", str(schema.get("default", "")))
    if default:
        sentences.append(f"Default: {default[1]}.")
    return sentences + versions.facts(schema)
