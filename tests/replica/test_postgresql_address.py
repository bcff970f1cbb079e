"""How the server is reached: never in cleartext unless said so, and without secrets in messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from clnwire.replica.errors import RefusedError, UnavailableError
from tests.replica.begun import Address, Session
from tests.replica.certificates import make_certificate
from tests.replica.postgres import Server, give_to_user

SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///ln",
        "postgresql://u@localhost/ln",
        "postgresql://u@127.0.0.9:5433/ln",
        "postgresql://u@[::1]/ln",
        "postgresql:///ln?host=/run/postgresql",
        "postgresql://u@db.example/ln?sslmode=disable",
        "postgresql://u@db.example/ln?sslmode=require",
    ],
)
def test_what_is_local_or_said_so(url: str):
    assert Address(url, None).parameters.get("sslmode") in (None, "disable", "require")


@pytest.mark.parametrize("host", ["db.example", "10.0.0.1", "localhost,db.example", "[fd00::1]"])
def test_other_hosts_are_verified(host: str):
    parameters = Address(f"postgresql://u@{host}/ln", None).parameters
    assert parameters["sslmode"] == "verify-full"
    assert parameters["sslrootcert"]


@pytest.mark.parametrize("mode", ["prefer", "allow"])
def test_cleartext_by_accident_is_refused(mode: str, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(RefusedError, match=rf"sslmode={mode} falls back to cleartext.* db.example"):
        Address(f"postgresql://u@db.example/ln?sslmode={mode}", None)
    monkeypatch.setenv("PGSSLMODE", mode)
    with pytest.raises(RefusedError, match=r"cleartext"):
        Address("postgresql://u@db.example/ln", None)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{SECRET}@h/ln",
        f"postgresql://u@h/ln?password={SECRET}",
        f"postgresql://u@h/ln?sslpassword={SECRET}",
        f"postgresql://u:{SECRET}@h/ln?nonsense=1",
        f"postgresql://u:{SECRET}@[h/ln",
    ],
)
def test_a_password_in_the_url_is_refused_and_not_repeated(url: str):
    with pytest.raises(RefusedError) as caught:
        Address(url, None)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_services_of_libpq_are_refused(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(RefusedError, match="service"):
        Address("postgresql:///ln?service=elsewhere", None)
    monkeypatch.setenv("PGSERVICE", "elsewhere")
    with pytest.raises(RefusedError, match="unset PGSERVICE"):
        Address("postgresql:///ln", None)


def test_credentials(tmp_path: Path):
    file = tmp_path / "password"
    with pytest.raises(RefusedError, match=r"cannot be read"):
        Address("postgresql://u@localhost/ln", file)
    file.write_text(f"{SECRET}\n")
    file.chmod(0o640)
    with pytest.raises(RefusedError, match=r"others may read its secrets; run: chmod 600"):
        Address("postgresql://u@localhost/ln", file)
    file.chmod(0o600)
    address = Address("postgresql://u@localhost/ln", file)
    assert address.parameters["password"] == SECRET
    assert address.name == "postgresql://localhost/ln"
    file.write_text("one\ntwo\n")
    with pytest.raises(RefusedError, match=r"must be one line, the password"):
        Address("postgresql://u@localhost/ln", file)


def test_a_password_stays_out_of_errors(own_server: Server, tmp_path: Path):
    hba = own_server.data / "pg_hba.conf"
    hba.write_text("host all postgres all trust\nhost all all all scram-sha-256\n")
    own_server.start()
    own_server.sql("CREATE ROLE node LOGIN PASSWORD 'right'")
    file = tmp_path / "password"
    file.touch(0o600)
    file.write_text(SECRET)
    url = own_server.url.replace("postgres@", "node@")
    with pytest.raises(UnavailableError, match=r"password authentication failed") as caught:
        Session(Address(url, file), "single").connect()
    assert SECRET not in str(caught.value)
    file.write_text("right")
    session = Session(Address(url, file), "single")
    session.connect()
    with pytest.raises(RefusedError, match=r"permission denied") as refused:
        session.execute("CREATE TABLE pg_catalog.t (c int)")
    assert "SQLSTATE 42501" in str(refused.value)
    session.close()


def test_tls(own_server: Server, tmp_path: Path):
    certificate = make_certificate(own_server.data)
    give_to_user(own_server.data)
    own_server.configure(ssl="on")
    hba = own_server.data / "pg_hba.conf"
    hba.write_text("hostssl all all all trust\nhost all all all trust\n")
    own_server.start()
    root = tmp_path / "root.crt"
    root.write_bytes(certificate)
    verified = f"{own_server.url}?sslmode=verify-full&sslrootcert={root}"
    session = Session(Address(verified, None), "single")
    used = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    assert session.execute(used) == [(True,)]
    session.close()
    # A certificate for another name does not do.
    other = verified.replace("127.0.0.1", "localhost")
    with pytest.raises(UnavailableError, match=r"does not match host name"):
        Session(Address(other, None), "single").connect()
