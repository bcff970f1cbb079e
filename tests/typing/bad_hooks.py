"""For each hook: another event, another answer, no answer. One mistake on each line marked so."""

from __future__ import annotations

from clnwire import Plugin
from clnwire.hooks import (
    CONTINUE,
    CommitmentRevocation,
    Continue,
    CustomMsg,
    DbWrite,
    HtlcAccepted,
    HtlcResolve,
    InvoicePayment,
    OnionMessageRecv,
    OnionMessageRecvSecret,
    OpenChannel,
    OpenChannel2,
    OpenChannel2Changed,
    OpenChannel2ChangedContinue,
    OpenChannel2Sign,
    OpenChannel2SignContinue,
    PeerConnected,
    PeerDisconnect,
    RbfChannel,
    Recover,
    RpcCommand,
)
from clnwire.types import Psbt

plugin = Plugin()


@plugin.hook("commitment_revocation")  # mistake: another hook's event
def commitment_revocation_of_another(event: RpcCommand) -> Continue:
    return CONTINUE


@plugin.hook("commitment_revocation")  # mistake: another hook's answer
def commitment_revocation_answers_another(event: CommitmentRevocation) -> HtlcResolve:
    return HtlcResolve(payment_key="00")


@plugin.hook("commitment_revocation")  # mistake: no answer
def commitment_revocation_forgets(event: CommitmentRevocation) -> None: ...


@plugin.hook("custommsg")  # mistake: another hook's event
def custommsg_of_another(event: CommitmentRevocation) -> Continue:
    return CONTINUE


@plugin.hook("custommsg")  # mistake: another hook's answer
def custommsg_answers_another(event: CustomMsg) -> HtlcResolve:
    return HtlcResolve(payment_key="00")


@plugin.hook("custommsg")  # mistake: no answer
def custommsg_forgets(event: CustomMsg) -> None: ...


@plugin.hook("db_write")  # mistake: another hook's event
def db_write_of_another(event: CustomMsg) -> Continue:
    return CONTINUE


@plugin.hook("db_write")  # mistake: another hook's answer
def db_write_answers_another(event: DbWrite) -> HtlcResolve:
    return HtlcResolve(payment_key="00")


@plugin.hook("db_write")  # mistake: no answer
def db_write_forgets(event: DbWrite) -> None: ...


@plugin.hook("htlc_accepted")  # mistake: another hook's event
def htlc_accepted_of_another(event: DbWrite) -> Continue:
    return CONTINUE


@plugin.hook("htlc_accepted")  # mistake: another hook's answer
def htlc_accepted_answers_another(event: HtlcAccepted) -> PeerDisconnect:
    return PeerDisconnect()


@plugin.hook("htlc_accepted")  # mistake: no answer
def htlc_accepted_forgets(event: HtlcAccepted) -> None: ...


@plugin.hook("invoice_payment")  # mistake: another hook's event
def invoice_payment_of_another(event: HtlcAccepted) -> Continue:
    return CONTINUE


@plugin.hook("invoice_payment")  # mistake: another hook's answer
def invoice_payment_answers_another(event: InvoicePayment) -> HtlcResolve:
    return HtlcResolve(payment_key="00")


@plugin.hook("invoice_payment")  # mistake: no answer
def invoice_payment_forgets(event: InvoicePayment) -> None: ...


@plugin.hook("onion_message_recv")  # mistake: another hook's event
def onion_message_recv_of_another(event: InvoicePayment) -> Continue:
    return CONTINUE


@plugin.hook("onion_message_recv")  # mistake: another hook's answer
def onion_message_recv_answers_another(event: OnionMessageRecv) -> HtlcResolve:
    return HtlcResolve(payment_key="00")


@plugin.hook("onion_message_recv")  # mistake: no answer
def onion_message_recv_forgets(event: OnionMessageRecv) -> None: ...


@plugin.hook("onion_message_recv_secret")  # mistake: another hook's event
def onion_message_recv_secret_of_another(event: OnionMessageRecv) -> Continue:
    return CONTINUE


@plugin.hook("onion_message_recv_secret")  # mistake: another hook's answer
def onion_message_recv_secret_answers_another(event: OnionMessageRecvSecret) -> HtlcResolve:
    return HtlcResolve(payment_key="00")


@plugin.hook("onion_message_recv_secret")  # mistake: no answer
def onion_message_recv_secret_forgets(event: OnionMessageRecvSecret) -> None: ...


