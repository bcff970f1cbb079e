"""Options on the command line and in the configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest

from clnwire.host.config import ConfigError, Written, parse_file, parse_words, plugin_options
from clnwire.host.rules.manifest import Option
from clnwire.host.rules.options import Given


def test_words() -> None:
    words = ["--greeting=Hi", "--n", "-5", "--flag", "--empty=", "--sign=a=b", "--last"]
    assert parse_words(words) == [
        Written("greeting", "Hi"),
        Written("n", "-5"),
        Written("flag", None),
        Written("empty", ""),
        Written("sign", "a=b"),
        Written("last", None),
    ]


@pytest.mark.parametrize("word", ["word", "-x", "--", "--a b=c", "--=c"])
def test_words_that_are_no_options(word: str) -> None:
    with pytest.raises(ConfigError, match="is not an option; write --name=value"):
        parse_words([word])


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("# comment\n\ngreeting=Hi # no comment\n  flag  \r\nempty=\nsign=a=ü")
    assert parse_file(path) == [
        Written("greeting", "Hi # no comment", f"{path}:3"),
        Written("flag", None, f"{path}:4"),
        Written("empty", "", f"{path}:5"),
        Written("sign", "a=ü", f"{path}:6"),
    ]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"ok=1\n--greeting=Hi", ":2: must be name=value or name, not '--greeting=Hi'; in a file"),
        (b"two words", ":1: must be name=value or name, not 'two words'"),
        (b"a = b", ":1: must be"),
        (b"\xff", "cannot be read: it is not UTF-8"),
    ],
)
def test_a_file_that_is_wrong(tmp_path: Path, content: bytes, part: str) -> None:
    path = tmp_path / "config"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=str(path)) as caught:
        parse_file(path)
    assert part in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        parse_file(tmp_path / "none")


KNOWN = {
    "greeting": Option("greeting", "string", "d"),
    "many": Option("many", "int", "d", multi=True),
    "flag": Option("flag", "flag", "d"),
}


def test_the_last_value_counts_but_multi_adds_up() -> None:
    given = [
        Written("greeting", "file", "f:1"),
        Written("many", "1", "f:2"),
        *parse_words(["--many=2", "--greeting=line", "--flag", "--many", "3"]),
    ]
    assert plugin_options(given, KNOWN) == {
        "greeting": Given("line", "cmdline"),
        "many": Given(["1", "2", "3"], "cmdline"),
        "flag": Given("", "cmdline"),
    }
    assert plugin_options(given[:2], KNOWN)["many"] == Given(["1"], "f:2")


def test_options_that_nobody_has() -> None:
    with pytest.raises(ConfigError) as caught:
        plugin_options([Written("greting", "x")], KNOWN)
    assert str(caught.value) == ("'--greting': there is no such option; did you mean 'greeting'?")
    with pytest.raises(ConfigError) as caught:
        plugin_options([Written("pluginn", "x", "f:3")], KNOWN, ["plugin"])
    assert str(caught.value) == "f:3: 'pluginn': there is no such option; did you mean 'plugin'?"


def test_an_option_without_its_value() -> None:
    with pytest.raises(ConfigError, match="'--many' needs a value: many=<int>"):
        plugin_options([Written("many", None)], KNOWN)
