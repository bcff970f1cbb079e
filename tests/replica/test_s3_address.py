"""Where the bucket is: what a URL and a credentials file may say."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("obstore", reason="needs the extra: replica")

from clnwire.replica.engines.s3.address import Address
from clnwire.replica.errors import RefusedError

SECRET = "wJalrXUtnFEMI/K7MDENG"


def a_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "credentials"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("url", "name", "endpoint"),
    [
        (
            "s3://bucket/some/where?region=eu-central-1",
            "s3://bucket/some/where",
            "https://bucket.s3.eu-central-1.amazonaws.com",
        ),
        (
            "s3://bucket/here?endpoint=https://store.example:9000",
            "s3://bucket/here at store.example:9000",
            "https://store.example:9000",
        ),
        (
            "s3://bucket?endpoint=https://store.example&path_style=false",
            "s3://bucket/ at store.example",
            "https://bucket.store.example",
        ),
        ("s3://bucket/a?endpoint=http://[::1]:9/", "s3://bucket/a at [::1]:9", "http://[::1]:9"),
        (
            "s3://bucket/a?endpoint=http://store.example&allow_http=true",
            "s3://bucket/a at store.example",
            "http://store.example",
        ),
    ],
)
def test_urls(url: str, name: str, endpoint: str):
    address = Address(url, None)
    assert address.name == name
    assert address.store("node", 1.0).config["endpoint"] == endpoint


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://bucket/a", r"needs \?region=REGION"),
        ("s3://key:secret@bucket/a", "without credentials"),
        ("s3://key:secret@", "must be like s3://BUCKET/PREFIX"),
        ("s3://key:secret", "the engine's URL cannot be read"),
        ("s3:///a", "must be like s3://BUCKET/PREFIX"),
        ("s3://bucket/a b", "must be like s3://BUCKET/PREFIX"),
        ("s3://bucket/a?acces_key=x", "an option 'acces_key'; there are endpoint, region"),
        ("s3://bucket/a?secret_access_key=x", "secrets are in credentials-file"),
        ("s3://bucket/a?endpoint=http://store.example", "is cleartext"),
        ("s3://bucket/a?endpoint=http://10.0.0.1:9000", "is cleartext"),
        ("s3://bucket/a?endpoint=ftp://store.example", "endpoint must be like https://HOST"),
        ("s3://bucket/a?endpoint=https://k:v@store.example", "endpoint must be like https://HOST"),
        ("s3://bucket/a?endpoint=https://host:port", "endpoint cannot be read"),
        ("s3://bucket/a?endpoint=https://[1", "endpoint cannot be read"),
        ("s3://bucket/a?region=x&path_style=yes", "path_style must be true or false"),
    ],
)
def test_urls_that_are_refused(url: str, expected: str):
    with pytest.raises(RefusedError, match=expected) as caught:
        Address(url, None)
    assert "key:" not in str(caught.value)
    assert "k:v" not in str(caught.value)


def test_credentials(tmp_path: Path):
    path = a_file(
        tmp_path,
        f'# The replica\'s user\n\naccess_key_id = AKIA\nsecret_access_key = "{SECRET}"\n'
        "session_token=t=t\nregion = eu-central-1\n",
    )
    address = Address("s3://bucket/a", path)
    config = address.store("node", 1.0).config
    assert (config["access_key_id"], config["secret_access_key"]) == ("AKIA", SECRET)
    assert (config["session_token"], config["region"]) == ("t=t", "eu-central-1")
    assert "AKIA" not in address.name
    # The URL counts more.
    address = Address("s3://bucket/a?region=us-west-2", path)
    assert address.store("node", 1.0).config["region"] == "us-west-2"


def test_the_environment_does_not_override(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "other")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://other")
    monkeypatch.setenv("AWS_REGION", "other")
    path = a_file(tmp_path, f"access_key_id = AKIA\nsecret_access_key = {SECRET}\n")
    config = Address("s3://bucket/a?endpoint=https://store.example", path).store("n", 1.0).config
    assert config["access_key_id"] == "AKIA"
    assert config["secret_access_key"] == SECRET
    assert config["endpoint"] == "https://store.example"
    assert config["region"] == "us-east-1"


@pytest.mark.parametrize(
    ("text", "mode", "expected"),
    [
        (f"access_key_id = AKIA\nsecret_access_key = {SECRET}\n", 0o640, "others may read"),
        ("access_key_id = AKIA\n", 0o600, "must have access_key_id and secret_access_key"),
        (f"access_key_id = AKIA\n{SECRET}\n", 0o600, "line 2 must be KEY = VALUE"),
        (f"access_key_id = AKIA\nsecret = {SECRET}\n", 0o600, "line 2 must be KEY = VALUE"),
    ],
)
def test_credentials_that_are_refused(tmp_path: Path, text: str, mode: int, expected: str):
    with pytest.raises(RefusedError, match=expected) as caught:
        Address("s3://bucket/a?region=eu-central-1", a_file(tmp_path, text, mode))
    assert SECRET not in str(caught.value)
