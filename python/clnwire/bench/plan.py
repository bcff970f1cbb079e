"""Decides what to measure of a plugin, and with which messages."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Raw, Struct, json

from clnwire._wire.nearest import did_you_mean
from clnwire.bench.load.messages import NUMBER, Ask, db_write, notification, request
from clnwire.bench.results import BenchError
from clnwire.host.encoding import custom_notification
from clnwire.host.plugins.boot import MIGRATIONS
from clnwire.host.rules.decoding import as_object
from clnwire.host.rules.dialect import CURRENT
from clnwire.host.rules.manifest import HostHook, HostManifest
from clnwire.host.rules.samples import sample_that_passes, topic_sample
from clnwire.notifications._catalogue import NATIVE

Settings: TypeAlias = dict[str, Any]
"""Members of a `clnwire.bench.load.Job`."""

SIZES: Final = {"0.4 kB": 400, "2.4 kB": 2_400, "12 kB": 12_000}
"""Name → bytes of a `db_write`."""
HEAD, TAIL = "UPDATE vars SET intval=17 WHERE name='", "'"
"""The start and end of its statements, for a table that the writes before `init` create."""
ANY_TOPIC: Final = "connect"
"""The topic to measure if the plugin subscribes to all."""
ORIGIN: Final = "clnwire"
"""The publisher named in another plugin's notification."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What the user asks for. By default, all that can be measured without side effects."""

    hooks: Sequence[str] = ()
    topics: Sequence[str] = ()
    method: str | None = None
    params: str | None = None
    """The method's params, as JSON; none if `None`."""
    event: str | None = None
    """The event of the one hook or topic, as JSON; a sample if `None`."""
    expect: str | None = None
    """The result that the hook or method must give, as JSON; `None` accepts any."""

    @property
    def is_all(self) -> bool:
        """Whether the user names no hook, method or topic."""
        return not (self.hooks or self.topics or self.method)


class Case(Struct, frozen=True):
    """A hook, method or topic, and the settings of its jobs."""

    name: str
    many: Settings
    """With a window of messages in flight."""
    one: Settings | None = None
    """With one in flight; `None` for a topic, which has no answer."""


class Plan(Struct, frozen=True):
    """The cases to measure, and what is left out."""

    cases: list[Case]
    notes: list[str]
    """One line for each thing that is left out: the reason, and what to do."""
    common: Settings
    """The settings that all jobs share."""


def plan(manifest: HostManifest, wanted: Wanted) -> Plan:
    """Plans the bench. Raises `BenchError` if the plugin lacks a name or two wishes conflict."""
    _check(manifest, wanted)
    hooks, topics = wanted.hooks, wanted.topics
    notes: list[str] = []
    if wanted.is_all:
        hooks = sorted(manifest.hooks)
        topics = _topics(manifest, notes)
        notes += [
            f"method {name}: nobody knows what it would do; --method {name} --params JSON"
            for name in manifest.methods
        ]
    asked = [each for name in hooks for each in _of_hook(manifest.hooks[name], wanted)]
    if wanted.method is not None:
        asked.append((f"method {wanted.method}", _method(wanted.method, wanted)))
    cases = [
        Case(name, many={"mode": "window", **ask}, one={"mode": "one", **ask})
        for name, ask in asked
    ]
    fence = _fence(manifest, wanted)
    cases += [_topic_case(topic, wanted, fence) for topic in topics]
    return Plan(cases, notes, _common(manifest))


def _check(manifest: HostManifest, wanted: Wanted) -> None:
    methods = [] if wanted.method is None else [wanted.method]
    _check_known("has no hook", wanted.hooks, manifest.hooks)
    _check_known("has no method", methods, manifest.methods)
    if "*" not in manifest.subscriptions:
        _check_known("has not subscribed to", wanted.topics, manifest.subscriptions)
    if wanted.event is not None and len([*wanted.hooks, *wanted.topics]) != 1:
        raise BenchError("--event is that of one hook or topic: name it with --hook or --topic")
    if wanted.expect is not None and len([*wanted.hooks, *methods]) != 1:
        raise BenchError("--expect is that of one hook or method: name it with --hook or --method")
    if wanted.params is not None and wanted.method is None:
        raise BenchError("--params are those of a method: name it with --method")


