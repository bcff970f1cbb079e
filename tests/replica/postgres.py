"""A PostgreSQL server of the machine's own, with a synchronous standby where a test needs one."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

psutil = pytest.importorskip("psutil", reason="needs the extra: cli")
psycopg = pytest.importorskip("psycopg", reason="needs the extra: replica")

ABSENT: Final = (
    "needs a PostgreSQL server: install Debian's package postgresql, or put postgres on the PATH"
)
_USER: Final = "nobody"
"""PostgreSQL refuses to run as root."""
_SETTINGS: Final = """
listen_addresses = '*'
unix_socket_directories = ''
shared_buffers = '16MB'
# In the server's folder, which is removed: servers that are killed leave it.
dynamic_shared_memory_type = mmap
max_wal_size = '16MB'
min_wal_size = '2MB'
wal_level = replica
wal_receiver_timeout = '2s'
wal_retrieve_retry_interval = '100ms'
hot_standby = on
log_min_messages = warning
autovacuum = off
"""


def binaries() -> Path | None:
    """The folder of `postgres` and `initdb`."""
    beside = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in (Path("/usr/local/bin"), *map(Path, os.get_exec_path()), *beside):
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    return None


def _as_user() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(_USER)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def give_to_user(path: Path) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam(_USER)
        for each in (path, *path.rglob("*")):
            os.chown(each, user.pw_uid, user.pw_gid)


def new_folder() -> Path:
    """A folder that the server's user can reach, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="clnwire-pg-"))
    folder.chmod(0o755)
    give_to_user(folder)
    return folder


def make_cluster(folder: Path) -> None:
    """A cluster to copy."""
    found = binaries()
    assert found is not None
    place = new_folder()
    try:
        choices = [
            "-N",
            "-A",
            "trust",
            "-U",
            "postgres",
            "--locale=C",
            "--encoding=UTF8",
            "--wal-segsize=1",
        ]
        subprocess.run(
            [found / "initdb", *choices, "-D", place / "data"],
            check=True,
            capture_output=True,
            cwd="/",
            **_as_user(),
        )
        with (place / "data" / "postgresql.conf").open("a") as file:
            file.write(_SETTINGS)
        with (place / "data" / "pg_hba.conf").open("a") as file:
            file.write("host all all all trust\nhost replication all all trust\n")
        shutil.copytree(place / "data", folder / "data")
    finally:
        shutil.rmtree(place)


