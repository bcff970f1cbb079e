"""Methods: params checked and converted by the signature, results and errors back."""

from __future__ import annotations

import json

import pytest

from clnwire import Plugin, UsageError
from clnwire.testing import BlockingHost

METHODS = """
    @plugin.method("hello")
    def hello(name: str | None = None) -> str:
        return f"Hello {name or 'World'}"

    @plugin.method("add")
    def add(a: int, b: int = 10, *, negate: bool = False) -> int:
        return -(a + b) if negate else a + b

    @plugin.method("only-named")
    def only_named(*, who: str) -> str:
        return who

    @plugin.method("nothing")
    def nothing() -> None:
        return None

    @plugin.method("collect")
    def collect(first, *rest: int, **more: str):
        return {"first": first, "rest": rest, "more": more}

    @plugin.method("first")
    def first(request: Request, a: int, b: int = 2, /, **more: str):
        return {"a": a, "b": b, "more": more}

    class Point(msgspec.Struct):
        x: int
        y: int = 0

    @plugin.method("far")
    def far(points: list[Point], scale: float = 1.0) -> dict:
        return {"x": sum(p.x for p in points) * scale}

    class Place(msgspec.Struct):
        x: int
        y: tuple[int, int] = (0, 0)

    @plugin.method("place")
    def place(p: Place) -> None: ...

    default = ["d"]

    @plugin.method("listed")
    def listed(items: list[str] = default) -> list[str]:
        return items

    @plugin.method("any")
    def any_(value) -> object:
        return value
"""


@pytest.mark.parametrize(
    ("method", "params", "result"),
    [
        ("hello", [], "Hello World"),
        ("hello", {}, "Hello World"),
        ("hello", None, "Hello World"),
        ("hello", ["Rusty"], "Hello Rusty"),
        ("hello", {"name": "Rusty"}, "Hello Rusty"),
        ("hello", [None], "Hello World"),
        ("add", [1], 11),
        ("add", [1, 2], 3),
        ("add", {"b": 2, "a": 1}, 3),
        ("add", {"a": 1, "negate": True}, -11),
        ("add", {"a": "5", "negate": "Yes"}, -15),
        ("only-named", {"who": "me"}, "me"),
        ("nothing", [], None),
        ("collect", [1, 2, 3], {"first": 1, "rest": [2, 3], "more": {}}),
        ("first", {"a": "1", "c": "d"}, {"a": 1, "b": 2, "more": {"c": "d"}}),
        ("first", [1, 3], {"a": 1, "b": 3, "more": {}}),
        ("collect", {"first": [1], "x": "y"}, {"first": [1], "rest": [], "more": {"x": "y"}}),
        ("far", [[{"x": 1}, {"x": 2, "y": 5}], 2], {"x": 6.0}),
        ("listed", [], ["d"]),
        ("listed", [["a"]], ["a"]),
        ("any", [{"deep": [1, None]}], {"deep": [1, None]}),
    ],
)
def test_params_fill_the_signature(running, method, params, result):
    daemon = running(METHODS)
    assert daemon.call(method, params) == result


@pytest.mark.parametrize(
    ("method", "params", "said"),
    [
        ("add", [], "missing parameter 'a'"),
        ("add", {}, "missing parameter 'a'"),
        ("add", ["x"], "parameter 'a' must be an integer, not \"x\""),
        ("add", {"a": 1, "b": []}, "parameter 'b' must be an integer, not []"),
        ("add", {"a": 1, "c": 2}, "unknown parameter 'c'"),
        ("add", [1, 2, 3], "takes at most 2 parameters, 3 were given"),
        ("add", 5, "params must be an object or an array"),
        ("only-named", ["me"], "parameter 'who' must be given by name"),
        ("only-named", {}, "missing parameter 'who'"),
        ("nothing", [1], "takes at most 0 parameters"),
        ("nothing", {"a": 1}, "unknown parameter 'a'"),
        ("collect", [1, "x"], "parameter 'rest' must be an integer, not \"x\""),
        ("collect", {}, "missing parameter 'first'"),
        ("far", [[{"x": 1}, {"x": "?"}]], "parameter 'points[1].x' must be an integer, not \"?\""),
        ("hello", {"name": []}, "parameter 'name' must be a string, not []"),
        ("place", {"p": {}}, "parameter 'p.x' is missing"),
        ("place", [{"x": 1, "y": [1]}], "parameter 'p.y' must be an array of length 2, not [1]"),
    ],
)
def test_a_bad_call_is_told_which_parameter(running, method, params, said):
    daemon = running(METHODS)
    error = daemon.request(method, params)["error"]
    assert error["code"] == -32602
    assert said in error["message"]
    assert "usage: " + method in error["message"]
    assert daemon.call("hello") == "Hello World"
    assert daemon.logs == [], "the caller's mistake is not the node's business"


