"""Options: announced, converted by the daemon's rules, changed while running."""

from __future__ import annotations

import enum
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, TypedDict

import pytest
from msgspec import Meta

from clnwire import NotReadyError, Option, OptionError, UsageError
from clnwire._definition.values import MisfitError, is_concealed, reader
from clnwire.types import Msat, Secret

OPTIONS = """
    import json

    name = plugin.option("greeting", "World", description="Whom to greet")
    count = plugin.option("count", 7)
    on = plugin.option("on", True)
    flag = plugin.option("flag", type="flag")
    secret = plugin.option("secret", type="string-conceal")
    ports = plugin.option("ports", [80], multi=True)
    hosts = plugin.option("hosts", multi=True)
    quoted = plugin.option("quoted", 'say "hi"\\n')
    maybe = plugin.option("maybe", type=int)

    def refuse_negative(value: int):
        if value < 0:
            raise ValueError("must not be negative")
        plugin.log(f"limit goes from {limit.value} to {value}")

    limit = plugin.option("limit", 1, dynamic=True, on_change=refuse_negative)
    tags = plugin.option("tags", multi=True, dynamic=True)
    loud = plugin.option("loud", type="flag", dynamic=True)

    @plugin.method("values")
    def values():
        found = {}
        for option in plugin.options.values():
            try:
                found[option.name] = option.value
            except OptionError as error:
                found[option.name] = f"OptionError: {error}"
        return found
"""

DEFAULTS = {
    "greeting": "World",
    "count": 7,
    "on": True,
    "flag": False,
    "secret": None,
    "ports": [80],
    "hosts": [],
    "quoted": 'say "hi"\n',
    "maybe": None,
    "limit": 1,
    "tags": [],
    "loud": False,
}


def test_the_manifest_announces_them(plugin):
    options = {option["name"]: option for option in plugin(OPTIONS).getmanifest()["options"]}
    assert options["greeting"] == {
        "name": "greeting",
        "type": "string",
        "description": "Whom to greet",
        "default": "World",
    }
    assert options["count"] == {"name": "count", "type": "int", "description": "", "default": 7}
    assert options["on"]["default"] is True
    assert options["flag"] == {"name": "flag", "type": "flag", "description": ""}
    assert options["secret"]["type"] == "string-conceal"
    assert options["ports"] == {"name": "ports", "type": "int", "description": "", "multi": True}
    assert options["limit"]["dynamic"] is True
    assert "default" not in options["quoted"], "the daemon would not unescape it"


def test_the_daemon_of_2019_knows_only_strings(plugin):
    daemon = plugin(OPTIONS, dialect="2019")
    options = {option["name"]: option for option in daemon.getmanifest()["options"]}
    assert {option["type"] for option in options.values()} == {"string"}
    assert options["count"]["default"] == "7"
    assert options["on"]["default"] == "true"
    given = {"count": "0x1F", "on": "No", "flag": "true", "ports": "81", "greeting": "Hi"}
    daemon.init(given)
    assert daemon.call("values") == {
        **DEFAULTS,
        "count": 31,
        "on": False,
        "flag": True,
        "ports": [81],
        "greeting": "Hi",
    }


def test_values_of_init(plugin):
    daemon = plugin(OPTIONS)
    given = {"greeting": "7", "count": -5, "on": False, "flag": True, "ports": [1, 2], "unknown": 1}
    daemon.start(given)
    assert daemon.call("values") == {
        **DEFAULTS,
        "greeting": "7",
        "count": -5,
        "on": False,
        "flag": True,
        "ports": [1, 2],
    }


def test_absent_values_are_the_defaults(plugin):
    daemon = plugin(OPTIONS)
    daemon.start()
    assert daemon.call("values") == DEFAULTS
    assert daemon.hang_up() == 0
    assert daemon.logs == []


def init_with(options: str) -> str:
    configuration = '{"lightning-dir":"/tmp","rpc-file":"lightning-rpc"}'
    return (
        '{"jsonrpc":"2.0","id":"i","method":"init","params":'
        f'{{"options":{options},"configuration":{configuration}}}}}\n\n'
    )


