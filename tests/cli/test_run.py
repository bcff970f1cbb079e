"""`clnwire run` and `clnwire call` in two terminals, with real plugins."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="needs the extra: clnwire[cli]")

from tests.cli.terminal import CLNWIRE, ENV, Running, clnwire, is_running, one_line, short_folder
from tests.host.raw import write_plugin

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parents[2]
HELLO = ROOT / "examples" / "hello.py"
QUIET = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\n"
"""Ctrl-C ends it without a traceback of its own."""
REPORTING = f"""{QUIET}
def init(message):
    log(str(os.getpid()))
    log(json.dumps(message["params"]["options"]))
    return {{}}
"""
"""Says in the log which process it is, and what its options are."""

folder = pytest.fixture(short_folder)


def option(name: str, kind: str = "string", **more: object) -> dict[str, object]:
    return {"name": name, "type": kind, "description": f"what {name} is", **more}


def reporting(path: Path, name: str, *options: dict[str, object]) -> Path:
    return write_plugin(path, f'{REPORTING}\nMANIFEST["options"] = {list(options)!r}', name)


@pytest.mark.parametrize("dialect", ["current", "2019"])
def test_the_founding_document(folder: Path, dialect: str) -> None:
    with Running(folder, f"--plugin={HELLO}", "--greeting=Hi", "--dialect", dialect) as host:
        host.ready()
        shown = "".join(host.output)
        inside = folder if dialect == "2019" else folder / "regtest"
        assert f"socket: {inside}/lightning-rpc\n" in shown
        assert f"    clnwire call --lightning-dir={folder} hello [name]\n" in shown
        assert (inside / "lightning-rpc").stat().st_mode & 0o777 == 0o600
        for words, result in [
            ([], "Hello Hi"),
            (["name=Rusty"], "Hello Rusty"),
            (["Rusty"], "Hello Rusty"),
        ]:
            done = host.call("hello", *words)
            assert (done.returncode, done.stdout, done.stderr) == (0, f'"{result}"\n', "")
        assert re.match(r'"\d{4}-.*\+0[12]:00"$', host.call("gettime", "Europe/Zurich").stdout)
        refused = host.call("gettime", "Nowhere")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "there is no time zone 'Nowhere'" in refused.stderr
        helped = host.call("help").stdout.splitlines()
        assert "hello [name]" in helped
        assert "gettime [timezone]" in helped
        assert host.call("fire").returncode == 1
        assert host.call("connect", command="fire").returncode == 0
        assert "INFO    plugin-hello.py: 02c6" in host.until("is connected from 203.0.113.7")
        host.ctrl_c()
        status, output, errors = host.ended()
        assert (status, errors) == (0, "")
        assert output.endswith("Shutdown complete\n")
        assert not (inside / "lightning-rpc").exists()


def end_by_stop(host: Running) -> None:
    assert host.call("stop").returncode == 0


ENDS: list[Callable[[Running], None]] = [
    end_by_stop,
    Running.ctrl_c,
    lambda host: host.process.terminate(),
    lambda host: os.kill(host.process.pid, 1),
]


@pytest.mark.parametrize("end", ENDS, ids=["stop", "ctrl-c", "sigterm", "sighup"])
def test_the_end_ends_all(folder: Path, end: Callable[[Running], None]) -> None:
    paths = [reporting(folder, name) for name in ("one.py", "two.py")]
    with Running(folder, *[f"--plugin={path}" for path in paths]) as host:
        host.ready()
        text = "".join(host.output)
        pids = [int(pid) for pid in re.findall(r"plugin-\w+\.py: (\d+)$", text, re.MULTILINE)]
        assert len(pids) == 2
        end(host)
        status, _, errors = host.ended()
        assert (status, errors) == (0, "")
        assert not any(map(is_running, pids))
        assert not host.socket.exists()


def test_ctrl_c_while_a_plugin_is_being_started(folder: Path) -> None:
    body = "def manifest(message):\n    log('here')\n    time.sleep(60)"
    plugin = write_plugin(folder, QUIET + body)
    with Running(folder, f"--plugin={plugin}") as host:
        host.until("plugin-plugin.py: here")
        host.ctrl_c()
        assert host.ended()[0] == 0


def test_a_second_ctrl_c_does_not_wait(folder: Path) -> None:
    ignores = "signal.signal(signal.SIGINT, signal.SIG_IGN)"
    stays = 'def ended():\n    log("staying")\n    time.sleep(600)'
    plugin = write_plugin(folder, f"{REPORTING}\n{ignores}\n{stays}")
    with Running(folder, f"--plugin={plugin}") as host:
        pid = int(host.until("plugin-plugin.py: ").split()[-1])
        host.ready()
        host.ctrl_c()
        host.until("plugin-plugin.py: staying")
        host.ctrl_c()
        assert host.ended()[0] == 0
        assert not is_running(pid)


def test_options_of_several_plugins(folder: Path) -> None:
    one = reporting(folder, "one.py", option("greeting"), option("many", "int", multi=True))
    two = reporting(folder, "two.py", option("quiet", "flag"), option("loud", "bool"))
    conf = folder / "config"
    conf.write_text(
        f"# both\nplugin={one}\n\ngreeting=file\nmany=16\nquiet\nlog-level=debug\nloud=yes\n"
    )
    words = ["--greeting", "line", "--many=2", f"--plugin={two}", f"--conf={conf}"]
    with Running(folder, *words, "--many", "-3") as host:
        host.ready()
        text = "".join(host.output)
        assert 'INFO    plugin-two.py: {"quiet": true, "loud": true}' in text
        assert 'plugin-one.py: {"greeting": "line", "many": [16, 2, -3]}' in text


def test_the_daemons_log(folder: Path) -> None:
    body = """
    def init(message):
        for level in ("debug", "info", "unusual", "broken"):
            log("a\\nb", level)
        return {}
    """
    plugin = write_plugin(folder, body)
    with Running(folder, f"--plugin={plugin}", "--log-level", "debug") as host:
        host.ready()
        logged = [line for line in host.output if "plugin-plugin.py" in line]
    time = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "
    assert all(re.match(time, line) for line in logged)
    assert [re.sub(time, "", line) for line in logged[:8]] == [
        f"{level:<7} plugin-plugin.py: {text}\n"
        for level in ("DEBUG", "INFO", "UNUSUAL", "**BROKEN**")
        for text in ("a", "b")
    ]


SAYING = """#!{python}
import logging, os, sys
from clnwire import Plugin
plugin = Plugin()
logging.basicConfig()
@plugin.on_init
def ready():
    print("to stderr", file=sys.stderr)
    logging.error("to logging")
    os.write(2, b"to the descriptor\\n")
    child = os.fork()
    if not child:
        print("in a child", file=sys.stderr)
        os._exit(0)
    os.waitpid(child, 0)