def test_usage_and_descriptions_come_from_the_function(plugin):
    daemon = plugin(
        '''
        @plugin.method("hello", category="fun", deprecated=True)
        def hello(name: str, greeting: str = "Hi", *more: str):
            """Greets.

            At length.
            """

        @plugin.method("bare", deprecated="v25.02")
        def bare(a, *, b=1): ...
        '''
    )
    hello, bare = daemon.getmanifest()["rpcmethods"]
    assert hello == {
        "name": "hello",
        "usage": "name [greeting] [more ...]",
        "description": "Greets.",
        "long_description": "Greets.\n\nAt length.",
        "category": "fun",
        "deprecated": True,
    }
    assert bare["usage"] == "a [b]"
    assert bare["deprecated"] == ["v25.02"]
    assert bare["description"]


@pytest.mark.parametrize(
    "token",
    ['"a/cln:x#1"', "7", "-0", "1e2", "null", "12345678901234567890", '"\\u0041\\"/"', "0.10"],
)
def test_ids_come_back_token_for_token(plugin, token):
    daemon = plugin(METHODS)
    daemon.start()
    for message in (
        f'{{"jsonrpc":"2.0","id":{token},"method":"hello","params":[]}}',
        f'{{ "method" : "hello",\n\n "params" : {{}}, "filter": {{"x": true}},\n"id" : {token} }}',
        f'{{"jsonrpc":"2.0","id":{token},"method":"no-such"}}',
        f'{{"jsonrpc":"2.0","id":{token},"method":"hello","params":[1]}}',
    ):
        daemon.write(message)
        daemon.reply()
    daemon.write(f'{{"id":{token},"method":"hello"}}')
    raw = daemon.process.stdout.readline().decode()
    assert raw == f'{{"jsonrpc":"2.0","id":{token},"result":"Hello World"}}\n'


def test_escaped_names_are_understood_and_escaped_keys_are_not_as_in_lightningd(plugin):
    daemon = plugin(METHODS)
    daemon.start()
    daemon.write('{"\\u0069d":7,"id":"x","method":"h\\u0065llo","params":["\\u00e9"]}')
    assert daemon.reply()["result"] == "Hello é"


def test_errors_reach_the_caller_and_the_plugin_lives_on(plugin):
    daemon = plugin(
        """
        @plugin.method("refuse")
        def refuse():
            raise RpcError(-7, "no", {"why": ["because"]})

        @plugin.method("crash")
        def crash():
            raise KeyError("gone")

        @plugin.method("unencodable")
        def unencodable():
            return object()

        @plugin.method("bad-data")
        def bad_data():
            raise RpcError(-8, "no", object())

        @plugin.method("circular-data")
        def circular_data():
            data = []
            data.append(data)
            raise RpcError(-8, "round", data)

        @plugin.method("bad-code")
        def bad_code(code):
            raise RpcError(code, "what a code")

        @plugin.method("odd-text")
        def odd_text(kind: str):
            raise RpcError(-9, "\\ud800!") if kind == "refused" else ValueError("\\ud800!")

        @plugin.method("lone")
        def lone():
            return "\\ud800"

        @plugin.method("fine")
        def fine():
            return 1
        """
    )
    daemon.start()
    assert daemon.request("refuse")["error"] == {
        "code": -7,
        "message": "no",
        "data": {"why": ["because"]},
    }
    crash = daemon.request("crash")["error"]
    assert crash == {"code": -32603, "message": "crash: KeyError: 'gone'"}
    assert 'raise KeyError("gone")' in daemon.log_text(), "the traceback is in the log"
    assert all(line["level"] == "error" for line in daemon.logs)
    assert daemon.request("unencodable")["error"]["code"] == -32603
    assert daemon.request("bad-data")["error"] == {"code": -8, "message": "no"}
    assert daemon.request("circular-data")["error"] == {"code": -8, "message": "round"}
    for code in ("-1", None, 1 << 63):
        error = daemon.request("bad-code", [code])["error"]
        assert error == {"code": -32603, "message": f"bad-code: what a code (code {code})"}
        assert (
            f"error bad-code: what a code (code {code}) (plugin_under_test.py:" in daemon.log_text()
        )
    assert daemon.request("odd-text", ["refused"])["error"] == {"code": -9, "message": "\\ud800!"}
    failed = {"code": -32603, "message": "odd-text: ValueError: \\ud800!"}
    assert daemon.request("odd-text", ["failed"])["error"] == failed
    assert daemon.call("lone") == "\ud800"
    assert daemon.call("fine") == 1


