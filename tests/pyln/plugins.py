"""Small plugins for pyln-client, and what the daemon sends them."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from typing import Any, Final

_NAMES: Final = (
    # pyln.client, pyln.client.plugin, pyln.client.lightning.
    "Plugin RpcError Millisatoshi LightningRpc RpcException monkey_patch __version__ "
    "Request Method Option MethodType RPCMETHOD HOOK RequestState PENDING FINISHED FAILED "
    "hook_fallbacks PluginStream PluginLogHandler JSONType NoneDecoratorType JsonDecoratorType "
    "UnixDomainSocketRpc UnixSocket to_json_default old_json_default "
    # Plugin.
    "autopatch dynamic init_features node_features invoice_features custom_msgs .run( .log( "
    ".method( .add_method( .async_method( .async_hook( .hook( .add_hook( .subscribe( "
    ".add_subscription( .init( .add_option( .add_flag_option( .get_option( .options[ .rpc "
    ".methods .lightning_dir .rpc_filename .startup .notify( .add_notification_topic( "
    ".notify_message( .notify_progress( .stdout .stdin .print_usage( .get_usage( "
    ".lightning_version .child_init .deprecated_apis .featurebits .custom_msgs "
    ".notification_topics .subscriptions .write_lock _write_locked _dispatch_request "
    "_parse_request _bind_kwargs _bind_pos _exec_func _getmanifest _multi_dispatch _write_result "
    # Request.
    ".params .background .plugin .state .origin .id .termination_tb .result .exc .set_result( "
    ".set_exception( .progress( .getattr( category desc long_desc deprecated description before "
    "after filters opt_type multi on_change .levels get_json_id _filter _notify _readobj _writeobj "
    "cmdprefix next_id caller_name"
)
NAMES: Final = tuple(_NAMES.split(" "))
"""What the plugins use between them."""


@dataclass
class Case:
    """A plugin and its traffic."""

    name: str
    source: str
    traffic: str
    difference: str | None
    """The row of "What is mended" in docs/pyln.md that is shown, if the two may differ."""
    shows: tuple[str, ...]
    """What clnwire's output has in it."""


MANIFEST: Final = {
    "jsonrpc": "2.0",
    "id": "cli:getmanifest#1",
    "method": "getmanifest",
    "params": {"allow-deprecated-apis": False},
}
CASES: Final[list[Case]] = []


def init(**options: Any) -> dict[str, Any]:
    """The daemon's `init` with these values of options."""
    configuration = {
        "lightning-dir": "FOLDER",
        "rpc-file": "lightning-rpc",
        "startup": True,
        "network": "regtest",
        "feature_set": {"init": "08a0", "node": "08a0", "channel": "", "invoice": "02"},
    }
    params = {
        "options": {name.replace("_", "-"): value for name, value in options.items()},
        "configuration": configuration,
    }
    return {"jsonrpc": "2.0", "id": "cli:init#2", "method": "init", "params": params}


def ask(method: str, params: Any = None, **members: Any) -> dict[str, Any]:
    """A request."""
    params = {} if params is None else params
    return {"jsonrpc": "2.0", "id": f"cli:{method}#7", "method": method, "params": params} | members


def tell(topic: str, params: Any, **members: Any) -> dict[str, Any]:
    """A notification."""
    return {"jsonrpc": "2.0", "method": topic, "params": params} | members


def case(
    name: str,
    body: str,
    *messages: Any,
    start: tuple[Any, ...] = (MANIFEST, init()),
    whole: bool = False,
    difference: str | None = None,
    shows: tuple[str, ...] = (),
) -> None:
    """Adds a plugin. `whole`: `body` makes and runs the plugin itself."""
    body = textwrap.dedent(body).strip() + "\n"
    if not whole:
        body = f"from pyln.client import Plugin\nplugin = Plugin()\n{body}plugin.run()\n"
    sent = [
        each if isinstance(each, str) else json.dumps(each, ensure_ascii=False)
        for each in (*start, *messages)
    ]
    CASES.append(Case(name, body, "".join(f"{text}\n\n" for text in sent), difference, shows))


ECHO: Final = """
    @plugin.method("echo")
    def echo(plugin, value=None):
        "Returns it."
        return value
"""


# Start: manifest, options, init.

case("empty", "")
case(
    "arguments",
    """
    from pyln.client import Plugin
    plugin = Plugin(
        dynamic=False, init_features=1 << 9, node_features=b"\\x01\\x02",
        invoice_features="0a0b", custom_msgs=[1, 32769],
    )
    plugin.log(repr((plugin.featurebits, plugin.custom_msgs, plugin.dynamic)))
    for wrong in (1.5, [], ()):
        try:
            Plugin(init_features=wrong)
        except ValueError as error:
            plugin.log(str(error))
    plugin.run()
    """,
    whole=True,
)
case(
    "bits",
    """
    from pyln.client import Plugin
    for bits in (1, 2, 255, 257, 1 << 16, (1 << 16) + 1, 1 << 100):
        try:
            print(Plugin(node_features=bits, autopatch=False).featurebits)
        except Exception as error:
            print(type(error), error)
    """,
    whole=True,
)
case(
    "options",
    """
    def changed(plugin, name, value):
        plugin.log(f"{name}: {plugin.get_option(name)} -> {value}")
        if value == "bad":
            raise ValueError("no such value")
    plugin.add_option("text", "d", "A text", opt_type="string")
    plugin.add_option("number", 5, None, "int", deprecated=True, multi=True)
    plugin.add_option("truth", False, "Yes", "bool", deprecated=["v1", "v2"])
    plugin.add_flag_option("flag", "A flag")
    plugin.add_flag_option("flag2", "Another", deprecated=True, dynamic=True)
    plugin.add_option("live", None, "d", dynamic=True, on_change=changed)
    plugin.log(repr(plugin.options["text"]["value"]) + repr(plugin.get_option("text")))
    for wrong in (
        lambda: plugin.add_option("text", 1, "twice"),
        lambda: plugin.add_option("x", 1, "d", opt_type="float"),
        lambda: plugin.add_option("x", 1, "d", on_change=changed),
        lambda: plugin.get_option("none"),
        lambda: plugin.options["text"]["default"],
    ):
        try:
            wrong()
        except Exception as error:
            plugin.log(f"{type(error).__name__} {error}")
    @plugin.method("values")
    def values():
        return [plugin.get_option(name) for name in plugin.options] + [
            plugin.options[name].value for name in plugin.options]
    """,
    ask("values"),
    ask("setconfig", {"config": "live", "val": "new"}),
    ask("setconfig", {"config": "live", "val": "bad"}),
    ask("setconfig", {"config": "live"}),
    ask("setconfig", {"config": "none", "val": 1}),
    ask("setconfig", ["flag2", True]),
    ask("values"),
    start=(MANIFEST, init(text="t", number=[1, 2], truth=True, flag=None, live="old")),
)
case("unknown option", "", start=(MANIFEST, init(unheard_of=1)))
case(
    "option class",
    """
    from copy import deepcopy
    from pyln.client.plugin import Option
    made = Option("n", 1, "d", "int", None, False, False, True, None)
    plugin.log(repr(vars(deepcopy(made)) == vars(made)))
    plugin.log(repr(made) + str(made.json()) + str(made == Option(**vars(made))))
""",
)
case(
    "init",
    """
    @plugin.init()
    def init(options, configuration, plugin, **kwargs):
        plugin.log(f"{options} {configuration['network']} {sorted(kwargs)}")
        plugin.log(f"{plugin.lightning_dir} {plugin.rpc_filename} {plugin.startup}")
        plugin.log(f"{plugin.rpc.socket_path} {plugin.lightning_version}")
        return {"disable": "because"}
    try:
        plugin.init()(init)
    except ValueError as error:
        plugin.log(str(error))
    plugin.log(f"{plugin.rpc} {plugin.lightning_dir} {plugin.rpc_filename} {plugin.startup}")
    plugin.log(plugin.child_init.__name__)
    """,
)
case(
    "init fails",
    """
    @plugin.init()
    def init(options, configuration, plugin):
        raise RuntimeError("not today")
""",
    ask("init"),
)
for key, value in {"rpc-file": 1, "lightning-dir": None, "startup": "yes"}.items():
    wrong = init()
    wrong["params"]["configuration"][key] = value
    case(f"wrong {key}", "", wrong, start=(MANIFEST,))
