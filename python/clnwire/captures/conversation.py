"""Classifies the records of a capture, and matches replies with their requests.

Memory holds the unanswered requests only.
"""

from collections import OrderedDict
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from msgspec import MsgspecError, Struct, json

from clnwire._core import MalformedError, members
from clnwire._wire.codec import UNDECODABLE
from clnwire._wire.dialect import (
    CURRENT,
    FAILURE_MESSAGES,
    FOUNDING,
    LAST_TO_LEAVE_OUT,
    WITH_DATA_VERSION,
    Dialect,
    detect_dialect,
)
from clnwire.captures.reading import Record
from clnwire.hooks._catalogue import HOOKS

Kind: TypeAlias = Literal[
    "startup", "hook", "method", "topic", "answer", "error", "log", "notice", "note"
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""Three kinds of requests, a notification, two kinds of replies, two notifications from the plugin
(a log line, a notice to a caller), and a record that is not a message."""
STARTUP: Final = frozenset(("getmanifest", "init"))
MOST_WAITING: Final = 100_000
"""The most requests to remember. A damaged capture may lack replies; no plugin has this many."""


class CapturedRequest(Struct, frozen=True):
    """A request that waits for its answer."""

    number: int
    t_us: int
    kind: Kind
    name: str


class CapturedMessage(Struct, frozen=True):
    """A record, and what it is."""

    number: int
    """Its line in the capture."""
    record: Record
    kind: Kind
    name: str
    """The method, hook or topic; of a reply, the request's; empty if it cannot be told."""
    token: bytes | None = None
    content: bytes = b""
    """The params, result or error as JSON text; for a note, the note."""
    asked: CapturedRequest | None = None
    """For a reply: its request."""

    @property
    def latency_us(self) -> int | None:
        """For a reply: the time since its request."""
        return None if self.asked is None else self.record.t_us - self.asked.t_us

    @property
    def about(self) -> Kind:
        """The kind; for a reply, the kind of its request, if known."""
        return self.kind if self.asked is None else self.asked.kind


class Conversation:
    """Follows a capture from its start."""

    def __init__(self) -> None:
        # Its oldest entry is found at once, however many before it were deleted.
        self._waiting: OrderedDict[bytes, CapturedRequest] = OrderedDict()
        self._hooks: frozenset[str] = frozenset()
        self._methods: frozenset[str] = frozenset()
        self.dialect = CURRENT
        """The daemon's dialect, inferred from its messages so far."""

    @property
    def waiting(self) -> list[CapturedRequest]:
        """The unanswered requests, in order."""
        return list(self._waiting.values())

    def take(self, number: int, record: Record) -> CapturedMessage:
        """Classifies the next record."""
        if record.frame is None:
            note = (record.note or "").encode("utf-8", "replace")
            return CapturedMessage(number, record, "note", "", content=note)
        text = record.frame.encode("utf-8", "replace")
        try:
            found = dict(reversed(members(text)))
        except MalformedError:
            return CapturedMessage(number, record, "note", "", content=text)
        if "method" in found:
            return self._asks(number, record, found)
        return self._replies(number, record, found)

    def _asks(self, number: int, record: Record, found: dict[str, bytes]) -> CapturedMessage:
        name, token = _text(found["method"]), found.get("id")
        if token is not None and record.dir == "in":
            self.dialect = age_after(self.dialect, name, token, found.get("params", b""))
        kind = self._kind(name, record.dir, is_request=token is not None)
        if token is not None and record.dir == "in":
            self._waiting[token] = CapturedRequest(number, record.t_us, kind, name)
            if len(self._waiting) > MOST_WAITING:
                self._waiting.popitem(last=False)
        return CapturedMessage(number, record, kind, name, token, found.get("params", b""))

    def _replies(self, number: int, record: Record, found: dict[str, bytes]) -> CapturedMessage:
        token = found.get("id")
        asked = None
        if token is not None and record.dir == "out":
            asked = self._waiting.pop(token, None)
        kind: Kind = "error" if "error" in found else "answer"
        content = found.get("error", found.get("result", b""))
        name = "" if asked is None else asked.name
        if name == "getmanifest" and kind == "answer":
            self._hooks, self._methods = _names(content, "hooks"), _names(content, "rpcmethods")
        return CapturedMessage(number, record, kind, name, token, content, asked)

    def _kind(self, name: str, direction: str, *, is_request: bool) -> Kind:
        if is_request:
            if name in STARTUP:
                return "startup"
            return "hook" if self._is_hook(name) else "method"
        if direction == "out" and name in ("log", "message", "progress"):
            return "log" if name == "log" else "notice"
        return "topic"

    def _is_hook(self, name: str) -> bool:
        """Whether a name is a hook: by the plugin's manifest, or without it by the daemon's age.

        Under an old daemon, a method may have the name of a later hook.
        """
        if name in self._hooks or name in self._methods:
            return name in self._hooks
        known = self.dialect
        # Old and new daemons differ in few messages: this one may be newer than known so far.
        newest = Dialect(known.oldest, max(known.newest, LAST_TO_LEAVE_OUT))
        return name in HOOKS and newest.may_have_hook(name)


def _names(manifest: bytes, of: Literal["hooks", "rpcmethods"]) -> frozenset[str]:
    """The names in a list of a manifest, each alone or in an object."""
    try:
        entries = json.decode(_members(manifest).get(of, b"[]"), type=list[Any])
    except UNDECODABLE:
        return frozenset()
    found = [
        cast("dict[str, object]", entry).get("name") if isinstance(entry, dict) else entry
        for entry in entries
    ]
    return frozenset(name for name in found if isinstance(name, str))


def _text(text: bytes) -> str:
    try:
        return json.decode(text, type=str)
    except MsgspecError:
        return text.decode("utf-8", "replace")


def age_after(known: Dialect, method: str, token: bytes, params: bytes) -> Dialect:
    """Narrows the known age of the daemon by one more of its requests."""
    if method == "getmanifest":
        allow = _members(params).get("allow-deprecated-apis")
        return detect_dialect(
            token, allow_deprecated_apis=None if allow is None else True, version=None
        )
    if known.newest > FOUNDING:
        return known
    if method == "init" and "feature_set" in _members(_members(params).get("configuration", b"")):
        return Dialect(FAILURE_MESSAGES, LAST_TO_LEAVE_OUT)
    if method == "db_write" and "data_version" in _members(params):
        return Dialect(WITH_DATA_VERSION, LAST_TO_LEAVE_OUT)
    return known


def _members(text: bytes) -> dict[str, bytes]:
    try:
        return dict(members(text))
    except MalformedError:
        return {}
