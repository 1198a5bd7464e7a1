"""Modems that are sound cards, through the real libasound: its file and null plugins are the card.

No card is in the machine that runs this: what these show is that samples pass both ways through
ALSA as they are, that a card that is not there is told, and that nothing outlives the call.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gsm import io_sound
from tests import tree
from tests.waiting import until

ASOUNDRC = """
</usr/share/alsa/alsa.conf>
pcm.nothing {{ type null }}
pcm.mouth {{
    type file
    slave.pcm "nothing"
    file "{said}"
    format "raw"
}}
pcm.ear {{
    type file
    slave.pcm "nothing"
    file "/dev/null"
    infile "{heard}"
    format "raw"
}}
pcm.tape {{
    type asym
    playback.pcm "mouth"
    capture.pcm "ear"
}}
"""
SAID = b"".join(n.to_bytes(2, "little", signed=True) for n in range(-8000, 8000))
TALK = """
import os, select, sys, time
from gsm.io_sound import open_sound, try_sound
try_sound("tape")
fd, said, heard = open_sound("tape"), sys.stdin.buffer.read(), b""
give_up = time.monotonic() + 100
while time.monotonic() < give_up and len(heard) < 48_000:
    try:
        came = os.read(fd, 4096)
    except BlockingIOError:
        select.select([fd], [], [], 60)
        continue
    heard += came
    said = said[os.write(fd, said[:min(len(came), 1600)]):]
os.close(fd)
sys.stdout.buffer.write(heard)
"""


def test_samples_pass_both_ways_through_alsa(tmp_path: Path) -> None:
    heard, said = tmp_path / "heard.raw", tmp_path / "said.raw"
    heard.write_bytes(bytes(range(250)) * 1_000)
    asoundrc = tmp_path / "asound.conf"
    asoundrc.write_text(ASOUNDRC.format(said=said, heard=heard))
    done = subprocess.run(
        [sys.executable, "-c", TALK], input=SAID, capture_output=True, cwd=tree.ROOT,
        env=os.environ | {"ALSA_CONFIG_PATH": str(asoundrc)}, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    tape, found = heard.read_bytes(), done.stdout
    assert found[:320] == tape[:320]
    frames = [found[at : at + 320] for at in range(0, 48_000, 320)]
    assert all(frame in tape for frame in frames), "a busy machine leaves out whole frames at most"
    kept = said.read_bytes()
    assert SAID[:3200] in kept, "what was said reached the card, in order"


def test_a_card_that_is_not_there_ends_the_call(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        io_sound.try_sound("plughw:99")
    fd = io_sound.open_sound("plughw:99")
    try:

        def ended() -> bool:
            try:
                return os.read(fd, 1) == b""
            except BlockingIOError:
                return False

        until(ended, 20, 0.01)
    finally:
        os.close(fd)
    assert "plughw:99" in caplog.text


def test_the_thread_ends_with_its_call() -> None:
    before = set(threading.enumerate())
    os.close(io_sound.open_sound("null"))
    until(lambda: not set(threading.enumerate()) - before, 20, 0.01)
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize(
    ("path", "card"),
    [
        ("alsa:plughw:CARD=EC25", "plughw:CARD=EC25"),
        ("/dev/snd/controlC3", "plughw:3"),
        ("/dev/snd/by-path/not-plugged-in", "missing"),
        ("/dev/ttyUSB4", ""),
    ],
)
def test_which_audio_is_a_card(path: str, card: str) -> None:
    assert io_sound.sound_card(path) == card
