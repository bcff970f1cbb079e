"""`help()` works for all that is public: Python then reads the annotations at run time."""

from __future__ import annotations

import inspect
import pydoc
from importlib import import_module

import msgspec
import pytest

from tests.architecture.test_imports import modules

FACES = [
    *("clnwire", "clnwire.captures", "clnwire.checking", "clnwire.commands", "clnwire.errors"),
    *("clnwire.hooks", "clnwire.host", "clnwire.messages", "clnwire.notifications"),
    *("clnwire.replay", "clnwire.rpc", "clnwire.testing", "clnwire.types", "clnwire.bench"),
]


@pytest.mark.parametrize("face", FACES)
def test_help_describes_it(face):
    assert "NAME" in pydoc.render_doc(face, renderer=pydoc.plaintext)


def test_the_annotations_of_each_struct_can_be_read():
    unread = {}
    for name in modules():
        if name == "__main__" or "_pyinstaller" in name:
            continue
        module = import_module(f"clnwire.{name}".removesuffix(".__init__"))
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
                try:
                    inspect.signature(kind)
                except (NameError, TypeError) as error:
                    unread[f"{kind.__module__}.{kind.__qualname__}"] = str(error)
    assert unread == {}
