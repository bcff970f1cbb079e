"""What comes to the daemon's log, and in which form."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from clnwire import Option, Plugin, UsageError

MOST = 262_144
"""lightningd up to v26.06.6 aborts at a longer line (cap_header and logv in lightningd/log.c)."""


def without_place(line: str) -> str:
    """A failure's line without its end, ` (plugin_under_test.py:13)`."""
    text, place = line.rsplit(" ", 1)
    assert re.fullmatch(r"\(plugin_under_test\.py:[1-9][0-9]*\)", place), line
    return text


def in_json(text: str) -> int:
    """Bytes of the text between a JSON string's quotes, with what lightningd escapes."""
    return sum(
        2 if c in '"\\\n\r\t' else 6 if c < " " else len(c.encode("utf-8", "replace")) for c in text
    )


@pytest.mark.parametrize("character", ["e", "é", "⚡", '"', "\x01", "😀"])
@pytest.mark.parametrize("how", ["log", "error", "logging", "print"])
def test_no_line_is_longer_than_lightningd_takes(plugin, how, character):
    daemon = plugin(
        f"""
        import logging

        @plugin.method("long")
        def long(how):
            text = {character!r} * 300_000
            if how == "error":
                raise ValueError(text)
            {{"log": plugin.log, "logging": logging.error, "print": print}}[how](text)
        """
    )
    daemon.start()
    daemon.request("long", [how])
    assert daemon.hang_up() == 0
    assert daemon.logs
    assert max(in_json(line["message"]) for line in daemon.logs) <= MOST
    if how == "print":
        assert "".join(line["message"] for line in daemon.logs).count(character) >= 290_000
    else:
        line = next(line["message"] for line in daemon.logs if character in line["message"])
        kept, _, missing = line.partition(" [... ")
        kept = kept.removeprefix("long: ValueError: ")
        assert kept.count(character) + int(missing.split()[0]) == 300_000


