"""Checks a plugin's manifest by Core Lightning's rules.

Each refusal names the field and the rule.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal, NoReturn, TypeAlias

from msgspec import Struct, field

from clnwire import _core
from clnwire._wire.codec import split
from clnwire._wire.facts import BUILTIN, COMMANDS
from clnwire._wire.foreign import shortened
from clnwire._wire.nearest import did_you_mean
from clnwire._wire.options import NAME_CHARACTERS, fits_64_bits
from clnwire.host.errors import ManifestError, ManifestProblem
from clnwire.host.rules.decoding import UndecodableError, as_array, as_object, decoded, shown
from clnwire.host.rules.dialect import CURRENT, HostDialect
from clnwire.messages.getmanifest import FeatureBits

FEATURE_PLACES: Final = FeatureBits.__struct_fields__
FILTERS: Final[dict[str, type]] = {"rpc_command": str, "custommsg": int}
"""The hooks that accept filters, and the type of their filters' items."""
_OPTIONS: Final = """
    addr alias announce-addr autolisten bind-addr bookkeeper-dir clear-plugins conf daemon
    database-upgrade developer disable-plugin encrypted-hsm fee-base fee-per-satoshi help
    important-plugin lightning-dir log-file log-level log-prefix mainnet network offline pid-file
    plugin plugin-dir proxy regtest rgb rpc-file rpc-file-mode signet testnet version wallet
"""
OPTIONS: Final = frozenset(_OPTIONS.split())
"""A selection of the daemon's options: those that plugins' names are likely to clash with."""
NameKind: TypeAlias = Literal["option", "method", "hook"]
_Object: TypeAlias = "dict[str, Any]"
_shown = partial(shown, limit=60)


class Option(Struct, frozen=True):
    """An option of a plugin's manifest."""

    name: str
    type: str
    description: str
    default: str | int | bool | None = None
    """The default value. A string is the raw JSON text: the daemon does not unescape it."""
    multi: bool = False
    dynamic: bool = False


class HostMethod(Struct, frozen=True):
    """A method of a plugin's manifest."""

    name: str
    usage: str
    description: str = ""


class HostHook(Struct, frozen=True):
    """A hook of a plugin's manifest."""

    name: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    filters: tuple[str | int, ...] = ()


class HostManifest(Struct):
    """A manifest that the daemon accepts."""

    options: dict[str, Option] = field(default_factory=dict[str, Option])
    methods: dict[str, HostMethod] = field(default_factory=dict[str, HostMethod])
    hooks: dict[str, HostHook] = field(default_factory=dict[str, HostHook])
    subscriptions: list[str] = field(default_factory=list[str])
    """The topics in the manifest's order, with duplicates."""
    topics: list[str] = field(default_factory=list[str])
    """The topics that the plugin may publish."""
    featurebits: dict[str, str] = field(default_factory=dict[str, str])
    dynamic: bool = False
    cancheck: bool = False
    disable: str | None = None
    """Why the plugin disabled itself. All other fields are then empty."""


class ReservedNames(Struct, frozen=True):
    """The names that are already taken by the daemon and by earlier plugins."""

    options: Collection[str] = OPTIONS
    methods: Collection[str] = COMMANDS
    features: Mapping[str, str] = field(default_factory=dict[str, str])
    """The feature bits that are already announced, in hexadecimal."""
    plugins: Sequence[tuple[str, HostManifest]] = ()
    """The earlier plugins: file name and manifest."""

    def owner(self, kind: NameKind, name: str) -> str | None:
        """A description of what has the option, method or hook; `None` if the name is free.

        Names of built-in plugins' commands are free, because those plugins may be disabled.
        """
        own = {"option": self.options, "method": set(self.methods) - BUILTIN, "hook": ()}
        if name in own[kind]:
            return "the daemon itself"
        having = (plugin for plugin, other in self.plugins if name in getattr(other, f"{kind}s"))
        return next((f"plugin '{plugin}'" for plugin in having), None)


