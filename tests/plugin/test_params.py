"""Parameters: what each type takes from lightning-cli, and the texts of the errors."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import os
import subprocess
import sys
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clnwire import RpcError
from clnwire._definition.methods import Method
from clnwire.types import Secret
from tests.plugin.conftest import source

PLUGIN = """
import dataclasses, datetime, decimal, enum, pathlib
from typing import Annotated, Literal
from msgspec import Meta, Struct
from clnwire.types import (
    BlockHeight, Hash, Hex, HexBytes, Msat, Outpoint, Psbt, PublicKey, Sat, Secret,
    ShortChannelId, ShortChannelIdDir, U8,
)

class Level(enum.Enum):
    LOW = "low"
    TWO = "2"

class Number(enum.IntEnum):
    ONE = 1

class Target(Struct, forbid_unknown_fields=True):
    label: str
    node: PublicKey | None = None
    on: bool = True

class Chain(Struct):
    amount: Msat
    rest: "Chain | None" = None

class Buy(Struct, tag="buy"):
    price: Msat

class Sell(Struct, tag="sell"):
    price: Sat

@dataclasses.dataclass
class Limit:
    label: str
    most: Msat = Msat(1)

KINDS = {
    "str": str,
    "str?": str | None,
    "strs": list[str],
    "texts": dict[str, str],
    "bool": bool,
    "bool?": bool | None,
    "int": int,
    "float": float,
    "int|str": int | str,
    "msat": Msat,
    "msat?": Msat | None,
    "msats": list[Msat],
    "some": Annotated[Msat, Meta(ge=1000)],
    "sat": Sat,
    "any": Msat | Literal["any", "all"],
    "node": PublicKey,
    "nodes": list[PublicKey],
    "hash": Hash,
    "secret": Secret,
    "secret?": Secret | None,
    "secrets": list[Secret],
    "two-secrets": Annotated[list[Secret], Meta(max_length=1)],
    "aware": Annotated[datetime.datetime, Meta(tz=True)],
    "described": Annotated[Target | None, Meta(description="Whom")],
    "limited": Annotated[Limit, Meta(description="How much")],
    "hex": Hex,
    "bytes": HexBytes,
    "u8": U8,
    "height": BlockHeight,
    "scid": ShortChannelId,
    "scidd": ShortChannelIdDir,
    "outpoint": Outpoint,
    "psbt": Psbt,
    "literal": Literal["fast", "slow"],
    "numbers": Literal[1, 2, "x"],
    "level": Level,
    "number": Number,
    "path": pathlib.Path,
    "decimal": decimal.Decimal,
    "when": datetime.datetime,
    "bounded": Annotated[int, Meta(ge=1, le=9)],
    "positive?": Annotated[int | None, Meta(gt=0)],
    "long": Annotated[str, Meta(min_length=3)],
    "few": Annotated[list[int], Meta(max_length=2)],
    "pair": tuple[int, str],
    "target": Target,
    "targets": list[Target] | None,
    "chain": Chain,
    "deal": Buy | Sell,
    "limit": Limit,
    "by-node": dict[PublicKey, Msat],
}

def register(name, kind):
    def take(x): return repr(x)
    take.__annotations__["x"] = kind
    plugin.method(name)(take)

for name, kind in KINDS.items():
    register(f"take-{name}", kind)

