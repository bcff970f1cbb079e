"""What a handler of each topic takes, down to the last member. Checked, never run."""

from __future__ import annotations

from typing_extensions import assert_type

from clnwire import Plugin
from clnwire.notifications import (
    AccountBalance,
    BalanceSnapshot,
    BlockAdded,
    ChannelOpened,
    ChannelOpenFailed,
    ChannelStateChanged,
    CoinMovement,
    Connect,
    CustomMsg,
    DeprecatedOneshot,
    Disconnect,
    ForwardEvent,
    InvoiceCreation,
    InvoicePaymentEvent,
    LogEvent,
    OnionMessageForwardFail,
    OpenChannelPeerSigs,
    PayPartEnd,
    PayPartHop,
    PayPartStart,
    PluginStarted,
    PluginStopped,
    SendPayFailure,
    SendPaySuccess,
    Shutdown,
    WarningEvent,
)
from clnwire.types import (
    BlockHeight,
    ChannelId,
    Hash,
    Hex,
    Msat,
    Outpoint,
    Psbt,
    PublicKey,
    Secret,
    ShortChannelId,
    ShortChannelIdDir,
    Txid,
)

plugin = Plugin()


@plugin.subscribe("balance_snapshot")
def balance_snapshot(event: BalanceSnapshot) -> None:
    assert_type(event.node_id, PublicKey)
    assert_type(event.blockheight, BlockHeight)
    assert_type(event.timestamp, int)
    assert_type(event.accounts, list[AccountBalance])


@plugin.subscribe("block_added")
def block_added(event: BlockAdded) -> None:
    assert_type(event.hash, Hash)
    assert_type(event.height, BlockHeight)


@plugin.subscribe("channel_open_failed")
def channel_open_failed(event: ChannelOpenFailed) -> None:
    assert_type(event.channel_id, ChannelId)


@plugin.subscribe("channel_opened")
def channel_opened(event: ChannelOpened) -> None:
    assert_type(event.id, PublicKey)
    assert_type(event.funding_msat, Msat)
    assert_type(event.funding_txid, Txid)
    assert_type(event.channel_ready, bool)


@plugin.subscribe("channel_state_changed")
def channel_state_changed(event: ChannelStateChanged) -> None:
    assert_type(event.peer_id, PublicKey)
    assert_type(event.channel_id, ChannelId)
    assert_type(event.timestamp, str)
    assert_type(event.new_state, str)
    assert_type(event.cause, str)
    assert_type(event.short_channel_id, ShortChannelId | None)
    assert_type(event.old_state, str | None)
    assert_type(event.message, str | None)


@plugin.subscribe("coin_movement")
def coin_movement(event: CoinMovement) -> None:
    assert_type(event.version, int)
    assert_type(event.coin_type, str)
    assert_type(event.node_id, PublicKey)
    assert_type(event.type, str)
    assert_type(event.created_index, int)
    assert_type(event.account_id, str)
    assert_type(event.credit_msat, Msat)
    assert_type(event.debit_msat, Msat)
    assert_type(event.timestamp, int)
    assert_type(event.primary_tag, str)
    assert_type(event.extra_tags, list[str] | None)
    assert_type(event.payment_hash, Hash | None)
    assert_type(event.part_id, int | None)
    assert_type(event.group_id, int | None)
    assert_type(event.fees_msat, Msat | None)
    assert_type(event.utxo, Outpoint | None)
    assert_type(event.peer_id, PublicKey | None)
    assert_type(event.originating_account, str | None)
    assert_type(event.spending_txid, Txid | None)
    assert_type(event.output_msat, Msat | None)
    assert_type(event.output_count, int | None)
    assert_type(event.blockheight, BlockHeight | None)
    assert_type(event.tags, list[str] | None)
    assert_type(event.txid, Txid | None)
    assert_type(event.utxo_txid, Txid | None)
    assert_type(event.vout, int | None)


@plugin.subscribe("connect")
def connect(event: Connect) -> None:
    assert_type(event.id, PublicKey)
    assert_type(event.address.type, str)
    assert_type(event.address.address, str | None)
    assert_type(event.address.port, int | None)
    assert_type(event.address.socket, str | None)
    assert_type(event.direction, str | None)


@plugin.subscribe("custommsg")
def custommsg(event: CustomMsg) -> None:
    assert_type(event.peer_id, PublicKey)
    assert_type(event.payload, Hex)


@plugin.subscribe("deprecated_oneshot")
def deprecated_oneshot(event: DeprecatedOneshot) -> None:
    assert_type(event.deprecated_ok, bool)


@plugin.subscribe("disconnect")
def disconnect(event: Disconnect) -> None:
    assert_type(event.id, PublicKey)


@plugin.subscribe("forward_event")
def forward_event(event: ForwardEvent) -> None:
    assert_type(event.payment_hash, Hash)
    assert_type(event.in_channel, ShortChannelId)
    assert_type(event.in_msat, Msat)
    assert_type(event.status, str)
    assert_type(event.received_time, float)
    assert_type(event.out_channel, ShortChannelId | None)
    assert_type(event.out_msat, Msat | None)
    assert_type(event.fee_msat, Msat | None)
    assert_type(event.failcode, int | None)
    assert_type(event.failreason, str | None)
    assert_type(event.style, str | None)
    assert_type(event.resolved_time, float | None)
    assert_type(event.created_index, int | None)
    assert_type(event.updated_index, int | None)
    assert_type(event.in_htlc_id, int | None)
    assert_type(event.out_htlc_id, int | None)
    assert_type(event.preimage, Secret | None)


@plugin.subscribe("invoice_creation")
def invoice_creation(event: InvoiceCreation) -> None:
    assert_type(event.preimage, Secret)
    assert_type(event.label, str)
    assert_type(event.msat, Msat | None)


