"""The member `filter` of a request: a template of the parts of the result to keep."""

from __future__ import annotations

from clnwire import _core
from clnwire._wire.codec import encode
from clnwire.error_codes import INVALID_PARAMS
from clnwire.errors import RpcError
from clnwire.host.rules.decoding import as_array, as_object, decoded

WARNING = "warning_parameter_filter"


def filter_of(frame: _core.Frame) -> object:
    """The request's filter, if it has one. Raises `RpcError` for an invalid filter."""
    if frame.fault is not None:
        return None
    text = dict(_core.members(frame.bytes)).get("filter")
    if text is None:
        return None
    template = as_object(decoded(text))
    if template is None:
        raise RpcError(INVALID_PARAMS, "filter: should be an object")
    _check(template, "filter")
    return template


def trimmed(result: bytes, template: object) -> bytes:
    """The parts of the result that the template names.

    Where the template's shape does not match the result, the daemon keeps that part unfiltered and
    adds a warning to the result.
    """
    problems: list[str] = []
    value = _trim(decoded(result), template, "result", problems)
    members = as_object(value)
    if problems and members is not None:
        value = {**members, WARNING: problems[0]}
    return encode(value)


def _check(template: object, where: str) -> None:
    members, items = as_object(template), as_array(template)
    if members is not None:
        for name, inner in members.items():
            _check(inner, f"{where}.{name}")
    elif items is not None:
        if len(items) != 1:
            raise RpcError(INVALID_PARAMS, f"{where}: an array must have exactly one element")
        _check(items[0], f"{where}[0]")
    elif template is not True:
        raise RpcError(INVALID_PARAMS, f"{where}: should be true, an object or an array")


def _trim(value: object, template: object, where: str, problems: list[str]) -> object:
    """The wanted parts of a value. Adds a text to `problems` for the first mismatch."""
    wanted, items = as_object(template), as_array(template)
    if wanted is not None:
        members = as_object(value)
        if members is not None:
            return {
                name: _trim(member, wanted[name], f"{where}.{name}", problems)
                for name, member in members.items()
                if name in wanted
            }
        if not problems:
            problems.append(f"{where} is not an object")
    elif items is not None:
        entries = as_array(value)
        if entries is not None:
            inner = f"{where}[]"
            return [_trim(entry, items[0], inner, problems) for entry in entries]
        if not problems:
            problems.append(f"{where} is not an array")
    return value
