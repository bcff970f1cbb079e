"""What the project's own files say of it: version, Pythons, where it is published."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACEHOLDER = "OWNER"
"""Stands in addresses for whoever publishes the project."""


def version() -> str:
    """The workspace's version, from which all others are taken."""
    return _one(r'^version = "(.+)"$', "Cargo.toml")


def repository() -> str:
    """The address in the workspace's Cargo.toml."""
    return _one(r'^repository = "(.+)"$', "Cargo.toml")


def oldest_rust() -> str:
    """The oldest compiler that builds it, such as 1.88."""
    return _one(r'^rust-version = "(.+)"$', "Cargo.toml")


def pythons() -> list[str]:
    """The Pythons that it is for, by its classifiers, oldest first."""
    return re.findall(r'"Programming Language :: Python :: (3\.\d+)"', _text("pyproject.toml"))


def newest_change() -> str:
    """The title of the changelog's first part: Unreleased, or a version and its date."""
    return _one(r"^## (.+)$", "CHANGELOG.md")


def _one(pattern: str, file: str) -> str:
    found = re.search(pattern, _text(file), re.MULTILINE)
    if found is None:
        raise ValueError(f"{file} has no line like {pattern}")
    return found[1]


def _text(file: str) -> str:
    return (ROOT / file).read_text()
