"""A plausible event for each hook and each native topic, to try a plugin without a node.

`python/generate_samples.py` makes those of the current dialect from the daemon's schemas.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from clnwire._wire.nearest import did_you_mean
from clnwire.host.rules._samples import HOOKS, PEER, PREIMAGE, TOPICS
from clnwire.host.rules.dialect import dialect_named

if TYPE_CHECKING:
    from clnwire.host.rules.manifest import HostHook

Event: TypeAlias = dict[str, Any]

# The events that have another form in old daemons. In 2019 and 2020 amounts were strings.
_HOOKS_2019: Final[dict[str, Event]] = {
    "db_write": {"writes": ["BEGIN TRANSACTION;", *HOOKS["db_write"]["writes"], "COMMIT;"]},
    "invoice_payment": {"payment": {"label": "coffee", "preimage": PREIMAGE, "msat": "10000msat"}},
    "peer_connected": {
        "peer": {
            "id": PEER,
            "addr": "203.0.113.7:9735",
            "globalfeatures": "",
            "localfeatures": HOOKS["peer_connected"]["peer"]["features"],
        }
    },
}
_TOPICS_2019: Final[dict[str, Event]] = {
    "connect": {"id": PEER, "address": TOPICS["connect"]["address"]},
    "disconnect": TOPICS["disconnect"],
    "warning": TOPICS["warning"],
}
_SAMPLES: Final[dict[str, tuple[dict[str, Event], dict[str, Event]]]] = {
    "current": (HOOKS, TOPICS),
    "2020": ({**HOOKS, "invoice_payment": _HOOKS_2019["invoice_payment"]}, TOPICS),
    "2019": (_HOOKS_2019, _TOPICS_2019),
}


def hook_sample(name: str, dialect: str = "current") -> Event:
    """A copy of a hook's sample params. Raises `LookupError` if there is none."""
    known = _of(_SAMPLES[dialect][0], dialect_named(dialect).hooks)
    return _copied(known, name, "hook", dialect)


def sample_that_passes(hook: HostHook, dialect: str = "current") -> Event:
    """A plausible event that the hook's filters pass. Raises `LookupError` without a sample."""
    event = hook_sample(hook.name, dialect)
    if hook.filters and hook.name == "rpc_command":
        event["rpc_command"]["method"] = hook.filters[0]
    elif hook.filters:
        event["payload"] = f"{hook.filters[0]:04x}" + event["payload"][4:]
    return event


def topic_sample(topic: str, dialect: str = "current") -> Event:
    """A copy of a topic's sample payload, not wrapped in its name. Raises `LookupError`."""
    known = _SAMPLES[dialect][1]
    if dialect != "current":
        known = _of(known, dialect_named(dialect).topics)
    return _copied(known, topic, "topic", dialect)


def _of(samples: dict[str, Event], names: frozenset[str]) -> dict[str, Event]:
    return {name: sample for name, sample in samples.items() if name in names}


def _copied(known: dict[str, Event], name: str, kind: str, dialect: str) -> Event:
    if name not in known:
        era = "" if dialect == "current" else f" of {dialect}"
        hint = did_you_mean(name, known) or "; give a payload"
        raise LookupError(f"there is no sample for the {kind} '{name}'{era}{hint}")
    return copy.deepcopy(known[name])