case(
    "init calls",
    """
    @plugin.init()
    def init(options, configuration, plugin):
        plugin.log(str(plugin.rpc.getinfo()))
""",
)
case(
    "manifest twice",
    """
    plugin.add_notification_topic("later")
    plugin.log(repr(plugin.notification_topics))
""",
    MANIFEST,
    {**MANIFEST, "params": {}},
    {**MANIFEST, "params": {"allow-deprecated-apis": True}},
)
case(
    "usage text",
    """
    @plugin.method("many")
    def many(first, plugin, second=2, request=None, *args, third, fourth=4, **kwargs):
        '''One line.

        Another, indented
            more.
        '''
    @plugin.method("plain")
    def plain(): pass
    @plugin.method("old", category="c", desc="d", long_desc="l", deprecated=["v1"], description="x")
    def old(a): "Documented."
    @plugin.async_method("async", category="c", desc="d", long_desc="l", deprecated=True)
    def held(request): "Not shown."
    plugin.add_method("added", lambda a, b=1: a, False, deprecated=True, description=None)
    plugin.add_method("described", many, description="any")
    try:
        plugin.add_method("added", many)
    except ValueError as error:
        plugin.log(str(error))
""",
)
case(
    "description without docstring",
    """
    plugin.add_method("m", lambda: 1, description="has one")
""",
)
case(
    "printed usage",
    """
    import os
    os.environ.pop("LIGHTNINGD_PLUGIN")
    from pyln.client import Plugin
    plugin = Plugin()
    plugin.add_option("o", "default", "line\\nline", multi=True)
    plugin.add_flag_option("f", None)
    @plugin.method("m")
    def m(a, plugin, b=None):
        "Doc.\\n\\n  More."
    @plugin.hook("custommsg")
    def hook(**kwargs): pass
    plugin.run()
    plugin.print_usage()
    print(len(plugin.get_usage()))
""",
    whole=True,
)
case(
    "usage alone",
    """
    import os
    os.environ.pop("LIGHTNINGD_PLUGIN")
    from pyln.client import Plugin
    Plugin().run()
""",
    whole=True,
)
case(
    "hooks",
    """
    @plugin.hook("peer_connected", before=["a"], after=["b", "c"])
    def peer(peer, plugin, **kwargs):
        return {"result": "continue"}
    @plugin.hook("rpc_command", filters=["pay", 1])
    def command(rpc_command, **kwargs):
        return {"anything": [1, {"goes": True}]}
    @plugin.hook("invoice_payment")
    def nothing(**kwargs):
        return None
    def narrow(payload): return {"result": "continue"}
    plugin.add_hook("custommsg", narrow, background=False, before=None, after=["z"], filters=[5])
    try:
        plugin.add_hook("custommsg", narrow)
    except ValueError as error:
        plugin.log(str(error))
""",
    ask("peer_connected", {"peer": {"id": "02"}, "new": 1}),
    ask("rpc_command", {"rpc_command": {"method": "pay"}}),
    ask("invoice_payment", {"payment": {}}),
    ask("custommsg", {"payload": "00"}),
    ask("custommsg", {"payload": "00", "more": 1}),
)
HOOKS = (
    "htlc_accepted",
    "peer_connected",
    "invoice_payment",
    "openchannel",
    "rpc_command",
    "custommsg",
    "db_write",
    "commitment_revocation",
)
case(
    "failing hooks",
    f"""
    from pyln.client.plugin import hook_fallbacks
    for name in {HOOKS}:
        def fails(**kwargs):
            raise ValueError("ünfit\\nsecond line")
        plugin.add_hook(name, fails)
        plugin.log(str(hook_fallbacks.get(name)))
""",
    *(ask(name, {"a": 1}) for name in HOOKS),
)
case(
    "failing newer hook",
    """
    @plugin.hook("openchannel2")
    def fails(**kwargs):
        raise ValueError
""",
    ask("openchannel2", {}),
    difference="hook fallbacks",
    shows=('"result": "reject"',),
)
case(
    "fallback by name of a method",
    """
    @plugin.method("custommsg")
    def fails(**kwargs):
        raise ValueError
""",
    ask("custommsg", {}),
)

# Methods.

