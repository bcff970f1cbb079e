"""All rules: what breaks each of them, why that matters, and what to do.

The codes are stable: one that was published is never given to another rule. The first digit is the
group.
"""

from __future__ import annotations

from functools import partial
from typing import Final, Literal

from msgspec import Struct


class Rule(Struct, frozen=True):
    """What `clnwire check` demands of a plugin."""

    code: str
    """`CW` and three digits."""
    name: str
    """A name for people, such as `bad-manifest`."""
    severity: Literal["error", "warning"]
    """`error`: the daemon refuses or kills the plugin, stops, or hangs. `warning`: all else."""
    summary: str
    """The violation, in a few words."""
    reason: str
    """Why it matters."""
    fix: str
    """What to do."""


def _rule(
    severity: Literal["error", "warning"], head: str, summary: str, reason: str, fix: str
) -> Rule:
    code, name = head.split()
    return Rule(code, name, severity, summary, reason, fix)


_error, _warning = partial(_rule, "error"), partial(_rule, "warning")

# The manifest.

BAD_MANIFEST = _error(
    "CW001 bad-manifest",
    "a part of the manifest is missing or of the wrong type",
    "The daemon ends a plugin whose answer to getmanifest it cannot read.",
    'Give the member the type that the message names. The least manifest: {"options": [], '
    '"rpcmethods": []}.',
)
BAD_OPTION_NAME = _error(
    "CW002 bad-option-name",
    "an option without a proper name",
    "An option's name is part of the daemon's command line.",
    "Name the option with lower-case letters, digits, '-' and '_' only.",
)
BAD_OPTION_TYPE = _error(
    "CW003 bad-option-type",
    "an option of a type that the daemon does not know",
    "The daemon parses users' values by the type. In 2019 all options were strings.",
    'Write "type": "string", "string-conceal", "int", "bool" or "flag".',
)
BAD_DEFAULT = _error(
    "CW004 bad-default",
    "a default that does not fit the option's type",
    "The daemon reads defaults as it reads users' values, and refuses the plugin.",
    'Write the default in the option\'s type: "default": 5 for an int, true for a bool, '
    "false for a flag.",
)
BAD_MULTI = _error(
    "CW005 bad-multi",
    "a bool or flag that may be given several times",
    'Such an option has one value; the daemon refuses it with "multi".',
    'Remove "multi": true, or write "type": "string" or "int".',
)
NAME_TAKEN = _error(
    "CW006 name-taken",
    "an option or method that the daemon has itself",
    "Two cannot answer to one name; the daemon refuses the later one, or does not start.",
    "Choose another name that begins with the plugin's: PLUGIN-NAME.",
)
REGISTERED_TWICE = _error(
    "CW007 registered-twice",
    "an option, method or hook that is in the manifest twice",
    "The daemon refuses a plugin that names the same thing twice.",
    "Remove one of the two.",
)
UNKNOWN_HOOK = _error(
    "CW008 unknown-hook",
    "a hook that the daemon does not have",
    "The daemon refuses a plugin that registers an unknown hook.",
    "Correct the hook's name; --dialect checks for another daemon.",
)
BAD_FILTERS = _error(
    "CW009 bad-filters",
    "filters that the hook does not take",
    "Only rpc_command (by a command's name) and custommsg (by a message's number) can be filtered.",
    'Remove "filters", or write {"name": "rpc_command", "filters": ["pay"]}; custommsg '
    "takes numbers.",
)
NATIVE_TOPIC = _error(
    "CW010 native-topic",
    "one of the daemon's own topics is announced",
    "Subscribers must be able to trust that the daemon's topics come from the daemon.",
    "Publish on a topic of the plugin's own, such as PLUGIN_paid.",
)
NUMERIC_IDS = _error(
    "CW011 numeric-ids",
    "nonnumericids is false",
    "The ids of today's daemon are strings; it refuses plugins that take only numbers.",
    'Write "nonnumericids": true in the manifest, and repeat each request\'s id as it came.',
)
BAD_FEATUREBITS = _error(
    "CW012 bad-featurebits",
    "feature bits that cannot be announced",
    "Peers learn the feature bits when the node starts: they must be unused, and must not change.",
    'Write bits that nobody else has, in hexadecimal, and "dynamic": false.',
)
MIXED_DB_WRITE = _error(
    "CW013 mixed-db-write",
    "db_write beside other hooks or methods",
    "While the daemon waits for db_write it serves nothing: another hook or method in the same "
    "plugin can keep it waiting for ever.",
    "Move db_write into a plugin of its own: a file with only this hook.",
)
UNKNOWN_TOPIC = _warning(
    "CW014 unknown-topic",
    "a subscription to a topic that nobody publishes",
    "The daemon only logs it, and no event ever arrives.",
    "Correct the name. If another plugin publishes it: --ignore CW014.",
)
DOUBLE_SUBSCRIPTION = _warning(
    "CW015 double-subscription",
    "a topic that is subscribed to more than once",
    "The daemon sends it as often: '*' counts as a subscription to everything but log.",
    "Remove one of the two subscriptions.",
)
WRITES_WITHOUT_SHUTDOWN = _error(
    "CW016 writes-without-shutdown",
    "db_write without a subscription to shutdown",
    "The daemon ends such a plugin first and then goes on committing: the plugin misses the last "
    "sets of a clean stop.",
    'Add "shutdown" to "subscriptions", and serve on after it.',
)
DYNAMIC_DB_WRITE = _warning(
    "CW017 dynamic-db-write",
    "db_write in a plugin that may be stopped while the daemon runs",
    "plugin stop removes it silently, even if it is important; the node then commits without it.",
    'Write "dynamic": false in the manifest.',
)
TOPIC_OF_LATER = _error(
    "CW018 topic-of-later",
    "a subscription to a topic that an old daemon does not have",
    "A daemon before v0.10.1 kills the plugin for it; that of 2019 itself ends some time later.",
    "Leave the topic out of the manifest for such a daemon, as clnwire does.",
)
REPLACES_NATIVE = _warning(
    "CW019 replaces-native",
    "a method with the name of a command of a built-in plugin",
    "A daemon that runs the built-in plugin refuses this one.",
    "Choose another name, or tell users to run lightningd --disable-plugin=NAME.",
)

