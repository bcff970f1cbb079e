"""Plugins in plain Python, without installed packages, which share no code with what they test."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

SOURCE = '''\
#!{python} -S
import codecs, json, os, re, sys, time

MANIFEST = {{"options": [], "rpcmethods": [], "subscriptions": [], "hooks": []}}

def say(text):
    os.write(1, text.encode())

def send(**members):
    say(json.dumps({{"jsonrpc": "2.0", **members}}, ensure_ascii=False) + "\\n\\n")

def reply(message, result):
    send(id=message["id"], result=result)

def fail(message, code, text, **more):
    send(id=message["id"], error={{"code": code, "message": text, **more}})

def log(text, level="info"):
    send(method="log", params={{"level": level, "message": text}})

def answer(message):
    """The answer to a hook or method."""
    return {{"result": "continue"}}

def init(message):
    return {{}}

def manifest(message):
    return MANIFEST

def handle(message):
    method = message["method"]
    if "id" not in message:
        notified(message)
    elif method == "getmanifest":
        reply(message, manifest(message))
    elif method == "init":
        reply(message, init(message))
    else:
        reply(message, answer(message))

def notified(message):
    if message["method"] == "shutdown":
        sys.exit(0)

def messages():
    """Whole messages, and the text of each."""
    text, decoder = "", json.JSONDecoder()
    utf8 = codecs.getincrementaldecoder("utf-8")()
    while data := os.read(0, 65536):
        text += utf8.decode(data)
        while text := text.lstrip():
            try:
                message, end = decoder.raw_decode(text)
            except json.JSONDecodeError as error:
                end = text.find("\\n\\n", error.pos)
                is_whole = error.msg.startswith("Expecting ',' delimiter") and end >= 0
                if not is_whole or '"method":"init"' in text[:end]:
                    break
                # No JSON, and whole: a caller's own bytes. It is refused, and lost alone.
                token = re.search(r'"id":("[^"]*"|[0-9]+)', text)
                send(id=json.loads(token[1]), error={{"code": -32700, "message": "no JSON"}})
                text = text[end:]
                continue
            message["TEXT"] = text[:end]
            yield message
            text = text[end:]

def ended():
    pass

{body}

for message in messages():
    handle(message)
ended()
'''

MakePlugin: TypeAlias = Callable[..., Path]


def write_plugin(folder: Path, body: str, name: str = "plugin.py", mode: int = 0o755) -> Path:
    """A plugin with this body, which redefines what it wants to be different."""
    path = folder / name
    path.write_text(SOURCE.format(python=sys.executable, body=textwrap.dedent(body)))
    path.chmod(mode)
    return path
