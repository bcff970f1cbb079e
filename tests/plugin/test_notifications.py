"""Notifications: both dialects, custom topics in and out, `*`, order, failures."""

from __future__ import annotations

import pytest

ID = "02" * 33
ADDRESS = {"type": "ipv4", "address": "1.2.3.4", "port": 5}


def test_connect_and_disconnect(plugin, dialect):
    daemon = plugin(
        """
        @plugin.subscribe("connect")
        def on_connect(event: Connect):
            address = event.address
            plugin.log(f"+ {event.id} {address.type} {address.address} {event.direction}")

        @plugin.subscribe("disconnect")
        def on_disconnect(event: Disconnect):
            plugin.log(f"- {event.id}")
        """,
        dialect=dialect,
    )
    assert daemon.start()["subscriptions"] == ["connect", "disconnect"]
    if dialect == "2019":
        daemon.notify("connect", {"id": ID, "address": "1.2.3.4"})
    else:
        daemon.notify("connect", {"id": ID, "direction": "in", "address": ADDRESS, "new": 1})
    daemon.notify("disconnect", {"id": ID})
    assert daemon.hang_up() == 0
    direction = None if dialect == "2019" else "in"
    assert daemon.log_text() == f"info + {ID} ipv4 1.2.3.4 {direction}\ninfo - {ID}"


def test_topics_arrive_as_dicts_if_wanted(plugin):
    daemon = plugin(
        """
        @plugin.subscribe("block_added")
        def on_block(event: dict):
            plugin.log(f"{event['height']}")

        @plugin.subscribe("a_topic_of_tomorrow")
        def tomorrow(event: msgspec.Raw):
            plugin.log(bytes(event).decode())
        """
    )
    daemon.start()
    daemon.notify("block_added", {"height": 7})
    daemon.notify("a_topic_of_tomorrow", {"x": [1, 2]})
    assert daemon.hang_up() == 0
    assert daemon.log_text() == 'info 7\ninfo {"x": [1, 2]}'


def test_a_topic_named_like_its_own_field(plugin):
    daemon = plugin(
        """
        @plugin.subscribe("log")
        def on_log(event: dict):
            plugin.log(str(sorted(event)))
        """
    )
    daemon.start()
    daemon.write('{"method":"log","params":{"log":"text","level":"info"}}')
    daemon.write('{"method":"log","params":{"log":{"log":"text"}}}')
    daemon.write('{"method":"log","params": {\n\n"log" :\n\n{"level":"x"} } }')
    assert daemon.hang_up() == 0
    assert daemon.log_text() == "info ['level', 'log']\ninfo ['log']\ninfo ['level']"


def test_custom_topics_of_other_plugins(plugin):
    daemon = plugin(
        """
        @plugin.subscribe("news")
        def on_news(payload, about: Notification):
            plugin.log(f"{payload} {about.topic} {about.origin}")
        """
    )
    daemon.start()
    daemon.write('{"method":"news","params":[1,\n\n2],"origin":"other.py"}')
    daemon.write('{"method":"news","params":{"origin":"other.py","payload":[3]}}')
    daemon.write('{"method":"news","params":{"news":[4]}}')
    daemon.write('{"method":"news","params":{"origin":"x","payload":3},"origin":"other.py"}')
    assert daemon.hang_up() == 0
    assert daemon.log_text() == (
        "info [1, 2] news other.py\ninfo [3] news other.py\ninfo [4] news None\n"
        "info {'origin': 'x', 'payload': 3} news other.py"
    )


def test_publishing(plugin):
    daemon = plugin(
        """
        news = plugin.topic("news")

        @plugin.method("tell")
        def tell(value):
            news.publish(value)
            plugin.notify("news", {"x": value})
            try:
                plugin.notify("log", {"level": "loud"})
            except UsageError as error:
                plugin.log(str(error))

        try:
            news.publish("early")
        except NotReadyError as error:
            early = str(error)

        @plugin.on_init
        def ready():
            plugin.log(early)
        """
    )
    assert daemon.start()["notifications"] == [{"method": "news"}]
    assert "while the plugin is not running" in daemon.log_text()
    daemon.call("tell", [["a", 1]])
    assert [message["params"] for message in daemon.notifications] == [["a", 1], {"x": ["a", 1]}]
    assert "use plugin.log" in daemon.log_text(), "the daemon would kill the plugin for it"


@pytest.mark.parametrize("star_first", [True, False])
def test_star_gets_all_of_them_once(plugin, star_first):
    star = """
        @plugin.subscribe("*")
        def on_any(event, about: Notification):
            plugin.log(f"* {about.topic} {event}")
    """
    connect = """
        @plugin.subscribe("disconnect")
        def on_disconnect(event: Disconnect):
            plugin.log(f"d {event.id}")
    """
    daemon = plugin(star + connect if star_first else connect + star)
    assert daemon.start()["subscriptions"] == ["*"], "the daemon would deliver it twice"
    daemon.notify("disconnect", {"id": ID})
    daemon.notify("a_topic_of_tomorrow", {"x": 1})
    daemon.write('{"method":"news","params":[1],"origin":"other.py"}')
    assert daemon.hang_up() == 0
    assert daemon.log_text().splitlines() == [
        f"info d {ID}",
        f"info * disconnect {{'id': '{ID}'}}",
        "info * a_topic_of_tomorrow {'x': 1}",
        "info * news [1]",
    ]


def test_log_is_not_part_of_star(plugin):
    daemon = plugin(
        """
        @plugin.subscribe("*")
        def on_any(event, about: Notification):
            plugin.log(f"* {about.topic}")

        @plugin.subscribe("log")
        def on_log(event: dict):
            plugin.log("log")
        """
    )
    assert daemon.start()["subscriptions"] == ["*", "log"]
    daemon.notify("log", {"log": "a line"})
    daemon.notify("disconnect", {"id": ID})
    assert daemon.hang_up() == 0
    assert daemon.log_text() == "info log\ninfo * disconnect"


def test_a_failing_handler_is_logged_and_the_next_one_runs(plugin):
    daemon = plugin(
        """
        @plugin.subscribe("disconnect")
        def first(event: Disconnect):
            raise ValueError("first")

        @plugin.subscribe("disconnect")
        def second(event: Disconnect):
            plugin.log("second")
        """
    )
    daemon.start()
    daemon.notify("disconnect", {"id": ID})
    daemon.notify("disconnect", {"identity": "?"})
    daemon.notify("unknown_topic", {})
    assert daemon.hang_up() == 0
    said = daemon.log_text()
    assert "error disconnect: ValueError: first" in said
    assert "info second" in said
    assert "disconnect: the daemon's message cannot be decoded" in said
    assert "unknown_topic" in said


def test_they_are_handled_in_the_order_they_came(plugin):
    daemon = plugin(
        """
        seen = []

        @plugin.subscribe("count")
        def on_count(n: int):
            seen.append(n)

        @plugin.method("seen")
        def all_seen():
            return seen
        """
    )
    daemon.start()
    daemon.write("".join(f'{{"method":"count","params":{n}}}\n\n' for n in range(2000)))
    assert daemon.call("seen") == list(range(2000))


def test_a_notification_is_never_replied_to(plugin):
    daemon = plugin(
        """
        @plugin.method("hello")
        def hello():
            return 1
        """
    )
    daemon.start()
    daemon.write('{"jsonrpc":"2.0","method":"hello","params":[]}')
    daemon.write('{"jsonrpc":"2.0","id":"no request","result":1}')
    daemon.write('[1] "text" 7 null {} ')
    assert daemon.request("hello")["result"] == 1
    assert all(line["level"] == "debug" for line in daemon.logs)
