"""Plugins that are as they should be, in several languages, and what is true of all checks."""

from __future__ import annotations

import asyncio
import shutil
import sys
import textwrap
from pathlib import Path

import pytest

from clnwire.checking import Limits, Report, Target, check
from clnwire.host import Host
from tests.checking.plugins import calling
from tests.checking.test_rules import checked
from tests.host.raw import write_plugin

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
GENEROUS = Limits(timeout=20, slow_start=60)


def codes(report: Report) -> list[str]:
    return [finding.rule.code for finding in report.findings]


@pytest.mark.parametrize("name", ["hello.py", "regtest_backend.py", "replica.py", "webhook.py"])
def test_the_examples(name: str) -> None:
    report = checked(EXAMPLES / name, limits=GENEROUS)
    assert (report.findings, report.notes) == ([], [])
    # A replica needs the numbers of sets, which daemons have sent since v0.8.1.
    assert report.dialects == (["current"] if name == "replica.py" else ["current", "2019"])


def test_a_plugin_s_files_do_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The daemon of 2019 leaves its plugins where it was started.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plugin").mkdir()
    path = write_plugin(tmp_path / "plugin", 'open("left", "x")\n')
    assert checked(path, limits=GENEROUS).findings == []
    assert not (tmp_path / "left").exists()


PYLN = """
from pyln.client import Plugin
plugin = Plugin()
plugin.add_option("mine", "World", "Whom to greet")

@plugin.method("greet")
def greet(plugin, name="x"):
    return f"Hello {name}"

@plugin.hook("peer_connected")
def on_peer(peer, plugin, **kwargs):
    return {"result": "continue"}

@plugin.subscribe("connect")
def on_connect(plugin, connect, **kwargs):
    plugin.log("connected: " + connect["id"])

@plugin.init()
def init(options, configuration, plugin, **kwargs):
    assert plugin.rpc.listpeers() == {"peers": []}

plugin.run()
"""


def test_a_plugin_of_pyln_client(tmp_path: Path) -> None:
    """It ends messages at blank lines and dies of anything else, which its author cannot help."""
    pytest.importorskip("pyln.client", reason="needs the dependency group: bench")
    report = checked(script(tmp_path / "greet.py", sys.executable, PYLN), limits=GENEROUS)
    assert codes(report) == ["CW503", "CW504"]
    assert report.dialects == ["current"]
    assert report.other_daemon["2019"].startswith("manifest hooks[0]")


def script(path: Path, interpreter: str, source: str) -> Path:
    path.write_text(f"#!{interpreter}\n{textwrap.dedent(source)}")
    path.chmod(0o755)
    return path


SHELL = """
reply() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\\n\\n' "$1" "$2"; }
while IFS= read -r line; do
    id=$(printf '%s' "$line" | sed -n 's/.*"jsonrpc":"2.0","id":\\("[^"]*"\\|[0-9]*\\),.*/\\1/p')
    case "$line" in
        *'"method":"getmanifest"'*)
            reply "$id" '{"options":[],"rpcmethods":[],"hooks":["peer_connected"]}' ;;
        *'"method":"init"'*) reply "$id" '{}' ;;
        *'"method":"peer_connected"'*) reply "$id" '{"result":"ANSWER"}' ;;
    esac
done
"""


def test_a_plugin_in_shell(tmp_path: Path) -> None:
    """It reads line by line, as many do."""
    good = script(tmp_path / "good.sh", "/bin/sh", SHELL.replace("ANSWER", "continue"))
    assert codes(checked(good, limits=GENEROUS)) == []
    bad = script(tmp_path / "bad.sh", "/bin/sh", SHELL.replace("ANSWER", "go on"))
    report = checked(bad, limits=GENEROUS)
    assert codes(report) == ["CW302"]
    assert report.findings[0].dialects == ("current", "2019")
    assert report.findings[0].excerpt == (
        '{"jsonrpc":"2.0","id":"cln:peer_connected#3","result":{"result":"go on"}}'
    )


