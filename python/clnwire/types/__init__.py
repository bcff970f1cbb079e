"""Types for the values in the daemon's messages: amounts, ids, hashes, heights.

Type checkers tell these types apart, so that satoshis do not pass for millisatoshis. At run time
they are the plain `int` and `str` of JSON, which costs nothing. clnwire does not check values in
events; it checks values in answers when the answer is built.
"""

from clnwire._wire.lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "_rules": "Hexadecimal Known Unsigned",
        "amounts": (
            "MSAT_PER_BTC MSAT_PER_SAT Msat Sat format_msat msat_to_btc msat_to_sat parse_msat "
            "sat_to_msat"
        ),
        "channels": (
            "ShortChannelId ShortChannelIdDir ShortChannelIdParts direction_between "
            "format_short_channel_id parse_short_channel_id short_channel_id_from_int "
            "short_channel_id_to_int split_short_channel_id_dir"
        ),
        "identifiers": (
            "BlockHeight ChannelId FailureHex Hash Hex Hex32 HexBytes Outpoint Psbt PublicKey "
            "Secret Txid U16 U32 U64 U8 split_outpoint"
        ),
    },
)
