"""The ids of the daemon's requests: `"cln:<method>#<n>"`, with the caller's id in front, if any."""

from __future__ import annotations

from msgspec import json


def request_token(caller: bytes | None, method: str, number: int) -> bytes:
    """The token of request `number`, caused by a caller's request if its token is given.

    A caller's string stays as it is spelled; any other id becomes the text that it is.
    """
    own = json.encode(f"cln:{method}#{number}")
    if caller is None:
        return own
    return b'"%s/%s' % (_inside_quotes(caller), own[1:])


def _inside_quotes(token: bytes) -> bytes:
    if token.startswith(b'"'):
        return token[1:-1]
    return json.encode(token.decode())[1:-1]