# What comes out of stdout.

STRAY_OUTPUT = _error(
    "CW101 stray-output",
    "output that is not JSON",
    "stdout carries messages only: the daemon kills a plugin that writes anything else, such as a "
    "stray print.",
    "Write to stderr: print(..., file=sys.stderr). For the log, send the notification log.",
)
BAD_ENCODING = _error(
    "CW102 bad-encoding",
    "output that is not UTF-8",
    "The daemon ends the plugin.",
    'Encode strings as UTF-8: sys.stdout.reconfigure(encoding="utf-8") in Python.',
)
NO_JSONRPC = _error(
    "CW103 no-jsonrpc",
    'a message without "jsonrpc"',
    "The daemon does not accept it as a message, and kills the plugin.",
    'Put "jsonrpc": "2.0" into every message.',
)
BAD_NOTIFICATION = _error(
    "CW104 bad-notification",
    "a notification without method or params",
    "The daemon cannot tell what it is, and ends the plugin.",
    'Write {"jsonrpc": "2.0", "method": …, "params": {…}}; a reply needs the id of its request.',
)
BAD_LOG = _error(
    "CW105 bad-log",
    "a log line without a message",
    "The daemon ends the plugin.",
    'Write {"level": "info", "message": "…"} as params of log.',
)
BAD_LOG_LEVEL = _error(
    "CW106 bad-log-level",
    "a log line with an unknown level",
    "The daemon ends the plugin.",
    'Write "level": "trace", "debug", "info", "warn", "error", "unusual" or "broken".',
)
BAD_NOTICE = _error(
    "CW107 bad-notice",
    "message or progress without the id of a request",
    "They are for the caller of a request; the daemon kills a plugin that does not name it.",
    'Write "id": ID in params, the id of the request that is being handled.',
)
WRONG_ID = _error(
    "CW108 wrong-id",
    "a reply with an id that was not asked for",
    "The daemon ignores it, and waits on for the answer to its request.",
    "Repeat the id exactly as it came: it is any JSON value, and a string today.",
)
ANSWERED_TWICE = _warning(
    "CW109 answered-twice",
    "a request that is answered twice",
    "The daemon ignores the second answer.",
    "Answer each request once.",
)
ANSWERED_NOTIFICATION = _warning(
    "CW110 answered-notification",
    "a reply although nothing was asked",
    "A message without id is a notification: nobody waits for an answer to it.",
    "Reply only to messages with an id.",
)
UNDECLARED_TOPIC = _warning(
    "CW111 undeclared-topic",
    "something is published on a topic that the manifest does not announce",
    "The daemon drops it: no subscriber gets it.",
    'Announce the topic in the manifest: "notifications": [{"method": "TOPIC"}].',
)
LONG_LOG_LINE = _error(
    "CW112 long-log-line",
    "a line for the log of more than 262,144 bytes",
    "lightningd aborts at it, and the node with it, whatever the line's level.",
    "Cut long lines to 262,144 bytes, those with an exception's text included; clnwire does.",
)