case(
    "echo",
    ECHO,
    *(
        ask("echo", {"value": value})
        for value in (
            None,
            True,
            1.5,
            1e300,
            10**40,
            -0.0,
            'ü\u2028\x7f\x00"\\/',
            "😀",
            [[], {}],
            {"é": 1},
        )
    ),
    ask("echo", []),
    ask("echo", [1]),
    ask("echo", [1, 2]),
    ask("echo", {"other": 1}),
    ask("echo", "text"),
    ask("echo", 5),
    ask("echo", {"value": 1}, id=5),
    ask("echo", {"value": 1}, id="ü"),
    ask("echo", {"value": 1}, id=0),
)
case(
    "results",
    """
    import enum, collections
    from pyln.client import Millisatoshi
    class Word(str, enum.Enum):
        A = "a"
    class Number(enum.IntEnum):
        B = 2
    class Own:
        def to_json(self): return {"own": [Millisatoshi(1)]}
    Pair = collections.namedtuple("Pair", "x y")
    RESULTS = [
        (1, 2), Word.A, Number.B, {1: 2, None: 3, True: 4, 1.5: 5}, Own(), Millisatoshi("1btc"),
        Pair(1, 2), collections.OrderedDict(b=1, a=2), 1e22, 1e16, 123456789012345678901234567890,
        {"nested": {"deep": [Own(), (Word.A,)]}}, "", 0, -1,
    ]
    @plugin.method("result")
    def result(number):
        return RESULTS[number]
""",
    *(ask("result", [number]) for number in range(15)),
)
case(
    "errors",
    """
    from pyln.client import RpcException, RpcError
    class Odd(Exception):
        def __str__(self): return "odd\\ntext"
    ERRORS = [
        ValueError("text"), KeyError("key"), RpcException("bare", 5), RpcException("bare"),
        RpcException("data", -1), RpcError("m", {"a": 1}, {"code": 1}), Odd(), Exception(),
        OSError(2, "No such file"), StopIteration(3), AssertionError(),
    ]
    @plugin.method("fail")
    def fail(number):
        raise ERRORS[number]
    plugin.log(str(RpcException("m")) + str(RpcException("m").code) + RpcException("m").message)
""",
    *(ask("fail", [number]) for number in range(11)),
)
case(
    "positions",
    """
    @plugin.method("mixed")
    def mixed(a, plugin, b, request, c=3):
        return [a, b, c, plugin is request.plugin, request.id]
    @plugin.method("last")
    def last(a, b=2, plugin=None, request=None):
        return [a, b, plugin is None, request is None]
    @plugin.method("star")
    def star(*args, **kwargs):
        return [args, sorted(kwargs)]
    @plugin.method("only", )
    def only(a, /, b, *, c=1):
        return [a, b, c]
    @plugin.method("bound")
    class Nothing:
        def __new__(cls, a): return a
""",
    *(
        ask(name, params)
        for name in ("star", "only", "bound")
        for params in (
            [],
            [1],
            [1, 2],
            [1, 2, 3],
            [1, 2, 3, 4],
            {},
            {"a": 1},
            {"a": 1, "b": 2},
            {"a": 1, "b": 2, "plugin": 5, "request": 6},
            {"args": 1},
        )
    ),
    *(ask("mixed", params) for params in ([1, 2], [1, 2, 3], {"a": 1, "b": 2}, {"a": 1})),
    ask("last", [1, 2]),
    ask("last", {"a": 1}),
)
case(
    "misplaced",
    """
    @plugin.method("last")
    def last(a, b=2, plugin=None):
        return [a, b == 2, plugin is None]
""",
    ask("last", [1]),
    ask("last", []),
    difference="injection by position",
    shows=('"result": [1, true, false]', "missing a required argument: 'a'"),
)
case(
    "callables",
    """
    import functools
    class Things:
        def bound(self, a, plugin): return ["bound", a]
        def __call__(self, a, request): return ["call", a, request.method]
        @classmethod
        def ofclass(cls, a): return ["class", a]
        @staticmethod
        def static(a, plugin=None): return ["static", a, plugin is not None]
    things = Things()
    def three(a, b, c): return [a, b, c]
    def wraps(function):
        @functools.wraps(function)
        def inner(*args, **kwargs):
            return ["wrapped", function(*args, **kwargs)]
        return inner
    plugin.add_method("bound", things.bound)
    plugin.add_method("call", things)
    plugin.add_method("class", Things.ofclass)
    plugin.add_method("static", Things.static)
    plugin.add_method("partial", functools.partial(three, 1, c=3))
    plugin.add_method("wrapped", wraps(three))
    plugin.add_method("lambda", lambda a: a)
    plugin.add_method("builtin", abs)
""",
    *(
        ask(name, params)
        for name in ("bound", "call", "class", "static", "partial", "wrapped", "lambda", "builtin")
        for params in ([-1], {"a": 1}, {"b": 2}, [1, 2, 3], {"a": 1, "b": 2, "c": 3})
    ),
)
case(
    "amounts",
    """
    from typing import Optional
    from pyln.client import Millisatoshi
    @plugin.method("amount")
    def amount(a: Millisatoshi, b: Optional[Millisatoshi] = None, c: "Millisatoshi" = 1, d: int = 2,
    ):
        return [a, str(type(a)).split(".")[-1], b, c, d]
    @plugin.method("keyword")
    def keyword(*, a: Millisatoshi = None, **more: Millisatoshi):
        return [a, more]
""",
    *(
        ask(name, {"a": value, "b": value, "c": value, "d": value})
        for name in ("amount", "keyword")
        for value in ("1sat", 5, "0.1btc", None, "x", -1, 1.5, [])
    ),
    ask("amount", ["1sat", "2sat", "3sat", "4"]),
    ask("amount", [1.0]),
)
case(
    "asynchronous",
    """
    held = []
    @plugin.async_method("hold")
    def hold(request, plugin, **kwargs):
        held.append(request)
        return "never sent"
    @plugin.method("free")
    def free(plugin):
        plugin.log(str(len(held)))
        for number, request in enumerate(held):
            request.set_result({"number": number}) if number % 2 else request.set_exception(
                ValueError(number))
        del held[1:]
        return [held[0].state.name, held[0].background]
    @plugin.async_hook("htlc_accepted")
    def hook(request, onion, htlc, **kwargs):
        if onion == 1:
            request.set_result({"result": "continue"})
        elif onion == 2:
            raise ValueError("before any answer")
    @plugin.async_method("fails")
    def fails(request):
        raise RuntimeError("before any answer")
""",
    *(ask("hold", {"n": n}, id=f"held-{n}") for n in range(5)),
    ask("free"),
    *(ask("htlc_accepted", {"onion": n, "htlc": 1}) for n in range(3)),
    ask("fails"),
)
case(
    "answered twice",
    """
    from pyln.client.plugin import RequestState
    @plugin.async_method("twice")
    def twice(request, plugin):
        plugin.log(repr(request.termination_tb))
        request.set_result(1)
        assert request.state == RequestState.FINISHED and request.result == 1
        for again in (lambda: request.set_result(2), lambda: request.set_exception(ValueError())):
            try:
                again()
            except ValueError as error:
                plugin.log(str(error).split("\\n")[0])
        plugin.log(str("twice" in request.termination_tb))
    @plugin.async_method("failed")
    def failed(request, plugin):
        request.set_exception(ValueError("first"))
        assert request.state == RequestState.FAILED and str(request.exc) == "first"
        try:
            request.set_result(2)
        except ValueError as error:
            plugin.log(str(error).split("\\n")[0])
""",
    ask("twice"),
    ask("failed"),
)
case(
    "answered and returned",
    """
    @plugin.method("m")
    def m(request):
        request.set_result(1)
        return 2
    @plugin.method("after")
    def after(): return 3
""",
    ask("m"),
    ask("after"),
    difference="a second answer",
    shows=('"result": 1', '"result": 3'),
)
case(
    "request",
    """
    from pyln.client.plugin import Request, RequestState
    @plugin.method("look")
    def look(request, plugin, **kwargs):
        seen = [request == {}, bool(request), isinstance(request, dict), len(request)]
        seen += [request.id, request.method, sorted(request.params), request.background]
        seen += [request.origin, request.state == RequestState.PENDING, request.plugin is plugin]
        seen += [request.getattr("id"), request.getattr("method"), request.termination_tb]
        for wrong in (
            lambda: request.getattr("origin"), lambda: hash(request), lambda: request.foo,
        ):
            try:
                wrong()
            except Exception as error:
                seen.append(f"{type(error).__name__} {error}")
        made = Request(plugin, "own", "m", [1], background=True, origin="o")
        made.set_result({"made": True})
        return seen
""",
    ask("look", {"a": 1}),
)
case(
    "progress",
    """
    @plugin.method("slow")
    def slow(request, plugin):
        request.notify("half", "INFO")
        request.notify(message="default")
        request.progress(1, 10)
        request.progress(1, 10, 2, 3)
        request.progress(1, 10, stage=2)
        plugin.notify_message(request, "by plugin", level="debug")
        plugin.notify_progress(request, 1, 2)
        plugin.notify_progress(request, 1, 2, stage=0, stage_total=0)
        return {}
""",
    ask("slow"),
)
case(
    "no params",
    ECHO,
    {"id": 1, "method": "echo"},
    ask("echo", {"value": 1}),
    difference="malformed messages",
    shows=('"result": 1',),
)
case(
    "numeric method",
    """
    plugin.add_method("5", lambda: "five")
""",
    {"id": 1, "method": 5, "params": {}},
)
case(
    "unknown method",
    ECHO,
    ask("nothing"),
    ask("echo", [1]),
    difference="unknown names",
    shows=("-32601", '"result": 1'),
)
case(
    "methods dict",
    """
    from pyln.client.plugin import Method, MethodType
    plugin.log(str(list(plugin.methods)))
    plugin.methods["own"] = Method("own", lambda a=1: a, MethodType.RPCMETHOD)
    hook = Method("own_hook", lambda **kwargs: None, MethodType.HOOK)
    plugin.methods["own_hook"] = hook
    plugin.log(repr((hook.before, hook.after, hook.filters, hook.background, hook.deprecated)))
    @plugin.method("removes")
    def removes():
        del plugin.methods["own"]
        plugin.methods["removes"].func = lambda: "replaced"
        return list(plugin.methods)
""",
    ask("own"),
    ask("own_hook"),
    ask("removes"),
    ask("removes"),
)
case(
    "no manifest",
    """
    del plugin.methods["getmanifest"]
""",
)
case(
    "own manifest",
    """
    old = plugin._getmanifest
    def manifest(**kwargs):
        made = old(**kwargs)
        made["nonnumericids"] = False
        made["extra"] = sorted(kwargs)
        return made
    plugin.methods["getmanifest"].func = manifest
""",
)