def test_a_line_of_just_that_length_is_whole(plugin):
    daemon = plugin(
        """
        @plugin.method("long")
        def long(length: int):
            plugin.log("é" * (length // 2))
        """
    )
    daemon.start()
    daemon.call("long", [MOST])
    daemon.call("long", [MOST + 2])
    whole, cut = (line["message"] for line in daemon.logs)
    assert whole == "é" * (MOST // 2)
    assert cut.endswith(" more characters]")


def test_lines_end_at_line_feeds_alone(plugin):
    daemon = plugin(
        """
        @plugin.method("lines")
        def lines():
            plugin.log("")
            plugin.log("a\\r\\nb\\n\\nc\\x0cd\\u2028e\\rf\\n")
        """
    )
    daemon.start()
    daemon.call("lines")
    said = [line["message"] for line in daemon.logs]
    assert said == ["", "a", "b", "", "c\x0cd\u2028e\rf"]


def test_the_words_of_logging(plugin):
    daemon = plugin(
        """
        @plugin.method("words")
        def words(request: Request):
            plugin.log.warning("w")
            plugin.log.critical("c")
            plugin.log("w", level="warning")
            plugin.log("c", "critical")
            request.notify("n", level="warning")
            plugin.log.exception("nothing caught")
            try:
                1 / 0
            except ZeroDivisionError:
                plugin.log.exception("caught")
        """
    )
    daemon.start()
    daemon.call("words")
    said = [(line["level"], line["message"]) for line in daemon.logs]
    words = [("warn", "w"), ("error", "c")]
    assert said[:6] == [*words, *words, ("error", "nothing caught"), ("error", "caught")]
    assert said[6] == ("error", "Traceback (most recent call last):")
    assert said[-1] == ("error", "ZeroDivisionError: division by zero")
    (notice,) = daemon.notifications
    assert notice["params"]["level"] == "warn"


def test_what_objects_say_they_are():
    plugin = Plugin()
    assert repr(plugin.option("greeting", "World")) == (
        "<Option 'greeting': string, no value before init>"
    )
    secret: Option[str] = Option("key", type="string-conceal", value_in_run=lambda _: "hunter2")
    assert repr(secret) == "<Option 'key': string-conceal, set>"
    assert repr(plugin.topic("news")) == "<Topic 'news'>"
    assert repr(plugin.log) == "<Log to stderr>"
    plugin.method("hello")(lambda: None)
    assert repr(plugin).startswith("<Plugin ")
    assert "hello" in repr(plugin)


BAD_TEXT = """
        import logging

        class Bad(Exception):
            def __str__(self):
                raise SystemExit("ends the plugin")
            __repr__ = __str__

        class Broken:
            def __fspath__(self):
                raise SystemExit("ends the plugin")

        class Odd(SyntaxError):
            @property
            def filename(self):
                raise SystemExit("ends the plugin")
"""


NO_TEXT = "<Bad, whose text fails with SystemExit>"


@pytest.mark.parametrize(
    ("body", "told", "logged"),
    [
        ("raise Bad()", (-32603, f"bad: Bad: {NO_TEXT}"), f"bad: Bad: {NO_TEXT}"),
        (
            "raise ValueError(Bad())",
            (-32603, "bad: ValueError: <ValueError, whose text fails with SystemExit>"),
            "bad: ValueError: <ValueError, whose text fails with SystemExit>",
        ),
        ("raise RpcError(1, Bad())", (1, NO_TEXT), None),
        (
            "raise RpcError(1, 'x', {'a': Broken()})",
            (1, "x"),
            "bad: the data of error 'x' is left out: ",
        ),
        ("plugin.log(Bad())", None, NO_TEXT),
        ("plugin.log.exception(Bad(), Bad())", None, NO_TEXT),
        (
            "plugin.log.exception('x', Odd('y'))",
            None,
            "no traceback: formatting it failed with SystemExit",
        ),
        ("logging.error('%s', Bad())", None, "no text: SystemExit: ends the plugin"),
    ],
)
def test_a_text_that_fails_ends_nothing(plugin, body, told, logged):
    daemon = plugin(
        f"""{BAD_TEXT}
        @plugin.method("bad")
        def bad():
            {body}
        """
    )
    daemon.start()
    reply = daemon.request("bad")
    error = reply.get("error")
    assert (error and (error["code"], error["message"])) == told
    assert daemon.hang_up() == 0
    messages = [line["message"] for line in daemon.logs]
    assert logged is None or any(logged in message for message in messages), messages


def test_a_traceback_begins_in_the_authors_code(plugin):
    daemon = plugin(
        """
        @plugin.method("broken")
        def broken(amount: int):
            return amount / 0
        """
    )
    daemon.start()
    daemon.request("broken", [1])
    first, head, frame, *_ = (line["message"] for line in daemon.logs)
    (number,) = re.findall("line ([0-9]+)", frame)
    place = f"(plugin_under_test.py:{number})"
    assert first == f"broken: ZeroDivisionError: division by zero {place}"
    assert head == "Traceback (most recent call last):"
    assert "plugin_under_test.py" in frame
    assert frame.endswith("in broken")


# Python reads these when it starts.
@pytest.mark.process
@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
)
def test_any_character_can_be_printed(plugin, monkeypatch, locale):
    for name, value in locale.items():
        monkeypatch.setenv(name, value)
    daemon = plugin(
        """
        @plugin.hook("db_write")
        def on_write(event: DbWrite):
            print(event.writes[0])
            print(os.fsdecode(b"caf\\xe9"))
            print("⚡", file=sys.stderr)
            print(os.fsdecode(b"caf\\xe9"), file=sys.stderr)
            return CONTINUE
        """
    )
    daemon.start()
    answer = daemon.call("db_write", {"data_version": 1, "writes": ["UPDATE x SET y = '⚡'"]})
    assert answer == {"result": "continue"}
    assert daemon.hang_up() == 0
    said = [line["message"] for line in daemon.logs]
    assert "UPDATE x SET y = '⚡'" in said
    assert "caf\\udce9" in said


def test_a_program_without_arguments_has_no_name(tmp_path):
    source = (
        "import sys; sys.argv = []\nfrom clnwire import Plugin\nplugin = Plugin()\n"
        "print(repr(plugin))\nplugin.run()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", source],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={key: value for key, value in os.environ.items() if key != "LIGHTNINGD_PLUGIN"},
    )
    assert run.returncode == 0, run.stderr


IN_A_THREAD = (
    "say = lambda text: print(text, file=sys.stderr); "
    "x = t.Thread(target=lambda: 1 / 0); x.start(); x.join(); os._exit(1)"
)


@pytest.mark.parametrize(
    ("body", "level", "text"),
    [
        ("import no_such_module", "error", "ModuleNotFoundError: No module named 'no_such_module'"),
        (
            "plugin.method('x')(lambda: (yield))",
            "error",
            "clnwire.errors.UsageError: method 'x': a function with yield cannot be registered",
        ),
        ("sys.exit('no key: set one')", "error", "no key: set one"),
        (
            "plugin.hook('db_write')(lambda event: CONTINUE); plugin.method('x')(lambda: None)",
            "error",
            "refused: db_write must be alone in its plugin",
        ),
        ("import warnings; warnings.warn('old'); sys.exit(1)", "warn", "UserWarning: old"),
        ("print('last words', file=sys.stderr); os._exit(3)", "warn", "last words"),
        (
            "import ctypes; print('last words', file=sys.stderr); ctypes.string_at(0)",
            "warn",
            "last words",
        ),
        (
            f"import threading as t; {IN_A_THREAD}",
            "error",
            "ZeroDivisionError: division by zero",
        ),
        (
            f"import threading as t; t.excepthook = lambda a: say(str(a)); {IN_A_THREAD}",
            "error",
            "ZeroDivisionError('division by zero')",
        ),
    ],
)
def test_why_it_died_is_in_the_log_and_on_stderr(plugin, body, level, text):
    daemon = plugin(body)
    daemon.drain()
    assert daemon.process.wait(20) != 0
    assert any(line["level"] == level and text in line["message"] for line in daemon.logs)
    assert text in daemon.errors()


