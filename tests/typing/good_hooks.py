"""What a handler of each hook takes and may answer, down to the last member. Checked, never run."""

from __future__ import annotations

from typing import Any

from msgspec import Raw
from typing_extensions import assert_type

from clnwire import Plugin
from clnwire.hooks import (
    CONTINUE,
    BlindedPath,
    CommitmentRevocation,
    Continue,
    CustomMsg,
    DbWrite,
    HtlcAccepted,
    HtlcContinue,
    HtlcFail,
    HtlcFailOnion,
    HtlcResolve,
    InvoicePayment,
    InvoicePaymentFail,
    InvoicePaymentReject,
    OnionField,
    OnionMessageHandled,
    OnionMessageRecv,
    OnionMessageRecvSecret,
    OpenChannel,
    OpenChannel2,
    OpenChannel2Changed,
    OpenChannel2ChangedContinue,
    OpenChannel2Continue,
    OpenChannel2Reject,
    OpenChannel2Sign,
    OpenChannel2SignContinue,
    OpenChannelContinue,
    OpenChannelReject,
    PeerConnected,
    PeerDisconnect,
    RbfChannel,
    RbfChannelContinue,
    RbfChannelReject,
    Recover,
    Refuse,
    RpcCommand,
    RpcCommandReplace,
    RpcCommandReturn,
)
from clnwire.types import (
    BlockHeight,
    ChannelId,
    Hash,
    Hex,
    Msat,
    Psbt,
    PublicKey,
    Sat,
    Secret,
    ShortChannelId,
    Txid,
    sat_to_msat,
)

plugin = Plugin()
which = int(input("which answer? "))


@plugin.hook("commitment_revocation")
def commitment_revocation(event: CommitmentRevocation) -> Continue | Refuse:
    assert_type(event.commitment_txid, Txid)
    assert_type(event.penalty_tx, Hex)
    assert_type(event.channel_id, ChannelId)
    assert_type(event.commitnum, int)
    if which == 0:
        return Refuse("no")
    return CONTINUE


@plugin.hook("custommsg")
def custommsg(event: CustomMsg) -> Continue:
    assert_type(event.peer_id, PublicKey)
    assert_type(event.payload, Hex)
    return CONTINUE


@plugin.hook("db_write")
def db_write(event: DbWrite) -> Continue | Refuse:
    assert_type(event.writes, list[str])
    assert_type(event.data_version, int | None)
    if which == 0:
        return Refuse("no")
    return CONTINUE


@plugin.hook("htlc_accepted")
def htlc_accepted(
    event: HtlcAccepted,
) -> Continue | HtlcContinue | HtlcFail | HtlcFailOnion | HtlcResolve:
    assert_type(event.onion.payload, Hex)
    assert_type(event.onion.next_onion, Hex)
    assert_type(event.onion.shared_secret, Secret)
    assert_type(event.onion.type, str | None)
    assert_type(event.onion.short_channel_id, ShortChannelId | None)
    assert_type(event.onion.next_node_id, PublicKey | None)
    assert_type(event.onion.forward_msat, Msat | None)
    assert_type(event.onion.outgoing_cltv_value, BlockHeight | None)
    assert_type(event.onion.total_msat, Msat | None)
    assert_type(event.onion.payment_secret, Secret | None)
    assert_type(event.onion.payment_metadata, Hex | None)
    assert_type(event.htlc.short_channel_id, ShortChannelId)
    assert_type(event.htlc.id, int)
    assert_type(event.htlc.amount_msat, Msat)
    assert_type(event.htlc.cltv_expiry, BlockHeight)
    assert_type(event.htlc.cltv_expiry_relative, int)
    assert_type(event.htlc.payment_hash, Hash)
    assert_type(event.htlc.extra_tlvs, Hex | None)
    assert_type(event.peer_id, PublicKey | None)
    assert_type(event.forward_to, ChannelId | None)
    if which == 0:
        return HtlcContinue(invoice_msat=Msat(1))
    if which == 1:
        return HtlcFail(failure_message="2002")
    if which == 2:
        return HtlcFailOnion(failure_onion="00")
    if which == 3:
        return HtlcResolve(payment_key="00" * 32)
    return CONTINUE


