"""What a plugin declares: methods, hooks and options."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from clnwire.pyln.binding import INJECTED

if TYPE_CHECKING:
    from collections.abc import Callable

BUILT_IN: Final = ("getmanifest", "init", "setconfig")
"""Methods of every plugin; the manifest and the usage leave them out."""
OPTION_TYPES: Final = ("string", "int", "bool", "flag")
hook_fallbacks: Final[dict[str, Any]] = {
    "htlc_accepted": {"result": "fail", "failure_message": "2002"},
    "peer_connected": {"result": "continue"},
    "invoice_payment": {"result": "continue"},
    "openchannel": {"result": "reject"},
    "rpc_command": {"result": "continue"},
    "custommsg": {"result": "continue"},
    # The original answers an error to these, at which the daemon ends.
    "openchannel2": {"result": "reject"},
    "openchannel2_changed": {"result": "continue"},
    "openchannel2_sign": {"result": "continue"},
    "rbf_channel": {"result": "reject"},
    "onion_message_recv": {"result": "continue"},
    "onion_message_recv_secret": {"result": "continue"},
    "recover": {"result": "continue"},
}
"""Hook → the answer if its handler fails. `db_write` and `commitment_revocation` have none, because
only the handler's own answer is safe."""


class MethodType(Enum):
    """What a handler is for."""

    RPCMETHOD = 0
    HOOK = 1


class Method:
    """A method or hook, and its handler."""

    def __init__(
        self,
        name: str,
        func: Callable[..., Any],
        mtype: MethodType = MethodType.RPCMETHOD,
        deprecated: bool | list[str] | None = None,
        description: str | None = None,
    ) -> None:
        self.name = name
        self.func = func
        self.mtype = mtype
        self.background = False
        """Whether the handler answers by `Request.set_result`, at any time."""
        self.deprecated = deprecated
        self.description = description
        self.before: list[str] = []
        self.after: list[str] = []
        self.filters: list[str | int] | None = None

    def get_usage(self) -> str:
        """The parameters, those with a default in brackets, and the docstring."""
        import inspect

        spec = inspect.getfullargspec(self.func)
        first_default = len(spec.args) - len(spec.defaults or ())
        words = [
            name if place < first_default else f"[{name}]"
            for place, name in enumerate(spec.args)
            if name not in INJECTED
        ]
        if self.description is not None:
            doc: Any = inspect.getdoc(self.func)
            text = re.sub("\n", "\n ", doc)
            words.append(f" \n {text}")
        return " ".join(words)


class Option:
    """An option of the daemon's command line that the plugin adds.

    `value` is what the daemon sent; `None` before `init`, and for a flag that is not set.
    """

    def __init__(
        self,
        name: str,
        default: Any,
        description: str | None,
        opt_type: str,
        value: Any,
        multi: bool,
        deprecated: bool | list[str] | None,
        dynamic: bool,
        on_change: Callable[[Any, str, Any], None] | None,
    ) -> None:
        self.name, self.default, self.description = name, default, description
        self.opt_type, self.value, self.multi = opt_type, value, multi
        self.deprecated, self.dynamic, self.on_change = deprecated, dynamic, on_change

    def __getitem__(self, key: str) -> Any:
        if key == "value":
            return self.value
        raise KeyError(f"Key {key} not supported, only 'value' is")

    def __eq__(self, other: object) -> bool:
        return type(other) is Option and vars(self) == vars(other)

    def __repr__(self) -> str:
        members = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"Option({members})"

    def json(self) -> dict[str, Any]:
        """The option's part of the manifest."""
        members = {
            "name": self.name,
            "description": self.description,
            "type": self.opt_type,
            "multi": self.multi,
            "deprecated": self.deprecated,
            "dynamic": self.dynamic,
        }
        if self.default is not None:
            members["default"] = self.default
        return members
