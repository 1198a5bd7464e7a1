"""The scanners that knock at every open port 5060 find nothing here, and are silenced."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import uvloop

from sip.accounts.digest_server import user
from sip.accounts.registrar import Phones
from sip.events import Guessing
from sip.limits import GUESSES_MAX
from tests.interop.desk import HOST, Desk
from tests.ports import free_port

pytestmark = pytest.mark.interop
REALM = "office.vn"
PASSWORDS = [f"guess{n}" for n in range(8)] + ["s3cret"] + [f"more{n}" for n in range(40)]
USERS = {name: user(name, REALM, "s3cret") for name in ("1001", "1002", "1003")}


def scan(folder: Path, program: str, *arguments: str) -> str:
    """What one of the programs prints."""
    path = shutil.which(program)
    assert path, f"{program} is missing: apt-get install sipvicious"
    done = subprocess.run(
        # A port of its own: it would take 5060 or what is free above, where others' answers come.
        [path, "-b", HOST, "-x", HOST, "-P", str(free_port()), *arguments],
        cwd=folder,
        env=os.environ | {"HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout + done.stderr


def against_us(
    folder: Path, program: str, *arguments: str, times: int = 1
) -> tuple[str, dict[str, int], Desk]:
    """What a program prints in the end, our counters, and our side."""

    async def main() -> tuple[str, dict[str, int], Desk]:
        # svcrack knows no other digest and ends in a traceback when it is offered one.
        phones = Phones(REALM, USERS, algorithms=("MD5",))
        with Desk(free_port(), phones) as desk:
            more = ("-p", str(desk.port), "-t", "0.05", *arguments, HOST)
            out = ""
            for _ in range(times):
                out = await asyncio.to_thread(scan, folder, program, *more)
                for name in USERS:
                    assert f"| {name} " not in out, out
            return out, desk.stack.statistics(), desk

    return uvloop.run(main())


def test_svmap_finds_no_server(tmp_path: Path):
    out, counts, _ = against_us(tmp_path, "svmap")
    assert counts["received"] >= 1
    assert counts["sent"] == 0
    assert "found nothing" in out


def test_svwar_finds_no_extension_and_then_no_server(tmp_path: Path):
    """It gives up by itself when an extension that cannot be is answered like any other."""
    arguments = ("-e1000-1060", "--force", "--maximumtime", "1")
    out, counts, _ = against_us(tmp_path, "svwar", *arguments, times=4)
    assert "timed out" in out
    assert counts["challenges"] == counts["sent"] == GUESSES_MAX
    assert counts["silenced"] >= 1


def test_svwar_asking_for_options_finds_no_server(tmp_path: Path):
    out, counts, _ = against_us(tmp_path, "svwar", "-e1000-1060", "-m", "OPTIONS", "--force")
    assert "timed out" in out
    assert counts["received"] >= 1
    assert counts["sent"] == 0


def test_svcrack_is_silenced_after_five_guesses(tmp_path: Path):
    words = tmp_path / "words"
    words.write_text("\n".join(PASSWORDS) + "\n")
    arguments = ("-u1001", "-d", str(words), "--maximumtime", "1")
    out, counts, desk = against_us(tmp_path, "svcrack", *arguments)
    assert counts["guesses"] == GUESSES_MAX
    assert counts["bans"] == 1
    assert counts["silenced"] > 0
    assert "s3cret" not in out, out
    [banned] = [event for event in desk.events if isinstance(event, Guessing)]
    assert (banned.host, banned.silent_s) == (HOST, 60)