def check_manifest(
    plugin: str, result: bytes, taken: ReservedNames, dialect: HostDialect = CURRENT
) -> HostManifest:
    """Checks the result of `getmanifest` and returns the manifest. Raises `ManifestError`."""
    return _Checker(plugin, taken, dialect).check(result)


class _Checker:
    """Checks the parts of one manifest, in the daemon's order."""

    def __init__(self, plugin: str, taken: ReservedNames, dialect: HostDialect) -> None:
        self._plugin, self._taken, self._dialect = plugin, taken, dialect

    def check(self, result: bytes) -> HostManifest:
        try:
            raw = decoded(result)
        except UndecodableError as error:
            self._refuse("result", str(error))
        members = as_object(raw)
        if members is None:
            self._refuse("result", f"must be an object, not {_shown(raw)}")
        if "disable" in members and self._dialect.disables:
            return HostManifest(disable=self._text(members, "disable", "disable"))
        if self._dialect.is_current and not members.get("nonnumericids", True):
            self._refuse("nonnumericids", "must not be false: the daemon's ids are strings")
        dynamic = self._boolean(members, "dynamic", "dynamic")
        return HostManifest(
            dynamic=dynamic,
            cancheck=self._boolean(members, "cancheck", "cancheck"),
            featurebits=self._featurebits(members, dynamic=dynamic),
            topics=self._topics(members),
            options=self._options(members, _raw_defaults(result)),
            methods=self._methods(members),
            subscriptions=self._subscriptions(members),
            hooks=self._hooks(members),
        )

    def _refuse(self, where: str, rule: str, problem: ManifestProblem = "form") -> NoReturn:
        raise ManifestError(self._plugin, where, rule, problem=problem)

    def _claim(self, kind: NameKind, where: str, name: str, earlier: Collection[str]) -> None:
        """Refuses a name that is among the `earlier` ones of the manifest, or taken.

        Several plugins may have the same hook, and the same option in old dialects.
        """
        if name in earlier:
            self._refuse(where, f"{kind} {_quoted(name)} is registered twice", "twice")
        may_clash = {"option": self._dialect.numbers_ids, "hook": self._dialect.orders_hooks}
        owner = self._taken.owner(kind, name)
        if owner is not None and not may_clash.get(kind):
            rule = f"{kind} {_quoted(name)} is already taken by {owner}"
            raise ManifestError(self._plugin, where, rule, clash=kind)

    def _text(self, parent: _Object, key: str, where: str) -> str:
        value = parent.get(key)
        if not isinstance(value, str):
            self._refuse(where, f"must be a string, {_not(parent, key)}")
        return value

    def _boolean(self, parent: _Object, key: str, where: str) -> bool:
        value = parent.get(key, False)
        if not isinstance(value, bool):
            self._refuse(where, f"must be true or false, {_not(parent, key)}")
        return value

    def _array(self, parent: _Object, key: str, where: str, *, required: bool = False) -> list[Any]:
        value = as_array(parent.get(key, None if required else []))
        if value is None:
            self._refuse(where, f"must be an array, {_not(parent, key)}")
        return value

    def _objects(
        self, parent: _Object, key: str, *, required: bool = False
    ) -> list[tuple[str, _Object]]:
        """The objects of an array, each with its path in the manifest."""
        found: list[tuple[str, _Object]] = []
        for index, value in enumerate(self._array(parent, key, key, required=required)):
            where = f"{key}[{index}]"
            members = as_object(value)
            if members is None:
                self._refuse(where, f"must be an object, not {_shown(value)}")
            found.append((where, members))
        return found

    def _strings(self, parent: _Object, key: str, where: str) -> list[str]:
        values = self._array(parent, key, where)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                self._refuse(f"{where}[{index}]", f"must be a string, not {_shown(value)}")
        return values

    def _featurebits(self, members: _Object, *, dynamic: bool) -> dict[str, str]:
        places = as_object(members.get("featurebits", {}))
        if places is None:
            self._refuse("featurebits", f"must be an object, {_not(members, 'featurebits')}")
        found: dict[str, str] = {}
        for place in FEATURE_PLACES:
            if place in places:
                bits = self._text(places, place, f"featurebits.{place}")
                self._check_bits(place, bits)
                found[place] = bits
        if dynamic and any(found.values()):
            self._refuse("featurebits", "a dynamic plugin cannot have any")
        return found

    def _check_bits(self, place: str, bits: str) -> None:
        where = f"featurebits.{place}"
        try:
            wanted = int.from_bytes(bytes.fromhex(bits), "big")
        except ValueError:
            self._refuse(where, f"must be hexadecimal, not {_quoted(bits)}")
        present = int.from_bytes(bytes.fromhex(self._taken.features.get(place, "")), "big")
        if wanted & present:
            self._refuse(where, f"bits of {shortened(bits)} are announced already")

    def _topics(self, members: _Object) -> list[str]:
        topics: list[str] = []
        for where, entry in self._objects(members, "notifications"):
            topic = self._text(entry, "method", f"{where}.method")
            if topic in self._dialect.topics:
                self._refuse(
                    f"{where}.method", f"{_quoted(topic)} is the daemon's own topic", "taken"
                )
            topics.append(topic)
        return topics

    def _options(self, members: _Object, defaults: list[str | None]) -> dict[str, Option]:
        options: dict[str, Option] = {}
        entries = self._objects(members, "options", required=True)
        for (where, entry), default in zip(entries, defaults, strict=True):
            option = self._option(where, entry, default, options)
            options[option.name] = option
        return options

    def _option(
        self, where: str, entry: _Object, raw_default: str | None, earlier: Collection[str]
    ) -> Option:
        name = self._text(entry, "name", f"{where}.name")
        if not name or not NAME_CHARACTERS.issuperset(name):
            rule = f"must consist of 0-9, a-z, '_' and '-', not {_quoted(name)}"
            self._refuse(f"{where}.name", rule)
        self._claim("option", f"{where}.name", name, earlier)
        where = f"{where} ({shortened(name)})"
        type_ = self._text(entry, "type", f"{where}.type")
        known = self._dialect.option_types
        if type_ not in known:
            rule = f"must be one of {', '.join(known)}, not {shortened(type_)}"
            self._refuse(f"{where}.type", rule)
        multi = self._boolean(entry, "multi", f"{where}.multi")
        if multi and type_ in ("bool", "flag"):
            self._refuse(f"{where}.multi", f"a {type_} cannot be given several times")
        return Option(
            name=name,
            type=type_,
            description=self._text(entry, "description", f"{where}.description"),
            default=self._default(where, type_, entry.get("default"), raw_default),
            multi=multi,
            dynamic=self._boolean(entry, "dynamic", f"{where}.dynamic"),
        )

    def _default(
        self, where: str, type_: str, value: object, raw: str | None
    ) -> str | int | bool | None:
        where = f"{where}.default"
        if value is None:
            return None
        if type_ == "flag" and value not in (False, "false"):
            self._refuse(where, f"a flag's default must be false, not {_shown(value)}")
        if type_ in ("bool", "flag"):
            if value not in (True, False, "true", "false"):
                self._refuse(where, f"must be true or false, not {_shown(value)}")
            return value in (True, "true")
        if type_ == "int":
            return self._integer(where, value)
        if as_object(value) is not None or as_array(value) is not None:
            self._refuse(where, f"must be a string, not {_shown(value)}")
        return raw

    def _integer(self, where: str, value: object) -> int:
        """An integer. The daemon ignores quotes, so a string of digits is accepted, too."""
        try:
            number = int(value) if isinstance(value, str) else value
        except ValueError:
            number = None
        if not isinstance(number, int) or isinstance(number, bool):
            self._refuse(where, f"must be an integer, not {_shown(value)}")
        if not fits_64_bits(number):
            self._refuse(where, f"must fit into 64 bits, not {_shown(value)}")
        return number

    def _methods(self, members: _Object) -> dict[str, HostMethod]:
        methods: dict[str, HostMethod] = {}
        for where, entry in self._objects(members, "rpcmethods", required=True):
            name = self._text(entry, "name", f"{where}.name")
            if "usage" not in entry and not self._dialect.orders_hooks:
                entry["usage"] = "[params]"  # The daemon of 2019 does not require it.
            named = f"{where} ({shortened(name)})"
            usage = self._text(entry, "usage", f"{named}.usage")
            self._claim("method", f"{where}.name", name, methods)
            description = entry.get("description", "")
            if not self._dialect.is_current:
                description = self._text(entry, "description", f"{named}.description")
            methods[name] = HostMethod(
                name, usage, description if isinstance(description, str) else ""
            )
        return methods

    def _subscriptions(self, members: _Object) -> list[str]:
        topics = self._strings(members, "subscriptions", "subscriptions")
        for index, topic in enumerate(topics):
            if not self._dialect.takes_anything and topic not in self._dialect.topics:
                where = f"subscriptions[{index}]"
                rule = f"topic {_quoted(topic)} is not a known notification topic"
                self._refuse(where, rule, "unknown")
        return topics

    def _hooks(self, members: _Object) -> dict[str, HostHook]:
        hooks: dict[str, HostHook] = {}
        for index, entry in enumerate(self._array(members, "hooks", "hooks")):
            where = f"hooks[{index}]"
            description = as_object({"name": entry} if isinstance(entry, str) else entry)
            if description is None:
                self._refuse(where, f"must be a name or an object, not {_shown(entry)}")
            if not self._dialect.orders_hooks and not isinstance(entry, str):
                self._refuse(where, f"must be a name in 2019, not {_shown(entry)}")
            hook = self._hook(where, description)
            self._claim("hook", where, hook.name, hooks)
            hooks[hook.name] = hook
        return hooks

    def _hook(self, where: str, entry: _Object) -> HostHook:
        name = self._text(entry, "name", f"{where}.name")
        known = self._dialect.hooks
        if name not in known:
            rule = f"there is no hook {_quoted(name)}{did_you_mean(name, known)}"
            self._refuse(where, rule, "unknown")
        where = f"{where} ({name})"
        return HostHook(
            name,
            before=tuple(self._strings(entry, "before", f"{where}.before")),
            after=tuple(self._strings(entry, "after", f"{where}.after")),
            filters=self._filters(name, where, entry),
        )

    def _filters(self, name: str, where: str, entry: _Object) -> tuple[str | int, ...]:
        where = f"{where}.filters"
        filters = self._array(entry, "filters", where)
        expected = FILTERS.get(name)
        if expected is None:
            if "filters" in entry:
                self._refuse(where, "this hook takes none")
            return ()
        for index, value in enumerate(filters):
            if type(value) is not expected:
                kind = "a command's name" if expected is str else "a message's number"
                self._refuse(f"{where}[{index}]", f"must be {kind}, not {_shown(value)}")
        return tuple(filters)


def _raw_defaults(result: bytes) -> list[str | None]:
    """The raw JSON text of each option's default, without quotes; `None` without a default."""
    options = dict(_core.members(result)).get("options", b"[]")
    # `_objects` refuses what is not an array of objects.
    given = split(options)
    found: list[str | None] = []
    for entry in given if isinstance(given, list) else ():
        members = split(entry)
        default = members.get("default") if isinstance(members, dict) else None
        found.append(None if default is None else _as_written(default.decode()))
    return found


def _as_written(text: str) -> str:
    return text[1:-1] if text.startswith('"') else text


def _quoted(text: str) -> str:
    return repr(shortened(text))


def _not(parent: _Object, key: str) -> str:
    return f"not {_shown(parent[key])}" if key in parent else "and is missing"