def _check_known(lacks: str, named: Iterable[str], known: Iterable[str]) -> None:
    has = list(known)
    for name in named:
        if name not in has:
            others = f"; there is {', '.join(has)}" if has else ""
            near = did_you_mean(name, has) or others
            raise BenchError(f"the plugin {lacks} '{name}'{near}")


def _topics(manifest: HostManifest, notes: list[str]) -> list[str]:
    """The topics that have a sample and can be sent any number of times."""
    found: dict[str, None] = {}
    for topic in sorted(set(manifest.subscriptions)):
        name = ANY_TOPIC if topic == "*" else topic
        if topic == "shutdown":
            notes.append("topic shutdown: it ends the plugin")
            continue
        try:
            topic_sample(name)
            found[name] = None
        except LookupError:
            notes.append(f"topic {name}: there is no sample of it; --topic {name} --event JSON")
    return list(found)


def _of_hook(hook: HostHook, wanted: Wanted) -> list[tuple[str, Settings]]:
    """What to ask of a hook, each with the case's name."""
    if hook.name == "db_write" and wanted.event is None:
        return [
            (f"db_write, {name}", _asking(db_write(size, HEAD, TAIL), wanted.expect))
            for name, size in SIZES.items()
        ]
    return [(f"hook {hook.name}", _hook(hook, wanted))]


def _hook(hook: HostHook, wanted: Wanted) -> Settings:
    is_named = hook.name in wanted.hooks
    event = (wanted.event if is_named else None) or _text(sample_that_passes(hook))
    if hook.name == "db_write":
        event = _numbered(event)
    return _asking(request(hook.name, event), wanted.expect if is_named else None)


def _numbered(event: str) -> str:
    """The event with the request's number as the database's version."""
    members = as_object(json.decode(event))
    if members is None:
        raise BenchError("--event: a hook's event is a JSON object")
    if "data_version" in members:
        members["data_version"] = Raw(NUMBER.encode())
    return _text(members)


def _text(value: object) -> str:
    return json.encode(value).decode()


def _method(name: str, wanted: Wanted) -> Settings:
    return _asking(request(name, wanted.params or "[]"), wanted.expect)


def _asking(ask: Ask, expect: str | None) -> Settings:
    return {"requests": [ask], "expect": expect}


def _topic_case(topic: str, wanted: Wanted, fence: Settings | None) -> Case:
    try:
        event = wanted.event if topic in wanted.topics else None
        payload = (event or _text(topic_sample(topic))).encode()
    except LookupError as error:
        raise BenchError(f"{error}: --topic {topic} --event JSON") from None
    if topic in NATIVE:
        params = CURRENT.notification_params(topic, payload)
        text = notification(topic, params.decode())
    else:
        text = custom_notification(topic, ORIGIN, payload).decode()
    mode = {"mode": "pour"} if fence is None else {"mode": "flood", **fence}
    return Case(f"topic {topic}", many={"notification": text, **mode})


def _fence(manifest: HostManifest, wanted: Wanted) -> Settings | None:
    """The request that follows notifications: its answer shows that the plugin has handled them.

    Methods may have side effects, so only one that the user names serves. `db_write` comes last,
    because it may write to a disk.
    """
    if wanted.method is not None:
        return _method(wanted.method, wanted)
    hooks = sorted(manifest.hooks.values(), key=lambda hook: hook.name == "db_write")
    return _hook(hooks[0], Wanted()) if hooks else None


def _common(manifest: HostManifest) -> Settings:
    """The daemon writes to its database before it sends `init`."""
    if "db_write" not in manifest.hooks:
        return {}
    early = [
        request("db_write", _text({"data_version": version, "writes": writes}))
        for version, writes in enumerate(MIGRATIONS, 1)
    ]
    return {"early": early, "first": len(early) + 1}