# Notifications.

case(
    "notifications",
    """
    @plugin.subscribe("block_added")
    def block(block_added, plugin, request, **kwargs):
        plugin.log(f"{block_added} {sorted(kwargs)} {request.origin} {request.id}")
    @plugin.subscribe("custom")
    def custom(payload=None, origin=None, custom=None, **kwargs):
        plugin.log(f"{payload} {origin} {custom} {sorted(kwargs)}")
    @plugin.subscribe("narrow")
    def narrow(a):
        plugin.log(str(a))
    @plugin.subscribe("fails")
    def fails(**kwargs):
        raise ValueError("in a notification")
    def added(**kwargs): plugin.log("added")
    plugin.add_subscription("added", added)
    try:
        plugin.add_subscription("added", added)
    except ValueError as error:
        plugin.log(str(error))
    plugin.log(str(list(plugin.subscriptions)))
""",
    tell("block_added", {"block_added": {"height": 1}}),
    tell("block_added", {"payload": {"height": 1}, "origin": "x"}),
    tell("custom", {"payload": 1, "origin": "p"}),
    tell("custom", {"custom": {"a": 1}}, origin="q"),
    tell("custom", {"custom": {"a": 1}, "origin": "inner"}, origin="outer"),
    tell("custom", {"custom": 1}, id=None),
    tell("narrow", {"a": 1}),
    tell("narrow", {"a": 1, "b": 2}),
    tell("narrow", [5]),
    tell("fails", {}),
    tell("added", {}),
)
case(
    "old notifications",
    """
    @plugin.subscribe("custom")
    def custom(plugin, **kwargs):
        plugin.log(f"{kwargs} {plugin.deprecated_apis}")
""",
    tell("custom", {"custom": {"a": 1}}),
    tell("custom", {"payload": {"a": 1}}),
    start=({**MANIFEST, "params": {}}, init()),
)
case(
    "all topics",
    """
    @plugin.subscribe("*")
    def every(request, plugin, **kwargs):
        plugin.log(f"{request.method} {sorted(kwargs)}")
    @plugin.subscribe("exact")
    def exact(**kwargs):
        plugin.log("exact")
""",
    tell("any", {"any": 1}),
    tell("exact", {"exact": 1}),
    tell("shutdown", {}),
)
case(
    "unknown topic",
    ECHO,
    tell("nothing", {}),
    ask("echo", [1]),
    difference="unknown names",
    shows=('"result": 1',),
)
case(
    "publishes",
    """
    plugin.add_notification_topic("mine")
    @plugin.method("publish")
    def publish():
        plugin.notify("mine", {"a": 1})
        plugin.notify("mine", {"mine": 1, "b": 2})
        plugin.notify("mine", {})
        for wrong in ([1], 5, None):
            try:
                plugin.notify("mine", wrong)
            except Exception as error:
                plugin.log(f"{type(error).__name__} {error}")
""",
    ask("publish"),
)
case(
    "shutdown goes on",
    """
    import sys
    @plugin.subscribe("shutdown")
    def shutdown(**kwargs):
        plugin.log("going on")
    @plugin.method("leave")
    def leave():
        sys.exit(3)
""",
    tell("shutdown", {}),
    ask("leave"),
    ask("leave"),
)

# The log.

case(
    "log",
    """
    plugin.log("at import")
    @plugin.method("say")
    def say():
        for level in ("debug", "info", "warn", "error", "unusual", "broken", "trace"):
            plugin.log("at " + level, level)
        plugin.log("two\\nlines\\n\\n", level="debug")
        plugin.log("")
        plugin.log("ü \\u2028 \\x1b")
        return "said"
""",
    ask("say"),
)
case(
    "log levels",
    """
    plugin.log("a", level="warning")
    plugin.log("b", level={"no": "text"})
    plugin.log("c", level=["no text"])
""",
    difference="unknown log levels",
    shows=('"level": "warn"', '"level": "info", "message": "c"'),
)
case(
    "log of an exception",
    """
    plugin.log(ValueError("text"))
""",
    difference="log of what is no text",
    shows=("text",),
)
case(
    "printed",
    """
    import sys
    print("plain")
    print("a", "b", sep="\\n", end="\\n\\n")
    sys.stdout.write("half ")
    @plugin.method("say")
    def say():
        print("line")
        sys.stderr.write("to stderr\\nand half")
        sys.stdout.flush()
        print("x", file=sys.stderr, flush=True)
        return [sys.stdin.isatty(), type(sys.stdout).__name__, type(sys.stderr).__name__]
""",
    ask("say"),
    ask("say"),
)
case(
    "streams",
    """
    import sys
    from pyln.client import Plugin, monkey_patch
    from pyln.client.plugin import PluginStream
    plugin = Plugin(autopatch=False)
    monkey_patch(plugin, stdout=False, stderr=True)
    print("to stderr", file=sys.stderr)
    stream = PluginStream(plugin, level="debug")
    stream.write("no end")
    stream.flush()
    stream.write("\\nlines\\n")
    plugin.log(repr((stream.buff, stream.level, stream.plugin is plugin)))
    monkey_patch(plugin)
    print("to stdout")
    plugin.run()
""",
    whole=True,
)
case(
    "logging",
    """
    import logging
    from pyln.client.plugin import PluginLogHandler
    (handler,) = [each for each in logging.getLogger().handlers
                  if isinstance(each, PluginLogHandler) and each.plugin is plugin]
    logging.warning("root")
    log = logging.getLogger("name")
    log.info("not shown: the root's level is untouched")
    logging.getLogger().setLevel(logging.DEBUG)
    for number in (10, 20, 30, 40, 50, 15):
        log.log(number, "at %d", number)
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("with traceback")
    handler.levels[logging.WARNING] = "warn"
    log.warning("mapped")
    class Drop(logging.Filter):
        def filter(self, record): return "drop" not in record.getMessage()
    handler.addFilter(Drop())
    log.error("drop this")
    log.error("keep this")
    log.error("bad %d", "format")
    plugin.log(str(sorted(handler.levels)))
""",
)
case(
    "traceback of the end",
    """
    @plugin.init()
    def init(**kwargs): pass
    plugin.run()
    raise RuntimeError("after run")
""",
)
case(
    "code after run",
    """
    plugin.run()
    plugin.log("after")
    print("printed after")
    import atexit
    atexit.register(lambda: plugin.log("at exit"))
""",
)
case(
    "raises at import",
    """
    @plugin.method("m")
    def m(): pass
    undefined
""",
)
case(
    "doubled log",
    """
    plugin.log("once")
    old = plugin.notify
    def notify(method, params):
        old(method, params)
    plugin.notify = notify
    plugin.log("by its own notify")
""",
)

