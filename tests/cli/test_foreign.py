"""Texts of plugins and daemons cannot move the cursor of who reads them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from clnwire._wire.foreign import in_one_line, printable, printable_json
from clnwire.host import Host
from tests.cli.terminal import clnwire
from tests.host.raw import write_plugin

EVIL = "a\x1b[2J\x1b]0;t\x07b\x9b1m\rc\x7f\u202ed"
ACTING = set("\x1b\x07\x9b\r\x7f\u202e")


def test_what_is_shown_instead() -> None:
    assert printable("a\n\tb") == "a\n\tb"
    assert printable("\x1b[2J\u202e⚡é") == "\\x1b[2J\\u202e⚡é"
    assert in_one_line("a\nCtrl-C ends it.") == "a\\nCtrl-C ends it."
    text = json.dumps({"a": EVIL + "⚡"}, ensure_ascii=False)
    assert not ACTING & set(printable_json(text))
    assert json.loads(printable_json(text)) == {"a": EVIL + "⚡"}


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    body = f"""
    EVIL = {EVIL!r}
    MANIFEST["options"] = [
        {{"name": "o", "type": "string", "description": EVIL, "default": EVIL}}
    ]
    MANIFEST["rpcmethods"] = [
        {{"name": name, "usage": EVIL + "\\nCtrl-C", "description": "d"}}
        for name in ("say", "simple", "refuse")
    ]
    def handle(message, handle=handle):
        method = message["method"]
        if method == "say":
            send(method="message", params={{"id": message["id"], "level": "info", "message": EVIL}})
            reply(message, {{"text": EVIL}})
        elif method == "simple":
            reply(message, {{"format-hint": "simple", "text": EVIL}})
        elif method == "refuse":
            fail(message, 7, EVIL)
        else:
            handle(message)
    """
    return write_plugin(tmp_path, body)


def test_run_help_and_calls(plugin: Path, tmp_path: Path) -> None:
    shown = clnwire("run", f"--plugin={plugin}", "--help")
    texts = [shown.stdout, shown.stderr]

    async def run() -> None:
        async with Host(lightning_dir=tmp_path / "node") as host:
            await host.start(plugin)
            for words in (["say"], ["simple"], ["refuse"], ["help"]):
                done = await asyncio.to_thread(
                    clnwire, "call", "--lightning-dir", tmp_path / "node", *words
                )
                texts.extend([done.stdout, done.stderr])

    asyncio.run(run())
    assert "Options of plugin.py" in texts[0]
    for text in texts:
        assert not ACTING & set(text), text
    assert sum("[2J" in text for text in texts) >= 6