plugin.run()
"""
SAID = ("to stderr", "to logging", "to the descriptor", "in a child")


@pytest.mark.parametrize(
    ("words", "stderr", "times"),
    [
        # Only what is not in the log is to be seen beside it.
        ([], subprocess.STDOUT, (1, 1, 1, 1)),
        (["--log-level=broken"], subprocess.STDOUT, (1, 2, 1, 1)),
        ([], subprocess.PIPE, (2, 2, 1, 1)),
    ],
)
def test_nothing_is_shown_twice_in_one_place(
    folder: Path, words: list[str], stderr: int, times: tuple[int, ...]
) -> None:
    plugin = folder / "saying.py"
    plugin.write_text(SAYING.format(python=sys.executable))
    plugin.chmod(0o755)
    with Running(folder, f"--plugin={plugin}", *words, stderr=stderr) as host:
        host.ready()
        host.ctrl_c()
        status, output, errors = host.ended()
    assert status == 0
    text = "".join(host.output) + output + (errors or "")
    assert tuple(text.count(each) for each in SAID) == times


def test_a_log_file_and_the_traffic(folder: Path) -> None:
    log = folder / "log"
    log.write_text("earlier\n")
    words: list[str | Path] = [f"--plugin={HELLO}", "--trace", "--log-file", log]
    with Running(folder, *words) as host:
        host.ready()
        assert not any("plugin-hello.py" in line for line in host.output)
        host.call("hello")
        host.ctrl_c()
        assert host.ended()[0] == 0
    text = log.read_text()
    assert text.startswith("earlier\n")
    assert 'IO_OUT  plugin-hello.py: {"jsonrpc":"2.0","id":"cln:getmanifest#' in text
    assert "IO_IN   plugin-hello.py: " in text
    assert '"result":"Hello World"' in text


def test_nobody_reads_the_log(folder: Path) -> None:
    with Running(folder, f"--plugin={HELLO}", "--trace") as host:
        host.until("getmanifest")
        assert host.process.stdout is not None
        host.process.stdout.close()
        while not host.socket.exists():
            time.sleep(0.01)
        assert host.call("hello").stdout == '"Hello World"\n'
        host.ctrl_c()
        assert host.process.wait(60) == 0
        assert host.errors() == ""


def test_a_plugin_dir_without_one_of_them(folder: Path) -> None:
    plugins = folder / "plugins"
    plugins.mkdir()
    for name in ("a.py", "b.py"):
        write_plugin(plugins, 'MANIFEST["dynamic"] = True', name)
    (plugins / "notes.txt").write_text("no plugin")
    words: list[str | Path] = [
        "--plugin-dir",
        plugins,
        "--disable-plugin",
        "b.py",
        f"--plugin={plugins}/a.py",
    ]
    with Running(folder, *words) as host:
        assert host.until("clnwire runs") == "clnwire runs a.py\n"
        host.ready()
        write_plugin(plugins, 'MANIFEST["dynamic"] = True', "new.py")
        listed = json.loads(host.call("plugin", "rescan").stdout)["plugins"]
        names = [Path(plugin["name"]).name for plugin in listed]
        assert names == ["a.py", "new.py"]


def test_what_to_try_of_a_plugin_without_methods(folder: Path) -> None:
    events = 'MANIFEST["hooks"] = [{"name": "peer_connected"}]\nMANIFEST["subscriptions"] = ["*"]'
    hooked = write_plugin(folder, f"{QUIET}\n{events}")
    topics = 'MANIFEST["subscriptions"] = ["connect", "*"]'
    listening = write_plugin(folder, f"{QUIET}\n{topics}", "listening")
    with Running(folder, f"--plugin={hooked}", f"--plugin={listening}") as host:
        host.ready()
        shown = [line.split(f" --lightning-dir={folder} ") for line in host.output]
        assert [line for line in shown if len(line) == 2] == [
            ["    clnwire hook", "peer_connected\n"],
            ["    clnwire fire", "connect\n"],
        ]


def test_a_host_without_plugins(folder: Path) -> None:
    with Running(folder) as host:
        assert host.until("clnwire runs") == "clnwire runs no plugins\n"
        host.ready()
        assert '"version"' in host.call("getinfo").stdout


def cannot(folder: Path, *words: str | Path) -> str:
    """The line with which a run ended that could not start."""
    done = clnwire("run", "--lightning-dir", folder, *words)
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("clnwire run: ")
    assert not (folder / "regtest" / "lightning-rpc").exists()
    return last


def test_an_option_that_nobody_has(folder: Path) -> None:
    assert cannot(folder, f"--plugin={HELLO}", "--greting=Hi") == (
        "clnwire run: '--greting': there is no such option; did you mean 'greeting'?"
    )
    assert cannot(folder, "--plugins=x").endswith("did you mean 'plugin'?")
    conf = folder / "config"
    conf.write_text("\nnothing=1\n")
    assert f"{conf}:2: 'nothing': there is no such option" in cannot(folder, f"--conf={conf}")
    conf.write_text("trace\n")
    assert f"{conf}:1: 'trace' is for the command line only" in cannot(folder, f"--conf={conf}")
    assert "'--greeting' needs a value" in cannot(folder, f"--plugin={HELLO}", "--greeting")
    assert cannot(folder, "-x").endswith("'-x' is not an option; write --name=value")


def test_a_value_that_does_not_fit(folder: Path) -> None:
    plugin = reporting(folder, "one.py", option("n", "int"))
    assert "option 'n' must be an integer" in cannot(folder, f"--plugin={plugin}", "--n=x")
    assert "must be UTF-8" in cannot(folder, f"--plugin={HELLO}", "--greeting=\udcff")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--dialect", "2021"], "--dialect must be one of current, 2020, 2019, not '2021'"),
        (["--log-level", "loud"], "--log-level must be one of trace, "),
        (["--plugin=none.py"], "none.py': there is no such file"),
        (["none.py"], "none.py': there is no such file"),
        (["--answers=none"], "--answers=none: there is no such folder"),
        (["--answer=getinfo"], "--answer=getinfo: write --answer=COMMAND=FILE"),
        (["--answer=getinfo=none"], "the answer to getinfo, none: No such file"),
        (["--answer=getinf=file"], "lightningd has no command 'getinf'; did you mean 'getinfo'?"),
        (["--reload", "--dialect=2019"], "--reload: the daemon of 2019"),
        (["--plugin-dir=none"], "--plugin-dir=none: No such file"),
        (["--conf=none"], "none cannot be read: No such file"),
        (["--log-file=none/log"], "none/log cannot be written: No such file"),
        (["--lightning-dir=file"], "file/regtest: File exists"),
        (["--lightning-dir", "\udcff"], "must be UTF-8"),
    ],
)
def test_a_command_line_that_is_wrong(folder: Path, words: list[str], part: str) -> None:
    (folder / "file").touch()
    done = clnwire("run", "--lightning-dir", folder, *words, cwd=folder)
    assert part in one_line(done, 2)


def test_a_plugin_that_dies_at_the_start(folder: Path) -> None:
    dying = write_plugin(folder, "sys.exit(3)", "dying.py")
    assert cannot(folder, f"--important-plugin={dying}").endswith(
        "plugin 'dying.py' exited with status 3; it had not answered \"cln:getmanifest#1\""
    )
    assert "none of the plugins runs" in cannot(folder, f"--plugin={dying}")
    with Running(folder, f"--plugin={dying}", f"--plugin={HELLO}") as host:
        assert host.until("clnwire runs") == "clnwire runs hello.py\n"
        assert any("exited with status 3" in line for line in host.output)


def test_a_file_that_lightningd_could_not_start(folder: Path) -> None:
    path = write_plugin(folder, "", "plain.py")
    path.chmod(0o644)
    with Running(folder, f"--plugin={path}") as host:
        host.ready()
    warning = f"could not start it like this: it is not executable: chmod +x {path}"
    assert any("plugin-plain.py" in line and warning in line for line in host.output)


def test_a_plugin_that_forgets_to_run(folder: Path) -> None:
    idle = write_plugin(folder, "sys.exit(0)", "idle.py")
    with Running(folder, f"--plugin={idle}", f"--plugin={HELLO}") as host:
        host.ready()
    said = "exited with status 0 without a manifest; a plugin made with clnwire ends with plugin."
    assert any(said in line for line in host.output)


def test_an_important_plugin_that_dies_later(folder: Path) -> None:
    body = 'MANIFEST["rpcmethods"] = [{"name": "die", "usage": ""}]\n'
    plugin = write_plugin(folder, body + "def answer(message):\n    sys.exit(4)")
    with Running(folder, f"--important-plugin={plugin}") as host:
        host.ready()
        host.call("die")
        status, _, errors = host.ended()
        assert status == 1
        assert errors.startswith("clnwire run: important plugin 'plugin.py' exited with status 4")
        assert errors.count("\n") == 1
        assert not host.socket.exists()


def test_two_hosts_in_one_directory(folder: Path) -> None:
    with Running(folder) as host:
        host.ready()
        done = clnwire("run", "--lightning-dir", folder)
        assert "another" in one_line(done, 2)
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(host.socket))


def test_help_lists_the_options_of_plugins(folder: Path) -> None:
    alone = clnwire("run", "--help")
    assert (alone.returncode, alone.stderr) == (0, "")
    assert "--important-plugin" in alone.stdout
    assert "Options of" not in alone.stdout
    touching = write_plugin(folder, f"def init(m):\n    open({str(folder / 'x')!r}, 'w')", "t.py")
    many = reporting(folder, "m.py", option("many", "int", multi=True), option("quiet", "flag"))
    words = [f"--plugin={path}" for path in (HELLO, touching, many)]
    done = clnwire("run", "--lightning-dir", folder / "new", *words, "--greeting=Hi", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    shown = done.stdout[done.stdout.index("Options of hello.py") :]
    assert shown == (
        "Options of hello.py:\n"
        "  --greeting=<string>  What name should I call you? (default: World)\n\n"
        "Options of t.py:\n  none\n\n"
        "Options of m.py:\n"
        "  --many=<int>  what many is (may be given several times)\n"
        "  --quiet       what quiet is\n\n"
    )
    assert not (folder / "new").exists()
    assert not (folder / "x").exists()


def test_help_with_a_plugin_that_cannot_say_what_it_has(folder: Path) -> None:
    dying = write_plugin(folder, "sys.exit(3)", "dying.py")
    done = clnwire("run", f"--plugin={dying}", f"--plugin={HELLO}", "--help")
    assert done.returncode == 0
    assert done.stderr == "plugin-dying.py: Killing plugin: exited with status 3\n"
    assert "--greeting=<string>" in done.stdout
    assert "dying.py" not in done.stdout
    assert "--important-plugin" in done.stdout
    assert "exited with status 3" in cannot(folder, f"--important-plugin={dying}", "--help")


def test_ctrl_c_while_help_waits_for_a_plugin(folder: Path) -> None:
    body = f"""
    import signal
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    open({str(folder / "pid")!r}, "w").write(f"{{os.getpid()}}\\n")
    def manifest(message):
        time.sleep(600)
    """
    plugin = write_plugin(folder, body)
    with Running(folder, f"--plugin={plugin}", "--help") as host:
        while not (folder / "pid").exists() or not (folder / "pid").read_text():
            time.sleep(0.01)
        host.ctrl_c()
        status, output, errors = host.ended()
        assert status != 0
        assert "did not answer getmanifest" not in f"{output}{errors}"
    assert not is_running(int((folder / "pid").read_text()))


def test_what_a_file_says_is_known_by_its_line(folder: Path) -> None:
    conf = folder / "config"
    conf.write_text("# Hi\ngreeting=Hi\n")
    with Running(folder, f"--plugin={HELLO}", f"--conf={conf}") as host:
        configs = json.loads(host.ready().call("listconfigs").stdout)["configs"]
        assert configs["greeting"]["source"] == f"{conf}:2"


def test_plugins_are_arguments(folder: Path) -> None:
    one = reporting(folder, "one.py", option("n", "int"))
    with Running(folder, HELLO, "--greeting", "Hi", "--n=1", one) as host:
        assert host.until("clnwire runs") == "clnwire runs hello.py, one.py\n"
        assert host.ready().call("hello").stdout == '"Hello Hi"\n'


def test_the_node_is_empty_but_for_answers(folder: Path) -> None:
    answers = folder / "answers"
    answers.mkdir()
    (answers / "listfunds.json").write_text('{"outputs": [], "channels": []}\n')
    mine = folder / "mine.json"
    mine.write_text('{"peers": [],\n "note": 1e400}')
    words: list[str | Path] = [HELLO, "--answers", answers, f"--answer=listpeers={mine}"]
    (answers / "listpeers.json").write_text('{"peers": []}')
    with Running(folder, *words) as host:
        host.ready()
        assert json.loads(host.call("listpeerchannels").stdout) == {"channels": []}
        assert json.loads(host.call("listfunds").stdout) == {"outputs": [], "channels": []}
        # The file's own text.
        assert "1e400" in host.call("--raw", "listpeers").stdout
        mine.write_text('{"peers": 7}')
        refused = json.loads(host.call("listpeers").stderr)["message"]
        assert f"{mine}: member 'peers' does not fit listpeers: Expected `array`" in refused


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('{"channels": [\n  {"peer_id": 7,}]}', "x.json:2:17: "),
        ('{"channels": [', "x.json:1:15: "),
        (
            "{}",
            "the answer does not fit listpeerchannels: Object missing required field `channels`",
        ),
        (
            '{"channels": [{"peer_connected": 7}]}',
            "member 'channels[0].peer_connected' does not fit listpeerchannels: Expected `bool`",
        ),
    ],
)
def test_an_answer_that_does_not_fit(folder: Path, text: str, part: str) -> None:
    (folder / "x.json").write_text(text)
    done = clnwire("run", f"--answer=listpeerchannels={folder / 'x.json'}")
    assert part in one_line(done, 2)
    if "[" not in text:
        # The schemas are those of the current daemon.
        words = [f"--answer=listpeerchannels={folder / 'x.json'}", "--dialect=2020"]
        with Running(folder, *words) as host:
            assert host.ready().call("listpeerchannels").stdout == "{}\n"


def test_a_changed_plugin_is_restarted(folder: Path) -> None:
    plugin = folder / "plugin.py"
    package = folder / "src" / "pack"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()

    def write(greeting: str) -> None:
        text = HELLO.read_text().replace("Hello", greeting)
        plugin.with_suffix(".new").write_text(text)
        plugin.with_suffix(".new").replace(plugin)

    plugin.write_text("x = (")
    words = ["--reload", "--greeting=Hi", f"--important-plugin={plugin}"]
    with Running(folder, *words) as host:
        assert host.until("clnwire runs") == "clnwire runs no plugins\n"
        host.ready()
        write("Hoi")
        _until_called(host, '"Hoi Hi"\n')
        write("Salut")
        host.until("restarting plugin.py: plugin.py has changed")
        _until_called(host, '"Salut Hi"\n')
        (package / "module.py").write_text("x = 1")
        host.until("restarting plugin.py: module.py has changed")
        plugin.write_text("raise SystemExit(3)")
        host.until("change plugin.py to start it again")
        write("Ciao")
        _until_called(host, '"Ciao Hi"\n')
        host.ctrl_c()
        assert host.ended()[0] == 0


def _until_called(host: Running, result: str) -> None:
    while host.call("hello").stdout != result:
        time.sleep(0.05)


def test_running_methods_are_completed(folder: Path) -> None:
    def completed(*words: str, shell: str = "bash") -> str:
        line = ["clnwire", "call", "--lightning-dir", str(folder), *words]
        env = {
            "COMP_WORDS": "\n".join(line),
            "COMP_CWORD": str(len(line) - 1),
            "_TYPER_COMPLETE_ARGS": " ".join(line),
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            "_CLNWIRE_COMPLETE": f"complete_{shell}",
        }
        done = subprocess.run(
            CLNWIRE, env={**ENV, **env}, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.stderr == ""
        return done.stdout

    with Running(folder, HELLO) as host:
        host.ready()
        assert completed("he").split() == ["hello", "help"]
        assert "hello [name]" in completed("he", shell="fish")
        assert "listpeerchannels" in completed("listpeerch").split()
    assert completed("he").strip() == ""