@plugin.hook("openchannel")  # mistake: another hook's event
def openchannel_of_another(event: OnionMessageRecvSecret) -> Continue:
    return CONTINUE


@plugin.hook("openchannel")  # mistake: another hook's answer
def openchannel_answers_another(event: OpenChannel) -> HtlcResolve:
    return HtlcResolve(payment_key="00")


@plugin.hook("openchannel")  # mistake: no answer
def openchannel_forgets(event: OpenChannel) -> None: ...


@plugin.hook("openchannel2")  # mistake: another hook's event
def openchannel2_of_another(event: OpenChannel) -> Continue:
    return CONTINUE


@plugin.hook("openchannel2")  # mistake: another hook's answer
def openchannel2_answers_another(event: OpenChannel2) -> HtlcResolve:
    return HtlcResolve(payment_key="00")


@plugin.hook("openchannel2")  # mistake: no answer
def openchannel2_forgets(event: OpenChannel2) -> None: ...


@plugin.hook("openchannel2_changed")  # mistake: another hook's event
def openchannel2_changed_of_another(event: OpenChannel2) -> OpenChannel2ChangedContinue:
    return OpenChannel2ChangedContinue(Psbt(""))


@plugin.hook("openchannel2_changed")  # mistake: another hook's answer
def openchannel2_changed_answers_another(event: OpenChannel2Changed) -> HtlcResolve:
    return HtlcResolve(payment_key="00")


@plugin.hook("openchannel2_changed")  # mistake: no answer
def openchannel2_changed_forgets(event: OpenChannel2Changed) -> None: ...


@plugin.hook("openchannel2_changed")  # mistake: a bare continue would stop the daemon
def openchannel2_changed_continues(event: OpenChannel2Changed) -> Continue:
    return CONTINUE


@plugin.hook("openchannel2_sign")  # mistake: another hook's event
def openchannel2_sign_of_another(event: OpenChannel2Changed) -> OpenChannel2SignContinue:
    return OpenChannel2SignContinue(Psbt(""))


@plugin.hook("openchannel2_sign")  # mistake: another hook's answer
def openchannel2_sign_answers_another(event: OpenChannel2Sign) -> HtlcResolve:
    return HtlcResolve(payment_key="00")


@plugin.hook("openchannel2_sign")  # mistake: no answer
def openchannel2_sign_forgets(event: OpenChannel2Sign) -> None: ...


@plugin.hook("openchannel2_sign")  # mistake: a bare continue would stop the daemon
def openchannel2_sign_continues(event: OpenChannel2Sign) -> Continue:
    return CONTINUE


@plugin.hook("peer_connected")  # mistake: another hook's event
def peer_connected_of_another(event: OpenChannel2Sign) -> Continue:
    return CONTINUE


@plugin.hook("peer_connected")  # mistake: another hook's answer
def peer_connected_answers_another(event: PeerConnected) -> HtlcResolve:
    return HtlcResolve(payment_key="00")


@plugin.hook("peer_connected")  # mistake: no answer
def peer_connected_forgets(event: PeerConnected) -> None: ...


@plugin.hook("rbf_channel")  # mistake: another hook's event
def rbf_channel_of_another(event: PeerConnected) -> Continue:
    return CONTINUE


@plugin.hook("rbf_channel")  # mistake: another hook's answer
def rbf_channel_answers_another(event: RbfChannel) -> HtlcResolve:
    return HtlcResolve(payment_key="00")


@plugin.hook("rbf_channel")  # mistake: no answer
def rbf_channel_forgets(event: RbfChannel) -> None: ...


@plugin.hook("recover")  # mistake: another hook's event
def recover_of_another(event: RbfChannel) -> Continue:
    return CONTINUE


@plugin.hook("recover")  # mistake: another hook's answer
def recover_answers_another(event: Recover) -> HtlcResolve:
    return HtlcResolve(payment_key="00")


@plugin.hook("recover")  # mistake: no answer
def recover_forgets(event: Recover) -> None: ...


@plugin.hook("rpc_command")  # mistake: another hook's event
def rpc_command_of_another(event: Recover) -> Continue:
    return CONTINUE


@plugin.hook("rpc_command")  # mistake: another hook's answer
def rpc_command_answers_another(event: RpcCommand) -> HtlcResolve:
    return HtlcResolve(payment_key="00")


@plugin.hook("rpc_command")  # mistake: no answer
def rpc_command_forgets(event: RpcCommand) -> None: ...
