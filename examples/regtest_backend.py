#!/usr/bin/env python3
"""A Bitcoin backend that keeps a regtest chain in a folder, so that a node needs no bitcoind.

    lightningd --network=regtest --disable-plugin=bcli --plugin=examples/regtest_backend.py

Nodes with the same folder in `--regtest-chain` share the chain. `regtest-mine` mines blocks with
the transactions that the nodes have sent, and pays the reward to an address. Blocks meet regtest's
difficulty and commit to their transactions. Scripts and signatures are not checked, so use it for
tests only.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import struct
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from clnwire import Plugin, RpcError

GENESIS_TIME, BITS, REWARD_SAT = 1296688602, 0x207FFFFF, 50_0000_0000
TARGET = 0x7FFFFF << (8 * (0x20 - 3))
SECONDS_PER_BLOCK = 600
ANYONE_CAN_SPEND = b"\x51"
SEGWIT_MARKER = b"\x00\x01"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENESIS_COINBASE = bytes.fromhex(
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d01"
    "04455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f662073"
    "65636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe55482719"
    "67f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a"
    "4c702b6bf11d5fac00000000"
)


def hash256(data: bytes) -> bytes:
    """Bitcoin's double SHA-256, in the byte order of blocks."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def compact(number: int) -> bytes:
    """Bitcoin's variable-length integer."""
    if number < 0xFD:
        return bytes([number])
    return (
        b"\xfd" + struct.pack("<H", number)
        if number <= 0xFFFF
        else b"\xfe" + struct.pack("<I", number)
    )


class Reader:
    """Reads a transaction's bytes in order."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def take(self, count: int) -> bytes:
        """The next bytes. Raises `ValueError` if there are fewer."""
        if self.at + count > len(self.data):
            raise ValueError("the transaction ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self) -> int:
        """The next variable-length integer."""
        first = self.take(1)[0]
        sizes = {0xFD: 2, 0xFE: 4, 0xFF: 8}
        return int.from_bytes(self.take(sizes[first]), "little") if first in sizes else first


@dataclass
class Transaction:
    """The parts of a transaction that the chain needs."""

    raw: bytes
    stripped: bytes
    """The bytes without witnesses, whose hash is the txid."""
    spends: list[tuple[bytes, int]]
    """The spent outputs, each as txid and index."""
    outputs: list[tuple[int, bytes]]
    """Amounts in sat, and scripts."""

    @property
    def txid(self) -> bytes:
        """The txid in the byte order of blocks."""
        return hash256(self.stripped)


def parse(data: bytes, at: int = 0) -> tuple[Transaction, int]:
    """The transaction at the offset `at`, and the offset of its end. Raises `ValueError` if it is
    cut short."""
    reader = Reader(data, at)
    version = reader.take(4)
    has_witness = data[reader.at : reader.at + 2] == SEGWIT_MARKER
    if has_witness:
        reader.take(2)
    body = reader.at
    spends: list[tuple[bytes, int]] = []
    for _ in range(reader.number()):
        spends.append((reader.take(32), int.from_bytes(reader.take(4), "little")))
        reader.take(reader.number() + 4)
    outputs = [
        (int.from_bytes(reader.take(8), "little"), reader.take(reader.number()))
        for _ in range(reader.number())
    ]
    end_of_body = reader.at
    for _ in spends if has_witness else ():
        for _ in range(reader.number()):
            reader.take(reader.number())
    stripped = version + data[body:end_of_body] + reader.take(4)
    return Transaction(data[at : reader.at], stripped, spends, outputs), reader.at


def merkle_root(hashes: list[bytes]) -> bytes:
    """The Merkle root of the hashes."""
    while len(hashes) > 1:
        if len(hashes) % 2:
            hashes = [*hashes, hashes[-1]]
        hashes = [hash256(hashes[i] + hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


def coinbase(height: int, script: bytes, transactions: list[Transaction]) -> Transaction:
    """The block's first transaction. It pays the reward and commits to the witnesses (BIP 141)."""
    reserved = bytes(32)
    witnesses = [bytes(32), *(hash256(each.raw) for each in transactions)]
    commitment = b"\x6a\x24\xaa\x21\xa9\xed" + hash256(merkle_root(witnesses) + reserved)
    height_push = b"\x03" + struct.pack("<I", height)[:3]
    spent = (
        b"\x01" + bytes(32) + b"\xff" * 4 + compact(len(height_push)) + height_push + b"\xff" * 4
    )
    outputs = [(REWARD_SAT, script), (0, commitment)]
    paid = b"".join(struct.pack("<q", sat) + compact(len(to)) + to for sat, to in outputs)
    body = spent + compact(len(outputs)) + paid
    version, lock_time = struct.pack("<i", 2), bytes(4)
    raw = version + SEGWIT_MARKER + body + b"\x01\x20" + reserved + lock_time
    return parse(raw)[0]


