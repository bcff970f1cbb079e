"""The Bitcoin backend keeps a valid chain; `tests/node` has real nodes follow it."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import Any

import pytest

from clnwire.errors import RpcError
from clnwire.testing import BlockingHost, RunPlugin
from tests.examples.conftest import EXAMPLES

BACKEND = EXAMPLES / "regtest_backend.py"
GENESIS = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
"""The hash of regtest's first block, as all nodes know it."""
ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
"""BIP 173's example of a public key's hash, for regtest."""
SCRIPT = "0014751e76e8199196d454941c45d1b3a323f1433bd6"


@pytest.fixture
def backend(run_plugin: RunPlugin, clnwire_host: BlockingHost, tmp_path: Path) -> BlockingHost:
    run_plugin(BACKEND, options={"regtest-chain": str(tmp_path / "chain")})
    return clnwire_host


def block(host: BlockingHost, height: int) -> tuple[str, bytes]:
    found: Any = host.call("getrawblockbyheight", {"height": height})
    return found["blockhash"], bytes.fromhex(found["block"])


def hash256(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def spend(txid: str, output: int, sat: int) -> str:
    """A transaction without a witness that pays an output to anyone."""
    source = bytes.fromhex(txid)[::-1] + struct.pack("<I", output) + b"\x00" + b"\xff" * 4
    paid = struct.pack("<q", sat) + b"\x01\x51"
    return (struct.pack("<i", 2) + b"\x01" + source + b"\x01" + paid + bytes(4)).hex()


def txid(raw: str) -> str:
    return hash256(bytes.fromhex(raw))[::-1].hex()


def reward(host: BlockingHost, height: int) -> str:
    """The id of a block's first transaction: its hash without marker, flag and witness."""
    raw = block(host, height)[1][81:]
    return hash256(raw[:4] + raw[6:-38] + raw[-4:])[::-1].hex()


def test_a_chain_starts_with_the_block_that_all_know(backend: BlockingHost) -> None:
    assert block(backend, 0)[0] == GENESIS
    info: Any = backend.call("getchaininfo", {"last_height": 0})
    assert info == {"chain": "regtest", "headercount": 0, "blockcount": 0, "ibd": False}


def test_there_is_no_block_above_the_last(backend: BlockingHost) -> None:
    nothing: Any = backend.call("getrawblockbyheight", {"height": 1})
    assert nothing == {"blockhash": None, "block": None}


def test_each_block_follows_the_one_before_and_has_its_work(backend: BlockingHost) -> None:
    assert backend.call("regtest-mine", {"blocks": 5}) == {"height": 5}
    for height in range(1, 6):
        name, raw = block(backend, height)
        assert raw[4:36][::-1].hex() == block(backend, height - 1)[0]
        assert hash256(raw[:80])[::-1].hex() == name
        assert int(name, 16) <= 0x7FFFFF << (8 * 29)


def test_the_reward_goes_to_the_address(backend: BlockingHost) -> None:
    backend.call("regtest-mine", [1, ADDRESS])
    output: Any = backend.call("getutxout", {"txid": reward(backend, 1), "vout": 0})
    assert output == {"amount": 50_0000_0000, "script": SCRIPT}


def test_what_is_sent_is_in_the_next_block(backend: BlockingHost) -> None:
    backend.call("regtest-mine", [1])
    source = reward(backend, 1)
    raw = spend(source, 0, 49_0000_0000)
    assert backend.call("sendrawtransaction", [raw, True]) == {"success": True, "errmsg": ""}
    backend.call("regtest-mine", [1])
    assert bytes.fromhex(raw) in block(backend, 2)[1]
    spent: Any = backend.call("getutxout", {"txid": source, "vout": 0})
    assert spent == {"amount": None, "script": None}
    output: Any = backend.call("getutxout", {"txid": txid(raw), "vout": 0})
    assert output["amount"] == 49_0000_0000


def test_an_output_is_spent_once(backend: BlockingHost) -> None:
    backend.call("regtest-mine", [1])
    source = reward(backend, 1)
    backend.call("sendrawtransaction", [spend(source, 0, 1000), True])
    again: Any = backend.call("sendrawtransaction", [spend(source, 0, 2000), True])
    assert again == {"success": False, "errmsg": f"an output of {source} is already spent"}


@pytest.mark.parametrize("raw", ["", "00", "zz", spend("00" * 32, 0, 1) + "00"])
def test_what_is_no_transaction_is_refused(backend: BlockingHost, raw: str) -> None:
    answer: Any = backend.call("sendrawtransaction", [raw, True])
    assert answer["success"] is False
    assert answer["errmsg"]


def test_an_address_of_another_chain_is_refused(backend: BlockingHost) -> None:
    with pytest.raises(RpcError, match="not a bech32 address of regtest"):
        backend.call("regtest-mine", [1, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"])


def test_nodes_with_the_same_folder_share_the_chain(
    backend: BlockingHost, run_plugin: RunPlugin, tmp_path: Path
) -> None:
    backend.call("regtest-mine", [3])
    with BlockingHost() as other:
        other.start(BACKEND, options={"regtest-chain": str(tmp_path / "chain")})
        assert block(other, 3) == block(backend, 3)
        other.call("regtest-mine", [1])
    assert block(backend, 4)[0]