@pytest.mark.promise(
    "a result given as JSON text (`msgspec.Raw`, `bytes`) is not JSON",
    "refused as a failure of the handler",
)
def test_ready_made_json_is_passed_on_if_it_is_json(plugin):
    daemon = plugin(
        """
        @plugin.method("raw")
        def raw(text: str):
            return msgspec.Raw(text.encode())

        @plugin.method("bytes")
        def bytes_(text: str):
            return text.encode()
        """
    )
    daemon.start()
    for method in ("raw", "bytes"):
        assert daemon.call(method, ['{"a": [1,\n\n2]}']) == {"a": [1, 2]}
        for bad in ('{"a":', "", "1 2", '{"jsonrpc"}', "nul"):
            assert daemon.request(method, [bad])["error"]["code"] == -32603
    assert daemon.hang_up() == 0


def test_answers_of_every_json_type(plugin):
    daemon = plugin(
        """
        import decimal, datetime

        values = [None, True, 1, -1.5, "é\\u2028\\n", [], {}, {"a": {"b": [None]}}, 2**63,
                  {1: decimal.Decimal("1.10")}, {"when": datetime.date(2020, 1, 2)},
                  (1, 2), Continue()]

        @plugin.method("value")
        def value(n: int):
            return values[n]
        """
    )
    daemon.start()
    expected = [None, True, 1, -1.5, "é\u2028\n", [], {}, {"a": {"b": [None]}}, 2**63]
    expected += [{"1": "1.10"}, {"when": "2020-01-02"}, [1, 2], {"result": "continue"}]
    for n, value in enumerate(expected):
        assert daemon.call("value", [n]) == value


@pytest.mark.promise("`notify` or `progress` after the request was answered", "raises")
def test_the_request_is_there_for_who_asks(plugin):
    daemon = plugin(
        """
        kept = []

        @plugin.method("work")
        def work(request: Request, steps: int = 2) -> dict:
            kept.append(request)
            request.notify("starting", "debug")
            for step in range(steps):
                request.progress(step + 1, steps, stage=(0, 3))
            return {"id": request.id, "token": request.token, "method": request.method}

        @plugin.method("late")
        def late() -> str:
            try:
                kept[0].notify("too late")
            except UsageError as error:
                return str(error)

        @plugin.method("id")
        def id_(request: Request) -> str:
            return ascii(request.id)

        @plugin.method("optional")
        def optional(a: int = 1, request: Request | None = None) -> str:
            return request.method

        @plugin.method("wrong")
        def wrong(request: Request) -> list[str]:
            said = []
            for act in (lambda: request.notify("x", "loud"), lambda: request.progress(3, 2),
                        lambda: request.progress(0, 0)):
                try:
                    act()
                except UsageError as error:
                    said.append(str(error))
            return said
        """
    )
    manifest = daemon.start()
    assert manifest["rpcmethods"][0]["usage"] == "[steps]"
    daemon.write('{"jsonrpc":"2.0","id":1e2,"method":"work","params":[2]}')
    reply = daemon.reply()
    assert reply["result"] == {"id": 100.0, "token": "1e2", "method": "work"}
    assert [(m["method"], m["params"]) for m in daemon.notifications] == [
        ("message", {"id": 100.0, "level": "debug", "message": "starting"}),
        ("progress", {"id": 100.0, "num": 1, "total": 2, "stage": {"num": 0, "total": 3}}),
        ("progress", {"id": 100.0, "num": 2, "total": 2, "stage": {"num": 0, "total": 3}}),
    ]
    assert "answered" in daemon.call("late")
    assert daemon.request("id", token="1e999")["result"] == "inf"
    assert daemon.request("id", token='"\\ud800"')["result"] == ascii("\ud800")
    assert daemon.request("id", token='{"a": [1]}')["result"] == "{'a': [1]}"
    assert daemon.call("optional") == "optional"
    loud, over, empty = daemon.call("wrong")
    assert "'loud'" in loud
    assert "3/2" in over
    assert "0/0" in empty


