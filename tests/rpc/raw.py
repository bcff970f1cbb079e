"""A socket that answers one call with a text of the test's choice."""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clnwire.rpc import connect


def answering(
    form: str, reply: str | None, act: Callable[[Any], Any], sent: list[bytes] | None = None
) -> Any:
    """What a call gives whose reply has this member; without one, another program answers.

    `sent` takes the request.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rpc"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=_answer, args=(listener, reply, sent), daemon=True)
        thread.start()
        rpc = connect(path, name="test")
        try:
            if form == "blocking":
                return act(rpc)
            return asyncio.run(_awaited(act, rpc.aio))
        finally:
            rpc.hang_up()
            # Wakes a thread that nobody called.
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(20)
            listener.close()


async def _awaited(act: Callable[[Any], Any], rpc: Any) -> Any:
    return await act(rpc)


def _answer(listener: socket.socket, reply: str | None, sent: list[bytes] | None) -> None:
    try:
        connection, _ = listener.accept()
    except OSError:
        return
    with connection:
        request = b""
        while not request.endswith(b"\n\n"):
            request += connection.recv(1 << 20)
        if sent is not None:
            sent.append(request)
        token = json.dumps(json.loads(request)["id"])
        text = f'{{"jsonrpc":"2.0","id":{token},{reply}}}\n\n'
        connection.sendall((text if reply is not None else "HTTP/1.1 400\n\n").encode())
        connection.recv(1)
