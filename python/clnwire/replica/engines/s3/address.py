"""Where the bucket is, and how to reach it: TLS, credentials, time-outs."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import SplitResult, parse_qsl, urlsplit

from obstore.store import S3Store

from clnwire.replica.engines.remote import is_loopback
from clnwire.replica.errors import RefusedError
from clnwire.replica.sealing import check_private

if TYPE_CHECKING:
    from pathlib import Path

    from obstore.store import S3Config

CONNECT_SECONDS: Final = 5.0
_OPTIONS: Final = ("endpoint", "region", "path_style", "allow_http")
_SECRETS: Final = ("access_key_id", "secret_access_key", "session_token")
_FLAGS: Final = {"true": True, "false": False}
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
_PREFIX: Final = re.compile(r"[A-Za-z0-9._/-]*")


class Address:
    """What a URL and the credentials file say, checked."""

    def __init__(self, url: str, credentials_file: Path | None) -> None:
        """Reads both.

        The URL is `s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION`, perhaps with
        `path_style=false` or `allow_http=true`. Without an endpoint it is that of AWS. The file has
        lines `key = value`: `access_key_id`, `secret_access_key`, perhaps `session_token`, and the
        URL's options. Without it, credentials come from where AWS's tools find them: the
        environment, or the machine's role.
        """
        parts = _split(url, "the engine's URL")
        self.bucket, self.prefix = parts.netloc, parts.path.strip("/")
        if not _BUCKET.fullmatch(self.bucket) or not _PREFIX.fullmatch(self.prefix):
            raise RefusedError(
                "the engine's URL must be like s3://BUCKET/PREFIX, without credentials"
            )
        self.name = f"s3://{self.bucket}/{self.prefix}"
        given = {} if credentials_file is None else _read(credentials_file)
        self._secrets: dict[str, str] = {key: given[key] for key in _SECRETS if key in given}
        if ("access_key_id" in given) != ("secret_access_key" in given):
            raise RefusedError(
                f"{credentials_file}: must have access_key_id and secret_access_key, or neither"
            )
        self._read_options(given, dict(parse_qsl(parts.query, keep_blank_values=True)))

    def _read_options(self, given: dict[str, str], options: dict[str, str]) -> None:
        for key in options:
            if key not in _OPTIONS:
                raise RefusedError(
                    f"{self.name}: the URL has an option {key!r}; there are {', '.join(_OPTIONS)}, "
                    "and secrets are in credentials-file"
                )
        options = {key: given[key] for key in _OPTIONS if key in given} | options
        endpoint, region = options.get("endpoint"), options.get("region")
        self._path_style = self._flag(options, "path_style", default=endpoint is not None)
        if endpoint is None:
            if region is None:
                raise RefusedError(
                    f"{self.name}: the URL needs ?region=REGION for AWS, or ?endpoint=https://HOST"
                )
            self.endpoint = f"https://s3.{region}.amazonaws.com"
        else:
            self.name += f" at {_split(endpoint, 'endpoint').netloc.rpartition('@')[2]}"
            self.endpoint = endpoint.rstrip("/")
        self._region = region or "us-east-1"
        self._allow_http = self._secure(self._flag(options, "allow_http", default=False))

    def _flag(self, options: dict[str, str], key: str, *, default: bool) -> bool:
        text = options.get(key, str(default).lower())
        if text not in _FLAGS:
            raise RefusedError(f"{self.name}: {key} must be true or false")
        return _FLAGS[text]

    def _secure(self, allowed: bool) -> bool:
        """Whether the connection may be cleartext."""
        parts = urlsplit(self.endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise RefusedError(
                f"{self.name}: endpoint must be like https://HOST:PORT, without credentials"
            )
        if parts.scheme == "http" and not allowed and not is_loopback(parts.hostname):
            raise RefusedError(
                f"{self.name}: the endpoint is cleartext, in which others on the way read and "
                "change the node's state; use https, or allow_http=true if something else "
                "protects the connection"
            )
        return parts.scheme == "http"

    def store(self, node: str, answer_seconds: float) -> S3Store:
        """A client for the objects of a node, which tries each request once.

        It makes no connection yet. A request may take `answer_seconds` in all.
        """
        config: dict[str, object] = {
            "endpoint": self._address(urlsplit(self.endpoint)),
            "region": self._region,
            "virtual_hosted_style_request": not self._path_style,
            "conditional_put": "etag",
            **self._secrets,
        }
        return S3Store(
            self.bucket,
            prefix=f"{self.prefix}/{node}".lstrip("/"),
            config=cast("S3Config", config),
            client_options={
                "allow_http": self._allow_http,
                "connect_timeout": timedelta(seconds=min(CONNECT_SECONDS, answer_seconds)),
                "timeout": timedelta(seconds=answer_seconds),
                "user_agent": "clnwire-replica",
            },
            retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=answer_seconds)},
        )

    def _address(self, parts: SplitResult) -> str:
        if self._path_style:
            return self.endpoint
        return parts._replace(netloc=f"{self.bucket}.{parts.netloc}").geturl()


def _split(url: str, what: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # The error's text may quote a secret.
        raise RefusedError(f"{what} cannot be read: its host or port is wrong") from None
    return parts


def _read(path: Path) -> dict[str, str]:
    check_private(path)
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals or key not in (*_OPTIONS, *_SECRETS):
            # The line may be a secret.
            raise RefusedError(
                f"{path}: line {number} must be KEY = VALUE, with one of "
                f"{', '.join((*_SECRETS, *_OPTIONS))}"
            )
        found[key] = value.strip("\"'")
    return found