# Start and end.

NO_MANIFEST = _error(
    "CW201 no-manifest",
    "getmanifest is not answered",
    "The daemon waits 120 s with its whole start, then ends the plugin.",
    "Answer getmanifest at once, before anything else is done.",
)
MANIFEST_REFUSED = _error(
    "CW202 manifest-refused",
    "getmanifest is answered by an error",
    "Without a manifest there is no plugin.",
    'Answer with a manifest. To turn the plugin off, add "disable": "the reason" to it.',
)
DIES_AT_START = _error(
    "CW203 dies-at-start",
    "the plugin ends while it starts",
    "The daemon goes on without it, or does not start if the plugin is important.",
    "See the traceback, or the end of its stderr. To turn the plugin off, answer "
    '{"disable": "the reason"}.',
)
NO_INIT = _error(
    "CW204 no-init",
    "init is not answered",
    "The daemon waits 120 s with its whole start, then ends the plugin.",
    "Answer init at once, and do what takes time afterwards.",
)
INIT_REFUSED = _warning(
    "CW205 init-refused",
    "init is answered by an error",
    "The daemon treats an error as success, and goes on with a plugin that has not started.",
    'To turn the plugin off, answer init with {"disable": "the reason"}.',
)
DISABLED = _warning(
    "CW206 disabled",
    "the plugin disables itself",
    "It gives a reason; nothing more can be checked.",
    "Give it what it asks for: --option NAME=VALUE.",
)
SLOW_START = _warning(
    "CW207 slow-start",
    "the start takes long",
    "The daemon waits for all plugins before it serves anybody.",
    "Import and connect later, when it is needed; --slow-start SECONDS sets the limit.",
)
STAYS_AT_EOF = _error(
    "CW208 stays-at-eof",
    "the plugin stays when its input ends",
    "Most plugins notice nothing else when the daemon ends or crashes; who stays runs for ever.",
    "Exit when a read of stdin returns nothing: if not data: sys.exit(0).",
)
STAYS_AT_SHUTDOWN = _error(
    "CW209 stays-at-shutdown",
    "the plugin has subscribed to shutdown, and stays",
    "The daemon waits 30 s for those who have subscribed, then kills them.",
    "Exit at the end of the handler of shutdown: sys.exit(0).",
)
ENDS_BADLY = _warning(
    "CW210 ends-badly",
    "the plugin ends with an error",
    "If an ordinary end has a status other than 0, nobody notices a real failure.",
    "Exit with status 0 when the input ends, and at shutdown: sys.exit(0).",
)
ENDS_UNASKED = _error(
    "CW211 ends-unasked",
    "the plugin ends although it should run",
    "The daemon goes on without its hooks and methods, or stops if the plugin is important.",
    "Serve until the input ends.",
)

LEAVES_WHILE_COMMITTING = _error(
    "CW212 leaves-while-committing",
    "the plugin has db_write, and leaves at shutdown at once",
    "The daemon goes on committing while it stops, and asks db_write: a plugin that leaves then "
    "makes it abort, and one that has left misses what follows.",
    "Serve on until no other plugin of the daemon runs and input has been quiet for a second, or "
    "until the input ends. Plugins made with clnwire do.",
)

# Hooks.

HOOK_UNANSWERED = _error(
    "CW301 hook-unanswered",
    "a hook is not answered",
    "The daemon waits for ever: a payment, a channel or the whole node hangs.",
    'Answer each event; if there is nothing to say, with {"result": "continue"}.',
)
FATAL_ANSWER = _error(
    "CW302 fatal-answer",
    "an answer at which the daemon stops",
    "A hook's answer decides about money; at one that it does not understand the daemon stops.",
    'Answer with what the message names, such as {"result": "continue"}; an error never fits.',
)
IGNORED_ANSWER = _warning(
    "CW303 ignored-answer",
    "an answer that the daemon does not understand",
    "The daemon logs it and goes on as if the plugin had not been there.",
    'Answer {"result": "continue"}, {"replace": {…}}, {"return": {"result": …}} or '
    '{"return": {"error": {…}}}.',
)
DIES_AT_HOOK = _error(
    "CW304 dies-at-hook",
    "the plugin ends at a hook",
    "The daemon goes on without the plugin, at db_write it stops.",
    "Catch what may fail (try, except Exception), and answer with what is safe: "
    '{"result": "continue"}.',
)
HOOK_FAILS = _warning(
    "CW305 hook-fails",
    "an error is logged at an ordinary event of a hook",
    "The answer was acceptable, but the handler seems to have failed.",
    "See the error. If the message is intended, log it at level info.",
)
SLOW_HOOK = _warning(
    "CW306 slow-hook",
    "a hook is answered late",
    "The daemon waits: a payment or a peer for most hooks, the whole node for db_write.",
    "Answer first, and do what takes time in the background; --slow-hook SECONDS sets the limit.",
)