@pytest.mark.promise("an option in `init` that is not JSON (`0x10`)", "read as the daemon reads it")
def test_integers_come_as_the_user_spelled_them(plugin):
    daemon = plugin(OPTIONS)
    daemon.getmanifest()
    daemon.write(init_with('{"count":0x10,"ports":[1,0x10,010, -0X1f],"maybe":+7}'))
    assert daemon.reply()["result"] == {}
    values = daemon.call("values")
    assert (values["count"], values["ports"], values["maybe"]) == (16, [1, 16, 8, -31], 7)


@pytest.mark.promise("an option that cannot be read", "named in the log; only reading it raises")
def test_a_malformed_value_is_named_and_the_rest_works(plugin):
    daemon = plugin(OPTIONS)
    daemon.getmanifest()
    options = (
        '{"count":0xZZ,"on":"maybe","ports":[1,08],"greeting":"fine","maybe":99999999999999999999}'
    )
    daemon.write(init_with(options))
    assert daemon.reply()["result"] == {}
    said = daemon.log_text()
    values = daemon.call("values")
    for name in ("count", "on", "ports", "maybe"):
        assert f"option '{name}'" in said
        assert values[name].startswith("OptionError")
    assert "0xZZ" in said
    assert values["greeting"] == "fine"
    assert values["limit"] == 1


def test_values_that_are_no_json_are_refused_after_init(plugin):
    daemon = plugin(OPTIONS)
    daemon.start()
    daemon.write('{"jsonrpc":"2.0","id":1,"method":"values","params":{"a":{"b":0x10}}}')
    error = daemon.reply()["error"]
    assert error["code"] == -32700
    assert "invalid number at byte" in error["message"]


def test_setconfig_changes_dynamic_options(plugin):
    daemon = plugin(OPTIONS)
    daemon.start()
    daemon.call("setconfig", {"config": "limit", "val": "0x20"})
    daemon.call("setconfig", {"config": "tags", "val": ["a", "b"]})
    daemon.call("setconfig", {"config": "loud"})
    values = daemon.call("values")
    assert (values["limit"], values["tags"], values["loud"]) == (32, ["a", "b"], True)
    assert "limit goes from 1 to 32" in daemon.log_text()


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"config": "limit", "val": "-1"}, "must not be negative"),
        ({"config": "limit", "val": "many"}, "option 'limit': 'many' is not an integer"),
        ({"config": "limit"}, "needs a value"),
        ({"config": "count", "val": "1"}, "not dynamic"),
        ({"config": "nope", "val": "1"}, "unknown option 'nope'"),
    ],
)
def test_setconfig_refuses_and_keeps_the_value(plugin, params, said):
    daemon = plugin(OPTIONS)
    daemon.start()
    error = daemon.request("setconfig", params)["error"]
    assert error["code"] == -32602
    assert said in error["message"]
    assert daemon.call("values") == DEFAULTS


def test_check_of_setconfig_changes_nothing(plugin):
    daemon = plugin(OPTIONS)
    daemon.start()
    good = {"command_to_check": "setconfig", "config": "limit", "val": "5"}
    assert daemon.call("check", good) == {"command_to_check": "setconfig"}
    assert "error" in daemon.request("check", {**good, "val": "x"})
    assert "error" in daemon.request("check", {"command_to_check": "setconfig", "config": "limit"})
    assert daemon.call("values") == DEFAULTS


