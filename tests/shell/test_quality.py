"""What is said of a call's audio."""

from __future__ import annotations

import json

import pytest

from dialerd.shell.quality import shown, trouble
from fastpath.rtp import MediaEngine, StreamStats
from tests.ports import media_ports


def stats(**changes: object) -> StreamStats:
    """A good call of a minute, but for the changes."""
    engine = MediaEngine(priority=0, streams_max=1)
    empty = engine.close(engine.open("127.0.0.1", *media_ports()))
    good = {
        "sent": 3000, "received": 3000, "expected": 3000, "jitter_ms": 1.5, "mos": 4.4,
        "rtt_ms": 30.0, "peer_lost": 0, "peer_jitter_ms": 1.0, "peer_mos": 4.4,
    }  # fmt: skip
    return empty._replace(**(good | changes))


def test_a_good_call_has_no_trouble() -> None:
    assert trouble(stats()) == ""
    assert trouble(stats(rtt_ms=None, peer_lost=None)) == ""
    assert trouble(stats(sent=40, received=0, expected=0, mos=0.0)) == "", "too short to tell"
    assert trouble(stats(received=0, expected=0, paused=True)) == "", "on hold nothing is due"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"received": 0, "expected": 0}, "no audio came"),
        ({"lost": 300, "loss_run_max": 90}, "10.0% lost, 90 in a row at most"),
        ({"jitter_ms": 55.0}, "jitter 55 ms"),
        ({"mos": 3.1}, "MOS 3.1"),
        ({"peer_lost": 600}, "20.0% of ours lost on the way"),
        ({"rtt_ms": 900.0}, "900 ms there and back"),
        ({"late": 100}, "100 frames of ours late"),
        ({"flooded": 3}, "the peer sent faster than is heard"),
        ({"foreign": 5000}, "5000 packets of strangers dropped"),
        ({"srtp_failed": 5000}, "5000 packets not authentic"),
    ],
)
def test_each_trouble_is_named(changes: dict[str, object], words: str) -> None:
    assert trouble(stats(**changes)) == words


def test_a_call_given_up_for_its_silence_says_so() -> None:
    assert trouble(stats(), 5_000) == "no audio came any more, for 5000 ms"
    assert trouble(stats(received=0, expected=0, sent=30), 600) == "no audio came"


def test_troubles_stand_in_one_line() -> None:
    text = trouble(stats(lost=300, loss_run_max=2, rtt_ms=500.0, foreign=101))
    assert text.count(", ") == 3
    assert "\n" not in text


def test_figures_can_be_told_as_they_are() -> None:
    assert json.loads(json.dumps(shown(stats())))["mos"] == 4.4