@plugin.method("rest")
def rest(*amounts: Msat, **flags: bool): return repr((amounts, flags))
"""
NODE = "02" + "ab" * 32


@pytest.fixture
def take(running):
    """Calls a method by position and by name; both give the same."""
    daemon = running(PLUGIN)

    def call(kind: str, token: str) -> object:
        answers = []
        for params in (f"[{token}]", f'{{"x":{token}}}'):
            daemon.write(f'{{"id":1,"method":"take-{kind}","params":{params}}}')
            reply = daemon.reply()
            answers.append(reply.get("result", reply.get("error")))
        assert answers[0] == answers[1]
        return answers[0]

    return call


@pytest.mark.parametrize(
    ("kind", "token", "value"),
    [
        ("str", "123", "'123'"),
        ("str", "1.50", "'1.50'"),
        ("str", "-0", "'-0'"),
        ("str", "1e999", "'1e999'"),
        ("str", "true", "'true'"),
        ("str", '"x"', "'x'"),
        ("str?", "0.10", "'0.10'"),
        ("strs", '[1.50,"a",false]', "['1.50', 'a', 'false']"),
        ("texts", '{"a":1.0}', "{'a': '1.0'}"),
        ("bool", "true", "True"),
        ("bool", '"YES"', "True"),
        ("bool", '"no"', "False"),
        ("bool?", '"False"', "False"),
        ("int", '"5"', "5"),
        ("float", '"1.5"', "1.5"),
        ("int|str", "5", "5"),
        ("int|str", '"5"', "'5'"),
        ("int|str", "true", "'true'"),
        ("msat", "5", "5"),
        ("msat", "5.0", "5"),
        ("msat", '"5sat"', "5000"),
        ("msat", '"10msat"', "10"),
        ("msat", '"0.001btc"', "100000000"),
        ("msat", '"0.5000sat"', "500"),
        ("msat", '".5btc"', "50000000000"),
        ("msat?", '"1sat"', "1000"),
        ("msats", '["1sat",2]', "[1000, 2]"),
        ("some", '"1sat"', "1000"),
        ("sat", "5", "5"),
        ("sat", '"5sat"', "5"),
        ("sat", '"5000msat"', "5"),
        ("sat", '"0.001btc"', "100000"),
        ("any", '"all"', "'all'"),
        ("any", '"1sat"', "1000"),
        ("node", f'"{NODE}"', repr(NODE)),
        ("hash", "1" * 64, repr("1" * 64)),
        ("secret?", f'"{"ab" * 32}"', repr("ab" * 32)),
        ("hex", "10", "'10'"),
        ("hex", '"0a"', "'0a'"),
        ("u8", "255", "255"),
        ("height", '"7"', "7"),
        ("scid", '"103x1x0"', "'103x1x0'"),
        ("scidd", '"103x1x0/1"', "'103x1x0/1'"),
        ("outpoint", f'"{"0" * 64}:1"', repr("0" * 64 + ":1")),
        ("psbt", '"cHNidP8BAA=="', "'cHNidP8BAA=='"),
        ("literal", '"fast"', "'fast'"),
        ("numbers", '"1"', "1"),
        ("level", "2", "<Level.TWO: '2'>"),
        ("number", '"1"', "<Number.ONE: 1>"),
        ("path", "5", "PosixPath('5')"),
        ("decimal", "1.50", "Decimal('1.50')"),
        ("when", '"2026-01-31T12:00:00"', "datetime.datetime(2026, 1, 31, 12, 0)"),
        ("bounded", '"9"', "9"),
        ("positive?", "1", "1"),
        ("long", "123", "'123'"),
        ("few", '["1"]', "[1]"),
        ("pair", '["1",2]', "(1, '2')"),
        ("target", '{"label":7,"on":"no"}', "Target(label='7', node=None, on=False)"),
        (
            "chain",
            '{"amount":"1sat","rest":{"amount":"2sat"}}',
            "Chain(amount=1000, rest=Chain(amount=2000, rest=None))",
        ),
        ("deal", '{"type":"sell","price":"5sat"}', "Sell(price=5)"),
        ("described", '{"label":7}', "Target(label='7', node=None, on=True)"),
        ("limited", '{"label":1.0}', "Limit(label='1.0', most=1)"),
        ("limit", '{"label":1.0}', "Limit(label='1.0', most=1)"),
        ("by-node", f'{{"{NODE}":"1sat"}}', f"{{'{NODE}': 1000}}"),
    ],
)
def test_words_as_lightning_cli_sends_them(take, kind, token, value):
    assert take(kind, token) == value


@pytest.mark.parametrize("kind", ["str?", "bool?", "msat?", "secret?", "positive?", "targets"])
def test_null_for_an_optional_value(take, kind):
    assert take(kind, "null") == "None"


AMOUNT = "must be an amount such as 5sat, 10msat or 0.001btc (msat without a unit)"
AWARE = "must be a date and time such as 2026-01-31T12:00:00Z, with a time zone"
SECRETS = json.dumps(["ab" * 32] * 2)
PUBLIC_KEY = "must be a public key (66 hexadecimal digits)"


@pytest.mark.parametrize(
    ("kind", "token", "said"),
    [
        ("str", "null", "'x' must be a string, not null"),
        ("str", '{"a":1}', """'x' must be a string, not {"a":1}"""),
        ("str?", "[]", "'x' must be a string, not []"),
        ("strs", "5", "'x' must be an array, not 5"),
        ("strs", '["a",null]', "'x[1]' must be a string, not null"),
        ("texts", '{"a":[]}', "'x.a' must be a string, not []"),
        ("bool", "1", "'x' must be true, false, yes or no, not 1"),
        ("bool?", '"on"', """'x' must be true, false, yes or no, not "on\""""),
        ("int", "5.5", "'x' must be an integer, not 5.5"),
        ("int", "true", "'x' must be an integer, not true"),
        (
            "int",
            '"a\\u001b[0m\\n\u202e"',
            """'x' must be an integer, not "a\\u001b[0m\\n\\u202e\"""",
        ),
        ("int", f'"{"é" * 100}"', f"""'x' must be an integer, not "{"é" * 78}…"""),
        ("float", '"nan"', """'x' must be a number, not "nan\""""),
        ("int|str", "[]", "'x' must be an integer or a string, not []"),
        ("msat", "5.5", f"'x' {AMOUNT}, not 5.5"),
        ("msat", "-1", f"'x' {AMOUNT}, not -1"),
        ("msat", '"5 sat"', f"""'x' {AMOUNT}, not "5 sat\""""),
        ("msat", '"0.0001sat"', f"""'x' {AMOUNT}, not "0.0001sat\""""),
        ("msat?", "true", f"'x' {AMOUNT}, not true"),
        ("msats", '[1,"x"]', f"""'x[1]' {AMOUNT}, not "x\""""),
        ("some", '"999msat"', f"""'x' {AMOUNT}, of at least 1000, not "999msat\""""),
        (
            "sat",
            '"5msat"',
            (
                "'x' must be whole satoshis such as 5sat, 5000msat or 0.001btc "
                '(sat without a unit), not "5msat"'
            ),
        ),
        ("any", '"none"', f"""'x' {AMOUNT} or "any" or "all", not "none\""""),
        ("node", f'"{NODE[:-2]}"', f"""'x' {PUBLIC_KEY}, not "{NODE[:-2]}": it has 64 digits"""),
        (
            "node",
            f'"04{NODE[2:]}"',
            f"""'x' {PUBLIC_KEY}, not "04{NODE[2:]}": it starts with 04 instead of 02 or 03""",
        ),
        ("node", "null", f"'x' {PUBLIC_KEY}, not null"),
        (
            "nodes",
            '["02x"]',
            f"""'x[0]' {PUBLIC_KEY}, not "02x": character 3 is not a hexadecimal digit""",
        ),
        ("hash", "1", "'x' must be a hash (64 hexadecimal digits), not 1: it has 1 digit"),
        ("secret", '"ab"', "'x' must be a secret (64 hexadecimal digits): it has 2 digits"),
        ("secret?", '"ab"', "'x' must be a secret (64 hexadecimal digits): it has 2 digits"),
        ("secret", "[1]", "'x' must be a secret (64 hexadecimal digits), not this array"),
        ("secrets", '"ab"', "'x' must be an array"),
        (
            "two-secrets",
            '["ab"]',
            "'x[0]' must be a secret (64 hexadecimal digits): it has 2 digits",
        ),
        ("two-secrets", SECRETS, "'x' must be an array of at most 1 item, not this array"),
        ("aware", '"2026-01-31"', f"'x' {AWARE}, not \"2026-01-31\""),
        (
            "hex",
            '"abc"',
            """'x' must be hexadecimal digits, two a byte, not "abc": it has 3 digits""",
        ),
        (
            "bytes",
            '"0g"',
            (
                "'x' must be hexadecimal digits, two a byte, not "
                '"0g": character 2 is not a hexadecimal digit'
            ),
        ),
        ("u8", "256", "'x' must be an integer from 0 to 255, not 256"),
        ("height", "-1", "'x' must be an integer from 0 to 4294967295, not -1"),
        (
            "scid",
            '"103:1:0"',
            (
                "'x' must be a short channel id such as 103x1x0 (of 24, 24 and 16 bits), "
                'not "103:1:0"'
            ),
        ),
        (
            "scidd",
            '"103x1x0"',
            "'x' must be a short channel id and its direction such as 103x1x0/1, not \"103x1x0\"",
        ),
        (
            "outpoint",
            '"ab:0"',
            "'x' must be an outpoint (64 hexadecimal digits, a colon and an index), not \"ab:0\"",
        ),
        (
            "psbt",
            '"YWJj"',
            """'x' must be a PSBT in base64, not "YWJj": it does not start with cHNidP8""",
        ),
        ("literal", '"medium"', """'x' must be "fast" or "slow", not "medium\""""),
        ("numbers", "3", """'x' must be 1, 2 or "x", not 3"""),
        ("level", '"high"', """'x' must be "low" or "2", not "high\""""),
        ("number", "2", "'x' must be 1, not 2"),
        ("path", "{}", "'x' must be a path, not {}"),
        ("decimal", '"nan"', """'x' must be a decimal number, not "nan\""""),
        (
            "when",
            '"today"',
            """'x' must be a date and time such as 2026-01-31T12:00:00Z, not "today\"""",
        ),
        ("bounded", "0", "'x' must be an integer from 1 to 9, not 0"),
        ("bounded", '"ten"', """'x' must be an integer from 1 to 9, not "ten\""""),
        ("positive?", "0", "'x' must be an integer above 0, not 0"),
        ("long", "12", "'x' must be a string of at least 3 characters, not 12"),
        ("few", "[1,2,3]", "'x' must be an array of at most 2 items, not [1,2,3]"),
        ("pair", "[1]", "'x' must be an array of length 2, not [1]"),
        ("target", '{"node":null}', "'x.label' is missing"),
        ("target", '{"label":1,"z":2}', "'x.z' is unknown"),
        ("targets", '[{"label":[]}]', "'x[0].label' must be a string, not []"),
        ("targets", '"x"', """'x' must be an array, not "x\""""),
        ("chain", '{"amount":1,"rest":{"amount":-1}}', f"'x.rest.amount' {AMOUNT}, not -1"),
        (
            "deal",
            '{"type":"give"}',
            (
                """'x' must be an object with "type": "buy" or an object with "type": "sell", """
                """not {"type":"give"}"""
            ),
        ),
        ("deal", '{"type":"buy","price":-1}', f"'x.price' {AMOUNT}, not -1"),
        ("limit", '{"most":1}', "'x.label' is missing"),
        ("by-node", '{"02":1}', f"""'x.02' {PUBLIC_KEY}, not "02": it has 2 digits"""),
    ],
)
def test_a_bad_value_is_told_what_is_permitted(take, kind, token, said):
    error = take(kind, token)
    assert error["code"] == -32602
    text, _, usage = error["message"].partition(" (usage: ")
    assert text == f"take-{kind}: parameter {said}"
    assert usage.startswith(f"take-{kind} x")