def proven_header(previous: bytes, root: bytes, time: int) -> bytes:
    """A header whose hash meets regtest's difficulty."""
    start = struct.pack("<i", 0x20000000) + previous + root + struct.pack("<II", time, BITS)
    nonce = 0
    while int.from_bytes(hash256(start + struct.pack("<I", nonce)), "little") > TARGET:
        nonce += 1
    return start + struct.pack("<I", nonce)


def script_of(address: str) -> bytes:
    """The script of a bech32 address of regtest. Raises `ValueError` for other addresses."""
    prefix, separator, data = address.lower().rpartition("1")
    if prefix != "bcrt" or not separator or len(data) < 8 or any(c not in BECH32 for c in data):
        raise ValueError(f"{address} is not a bech32 address of regtest (bcrt1…)")
    values = [BECH32.index(character) for character in data[:-6]]
    version, bits = values[0], "".join(f"{value:05b}" for value in values[1:])
    program = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits) // 8 * 8, 8))
    return bytes([0x50 + version if version else 0, len(program)]) + program


@dataclass
class Chain:
    """The blocks and the transactions for the next one, in a folder that several nodes may
    share."""

    folder: Path
    blocks: list[bytes] = field(default_factory=list)
    transactions: dict[bytes, Transaction] = field(default_factory=dict)
    spent: set[tuple[bytes, int]] = field(default_factory=set)
    read: int = 0
    """The length in bytes of the part of the blocks' file that has been read."""

    @contextlib.contextmanager
    def locked(self) -> Generator[None, None, None]:
        """Locks the folder against other nodes, and reads the blocks that they have mined."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refresh()
            yield

    def refresh(self) -> None:
        """Reads the blocks that were added to the file."""
        path = self.folder / "blocks"
        if not path.exists():
            self.append(self.genesis())
        with path.open() as file:
            file.seek(self.read)
            lines = file.readlines()
            self.read = file.tell()
        for line in lines:
            self.take_in(bytes.fromhex(line))

    def genesis(self) -> bytes:
        """Regtest's first block."""
        root, rest = hash256(GENESIS_COINBASE), struct.pack("<III", GENESIS_TIME, BITS, 2)
        return struct.pack("<i", 1) + bytes(32) + root + rest + b"\x01" + GENESIS_COINBASE

    def append(self, block: bytes) -> None:
        """Adds a block to the file."""
        with (self.folder / "blocks").open("a") as file:
            file.write(block.hex() + "\n")

    def take_in(self, block: bytes) -> None:
        """Adds a block and its transactions to those in memory."""
        self.blocks.append(block)
        reader = Reader(block, 80)
        for _ in range(reader.number()):
            transaction, reader.at = parse(block, reader.at)
            self.transactions[transaction.txid] = transaction
            self.spent.update(transaction.spends)

    def waiting(self) -> list[Transaction]:
        """The transactions for the next block, in the order in which they were sent."""
        folder = self.folder / "mempool"
        files = sorted(folder.glob("*"), key=lambda file: file.stat().st_mtime_ns)
        return [parse(file.read_bytes())[0] for file in files]

    def send(self, raw: bytes) -> None:
        """Keeps a transaction for the next block. Raises `ValueError` if no block can have it."""
        transaction, end = parse(raw)
        if end != len(raw):
            raise ValueError("the transaction has bytes after its end")
        name = transaction.txid[::-1].hex()
        taken = self.spent.union(
            *(each.spends for each in self.waiting() if each.txid[::-1].hex() != name)
        )
        if transaction.txid in self.transactions:
            raise ValueError("the transaction is already in a block")
        if double := taken.intersection(transaction.spends):
            raise ValueError(f"an output of {next(iter(double))[0][::-1].hex()} is already spent")
        folder = self.folder / "mempool"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(raw)

    def mine(self, script: bytes) -> None:
        """Adds a block with the transactions that wait for one."""
        transactions, height = self.waiting(), len(self.blocks)
        reward = coinbase(height, script, transactions)
        root = merkle_root([each.txid for each in (reward, *transactions)])
        time = GENESIS_TIME + height * SECONDS_PER_BLOCK
        header = proven_header(hash256(self.blocks[-1][:80]), root, time)
        body = b"".join(each.raw for each in (reward, *transactions))
        self.append(header + compact(1 + len(transactions)) + body)
        for each in transactions:
            (self.folder / "mempool" / each.txid[::-1].hex()).unlink()
        self.refresh()


