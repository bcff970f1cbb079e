"""Daemons of 2019 to 2021: nothing that they kill a plugin for is sent, and no plugin leaves."""

from __future__ import annotations

import pytest

from clnwire._wire.dialect import CURRENT, FOUNDING, NEWEST, OF_2019, Dialect, detect_dialect

CONTINUE = {"result": "continue"}
OLD = pytest.mark.parametrize("dialect", ["2019", "2020"])


@pytest.mark.parametrize(
    ("token", "allow", "version", "dialect"),
    [
        (b'"cln:getmanifest#1"', False, "v26.06.6", Dialect((26, 6, 6), (26, 6, 6))),
        (b'"cln:getmanifest#1"', False, None, Dialect((25, 5, 0), NEWEST)),
        (b'"cln:getmanifest#1"', None, "v0.7.3", Dialect((25, 5, 0), NEWEST)),
        (b'"cln:getmanifest#1"', True, "9f3c2ab-modded", Dialect((25, 5, 0), NEWEST)),
        (b"1", True, "v23.08.1", Dialect((23, 8, 1), (23, 8, 1))),
        (b"1", False, "v0.10.0", Dialect((0, 10, 0), (0, 10, 0))),
        (b"1", False, None, Dialect((0, 9, 1), NEWEST)),
        (b"0", None, "v0.10.0", Dialect((0, 10, 0), (0, 10, 0))),
        (b"0", None, "v0.8.2-17-gabcdef", Dialect((0, 7, 3), (0, 10, 0))),
        (b"0", None, None, OF_2019),
        (b"0", None, "v26.06", OF_2019),
    ],
)
def test_how_old_the_daemon_is(token, allow, version, dialect):
    assert detect_dialect(token, allow_deprecated_apis=allow, version=version) == dialect
    assert CURRENT.is_at_least(NEWEST)
    assert not OF_2019.is_at_least((0, 7, 1))
    assert OF_2019.is_at_least(FOUNDING)


def test_the_last_word_on_db_write_has_the_event(plugin, dialect):
    """Whatever the daemon's age: with a version it wants an object, without one `true`."""
    daemon = plugin(
        """
        @plugin.hook("db_write")
        def on_write(event):
            return CONTINUE
        """,
        dialect=dialect,
    )
    daemon.getmanifest()
    assert daemon.call("db_write", {"writes": []}) is True
    assert daemon.call("db_write", {"data_version": 1, "writes": []}) == CONTINUE
    assert daemon.call("db_write", {"writes": [], "data_version": 2}) == CONTINUE


@pytest.mark.parametrize("how", ["async def", "thread=True"])
def test_the_last_word_on_db_write_in_tasks_and_threads(plugin, how):
    define = "async def" if how == "async def" else "def"
    thread = how == "thread=True"
    daemon = plugin(
        f"""
        @plugin.hook("db_write", thread={thread})
        {define} on_write(event):
            return CONTINUE
        """,
        dialect="2019",
    )
    daemon.getmanifest()
    assert daemon.call("db_write", {"writes": []}) is True
    assert daemon.call("db_write", {"data_version": 1, "writes": []}) == CONTINUE


TALKS = """
topic = plugin.topic("mine")

@plugin.method("talk")
def talk(request: Request):
    for level in ("trace", "debug", "info", "unusual", "warn", "broken", "error"):
        plugin.log(level, level)
    request.notify("hi", "trace")
    request.progress(1, 2)
    topic.publish({"a": 1})
    return "done"
"""


def test_what_the_daemon_knows(plugin, dialect):
    daemon = plugin(TALKS, dialect=dialect)
    daemon.start()
    assert daemon.call("talk") == "done"
    levels = {"unusual": "warn", "broken": "error", "trace": "debug"}
    said = {line["message"]: line["level"] for line in daemon.logs if " " not in line["message"]}
    sent = [each["method"] for each in daemon.notifications]
    if dialect == "current":
        assert said == {level: level for level in said}
        assert sent == ["message", "progress", "mine"]
    else:
        assert said == {level: levels.get(level, level) for level in said}
        assert len(said) == 7
        assert "debug topic 'mine': not published" in daemon.log_text()
        notices = ["message", "progress"] if dialect == "2020" else []
        assert sent == notices
        assert all(each["params"].get("level") in ("debug", None) for each in daemon.notifications)


