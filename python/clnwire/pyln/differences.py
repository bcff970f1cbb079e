"""Where `clnwire.pyln` does not do what pyln-client does, and why. There is nothing else."""

from typing import Final, NamedTuple


class Difference(NamedTuple):
    """A behaviour that was mended."""

    name: str
    theirs: str
    ours: str


DIFFERENCES: Final = (
    Difference(
        "unknown names",
        "A method or notification that the plugin has not registered ends it.",
        "The method is answered with -32601, the notification is logged. Without `getmanifest` the "
        "plugin ends as before.",
    ),
    Difference(
        "malformed messages",
        "A message without `params` or that is no JSON ends the plugin.",
        "`params` is taken as `{}`; what is no JSON is logged, and answered with -32700 if its id "
        "can be read.",
    ),
    Difference(
        "blank lines",
        "A blank line inside a message ends the plugin; one is needed behind each reply.",
        "A message ends with its last brace.",
    ),
    Difference(
        "bare words in init",
        "An int option that the daemon copies as the user wrote it, `0x10`, ends the plugin.",
        "It is the number.",
    ),
    Difference(
        "unknown log levels",
        "A level such as `warning` is sent, at which the daemon kills the plugin.",
        "`warning` is sent as `warn`, `critical` as `error`, others as `info`.",
    ),
    Difference(
        "log of what is no text",
        "`plugin.log(exception)` raises `AttributeError`.",
        "Its `str` is logged.",
    ),
    Difference(
        "long log lines",
        "A line of more than 262,144 bytes has the daemon abort.",
        "It is cut.",
    ),
    Difference(
        "each log line once",
        "A log line is in its message twice, as `message` and in `log`.",
        "It is in it once, unless the plugin has its own `notify`.",
    ),
    Difference(
        "a second answer",
        "A handler that answers by `set_result` and returns a value, too, ends the plugin.",
        "The first answer stands; the second is logged. The plugin's own second call still raises "
        "`ValueError`.",
    ),
    Difference(
        "NaN",
        "NaN and infinity are written, which are no JSON: the daemon kills the plugin.",
        "The caller gets an error.",
    ),
    Difference(
        "errors of what is no JSON",
        "A result with a `set`, `bytes` or `Decimal` is answered with a text about a parameter.",
        "The text names the type.",
    ),
    Difference(
        "hook fallbacks",
        "If a handler of openchannel2, openchannel2_changed, openchannel2_sign, rbf_channel, "
        "onion_message_recv, onion_message_recv_secret or recover fails, an error is answered: the "
        "daemon ends.",
        "They have an answer that is safe. `db_write` and `commitment_revocation` have none.",
    ),
    Difference(
        "injection by position",
        "`plugin` or `request` behind a parameter that is not given lands in that one.",
        "Each lands in its own parameter; the error for one that has no default names that one.",
    ),
    Difference(
        "prefix of ids in threads",
        "`rpc.cmdprefix` is that of whichever handler runs, in all threads, and stays if it fails.",
        "Each context has the id of its own message. What the plugin sets by hand holds.",
    ),
    Difference(
        "calls in db_write",
        "A call within a `db_write` handler waits for the daemon, which waits for the handler: "
        "both hang for ever.",
        "It raises `RpcError`.",
    ),
    Difference(
        "calls that ask their own plugin",
        "With the hook `rpc_command` a handler's call waits for the daemon, which asks that hook: "
        "both hang for ever.",
        "It raises `RpcError`, but for commands that the hook's filters leave out and calls of "
        "other threads.",
    ),
    Difference(
        "older names of parameters",
        "A name that an older version had, such as `msatoshi` for `amount_msat`, raises "
        "`TypeError`.",
        "It is taken in `invoice`, `pay`, `dev_pay`, `sendpay`, `sendonion`, `keysend`, "
        "`getroute`, `fundchannel` and `fundchannel_start`.",
    ),
    Difference(
        "progress of commands",
        "`rpc.notify` raises where a command reports its progress.",
        "It is given as `progress=`. An exception within the block restores what was before.",
    ),
    Difference(
        "connections of the client",
        "Each call connects.",
        "Calls share connections, but for those within `rpc.notify`, for commands that change how "
        "the daemon serves a connection, and once it shuts down.",
    ),
    Difference(
        "dunder names of the client",
        "`hasattr(rpc, '__deepcopy__')` is true, and `copy.deepcopy` sends commands.",
        "They raise `AttributeError`.",
    ),
    Difference(
        "one plugin a process",
        "A second `Plugin` logs through the streams of the first: each line is a log line of a log "
        "line.",
        "All plugins of a process share the daemon's pipes.",
    ),
    Difference(
        "errors cannot be pickled",
        "`RpcError` cannot be unpickled, so it does not come back from a process pool.",
        "It can.",
    ),
    Difference(
        "a daemon that is gone",
        "Writing to a daemon that has ended raises `BrokenPipeError` at the end.",
        "What nobody reads is lost.",
    ),
    Difference(
        "output of C libraries and children",
        "What they print lands between messages.",
        "It becomes lines of the log.",
    ),
)
"""All of them."""
