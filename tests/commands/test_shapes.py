"""Every Struct against its schema, by another way than that of the generator."""

from __future__ import annotations

import copy
import typing
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.commands.conftest import command
from tests.messages.shape import NAMED, Member, member

OLDEST = (24, 11)
"""Replies of daemons from this version on are understood."""

FORMS_DIFFER = {("wait", "details.")}
"""Objects with other members in each form of the reply: ours has those of all."""

LIKE_A_NUMBER = {"msat", "msat_or_any", "sat", "sat_or_all", "feerate"}
NOT_ALWAYS_THERE = {("askrene-bias-node", "node_biases[].timestamp")}
SEVERAL_KINDS = {
    ("decode", "offer_chains[]"),
    ("decode", "signature"),
    ("decode", "invreq_payer_id"),
    ("createproof", "proofs[].offer_fields_included[]"),
    ("createproof", "proofs[].invreq_fields_included[]"),
    ("createproof", "proofs[].invoice_fields_included[]"),
}
"""The forms of the reply differ in them."""


CORRECTED = {
    "addpsbtoutput",
    "bkpr-report",
    "dev-splice",
    "fetchinvoice",
    "fundchannel",
    "funderupdate",
    "injectpaymentonion",
    "invoicerequest",
    "parsefeerate",
    "reckless",
    "sendinvoice",
    "splice_init",
    "splice_signed",
}
"""Commands that take other parameters than their schemas say, or in another order: `test_usage.py`
has what the daemon says."""


def members(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Each member that any form of an object has; whether all have it."""
    required = set(schema.get("required", ()))
    for name, wanted in schema.get("properties", {}).items():
        yield name, wanted, name in required
    for branch in (schema, *schema.get("allOf", ())):
        for side in {"then", "else"} & branch.keys():
            for name, wanted, _ in members(branch[side]):
                yield name, wanted, name in required


def came_later(wanted: dict[str, Any]) -> bool:
    added = wanted.get("added", "")
    numbers = added[1:].split(".")[:2] if added.startswith("v") else ["0"]
    return "deprecated" in wanted or tuple(map(int, numbers)) > OLDEST


def problems(method: str, schema: dict[str, Any], kind: Any, at: str = "") -> Iterator[str]:
    hints = typing.get_type_hints(kind, include_extras=True)
    ours = {each.encode_name: each for each in msgspec.structs.fields(kind)}
    seen: dict[str, bool] = {}
    for name, wanted, required in members(schema):
        path = f"{at}{name}"
        if name not in ours:
            yield f"{path}: missing"
            continue
        optional = came_later(wanted) or (method, path) in NOT_ALWAYS_THERE
        seen[name] = seen.get(name, True) and required and not optional
        found = member(hints[ours[name].name])
        yield from kind_problems(method, wanted, found, path)
    for name, required in seen.items():
        if ours[name].required != required:
            yield f"{at}{name}: {'optional' if required else 'required'}"
    for name in ours.keys() - seen.keys() if (method, at) not in FORMS_DIFFER else ():
        yield f"{at}{name}: not in the schema"


def kind_problems(method: str, wanted: dict[str, Any], found: Member, path: str) -> Iterator[str]:
    if (method, path) in SEVERAL_KINDS or not wanted.get("type"):
        return
    if wanted["type"] == "array":
        yield from array_problems(method, wanted.get("items", {}), found, path)
    elif wanted["type"] == "object":
        if isinstance(found.kind, type) and issubclass(found.kind, msgspec.Struct):
            yield from problems(method, wanted, found.kind, f"{path}.")
        elif found.name != "dict" or wanted.get("properties"):
            yield f"{path}: {found.name} for an object"
    elif found.name not in NAMED.get(wanted["type"], {"Hex"}):
        yield f"{path}: {found.name} for {wanted['type']}"
    elif wanted["type"] == "string" and not set(wanted.get("enum", ())) <= found.known:
        yield f"{path}: {sorted(set(wanted['enum']) - found.known)} are not known"


def array_problems(method: str, wanted: dict[str, Any], found: Member, path: str) -> Iterator[str]:
    if found.name != "list":
        yield f"{path}: {found.name} is not a list"
    else:
        (item,) = typing.get_args(found.kind)
        yield from kind_problems(method, wanted, member(item), f"{path}[]")


def test_no_command_is_missing(schemas):
    assert len(schemas) == 162
    for method in schemas:
        assert command(method).method == method


def test_each_reply_has_the_members_of_its_schema(schemas):
    found = {
        method: list(problems(method, schema["response"], command(method).reply))
        for method, schema in schemas.items()
        if method != "commando"
    }
    assert {method: each for method, each in found.items() if each} == {}
    assert command("commando").reply is Any


@pytest.mark.parametrize("change", ["type", "gone", "new", "word", "required"])
def test_a_difference_is_found(schemas, change):
    schema = copy.deepcopy(schemas["getinfo"]["response"])
    members = schema["properties"]
    if change == "type":
        members["id"]["type"] = "txid"
    elif change == "gone":
        del members["id"]
    elif change == "new":
        members["more"] = {"type": "string"}
    elif change == "word":
        members["address"]["items"]["properties"]["type"]["enum"].append("NEW")
    else:
        schema["required"].remove("color")
    assert len(list(problems("getinfo", schema, command("getinfo").reply))) == 1


def test_each_request_has_the_parameters_in_their_order(schemas):
    for method in schemas.keys() - CORRECTED:
        request = schemas[method]["request"]
        fields = msgspec.structs.fields(command(method).request)
        assert [each.encode_name for each in fields] == list(request["properties"]), method
        required = set(request.get("required", ()))
        assert {each.encode_name for each in fields if each.required} == required, method


def test_amounts_in_requests_are_amounts_or_say_their_unit(schemas):
    for method, schema in schemas.items():
        hints = typing.get_type_hints(command(method).request, include_extras=True)
        names = {each.encode_name: each.name for each in command_fields(method)}
        for name, wanted in schema["request"]["properties"].items():
            if wanted.get("type") in LIKE_A_NUMBER and name in names:
                kind = {"f": "32 bits", "m": "Msat", "s": "Sat"}[wanted["type"][0]]
                found = member(hints[names[name]]).name
                assert set(found.split(" or ")) == {kind, "str"}, (method, name)


def command_fields(method: str) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(command(method).request)