def test_reading_before_init_raises():
    option: Option[str] = Option("greeting", "World")
    with pytest.raises(NotReadyError, match="'greeting' has no value before init"):
        _ = option.value


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "Greeting"}, "a-z, 0-9"),
        ({"name": ""}, "a-z, 0-9"),
        ({"name": "a b"}, "a-z, 0-9"),
        ({"name": "--a-b"}, "write 'a-b', without the dashes"),
        ({"name": "-"}, "without the dashes"),
        ({"name": 5}, "the name must be a str, not 5"),
        ({"name": "x", "description": None}, "the description must be a str, not None"),
        (
            {"name": "x", "default": 2**63},
            "the default 9223372036854775808 does not fit in 64 bits",
        ),
        ({"name": "x", "default": [1, -(2**63) - 1], "multi": True}, "does not fit in 64 bits"),
        ({"name": "x", "default": "abc", "multi": True}, "the default must be a list, not 'abc'"),
        ({"name": "x", "default": 5, "multi": True}, "the default must be a list, not 5"),
        (
            {"name": "x", "type": "text"},
            "unknown type 'text'; use one of string, string-conceal, int",
        ),
        ({"name": "x", "default": "a", "type": "int"}, "the default must be int, not 'a'"),
        ({"name": "x", "default": 1, "type": str}, "the default must be str, not 1"),
        ({"name": "x", "default": True, "type": "int"}, "the default must be int, not True"),
        ({"name": "x", "default": True, "type": "flag"}, "default of a flag must be False"),
        ({"name": "x", "type": "flag", "multi": True}, "cannot be multi"),
        ({"name": "x", "type": "bool", "multi": True}, "cannot be multi"),
        ({"name": "x", "default": ["a", 1], "multi": True}, "the default must be str, not 1"),
        ({"name": "x", "on_change": print}, "needs dynamic=True"),
    ],
)
def test_what_the_daemon_would_refuse_is_refused_at_once(arguments, said):
    with pytest.raises(UsageError, match=said):
        Option(**arguments)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"5", 5),
        (b'"5"', 5),
        (b'"0x7fffffffffffffff"', 2**63 - 1),
        (b"-0x8000000000000000", -(2**63)),
        (b'"010"', 8),
        (b'"0"', 0),
        (b'" 12 "', 12),
    ],
)
def test_integers(raw, value):
    option: Option[int] = Option("n", type="int")
    assert option.read(raw) == value


@pytest.mark.parametrize(
    "raw",
    [b"9223372036854775808", b"1.5", b"true", b'""', b'"0x"', b'"1_000"', b'"1e3"', b"null", b"[]"],
)
def test_what_is_no_integer(raw):
    option: Option[int] = Option("n", type="int")
    with pytest.raises(OptionError, match="option 'n'"):
        option.read(raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [(b"true", True), (b'"YES"', True), (b'"False"', False), (b'"no"', False), (b"false", False)],
)
def test_booleans(raw, value):
    option: Option[bool] = Option("b", type="bool")
    assert option.read(raw) is value


@pytest.mark.parametrize("raw", [b"123", b"1.50", b"true", b'"123"'])
def test_a_string_is_what_the_user_wrote(raw):
    option: Option[str] = Option("s", type="string")
    assert option.read(raw) == raw.decode().strip('"')


@pytest.mark.parametrize("raw", [b"null", b"[1]", b'{"a":1}'])
def test_what_is_no_string(raw):
    option: Option[str] = Option("s", type="string")
    with pytest.raises(OptionError, match=r"option 's': .* is not a string$"):
        option.read(raw)


def test_the_error_about_a_long_value_is_short():
    option: Option[int] = Option("n", type="int")
    with pytest.raises(OptionError) as caught:
        option.read(b'"%s"' % (b"x" * 1000))
    assert str(caught.value).startswith(f"option 'n': '{'x' * 78}… is not an integer")


class Speed(enum.Enum):
    FAST = "fast"
    SLOW = "slow"


OTHER_TYPES = [
    (Speed, Speed.FAST, "fast", b'"slow"', Speed.SLOW),
    (float, 0.5, "0.5", b'"1.25"', 1.25),
    (float, 0.5, "0.5", b"2", 2.0),
    (Literal["a", "b"], "a", "a", b'"b"', "b"),
    (Msat, 5000, "5000", b'"2sat"', 2000),
    (Path, Path("/x"), "/x", b'"/tmp/y"', Path("/tmp/y")),
    (timedelta, timedelta(hours=1), "PT3600S", b'"PT1M"', timedelta(minutes=1)),
    (bytes, b"abc", "YWJj", b'"YWI="', b"ab"),
]


