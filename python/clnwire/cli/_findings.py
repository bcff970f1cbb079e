"""What `clnwire check` prints, for people and for programs: a report, or what differs in two."""

import os
import sys
from collections.abc import Sequence
from typing import Any, Final

from msgspec import UNSET, json, structs

from clnwire._core import members
from clnwire._wire.counting import counted
from clnwire._wire.foreign import in_one_line
from clnwire.checking import Finding, Report, Rule
from clnwire.checking.finding import shortened
from clnwire.replay.differences import compare_bytes

INDENT: Final = " " * 6
WIDEST: Final = 28
"""Columns of a place that others are still aligned with."""
RED: Final = "1;31"
YELLOW: Final = "1;33"
GREEN: Final = "1;32"
DIM: Final = "2"
BOLD: Final = "1"
IGNORED: Final = ("traceback",)
"""Members of errors that name lines of the library."""
_COLOURS: Final = {"error": RED, "warning": YELLOW}


def as_text(plugin: str, findings: Sequence[Finding], report: Report, seconds: float) -> str:
    """A block of lines for each finding, the notes, and a last line that sums up."""
    widths = [
        max((len(cell[column]) for cell in map(_cells, findings)), default=0) for column in range(2)
    ]
    lines = [line for finding in findings for line in _block(finding, widths)]
    lines += [_painted(DIM, f"note: {in_one_line(note)}") for note in report.notes]
    lines.append(_summary(plugin, findings, report, seconds))
    return "\n".join(lines) + "\n"


def _cells(finding: Finding) -> tuple[str, str]:
    return ", ".join(finding.dialects), in_one_line(finding.where)[:WIDEST]


def _block(finding: Finding, widths: list[int]) -> list[str]:
    rule = finding.rule
    dialects, where = ", ".join(finding.dialects), in_one_line(finding.where)
    head = _painted(_COLOURS[rule.severity], f"{rule.code} {rule.severity:<7}")
    place = f"{dialects:<{widths[0]}}  {where:<{widths[1]}}"
    lines = [f"{head}  {_painted(BOLD, place)}  {in_one_line(finding.message)}"]
    if finding.excerpt:
        lines.append(_painted(DIM, f"{INDENT}wire  {in_one_line(finding.excerpt)}"))
    lines += [f"{INDENT}  | {in_one_line(line)}" for line in finding.traceback.splitlines()]
    lines.append(f"{INDENT}{_painted(GREEN, 'fix')}   {rule.fix}")
    return lines


def _summary(plugin: str, findings: Sequence[Finding], report: Report, seconds: float) -> str:
    dialects = " and ".join(report.dialects) or "no dialect"
    effort = f"{dialects}, {counted(report.starts, 'start')}, "
    effort += f"{counted(report.messages, 'message')}, {seconds:.1f} s"
    if not findings:
        passed = _painted(GREEN, f"{plugin}: all checks passed")
        return f"{passed} ({effort})"
    errors = sum(finding.rule.severity == "error" for finding in findings)
    found = f"{counted(errors, 'error')}, {counted(len(findings) - errors, 'warning')}"
    return f"{_painted(RED if errors else YELLOW, f'{plugin}: {found}')} ({effort})"


def _painted(colour: str, text: str) -> str:
    """In colour on a terminal only."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"


def as_json(
    plugin: str, findings: Sequence[Finding], report: Report, seconds: float
) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "ok": not findings,
        "plugin": plugin,
        "dialects": report.dialects,
        "starts": report.starts,
        "messages": report.messages,
        "seconds": round(seconds, 3),
        "notes": report.notes,
        "findings": [_finding(finding) for finding in findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    rule = finding.rule
    found = {"code": rule.code, "name": rule.name, "severity": rule.severity}
    found |= {name: value for name, value in structs.asdict(finding).items() if name != "rule"}
    return {**found, "reason": rule.reason, "fix": rule.fix}


def explanation(rule: Rule) -> str:
    """All that there is to say about a rule."""
    head = _painted(_COLOURS[rule.severity], f"{rule.code} {rule.name}")
    return f"{head} ({rule.severity})\n\n{rule.summary}\n\nWhy: {rule.reason}\nFix: {rule.fix}\n"


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


def differences_as_text(plugin: str, found: list[dict[str, str]], answers: int) -> str:
    """The differences, and a last line that sums up."""
    lines = [
        f"{each['where']}\n  - pyln-client  {shortened(in_one_line(each['pyln_client']))}"
        f"\n  + clnwire      {shortened(in_one_line(each['clnwire']))}"
        for each in found
    ]
    total = counted(len(found), "difference") if found else "no difference"
    return "\n".join([*lines, f"{plugin}: {total}; {counted(answers, 'answer')}"]) + "\n"
