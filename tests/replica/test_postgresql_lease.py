"""The lease on a real server: a start waits while another instance lives, and a loser ends."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from threading import Event

import msgspec
import pytest

from clnwire.replica.errors import FencedError, UnavailableError
from tests.replica.begun import (
    Address,
    Begun,
    Instance,
    Lease,
    Session,
    an_engine,
    eventually,
    process_of,
    until,
)
from tests.replica.nodes import SCHEMA
from tests.replica.postgres import Proxy, Server
from tests.replica.test_plugin import ProcessNode

ELSEWHERE = Instance("another machine", "boot", "1 1")


@pytest.fixture
def new_lease(server: Server, node: str, monkeypatch: pytest.MonkeyPatch):
    opened = an_engine(server.url, node)
    opened.open()
    opened.close()
    made = []

    def make(url: str = server.url, seconds: float = 60.0, on_lost=None, answer=2.0) -> Lease:
        made.append(Lease(Session(Address(url, None), "single", answer), node, seconds, on_lost))
        return made[-1]

    yield make
    for each in made:
        each.release()
        each._session.close()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch):
    """Runs a call as if on another machine."""

    def run(call):
        with monkeypatch.context() as patch:
            patch.setattr(Instance, "this", classmethod(lambda _: ELSEWHERE))
            return call()

    return run


def test_a_start_waits_while_another_lives(new_lease, elsewhere):
    first, second = new_lease(seconds=2.0), new_lease(seconds=2.0)
    elsewhere(first.acquire)
    began = time.monotonic()
    with pytest.raises(UnavailableError, match=r"another instance .* on another machine, .* wait"):
        second.acquire()
    # It is renewed, so waiting alone does not help.
    while time.monotonic() < began + 3:
        with pytest.raises(UnavailableError):
            second.acquire()
        time.sleep(0.2)
    first.release()
    second.acquire()


def test_a_dead_machine_is_waited_for(new_lease, elsewhere, server: Server, node: str):
    first, second = new_lease(seconds=1.0), new_lease()
    elsewhere(first.acquire)
    first._watch._stopped.set()
    eventually(second.acquire)
    with pytest.raises(FencedError, match=r"another instance of node .* has the lease"):
        first.renew()


def test_an_engine_holds_it(server: Server, node: str, tmp_path: Path, elsewhere):
    begun = Begun(server.url, node, tmp_path)
    other = an_engine(server.url, node, writes=True)
    with pytest.raises(UnavailableError, match=r"another instance"):
        elsewhere(other.open)
    # Who only reads needs none.
    reader = an_engine(server.url, node)
    reader.open()
    assert reader.head() == begun.head
    begun.engine.close()
    elsewhere(other.open)
    other.close()
    reader.close()


def test_a_process_that_was_killed_is_not_waited_for(new_lease, server: Server, node: str):
    program = (
        "import sys, time\n"
        "from tests.replica.begun import Address, Lease, Session\n"
        f"Lease(Session(Address({server.url!r}, None), 'single'), {node!r}, 600.0).acquire()\n"
        "print('held', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        lease = new_lease()
        with pytest.raises(UnavailableError, match=rf"process {process.pid} "):
            lease.acquire()
        process.kill()
    lease.acquire()


def test_an_idle_instance_that_lost_it_hears_of_it(new_lease, server: Server, node: str):
    lost, reasons = Event(), []

    def on_lost(reason: str) -> None:
        reasons.append(reason)
        lost.set()

    new_lease(seconds=1.0, on_lost=on_lost).acquire()
    server.sql(f"UPDATE clnwire.leases SET token = 'other' WHERE node = '{node}'")
    assert lost.wait(30)
    assert "another instance" in reasons[0]


@pytest.mark.promise("a second node begins while the first one runs")
@pytest.mark.process
def test_an_idle_plugin_that_lost_it_ends(server: Server, node: str, tmp_path: Path):
    process_node = ProcessNode(tmp_path / "node")
    text = f'engine = "{server.url}"\nnode = "{node}"\nlease-seconds = 2\n'
    (process_node.folder / "clnwire-replica.toml").write_text(text)
    try:
        process_node.commit(*SCHEMA)
        daemon = process_node.daemon
        assert daemon is not None
        server.sql(f"UPDATE clnwire.leases SET token = 'other' WHERE node = '{node}'")
        assert daemon.process.wait(30) == 1
    finally:
        process_node.close()


def test_without_the_server_it_runs_out(new_lease, proxy: Proxy):
    lost, reasons = Event(), []

    def on_lost(reason: str) -> None:
        reasons.append(reason)
        lost.set()

    lease = new_lease(proxy.url, seconds=2.0, on_lost=on_lost, answer=0.3)
    lease.acquire()
    proxy.mode = "swallow"
    # An outage that is shorter than the lease costs nothing.
    until(lambda: len(lease._tokens) > 1)
    proxy.mode = "pass"
    until(lambda: len(lease._tokens) == 1)
    assert not lost.is_set()
    proxy.mode = "hold"
    assert lost.wait(30)
    assert "ran out after 2 s without the server" in reasons[0]


def test_the_answer_to_a_renewal_is_lost(new_lease, proxy: Proxy):
    lease = new_lease(proxy.url)
    lease.acquire()
    proxy.mode = "swallow"
    with pytest.raises(UnavailableError):
        lease.renew()
    proxy.mode = "pass"
    lease.renew()


def test_a_copy_of_a_running_machine_loses_it(new_lease, proxy: Proxy):
    # All that it knows is the same.
    lease, copy = new_lease(), new_lease()
    lease.acquire()
    copy._tokens = list(lease._tokens)
    lease.renew()
    with pytest.raises(FencedError):
        copy.renew()


def test_a_process_takes_its_own_again(new_lease, proxy: Proxy):
    # The server is away when the lease is to be released.
    lease = new_lease(proxy.url)
    lease.acquire()
    proxy.mode = "swallow"
    lease.release()
    proxy.mode = "pass"
    lease.acquire()
    lease.renew()


def test_a_thread_that_waits_does_not_disturb(new_lease, proxy: Proxy):
    lease = new_lease(proxy.url, seconds=1.0, answer=1.5)
    lease.acquire()
    proxy.mode = "hold"
    until(lambda: len(lease._tokens) > 1)
    lease.release()
    proxy.mode = "pass"
    eventually(lease.acquire)
    lease.renew()
    assert lease._until > 0


def test_who_is_gone():
    here = Instance.this()
    assert not here.is_gone()
    assert not ELSEWHERE.is_gone()
    assert msgspec.structs.replace(here, boot="an earlier one", process="1 1").is_gone()
    number = here.process.split()[0]
    assert msgspec.structs.replace(here, process=f"{number} 1").is_gone()
    assert not msgspec.structs.replace(here, machine="another", process="1 1").is_gone()
    with subprocess.Popen(["sleep", "60"]) as process:
        other = msgspec.structs.replace(here, process=process_of(process.pid))
        assert not other.is_gone()
        process.kill()
        # Also before its parent has waited for it.
        until(other.is_gone)
