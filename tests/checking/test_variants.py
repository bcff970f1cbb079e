"""The forms of events that plugins are tried with: a careful plugin bears with all of them."""

from __future__ import annotations

from typing import Any

import pytest

from clnwire._wire.codec import encode
from clnwire.checking import variants
from clnwire.hooks._catalogue import HOOKS, hook_spec
from clnwire.host.rules.samples import hook_sample, topic_sample
from clnwire.notifications._catalogue import NATIVE, topic_spec

CHANGES = [change for _, change in variants.FORMS["current"]]
HOOK_FORMS = [(name, change) for name in sorted(HOOKS) for change in CHANGES]
HOOK_FORMS += [(name, change) for name, more in variants.ORDINARY.items() for change in more]
TOPIC_FORMS = [(topic, change) for topic in sorted(NATIVE) for change in CHANGES]


def shown(value: Any) -> str:
    return getattr(value, "__name__", str(value))


@pytest.mark.parametrize(("name", "change"), HOOK_FORMS, ids=shown)
def test_hooks_can_be_decoded_in_all_forms(name: str, change: Any) -> None:
    sample = hook_sample(name)
    event = change(sample, variants.struct_of_hook(name))
    assert sample == hook_sample(name), "the sample itself must stay as it is"
    hook_spec(name).decoder()(encode(event))


@pytest.mark.parametrize(("topic", "change"), TOPIC_FORMS, ids=shown)
def test_topics_can_be_decoded_in_all_forms(topic: str, change: Any) -> None:
    payload = change(topic_sample(topic), variants.struct_of_topic(topic))
    spec = topic_spec(topic)
    assert spec is not None
    spec.decoder()(encode(payload))


def test_what_the_forms_are() -> None:
    peer = hook_sample("peer_connected")
    struct = variants.struct_of_hook("peer_connected")
    new = variants.with_new_members(peer, struct)
    assert set(new) - set(peer) == set(new["peer"]) - set(peer["peer"]) == {variants.NEW_MEMBER}
    assert variants.with_new_words(peer, struct)["peer"]["direction"] == variants.NEW_WORD
    payment = hook_sample("invoice_payment")
    assert variants.with_amounts_as_strings(payment)["payment"]["msat"] == "10000msat"
    htlc = variants.without_optional_members(
        hook_sample("htlc_accepted"), variants.struct_of_hook("htlc_accepted")
    )
    assert set(htlc) == {"onion", "htlc"}
    assert "payment_secret" not in htlc["onion"]
    assert set(htlc["htlc"]) == set(hook_sample("htlc_accepted")["htlc"])
