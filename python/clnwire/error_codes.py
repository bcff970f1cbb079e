"""The codes of JSON-RPC errors, of JSON-RPC 2.0 and of lightningd.

Use them in `RpcError(code, message)`, and to find out why a call has failed. Commands may use other
codes as well. Source: `common/jsonrpc_errors.h` of lightningd, whose names are kept, without
`JSONRPC2_`.
"""

from typing import Final

# JSON-RPC 2.0

PARSE_ERROR: Final = -32700
"""The request is not JSON."""
INVALID_REQUEST: Final = -32600
"""The JSON is not a valid request."""
METHOD_NOT_FOUND: Final = -32601
"""The method does not exist."""
INVALID_PARAMS: Final = -32602
"""The params are invalid for the method."""
INTERNAL_ERROR: Final = -32603
"""The method failed, and not because of the request."""

# Any command

UNSPECIFIED: Final = -1
"""An error without a code of its own."""
PARAM_DEV_ERROR: Final = -2
"""The daemon's declaration of the command's parameters is wrong (a bug in lightningd)."""
PLUGIN_ERROR: Final = -3
"""A plugin failed."""
PLUGIN_DIED: Final = -4
"""The plugin ended before it answered."""
LIGHTNINGD_SHUTDOWN: Final = -5
"""The daemon is shutting down and did not complete the command."""

# `pay`, `xpay`, `sendpay`, `waitsendpay`

PAY_IN_PROGRESS: Final = 200
"""A payment of this hash is in progress, with another amount or destination."""
PAY_RHASH_ALREADY_USED: Final = 201
"""A payment of this hash has succeeded before, with another amount or destination."""
PAY_UNPARSEABLE_ONION: Final = 202
"""The onion error from the route cannot be parsed."""
PAY_DESTINATION_PERM_FAIL: Final = 203
"""The destination failed the payment permanently."""
PAY_TRY_OTHER_ROUTE: Final = 204
"""The payment failed on its route; another route may succeed."""
PAY_ROUTE_NOT_FOUND: Final = 205
"""No route to the destination was found."""
PAY_ROUTE_TOO_EXPENSIVE: Final = 206
"""Every route found exceeds the limit for the fee or the delay."""
PAY_INVOICE_EXPIRED: Final = 207
"""The invoice has expired."""
PAY_NO_SUCH_PAYMENT: Final = 208
"""There is no payment of this hash."""
PAY_UNSPECIFIED_ERROR: Final = 209
"""The payment failed for an unknown reason."""
PAY_STOPPED_RETRYING: Final = 210
"""The payment was given up after too many attempts or too long a time."""
PAY_STATUS_UNEXPECTED: Final = 211
"""The payment does not have the status that the request names."""

# `fundchannel` and its relatives, `withdraw`

FUND_MAX_EXCEEDED: Final = 300
"""The amount exceeds the maximum of a channel."""
FUND_CANNOT_AFFORD: Final = 301
"""The wallet's funds do not cover the amount and the fees."""
FUND_OUTPUT_IS_DUST: Final = 302
"""The output would be below the dust limit."""
FUNDING_BROADCAST_FAIL: Final = 303
"""Broadcasting the transaction failed."""
FUNDING_STILL_SYNCING_BITCOIN: Final = 304
"""The Bitcoin backend is still syncing."""
FUNDING_PEER_NOT_CONNECTED: Final = 305
"""The peer is not connected."""
FUNDING_UNKNOWN_PEER: Final = 306
"""The peer is unknown."""
FUNDING_NOTHING_TO_CANCEL: Final = 307
"""No channel is being opened that could be cancelled."""
FUNDING_CANCEL_NOT_SAFE: Final = 308
"""Cancelling is unsafe: the funding transaction may have been broadcast."""
FUNDING_PSBT_INVALID: Final = 309
"""The PSBT is invalid."""
FUNDING_V2_NOT_SUPPORTED: Final = 310
"""This node or the peer does not support channel establishment v2 (dual funding)."""
FUNDING_UNKNOWN_CHANNEL: Final = 311
"""The channel is unknown."""
FUNDING_STATE_INVALID: Final = 312
"""The channel's state does not allow the command."""
FUND_CANNOT_AFFORD_WITH_EMERGENCY: Final = 313
"""The wallet would keep less than `min-emergency-msat`."""

# `connect`

CONNECT_NO_KNOWN_ADDRESS: Final = 400
"""No address of the node is known."""
CONNECT_ALL_ADDRESSES_FAILED: Final = 401
"""No connection to any of the node's addresses succeeded."""

# Secrets

HSM_ECDH_FAILED: Final = 800
"""hsmd failed to compute the ECDH shared secret."""

# `invoice`, `delinvoice`, `waitinvoice`

INVOICE_LABEL_ALREADY_EXISTS: Final = 900
"""An invoice with this label exists."""
INVOICE_PREIMAGE_ALREADY_EXISTS: Final = 901
"""An invoice with this preimage exists."""
INVOICE_HINTS_GAVE_NO_ROUTES: Final = 902
"""None of the channels given for route hints can be used."""
INVOICE_EXPIRED_DURING_WAIT: Final = 903
"""The invoice expired while the command was waiting for it."""
INVOICE_WAIT_TIMED_OUT: Final = 904
"""The invoice was not paid within the time-out."""
INVOICE_NOT_FOUND: Final = 905
"""The invoice does not exist."""
INVOICE_STATUS_UNEXPECTED: Final = 906
"""The invoice does not have the status that the request names."""
INVOICE_OFFER_INACTIVE: Final = 907
"""The invoice's offer is not active any more."""

# Offers

OFFER_ALREADY_EXISTS: Final = 1000
"""The offer exists already."""
OFFER_ALREADY_DISABLED: Final = 1001
"""The offer is disabled already."""
OFFER_EXPIRED: Final = 1002
"""The offer has expired."""
OFFER_ROUTE_NOT_FOUND: Final = 1003
"""No route to the offer's issuer was found."""
OFFER_BAD_INVREQ_REPLY: Final = 1004
"""The reply to the invoice request is not an invoice, or does not match the request."""
OFFER_TIMEOUT: Final = 1005
"""No reply to the invoice request came within the time-out."""

# `datastore`, `deldatastore`

DATASTORE_DEL_DOES_NOT_EXIST: Final = 1200
"""The key to delete does not exist."""
DATASTORE_DEL_WRONG_GENERATION: Final = 1201
"""The entry's generation is not the one given: the entry has changed since."""
DATASTORE_UPDATE_ALREADY_EXISTS: Final = 1202
"""The key to create exists already."""
DATASTORE_UPDATE_DOES_NOT_EXIST: Final = 1203
"""The key to replace or append to does not exist."""
DATASTORE_UPDATE_WRONG_GENERATION: Final = 1204
"""The entry's generation is not the one given: the entry has changed since."""
DATASTORE_UPDATE_HAS_CHILDREN: Final = 1205
"""The key cannot have a value, because it has children."""
DATASTORE_UPDATE_NO_CHILDREN: Final = 1206
"""The key cannot be created, because one of its parents has a value."""

# Runes

RUNE_NOT_AUTHORIZED: Final = 1501
"""The rune was not issued by this node."""
RUNE_NOT_PERMITTED: Final = 1502
"""The rune's restrictions do not permit the command."""
RUNE_BLACKLISTED: Final = 1503
"""The rune is blacklisted."""

# `wait` and its relatives

WAIT_TIMEOUT: Final = 2000
"""The event did not occur within the time-out."""
