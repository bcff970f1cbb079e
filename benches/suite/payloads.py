"""The messages for the plugins, as settings of the load generator's jobs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from clnwire import _core
from clnwire.bench.load.messages import CONTINUE, ID, NUMBER, Ask, notification, request
from clnwire.bench.load.messages import db_write as load_db_write
from clnwire.captures.reading import read_records

if TYPE_CHECKING:
    from pathlib import Path

Settings: TypeAlias = "dict[str, Any]"
"""Members of a job."""
ONCE: Settings = {"count": 1, "warm_up": 0}
KEY = "02ab" * 16 + "03"
SECRET = "2e6a7552ea2bb389" * 4


def db_write(size: int) -> Settings:
    """Sets of database writes of about this size, like those of a node's database."""
    head = "UPDATE channels SET next_htlc_id=17, msatoshi_local=999000 WHERE state='"
    return {"mode": "one", "requests": [load_db_write(size, head, "';")], "expect": CONTINUE}


def db_write_with_escapes(size: int) -> Settings:
    """One escape in 130 bytes, as JSON in a column has: zap receipts, LNURL metadata."""
    return _reworded(db_write(size), "aa", '\\"', 130)


def db_write_beyond_ascii(size: int) -> Settings:
    """2 % of the characters are beyond ASCII, as in labels and descriptions."""
    return _reworded(db_write(size), "aa", "⚡a", 50)


def _reworded(settings: Settings, letters: str, instead: str, distance: int) -> Settings:
    """The same text with other letters at this distance in characters."""
    (ask,) = settings["requests"]
    parts, start = list[str](), 0
    while (found := ask.text.find(letters, start + distance - len(instead))) >= 0:
        parts += [ask.text[start:found], instead]
        start = found + len(letters)
    text = "".join([*parts, ask.text[start:]])
    return {**settings, "requests": [Ask(ask.id, text)]}


def early_db_write() -> Settings:
    """One `db_write` before `init`, then as in the other cases."""
    settings = db_write(400)
    return {**settings, "early": settings["requests"]}


def htlc() -> Settings:
    """The hook `htlc_accepted` with a payment of 3.5 kB."""
    onion = {
        "payload": "2b020203e8040172",
        "type": "tlv",
        "forward_msat": 1000,
        "outgoing_cltv_value": 114,
        "total_msat": 1000,
        "payment_secret": SECRET,
        "next_onion": "00032d3f7ae0a982" * 170,
        "shared_secret": SECRET,
    }
    payment = {
        "short_channel_id": "103x1x0",
        "id": 0,
        "amount_msat": 1000,
        "cltv_expiry": 120,
        "cltv_expiry_relative": 12,
        "payment_hash": SECRET,
    }
    params = _text({"peer_id": KEY, "onion": onion, "htlc": payment})
    return {"mode": "one", "requests": [request("htlc_accepted", params)], "expect": CONTINUE}


def total(params: str = "[123000, 4]") -> Settings:
    """The method `total`, as the daemon forwards a caller's request: with its white space, its id
    last."""
    text = f'{{"jsonrpc": "2.0", "method": "total", "params": {params},"id":{ID}}}\n\n'
    ask = Ask(f'"cli:total#71/cln:total#{NUMBER}"', text)
    result = {"amount": 123000, "count": 4, "total": 492000}
    return {"mode": "one", "requests": [ask], "expect": _text(result)}


def blank_line() -> Settings:
    """A call with a blank line inside its params, which is legal JSON."""
    return total("[123000,\n\n4]")


def flood() -> Settings:
    """Notifications of connections, with a request after each window of them."""
    address = {"type": "ipv4", "address": "127.0.0.1", "port": 9735}
    event = {"connect": {"id": KEY, "direction": "in", "address": address}}
    return {**total(), "mode": "flood", "notification": notification("connect", _text(event))}


@cache
def recorded(path: Path, hook: str) -> list[Ask]:
    """The requests for a hook in a recording, byte for byte. Raises `ValueError` if there are
    none."""
    frames = [
        record.frame
        for _, record in read_records(path, on_broken=_raise, on_cut=_raise)
        if record.dir == "in" and record.frame is not None
    ]
    found = [ask for frame in frames if (ask := _recorded(frame, hook)) is not None]
    if not found:
        raise ValueError(f"{path}: none of its requests is for the hook {hook}")
    return found


def _recorded(frame: str, hook: str) -> Ask | None:
    try:
        members = dict(_core.members(frame.encode()))
    except ValueError:
        # A daemon can send invalid JSON; that frame is not a request.
        return None
    if members.get("method") != msgspec.json.encode(hook) or "id" not in members:
        return None
    return Ask(members["id"].decode(), f"{frame}\n\n")


def _raise(error: Exception) -> None:
    raise error


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
