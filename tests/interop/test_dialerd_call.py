"""`dialerd call` against SIPp: our timeline says what SIPp did, and SIPp must agree."""

import itertools
import json
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from dialerd.shell.prompts import load_prompt
from tests.interop.sipp import sipp
from tests.ports import free_port
from tests.shell.audio_files import aligned_correlation, ffmpeg, speechlike, write_wav

GAP = 800  # samples: 100 ms
CALLS_MAX = 6


def dialerd_call(uri, *options):
    done = subprocess.run(
        [sys.executable, "-m", "dialerd", "call", uri, "--json", *options],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    return done, json.loads(done.stdout) if done.stdout else None


def at(peer):
    return f"sip:+84912345678@127.0.0.1:{peer.port}"


def names(report):
    return [event["event"] for event in report["timeline"]]


def test_the_built_in_uas_is_called_heard_out_and_hung_up(tmp_path):
    with sipp(tmp_path, "uas") as peer:
        done, report = dialerd_call(at(peer), "--play", "dialerd/prompts/en/thanks.wav")
        judged = peer.finish()
    assert done.returncode == 0
    assert (report["outcome"], report["sip_code"], report["released_by"]) == ("answered", 200, "us")
    assert report["ring_ms"] is not None
    assert report["answer_ms"] >= report["ring_ms"]
    assert names(report) == ["dialed", "ringing", "answered", "played", "hanging_up", "released"]
    frames = len(load_prompt(Path("dialerd/prompts/en/thanks.wav")).pcmu) // 160
    assert report["rtp"]["sent"] >= frames
    assert judged == {"code": 0, "successful": 1, "failed": 0, "retransmissions": 0}


@pytest.mark.parametrize(
    ("scenario", "outcome", "code", "q850"),
    [
        ("busy", "busy", 486, 17),
        ("switched_off", "unreachable", 480, 20),
        ("declined", "declined", 603, 0),
        ("invalid", "invalid", 404, 1),
    ],
)
def test_a_refusal_is_told_with_its_code_and_cause(tmp_path, scenario, outcome, code, q850):
    with sipp(tmp_path, scenario) as peer:
        done, report = dialerd_call(at(peer))
        judged = peer.finish()
    assert done.returncode == 1
    assert done.stderr == ""
    assert (report["outcome"], report["sip_code"], report["q850"]) == (outcome, code, q850)
    assert report["released_by"] == "them"
    assert report["answer_ms"] is None
    assert judged["successful"] == 1
    assert judged["failed"] == 0


def test_a_call_that_rings_on_is_cancelled(tmp_path):
    with sipp(tmp_path, "rings_on") as peer:
        done, report = dialerd_call(at(peer), "--ring", "1")
        judged = peer.finish()
    assert done.returncode == 1
    assert (report["outcome"], report["released_by"]) == ("no_answer", "us")
    assert judged["successful"] == 1


def test_keys_of_real_recordings_are_heard_once_each_in_order(tmp_path):
    """183 with early media, an answer, three RFC 4733 recordings, speech, and their BYE."""
    recording = tmp_path / "call.wav"
    with sipp(tmp_path, "presses_keys") as peer:
        done, report = dialerd_call(at(peer), "--seconds", "30", "--record", str(recording))
        judged = peer.finish()
    assert done.returncode == 0
    assert "".join(d["digit"] for d in report["digits"]) == "42#"
    assert {d["source"] for d in report["digits"]} == {"rfc4733"}
    times = [d["at_ms"] for d in report["digits"]]
    assert times == sorted(times)
    assert times[0] > report["answer_ms"]
    assert report["released_by"] == "them"
    assert report["q850"] == 16
    assert "early_media" in names(report)
    assert report["rtp"]["received"] > 30
    assert judged["successful"] == 1
    with wave.open(str(recording)) as audio:
        assert (audio.getnchannels(), audio.getframerate()) == (2, 8000)
        assert audio.getnframes() > 8000


def test_the_same_recording_played_again_is_the_key_pressed_again(tmp_path):
    with sipp(tmp_path, "keys_again") as peer:
        _, report = dialerd_call(at(peer), "--seconds", "30")
        judged = peer.finish()
    assert "".join(d["digit"] for d in report["digits"]) == "122*90#"
    assert judged["successful"] == 1


def test_our_digits_reach_a_listener(tmp_path):
    """Called through a second dialerd engine would prove nothing: SIPp echoes our RTP back."""
    with sipp(tmp_path, "echoes", 1, "-rtp_echo") as peer:
        done, report = dialerd_call(at(peer), "--digits", "12#", "--seconds", "3")
        judged = peer.finish()
    assert done.returncode == 0
    assert "digits_sent" in names(report)
    assert "".join(d["digit"] for d in report["digits"]) == "12#"
    assert judged["successful"] == 1


def check_echoed(tmp_path, spoken, *options):
    """All of it is there on both sides, in order and without a gap: the report of such a call.

    When the machine stands still, SIPp sends in bursts and the network loses some: then another
    call is made. One of a few is whole, unless the fault is ours.
    """
    recording = tmp_path / "r.wav"
    for _ in range(CALLS_MAX):
        with sipp(tmp_path, "echoes", 1, "-rtp_echo") as peer:
            done, report = dialerd_call(at(peer), *options, "--record", str(recording))
        assert done.returncode == 0, done.stderr
        with wave.open(str(recording)) as audio:
            both = np.frombuffer(audio.readframes(1 << 20), "<i2").reshape(-1, 2)
        same = [whole(spoken, both[:, side]) for side in (0, 1)]  # what we said, what came back
        if min(same) > 0.99:
            break
        recording.unlink()
    assert min(same) > 0.99
    return report


def whole(spoken, heard):
    """The correlation of the two.

    A sender whose core was taken away for more than 100 ms goes on where it was, so many periods
    later: only such gaps, of five periods of nothing and more, are passed over.
    """
    correlation, _ = aligned_correlation(spoken, heard)
    return max(correlation, aligned_correlation(spoken, without_gaps(heard))[0])


def without_gaps(heard):
    """Without the runs of GAP zeros and more."""
    edges = np.flatnonzero(np.diff(np.concatenate([[1], heard, [1]]) != 0))
    keep = np.ones(len(heard), bool)
    for begin, end in itertools.pairwise(edges):
        if end - begin >= GAP and not heard[begin]:
            keep[begin:end] = False
    return heard[keep]


@pytest.mark.parametrize("kind", ["wav", "mp3", "opus"])
def test_what_is_played_comes_back_from_an_echo(tmp_path, kind):
    spoken = speechlike(3.0, 48_000)
    played = write_wav(tmp_path / "a.wav", np.stack([spoken, spoken], 1), 48_000, channels=2)
    if kind != "wav":
        played = ffmpeg(played, tmp_path / f"a.{kind}", "-b:a", "128k")
    check_echoed(tmp_path, spoken[::6][1600:-1600], "--play", str(played))


def test_several_files_are_played_without_a_gap(tmp_path):
    spoken = [speechlike(0.7 + 0.3 * seed, seed=seed) for seed in (1, 2, 3)]
    options = []
    for seed, samples in enumerate(spoken):
        options += ["--play", str(write_wav(tmp_path / f"{seed}.wav", samples))]
    report = check_echoed(tmp_path, np.concatenate(spoken)[800:-800], *options)
    assert names(report).count("played") == 1


def test_nobody_there_is_one_clear_line_and_exit_1():
    port = free_port()
    done, report = dialerd_call(f"sip:x@127.0.0.1:{port}")
    assert done.returncode == 1
    assert report["outcome"] == "failed"
    assert done.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "uri",
    [
        "foo",
        "sip:127.0.0.1",
        "tel:+84912345678",
        "sip:a b@127.0.0.1",
        "sip:a@127.0.0.1:99999",
        "sip:@h",
    ],
)
def test_what_is_no_sip_uri_is_a_usage_error(uri):
    done, _ = dialerd_call(uri)
    assert done.returncode == 2
    assert "SIP URI" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "options",
    [("--play", "/nonexistent.wav"), ("--play", "/etc/passwd"), ("--record", "/nonexistent/x.wav")],
)
def test_files_that_cannot_be_used_are_named(tmp_path, options):
    with sipp(tmp_path, "uas") as peer:
        done, _ = dialerd_call(at(peer), *options)
    assert done.returncode == 1
    assert options[1] in done.stderr
    assert "Traceback" not in done.stderr


def test_a_busy_local_port_is_named_with_its_holder(tmp_path):
    with sipp(tmp_path, "uas") as peer:
        done, _ = dialerd_call("sip:x@127.0.0.1:9", "--port", str(peer.port))
    assert done.returncode == 1
    assert f"(pid {peer.process.pid})" in done.stderr


def test_a_multicast_address_is_refused():
    done, _ = dialerd_call("sip:x@239.1.2.3:5060")
    assert done.returncode == 1
    assert "multicast" in done.stderr