def can_make_networks() -> bool:
    """Whether the user may make namespaces and cables."""
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("setpriv") is None:
        return False
    try:
        Elsewhere().remove()
    except subprocess.CalledProcessError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """One server on a copy of the cluster."""

    def __init__(self, cluster: Path, *, folder: Path | None = None, prefix: tuple[str, ...] = ()):
        self.folder = new_folder() if folder is None else folder
        self.data = self.folder / "data"
        self.port = free_port()
        self.host = "127.0.0.1"
        self._prefix = prefix
        self._process: subprocess.Popen[bytes] | None = None
        shutil.copytree(cluster / "data", self.data)
        self.data.chmod(0o700)
        give_to_user(self.folder)

    @property
    def url(self) -> str:
        plain = "" if self.host == "127.0.0.1" else "?sslmode=disable"
        return f"postgresql://postgres@{self.host}:{self.port}/postgres{plain}"

    def configure(self, **settings: str) -> None:
        """Adds to the server's file. A server that runs needs `reload`."""
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{key} = '{value}'\n" for key, value in settings.items())

    def start(self, *, wait: bool = True) -> Server:
        found = binaries()
        assert found is not None
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._prefix, found / "postgres", "-D", self.data, "-p", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                **({} if self._prefix else _as_user()),
            )
        if wait:
            self.wait()
        return self

    def wait(self) -> None:
        """Until it takes connections."""
        end = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError:
                assert self._process is not None
                assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
                assert time.monotonic() < end
                time.sleep(0.02)
            else:
                return

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Executes a statement as the administrator."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def reload(self) -> None:
        self.sql("SELECT pg_reload_conf()")

    def processes(self) -> list[psutil.Process]:
        """The server's processes, the first one first."""
        if self._process is None:
            return []
        try:
            first = psutil.Process(self._process.pid)
            return [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def signal(self, number: int) -> None:
        for each in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                each.send_signal(number)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Stops all of its processes for a time."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """Ends it as a crash does."""
        processes = self.processes()
        self.signal(signal.SIGKILL)
        self._ended(processes)

    def stop(self) -> None:
        """Ends it at once, and in order."""
        processes = self.processes()
        if processes:
            processes[0].send_signal(signal.SIGINT)
        self._ended(processes)

    def _ended(self, processes: list[psutil.Process]) -> None:
        if self._process is not None:
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGKILL)
                self._process.wait()
        psutil.wait_procs(processes, timeout=20)
        self._process = None

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Elsewhere:
    """A machine of its own as far as the network goes: a namespace, and a cable to it."""

    def __init__(self) -> None:
        # Others of these tests may be there, or be on their way out. A link's name is short.
        mark = secrets.token_hex(4)
        self.name, self._here, self._there = f"clnwire-{mark}", f"cl{mark}h", f"cl{mark}t"
        # Link-local addresses, which no other network uses.
        self.host, self._own = "169.254.77.2", "169.254.77.1"
        _ip("netns", "add", self.name)
        try:
            self._lay_cable()
        except subprocess.CalledProcessError:
            self.remove()
            raise

    def _lay_cable(self) -> None:
        _ip("link", "add", self._here, "type", "veth", "peer", "name", self._there)
        _ip("link", "set", self._there, "netns", self.name)
        _ip("addr", "add", f"{self._own}/30", "dev", self._here)
        _ip("-n", self.name, "addr", "add", f"{self.host}/30", "dev", self._there)
        for link in ("lo", self._there):
            _ip("-n", self.name, "link", "set", link, "up")
        self.connect()

    @property
    def prefix(self) -> tuple[str, ...]:
        """What runs a command there, as the server's user."""
        user = pwd.getpwnam(_USER)
        ids = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
        return ("ip", "netns", "exec", self.name, "setpriv", *ids)

    def connect(self) -> None:
        _ip("link", "set", self._here, "up")

    def cut(self) -> None:
        """Pulls the cable: neither side hears of it."""
        _ip("link", "set", self._here, "down")

    def remove(self) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            _ip("link", "del", self._here)
        _ip("netns", "del", self.name)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Pair:
    """A primary with a synchronous standby."""

    def __init__(self, cluster: Path) -> None:
        self.primary = Server(cluster)
        self.standby = Server(cluster)
        self.primary.configure(synchronous_standby_names="ANY 1 (*)")
        self.standby.configure(
            primary_conninfo=f"host=127.0.0.1 port={self.primary.port} user=postgres"
        )
        (self.standby.data / "standby.signal").touch()
        try:
            self.primary.start()
            self.standby.start()
            self.wait_for_standby()
        except BaseException:
            self.remove()
            raise

    def wait_for_standby(self) -> None:
        end = time.monotonic() + 60
        question = "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"
        while self.primary.sql(question) == [(0,)]:
            assert time.monotonic() < end
            time.sleep(0.02)

    def promote(self) -> None:
        """Makes the standby the primary."""
        self.standby.sql("SELECT pg_promote()")
        self.standby.configure(synchronous_standby_names="")
        self.standby.reload()

    def remove(self) -> None:
        self.standby.remove()
        self.primary.remove()


_READY: Final = b"Z\0\0\0\5I"
"""Says that a transaction is over, and that the next may come."""


class Proxy:
    """Stands between a client and the server, and fails as networks do."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.mode = "pass"
        """`pass`; `swallow`: answers are lost, and the client's connection is cut at the first;
        `unready`: answers come without their end, and the connection is cut; `hold`: nothing is
        forwarded in either direction, and nothing is closed."""
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        _spawn(self._accept)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            self._pairs.append((client, server))
            _spawn(self._pump, client, server, False)
            _spawn(self._pump, server, client, True)

    def _pump(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if answers and self.mode == "swallow":
                    break
                if self.mode == "hold":
                    # What was sent while nothing is forwarded is lost for good.
                    continue
                if answers and self.mode == "unready":
                    target.sendall(data.removesuffix(_READY))
                    break
                target.sendall(data)
        # The server's end stays open after a swallowed answer, as if it had noticed nothing.
        for each in (target,) if answers else (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for pair in self._pairs:
            for each in pair:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()


def _spawn(function: Any, *values: object) -> None:
    import threading

    threading.Thread(target=function, args=values, daemon=True).start()


def skip_without_server() -> None:
    """Where CLNWIRE_POSTGRESQL is `required`, as in CI, its absence is a failure."""
    if binaries() is None:
        required = os.environ.get("CLNWIRE_POSTGRESQL") == "required"
        (pytest.fail if required else pytest.skip)(ABSENT)
