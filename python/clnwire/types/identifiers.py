"""Keys, hashes, transactions and bytes, as the texts that the daemon uses; and whole numbers."""

from __future__ import annotations

from typing import Annotated, NewType, TypeAlias

from clnwire.types._rules import Hexadecimal, Unsigned

BlockHeight = NewType("BlockHeight", int)
"""How many blocks the chain has below this one: 32 bits."""
PublicKey = NewType("PublicKey", str)
"""A compressed public key of secp256k1, such as a node's id: 66 hexadecimal digits."""
Hash = NewType("Hash", str)
"""The hash of a block, or a payment's hash: 32 bytes, 64 hexadecimal digits."""
ChannelId = NewType("ChannelId", str)
"""A channel's id (BOLT 2): 32 bytes, 64 hexadecimal digits."""
Txid = NewType("Txid", str)
"""A transaction's id, as block explorers show it: 64 hexadecimal digits."""
Outpoint = NewType("Outpoint", str)
"""An output of a transaction: its txid, a colon, and the output's index."""
Secret = NewType("Secret", str)
"""A preimage or a shared secret: 32 bytes, 64 hexadecimal digits. Keep it out of logs."""
Hex = NewType("Hex", str)
"""Bytes, two hexadecimal digits each; `bytes.fromhex` turns them into `bytes`."""
Psbt = NewType("Psbt", str)
"""A partially signed transaction (BIP 174, BIP 370) in base64."""

HexBytes: TypeAlias = Annotated[str, Hexadecimal()]
"""For an answer: bytes in hexadecimal."""
Hex32: TypeAlias = Annotated[str, Hexadecimal(exactly=32)]
"""For an answer: 32 bytes in hexadecimal."""
FailureHex: TypeAlias = Annotated[str, Hexadecimal(at_least=2)]
"""For an answer: a failure message of BOLT 4 in hexadecimal, two bytes of code and its data."""

U8: TypeAlias = Annotated[int, Unsigned(8)]
"""An unsigned number of 8 bits."""
U16: TypeAlias = Annotated[int, Unsigned(16)]
"""An unsigned number of 16 bits."""
U32: TypeAlias = Annotated[int, Unsigned(32)]
"""An unsigned number of 32 bits."""
U64: TypeAlias = Annotated[int, Unsigned(64)]
"""An unsigned number of 64 bits."""


def split_outpoint(text: str) -> tuple[Txid, int]:
    """Takes an outpoint apart into transaction and output index. Raises `ValueError`."""
    txid, _, index = text.partition(":")
    well_formed = index.isascii() and index.isdigit()
    if Hexadecimal(exactly=32).problem(txid) or not well_formed:
        raise ValueError(f"no outpoint: {text!r}; it looks like <64 hexadecimal digits>:0")
    return Txid(txid), int(index)