def test_stderr_is_in_order_and_no_record_comes_twice(plugin):
    daemon = plugin(
        """
        import logging
        logging.basicConfig(format="%(message)s", level="INFO")

        @plugin.method("say")
        def say():
            plugin.log("one")
            print("two", file=sys.stderr)
            logging.error("three")
            plugin.log("four")
        """
    )
    daemon.start()
    daemon.call("say")
    assert [line["message"] for line in daemon.logs] == ["one", "two", "three", "four"]
    assert daemon.hang_up() == 0
    assert daemon.errors().split() == ["two", "three"]


def test_a_handler_that_leaves_says_why(plugin):
    daemon = plugin(
        """
        @plugin.method("leave")
        def leave():
            sys.exit("no key: set one")
        """
    )
    daemon.start()
    daemon.request("leave")
    daemon.drain()
    assert daemon.process.wait(20) == 1
    assert daemon.logs[0]["level"] == "error"
    assert without_place(daemon.logs[0]["message"]) == "leave: SystemExit: no key: set one"
    assert daemon.errors() == "no key: set one\n"


def test_warnings_of_pythons_are_logged_while_it_runs(plugin):
    daemon = plugin(
        """
        @plugin.method("warn")
        def warn():
            import warnings

            async def forgotten(): ...

            warnings.warn("old")
            forgotten()
        """
    )
    daemon.start()
    daemon.call("warn")
    assert {line["level"] for line in daemon.logs} == {"warn"}
    text = daemon.log_text()
    assert "UserWarning: old" in text
    assert "forgotten' was never awaited" in text


@pytest.mark.parametrize(
    ("body", "returned"),
    [
        ("async def wait(): ...", "a coroutine"),
        ("async def wait(): yield", "an asynchronous generator"),
    ],
)
@pytest.mark.parametrize("also", ["", "async def on_init_too(): ..."])
def test_an_await_that_is_missing_is_named(plugin, body, returned, also):
    daemon = plugin(
        f"""
        {body}
        {also and "@plugin.on_init"}
        {also}

        @plugin.method("whole")
        def whole():
            return wait()

        @plugin.method("part")
        def part():
            return {{"a": [wait()]}}

        @plugin.hook("peer_connected")
        def on_peer(event):
            return wait()

        @plugin.on_shutdown
        def end():
            return wait()
        """
    )
    daemon.start()
    for name in ("whole", "part"):
        text = f"{name}: returned {returned}: `await` is missing"
        assert daemon.request(name)["error"]["message"] == text
        assert f"error {text} (plugin_under_test.py:" in daemon.log_text()
    event = {"peer": {"id": "02", "addr": "x"}}
    assert daemon.call("peer_connected", event) == {"result": "continue"}
    assert daemon.hang_up() == 0
    errors = [line["message"] for line in daemon.logs if line["level"] == "error"]
    errors = [without_place(each) for each in errors]
    assert f"peer_connected: returned {returned}: `await` is missing" in errors
    assert any(f"on_shutdown returned {returned}: `await` is missing" in each for each in errors)


@pytest.mark.parametrize("also", ["", "async def on_init_too(): ..."])
@pytest.mark.parametrize("thread", [False, True])
def test_an_await_that_is_missing_in_a_subscription_is_named(plugin, also, thread):
    daemon = plugin(
        f"""
        import asyncio
        {also and "@plugin.on_init"}
        {also}
        async def wait(): ...

        @plugin.subscribe("connect", thread={thread})
        def on_connect(event):
            return wait()

        @plugin.subscribe("mine", thread={thread})
        def on_mine(event):
            return wait()

        @plugin.subscribe("block_added", thread={thread})
        def on_block(event):
            return 5

        @plugin.subscribe("disconnect")
        def on_disconnect(event):
            return {"asyncio.ensure_future(wait())" if also else "None"}
        """
    )
    daemon.start()
    daemon.notify("connect", {"id": "02" * 33, "direction": "in", "address": ADDRESS})
    daemon.notify("disconnect", {"id": "02" * 33})
    daemon.notify("block_added", {"hash": "00" * 32, "height": 1})
    daemon.write('{"jsonrpc":"2.0","method":"mine","params":{"origin":"it","payload":{}}}\n\n')
    assert daemon.hang_up() == 0
    errors = {without_place(line["message"]) for line in daemon.logs if line["level"] == "error"}
    assert errors == {f"{topic}: returned a coroutine: `await` is missing" for topic in TOPICS}