@pytest.mark.parametrize(("kind", "default", "text", "given", "value"), OTHER_TYPES)
def test_a_type_that_the_protocol_does_not_have(kind, default, text, given, value):
    option = Option("a", default, type=kind)
    assert (option.type, option.default_text) == ("string", text)
    assert option.read(None) == default
    assert option.read(given) == option.read_change(given) == value
    assert Option("a", type=kind).read(None) is None
    assert Option("a", [default], type=kind, multi=True).read(b"[%b]" % given) == [value]


@pytest.mark.parametrize(
    ("kind", "given", "text"),
    [
        (Speed, b'"fats"', 'option \'a\' must be "fast" or "slow", not "fats"'),
        (float, b'"x"', "option 'a' must be a number, not \"x\""),
        (Msat, b'"1btcs"', "option 'a' must be"),
        (float, b"0x10", "option 'a' must be a number, not \"0x10\""),
    ],
)
def test_a_value_that_does_not_fit_another_type(kind, given, text):
    with pytest.raises(OptionError) as error:
        Option("a", type=kind).read(given)
    assert str(error.value).startswith(text)


def test_a_secret_is_concealed():
    option = Option("a", type=Secret | None, value_in_run=lambda name: "ab" * 32)
    assert option.type == "string-conceal"
    assert "ab" not in repr(option)


HIDDEN = "cd" * 31


class Login(TypedDict):
    password: Secret
    count: int


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [(Secret, f'"{HIDDEN}"'), (Login, f'{{"password":"{HIDDEN}","count":"a"}}')],
)
def test_an_option_with_a_secret_is_concealed(kind, wrong):
    option = Option("a", type=kind, value_in_run=lambda name: [HIDDEN])
    assert option.type == "string-conceal"
    assert HIDDEN not in repr(option)
    with pytest.raises(OptionError) as error:
        option.read(wrong.encode())
    assert HIDDEN not in str(error.value)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (list[Secret], f'["{HIDDEN}"]'),
        (list[Secret], f'"{HIDDEN}"'),
        (list[Secret] | None, f'["{HIDDEN}"]'),
        (tuple[str, Secret], f'["a","{HIDDEN}"]'),
        (dict[str, Secret], f'{{"a":"{HIDDEN}"}}'),
        (Annotated[list[Secret], Meta(max_length=2)], f'["{HIDDEN}"]'),
    ],
)
def test_a_secret_within_a_value_is_concealed(kind, wrong):
    found, _ = reader(kind)
    assert is_concealed(found)
    with pytest.raises(MisfitError) as error:
        found.read(wrong.encode())
    assert HIDDEN not in str(error.value)


@pytest.mark.parametrize("given", [b'["cdcd"]', b'{"cdcd":1}', b"null"])
def test_a_wrong_value_of_a_concealed_option_is_not_shown(given):
    with pytest.raises(OptionError, match="option 'a': the value is not a string") as error:
        Option("a", type="string-conceal").read(given)
    assert "cdcd" not in str(error.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"type": Secret, "default": HIDDEN},
        {"type": Secret, "multi": True, "default": [HIDDEN]},
        {"type": Secret, "multi": True, "default": HIDDEN},
        {"type": "string-conceal", "multi": True, "default": HIDDEN},
        {"type": "string-conceal", "default": HIDDEN.encode()},
    ],
)
def test_a_wrong_default_that_is_a_secret_is_not_shown(arguments):
    with pytest.raises(UsageError, match="default") as error:
        Option("a", **arguments)
    assert HIDDEN not in str(error.value)


def test_an_enum_is_known_by_its_default():
    assert Option("a", Speed.FAST).read(b'"slow"') is Speed.SLOW


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"type": Literal["a", "b"], "default": "c"}, "this is the default"),
        ({"type": object()}, "its type cannot be read"),
        ({"type": list[int]}, "cannot become an array; give the type of one value, and multi=True"),
        ({"type": dict[str, int]}, "cannot become an object"),
        ({"default": [1, 2]}, "cannot become an array"),
        ({"default": str}, "the default is a type; pass it as type="),
        ({"default": list[int]}, "the default is a type; pass it as type="),
        ({"type": Speed, "multi": True, "default": Speed.FAST}, "the default must be a list"),
    ],
)
def test_another_type_that_cannot_work(arguments, text):
    with pytest.raises(UsageError, match=text):
        Option("a", **arguments)
