"""`clnwire-replica.toml`: what it may say, and what an error says."""

from __future__ import annotations

from pathlib import Path

import pytest

from clnwire.replica.rules import OnGap
from clnwire.replica.settings import SettingsError, load, render

LEAST = 'engine = "file:/mnt/copy"\nnode = "alice"\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "clnwire-replica.toml"
    path.write_text(text)
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as raised:
        load(written(folder, text))
    message = str(raised.value)
    assert message.startswith(f"{folder / 'clnwire-replica.toml'}: ")
    return message


def test_the_least_that_a_file_must_say(tmp_path: Path) -> None:
    settings = load(written(tmp_path, LEAST))
    assert (settings.scheme, settings.local_directory) == ("file", Path("/mnt/copy"))
    assert settings.database == tmp_path / "lightningd.sqlite3"
    assert settings.on_gap is OnGap.HEAL
    assert settings.patience == 30


def test_all_settings(tmp_path: Path) -> None:
    text = """
        engine = "postgresql://replica@db.example/replica"
        node = "alice"
        credentials-file = "secret"
        durability = "sync"
        survives = "power-loss"
        patience = 12.5
        when-down = "journal"
        journal = "/mnt/other/journal"
        journal-minutes = 5
        lease-seconds = 20
        snapshot-interval = "64 MiB"
        snapshot-retention = 3
        compression = "zlib"
        encryption-key-file = "~/key"
        on-gap = "refuse"
        database = "main.sqlite3"
        metrics = "/var/lib/metrics/replica.prom"
    """
    path = written(tmp_path, text)
    settings = load(path)
    assert settings.credentials_file == tmp_path / "secret"
    assert settings.encryption_key_file == Path.home() / "key"
    assert settings.snapshot_interval == 64 << 20
    assert settings.on_gap is OnGap.REFUSE
    path.write_text(render(settings, tmp_path))
    assert load(path) == settings


def test_the_environment_names_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.toml").write_text(LEAST)
    monkeypatch.setenv("CLNWIRE_REPLICA_SETTINGS", str(tmp_path / "other.toml"))
    assert load().node == "alice"


def test_a_missing_file_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="clnwire replica init") as raised:
        load(tmp_path / "clnwire-replica.toml")
    assert f"--directory {tmp_path}" in str(raised.value)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("paitence = 3", ["no setting 'paitence'", "did you mean 'patience'", "on-gap"]),
        ("patience = -1", ["patience = -1", "seconds from 0 to 3600"]),
        ("patience = true", ["patience = true", "a number of seconds"]),
        ('patience = "3"', ["patience = '3'", "a number of seconds"]),
        ('on-gap = "heel"', ["did you mean 'heal'", '"heal" or "refuse"']),
        ('durability = "syncc"', ["did you mean 'sync'"]),
        ("snapshot-interval = 12", ["at least 1 KiB"]),
        ('snapshot-interval = "3 MB"', ["at least 1 KiB"]),
        ("snapshot-retention = 0", ["a count from 1"]),
        ('snapshot-interval = "0 KiB"', ["snapshot-interval = '0 KiB'", "at least 1 KiB"]),
        ("journal = 3", ["a path"]),
        ('journal = "a\\u0000b"', ["journal = ", "a control character"]),
        ('journal = "~nobody-here/a"', ["journal = '~nobody-here/a'", "no such user"]),
        ('durability = "sync"', ["needs a server with a standby"]),
        ('when-down = "journal"', ["needs journal"]),
        ('when-down = "journal"\njournal = "/j"', ["for engines on other machines"]),
        ('encryption-key-file = "/mnt/copy/key"', ["beside the data"]),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, line: str, parts: list[str]) -> None:
    message = refusal(tmp_path, f"{LEAST}{line}\n")
    for part in parts:
        assert part in message


def test_a_lease_must_outlast_the_patience(tmp_path: Path) -> None:
    text = 'engine = "postgresql://a@b/c"\nnode = "alice"\nwhen-down = "journal"\njournal = "/j"\n'
    assert load(written(tmp_path, text)).journal == Path("/j")
    assert "lease-seconds must exceed patience" in refusal(tmp_path, f"{text}patience = 90\n")


@pytest.mark.parametrize(
    ("engine", "part"),
    [
        ("postgres://a/b", "did you mean 'postgresql'"),
        ("/mnt/copy", "did you mean file:/mnt/copy?"),
        ("file:copy", "must begin with /"),
        ("file:/copy#1", "must not have # or ?"),
        ("file:/copy?", "must not have # or ?"),
        ("file://host/copy", "must begin with /"),
        ("file:/a\\u0000b", "a control character"),
        ("s3://[", "Invalid IPv6 URL"),
    ],
)
def test_an_engine_that_cannot_be(tmp_path: Path, engine: str, part: str) -> None:
    assert part in refusal(tmp_path, f'engine = "{engine}"\nnode = "alice"\n')


@pytest.mark.parametrize(
    "engine",
    [
        '"postgresql://me:secret@host/db"',
        '"postgresql://me@host/db?password=secret"',
        '"postgresql://me@host/db?sslpassword=secret"',
        '"postgresql://me@here:secret@host/db"',
        '"postgresql://me:secret/secret@host/db"',
        '"postgresql://me:secret@[host/db"',
        '"postgres://me:secret@host/db"',
        '"host=host password = secret"',
        '{url = "postgresql://me:secret@host/db"}',
        '["s3://me:secret@bucket/path"]',
    ],
)
def test_a_password_is_never_shown(tmp_path: Path, engine: str) -> None:
    message = refusal(tmp_path, f'engine = {engine}\nnode = "alice"\n')
    assert "use credentials-file" in message
    assert "secret" not in message


@pytest.mark.parametrize(
    "engine",
    [
        "postgresql://me@one:1,two:2/db@home?sslmode=verify-full",
        "postgresql://host:5432/db@home",
        "postgresql:///db?host=/tmp&user=me",
        "s3://bucket/path?endpoint=http://127.0.0.1:9000",
        "file:///mnt/a:b@c/password=1",
    ],
)
def test_no_password_is_seen_where_there_is_none(tmp_path: Path, engine: str) -> None:
    text = f'engine = "{engine}"\nnode = "alice"\n'
    assert load(written(tmp_path, text)).engine == engine


@pytest.mark.parametrize("text", ["engine = ", 'engine = "file:/a"\n', 'node = "a"\n', "\xff"])
def test_a_file_that_is_cut(tmp_path: Path, text: str) -> None:
    refusal(tmp_path, text)


@pytest.mark.parametrize("node", ["", "a/b", "-a", "a" * 65])
def test_names_that_a_node_cannot_have(tmp_path: Path, node: str) -> None:
    assert "at most 64 letters" in refusal(tmp_path, f'engine = "file:/a"\nnode = "{node}"\n')