def test_the_rest_is_read_alike(running):
    daemon = running(PLUGIN)
    assert daemon.call("rest", ["1sat", 2]) == "((1000, 2), {})"
    assert daemon.call("rest", {"on": "yes"}) == "((), {'on': True})"
    error = daemon.request("rest", {"on\n": 5})["error"]["message"]
    assert error.startswith("rest: parameter 'on\\n' must be true, false, yes or no, not 5 (")
    error = daemon.request("rest", {"n" * 1000: 5})["error"]["message"]
    assert error.startswith(f"rest: parameter '{'n' * 79}…' must be true")
    error = daemon.request("take-str", {"n" * 1000: 5})["error"]["message"]
    assert error == f"take-str: unknown parameter '{'n' * 79}…' (usage: take-str x)"


def test_choices_and_bounds_are_in_the_usage(plugin):
    daemon = plugin(PLUGIN)
    usages = {each["name"]: each["usage"] for each in daemon.getmanifest()["rpcmethods"]}
    assert {name: usages[f"take-{name}"] for name in ("literal", "number", "level", "any")} == {
        "literal": "x:fast|slow",
        "number": "x:1",
        "level": "x:low|2",
        "any": "x",
    }
    assert [usages[f"take-{name}"] for name in ("bounded", "positive?", "some", "long")] == [
        "x:1..9",
        "x:>0",
        "x:>=1000",
        "x",
    ]


