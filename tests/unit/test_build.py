"""`dev.stack.build`: what it asks of SAM, and what SAM leaves behind."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from dev import stack

# Like SAM, it makes a folder in the temporary one that it never removes.
_SAM = """\
#!/bin/sh
mkdir -p "${2#--build-dir=}"
mktemp -d
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of a machine where `sam` is the one above."""
    tools, temporary = tmp_path / "bin", tmp_path / "tmp"
    tools.mkdir()
    temporary.mkdir()
    for tool in ("sam", "uv", "make"):
        (tools / tool).write_text(_SAM)
        (tools / tool).chmod(0o755)

    def environment() -> Mapping[str, str]:
        return {"PATH": f"{tools}{os.pathsep}/usr/bin:/bin", "TMPDIR": str(temporary)}

    monkeypatch.setattr(stack, "environment", environment)
    monkeypatch.setattr(stack, "BUILDS", tmp_path / "builds")
    return temporary


def test_a_build_leaves_nothing_in_the_temporary_folder(temporary: Path) -> None:
    built = stack.build()

    assert built.is_dir()
    assert list(temporary.iterdir()) == []
    assert {path.name for path in built.parent.iterdir()} == {built.name, "build.log"}