# The way out, replaced.

case(
    "own write",
    """
    old = plugin._write_locked
    def write(message):
        message["seen"] = True
        old(message)
    plugin._write_locked = write
    @plugin.method("m")
    def m(request):
        request.notify("x")
        plugin.log("y")
        return 1
""",
    ask("m"),
)
case(
    "own write of a class",
    """
    from pyln.client import Plugin
    from pyln.client.plugin import Request
    class Own(Plugin):
        def _write_locked(self, message):
            message["own"] = 1
            super()._write_locked(message)
        def log(self, message, level="info"):
            super().log("own " + message, level)
    old = Request._write_result
    def result(self, message):
        message["result-hook"] = 1
        old(self, message)
    Request._write_result = result
    plugin = Own()
    @plugin.method("m")
    def m(): return 1
    plugin.run()
""",
    ask("m"),
    whole=True,
)
case(
    "own stdout",
    """
    class Buffer:
        def __init__(self): self.got = []
        def write(self, data): self.got.append(data)
    class Own:
        buffer = Buffer()
        flushed = 0
        def flush(self): self.flushed += 1
    real = plugin.stdout
    own = Own()
    @plugin.method("swap")
    def swap():
        plugin.stdout = own
        return 1
    @plugin.method("back")
    def back():
        with plugin.write_lock:
            plugin.stdout = real
        return [each.decode() for each in own.buffer.got] + [own.flushed]
    real.buffer.write(b'{"raw": 1}\\n\\n')
    real.flush()
    real.write('{"raw": "text"}\\n\\n')
    real.flush()
""",
    ask("swap"),
    ask("back"),
)
case(
    "own dispatch",
    """
    from pyln.client import Plugin
    import json
    class Own(Plugin):
        def _dispatch_request(self, request):
            self.log("dispatch " + request.method)
            super()._dispatch_request(request)
        def _exec_func(self, func, request):
            self.log("exec " + request.method)
            return super()._exec_func(func, request)
        def _bind_kwargs(self, func, params, request):
            params.pop("extra", None)
            return super()._bind_kwargs(func, params, request)
        def _bind_pos(self, func, params, request):
            return super()._bind_pos(func, params[:1], request)
        def _parse_request(self, message):
            message["params"] = message["params"] or {}
            return super()._parse_request(message)
    plugin = Own()
    @plugin.method("m")
    def m(a=1): return a
    message = json.dumps({"id": 0, "method": "m", "params": []}).encode()
    rest = plugin._multi_dispatch([message, b"x"])
    plugin.log(repr(rest))
    bound = plugin._bind_kwargs(m, {"a": 5}, None)
    plugin.log(repr((bound.args, bound.kwargs)))
    bound = plugin._bind_pos(m, [], None)
    plugin.log(repr((bound.args, bound.kwargs)))
    plugin.run()
""",
    ask("m", {"extra": 1}),
    ask("m", [1, 2]),
    whole=True,
)
case(
    "attributes of its own",
    """
    for name in ("version", "path", "child", "conn", "mutex", "requests", "configs", "channels",
                 "getinfo", "node_id", "backend", "initialized", "names", "wire", "pipes"):
        assert not hasattr(plugin, name)
        setattr(plugin, name, name)
    @plugin.method("m")
    def m(plugin): return [plugin.version, plugin.path, plugin.requests]
""",
    ask("m"),
)
case(
    "stdin by hand",
    """
    import json, sys
    from pyln.client import Plugin
    first = json.loads(sys.stdin.readline())
    sys.stdin.readline()
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": first["id"], "result": {"by": "hand"}}))
    sys.stdout.write("\\n\\n")
    sys.stdout.flush()
    plugin = Plugin()
    assert plugin.stdin is sys.stdin
    @plugin.method("m")
    def m(): return "served"
    plugin.run()
""",
    ask("m"),
    whole=True,
)
case(
    "two plugins",
    """
    from pyln.client import Plugin
    first = Plugin()
    second = Plugin()
    print("printed once")
    first.run()
""",
    whole=True,
    difference="one plugin a process",
)

# Calls.

case(
    "calls",
    """
    from pyln.client import LightningRpc, RpcError, Millisatoshi
    @plugin.method("call")
    def call(plugin, request):
        plugin.rpc.getinfo()
        plugin.rpc.connect("02", host=None, port=5)
        plugin.rpc.call("own", {"a": Millisatoshi(1), "b": None})
        plugin.rpc.call("own", [1, None])
        plugin.rpc.some_command(1, 2)
        plugin.rpc.call("own", cmdprefix="mine", filter={"a": True})
        with plugin.rpc.reply_filter({"b": True}):
            plugin.rpc.listpeers()
        plugin.rpc.cmdprefix = "by hand"
        plugin.rpc.getinfo()
        try:
            plugin.rpc.call("fail", {"why": "not"})
        except RpcError as error:
            plugin.log(f"{error} {error.method} {error.payload} {error.error}")
        plugin.rpc.fail()
    @plugin.method("after")
    def after(plugin):
        return [plugin.rpc.cmdprefix, plugin.rpc.next_id, plugin.rpc.caller_name]
    @plugin.subscribe("topic")
    def topic(plugin, **kwargs):
        plugin.rpc.getinfo()
""",
    ask("call"),
    ask("after"),
    tell("topic", {}),
)
case(
    "clients",
    """
    from pyln.client.lightning import LightningRpc, UnixDomainSocketRpc, UnixSocket, RpcError
    class Own(LightningRpc):
        def call(self, method, payload=None, cmdprefix=None, filter=None):
            return [method, super().call(method, payload, cmdprefix, filter)]
    @plugin.init()
    def init(plugin, **kwargs):
        path = plugin.rpc.socket_path
        plugin.rpc = Own(path)
        plugin.log(str(plugin.rpc.getinfo()))
        client = UnixDomainSocketRpc(path, caller_name="clients")
        plugin.log(str(client.anything(x=1)))
        plugin.log(client.get_json_id("m", None) + client.get_json_id("m", "p"))
        plugin.log(repr((client._filter, client._notify, client.next_id)))
        sock = UnixSocket(path)
        client._writeobj(sock, {"id": "clients:raw#1", "method": "raw", "params": {}})
        reply, rest = client._readobj(sock)
        sock.close()
        plugin.log(f"{reply} {rest}")
    @plugin.method("m")
    def m(plugin): return plugin.rpc.listnodes("02")
""",
    ask("m"),
)
case(
    "no daemon",
    """
    from pyln.client import LightningRpc
    @plugin.method("m")
    def m(): return LightningRpc("/nowhere/to/be/found").getinfo()
""",
    ask("m"),
)
case(
    "db_write beside methods",
    ECHO
    + """
    @plugin.hook("db_write")
    def write(writes, data_version, plugin, **kwargs):
        return {"result": "continue", "n": len(writes)}
    @plugin.method("m")
    def m(plugin): return plugin.rpc.getinfo()
""",
    *(ask("db_write", {"data_version": n, "writes": ["x"] * n}) for n in range(5)),
    ask("m"),
    ask("db_write", {"data_version": 5, "writes": []}),
    ask("db_write", {"data_version": 5}),
)