@plugin.subscribe("invoice_payment")
def invoice_payment(event: InvoicePaymentEvent) -> None:
    assert_type(event.msat, Msat)
    assert_type(event.preimage, Secret)
    assert_type(event.label, str)
    assert_type(event.outpoint, Outpoint | None)


@plugin.subscribe("log")
def log(event: LogEvent) -> None:
    assert_type(event.level, str)
    assert_type(event.time, str)
    assert_type(event.timestamp, str)
    assert_type(event.source, str)
    assert_type(event.log, str)


@plugin.subscribe("onionmessage_forward_fail")
def onionmessage_forward_fail(event: OnionMessageForwardFail) -> None:
    assert_type(event.source, PublicKey)
    assert_type(event.incoming, Hex)
    assert_type(event.path_key, PublicKey)
    assert_type(event.outgoing, Hex | None)
    assert_type(event.next_node_id, PublicKey | None)
    assert_type(event.next_short_channel_id_dir, ShortChannelIdDir | None)


@plugin.subscribe("openchannel_peer_sigs")
def openchannel_peer_sigs(event: OpenChannelPeerSigs) -> None:
    assert_type(event.channel_id, ChannelId)
    assert_type(event.signed_psbt, Psbt)


@plugin.subscribe("pay_part_end")
def pay_part_end(event: PayPartEnd) -> None:
    assert_type(event.status, str)
    assert_type(event.duration, float)
    assert_type(event.payment_hash, Hash)
    assert_type(event.groupid, int)
    assert_type(event.partid, int)
    assert_type(event.failed_msg, Hex | None)
    assert_type(event.failed_node_id, PublicKey | None)
    assert_type(event.failed_short_channel_id, ShortChannelId | None)
    assert_type(event.failed_direction, int | None)
    assert_type(event.error_code, int | None)
    assert_type(event.error_message, str | None)


@plugin.subscribe("pay_part_start")
def pay_part_start(event: PayPartStart) -> None:
    assert_type(event.payment_hash, Hash)
    assert_type(event.groupid, int)
    assert_type(event.partid, int)
    assert_type(event.total_payment_msat, Msat)
    assert_type(event.attempt_msat, Msat)
    assert_type(event.hops, list[PayPartHop])


@plugin.subscribe("plugin_started")
def plugin_started(event: PluginStarted) -> None:
    assert_type(event.plugin_name, str)
    assert_type(event.plugin_path, str)
    assert_type(event.methods, list[str])


@plugin.subscribe("plugin_stopped")
def plugin_stopped(event: PluginStopped) -> None:
    assert_type(event.plugin_name, str)
    assert_type(event.plugin_path, str)
    assert_type(event.methods, list[str])


@plugin.subscribe("sendpay_failure")
def sendpay_failure(event: SendPayFailure) -> None:
    assert_type(event.code, int)
    assert_type(event.message, str)
    assert_type(event.data.amount_msat, Msat | None)
    assert_type(event.data.partid, int | None)
    assert_type(event.data.updated_index, int | None)
    assert_type(event.data.destination, PublicKey | None)
    assert_type(event.data.completed_at, int | None)
    assert_type(event.data.payment_preimage, Secret | None)
    assert_type(event.data.label, str | None)
    assert_type(event.data.bolt11, str | None)
    assert_type(event.data.bolt12, str | None)
    assert_type(event.data.description, str | None)
    assert_type(event.data.erroronion, Hex | None)
    assert_type(event.data.created_index, int | None)
    assert_type(event.data.id, int | None)
    assert_type(event.data.payment_hash, Hash | None)
    assert_type(event.data.groupid, int | None)
    assert_type(event.data.amount_sent_msat, Msat | None)
    assert_type(event.data.created_at, int | None)
    assert_type(event.data.status, str | None)
    assert_type(event.data.onionreply, Hex | None)
    assert_type(event.data.erring_index, int | None)
    assert_type(event.data.failcode, int | None)
    assert_type(event.data.failcodename, str | None)
    assert_type(event.data.erring_node, PublicKey | None)
    assert_type(event.data.erring_channel, ShortChannelId | None)
    assert_type(event.data.erring_direction, int | None)
    assert_type(event.data.raw_message, Hex | None)


@plugin.subscribe("sendpay_success")
def sendpay_success(event: SendPaySuccess) -> None:
    assert_type(event.amount_msat, Msat | None)
    assert_type(event.partid, int | None)
    assert_type(event.updated_index, int | None)
    assert_type(event.destination, PublicKey | None)
    assert_type(event.completed_at, int | None)
    assert_type(event.payment_preimage, Secret | None)
    assert_type(event.label, str | None)
    assert_type(event.bolt11, str | None)
    assert_type(event.bolt12, str | None)
    assert_type(event.description, str | None)
    assert_type(event.erroronion, Hex | None)
    assert_type(event.created_index, int)
    assert_type(event.id, int)
    assert_type(event.payment_hash, Hash)
    assert_type(event.groupid, int)
    assert_type(event.created_at, int)
    assert_type(event.amount_sent_msat, Msat)
    assert_type(event.status, str)


@plugin.subscribe("shutdown")
def shutdown(event: Shutdown) -> None:
    assert_type(event, Shutdown)


@plugin.subscribe("warning")
def warning(event: WarningEvent) -> None:
    assert_type(event.level, str)
    assert_type(event.time, str)
    assert_type(event.timestamp, str)
    assert_type(event.source, str)
    assert_type(event.log, str)


# Names that a topic has had as well.
plugin.subscribe("xpay_pay_part_start")(pay_part_start)
plugin.subscribe("xpay_pay_part_end")(pay_part_end)
