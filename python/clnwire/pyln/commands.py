"""The daemon's commands as methods of `LightningRpc`, with pyln-client's parameters.

Each is made when it is first used: most plugins call few of them.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS: Final = """\
addgossip: message
autoclean_status = autoclean-status: subsystem?
check: command_to_check, **kwargs
close: peer_id as id, unilateraltimeout?, destination?, fee_negotiation_step?, force_lease_closed?,
    feerange?
connect: peer_id as id, host?, port?
datastore: key, string?, hex?, mode?, generation?
datastoreusage: key?
deldatastore: key, generation?
delinvoice: label, status, desconly?
dev_crash = dev crash:
dev_fail = dev-fail: peer_id as id
dev_forget_channel = dev-forget-channel: peerid as id, force=False
dev_memdump = dev-memdump:
dev_memleak = dev-memleak:
dev_pay = pay: bolt11, amount_msat|msatoshi?, label?, riskfactor?, maxfeepercent?, retry_for?,
    maxdelay?, exemptfee?, dev_use_shadow|use_shadow=True, exclude?
dev_reenable_commit = dev-reenable-commit: peer_id as id
dev_rescan_outputs = dev-rescan-outputs:
dev_rhash = dev rhash: secret
dev_sign_last_tx = dev-sign-last-tx: peer_id as id
dev_slowcmd = dev slowcmd: msec?
disableoffer: offer_id
disconnect: peer_id as id, force=False
enableoffer: offer_id
feerates: style, urgent?, normal?, slow?
fetchinvoice: offer, amount_msat?, quantity?, recurrence_counter?, recurrence_start?,
    recurrence_label?, timeout?, payer_note?, payer_metadata?, bip353?
fundchannel: node_id as id, amount|satoshi, feerate?, announce=True, minconf?, utxos?, push_msat?,
    close_to?, request_amt?, compact_lease?, mindepth?, reserve?, channel_type?
fundchannel_start: node_id as id, amount|satoshi, feerate?, announce=True, close_to?, mindepth?,
    channel_type?
fundchannel_cancel: node_id as id
fundchannel_complete: node_id as id, psbt, withhold=True
getinfo:
getlog: level?
getroute: node_id as id, amount_msat|msatoshi, riskfactor, cltv=9, fromid?, fuzzpercent?, exclude?,
    maxhops?
getroutes: source, destination, amount_msat, layers, maxfee_msat, final_cltv, maxdelay?, maxparts?
help: command?
invoice: amount_msat|msatoshi, label, description, expiry?, fallbacks?, preimage?,
    exposeprivatechannels?, cltv?, deschashonly?
listchannels: short_channel_id?, source?, destination?
listconfigs: config?
listdatastore: key?
listforwards: status?, in_channel?, out_channel?, index?, start?, limit?
listfunds: spent?
listtransactions:
listinvoices: label?, payment_hash?, invstring?, offer_id?, index?, start?, limit?
listnodes: node_id as id?
listoffers: offer_id?, active_only?
listpays: bolt11?, payment_hash?, status?, index?, start?, limit?
listpeers: peerid as id?, level?
listpeerchannels: peer_id as id?, short_channel_id?, channel_id?
listsendpays: bolt11?, payment_hash?, status?, index?, start?, limit?
multifundchannel: destinations, feerate?, minconf?, utxos?, minchannels?, **kwargs
multiwithdraw: outputs, feerate?, minconf?, utxos?, **kwargs
newaddr: addresstype?
offer: amount, description?, issuer?, label?, quantity_max?, absolute_expiry?, recurrence?,
    recurrence_base?, recurrence_paywindow?, recurrence_limit?, single_use?, fronting_nodes?
pay: bolt11, amount_msat|msatoshi?, label?, riskfactor?, maxfeepercent?, retry_for?, maxdelay?,
    exemptfee?, localinvreqid|localofferid?, exclude?, maxfee?, description?, partial_msat?
xpay: invstring, amount_msat?, maxfee?, retry_for?, partial_msat?, maxdelay?, payer_note as -?,
    label?, localinvreqid?, dev_use_shadow?
openchannel_init: node_id as id, channel_amount as amount, psbt as initialpsbt, feerate as
    commitment_feerate?, funding_feerate?, announce=True, close_to?, request_amt?, channel_type?
openchannel_signed: channel_id, signed_psbt, *args as -, **kwargs as -
openchannel_update: channel_id, psbt, *args as -, **kwargs as -
openchannel_bump: channel_id, amount, initialpsbt, funding_feerate?
openchannel_abort: channel_id
splice = dev-splice: script_or_json, dryrun?, force_feerate?, debug_log?, wetrun as dev-wetrun?
splicein: channel, amount
spliceout: channel, amount, destination?, force_feerate?
stfu_channels: channel_ids
abort_channels: channel_ids
splice_init: chan_id as channel_id, amount as relative_amount, initialpsbt?, feerate_per_kw?
splice_update: chan_id as channel_id, psbt
splice_signed: chan_id as channel_id, psbt
paystatus: bolt11?
ping: peer_id as id, length as len=128, pongbytes=128
plugin_start = plugin start: plugin, **kwargs
plugin_startdir = plugin startdir: directory
plugin_stop = plugin stop: plugin
plugin_list = plugin list:
plugin_rescan = plugin rescan:
sendcustommsg: peer_id as node_id, message as msg
sendpay: route, payment_hash, label?, amount_msat|msatoshi?, bolt11?, payment_secret?, partid?,
    groupid?, payment_metadata?
