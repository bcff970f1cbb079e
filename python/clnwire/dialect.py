"""Which of its two dialects the daemon speaks.

`"2019"` is the protocol of the founding document: integer ids, bare payloads, string options.
`"current"` is that of Core Lightning today.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

Dialect: TypeAlias = Literal["2019", "current"]


def spoken(getmanifest_token: bytes, *, allow_deprecated_apis: bool | None) -> Dialect:
    """The dialect of a daemon that sent `getmanifest` with this id and this member of its params.

    The daemon of 2019 counts its ids in integers and calls `getmanifest` without params; later
    ones always say `allow-deprecated-apis`, today's also uses strings as ids.
    """
    if allow_deprecated_apis is None and not getmanifest_token.startswith(b'"'):
        return "2019"
    return "current"