# Names that plugins import.

case(
    "names",
    """
    import json
    import pyln.client
    from pyln.client import (Plugin, RpcError, Millisatoshi, LightningRpc, RpcException,
        monkey_patch, __version__)
    from pyln.client import lightning, plugin as module
    from pyln.client.plugin import (Request, Method, Option, MethodType, RequestState,
        RpcException as E, hook_fallbacks, PluginStream, PluginLogHandler, JSONType,
        NoneDecoratorType, JsonDecoratorType)
    from pyln.client.lightning import (LightningRpc as L, UnixDomainSocketRpc, UnixSocket,
        RpcError as R, Millisatoshi as M, to_json_default, old_json_default)
    assert (E, L, R, M) == (RpcException, LightningRpc, RpcError, Millisatoshi)
    assert pyln.client.Plugin is Plugin is module.Plugin and lightning.RpcError is RpcError
    assert __version__ and json.JSONEncoder.default is to_json_default
    assert issubclass(RpcError, ValueError) and issubclass(LightningRpc, UnixDomainSocketRpc)
    print([MethodType.RPCMETHOD, MethodType.HOOK], list(RequestState), old_json_default)
    p = Plugin()
    p.log(str([RequestState.PENDING, RequestState.FINISHED, RequestState.FAILED]))
    p.log(json.dumps({"amount": Millisatoshi(5)}))
    p.run()
""".replace("print(", "str((").replace("old_json_default)\n    p =", "old_json_default))\n    p ="),
    whole=True,
)
case(
    "not json",
    """
    import decimal
    @plugin.method("odd")
    def odd(kind):
        return {"set": {1}, "bytes": b"x", "decimal": decimal.Decimal(1), "object": object}[kind]
""",
    *(ask("odd", [kind]) for kind in ("set", "bytes", "decimal")),
    difference="errors of what is no JSON",
    shows=("not JSON serializable",),
)
case(
    "not a number",
    """
    @plugin.method("nan")
    def nan(): return float("nan")
""",
    ask("nan"),
    difference="NaN",
    shows=('"error"',),
)
case(
    "words in init",
    "",
    init(),
    start=(
        MANIFEST,
        json.dumps(init(a=0)).replace('"a": 0', '"a": 0x10'),
    ),
    difference="bare words in init",
)
case(
    "blank line in a message",
    ECHO,
    '{"id": 1, "method": "echo",\n\n"params": [1]}',
    difference="blank lines",
    shows=('"result": 1',),
)
case("spaced messages", ECHO, '\n \n{"id": 1,\n"method": "echo",\n\t"params": [1]}')
case("doubled names", ECHO, '{"id": 1, "method": "echo", "params": {"value": 1, "value": 2}}')
case(
    "escapes",
    ECHO,
    '{"id": 1, "method": "ech\\u006f", "params": {"val\\u0075e": "\\ud83d\\ude00"}}',
)
case(
    "large",
    ECHO,
    ask("echo", {"value": "x" * 300_000}),
    ask("echo", {"value": list(range(20_000))}),
)
case(
    "floats",
    ECHO,
    *(
        f'{{"id": 1, "method": "echo", "params": [{text}]}}'
        for text in (
            "1.0",
            "1e5",
            "-0",
            "-0.0",
            "0.1",
            "1e-7",
            "123456789.123456789",
            "5e-324",
        )
    ),
)
case(
    "not found attributes of rpc",
    """
    import copy
    @plugin.method("m")
    def m(plugin):
        return [hasattr(plugin.rpc, "__deepcopy__"), hasattr(plugin.rpc, "anything")]
""",
    ask("m"),
    difference="dunder names of the client",
    shows=("[false, true]",),
)
case(
    "connections of calls",
    """
    import socket
    made = []
    class Counted(socket.socket):
        def __init__(self, *args):
            made.append(self)
            super().__init__(*args)
    socket.socket = Counted
    @plugin.method("m")
    def m(plugin):
        for _ in range(3):
            plugin.rpc.getinfo()
        return {"connections": len(made)}
""",
    ask("m"),
    difference="connections of the client",
    shows=('"connections": 1',),
)

# The end.

for name, where in {
    "method": '@plugin.method("m")',
    "hook": '@plugin.hook("htlc_accepted")',
    "db_write": '@plugin.hook("db_write")',
    "notification": '@plugin.subscribe("m")',
    "init": "@plugin.init()",
    "async": '@plugin.async_method("m")',
}.items():
    for end, code in {
        "exit": "sys.exit(5)",
        "text": "sys.exit('a text')",
        "interrupt": "raise KeyboardInterrupt",
        "killed": "os.kill(os.getpid(), 9)",
        "_exit": "os._exit(7)",
        "quit": "raise SystemExit",
    }.items():
        hook = {"hook": "htlc_accepted", "db_write": "db_write"}.get(name, "m")
        message = tell("m", {}) if name == "notification" else ask(hook, {})
        case(
            f"{end} in {name}",
            f"""
            import os, sys
            {where}
            def handler(*args, **kwargs):
                plugin.log("before the end")
                {code}
        """,
            message,
            message,
        )
for name, where, message in (
    ("async hook", '@plugin.async_hook("htlc_accepted")', ask("htlc_accepted")),
    ("any topic", '@plugin.subscribe("*")', tell("m", {})),
    (
        "on_change",
        '@(lambda handler: plugin.add_option("o", 1, "d", dynamic=True, on_change=handler))',
        ask("setconfig", {"config": "o", "val": "v"}),
    ),
):
    case(
        f"exit in {name}",
        f"""
        import sys
        {where}
        def handler(*args, **kwargs):
            plugin.log("before the end")
            sys.exit(5)
    """,
        message,
        message,
    )
