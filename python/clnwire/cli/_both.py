"""What differs between a plugin on pyln-client and the same plugin on clnwire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import UNSET, json

from clnwire._core import members
from clnwire._wire.counting import counted
from clnwire._wire.foreign import in_one_line
from clnwire.checking.finding import shortened
from clnwire.replay.differences import compare_bytes

if TYPE_CHECKING:
    from clnwire.checking import Report, Rule

IGNORED: Final = ("traceback",)
"""Members of errors that name lines of the library."""


def differences(pyln: Report, own: Report, wanted: list[Rule]) -> list[dict[str, str]]:
    """Each place, and what is there on pyln-client and on clnwire: findings, then answers."""
    findings = [
        {(found.rule.code, found.where): found.message for found in report.chosen(wanted)}
        for report in (pyln, own)
    ]
    found = [
        _difference(f"{code} {where}", *(side.get((code, where), "nothing") for side in findings))
        for code, where in dict.fromkeys([*findings[0], *findings[1]])
        if not ((code, where) in findings[0] and (code, where) in findings[1])
    ]
    for request, reply in pyln.answers.items():
        if request in own.answers:
            found += [
                _difference(f"{_method(request)} {change.path}", *map(_text, sides))
                for change in compare_bytes(reply, own.answers[request], IGNORED)
                for sides in [(change.recorded, change.got)]
            ]
    return found


def _difference(where: str, pyln: str, own: str) -> dict[str, str]:
    return {"where": where, "pyln_client": pyln, "clnwire": own}


def _method(request: bytes) -> str:
    return dict(members(request))["method"].decode("utf-8", "replace").strip('"')


def _text(value: object) -> str:
    return "nothing" if value is UNSET else json.encode(value).decode()


def as_text(plugin: str, found: list[dict[str, str]], answers: int) -> str:
    """The differences, and a last line that sums up."""
    lines = [
        f"{each['where']}\n  - pyln-client  {shortened(in_one_line(each['pyln_client']))}"
        f"\n  + clnwire      {shortened(in_one_line(each['clnwire']))}"
        for each in found
    ]
    total = counted(len(found), "difference") if found else "no difference"
    return "\n".join([*lines, f"{plugin}: {total}; {counted(answers, 'answer')}"]) + "\n"