DOCUMENTED = '''
from typing import Annotated
from msgspec import Meta

class Doc:
    """As those of typing_extensions and annotated_doc."""
    def __init__(self, documentation): self.documentation = documentation

@plugin.method("annotated")
def annotated(
    x: Annotated[int, Doc("How many\\n times")],
    y: Annotated[int, Meta(ge=1, description="The least")] | None = None,
    z: str = "",
):
    """Counts."""

@plugin.method("google")
def google(x: int, *more: str, y: int = 1):
    """Counts.

    Args:
        x (int): How many
            times.
        *more: More: of it.
        y: The y.

    Returns:
        z: Nothing.
    """

@plugin.method("numpy")
def numpy(x: int, y: int = 1, z: str = ""):
    """Counts.

    Parameters
    ----------
    x : int
        How many
        times.
    y, z : int, optional
        Both.

    Returns
    -------
    r : int
        Nothing.
    """

@plugin.method("rest")
def rest(x: int, y: int = 1):
    """Counts.

    :param x: How many
        times.
    :param int y: The y.
    :returns: nothing
    """

@plugin.method("plain")
def plain(x: int):
    """Nothing is said in Args: here."""
'''


class Signed(msgspec.Struct, tag="signed"):
    key: Secret
    count: int = 1
    others: list[Signed] = []