plugin = Plugin(dynamic=False)
folder = plugin.option(
    "regtest-chain", "regtest-chain", description="The folder of the chain, for nodes to share"
)
chain = Chain(Path())


@plugin.on_init
def on_init() -> None:
    chain.folder = Path(folder.value)


class ChainInfo(TypedDict):
    """The result of `getchaininfo`."""

    chain: str
    headercount: int
    blockcount: int
    ibd: bool


@plugin.method("getchaininfo")
def getchaininfo(last_height: int | None = None) -> ChainInfo:
    """The chain's name and its height."""
    with chain.locked():
        height = len(chain.blocks) - 1
    return {"chain": "regtest", "headercount": height, "blockcount": height, "ibd": False}


@plugin.method("getrawblockbyheight")
def getrawblockbyheight(height: int) -> dict[str, str | None]:
    """The block at a height, or nulls if the chain is shorter."""
    with chain.locked():
        block = chain.blocks[height] if height < len(chain.blocks) else None
    if block is None:
        return {"blockhash": None, "block": None}
    return {"blockhash": hash256(block[:80])[::-1].hex(), "block": block.hex()}


@plugin.method("getutxout")
def getutxout(txid: str, vout: int) -> dict[str, int | str | None]:
    """The amount (sat) and script of an unspent output of a block, or nulls."""
    with chain.locked():
        transaction = chain.transactions.get(bytes.fromhex(txid)[::-1])
        if transaction is None or (transaction.txid, vout) in chain.spent:
            return {"amount": None, "script": None}
        amount, script = transaction.outputs[vout]
    return {"amount": amount, "script": script.hex()}


@plugin.method("sendrawtransaction")
def sendrawtransaction(tx: str, allowhighfees: bool = False) -> dict[str, bool | str]:
    """Keeps a transaction for the next block."""
    try:
        with chain.locked():
            chain.send(bytes.fromhex(tx))
    except ValueError as error:
        return {"success": False, "errmsg": str(error)}
    return {"success": True, "errmsg": ""}


@plugin.method("estimatefees")
def estimatefees() -> dict[str, object]:
    """Constant feerates, in sat per 1000 vbytes."""
    rates = {2: 5000, 6: 4000, 12: 3000, 100: 1000}
    feerates = [{"blocks": blocks, "feerate": feerate} for blocks, feerate in rates.items()]
    return {"feerate_floor": 1000, "feerates": feerates}


@plugin.method("regtest-mine")
def mine(blocks: int = 1, address: str | None = None) -> dict[str, int]:
    """Mines blocks and pays their rewards to the address; without one, anyone can spend them."""
    try:
        script = ANYONE_CAN_SPEND if address is None else script_of(address)
    except ValueError as error:
        raise RpcError(-32602, f"regtest-mine: {error}") from error
    with chain.locked():
        for _ in range(blocks):
            chain.mine(script)
        return {"height": len(chain.blocks) - 1}


if __name__ == "__main__":
    plugin.run()