@pytest.mark.promise("an unknown method", "an error reply")
def test_an_unknown_method_is_refused_and_noted(plugin):
    daemon = plugin(METHODS)
    daemon.start()
    error = daemon.request("no-such-method")["error"]
    assert error == {"code": -32601, "message": "unknown method 'no-such-method'"}
    assert daemon.call("hello") == "Hello World"
    assert "no-such-method" in daemon.log_text()


def test_a_method_that_is_no_string_is_refused(plugin):
    daemon = plugin(METHODS)
    daemon.start()
    daemon.write('{"jsonrpc":"2.0","id":"x","method":7}')
    assert daemon.reply()["error"]["code"] == -32600
    assert daemon.call("hello") == "Hello World"


def test_check_checks_without_calling(plugin):
    daemon = plugin(
        """
        @plugin.method("send")
        def pay(amount: int):
            plugin.log("called!")
        """
    )
    assert daemon.start()["cancheck"] is True
    checked = {"command_to_check": "send"}
    assert daemon.call("check", {"command_to_check": "send", "amount": 1}) == checked
    assert daemon.call("check", ["send", 1]) == checked
    for params, said in (
        ({"command_to_check": "send"}, "missing parameter 'amount'"),
        (["send", "x"], "parameter 'amount'"),
        ({"amount": 1}, "command_to_check"),
        ([], "command_to_check"),
    ):
        error = daemon.request("check", params)["error"]
        assert error["code"] == -32602
        assert said in error["message"]
    assert daemon.request("check", ["nope"])["error"]["code"] == -32601
    assert daemon.hang_up() == 0
    assert daemon.logs == []


def test_params_that_are_too_deep_for_their_type_are_an_error_reply(plugin):
    daemon = plugin(METHODS)
    daemon.start()
    deep = "[" * 100_000 + "]" * 100_000
    daemon.write(f'{{"jsonrpc":"2.0","id":1,"method":"hello","params":[{deep}]}}')
    assert "parameter 'name'" in daemon.reply()["error"]["message"]
    assert daemon.call("hello") == "Hello World"


def test_many_requests_in_one_write_are_answered_in_one_go(plugin):
    daemon = plugin(METHODS)
    daemon.start()
    count = 1000
    daemon.write(
        "".join(f'{{"jsonrpc":"2.0","id":{n},"method":"add","params":[{n}]}}' for n in range(count))
    )
    replies = [daemon.reply() for _ in range(count)]
    assert [(reply["id"], reply["result"]) for reply in replies] == [
        (n, n + 10) for n in range(count)
    ]


def test_a_large_answer_arrives_whole(plugin):
    daemon = plugin(
        """
        @plugin.method("large")
        def large(size: int):
            return {"text": "x" * size}
        """
    )
    daemon.start()
    assert daemon.call("large", [20_000_000]) == {"text": "x" * 20_000_000}
    assert json.dumps(daemon.call("large", [1])) == '{"text": "x"}'


def test_a_command_of_a_built_in_plugin_can_be_replaced():
    plugin = Plugin()

    @plugin.method("keysend", replaces_native=True)
    def keysend(destination: str) -> str:
        return destination

    with BlockingHost() as host:
        assert host.start(plugin).call("keysend", ["02aa"]) == "02aa"
        remarks = [each.message for each in host.host.remarks if each.kind == "native"]
    assert remarks == ["method 'keysend' is taken where its built-in plugin is not disabled"]


def test_a_native_command_is_replaced_only_by_intention():
    plugin = Plugin()
    with pytest.raises(UsageError, match="pass replaces_native=True"):
        plugin.method("keysend")(print)
    with pytest.raises(UsageError, match=r"'getinfo': lightningd has a command.*another name$"):
        plugin.method("getinfo", replaces_native=True)(print)
