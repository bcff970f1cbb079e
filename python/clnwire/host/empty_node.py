"""An empty node: each of the daemon's commands returns the smallest result its schema allows.

Plugins that call the daemon therefore get a valid reply.
"""

from __future__ import annotations

import types
from functools import partial
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Final, Literal, NewType, Union, get_args, get_origin

from msgspec import Struct
from msgspec.structs import fields

from clnwire import commands
from clnwire._wire.facts import COMMANDS
from clnwire.host.directory import NODE_ID
from clnwire.types import Known

if TYPE_CHECKING:
    from clnwire.host import Host

_OWN: Final = "check deprecations getinfo help listconfigs notifications plugin setconfig stop"
OWN: Final = frozenset(_OWN.split())
"""The commands that the host implements."""
_DASHED: Final = ("askrene_", "autoclean_", "bkpr_", "clnrest_", "dev_")
"""Prefixes of the commands whose names are spelled with `-`; all other names have `_`."""
_ZEROS: Final = "00" * 32
_NAMED: Final = {
    "PublicKey": NODE_ID,
    "Hash": _ZEROS,
    "Secret": _ZEROS,
    "ChannelId": _ZEROS,
    "Txid": _ZEROS,
    "Outpoint": f"{_ZEROS}:0",
    "ShortChannelId": "103x1x0",
    "ShortChannelIdDir": "103x1x0/0",
}
_PAID: Final = "pay_index amount_received_msat paid_at payment_preimage"
_ALSO: Final = {
    "AskreneBiasChannelBiases": "timestamp",
    "AskreneBiasNodeNodeBiases": "timestamp",
    "BkprEditdescriptionbyoutpointUpdated": "outpoint blockheight",
    "BkprListaccounteventsEvents": "txid",
    "CloseReply": "txs txids",
    "ConnectAddress": "socket",
    "DelinvoiceReply": f"bolt11 {_PAID}",
    "DisableofferReply": "force_paths",
    "EnableofferReply": "force_paths",
    "GetemergencyrecoverdataReply": "can_create_penalty backed_up_channel_ids",
    "GetinfoAddress": "address",
    "GetlogLog": "num_skipped",
    "GetroutesRoutesPath": "node_id_in node_id_out amount_in_msat amount_out_msat cltv_in cltv_out",
    "ListclosedchannelsClosedchannels": "funding_withheld",
    "ListhtlcsHtlcs": "created_index",
    "ListoffersOffers": "force_paths",
    "PluginReply": "plugins",
    "SendpayReply": "message",
    "WaitanyinvoiceReply": _PAID,
    "WaitinvoiceReply": _PAID,
    "WaitsendpayReply": "payment_preimage",
}
"""Optional members that the schemas require beside the smallest values of the others."""
_FITTING: Final[dict[str, dict[str, Any]]] = {
    "CheckmessageReply": {"verified": True},
    "EnableofferReply": {"active": True},
    "FundchannelCompleteReply": {"commitments_secured": True},
    "GetinfoReply": {"color": "02c1c1"},
    "InvoicerequestReply": {"active": True},
    "ListpeerchannelsChannels": {"state": "CHANNELD_NORMAL", "peer_connected": True},
    "OfferReply": {"active": True},
    "OpenchannelUpdateReply": {"commitments_secured": True},
    "ReserveinputsReservations": {"reserved": True},
    "SetconfigConfig": {"dynamic": True},
    "SignmessageReply": {"signature": "00" * 64, "recid": "00"},
}
"""Values that the schemas require, or that a node has most of the time."""
_EMPTY: Final[dict[Any, Any]] = {str: "", int: 0, float: 0.0, bool: False, Any: {}}


def register(host: Host) -> None:
    """Adds the daemon's commands that the host does not implement.

    The commands of the Bitcoin backend are left out, because a plugin may provide them.
    """
    for name in command_names():
        if name in COMMANDS and name not in OWN:
            host.command(name)(partial(_answer, name))


def command_names() -> list[str]:
    """All commands of the daemon and its built-in plugins. Does not import their modules."""
    modules = [module.name for module in iter_modules(commands.__path__)]
    return [
        name.replace("_", "-") if name.startswith(_DASHED) else name
        for name in modules
        if not name.startswith("_")
    ]


def _answer(name: str, params: object) -> object:
    del params
    return least(reply_of(name))


def reply_of(name: str) -> Any:
    """The type of a command's result. Imports the command's module."""
    return import_module(f"{commands.__name__}.{name.replace('-', '_')}").COMMAND.reply


def least(kind: Any) -> Any:
    """The smallest JSON value that fits a type of `clnwire.commands`."""
    if isinstance(kind, NewType):
        return _NAMED.get(kind.__name__, least(kind.__supertype__))
    if hasattr(kind, "__metadata__"):
        known = [rule.values for rule in kind.__metadata__ if isinstance(rule, Known)]
        return known[0][0] if known else least(kind.__origin__)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType, Literal):
        first = get_args(kind)[0]
        return first if origin is Literal else least(first)
    if isinstance(kind, type) and issubclass(kind, Struct):
        also, fitting = _ALSO.get(kind.__name__, "").split(), _FITTING.get(kind.__name__, {})
        return {
            each.encode_name: fitting[each.name] if each.name in fitting else least(each.type)
            for each in fields(kind)
            if each.required or each.name in also
        }
    return _EMPTY.get(kind, {} if origin is dict else [] if origin is not None else None)