ADDRESS = {"type": "ipv4", "address": "127.0.0.1", "port": 9735}
TOPICS = ("connect", "mine")


@pytest.mark.parametrize("also", ["", "async def on_init_too(): ..."])
def test_an_await_that_is_missing_in_on_init_disables(plugin, also):
    daemon = plugin(
        f"""
        async def wait(): ...
        plugin.on_init(lambda: wait())
        {also and "@plugin.on_init"}
        {also}
        """
    )
    daemon.getmanifest()
    disabled = daemon.init()["disable"]
    assert disabled == "init failed: on_init returned a coroutine: `await` is missing"


@pytest.mark.parametrize("debugger", ["breakpoint()", "import pdb; pdb.set_trace()"])
def test_a_breakpoint_says_how_to_debug_a_plugin(plugin, debugger):
    daemon = plugin(
        f"""
        @plugin.method("stops")
        def stops():
            {debugger}
            return "went on"
        """
    )
    daemon.start()
    reply = daemon.request("stops")
    assert daemon.hang_up() == 0
    lines = [line["message"] for line in daemon.logs if "PYTHONBREAKPOINT" in line["message"]]
    assert len(lines) == 1
    assert "stdin carries the protocol" in lines[0]
    if debugger == "breakpoint()":
        assert reply["result"] == "went on"
        assert "plugin_under_test.py:" in lines[0]
    else:
        assert reply["error"]["message"] == without_place(lines[0])


@pytest.mark.parametrize("value", ["0", "builtins.print"])
def test_a_breakpoint_does_what_the_environment_says(plugin, monkeypatch, value):
    monkeypatch.setenv("PYTHONBREAKPOINT", value)
    daemon = plugin(
        """
        @plugin.method("stops")
        def stops():
            breakpoint("the", "debugger")
        """
    )
    daemon.start()
    daemon.call("stops")
    assert daemon.hang_up() == 0
    expected = [] if value == "0" else ["the debugger"]
    assert [line["message"] for line in daemon.logs] == expected


@pytest.mark.parametrize("where", ["", "@plugin.on_init\n        def start():\n            "])
@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("Bad()", "<Bad, whose text fails with SystemExit>"),
        ("os.fsdecode(b'caf\\xe9')", "caf\\udce9"),
        ("OSError(2, 'no key')", "[Errno 2] no key"),
    ],
)
def test_any_reason_disables(plugin, where, reason, said):
    daemon = plugin(f"{BAD_TEXT}\n        {where}plugin.disable({reason})\n")
    manifest = daemon.getmanifest()
    reasons = [manifest.get("disable"), daemon.init().get("disable")]
    assert reasons == ([None, said] if where else [said, said])


@pytest.mark.parametrize("kind", ["method", "topic", "subscribe", "hook", "option"])
def test_a_name_that_cannot_be_sent_is_refused(kind):
    with pytest.raises(UsageError, match=r"'a.udce9'"):
        registered = getattr(Plugin(), kind)(os.fsdecode(b"a\xe9"))
        registered(lambda event: None)


def test_a_long_reason_keeps_its_place(plugin):
    daemon = plugin(
        """
        @plugin.method("long")
        def long():
            raise ValueError("x" * 300_000 + "\\nsecond line")
        """
    )
    daemon.start()
    daemon.request("long")
    first, second, *_ = (line["message"] for line in daemon.logs)
    assert without_place(first).endswith("x [... 290018 more characters]")
    assert second == "second line"


def test_no_cause_begins_in_clnwire(plugin):
    daemon = plugin(
        """
        @plugin.method("call", thread=True)
        def call():
            try:
                plugin.rpc.getinfo()
            except OSError:
                raise ValueError("no daemon")
        """
    )
    daemon.start()
    daemon.request("call")
    heads = [
        daemon.logs[number + 1]["message"]
        for number, line in enumerate(daemon.logs)
        if line["message"].startswith("Traceback")
    ]
    assert len(heads) == 2
    assert all("plugin_under_test.py" in each for each in heads)


def test_an_answer_that_is_none_is_one_line_with_the_handlers_place(plugin):
    daemon = plugin(
        """
        @plugin.hook("peer_connected")
        def on_peer(event):
            return None
        """
    )
    daemon.start()
    daemon.call("peer_connected", {"peer": {"id": "02", "addr": "x"}})
    assert daemon.hang_up() == 0
    (line,) = daemon.logs
    assert line["level"] == "error"
    text = "peer_connected: the handler returned None; it must return an answer, such as CONTINUE"
    assert without_place(line["message"]) == text
