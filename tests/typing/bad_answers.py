"""Answers that cannot be built: one mistake on each line marked so. Never run."""

from __future__ import annotations

from clnwire.hooks import (
    HtlcContinue,
    HtlcFail,
    HtlcFailOnion,
    HtlcResolve,
    InvoicePaymentFail,
    OpenChannel2ChangedContinue,
    OpenChannel2Continue,
    OpenChannel2Reject,
    OpenChannel2SignContinue,
    OpenChannelContinue,
    OpenChannelReject,
    PeerDisconnect,
    RbfChannelReject,
    Refuse,
    RpcCommandReplace,
    RpcCommandReturn,
)
from clnwire.types import Msat, Psbt, Sat, sat_to_msat

print(HtlcFail())  # mistake: a failure needs its message
print(HtlcFailOnion())  # mistake: a failure needs its onion
print(HtlcFail(failure_message=b"\x20\x02"))  # mistake: bytes are not hexadecimal text
print(HtlcResolve())  # mistake: to take an HTLC needs its preimage
print(HtlcContinue(failure_message="2002"))  # mistake: what goes on does not fail
print(HtlcContinue(invoice_msat=1000))  # mistake: an amount without its unit
print(HtlcContinue(invoice_msat=Sat(1)))  # mistake: satoshis are not millisatoshis
print(InvoicePaymentFail())  # mistake: a failure needs its message
print(OpenChannelReject(close_to="bc1q"))  # mistake: who rejects closes nothing
print(OpenChannel2Reject(psbt=Psbt("")))  # mistake: who rejects contributes nothing
print(RbfChannelReject(our_funding_msat=Msat(1)))  # mistake: who rejects contributes nothing
print(OpenChannelContinue(reserve=sat_to_msat(1)))  # mistake: the reserve is in satoshis
print(OpenChannelContinue(mindepth="3"))  # mistake: a number
print(OpenChannel2Continue(error_message="no"))  # mistake: who agrees has no error
print(OpenChannel2ChangedContinue())  # mistake: without its transaction
print(OpenChannel2SignContinue())  # mistake: without its transaction
print(PeerDisconnect(message="x"))  # mistake: no such member
print(Refuse())  # mistake: a refusal needs its reason
print(RpcCommandReplace({"method": "pay"}))  # mistake: a request, not a dict
print(RpcCommandReturn.error("no"))  # mistake: an error has a code and a message