@plugin.hook("invoice_payment")
def invoice_payment(event: InvoicePayment) -> Continue | InvoicePaymentReject | InvoicePaymentFail:
    assert_type(event.payment.label, str)
    assert_type(event.payment.preimage, Secret)
    assert_type(event.payment.msat, Msat)
    assert_type(event.payment.extratlvs, list[dict[str, Any]] | None)
    if which == 0:
        return InvoicePaymentReject()
    if which == 1:
        return InvoicePaymentFail(failure_message="2002")
    return CONTINUE


@plugin.hook("onion_message_recv")
def onion_message_recv(event: OnionMessageRecv) -> Continue | OnionMessageHandled:
    assert_type(event.onion_message.reply_blindedpath, BlindedPath | None)
    assert_type(event.onion_message.invoice_request, Hex | None)
    assert_type(event.onion_message.invoice, Hex | None)
    assert_type(event.onion_message.invoice_error, Hex | None)
    assert_type(event.onion_message.unknown_fields, list[OnionField] | None)
    if which == 0:
        return OnionMessageHandled()
    return CONTINUE


@plugin.hook("onion_message_recv_secret")
def onion_message_recv_secret(event: OnionMessageRecvSecret) -> Continue | OnionMessageHandled:
    assert_type(event.onion_message.reply_blindedpath, BlindedPath | None)
    assert_type(event.onion_message.invoice_request, Hex | None)
    assert_type(event.onion_message.invoice, Hex | None)
    assert_type(event.onion_message.invoice_error, Hex | None)
    assert_type(event.onion_message.unknown_fields, list[OnionField] | None)
    assert_type(event.onion_message.pathsecret, Secret)
    if which == 0:
        return OnionMessageHandled()
    return CONTINUE


@plugin.hook("openchannel")
def openchannel(event: OpenChannel) -> Continue | OpenChannelContinue | OpenChannelReject:
    assert_type(event.openchannel.id, PublicKey)
    assert_type(event.openchannel.funding_msat, Msat)
    assert_type(event.openchannel.push_msat, Msat)
    assert_type(event.openchannel.dust_limit_msat, Msat)
    assert_type(event.openchannel.max_htlc_value_in_flight_msat, Msat)
    assert_type(event.openchannel.channel_reserve_msat, Msat)
    assert_type(event.openchannel.htlc_minimum_msat, Msat)
    assert_type(event.openchannel.feerate_per_kw, int)
    assert_type(event.openchannel.to_self_delay, int)
    assert_type(event.openchannel.max_accepted_htlcs, int)
    assert_type(event.openchannel.channel_flags, int)
    assert_type(event.openchannel.channel_type.bits, list[int])
    assert_type(event.openchannel.channel_type.names, list[str])
    assert_type(event.openchannel.shutdown_scriptpubkey, Hex | None)
    if which == 0:
        return OpenChannelContinue(close_to="bc1q", mindepth=1, reserve=Sat(1000))
    if which == 1:
        return OpenChannelReject(error_message="no")
    return CONTINUE


@plugin.hook("openchannel2")
def openchannel2(event: OpenChannel2) -> Continue | OpenChannel2Continue | OpenChannel2Reject:
    assert_type(event.openchannel2.id, PublicKey)
    assert_type(event.openchannel2.channel_id, ChannelId)
    assert_type(event.openchannel2.their_funding_msat, Msat)
    assert_type(event.openchannel2.dust_limit_msat, Msat)
    assert_type(event.openchannel2.max_htlc_value_in_flight_msat, Msat)
    assert_type(event.openchannel2.htlc_minimum_msat, Msat)
    assert_type(event.openchannel2.funding_feerate_per_kw, int)
    assert_type(event.openchannel2.commitment_feerate_per_kw, int)
    assert_type(event.openchannel2.feerate_our_max, int)
    assert_type(event.openchannel2.feerate_our_min, int)
    assert_type(event.openchannel2.to_self_delay, int)
    assert_type(event.openchannel2.max_accepted_htlcs, int)
    assert_type(event.openchannel2.channel_flags, int)
    assert_type(event.openchannel2.locktime, int)
    assert_type(event.openchannel2.channel_max_msat, Msat)
    assert_type(event.openchannel2.require_confirmed_inputs, bool)
    assert_type(event.openchannel2.channel_type.bits, list[int])
    assert_type(event.openchannel2.channel_type.names, list[str])
    assert_type(event.openchannel2.shutdown_scriptpubkey, Hex | None)
    assert_type(event.openchannel2.requested_lease_msat, Msat | None)
    assert_type(event.openchannel2.lease_blockheight_start, BlockHeight | None)
    assert_type(event.openchannel2.node_blockheight, BlockHeight | None)
    if which == 0:
        return OpenChannel2Continue(psbt=Psbt(""), our_funding_msat=sat_to_msat(1))
    if which == 1:
        return OpenChannel2Reject()
    return CONTINUE


