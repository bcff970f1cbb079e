"""Plugins in plain Python that answer as told, and jobs for them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from clnwire.bench.load import Job, Report, measure
from clnwire.bench.load.messages import db_write, init
from clnwire.bench.load.running import daemon_folder

# `reply(request)` gives the text of a reply, or nothing; `heard(notification)` does something.
PLUGIN = """
import json, os, sys, time

MANIFEST = {{"options": [], "rpcmethods": [], "hooks": {hooks}, "nonnumericids": True}}
decoder, text = json.JSONDecoder(), ""

def right(request, result):
    return json.dumps({{"jsonrpc": "2.0", "id": request["id"], "result": result}})

def heard(notification):
    pass

def started(request):
    return right(request, MANIFEST)

def reply(request):
    {reply}

{more}
while chunk := os.read(0, 65536):
    text = (text + chunk.decode()).lstrip()
    while text:
        try:
            request, end = decoder.raw_decode(text)
        except ValueError:
            break
        text = text[end:].lstrip()
        if "id" not in request:
            heard(request)
            continue
        start = request["method"] in ("getmanifest", "init")
        answer = started(request) if start else reply(request)
        if answer:
            print(answer, flush=True)
"""
CONTINUE = 'return right(request, {"result": "continue"})'
PASSED = '{"result":"continue"}'


def written(folder: Path, reply: str, more: str = "", hooks: str = '["db_write"]') -> list[str]:
    """The command of a plugin that answers so."""
    path = folder / "plugin.py"
    path.write_text(PLUGIN.format(reply=reply, more=more, hooks=hooks))
    return [sys.executable, str(path)]


def small_writes(size: int = 400) -> dict[str, Any]:
    """A job's requests and their answer."""
    return {"requests": [db_write(size, "UPDATE t SET c='", "'")], "expect": PASSED}


def done(command: list[str], **settings: Any) -> Report:
    """A short job."""
    short = {"mode": "one", "count": 50, "warm_up": 10, "patience": 5.0, "seconds": 30.0}
    with daemon_folder() as folder:
        known = {"command": command, "init": init(str(folder))}
        return measure(Job(**{**known, **short, **settings}))
