"""JSON as pyln-client writes it, and the encoder that it changes for the whole process."""

from __future__ import annotations

from json import JSONEncoder
from json import encoder as json_encoder
from json import loads as python_loads
from typing import TYPE_CHECKING, Any, Final

from clnwire._core import members

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire._core import Frame

old_json_default = JSONEncoder.default
"""Python's own `JSONEncoder.default`."""


def to_json_default(self: Any, obj: Any) -> Any:
    """Encodes what has a method `to_json`, such as `Millisatoshi`. Raises `TypeError` for others.

    Takes the place of `JSONEncoder.default`: plugins encode amounts by their own `json.dumps`.
    """
    kind: Any = obj.__class__
    return kind.to_json(obj) if hasattr(kind, "to_json") else old_json_default(self, obj)


setattr(JSONEncoder, "default", to_json_default)  # noqa: B010 - its parameter is named `o`.

_encoder: Final = JSONEncoder(ensure_ascii=False, allow_nan=False)


def _default(value: Any) -> Any:
    return _encoder.default(value)  # A plugin may replace that of the class.


def dumps(value: Any) -> str:
    """JSON text with Python's separators. Raises `ValueError` for NaN and infinity, which are no
    JSON, and `TypeError`."""
    if _encode is not None:
        try:
            return "".join(_encode(value, 0))
        except Exception:
            _containers.clear()
    # Raises Python's own error; the value may also have been in use by another thread.
    return _encoder.encode(value)


def dumps_id(value: Any) -> str:
    """The same for an id, which most daemons give as a string."""
    return json_encoder.encode_basestring(value) if value.__class__ is str else dumps(value)


_containers: Final[dict[int, Any]] = {}
"""Those that are being encoded."""
_make: Final[Any] = getattr(json_encoder, "c_make_encoder", None)
_encode: Final[Any] = _make and _make(
    _containers, _default, json_encoder.encode_basestring, None, ": ", ", ", False, False, False
)
"""What `JSONEncoder.encode` makes anew for each value."""


def loads(text: bytes) -> Any:
    """The value of JSON text. Raises `ValueError`."""
    return decoders[-1](text)


def use_fast_decoder() -> None:
    """From now on the decoder is that of `clnwire._wire`.

    Importing it takes longer than it saves before the daemon has the manifest.
    """
    from clnwire._wire.tolerant import loads as fast_loads

    decoders.append(fast_loads)


def decode_init(frame: Frame) -> dict[str, Any]:
    """An `init` that is not JSON: lightningd copies int options as the user wrote them, `0x10`."""
    message = dict(members(frame.bytes))
    params = dict(members(message["params"]))
    options = {name: _value(text) for name, text in members(params["options"])}
    decoded = {name: loads(text) for name, text in params.items() if name != "options"}
    return {
        "id": loads(message["id"]),
        "method": "init",
        "params": {"options": options, **decoded},
    }


def _value(text: bytes) -> Any:
    try:
        return loads(text)
    except ValueError:
        word = text.decode()
        return int(word, 0) if word[:1].isdigit() else word


decoders: Final[list[Callable[[bytes], Any]]] = [python_loads]
"""The last one is in use."""
