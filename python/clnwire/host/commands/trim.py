"""The member `filter` of a request: a template of the parts of the result to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clnwire import _core
from clnwire._wire.codec import encode
from clnwire.error_codes import INVALID_PARAMS
from clnwire.errors import RpcError
from clnwire.host.rules.decoding import as_array, as_object, decoded

if TYPE_CHECKING:
    from clnwire._core import Frame

WARNING = "warning_parameter_filter"


def filter_of(frame: Frame) -> object:
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
    trimmer = _Trimmer()
    value = trimmer.trim(decoded(result), template, "result")
    members = as_object(value)
    if trimmer.problem is not None and members is not None:
        value = {**members, WARNING: trimmer.problem}
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


class _Trimmer:
    def __init__(self) -> None:
        self.problem: str | None = None
        """The first mismatch between template and result."""

    def trim(self, value: object, template: object, where: str) -> object:
        if template is True:
            return value
        wanted = as_object(template)
        if wanted is not None:
            return self._object(value, wanted, where)
        items = as_array(value)
        if items is None:
            return self._misfit(value, f"{where} is not an array")
        one = (as_array(template) or [True])[0]
        return [self.trim(item, one, f"{where}[]") for item in items]

    def _object(self, value: object, wanted: dict[str, object], where: str) -> object:
        members = as_object(value)
        if members is None:
            return self._misfit(value, f"{where} is not an object")
        return {
            name: self.trim(member, wanted[name], f"{where}.{name}")
            for name, member in members.items()
            if name in wanted
        }

    def _misfit(self, value: object, problem: str) -> object:
        self.problem = self.problem or problem
        return value