sendonion: onion, first_hop, payment_hash, label?, shared_secrets?, partid?, bolt11?,
    amount_msat|msatoshi?, destination?
setchannel: id, feebase?, feeppm?, htlcmin?, htlcmax?, enforcedelay?, ignorefeelimits?
stop:
waitanyinvoice: lastpay_index?, timeout?, **kwargs
waitblockheight: blockheight, timeout?
waitinvoice: label
waitsendpay: payment_hash, timeout?, partid?, groupid?
withdraw: destination, satoshi, feerate?, minconf?, utxos?
txprepare: outputs, feerate?, minconf?, utxos?
txdiscard: txid
txsend: txid
reserveinputs: psbt, exclusive=True, reserve?
unreserveinputs: psbt, reserve?
fundpsbt: satoshi, feerate, startweight, minconf?, reserve?, locktime?, min_witness_weight?,
    excess_as_change=False
addpsbtoutput: satoshi, initialpsbt?, locktime?, destination?
utxopsbt: satoshi, feerate, startweight, utxos, reserve?, reservedok=False, locktime?,
    min_witness_weight?, excess_as_change=False
signpsbt: psbt, signonly?
sendpsbt: psbt, reserve?
signmessage: message
checkmessage: message, zbase, pubkey?
keysend: destination, amount_msat|msatoshi, label?, maxfeepercent?, retry_for?, maxdelay?,
    exemptfee?, extratlvs?
xkeysend: destination, amount_msat, maxfee?, layers?, retry_for?, maxdelay?, extratlvs?
sendamount: invstring, amount_msat, maxfee?, layers?, retry_for?, maxdelay?, payer_note?
"""
"""Lines of `method = command subcommand: parameter as member=default, …`.

The command and the member are left out where they have the method's and the parameter's name. `?`
stands for `=None`. A parameter `as -` is not sent. Behind `|` stands its name in older versions,
which is taken as well. A line that begins with spaces goes on.
"""
CHECKS: Final = {
    "listpays": "assert not (bolt11 and payment_hash)",
    "keysend": "check_tlvs(extratlvs)",
    "xkeysend": "check_tlvs(extratlvs)",
}
"""Method → what it does before the call."""


def check_tlvs(extratlvs: object) -> None:
    """Raises `ValueError`."""
    if extratlvs is not None and not isinstance(extratlvs, dict):
        raise ValueError("extratlvs is not a dictionary with integer keys and hexadecimal values")


class Command:
    """A method, made from its line of `COMMANDS` on first use."""

    def __init__(self, owner: type, line: str) -> None:
        head, _, self._parameters = line.partition(":")
        self.name, _, command = head.partition(" = ")
        self._command, _, self._subcommand = (command or self.name).partition(" ")
        self._owner = owner

    def __get__(self, instance: object, owner: type) -> Callable[..., Any]:
        function: Any = self._function()
        setattr(self._owner, self.name, function)
        return function if instance is None else function.__get__(instance, owner)  # type: ignore[no-any-return]

    def _function(self) -> Callable[..., Any]:
        taken, sent, older = ["self"], list[str](), dict[str, str]()
        if self._subcommand:
            sent.append(f"'subcommand': {self._subcommand!r}")
        for parameter in filter(None, self._parameters.strip().split(", ")):
            text, name, member, old = _parsed(parameter)
            taken.append(text)
            if old:
                older[old] = name
            if member != "-":
                sent.append(name if name.startswith("**") else f"{member!r}: {name}")
        payload = f", {{{', '.join(sent)}}}" if sent else ""
        source = f"""
def {self.name}({", ".join(taken)}):
    'Calls the command `{self._command}`.'
    {CHECKS.get(self.name, "")}
    return self.call({self._command!r}{payload})
"""
        made: dict[str, Any] = {"__name__": __name__, "check_tlvs": check_tlvs}
        # Only so has it a signature of its own; `collections.namedtuple` does the same.
        exec(compile(source, f"<clnwire.pyln.commands {self.name}>", "exec"), made)
        function: Any = made[self.name]
        function.__qualname__ = f"{self._owner.__name__}.{self.name}"
        return _with_older_names(function, older) if older else function


def _parsed(parameter: str) -> tuple[str, str, str, str]:
    """A parameter as Python has it, its name, the member that it is sent as, its older name."""
    words, _, default = parameter.replace("?", "=None").partition("=")
    words, _, old = words.partition("|")
    name, _, member = words.partition(" as ")
    return f"{name}={default}" if default else name, name, member or name, old


def _with_older_names(function: Callable[..., Any], older: dict[str, str]) -> Callable[..., Any]:
    @wraps(function)
    def command(*args: Any, **kwargs: Any) -> Any:
        for old in older.keys() & kwargs.keys():
            # With both, the function raises: which of the two is meant?
            if older[old] not in kwargs:
                kwargs[older[old]] = kwargs.pop(old)
        return function(*args, **kwargs)

    return command


def add_commands(owner: type) -> None:
    """Gives a client the methods."""
    for line in COMMANDS.replace("\n    ", " ").splitlines():
        command = Command(owner, line)
        setattr(owner, command.name, command)