class Listed(msgspec.Struct, array_like=True):
    key: Secret
    count: int


class Place(TypedDict):
    x: int


class Keyed(TypedDict):
    key: Secret
    count: int


@pytest.mark.parametrize(
    ("kind", "token"),
    [
        (Signed, '{"type":"other","key":"KEY"}'),
        (Signed | int, '"KEY"'),
        (tuple[Signed, int], '[{"type":"signed","key":"KEY"}]'),
        (Annotated[list[Signed], msgspec.Meta(max_length=0)], '[{"key":"KEY"}]'),
        (Listed, '["KEY","x"]'),
        (Keyed, '{"key":"KEY","count":"x"}'),
        (dict[Secret, int], '{"KEY":"x"}'),
    ],
)
def test_no_error_shows_a_secret_in_a_value(kind, token):
    def take(x): ...

    take.__annotations__["x"] = kind
    params = Method("take", take).params
    with pytest.raises(RpcError) as caught:
        params.decode(b'{"x":%b}' % token.replace("KEY", "ab" * 32).encode())
    assert "abab" not in caught.value.message


def test_a_default_may_be_a_struct():
    default = Listed("ab" * 32, 1)

    def take(x=default):
        return x

    take.__annotations__["x"] = Listed
    params = Method("take", take).params
    for text in (b"{}", b"[]", b"[null]", b"null"):
        assert params.bind(take)(params.decode(text)) == default


def test_a_type_read_as_a_whole_names_the_parameter_alone():
    def take(x): ...

    take.__annotations__["x"] = Place
    with pytest.raises(RpcError) as caught:
        Method("take", take).params.decode(b"[5]")
    said = "take: parameter 'x' is wrong: Expected `object`, got `int` in 5 (usage: take x)"
    assert caught.value.message == said


def test_what_parameters_mean_is_in_the_help(plugin):
    daemon = plugin(DOCUMENTED)
    texts = {each["name"]: each["long_description"] for each in daemon.getmanifest()["rpcmethods"]}
    assert texts["annotated"] == "Counts.\n\nParameters:\n  x: How many times\n  y: The least"
    assert ":param int y: The y." in texts["rest"]
    assert texts["plain"] == "Nothing is said in Args: here."


