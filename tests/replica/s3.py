"""An S3-compatible store for tests: moto's server, in a process of its own.

moto looks for a key and then stores it, so requests are served one at a time. It keeps objects in
memory: a killed store comes back empty.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any, Final

import obstore
from obstore.store import S3Store

from tests.replica.postgres import Proxy

BUCKET: Final = "replicas"
_ROOT: Final = Path(__file__).resolve().parents[2]


class Store:
    """A running server with a bucket.

    `mode` is `honest`; `ignoring`: it ignores the condition `If-None-Match`; or `guarded`: it knows
    no access key. With a certificate, in a folder, it speaks TLS and has no bucket.
    """

    def __init__(self, mode: str = "honest", certificate: Path | None = None) -> None:
        # It serves one request without credentials: the one that makes the bucket.
        guard = {"INITIAL_NO_AUTH_ACTION_COUNT": "1"} if mode == "guarded" else {}
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.replica.s3",
                mode,
                *([certificate] if certificate else []),
            ],
            cwd=_ROOT,
            env={**os.environ, **guard},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.endpoint = f"http{'s' if certificate else ''}://127.0.0.1:{self.port}"
        if certificate:
            return
        request = urllib.request.Request(f"{self.endpoint}/{BUCKET}", method="PUT")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request):
            pass

    @property
    def url(self) -> str:
        """What `engine` in the settings says."""
        return url_of(self.endpoint)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """The server does nothing, as if it were slow."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def objects(self, node: str) -> S3Store:
        """A client of its own for the objects of a node."""
        return S3Store(
            BUCKET,
            prefix=f"nodes/{node}",
            endpoint=self.endpoint,
            region="us-east-1",
            access_key_id="test",
            secret_access_key="test",
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )

    def keys(self, node: str, prefix: str = "log/") -> list[str]:
        """The keys of objects, in order."""
        pages = obstore.list(self.objects(node), prefix)
        return [each["path"] for page in pages for each in page]

    def payloads(self, node: str) -> list[bytes]:
        """The stored sets, replaced ones too."""
        store = self.objects(node)
        entries = [bytes(obstore.get(store, key).bytes()) for key in self.keys(node)]
        return [entry.partition(b"\n")[2] for entry in entries if b'"kind":"set"' in entry]

    def remove(self) -> None:
        """Kills it."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def url_of(endpoint: str) -> str:
    """The URL of an engine."""
    return f"s3://{BUCKET}/nodes?endpoint={endpoint}"


class StoreProxy(Proxy):
    """A way to the store that can fail."""

    def __init__(self, host: str, port: int) -> None:
        self._lock = Lock()
        self._half_closed: set[frozenset[socket.socket]] = set()
        super().__init__(host, port)

    def _pump(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        super()._pump(source, target, answers)
        pair = frozenset((source, target))
        with self._lock:
            is_over = pair in self._half_closed
            self._half_closed ^= {pair}
            if is_over:
                self._pairs.remove((target, source) if answers else (source, target))
        if is_over:
            source.close()
            target.close()

    @property
    def url(self) -> str:
        return url_of(f"http://127.0.0.1:{self.port}")


def credentials(folder: Path) -> Path:
    """A file with credentials; the store takes any."""
    path = folder / "credentials"
    path.touch(0o600)
    path.write_text("access_key_id = test\nsecret_access_key = a secret/word+\n")
    return path


_Environ = dict[str, Any]
_Application = Callable[[_Environ, Any], Iterable[bytes]]


def _one_at_a_time(application: _Application, mode: str) -> _Application:
    lock = Lock()

    def serve(environ: _Environ, start: Any) -> list[bytes]:
        if mode == "ignoring":
            environ.pop("HTTP_IF_NONE_MATCH", None)
        with lock:
            return list(application(environ, start))

    return serve


def main() -> None:
    """Serves until it is killed; says on which port."""
    import logging

    from moto.server import create_backend_app  # type: ignore[import-untyped]
    from werkzeug.serving import WSGIRequestHandler, make_server

    # Connections stay open, as those of real stores do.
    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = _one_at_a_time(create_backend_app("s3"), sys.argv[1])
    tls = (f"{sys.argv[2]}/server.crt", f"{sys.argv[2]}/server.key") if sys.argv[2:] else None
    server = make_server("127.0.0.1", 0, application, threaded=True, ssl_context=tls)
    print(server.port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