@plugin.hook("openchannel2_changed")
def openchannel2_changed(event: OpenChannel2Changed) -> OpenChannel2ChangedContinue:
    assert_type(event.openchannel2_changed.channel_id, ChannelId)
    assert_type(event.openchannel2_changed.psbt, Psbt)
    assert_type(event.openchannel2_changed.require_confirmed_inputs, bool)
    return OpenChannel2ChangedContinue(event.openchannel2_changed.psbt)


@plugin.hook("openchannel2_sign")
def openchannel2_sign(event: OpenChannel2Sign) -> OpenChannel2SignContinue:
    assert_type(event.openchannel2_sign.channel_id, ChannelId)
    assert_type(event.openchannel2_sign.psbt, Psbt)
    return OpenChannel2SignContinue(event.openchannel2_sign.psbt)


@plugin.hook("peer_connected")
def peer_connected(event: PeerConnected) -> Continue | PeerDisconnect:
    assert_type(event.peer.id, PublicKey)
    assert_type(event.peer.addr, str)
    assert_type(event.peer.direction, str | None)
    assert_type(event.peer.features, Hex | None)
    assert_type(event.peer.remote_addr, str | None)
    assert_type(event.peer.globalfeatures, Hex | None)
    assert_type(event.peer.localfeatures, Hex | None)
    if which == 0:
        return PeerDisconnect(error_message="no")
    return CONTINUE


@plugin.hook("rbf_channel")
def rbf_channel(event: RbfChannel) -> Continue | RbfChannelContinue | RbfChannelReject:
    assert_type(event.rbf_channel.id, PublicKey)
    assert_type(event.rbf_channel.channel_id, ChannelId)
    assert_type(event.rbf_channel.their_last_funding_msat, Msat)
    assert_type(event.rbf_channel.their_funding_msat, Msat)
    assert_type(event.rbf_channel.our_last_funding_msat, Msat)
    assert_type(event.rbf_channel.funding_feerate_per_kw, int)
    assert_type(event.rbf_channel.feerate_our_max, int)
    assert_type(event.rbf_channel.feerate_our_min, int)
    assert_type(event.rbf_channel.channel_max_msat, Msat)
    assert_type(event.rbf_channel.locktime, int)
    assert_type(event.rbf_channel.require_confirmed_inputs, bool)
    assert_type(event.rbf_channel.requested_lease_msat, Msat | None)
    if which == 0:
        return RbfChannelContinue()
    if which == 1:
        return RbfChannelReject()
    return CONTINUE


@plugin.hook("recover")
def recover(event: Recover) -> Continue:
    assert_type(event.codex32, str)
    return CONTINUE


@plugin.hook("rpc_command")
def rpc_command(event: RpcCommand) -> Continue | RpcCommandReplace | RpcCommandReturn:
    assert_type(event.rpc_command.id, str | int | float | bool | Raw | None)
    assert_type(event.rpc_command.method, str)
    assert_type(event.rpc_command.params, dict[str, Any] | list[Any])
    assert_type(event.rpc_command.jsonrpc, str)
    assert_type(event.rpc_command.filter, dict[str, Any] | None)
    if which == 0:
        return RpcCommandReplace(event.rpc_command)
    if which == 1:
        return RpcCommandReturn.result({})
    return CONTINUE
