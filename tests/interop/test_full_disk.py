"""A disk that takes no more while an engineer records or captures a call: the call goes on.

The limit of a file's size stands for the disk: a write beyond it fails in the same place.
"""

from __future__ import annotations

import json
import resource
import subprocess
import wave
from pathlib import Path

import pytest

from tests.interop.listening import called, dialerd_program, listening, names
from tests.interop.sipp import sipp

pytestmark = pytest.mark.interop
FULL = "File too large"


def called_with(file_bytes: int, uri: str, *options: str) -> tuple[int, dict, str]:
    """A `dialerd call` that can write so many bytes to a file."""
    done = subprocess.run(
        ["prlimit", f"--fsize={file_bytes}", *dialerd_program(), "call", uri, "--json", *options],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout), done.stderr


def test_a_recording_ends_and_the_call_does_not(tmp_path: Path) -> None:
    wav = tmp_path / "call.wav"
    with sipp(tmp_path, "uas") as peer:
        options = ("--record", str(wav), "--seconds", "1.2")
        code, report, _ = called_with(20_000, f"sip:x@127.0.0.1:{peer.port}", *options)
        judged = peer.finish()
    assert (code, report["outcome"], report["released_by"]) == (0, "answered", "us")
    assert report["duration_ms"] >= 1_000
    assert (judged["successful"], judged["failed"]) == (1, 0)
    [told] = [e["detail"] for e in report["timeline"] if e["event"] == "recording_failed"]
    assert told in (FULL, "the disk is full")
    with wave.open(str(wav)) as kept:
        assert kept.getnframes() * 4 <= wav.stat().st_size <= 20_000


def test_a_capture_that_does_not_fit_leaves_the_old_one_and_the_report(tmp_path: Path) -> None:
    path = tmp_path / "call.pcap"
    path.write_bytes(b"the last one")
    with sipp(tmp_path, "uas") as peer:
        options = ("--pcap", str(path), "--seconds", "0")
        code, report, said = called_with(500, f"sip:x@127.0.0.1:{peer.port}", *options)
        peer.finish()
    assert (code, report["outcome"]) == (1, "answered")
    assert said.count("\n") == 1
    assert FULL in said
    assert str(path) in said
    assert path.read_bytes() == b"the last one"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_whoever_listens_and_records_hears_the_call_to_its_end(tmp_path: Path) -> None:
    with listening("--record", str(tmp_path / "call.wav"), "--calls", "1") as us:
        resource.prlimit(us.process.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))
        code, report, _ = called(f"sip:x@127.0.0.1:{us.port}", "--seconds", "1.2")
        assert us.finish() == 0
    assert (code, report["released_by"]) == (0, "us")
    assert "recording_failed" not in names(report)
    [told] = [line["detail"] for line in us.lines if line.get("event") == "recording_failed"]
    assert told in (FULL, "the disk is full")
    assert us.calls()[0]["answered"]
    assert us.calls()[0]["rtp_received"] > 10
