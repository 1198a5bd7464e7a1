"""Completion in a real bash: its own function is asked, and a person presses TAB."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.control.desk import Booth

LONGEST_S = 90.0  # nothing is said about time; this ends what hangs

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def place(tmp_path: Path, config: Path, command) -> dict[str, str]:
    """An environment in which `dialerd` is a program and bash has been told about it."""
    program = tmp_path / "bin" / "dialerd"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m dialerd "$@"\n')
    program.chmod(0o755)
    (tmp_path / "completion.bash").write_text(command("completion", "bash").out)
    return os.environ | {
        "PATH": f"{program.parent}:{os.environ['PATH']}", "DIALERD_CONFIG": str(config),
        "TERM": "dumb", "PS1": "$ ",
    }  # fmt: skip


def offered(place: dict[str, str], folder: Path, *words: str) -> list[str]:
    """What bash's completion function answers for the last of these words."""
    script = (
        "source completion.bash\n"
        'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n'
        "_dialerd_completion dialerd\nprintf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", *words],
        cwd=folder, env=place, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


def test_bash_is_offered_what_the_parser_knows(
    daemon: Booth, place: dict[str, str], tmp_path: Path, command
) -> None:
    create = ("campaign", "create", "thu-no", "--list", "people", "--prompt", "hello")
    assert command(*create, "--regime", "loopback").code == 0
    assert offered(place, tmp_path, "dialerd", "doc") == ["doctor"]
    assert "approve" in offered(place, tmp_path, "dialerd", "campaign", "")
    assert offered(place, tmp_path, "dialerd", "campaign", "show", "thu") == ["thu-no"]
    assert offered(place, tmp_path, "dialerd", "status", "-o", "j") == ["json"]
    assert offered(place, tmp_path, "dialerd", "doctor", "--us") == ["--user"]
    assert offered(place, tmp_path, "dialerd", "nonsense", "zzz") in ([], [""])


def test_tab_in_bash(place: dict[str, str], tmp_path: Path) -> None:
    end, terminal = pty.openpty()
    shell = subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"],
        stdin=terminal, stdout=terminal, stderr=terminal, cwd=tmp_path, env=place,
        start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    seen = ""
    try:
        os.write(end, b"source completion.bash; echo lo''aded\n")
        for words, then in (("loaded", b"dialerd check-\t"), ("dialerd check-config", b"")):
            give_up = time.monotonic() + LONGEST_S
            while words not in seen:
                left = give_up - time.monotonic()
                assert left > 0, f"{words!r} is not in {seen!r}"
                if select.select([end], [], [], left)[0]:
                    seen += os.read(end, 65_536).decode()
            os.write(end, then)
    finally:
        shell.kill()
        shell.wait()
        os.close(end)


@pytest.mark.parametrize(
    ("shell", "words"),
    [("zsh", "#compdef dialerd"), ("fish", "complete --no-files --command dialerd")],
)
def test_other_shells(command, shell: str, words: str) -> None:
    done = command("completion", shell)
    assert done.code == 0
    assert words in done.out


def test_an_unknown_shell(command) -> None:
    assert command("completion", "csh").code == 2