@pytest.mark.promise("an unknown hook or topic at an older daemon", "left out, with a log line")
@pytest.mark.parametrize("dialect", ["2019", "2020", "current"])
def test_unknown_hooks_and_topics_are_left_out(plugin, dialect):
    daemon = plugin(
        """
        for name in ("peer_connected", "htlc_accepted", "rpc_command", "recover"):
            plugin.hook(name)(lambda event: CONTINUE)
        for topic in ("connect", "warning", "block_added", "*", "somebody_elses"):
            plugin.subscribe(topic)(lambda event: None)
        plugin.on_shutdown(lambda: None)
        """,
        dialect=dialect,
    )
    manifest = daemon.start()
    hooks = [hook if isinstance(hook, str) else hook["name"] for hook in manifest["hooks"]]
    everything = ["peer_connected", "htlc_accepted", "rpc_command", "recover"]
    known = {"2019": 1, "2020": 3, "current": 4}[dialect]
    assert hooks == everything[:known]
    assert (
        manifest["subscriptions"]
        == {
            "2019": ["connect"],
            "2020": ["connect", "warning"],
            "current": ["*"],
        }[dialect]
    )
    for name in everything[known:]:
        assert f"error hook '{name}' is never called" in daemon.log_text()
    if dialect != "current":
        assert "error not subscribed to 'block_added'" in daemon.log_text()
        assert "'shutdown'" not in daemon.log_text(), "on_shutdown runs at the end of the input"


DISABLED = """
@plugin.method("ask")
def ask(): return 1

@plugin.hook("peer_connected")
def on_peer(event): return PeerDisconnect("no")

@plugin.hook("invoice_payment")
def on_payment(event): return InvoicePaymentReject()

@plugin.hook("db_write")
def on_write(event): return CONTINUE

@plugin.subscribe("disconnect")
def gone(event): plugin.log("heard")
"""


@pytest.mark.parametrize("reason", ["disable", "fails", "async fails"])
def test_a_plugin_that_is_disabled_in_init_stays(plugin, dialect, reason):
    line = "plugin.disable('not here')" if reason == "disable" else "raise OSError('not here')"
    define = "async def" if reason == "async fails" else "def"
    daemon = plugin(
        "plugin = Plugin(mixed_db_write=True)\n"
        + DISABLED
        + f"@plugin.on_init\n{define} ready():\n    {line}\n",
        dialect=dialect,
    )
    daemon.getmanifest()
    assert "not here" in daemon.init()["disable"]
    stays_away(daemon)
    daemon.notify("disconnect", {"id": "02"})
    assert "not here" in daemon.request("ask")["error"]["message"]
    assert "info heard" not in daemon.log_text()
    assert daemon.hang_up() == 0


def stays_away(daemon):
    for _ in range(2):
        assert daemon.call("peer_connected", {"peer": {}}) == CONTINUE
        assert daemon.call("invoice_payment", {"payment": {}}) == CONTINUE
        refused = daemon.request("db_write", {"writes": []})["error"]["message"]
        assert "disabled: " in refused
        assert "not here" in refused
        error = daemon.request("ask")["error"]
        assert "not here" in error["message"]


def test_a_plugin_that_is_disabled_in_its_manifest_has_no_hooks(plugin, dialect):
    daemon = plugin(
        "plugin = Plugin(mixed_db_write=True)\n" + DISABLED + "plugin.disable('not here')\n",
        dialect=dialect,
    )
    manifest = daemon.start()
    assert manifest["disable"] == "not here"
    assert (manifest["hooks"], manifest["subscriptions"]) == ([], [])
    assert "not here" in daemon.request("ask")["error"]["message"]


@pytest.mark.parametrize("text", ["", "given"])
def test_an_option_that_was_not_given(plugin, dialect, text):
    daemon = plugin(
        """
        text, number = plugin.option("text"), plugin.option("number", type=int)
        on, flag = plugin.option("on", True), plugin.option("flag", type="flag")
        many, fallback = plugin.option("many", multi=True), plugin.option("fallback", 'a"b')

        @plugin.method("values")
        def values():
            return [o.value for o in (text, number, on, flag, many, fallback)]
        """,
        dialect=dialect,
    )
    names = ("number", "on", "flag", "many", "fallback")
    blank = dict.fromkeys(names, "") if dialect == "2019" else {}
    daemon.start({**blank, "text": text})
    unset = None if dialect == "2019" else ""
    assert daemon.call("values") == [text or unset, None, True, False, [], 'a"b']
    assert daemon.logs == []
