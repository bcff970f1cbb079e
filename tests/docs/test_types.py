"""What the docs show satisfies a type checker, as far as it is annotated."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.docs.pages import ROOT, all_blocks


def test_a_type_checker_finds_no_mistake(tmp_path):
    pytest.importorskip("mypy", reason="needs the group test: mypy")
    blocks = [block for block in all_blocks("python") if "pyln.client" not in block.text]
    for block in blocks:
        name = f"{block.page.stem}_{block.number}".replace("-", "_")
        (tmp_path / f"{name}.py").write_text(block.text)
    done = subprocess.run(
        # Not by the project's settings: authors need not annotate all that they write.
        [
            sys.executable,
            "-m",
            "mypy",
            "--config-file=",
            "--check-untyped-defs",
            f"--cache-dir={ROOT / '.mypy_cache' / 'docs'}",
            str(tmp_path),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"{len(blocks)} source files" in done.stdout
