"""The served OpenAPI document, tried by a program that is not ours, finds a daemon that keeps it.

schemathesis asks every operation with values that fit the document and values that do not: no
answer may be a server error, of a status or a media type that the document does not name, or of
another shape than it says, and what fits is not refused. With a token of every scope, and with
none; where schemathesis is told that a refusal is no fault, `schemathesis.toml` says why. Its phase
`coverage` needs many minutes for the large bodies: it is for `st run` by hand.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.gateway import Gateway
from tests.daemon.test_calls_http import begin, until_up
from tests.daemon.test_daemon import people
from tests.daemon.web import Web, web

CONFIG = Path(__file__).parents[2] / "schemathesis.toml"  # what it is told, and why
LEFT_OUT = 2  # a stream that never ends, and a WebSocket
RUNS = {
    # Values that fit and that do not: every check.
    "a token": ("--phases", "examples,fuzzing", "-n", "2"),
    # What operations make used by others, by the links of the document: so few reach nearly all.
    "links": ("--phases", "stateful", "-n", "5"),
    "no token": ("--phases", "examples,fuzzing", "-n", "1"),
}


def tried(w: Web, folder: Path, *options: str) -> str:
    """What it says of all operations; its exit code is that of a run that found nothing."""
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run",
            f"http://127.0.0.1:{w.port}/v1/openapi.json", "--no-color", "--continue-on-failure",
            "--generation-deterministic", "--request-timeout", "300",
            # Names and bodies that fit are rare among what it draws: that says nothing of the API.
            "--suppress-health-check", "filter_too_much", *options,
        ],
        cwd=folder,
        env=os.environ | {"COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    found = re.sub(r"(?s)^.*?(?=(ERRORS|FAILURES) ===)|= WARNINGS ===.*", "", done.stdout)
    assert done.returncode == 0, (found or done.stdout[-4_000:]) + done.stderr[-2_000:]
    return done.stdout


@pytest.mark.timeout(600)  # some hundred requests, beside whatever else this machine does
def test_nothing_is_found_with_and_without_credentials(daemon: Any, tmp_path: Path) -> None:
    with Gateway(talks=lambda _: True) as gateway:
        d = daemon(gateway=gateway.port, admin=True)
        people(d.folder, 2)
        with web(d) as w:
            begin(w, name="live", record=True)
            until_up(w, 2)
            token = ("-H", f"Authorization: Bearer {w.secret}")
            text = tried(w, tmp_path, *token, *RUNS["a token"])
            followed = tried(w, tmp_path, *token, *RUNS["links"])
            ((cases,),) = [re.findall(r"(\d+) generated, \1 passed", followed)]
            assert int(cases) > 20
            for said in (text, tried(w, tmp_path, *RUNS["no token"])):
                ((selected, every),) = re.findall(r"Selected: (\d+)/(\d+)", said)
                assert int(selected) == int(every) - LEFT_OUT
                assert f"Tested: {selected}" in said
            assert w.get("/v1/tokens/test")["valid"]  # it has not removed its own
            assert w.ask("GET", "/v1/health/ready").status == 200
        code, log = d.stop()
    assert (code, "Traceback" in log) == (0, False)
