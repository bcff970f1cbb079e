"""The topics' and hooks' modules are what the daemon's schemas give; so are the error codes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from generate_events import MARK, generate

ROOT = Path(__file__).parents[2]
CLNWIRE = ROOT / "python/clnwire"


def texts(package: Path) -> dict[str, str]:
    """The generated modules."""
    paths = [package / "error_codes.py", *package.glob("[hn]*s/*.py")]
    found = {str(path.relative_to(package)): path.read_text() for path in paths}
    return {name: text for name, text in found.items() if text.startswith(MARK)}


def test_the_files_are_those_that_the_schemas_give(shared, tmp_path):
    for folder in ("hooks", "notifications"):
        (tmp_path / folder).mkdir()
    script = ROOT / "python/generate_events.py"
    command = [sys.executable, script, shared / "schemas", "--into", tmp_path]
    subprocess.run(command, check=True, cwd=tmp_path)
    assert texts(tmp_path) == texts(CLNWIRE)
    assert len(texts(CLNWIRE)) == 1 + 24 + 11


def changed(shared: Path, folder: Path, **member: object) -> Path:
    """The schemas, with members added to the topic `disconnect`."""
    shutil.copytree(shared / "schemas", folder, copy_function=shutil.copyfile)
    path = folder / "notification/disconnect.json"
    schema = json.loads(path.read_text())
    schema["response"]["properties"].update(member)
    path.chmod(0o600)
    path.write_text(json.dumps(schema))
    return folder


def test_a_member_that_nothing_is_said_about_is_refused(shared, tmp_path):
    schemas = changed(shared, tmp_path / "schemas", reason={"type": "string"})
    with pytest.raises(ValueError, match="notification disconnect: Disconnect lacks reason"):
        generate(schemas)


def test_a_member_that_is_gone_is_refused(shared, tmp_path):
    schemas = changed(shared, tmp_path / "schemas")
    path = schemas / "notification/disconnect.json"
    path.write_text(path.read_text().replace('"id"', '"peer_id"'))
    with pytest.raises(ValueError, match=r"disconnect: Disconnect\.id needs a type|lacks peer_id"):
        generate(schemas)
