"""Where the server is, and how to reach it: TLS, credentials, time-outs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from clnwire.replica.engines.remote import is_loopback
from clnwire.replica.errors import RefusedError
from clnwire.replica.sealing import check_private

_DEFAULTS: Final = {
    "connect_timeout": "5",
    "tcp_user_timeout": "10000",
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "application_name": "clnwire-replica",
    "client_encoding": "utf8",
}
"""What the URL may say otherwise. Most of it bounds how long a dead connection goes unnoticed;
libpq sets TCP_NODELAY itself."""
_ENCRYPTED: Final = ("require", "verify-ca", "verify-full")
_SECRET: Final = ("password", "sslpassword")


class Address:
    """What a URL says, checked."""

    def __init__(self, url: str, credentials_file: Path | None, *, writes: bool = True) -> None:
        """Reads the URL, as libpq does, and the file, which has the password and nothing else.

        `writes` says whether only a server that takes writes will do.
        """
        self.parameters = _parse(url)
        named = [
            self.parameters.get(key) or os.environ.get(f"PG{key.upper()}")
            for key in ("host", "hostaddr")
        ]
        hosts = ",".join(filter(None, named))
        port, database = self.parameters.get("port"), self.parameters.get("dbname", "")
        self.name = f"postgresql://{hosts}{f':{port}' if port else ''}/{database}"
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
            check_private(credentials_file)
            lines = credentials_file.read_text("utf-8").splitlines()
            if len(lines) != 1 or not lines[0]:
                raise RefusedError(f"{credentials_file}: must be one line, the password")
            self.parameters["password"] = lines[0]
        self._secure([host for host in hosts.split(",") if not _is_local(host)])
        # Of several hosts, the one that takes writes.
        wanted = "read-write" if writes else "any"
        self.parameters = {**_DEFAULTS, "target_session_attrs": wanted, **self.parameters}

    def conninfo(self) -> str:
        """All of it, the password too, for libpq."""
        return make_conninfo(**self.parameters)

    def _secure(self, remote: list[str]) -> None:
        mode = self.parameters.get("sslmode") or os.environ.get("PGSSLMODE")
        if not remote:
            return
        if mode is None:
            self.parameters["sslmode"] = "verify-full"
            own = Path("~/.postgresql/root.crt").expanduser()
            self.parameters.setdefault("sslrootcert", str(own) if own.exists() else "system")
        elif mode not in (*_ENCRYPTED, "disable"):
            raise RefusedError(
                f"{self.name}: sslmode={mode} falls back to cleartext, in which others on the way "
                f"to {remote[0]} read and change the node's state; use sslmode=verify-full, or "
                "sslmode=disable if something else protects the connection"
            )


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


def _is_local(host: str) -> bool:
    return not host or host.startswith(("/", "@")) or is_loopback(host)
