"""The manifest: runs the host's own checks repeatedly, until they refuse nothing."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from clnwire._wire.codec import encode
from clnwire._wire.foreign import shortened
from clnwire.checking import catalogue as rules
from clnwire.host.errors import ManifestError
from clnwire.host.rules.decoding import UndecodableError, as_array, as_object, decoded
from clnwire.host.rules.manifest import HostManifest, ReservedNames, check_manifest

if TYPE_CHECKING:
    from clnwire.checking.finding import Found
    from clnwire.host.rules.dialect import HostDialect, Name

_FIELD: Final = re.compile(
    r"(?P<part>\w+)(?:\[(?P<index>\d+)\])?(?: \(.*\))?(?:\.(?P<member>\w+))?"
)
MOST_REFUSALS: Final = 100
"""A check of the manifest is made for each."""
_ARRAYS: Final = frozenset(("options", "rpcmethods"))
"""Required members; a refused one is replaced by an empty array."""
_BY_MEMBER: Final = {
    ("options", "name"): rules.BAD_OPTION_NAME,
    ("options", "type"): rules.BAD_OPTION_TYPE,
    ("options", "default"): rules.BAD_DEFAULT,
    ("options", "multi"): rules.BAD_MULTI,
    ("hooks", "filters"): rules.BAD_FILTERS,
}
_BY_PART: Final = {"nonnumericids": rules.NUMERIC_IDS, "featurebits": rules.BAD_FEATUREBITS}
_BY_PROBLEM: Final = {"twice": rules.REGISTERED_TWICE, "unknown": rules.UNKNOWN_HOOK}


def refusals(
    plugin: str, result: bytes, taken: ReservedNames, dialect: HostDialect
) -> list[ManifestError]:
    """The errors for which the daemon would refuse a manifest, `MOST_REFUSALS` at most.

    Each refused part is removed, and the host's checks run again on the rest.
    """
    try:
        members = as_object(decoded(result))
    except UndecodableError:
        members = None
    found: list[ManifestError] = []
    rest = _Rest(members or {})
    while True:
        text = result if members is None else encode(rest.members)
        try:
            check_manifest(plugin, text, taken, dialect)
        except ManifestError as error:
            found.append(rest.as_written(error))
            if members is not None and rest.take_out(error) and len(found) < MOST_REFUSALS:
                continue
        return found


class _Rest:
    """The parts of a manifest that have not been refused."""

    def __init__(self, members: dict[str, Any]) -> None:
        self.members = members
        self._places = {
            part: list(range(len(entries)))
            for part, value in members.items()
            if (entries := as_array(value)) is not None
        }
        """For each array: the indices, in the plugin's manifest, of the entries that are left."""

    def as_written(self, error: ManifestError) -> ManifestError:
        """The error with the index that the entry has in the plugin's manifest."""
        part, index, _ = _taken_apart(error.field)
        if index is None:
            return error
        field = error.field.replace(f"[{index}]", f"[{self._places[part][index]}]", 1)
        return ManifestError(error.plugin, field, error.rule, error.clash, error.problem)

    def take_out(self, error: ManifestError) -> bool:
        """Removes the refused part; returns whether there was one."""
        part, index, _ = _taken_apart(error.field)
        if index is not None:
            del self.members[part][index], self._places[part][index]
        elif part in _ARRAYS:
            self.members[part] = []
        elif part in self.members:
            del self.members[part]
        else:
            return False
        return True


def _taken_apart(field: str) -> tuple[str, int | None, str | None]:
    match = _FIELD.match(field)
    assert match is not None
    index = match["index"]
    return match["part"], None if index is None else int(index), match["member"]


def rule_for(error: ManifestError) -> rules.Rule:
    """The rule that a refused manifest breaks."""
    part, _, member = _taken_apart(error.field)
    if error.problem == "taken":
        return rules.NATIVE_TOPIC if part == "notifications" else rules.NAME_TAKEN
    if error.problem == "unknown" and part == "subscriptions":
        return rules.TOPIC_OF_LATER
    by_problem = _BY_PROBLEM.get(error.problem)
    if by_problem is not None:
        return by_problem
    return _BY_PART.get(part) or _BY_MEMBER.get((part, member or "")) or rules.BAD_MANIFEST


def report_refusals(found: Found, errors: list[ManifestError], manifest: bytes) -> None:
    """Reports each error, with the part of the manifest that it is about."""
    try:
        parts = as_object(decoded(manifest)) or {}
    except UndecodableError:
        parts = {}
    for error in errors:
        part, index, _ = _taken_apart(error.field)
        entries = as_array(parts.get(part)) or []
        about = parts if index is None else entries[index]
        found.add(rule_for(error), f"manifest {error.field}", error.rule, encode(about))


def check_accepted(found: Found, manifest: HostManifest, dialect: Name) -> None:
    """Reports mistakes in a manifest that the daemon accepts."""
    if "db_write" in manifest.hooks:
        _check_writer(found, manifest, dialect)
    topics = Counter(manifest.subscriptions)
    for topic, count in topics.items():
        covered = "*" in topics and topic not in ("*", "log")
        if count + covered > 1:
            why = "by its name and by '*'" if covered else "more than once"
            where = f"topic {shortened(topic)}"
            found.add(rules.DOUBLE_SUBSCRIPTION, where, f"is subscribed to {why}")


def _check_writer(found: Found, manifest: HostManifest, dialect: Name) -> None:
    others = [f"hook {name}" for name in manifest.hooks if name != "db_write"]
    others += [f"method {name}" for name in manifest.methods]
    if others:
        found.add(rules.MIXED_DB_WRITE, "manifest hooks", f"db_write beside {', '.join(others)}")
    if dialect != "current":
        return
    if not {"*", "shutdown"} & set(manifest.subscriptions):
        message = "db_write is a hook, and shutdown is not subscribed to"
        found.add(rules.WRITES_WITHOUT_SHUTDOWN, "manifest subscriptions", message)
    if manifest.dynamic:
        message = "db_write is a hook, and dynamic is true"
        found.add(rules.DYNAMIC_DB_WRITE, "manifest dynamic", message)
