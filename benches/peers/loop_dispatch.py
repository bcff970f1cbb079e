"""A minimal plugin without an SDK, with the JSON library in CLNWIRE_BENCH_LIBRARY.

It reads, splits at blank lines, decodes the whole message, looks up the method and encodes the
reply. It validates nothing, splits a message that has a blank line inside, and ends at any error.
"""

import os

library = os.environ["CLNWIRE_BENCH_LIBRARY"]
if library == "json":
    from json import dumps, loads

    def encode(value: object) -> bytes:
        return dumps(value).encode()
elif library == "orjson":
    from orjson import dumps as encode
    from orjson import loads
elif library == "msgspec":
    from msgspec.json import decode as loads
    from msgspec.json import encode

connected = 0


def on_write(data_version: int, writes: list[str]) -> dict[str, str]:
    return {"result": "continue"}


def scale(amount: int, factor: int = 1) -> dict[str, int]:
    return {"amount": amount * factor}


def on_connect(connect: object) -> None:
    global connected  # noqa: PLW0603
    connected += 1


HANDLERS = {
    "getmanifest": lambda **params: {},
    "init": lambda **params: {},
    "db_write": on_write,
    "scale": scale,
    "connected": lambda: connected,
    "connect": on_connect,
}

rest = b""
while chunk := os.read(0, 65536):
    *messages, rest = (rest + chunk).split(b"\n\n")
    replies = b""
    for message in map(loads, messages):
        result = HANDLERS[message["method"]](**message["params"])
        if "id" in message:
            reply = {"jsonrpc": "2.0", "id": message["id"], "result": result}
            replies += encode(reply) + b"\n\n"
    if replies:
        os.write(1, replies)
