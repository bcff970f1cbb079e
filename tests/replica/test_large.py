"""Settings, sets and blobs that are large for what they say are read or refused at once."""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec
import pytest

from clnwire.replica.applying import Applier
from clnwire.replica.errors import RefusedError, ReplicaError
from clnwire.replica.files import read_json
from clnwire.replica.owner import FILE, Owner
from clnwire.replica.sealing import Place, Sealing
from clnwire.replica.sets import Settings, Write, read_set
from clnwire.replica.settings import SettingsError, load

MANY = 15_000


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f'engine = "s3://{"a:" * (MANY // 2)}"', "engine has more than 1000 characters"),
        (f'engine = "file:{":" * MANY}"', "engine has more than 1000 characters"),
        (f'engine = "file:/a"\nsnapshot-interval = "{"9" * MANY}"', "snapshot-interval = '999"),
        (f'engine = "file:/a"\nsnapshot-interval = {"9" * MANY}', "is not TOML"),
        (f'engine = "file:/a"\njournal = {"[" * (MANY // 2)}', "is not TOML"),
        (f'engine = "file:/a"\nk{".a" * MANY} = 1', "is longer than 16 KiB"),
        (f'engine = "file:/a"\n{"k" * MANY} = 1', "there is no setting 'kkk"),
        (f'engine = "file:/a"\ncompression = "{"z" * MANY}"', "compression = 'zzz"),
    ],
    ids=["colons", "long", "size", "number", "nested", "keys", "key", "value"],
)
def test_settings_are_refused_in_few_words(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "clnwire-replica.toml"
    path.write_text(f'node = "n"\n{line}\n')
    with pytest.raises(SettingsError) as caught:
        load(path)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_white_space_behind_a_setting_is_gone_through_once() -> None:
    statement = f"PRAGMA foreign_keys = ON{' ' * 1_000_000}"
    text = msgspec.json.encode({"data_version": 1, "writes": [statement]})
    assert read_set(text) == Settings(1, foreign_keys=True)
    # A search that tried each way to share the white space out would take an hour.
    other = msgspec.json.encode({"data_version": 1, "writes": [f"{statement}x"]})
    assert read_set(other) == Settings(1, unsupported=f"{statement}x")


def test_a_version_of_many_digits() -> None:
    text = b'{"data_version":%b,"writes":["UPDATE vars"]}'
    assert read_set(text % b"4294967295") == Write(4294967295)
    with pytest.raises(ReplicaError, match="not as expected"):
        read_set(text % (b"9" * 5000))


def test_a_chunk_that_unpacks_to_more_than_a_chunk_is_damaged() -> None:
    place = Place("n", 1, 1, chunk=0)
    sealing = Sealing(compress=True)
    whole = bytes(1 << 20)
    assert sealing.open(sealing.seal(whole, place), place) == whole
    for blob in (zlib.compress(bytes(4 << 20)), zlib.compress(whole)[:-1]):
        with pytest.raises(ReplicaError, match="cut, or larger"):
            sealing.open(b"\1" + blob, place)


def test_what_is_nested_too_deeply_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text('{"id":"x","y":' + "[" * 200_000)
    assert read_json(path, Write) is None
    text = b'{"y":%b,"data_version":1,"writes":["PRAGMA x"]}' % (b"[" * 200_000 + b"]" * 200_000)
    with pytest.raises(ReplicaError, match="not as expected"):
        read_set(text)
    (tmp_path / FILE).write_bytes(text)
    with pytest.raises(RefusedError, match="cannot be read"):
        Owner(tmp_path, "n")
    with Applier(tmp_path / "d") as applier, pytest.raises(ReplicaError, match="cannot be execute"):
        applier.apply(1, text, foreign_keys=True)