def test_what_parameters_mean_is_in_the_help_of_a_terminal(tmp_path):
    path = tmp_path / "documented.py"
    path.write_text(source(DOCUMENTED) + "\nplugin.run()\n")
    environment = {name: each for name, each in os.environ.items() if name != "LIGHTNINGD_PLUGIN"}
    done = subprocess.run(
        [sys.executable, path, "--help"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.partition("Methods\n")[2].splitlines() == [
        "    annotated x [y:>=1] [z]  Counts.",
        "        x                    How many times",
        "        y                    The least",
        "    google x [more ...] [y]  Counts.",
        "        x                    How many times.",
        "        more                 More: of it.",
        "        y                    The y.",
        "    numpy x [y] [z]          Counts.",
        "        x                    How many times.",
        "        y                    Both.",
        "        z                    Both.",
        "    rest x [y]               Counts.",
        "        x                    How many times.",
        "        y                    The y.",
        "    plain x                  Nothing is said in Args: here.",
    ]


def test_check_reads_values_alike(running):
    daemon = running(PLUGIN)
    checked = {"command_to_check": "take-msat"}
    assert daemon.call("check", ["take-msat", "5sat"]) == checked
    assert "amount such as" in json.dumps(daemon.request("check", ["take-msat", "x"])["error"])


class Word(enum.Enum):
    A = "a"
    ONE = "1"


class Point(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    my_x: int
    y: str | None = None
    z: list[float] = []


class Tree(msgspec.Struct):
    n: list[Tree] = []
    v: int | None = None


class Left(msgspec.Struct, tag=True):
    a: int = 1


class Right(msgspec.Struct, tag=True):
    b: str = ""


class Row(msgspec.Struct, array_like=True):
    a: int
    b: str = "x"


class Pair(NamedTuple):
    a: int
    b: str = "z"


@dataclasses.dataclass
class Record:
    a: bool
    b: dict[str, int] = dataclasses.field(default_factory=dict)


KINDS: list[Any] = [str, int, float, bool, Any, object, bytes, list, dict, tuple, msgspec.Raw]
KINDS += [int | str, float | int, bool | str, int | bool | None, datetime.datetime]
KINDS += [list[int | str], set[int], tuple[int, str], tuple[int, ...], dict[int, str]]
KINDS += [Literal[1, 2, "a"], Literal["a", None], Word, Point | None, list[Point], Left | Right]
KINDS += [Tree, Row, Pair, list[Record] | None, dict[str, list[Point] | int]]
KINDS += [
    Annotated[int, msgspec.Meta(ge=1, le=9)],
    Annotated[list[int], msgspec.Meta(max_length=1)],
]
WORDS = ("", "a", "1", "true", "Left", "Right", "nan", "2020-01-01T00:00:00Z", "null", "yes", "é")
NAMES = st.sampled_from(["a", "b", "myX", "y", "z", "n", "v", "type", "1"])
VALUES = st.recursive(
    st.sampled_from([None, True, False, 0, 5, -1, 1.0, 1.5, 2**70, *WORDS]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=6,
)


def methods_of_plain_types() -> list[Method]:
    """A method for each type, with it as the type of its parameter."""
    methods: list[Method] = []
    for kind in KINDS:

        def take(x: object) -> object:
            return x

        take.__annotations__["x"] = kind
        methods.append(Method("take", take))
    return methods


METHODS = methods_of_plain_types()


@given(VALUES, st.sampled_from(METHODS))
def test_a_value_read_alone_is_what_msgspec_decodes(value, method):
    params, text = method.params, json.dumps({"x": value}).encode()
    assert params._decode_names != params._decode_each, "such a method is as fast as msgspec"
    try:
        expected = params._decode_names(text).x
    except msgspec.ValidationError:
        return
    found = params._decode_each(text).x
    if isinstance(expected, msgspec.Raw):
        found, expected = bytes(found), bytes(expected)
    assert repr(found) == repr(expected)


@pytest.fixture
def refusal(running):
    """What is said about a value that a method refuses."""

    def said(kind, value):
        daemon = running(PLUGIN)
        daemon.write(f'{{"id":1,"method":"take-{kind}","params":[{value}]}}')
        error = daemon.reply()["error"]
        assert error["code"] == -32602
        return error["message"]

    return said


def test_a_value_that_is_nested_too_deeply_is_refused(refusal):
    deep = '{"amount":1,"rest":' * 5_000 + "null" + "}" * 5_000
    assert "parameter 'x' is nested too deeply" in refusal("chain", deep)


@pytest.mark.promise(
    "a caller nests a wrong value in values of the same type", "it is refused at once"
)
def test_a_wrong_value_far_inside_is_looked_for_once(refusal):
    # Two readings at each level would be 2 ** 60 in all.
    nested = '{"amount":1,"rest":' * 60 + '{"amount":-1}' + "}" * 60
    assert "must be an amount" in refusal("chain", nested)


def test_text_that_takes_long_to_split_is_refused_where_it_is_deep(refusal):
    nested = '{"\\ud800":1,"amount":1,"rest":' * 9 + '{"amount":1}' + "}" * 9
    assert "parameter 'x' is nested too deeply" in refusal("chain", nested)


def test_zeros_behind_the_point_of_an_amount_are_read_once(refusal):
    # Reading them again from each would take half an hour.
    assert "must be an amount" in refusal("msat", f'"1.{"0" * 1_000_000}x"')
