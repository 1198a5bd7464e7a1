"""The served OpenAPI document, tried by a program that is not ours, finds a daemon that keeps it.

schemathesis asks every operation with values that fit the document and values that do not: no
answer may be a server error, of a status or a media type that the document does not name, or of
another shape than it says. Once with a token of every scope, once with none.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.daemon.gateway import Gateway
from tests.daemon.test_calls_http import begin, until_up
from tests.daemon.test_daemon import people
from tests.daemon.web import Web, web

SEED = "1"
EXAMPLES = "2"  # of each operation, beside those of the document
LEFT_OUT = (
    "/v1/stream",  # it never ends
    "/v1/agent",  # a WebSocket
)
# Not `positive_data_acceptance`: what fits the document may still name what is not there (422).
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
)


def tried(w: Web, folder: Any, *headers: str) -> str:
    """What it says of all operations; its exit code is that of a run that found nothing."""
    left_out = [word for path in LEFT_OUT for word in ("--exclude-path", path)]
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run",
            f"http://127.0.0.1:{w.port}/v1/openapi.json", "--no-color", "--continue-on-failure",
            "--seed", SEED, "-n", EXAMPLES, "--phases", "examples,fuzzing",
            "--generation-deterministic", "--checks", ",".join(CHECKS), *left_out, *headers,
        ],
        cwd=folder,
        env=os.environ | {"COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    found = done.stdout.partition("FAILURES ===")[2].partition("WARNINGS ===")[0]
    assert done.returncode == 0, (found or done.stdout[-4_000:]) + done.stderr[-2_000:]
    return done.stdout


@pytest.mark.timeout(400)  # some hundred requests, beside whatever else this machine does
def test_nothing_is_found_with_and_without_credentials(daemon: Any, tmp_path: Any) -> None:
    with Gateway(talks=lambda _: True) as gateway:
        d = daemon(gateway=gateway.port, admin=True)
        people(d.folder, 2)
        with web(d) as w:
            begin(w, name="live", record=True)
            until_up(w, 2)
            for headers in (("-H", f"Authorization: Bearer {w.secret}"), ()):
                text = tried(w, tmp_path, *headers)
                ((selected, every),) = re.findall(r"Selected: (\d+)/(\d+)", text)
                assert int(selected) == int(every) - len(LEFT_OUT)
                assert f"Tested: {selected}" in text
            assert w.ask("GET", "/v1/health/ready").status == 200
        code, log = d.stop()
    assert (code, "Traceback" in log) == (0, False)