# Events.

REJECTS_NEW_MEMBER = _error(
    "CW401 rejects-new-member",
    "an unknown member makes the handler fail",
    "Each release of the daemon adds members to its events.",
    "Ignore members that are not known: def on_event(peer, **kwargs) in Python.",
)
REJECTS_NEW_WORD = _error(
    "CW402 rejects-new-word",
    "an unknown word makes the handler fail",
    "States, types and causes get new values with new releases of the daemon.",
    "Add a branch for whatever is not known: else, or case _.",
)
REJECTS_OLDER = _warning(
    "CW403 rejects-older",
    "an event as older daemons write it makes the handler fail",
    'Until v23.11 amounts were strings such as "10000msat".',
    'Read both 1000 and "1000msat". If no such daemon is to be served: --ignore CW403.',
)
NEEDS_OPTIONAL = _warning(
    "CW404 needs-optional",
    "the handler fails if an optional member is absent",
    "Some members are sent only in some cases, or only by newer releases.",
    'Check that the member is there before using it: event.get("NAME") in Python.',
)
DIES_AT_TOPIC = _error(
    "CW405 dies-at-topic",
    "the plugin ends at a notification",
    "The daemon goes on without the plugin, or stops if it is important.",
    "Catch what may fail in the handler: try, except Exception.",
)
TOPIC_FAILS = _warning(
    "CW406 topic-fails",
    "an error is logged at an ordinary notification",
    "The handler seems to have failed.",
    "See the error. If the message is intended, log it at level info.",
)
REJECTS_ODD_TEXT = _warning(
    "CW407 rejects-odd-text",
    "the handler fails at half a surrogate pair in what a caller wrote",
    "Callers of the daemon choose labels and parameters. If a guard fails at them, the command may "
    "pass.",
    "Decode and encode by Python's json, which keeps such text; escape it before it is "
    'written as UTF-8: text.encode(errors="backslashreplace").',
)

# How messages arrive.

NEEDS_WHOLE_READS = _error(
    "CW501 needs-whole-reads",
    "a message that arrives in pieces is not understood",
    "A pipe cuts messages anywhere; long ones always come in several reads.",
    "Collect what is read until a JSON value is complete: json.JSONDecoder().raw_decode in Python.",
)
LOSES_SECOND = _error(
    "CW502 loses-second",
    "of two messages in one read, the second one is lost",
    "The daemon writes what it has, and does not wait for the plugin to read.",
    "After a message, look at what is left of the read before the next read.",
)
TRIPS_ON_BLANK_LINES = _warning(
    "CW503 trips-on-blank-lines",
    "blank lines in or between messages are not understood",
    "The daemon passes a caller's request on as it is, white space included: a blank line in it "
    "is not the end of a message.",
    "End a message where its JSON value ends (json.JSONDecoder().raw_decode), never at a "
    "blank line.",
)

DIES_OF_MALFORMED = _warning(
    "CW504 dies-of-malformed",
    "a message that is not JSON ends the plugin, or silences it",
    "lightningd forwards a caller's parameters as they are, and its own parser takes more than "
    "JSON: `lightning-cli ban 203.0.113.7` sends `[203.0.113.7]`. Any caller can end the plugin, "
    "and with an important plugin the node.",
    'Answer {"jsonrpc": "2.0", "id": ID, "error": {"code": -32700, "message": "…"}}, and '
    "go on after the blank line that ends the message.",
)

# Options and methods.

