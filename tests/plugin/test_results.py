"""What handlers may return and publish: one rule, with orjson and without."""

from __future__ import annotations

import pytest

VALUES = """
import collections, dataclasses, datetime, decimal, enum, os, pathlib, uuid
from types import MappingProxyType

class Text(str): ...
class Number(int): ...
class Share(float): ...
class Items(list): ...
class Members(dict): ...
class Color(str, enum.Enum):
    RED = "red"

@dataclasses.dataclass
class Data:
    a: int
    _b: object = None

class Own(msgspec.Struct):
    a: object

VALUES = {
    "text": Text("a"), "number": Number(3), "share": Share(1.5), "items": Items([Text("b")]),
    "members": Members({Text("k"): Number(1)}), "color": Color.RED, "data": Data(1, Text("x")),
    "path": pathlib.Path("/a/b"), "uuid": uuid.UUID(int=1), "big": 2**70, "keys": {1: 2},
    "when": datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc), "own": Own(Text("y")),
    "money": decimal.Decimal("1.10"), "set": {1}, "tuple": (1, (2,)), "raw": msgspec.Raw(b"[1]"),
    "half": "a\\ud83d", "name": os.fsdecode(b"\\xff"), "none": [None, {"a": None}],
    "counter": collections.Counter("aa"), "half key": {"\\ud83d": msgspec.Raw(b'"r"')},
}
BAD = {
    "nan": float("nan"), "inf": Own([-float("inf")]), "nan in data": Data(1, [float("nan"), None]),
    "bytes": {"a": [b"00"]}, "bytearray": bytearray(b"1"), "bytes in own": Own(b"00"),
    "bytes as key": {b"a": 1}, "none as key": {None: 1}, "true as key": {True: 1},
    "object": object(), "iterator": iter([1]), "view": MappingProxyType({}),
}

@plugin.method("value")
def value(name: str):
    return VALUES[name]

@plugin.method("within")
def within(name: str):
    return {"a": [VALUES[name]]}

@plugin.method("bad")
def bad(name: str):
    return BAD[name]

@plugin.method("publish")
def publish(name: str):
    news.publish({"a": BAD[name]})

news = plugin.topic("news")
"""
EXPECTED = {
    "text": "a",
    "number": 3,
    "share": 1.5,
    "items": ["b"],
    "members": {"k": 1},
    "color": "red",
    "data": {"a": 1, "_b": "x"},
    "path": "/a/b",
    "uuid": "00000000-0000-0000-0000-000000000001",
    "big": 2**70,
    "keys": {"1": 2},
    "when": "2020-01-02T00:00:00Z",
    "own": {"a": "y"},
    "money": "1.10",
    "set": [1],
    "tuple": [1, [2]],
    "raw": [1],
    "half": "a\ud83d",
    "name": "\udcff",
    "none": [None, {"a": None}],
    "counter": {"a": 2},
    "half key": {"\ud83d": "r"},
}
BAD = {
    "nan": "ValueError: nan is not a JSON number",
    "inf": "ValueError: a[0]: -inf is not a JSON number",
    "nan in data": "ValueError: _b[0]: nan is not a JSON number",
    "bytes": "TypeError: a[0]: bytes cannot be sent as JSON: use .hex(), or msgspec.Raw",
    "bytearray": "TypeError: bytearray and memoryview cannot be sent as JSON",
    "bytes in own": "TypeError: a: bytes cannot be sent as JSON",
    "bytes as key": "TypeError: bytes cannot be sent as JSON",
    "none as key": "cannot be a key of a JSON object",
    "true as key": "cannot be a key of a JSON object",
    "object": "TypeError: an object of type object cannot be sent as JSON",
    "iterator": "use list(…)",
    "view": "TypeError: an object of type mappingproxy cannot be sent as JSON",
}


@pytest.fixture(params=["orjson", "msgspec alone"])
def without(request: pytest.FixtureRequest) -> str:
    """What the plugin's source begins with."""
    if request.param == "orjson":
        pytest.importorskip("orjson")
        return "plugin = Plugin()\n"
    return "import sys; sys.modules['orjson'] = None; plugin = Plugin()\n"


def test_values(plugin, without):
    daemon = plugin(without + VALUES)
    daemon.start()
    for name, value in EXPECTED.items():
        assert daemon.call("value", [name]) == value, name
        assert daemon.call("within", [name]) == {"a": [value]}, name


@pytest.mark.promise(
    "NaN, infinity or `bytes` in a result, a topic or a parameter",
    "raises; msgspec alone would send `null` and base64",
)
def test_what_cannot_be_sent_raises_and_says_why(plugin, without):
    daemon = plugin(without + VALUES)
    daemon.start()
    for name, said in BAD.items():
        error = daemon.request("bad", [name])["error"]
        assert error["code"] == -32603, name
        assert said in error["message"], name
        assert "error" in daemon.request("publish", [name]), name
    assert [each for each in daemon.notifications if each["method"] == "news"] == []


@pytest.mark.parametrize("library", ["pydantic", "attrs"])
def test_models_of_other_libraries(plugin, without, library):
    pytest.importorskip(library)
    models = {
        "pydantic": "import pydantic\nclass Model(pydantic.BaseModel):\n    a: float",
        "attrs": "import attrs\n@attrs.define\nclass Model:\n    a: float",
    }
    body = """

@plugin.method("model")
def model(a: str):
    return [Model(a=float(a))]
"""
    daemon = plugin(without + models[library] + body)
    daemon.start()
    assert daemon.call("model", ["1.5"]) == [{"a": 1.5}]
    error = daemon.request("model", ["-inf"])["error"]
    assert "must be a number" in error["message"] or "not a JSON number" in error["message"]


def test_reasons_and_descriptions_that_no_utf8_has(plugin):
    daemon = plugin(
        """
        plugin.option("word", "a\\ud83d", description="of \\ud83d")

        @plugin.method("m", description="does \\ud83d")
        def m(): ...

        @plugin.on_init
        def fails():
            raise ValueError("no \\ud83d")
        """
    )
    manifest = daemon.getmanifest()
    assert manifest["options"][0]["description"] == "of \ud83d"
    assert "default" not in manifest["options"][0]
    assert manifest["rpcmethods"][0]["description"] == "does \ud83d"
    assert daemon.init() == {"disable": "init failed: ValueError: no \\ud83d"}


@pytest.mark.parametrize("when", ["before", "in on_init"])
def test_a_reason_to_be_disabled_that_no_utf8_has(plugin, when):
    call = 'plugin.disable("no \\\\ud83d")'
    body = call if when == "before" else f"@plugin.on_init\ndef start():\n    {call}"
    daemon = plugin(body.replace("\\\\", "\\"))
    manifest = daemon.getmanifest()
    said = manifest if when == "before" else daemon.init()
    assert said["disable"] == "no \\ud83d"
