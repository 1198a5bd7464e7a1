"""Compiled modules of sip: declarations that agree with the source, and the source as slow twin."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import compiled, tree

MODULES = compiled.modules()


@pytest.mark.parametrize("source", MODULES, ids=[p.stem for p in MODULES])
def test_slots_and_declarations_agree(source: Path) -> None:
    """An attribute that the .pxd does not declare is an AttributeError once compiled."""
    there = compiled.declared(source.with_suffix(".pxd").read_text())
    here = dict(compiled.slots(tree.syntax(source)))
    name = tree.name_of(source)
    assert set(there) <= set(here), f"{name}: every declared class needs __slots__"
    for cls, attributes in there.items():
        missing, gone = here[cls] - attributes, attributes - here[cls]
        assert not missing, f"{name}: add to class {cls} of {source.stem}.pxd: " + "; ".join(
            f"cdef public object {n}" for n in sorted(missing)
        )
        assert not gone, f"{source.stem}.pxd declares {sorted(gone)} of {cls}, __slots__ does not"


@pytest.mark.parametrize("source", MODULES, ids=[p.stem for p in MODULES])
def test_the_compiled_form_is_what_runs(source: Path) -> None:
    module = importlib.import_module(tree.module_name(source))
    if os.environ.get(SLOW):
        assert Path(str(module.__file__)) == source
    else:
        assert Path(str(module.__file__)) == compiled.binary(source), compiled.REBUILD


SLOW = "DIALERD_SLOW_TWIN"  # set in the process that runs the uncompiled source


@pytest.mark.timeout(300)
def test_the_source_itself_passes_the_same_tests(tmp_path: Path) -> None:
    """The slow twin of the compiled modules is their own source; fastpath stays compiled.

    Every test of this folder that drives an endpoint in virtual time runs over it.
    """
    if os.environ.get(SLOW):
        assert not list((tree.ROOT / "sip").rglob("*.so"))
        return
    for folder in ("sip", "tests"):
        ignored = shutil.ignore_patterns("*.so", "__pycache__", "torture")
        shutil.copytree(tree.ROOT / folder, tmp_path / folder, ignore=ignored)
    for name in ("fastpath", "dialerd", "conf", "docs", "gsm", "admin_http"):
        (tmp_path / name).symlink_to(tree.ROOT / name)
    shutil.copy(tree.ROOT / "pyproject.toml", tmp_path)
    chosen = [
        tree.name_of(p)
        for p in sorted((tree.ROOT / "tests" / "sip").rglob("test_*.py"))
        if "from tests.sip.net import" in p.read_text() and not p.name.startswith("test_io_")
    ]
    assert len(chosen) > 5
    command = [sys.executable, "-m", "pytest", "-q", "-x", *chosen]
    settings = {SLOW: "1", "HYPOTHESIS_PROFILE": "few"}
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | settings, timeout=280, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
