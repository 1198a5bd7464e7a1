"""The Debian package and the container file: built, unpacked, and what is in them used."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tree import ROOT

PACKAGING = ROOT / "packaging"
SCRIPTS = ("build-deb", *(f"debian/{name}" for name in ("dialerd", "postinst", "prerm", "postrm")))

pytestmark = pytest.mark.xdist_group("packaging")  # one package for all


def run(*words: str | Path, **more: str) -> str:
    """What a command prints; its words when it fails."""
    done = subprocess.run(
        [*map(str, words)], capture_output=True, text=True, check=False, cwd=ROOT,
        env=os.environ | more,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without the dependencies, which are those of this environment."""
    out = tmp_path_factory.mktemp("deb")
    told = run(PACKAGING / "build-deb", sys.executable, out, "--without-dependencies")
    return Path(told.strip())


@pytest.fixture(scope="module")
def unpacked(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As dpkg puts it on a disk."""
    root = tmp_path_factory.mktemp("root")
    database = root / "var" / "lib" / "dpkg"
    (database / "updates").mkdir(parents=True)
    (database / "info").mkdir()
    (database / "status").touch()
    run("dpkg", f"--root={root}", "--force-depends", "--unpack", package)
    return root


def test_dpkg_knows_what_it_is(package: Path) -> None:
    fields = dict(
        line.split(": ", 1) for line in run("dpkg-deb", "--field", package).splitlines()
        if ": " in line
    )  # fmt: skip
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert (fields["Package"], fields["Version"]) == ("dialerd", version[1])
    assert "python3 (>= 3.11), python3 (<< 3.12)" in fields["Depends"]
    listed = run("dpkg-deb", "--contents", package)
    owners = {line.split()[1] for line in listed.splitlines()}
    assert owners == {"root/root"}
    assert not re.search(r"\.(pyx|pxd|pyi|c)$|/tests/|/bench/", listed, re.MULTILINE)
    assert run("dpkg-deb", "--info", package, "conffiles") == "/etc/dialerd/dialerd.toml\n"


def test_what_it_installs_runs(unpacked: Path, tmp_path: Path) -> None:
    """With its own sources and compiled modules, from where they were unpacked."""
    lib = unpacked / "usr" / "lib" / "dialerd"
    config = tmp_path / "dialerd.toml"
    shutil.copy(unpacked / "etc" / "dialerd" / "dialerd.toml.dpkg-new", config)
    started = [sys.executable, "-P", "-m", "dialerd"]
    alone = {"PYTHONPATH": str(lib), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*started, "check-config", "-c", str(config)], env=os.environ | alone,
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "is right" in done.stdout
    code = "import dialerd, fastpath.rtp as rtp; print(dialerd.__file__, rtp.__file__)"
    where = subprocess.run(
        [sys.executable, "-P", "-c", code], env=os.environ | alone, capture_output=True, text=True,
        check=True, cwd=tmp_path,
    ).stdout.split()  # fmt: skip
    assert all(path.startswith(str(lib)) for path in where), where
    shown = subprocess.run(
        [*started, "numbers", "01681234567", "-c", str(config)], env=os.environ | alone,
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert "84381234567" in shown.stdout, shown.stderr  # by the plan that it brings


def test_it_is_compiled_when_installed_and_leaves_nothing(unpacked: Path) -> None:
    """By the lines of its own scripts: the daemon may not write beside its modules."""
    lib = unpacked / "usr" / "lib" / "dialerd"
    for script, command, left in (("postinst", "py3compile", True), ("prerm", "py3clean", False)):
        text = (PACKAGING / "debian" / script).read_text()
        lines = [line.strip() for line in text.splitlines() if line.strip().startswith(command)]
        assert len(lines) == 1
        run(*shlex.split(lines[0].replace("/usr/lib/dialerd", str(lib))))
        assert bool(list(lib.glob("dialerd/__pycache__/daemon.*.pyc"))) is left


def test_the_unit_starts_what_is_installed(unpacked: Path) -> None:
    unit = (unpacked / "lib" / "systemd" / "system" / "dialerd.service").read_text()
    command = re.search(r"^ExecStart=(\S+) (.+)$", unit, re.MULTILINE)
    assert command is not None
    assert os.access(unpacked / command[1].lstrip("/"), os.X_OK)
    assert command[2] == "run -c /etc/dialerd/dialerd.toml"
    completion = unpacked / "usr" / "share" / "bash-completion" / "completions" / "dialerd"
    run("bash", "-n", completion)


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_shell(name: str) -> None:
    script = PACKAGING / name
    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/bin/sh\n")
    run("sh", "-n", script)


def test_what_the_container_file_names_is_there() -> None:
    text = (PACKAGING / "Containerfile").read_text().replace("\\\n", " ")
    lines = [shlex.split(line) for line in text.splitlines() if line and line[0] != "#"]
    assert {words[0] for words in lines} <= {
        "FROM", "RUN", "WORKDIR", "COPY", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK",
        "ENTRYPOINT", "CMD",
    }  # fmt: skip
    images = [words[1] for words in lines if words[0] == "FROM"]
    assert images == ["docker.io/library/debian:12-slim"] * 2
    assert [words[1] for words in lines if words[0] == "USER"] == ["dialerd"]
    made = next(words for words in lines if words[:3] == ["RUN", "make", "deb"])
    assert re.search(rf"^{made[2]}:.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