NODE = """
let text = "";
const send = (message) => process.stdout.write(JSON.stringify(message) + "\\n\\n");
const answers = {
    getmanifest: {
        options: [], rpcmethods: [], hooks: ["htlc_accepted"], subscriptions: ["connect"],
    },
    init: {},
    htlc_accepted: { result: "continue" },
};
process.stdin.setEncoding("utf8").on("data", (data) => {
    const parts = (text + data).split("\\n\\n");
    text = parts.pop();
    for (const part of parts) {
        const { id, method, params } = JSON.parse(part);
        if (id !== undefined) send({ jsonrpc: "2.0", id, result: answers[method] });
        else LISTEN;
    }
});
"""


def test_a_plugin_in_javascript(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    good = script(tmp_path / "good.js", node, NODE.replace("LISTEN", "console.error(params)"))
    assert codes(checked(good, limits=GENEROUS)) == []
    bad = script(tmp_path / "bad.js", node, NODE.replace("LISTEN", "console.log(params)"))
    report = checked(bad, limits=GENEROUS)
    (found,) = report.findings
    assert (found.rule.code, found.where) == ("CW101", "topic connect")


def test_all_refusals_of_a_manifest_are_reported_with_their_places(tmp_path: Path) -> None:
    body = """
    MANIFEST["options"] = [
        {"name": "a", "type": "int", "description": "", "default": "x"},
        {"name": "b", "type": "string", "description": ""},
        {"name": "b", "type": "string", "description": ""},
        {"name": "C", "type": "string", "description": ""},
        {"name": "d", "type": "float", "description": ""},
    ]
    MANIFEST["hooks"] = ["recover", "nothing", "recover"]
    MANIFEST["nonnumericids"] = False
    MANIFEST["subscriptions"] = 5
    """
    report = checked(write_plugin(tmp_path, body))
    assert [(finding.rule.code, finding.where) for finding in report.findings] == [
        ("CW011", "manifest nonnumericids"),
        ("CW004", "manifest options[0] (a).default"),
        ("CW007", "manifest options[2].name"),
        ("CW002", "manifest options[3].name"),
        ("CW003", "manifest options[4] (d).type"),
        ("CW001", "manifest subscriptions"),
        ("CW008", "manifest hooks[1]"),
        ("CW007", "manifest hooks[2]"),
    ]
    assert '"name":"C"' in report.findings[3].excerpt


@pytest.mark.parametrize(
    ("hook", "condition"),
    [
        ("peer_connected", 'params["peer"]["direction"] != "out"'),
        ("htlc_accepted", 'params["onion"]["payment_secret"]'),
        ("rpc_command", 'params["rpc_command"]["params"].get("x", 1)'),
    ],
)
def test_a_hook_has_several_ordinary_events(tmp_path: Path, hook: str, condition: str) -> None:
    body = f"""
    MANIFEST["hooks"] = ["{hook}"]
    def answer(message):
        params = message["params"]
        assert {condition}
        return {{"result": "continue"}}
    """
    target = Target(write_plugin(tmp_path, body))
    report = asyncio.run(check(target, ("current",), GENEROUS))
    assert ("CW304", f"hook {hook}") in {(one.rule.code, one.where) for one in report.findings}


def test_db_write_may_fail_in_the_middle_of_the_start(tmp_path: Path) -> None:
    body = """
    MANIFEST["hooks"] = ["db_write"]
    MANIFEST["subscriptions"] = ["shutdown"]
    def answer(message):
        raise OSError("disk full")
    """
    (found,) = checked(write_plugin(tmp_path, body)).findings
    assert (found.rule.code, found.where) == ("CW304", "hook db_write")
    assert "disk full" in found.message
    refusing = body.replace('raise OSError("disk full")', 'return {"result": "no"}')
    (found,) = checked(write_plugin(tmp_path, refusing)).findings
    assert (found.rule.code, found.where) == ("CW302", "hook db_write")


def test_a_notification_may_be_a_deadlock_too(tmp_path: Path) -> None:
    """The plugin would have to answer `rpc_command` for its own call, but handles one at a time."""
    body = calling(
        """
        MANIFEST["hooks"] = ["rpc_command"]
        MANIFEST["subscriptions"] = ["connect", "disconnect"]
        def notified(message):
            if message["method"] == "connect":
                call()
        def answer(message):
            return {"result": "continue"}
        """
    )
    report = checked(write_plugin(tmp_path, body), limits=Limits(timeout=2, slow_start=60))
    assert [(one.rule.code, one.where) for one in report.findings] == [("CW703", "topic connect")]
    in_threads = body.replace(
        "call()\ndef answer", "threading.Thread(target=call).start()\ndef answer"
    )
    assert in_threads != body
    threaded = write_plugin(tmp_path, f"import threading\n{in_threads}")
    assert checked(threaded, limits=GENEROUS).findings == []


def test_one_fault_does_not_hide_another(tmp_path: Path) -> None:
    """It does not start with a number that is not JSON; what comes after is tried without one."""
    body = """
    MANIFEST["options"] = [{"name": "a", "type": "int", "description": "", "default": 5}]
    MANIFEST["subscriptions"] = ["shutdown"]
    def notified(message):
        pass
    """
    report = checked(write_plugin(tmp_path, body), limits=Limits(timeout=2, slow_start=60))
    assert {one.rule.code for one in report.findings} == {"CW209", "CW602"}


def test_options_reach_the_plugin(tmp_path: Path) -> None:
    body = """
    MANIFEST["options"] = [
        {"name": "address", "type": "string", "description": ""},
        {"name": "many", "type": "string", "description": "", "multi": True},
    ]
    def init(message):
        options = message["params"]["options"]
        if options.get("address") != "here" or options.get("many") != ["a", "b"]:
            return {"disable": "needs an address"}
        return {}
    """
    path = write_plugin(tmp_path, body)
    assert codes(checked(path)) == ["CW206"]
    given = ("--address=here", "--many=a", "--many=b")
    # In 2019 options had no `multi`.
    assert checked(path, *given).findings == []


def test_2019_alone_blames_the_plugin(tmp_path: Path) -> None:
    body = 'MANIFEST["options"] = [{"name": "a", "type": "int", "description": ""}]'
    target = Target(write_plugin(tmp_path, body))
    report = asyncio.run(check(target, ("2019",)))
    assert [(found.rule.code, found.dialects) for found in report.findings] == [
        ("CW003", ("2019",))
    ]
    both = asyncio.run(check(target))
    assert both.findings == []
    assert both.notes == []
    assert both.other_daemon["2019"].startswith("manifest options[0]")


def test_each_topic_at_fault_is_found_among_many(tmp_path: Path) -> None:
    body = """
    MANIFEST["subscriptions"] = ["*"]
    def notified(message, notified=notified):
        if message["method"] in ("connect", "forward_event"):
            log("cannot", "error")
        if message["method"] == "disconnect":
            sys.exit(1)
        if message["method"] == "channel_state_changed":
            state = message["params"]["channel_state_changed"]["new_state"]
            assert state != "of_tomorrow", state
        notified(message)
    """
    report = checked(write_plugin(tmp_path, body), limits=GENEROUS)
    assert {(found.rule.code, found.where) for found in report.findings} == {
        ("CW406", "topic connect"),
        ("CW406", "topic forward_event"),
        ("CW405", "topic disconnect"),
        ("CW402", "topic channel_state_changed"),
    }


def test_filters_are_respected(tmp_path: Path) -> None:
    """What the filters leave out is not asked: the plugin would not know what to say."""
    body = """
    MANIFEST["hooks"] = [
        {"name": "rpc_command", "filters": ["withdraw"]},
        {"name": "custommsg", "filters": [513]},
    ]
    def answer(message):
        params = message["params"]
        if message["method"] == "rpc_command":
            assert params["rpc_command"]["method"] == "withdraw"
        elif message["method"] == "custommsg":
            assert params["payload"].startswith("0201")
        return {"result": "continue"}
    """
    assert checked(write_plugin(tmp_path, body), limits=GENEROUS).findings == []


def test_the_commands_of_the_node_fit_their_schemas() -> None:
    """All 162 have their own names, and an answer in the form that a plugin may rely on."""
    from importlib import import_module

    import msgspec

    from clnwire.host import empty_node as node

    names = node.command_names()
    assert len(names) == 162
    for name in names:
        command = import_module(f"clnwire.commands.{name.replace('-', '_')}").COMMAND
        assert command.method == name
        answer = node.least(command.reply)
        msgspec.convert(answer, command.reply)

    async def run() -> object:
        async with Host() as host:
            node.register(host)
            assert (await host.call("getinfo"))["alias"] == "clnwire"
            return await host.call("bkpr-listincome")

    assert asyncio.run(run()) == {"income_events": []}
