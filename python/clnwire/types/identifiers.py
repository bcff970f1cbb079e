"""Keys, hashes, transactions and bytes as the daemon's texts, and integers by their width."""

from typing import Annotated, NewType, TypeAlias

from clnwire.types._rules import Hexadecimal, Unsigned

BlockHeight = NewType("BlockHeight", int)
"""The height of a block: the number of blocks before it in the chain; 32 bits."""
PublicKey = NewType("PublicKey", str)
"""A compressed secp256k1 public key, such as a node id: 33 bytes, 66 hexadecimal digits."""
Hash = NewType("Hash", str)
"""A block hash or a payment hash: 32 bytes, 64 hexadecimal digits."""
ChannelId = NewType("ChannelId", str)
"""A channel id (BOLT 2): 32 bytes, 64 hexadecimal digits."""
Txid = NewType("Txid", str)
"""A transaction id as block explorers show it: 32 bytes, 64 hexadecimal digits."""
Outpoint = NewType("Outpoint", str)
"""A transaction output: its txid, a colon, and the output's index."""
Secret = NewType("Secret", str)
"""A preimage or a shared secret: 32 bytes, 64 hexadecimal digits. Keep it out of logs."""
Hex = NewType("Hex", str)
"""Bytes as hexadecimal digits, two a byte; `bytes.fromhex` turns them into `bytes`."""
Psbt = NewType("Psbt", str)
"""A partially signed transaction (BIP 174, BIP 370) in base64."""

HexBytes: TypeAlias = Annotated[str, Hexadecimal()]
"""In an answer: bytes in hexadecimal."""
Hex32: TypeAlias = Annotated[str, Hexadecimal(exactly=32)]
"""In an answer: 32 bytes in hexadecimal."""
FailureHex: TypeAlias = Annotated[str, Hexadecimal(at_least=2)]
"""In an answer: a failure message of BOLT 4 in hexadecimal, two bytes of code and then its data."""

U8: TypeAlias = Annotated[int, Unsigned(8)]
"""An unsigned integer of 8 bits."""
U16: TypeAlias = Annotated[int, Unsigned(16)]
"""An unsigned integer of 16 bits."""
U32: TypeAlias = Annotated[int, Unsigned(32)]
"""An unsigned integer of 32 bits."""
U64: TypeAlias = Annotated[int, Unsigned(64)]
"""An unsigned integer of 64 bits."""


def split_outpoint(text: str) -> tuple[Txid, int]:
    """The txid and the output index of an outpoint. Raises `ValueError` for other texts."""
    txid, _, index = text.partition(":")
    well_formed = index.isascii() and index.isdigit()
    if Hexadecimal(exactly=32).problem(txid) or not well_formed:
        raise ValueError(f"not an outpoint: {text!r}; write it as <64 hexadecimal digits>:0")
    return Txid(txid), int(index)
