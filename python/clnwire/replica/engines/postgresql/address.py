"""Where the server is, and how to reach it: TLS, credentials, time-outs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from clnwire.replica.engines.remote import is_loopback
from clnwire.replica.errors import RefusedError
from clnwire.replica.sealing import check_private

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECT_SECONDS: Final = 5
"""How long a connection may take to each address, unless the URL has `connect_timeout`."""
_ENCRYPTED: Final = ("require", "verify-ca", "verify-full")
_SECRET: Final = ("password", "sslpassword")


class Address:
    """What a URL says, checked."""

    def __init__(self, url: str, credentials_file: Path | None, *, writes: bool = True) -> None:
        """Reads the URL.

        Args:
            url: `postgresql://USER@HOST:PORT/DATABASE?sslmode=…`, as libpq reads it.
            credentials_file: A file that has the password, and nothing else.
            writes: Whether only a server that takes writes will do.

        Raises:
            RefusedError: The URL is wrong, or its connection would not be safe.
        """
        self.parameters = _parse(url)
        hosts = list(_hosts(self.parameters))
        self.name = _name(self.parameters, hosts)
        if "service" in self.parameters or "PGSERVICE" in os.environ:
            raise RefusedError(
                f"{self.name}: a service of libpq may change the host and its protection unseen; "
                "put all of it into the URL, and unset PGSERVICE"
            )
        if secret := next((key for key in _SECRET if key in self.parameters), None):
            raise RefusedError(
                f"{self.name}: take {secret} out of the URL, which ends up in messages, and put "
                "the password in credentials-file"
            )
        if credentials_file is not None:
            self.parameters["password"] = _read_password(credentials_file)
        self._secure([host for host in hosts if not _is_local(host)])
        # Of several hosts, the one that takes writes.
        self.parameters.setdefault("target_session_attrs", "read-write" if writes else "any")
        self._bound()

    def conninfo(self) -> str:
        """All of it, the password too, for libpq."""
        return make_conninfo(**self.parameters)

    def _secure(self, remote: list[str]) -> None:
        mode = self.parameters.get("sslmode") or os.environ.get("PGSSLMODE")
        if not remote:
            return
        if mode is None:
            self.parameters["sslmode"] = "verify-full"
            self.parameters.setdefault("sslrootcert", _root_certificate())
        elif mode not in (*_ENCRYPTED, "disable"):
            raise RefusedError(
                f"{self.name}: sslmode={mode} falls back to cleartext, in which others on the way "
                f"to {remote[0]} read and change the node's state; use sslmode=verify-full, or "
                "sslmode=disable if something else protects the connection"
            )

    def _bound(self) -> None:
        """Bounds how long a dead connection goes unnoticed. libpq sets TCP_NODELAY itself."""
        for key, value in {
            "connect_timeout": CONNECT_SECONDS,
            "tcp_user_timeout": 10_000,
            "keepalives": 1,
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            "application_name": "clnwire-replica",
            "client_encoding": "utf8",
        }.items():
            self.parameters.setdefault(key, str(value))


def _parse(url: str) -> dict[str, str]:
    try:
        return {key: str(value) for key, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        # The error's text quotes the URL, which may have a password.
        scheme = url.partition(":")[0][:20]
        raise RefusedError(
            f"the engine's URL {scheme}://… cannot be read; it must be like "
            "postgresql://USER@HOST:PORT/DATABASE?sslmode=verify-full"
        ) from None


def _read_password(path: Path) -> str:
    check_private(path)
    lines = path.read_text("utf-8").splitlines()
    if len(lines) != 1 or not lines[0]:
        raise RefusedError(f"{path}: must be one line, the password")
    return lines[0]


def _hosts(parameters: dict[str, str]) -> Iterator[str]:
    for key in ("host", "hostaddr"):
        if value := parameters.get(key) or os.environ.get(f"PG{key.upper()}"):
            yield from value.split(",")


def _is_local(host: str) -> bool:
    return not host or host.startswith(("/", "@")) or is_loopback(host)


def _root_certificate() -> str:
    own = Path("~/.postgresql/root.crt").expanduser()
    return str(own) if own.exists() else "system"


def _name(parameters: dict[str, str], hosts: list[str]) -> str:
    port = parameters.get("port")
    where = ",".join(hosts) + (f":{port}" if port else "")
    return f"postgresql://{where}/{parameters.get('dbname', '')}"