OPTIONS_FAIL = _error(
    "CW601 options-fail",
    "the plugin does not start when its options are set",
    "Users may set an option to its default value, and set each flag.",
    "Read the options of init in the types of the manifest; a flag that is set is true.",
)
HEX_FAILS = _warning(
    "CW602 hex-fails",
    "an int option that is written as 0x… stops the plugin",
    "The daemon accepts C's spelling of an integer, and pastes it into init, where it is not JSON.",
    "Read int options leniently: int(text, 0) in Python reads 0x10.",
)
SETCONFIG_UNANSWERED = _error(
    "CW603 setconfig-unanswered",
    "setconfig of a dynamic option is not answered",
    "The caller of setconfig waits for ever.",
    'Answer setconfig with {}, or remove "dynamic": true from the option.',
)
SETCONFIG_REFUSED = _warning(
    "CW604 setconfig-refused",
    "setconfig refuses the value that a dynamic option has",
    "A value that was accepted at the start should be accepted later.",
    "Answer setconfig with {}; its val is a string, or an array of them for multi.",
)
CHECK_UNANSWERED = _error(
    "CW605 check-unanswered",
    "check of a method is not answered",
    "The manifest says cancheck: the caller of check waits for ever.",
    'Answer check with {}, or remove "cancheck": true from the manifest.',
)
CHECK_DISAGREES = _warning(
    "CW606 check-disagrees",
    "check and the method's usage contradict each other",
    "check says whether a call would be accepted; usage tells which parameters it needs.",
    'Write parameters that may be left out in brackets, "usage": "id [label]", and refuse '
    "a call without the others by error -32602.",
)
METHOD_UNANSWERED = _error(
    "CW607 method-unanswered",
    "a call of a method is not answered",
    "The caller waits for ever.",
    'Answer each call, with a result or {"code": -32602, "message": "…"} as its error.',
)
DIES_AT_METHOD = _error(
    "CW608 dies-at-method",
    "the plugin ends at a call of a method",
    "Any caller can end the plugin, and with an important plugin the node.",
    "Catch what may fail (try, except Exception), and answer with an error.",
)
METHOD_FAILS = _warning(
    "CW609 method-fails",
    "an error is logged at a call of a method",
    "The caller got an answer, but the handler seems to have failed.",
    "See the error. Answer a call with wrong parameters by error -32602.",
)

# Calls of the daemon.

DEADLOCK_IN_INIT = _error(
    "CW701 deadlock-in-init",
    "init waits for the daemon, which waits for init",
    "With the hook rpc_command the daemon asks this very plugin about the command it has called.",
    'Answer init first, and call the daemon afterwards; or write {"name": "rpc_command", '
    '"filters": ["pay"]}.',
)
DEADLOCK_IN_DB_WRITE = _error(
    "CW702 deadlock-in-db-write",
    "db_write waits for the daemon, which waits for db_write",
    "While db_write runs the daemon serves nobody: it hangs for ever.",
    "Call no command in db_write; do it in the background, after the answer.",
)
DEADLOCK_IN_HANDLER = _error(
    "CW703 deadlock-in-handler",
    "a handler waits for the daemon, which waits for this plugin",
    "Every command goes through rpc_command first, those of the plugin that answers it included.",
    'Write {"name": "rpc_command", "filters": ["pay"]}, or handle messages while the call '
    "is under way.",
)

# The file.

NOT_EXECUTABLE = _error(
    "CW801 not-executable",
    "the file is not executable",
    "The daemon runs the file itself, and refuses one that is not executable: Permission denied.",
    "Type: chmod +x PLUGIN.",
)
NO_INTERPRETER_LINE = _error(
    "CW802 no-interpreter-line",
    "a script that does not begin with #!",
    "Without it the daemon runs the file as a shell script, whatever its language.",
    "Begin a Python plugin with #!/usr/bin/env python3, or #! and the path of its own Python.",
)
CARRIAGE_RETURN = _error(
    "CW803 carriage-return",
    "the first line ends as on Windows",
    "The carriage return becomes part of the interpreter's name, and there is no such file.",
    "Type: sed -i 's/\\r$//' PLUGIN.",
)
MISSING_INTERPRETER = _error(
    "CW804 missing-interpreter",
    "the interpreter that the first line names is not there",
    "The daemon cannot start the file: No such file or directory.",
    "Install the interpreter, or name one that is there: command -v python3 shows its path.",
)
PYTHON_WITHOUT_CLNWIRE = _warning(
    "CW805 python-without-clnwire",
    "a plugin with clnwire whose first line finds a Python without",
    "clnwire puts its own Python first on PATH; the daemon does not.",
    "Write the path of the Python that has clnwire after #!, or install clnwire for the other.",
)

RULES: Final = tuple(
    sorted(
        (rule for rule in list(globals().values()) if isinstance(rule, Rule)), key=lambda r: r.code
    )
)
"""In the order of their codes."""
GROUPS: Final = {
    "0": "The manifest",
    "1": "Output",
    "2": "Start and end",
    "3": "Hooks",
    "4": "Events",
    "5": "How messages arrive",
    "6": "Options and methods",
    "7": "Calls of the daemon",
    "8": "The file",
}
"""By the code's first digit."""