case(
    "exit in a thread",
    """
    import sys, threading
    def work():
        plugin.log("working")
        sys.exit(5)
    @plugin.method("m")
    def m():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return "goes on"
""",
    ask("m"),
)
case(
    "thread keeps the process",
    """
    import threading, time
    def work():
        while plugin.running:
            time.sleep(0.01)
        plugin.log("the thread's last")
    plugin.running = True
    threading.Thread(target=work).start()
    plugin.run()
    plugin.log("run has returned")
    plugin.running = False
""",
)
case(
    "threads answer",
    """
    import threading
    @plugin.async_method("m")
    def m(request, number):
        def work():
            if number % 3:
                request.set_result(number)
            else:
                request.set_exception(ValueError(number))
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    @plugin.method("timer")
    def timer():
        done = threading.Event()
        threading.Timer(0.01, lambda: (plugin.log("timer"), done.set())).start()
        done.wait()
        return 1
""",
    *(ask("m", [n], id=f"i{n}") for n in range(30)),
    ask("timer"),
)
case(
    "serves in a thread",
    """
    import asyncio
    @plugin.method("m")
    def m(): return 1
    async def main():
        await asyncio.to_thread(plugin.run)
        plugin.log("served")
    asyncio.run(main())
""",
    ask("m"),
)
case(
    "forks",
    """
    import multiprocessing, os, threading
    fork = multiprocessing.get_context("fork")
    def work(number):
        plugin.log(f"child {number}")
        print("printed by a child")
        plugin.log(str(plugin.rpc.call("by-child", [number])["params"]))
    @plugin.method("m")
    def m():
        for number in range(3):
            child = fork.Process(target=work, args=(number,))
            child.start()
            child.join()
            plugin.log(str(child.exitcode))
        return "done"
    @plugin.method("by_hand")
    def by_hand():
        pid = os.fork()
        if not pid:
            plugin.log("forked by hand")
            os._exit(0)
        os.waitpid(pid, 0)
        return "done"
    @plugin.method("beside_a_thread")
    def beside_a_thread():
        done = threading.Event()
        thread = threading.Thread(target=done.wait)
        thread.start()
        pid = os.fork()
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)
        done.set()
        thread.join()
""",
    ask("m"),
    ask("by_hand"),
    ask("beside_a_thread"),
    ask("m"),
)
case(
    "signal handlers",
    """
    import os, signal
    def handle(number, frame):
        plugin.log(f"signal {number}")
    signal.signal(signal.SIGUSR1, handle)
    signal.signal(signal.SIGTERM, handle)
    @plugin.method("m")
    def m():
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGTERM)
        return signal.getsignal(signal.SIGTERM) is handle
    @plugin.method("raises")
    def raises():
        def stop(number, frame): raise ValueError("from the handler")
        signal.signal(signal.SIGUSR1, stop)
        os.kill(os.getpid(), signal.SIGUSR1)
        for _ in range(1000): pass
    plugin.log(str(signal.getsignal(signal.SIGINT) is signal.default_int_handler))
    plugin.log(str(signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN))
""",
    ask("m"),
    ask("raises"),
    ask("m"),
)
case(
    "default signals",
    """
    import os, signal
    @plugin.method("m")
    def m():
        plugin.log("ends by a signal")
        os.kill(os.getpid(), signal.SIGTERM)
""",
    ask("m"),
)
case(
    "holds many",
    """
    held = []
    @plugin.async_method("hold")
    def hold(request, n):
        held.append(request)
    @plugin.method("free")
    def free():
        for request in held[::-100]:
            request.set_result(request.params)
        return len(held)
""",
    *(f'{{"id": "i{n}", "method": "hold", "params": [{n}]}}' for n in range(5_000)),
    ask("free"),
)

# What is mended, beyond the above.

case(
    "children print",
    """
    import os, subprocess
    @plugin.method("m")
    def m():
        os.system("echo by a child")
        subprocess.run(["echo", "by another"])
        return "done"
""",
    ask("m"),
    difference="output of C libraries and children",
    shows=("by a child", '"result": "done"'),
)
case(
    "long line",
    """
    plugin.log("x" * 300_000)
""",
    difference="long log lines",
)
case(
    "prefix in threads",
    """
    import threading
    @plugin.method("m")
    def m(plugin):
        thread = threading.Thread(target=lambda: plugin.rpc.call("by-thread"))
        thread.start()
        thread.join()
        raise ValueError("leaves the prefix")
    @plugin.method("after")
    def after():
        return plugin.rpc.cmdprefix
""",
    ask("m"),
    ask("after"),
    difference="prefix of ids in threads",
)
case(
    "malformed",
    ECHO,
    '{"id": 1, "method": "echo", "params": [1,]}',
    ask("echo", [2]),
    difference="malformed messages",
    shows=("-32700", '"result": 2'),
)
case(
    "answers many late",
    """
    import threading
    held = []
    @plugin.async_hook("htlc_accepted")
    def hook(request, **kwargs):
        held.append(request)
    @plugin.subscribe("block_added")
    def block(**kwargs):
        while held:
            held.pop(0).set_result({"result": "continue"})
    plugin.run()
    plugin.log(f"{len(held)} are never answered")
""",
    *(ask("htlc_accepted", {"htlc": n}, id=f"h{n}") for n in range(200)),
    tell("block_added", {"block_added": {}}),
    *(ask("htlc_accepted", {"htlc": n}, id=f"n{n}") for n in range(200)),
)
case(
    "death while others write",
    """
    import os, threading
    def work():
        while True:
            plugin.log("working") if os.getppid() == 0 else None
    threading.Thread(target=work, daemon=True).start()
    @plugin.hook("db_write")
    def write(data_version, **kwargs):
        if data_version == 3:
            plugin.log("dies now")
            os.kill(os.getpid(), 9)
        return {"result": "continue"}
""",
    *(ask("db_write", {"data_version": n, "writes": []}) for n in range(6)),
)
case(
    "daemon thread",
    """
    import threading, time
    def work():
        while True:
            time.sleep(60)
    threading.Thread(target=work, daemon=True).start()
""",
)
case(
    "signal at the end",
    """
    import os, signal, sys
    def stop(number, frame):
        plugin.log("stops")
        sys.exit(4)
    signal.signal(signal.SIGTERM, stop)
    @plugin.method("m")
    def m():
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(100_000): pass
        return "never"
""",
    ask("m"),
)
case(
    "pool of processes",
    """
    import multiprocessing
    def square(number):
        return number * number
    @plugin.method("m")
    def m():
        with multiprocessing.get_context("fork").Pool(2) as pool:
            return pool.map(square, range(5))
""",
    ask("m"),
    ask("m"),
)
case(
    "nested dispatch",
    """
    @plugin.method("outer")
    def outer(plugin):
        from pyln.client.plugin import Request
        plugin._dispatch_request(Request(plugin, "inner", "inner", {}))
        return plugin.rpc.call("after-inner")["params"]
    @plugin.method("inner")
    def inner(plugin):
        return plugin.rpc.call("by-inner")["params"]
""",
    ask("outer"),
    difference="prefix of ids in threads",
)

