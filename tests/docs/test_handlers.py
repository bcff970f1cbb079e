"""What the handlers of the docs' snippets do: each is called once, and none fails."""

from __future__ import annotations

import asyncio

import pytest

from clnwire.host import Host
from clnwire.host.rules._samples import PAYMENT_HASH, PEER, PREIMAGE
from clnwire.host.rules.samples import hook_sample, topic_sample
from tests.docs.test_docs import PLUGINS
from tests.rpc.node import GETINFO

CALLS = {
    "ban": ([PEER], 1),
    "channel-age": (["103x1x0", 110], {"blocks": 7, "sat": 21}),
    "divide": ({"a": 7, "rounded": True}, 4),
    "hello": ([], "Hello World"),
    "later": ([0.01], "done"),
    "next": ([4], 5),
    "node-id": ([], GETINFO["id"]),
    "note": (["milk"], 1),
    "paid": ([], []),
    "peers": ([], [PEER]),
    "remember": (["milk"], "bread"),
    "safe-pay": (["lnbcrt1"], "complete"),
    "spendable": ([PEER], 0),
    "summary": ([], "regtest: 0 outputs"),
    "tip": ([PEER, "any"], f"1 × any to {PEER}: "),
    "try-to-pay": (["lnbcrt1"], "complete"),
}
"""The params of each method, and its result."""

COMMANDS = {
    "datastore": {"key": ["my-plugin", "text"], "generation": 1},
    "getinfo": GETINFO,
    "listdatastore": {"datastore": [{"key": ["my-plugin", "text"], "string": "bread"}]},
    "listfunds": {"outputs": [], "channels": []},
    "listpeerchannels": {"channels": []},
    "listpeers": {"peers": [{"id": PEER, "connected": True}]},
    "pay": {
        "payment_preimage": PREIMAGE,
        "payment_hash": PAYMENT_HASH,
        "created_at": 1.5,
        "parts": 1,
        "amount_msat": 1000,
        "amount_sent_msat": 1000,
        "status": "complete",
    },
}
"""What the daemon answers to the snippets' own calls."""


async def tried(path) -> list[str]:
    """Calls, asks and tells the plugin all it can be; gives the errors in the log."""
    async with Host(call_timeout=20, hook_timeout=20) as host:
        for command, reply in COMMANDS.items():
            host.command(command)(reply)
        plugin = await host.start(path)
        for method in plugin.manifest.methods:
            params, result = CALLS[method]
            assert await host.call(method, params) == result
        for hook in plugin.manifest.hooks:
            if hook != "db_write":
                assert await host.hook(hook, hook_sample(hook))
        for topic in plugin.manifest.subscriptions:
            named = "connect" if topic == "*" else topic
            assert host.notify(named, topic_sample(named))
        logs = host.logs
    return [entry.message for entry in logs if entry.level in ("error", "broken")]


@pytest.mark.parametrize("block", PLUGINS, ids=str)
def test_the_handlers_of_a_snippet(tmp_path, block):
    path = tmp_path / "snippet.py"
    run = "" if "plugin.run()" in block.text else "\nplugin.run()\n"
    path.write_text(block.text + run)
    assert asyncio.run(tried(path)) == []
