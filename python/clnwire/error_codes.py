"""The codes of JSON-RPC errors: those of JSON-RPC 2.0, and those of lightningd.

For `RpcError(code, message)` and to tell why a call has failed. Commands may use others as well.
Taken from lightningd's own list (`common/jsonrpc_errors.h`); its names are kept where they say
what is meant.
"""

from __future__ import annotations

from typing import Final

# JSON-RPC 2.0

PARSE_ERROR: Final = -32700
"""What came is no JSON."""
INVALID_REQUEST: Final = -32600
"""The request is no request."""
METHOD_NOT_FOUND: Final = -32601
"""There is no such method."""
INVALID_PARAMS: Final = -32602
"""The params do not fit the method."""
INTERNAL_ERROR: Final = -32603
"""The method failed for reasons that are not the caller's."""

# Any command

UNSPECIFIED: Final = -1
"""Whatever has no code of its own."""
PARAM_DEV_ERROR: Final = -2
"""The daemon declares the command's parameters wrongly."""
PLUGIN_ERROR: Final = -3
"""A plugin failed."""
PLUGIN_DIED: Final = -4
"""The plugin ended before it answered."""
LIGHTNINGD_SHUTDOWN: Final = -5
"""The daemon ends before the command has."""

# `pay`, `xpay`, `sendpay`, `waitsendpay`

PAY_IN_PROGRESS: Final = 200
"""A payment of this hash is under way, with another amount or destination."""
PAY_RHASH_ALREADY_USED: Final = 201
"""A payment of this hash has been made, with another amount or destination."""
PAY_UNPARSEABLE_ONION: Final = 202
"""The error that came back cannot be read."""
PAY_DESTINATION_PERM_FAIL: Final = 203
"""The destination refused for good."""
PAY_TRY_OTHER_ROUTE: Final = 204
"""It failed on the way; another route may do."""
PAY_ROUTE_NOT_FOUND: Final = 205
"""There is no route."""
PAY_ROUTE_TOO_EXPENSIVE: Final = 206
"""Every route costs more than is allowed."""
PAY_INVOICE_EXPIRED: Final = 207
"""The invoice is too old."""
PAY_NO_SUCH_PAYMENT: Final = 208
"""There is no payment of this hash."""
PAY_UNSPECIFIED_ERROR: Final = 209
"""It failed, and nothing more is known."""
PAY_STOPPED_RETRYING: Final = 210
"""It failed often enough, or took too long."""
PAY_STATUS_UNEXPECTED: Final = 211
"""The payment is in another state than the one that was named."""

# `fundchannel` and its relatives, `withdraw`

FUND_MAX_EXCEEDED: Final = 300
"""More than a channel may hold."""
FUND_CANNOT_AFFORD: Final = 301
"""The wallet has not so much, with the fees."""
FUND_OUTPUT_IS_DUST: Final = 302
"""The output would be too small for the network."""
FUNDING_BROADCAST_FAIL: Final = 303
"""The transaction was not accepted by the network."""
FUNDING_STILL_SYNCING_BITCOIN: Final = 304
"""The daemon does not know the whole chain yet."""
FUNDING_PEER_NOT_CONNECTED: Final = 305
"""The peer is not connected."""
FUNDING_UNKNOWN_PEER: Final = 306
"""There is no such peer."""
FUNDING_NOTHING_TO_CANCEL: Final = 307
"""No channel is being opened."""
FUNDING_CANCEL_NOT_SAFE: Final = 308
"""The transaction may be on its way already."""
FUNDING_PSBT_INVALID: Final = 309
"""The transaction lacks what it needs."""
FUNDING_V2_NOT_SUPPORTED: Final = 310
"""One of the two cannot open channels by version 2."""
FUNDING_UNKNOWN_CHANNEL: Final = 311
"""There is no such channel."""
FUNDING_STATE_INVALID: Final = 312
"""The channel is not in a state that allows this."""
FUND_CANNOT_AFFORD_WITH_EMERGENCY: Final = 313
"""Less than `min-emergency-msat` would be left in the wallet."""

# `connect`

CONNECT_NO_KNOWN_ADDRESS: Final = 400
"""No address of the node is known."""
CONNECT_ALL_ADDRESSES_FAILED: Final = 401
"""None of the node's addresses answers."""

# Secrets

HSM_ECDH_FAILED: Final = 800
"""The keeper of the node's secret could not compute a shared one."""

# `invoice`, `delinvoice`, `waitinvoice`

INVOICE_LABEL_ALREADY_EXISTS: Final = 900
"""There is an invoice of this label."""
INVOICE_PREIMAGE_ALREADY_EXISTS: Final = 901
"""There is an invoice of this preimage."""
INVOICE_HINTS_GAVE_NO_ROUTES: Final = 902
"""None of the channels that were named can be used."""
INVOICE_EXPIRED_DURING_WAIT: Final = 903
"""It has become too old while waiting."""
INVOICE_WAIT_TIMED_OUT: Final = 904
"""It was not paid in time."""
INVOICE_NOT_FOUND: Final = 905
"""There is no such invoice."""
INVOICE_STATUS_UNEXPECTED: Final = 906
"""The invoice is in another state than the one that was named."""
INVOICE_OFFER_INACTIVE: Final = 907
"""The offer that it belongs to does not hold any more."""

# Offers

OFFER_ALREADY_EXISTS: Final = 1000
"""There is such an offer."""
OFFER_ALREADY_DISABLED: Final = 1001
"""It does not hold any more."""
OFFER_EXPIRED: Final = 1002
"""It is too old."""
OFFER_ROUTE_NOT_FOUND: Final = 1003
"""There is no way to whom it comes from."""
OFFER_BAD_INVREQ_REPLY: Final = 1004
"""What came back is no invoice, or not the one that was asked for."""
OFFER_TIMEOUT: Final = 1005
"""Nothing came back in time."""

# `datastore`, `deldatastore`

DATASTORE_DEL_DOES_NOT_EXIST: Final = 1200
"""There is nothing to delete."""
DATASTORE_DEL_WRONG_GENERATION: Final = 1201
"""It has been changed since."""
DATASTORE_UPDATE_ALREADY_EXISTS: Final = 1202
"""There is something already."""
DATASTORE_UPDATE_DOES_NOT_EXIST: Final = 1203
"""There is nothing to change."""
DATASTORE_UPDATE_WRONG_GENERATION: Final = 1204
"""It has been changed since."""
DATASTORE_UPDATE_HAS_CHILDREN: Final = 1205
"""The key has keys below it, so it can have no value."""
DATASTORE_UPDATE_NO_CHILDREN: Final = 1206
"""A key above it has a value, so it can have no keys below."""

# Runes

RUNE_NOT_AUTHORIZED: Final = 1501
"""The rune is not of this node."""
RUNE_NOT_PERMITTED: Final = 1502
"""The rune does not allow this command."""
RUNE_BLACKLISTED: Final = 1503
"""The rune has been withdrawn."""

# `wait` and its relatives

WAIT_TIMEOUT: Final = 2000
"""It did not happen in time."""