for name, code in {"killed": "os.kill(os.getpid(), 9)", "_exit": "os._exit(7)"}.items():
    case(
        f"{name} behind answers",
        f"""
        import os
        @plugin.method("m")
        def m(n):
            if n == 9:
                {code}
            return n
    """,
        *(ask("m", [n]) for n in range(12)),
    )
case(
    "a term behind answers",
    """
    import os, signal
    @plugin.method("m")
    def m(n):
        if n == 9:
            os.kill(os.getpid(), signal.SIGTERM)
        return n
""",
    *(ask("m", [n]) for n in range(12)),
)
case(
    "log line in full",
    """
    class Own:
        def __init__(self):
            self.buffer, self.got = self, []
        def write(self, data):
            self.got.append(data.decode())
        def flush(self): pass
    @plugin.method("m")
    def m(plugin):
        real, own = plugin.stdout, Own()
        plugin.stdout = own
        plugin.log("a line")
        plugin.notify = lambda method, params: type(plugin).notify(plugin, method, params)
        plugin.log("by its own notify")
        plugin.stdout = real
        return own.got
""",
    ask("m"),
    difference="each log line once",
    shows=(
        '{\\"level\\": \\"info\\", \\"message\\": \\"a line\\"}}\\n\\n"',
        '\\"log\\": {\\"level\\": \\"info\\", \\"message\\": \\"by its own notify\\"}}}',
    ),
)
case(
    "call in db_write",
    """
    from pyln.client import LightningRpc, RpcError
    @plugin.hook("db_write")
    def write(plugin, data_version, **kwargs):
        try:
            plugin.rpc.getinfo()
        except RpcError as error:
            plugin.log(f"{error.method}: {error.error}")
        try:
            LightningRpc(plugin.rpc.socket_path).listpeers()
        except RpcError as error:
            plugin.log(f"{error.method} by another client")
        return {"result": "continue"}
""",
    ask("db_write", {"data_version": 1, "writes": []}),
    difference="calls in db_write",
    shows=("getinfo: The daemon waits for db_write", "listpeers by another client"),
)
case(
    "calls beside db_write",
    """
    import threading
    def work():
        plugin.rpc.call("by-thread", cmdprefix="p")
    @plugin.hook("db_write")
    def write(plugin, data_version, **kwargs):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return {"result": "continue"}
    def later(plugin, request, **kwargs):
        request.set_result(plugin.rpc.getinfo())
    plugin.add_hook("rbf_channel", later, background=True)
    @plugin.subscribe("db_write")
    def heard(plugin, **kwargs):
        plugin.rpc.call("by-topic")
""",
    ask("db_write", {"data_version": 1, "writes": []}),
    ask("rbf_channel"),
    tell("db_write", {"db_write": {}}),
)
case(
    "asks itself",
    """
    from pyln.client import RpcError
    @plugin.hook("rpc_command")
    def command(rpc_command, **kwargs):
        return {"result": "continue"}
    @plugin.init()
    def init(plugin, **kwargs):
        try:
            plugin.rpc.getinfo()
        except RpcError as error:
            plugin.log(error.error)
    @plugin.method("m")
    def m(plugin): return plugin.rpc.getinfo()
    @plugin.subscribe("block_added")
    def block(plugin, **kwargs): plugin.rpc.getinfo()
""",
    ask("m"),
    tell("block_added", {"block_added": {}}),
    difference="calls that ask their own plugin",
    shows=("The daemon would ask this plugin's rpc_command hook first", '"code": -32600'),
)
case(
    "does not ask itself",
    """
    import asyncio, threading
    @plugin.hook("rpc_command", filters=["pay", "sendpay"])
    def command(rpc_command, **kwargs):
        return {"result": "continue"}
    @plugin.method("m")
    def m(plugin):
        async def main():
            await asyncio.to_thread(plugin.rpc.call, "pay", cmdprefix="p")
        asyncio.run(main())
        thread = threading.Thread(target=lambda: plugin.rpc.call("sendpay", cmdprefix="p"))
        thread.start()
        thread.join()
        return plugin.rpc.getinfo()
""",
    ask("m"),
)
case(
    "older names",
    """
    @plugin.method("m")
    def m(plugin, amount):
        rpc, names = plugin.rpc, {"msatoshi": amount}
        for call in (
            lambda: rpc.invoice(label="l", description="d", **names),
            lambda: rpc.pay("lnbc1", localofferid="00", **names),
            lambda: rpc.dev_pay("lnbc1", use_shadow=False, **names),
            lambda: rpc.sendpay([], "00", **names),
            lambda: rpc.sendonion("00", {}, "00", **names),
            lambda: rpc.keysend("02", **names),
            lambda: rpc.getroute("02", riskfactor=1, **names),
            lambda: rpc.fundchannel("02", satoshi=amount),
            lambda: rpc.fundchannel_start("02", satoshi=amount),
            lambda: rpc.invoice(amount, "l", "d", msatoshi=amount),
        ):
            try:
                plugin.log(str(call()["params"]))
            except TypeError as error:
                plugin.log(str(error))
""",
    ask("m", [5]),
    difference="older names of parameters",
    shows=("'amount_msat': 5", "'localinvreqid': '00'", "'amount': 5", "multiple values"),
)
case(
    "progress of a command",
    """
    @plugin.method("m")
    def m(plugin):
        said = []
        with plugin.rpc.notify(lambda **members: said.append(members["progress"])):
            plugin.rpc.call("report")
        return said
""",
    ask("m"),
    difference="progress of commands",
    shows=('"num": 1',),
)
case(
    "connections",
    """
    @plugin.method("m")
    def m(plugin):
        return plugin.rpc.call("which") == plugin.rpc.call("which")
""",
    ask("m"),
    difference="connections of the client",
    shows=('"result": true',),
)
case(
    "pickled error",
    """
    import pickle
    from pyln.client import RpcError
    @plugin.method("m")
    def m():
        error = pickle.loads(pickle.dumps(RpcError("m", {"a": 1}, "e")))
        return [str(error), error.payload, type(error) is RpcError]
""",
    ask("m"),
    difference="errors cannot be pickled",
    shows=('{"a": 1}, true]',),
)
case(
    "no reader",
    """
    import os
    @plugin.method("m")
    def m(plugin):
        nobody, write = os.pipe()
        os.close(nobody)
        os.dup2(write, plugin.stdout.fileno())
        return 1
""",
    ask("m"),
    difference="a daemon that is gone",
)
case(
    "names of classes",
    """
    from pyln.client import LightningRpc, Millisatoshi, RpcError, RpcException
    from pyln.client.lightning import UnixDomainSocketRpc, UnixSocket
    from pyln.client.plugin import (Method, MethodType, Option, PluginLogHandler, PluginStream,
        Request, RequestState)
    for kind in (LightningRpc, Millisatoshi, RpcError, RpcException, UnixDomainSocketRpc,
                 UnixSocket, Method, MethodType, Option, PluginLogHandler, PluginStream, Request,
                 RequestState, Plugin):
        plugin.log(str(kind))
    @plugin.method("m")
    def m(plugin): return str(plugin.rpc.call("fail"))
    raise RpcException("not caught")
""",
)
