"""`dialerd listen`: each script against SIPp as the caller, and against `dialerd call`."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import wave
from pathlib import Path

import pytest

from tests.interop.listening import called, dialerd_program, listening, names
from tests.interop.sipp import SCENARIOS, sipp, sipp_program
from tests.interop.test_dialerd_call import dialerd_call
from tests.ports import free_port
from tests.waiting import until


def caller(folder, port: int, scenario: str = "uac", calls: int = 1, *extra: str) -> int:
    """SIPp calls; its exit code is 0 when every call went as its scenario says."""
    named = SCENARIOS / f"{scenario}.xml"
    which = ["-sf", str(named)] if named.is_file() else ["-sn", scenario]
    done = subprocess.run(
        [
            sipp_program(), f"127.0.0.1:{port}", *which, "-i", "127.0.0.1", "-nostdin",
            *("-m", str(calls), "-d", "200", "-timeout", "30"), *extra,
        ],
        cwd=folder, capture_output=True, timeout=200, check=False,
    )  # fmt: skip
    return done.returncode


def test_answer_stays_until_the_caller_hangs_up(tmp_path) -> None:
    with listening("--calls", "3") as us:
        assert caller(tmp_path, us.port, "uac", 3) == 0
        assert us.finish() == 0
    assert us.events(2) == ["invite", "ringing", "answered", "established", "ended"]
    assert [c["released_by"] for c in us.calls()] == ["them"] * 3
    assert {c["caller"] for c in us.calls()} == {"sipp"}
    assert us.lines[-1] == {"kind": "summary", "calls": 3, "answered": 3, "refused": 0}


def test_answer_over_tcp(tmp_path) -> None:
    with listening("--calls", "2", "--transport", "tcp") as us:
        assert caller(tmp_path, us.port, "uac", 2, "-t", "t1") == 0
        assert us.finish() == 0
    assert us.lines[-1]["answered"] == 2


def test_busy_is_486(tmp_path) -> None:
    with listening("--script", "busy", "--calls", "1") as us:
        code, report, _ = called(f"sip:x@127.0.0.1:{us.port}")
        us.finish()
    assert (code, report["sip_code"], report["outcome"], report["q850"]) == (1, 486, "busy", 17)
    assert us.events() == ["invite", "ended"]
    assert us.calls()[0]["answered"] is False


def test_ring_rings_until_the_caller_gives_up(tmp_path) -> None:
    with listening("--script", "ring", "--calls", "1") as us:
        code, report, _ = called(f"sip:x@127.0.0.1:{us.port}", "--ring", "1")
        us.finish()
    assert (code, report["outcome"], report["sip_code"]) == (1, "no_answer", 487)
    assert us.events() == ["invite", "ringing", "ended"]
    assert us.calls()[0]["code"] == 487


def test_echo_says_back_audio_and_keys(tmp_path) -> None:
    said = tmp_path / "said.wav"
    with listening("--script", "echo", "--calls", "1") as us:
        _, report, _ = called(
            f"sip:x@127.0.0.1:{us.port}", "--play", "dialerd/prompts/en/thanks.wav",
            "--digits", "19#", "--record", str(said), "--seconds", "6",
        )  # fmt: skip
        us.finish()
    assert "".join(d["digit"] for d in report["digits"]) == "19#"
    assert us.calls()[0]["digits"] == "19#"
    with wave.open(str(said)) as audio:
        frames = audio.readframes(audio.getnframes())
    heard = memoryview(frames).cast("h")[1::2].tolist()
    assert max(map(abs, heard)) > 2_000  # it was silence that `answer` would have sent


def test_hold_holds_and_resumes_as_the_caller_sees_it(tmp_path) -> None:
    with listening(
        "--script", "hold", "--calls", "1", "--hold-after-ms", "300", "--hold-ms", "300"
    ) as us:
        code, report, _ = called(f"sip:x@127.0.0.1:{us.port}", "--seconds", "2")
        us.finish()
    assert code == 0
    told = [e["detail"] for e in report["timeline"] if e["event"] == "renegotiated"]
    assert told == ["recvonly", "sendrecv"]
    assert [e for e in us.events() if e in {"held", "resumed"}] == ["held", "resumed"]


def test_both_may_hold_at_once_and_talk_again(tmp_path) -> None:
    with listening(
        "--script", "hold", "--calls", "1", "--hold-after-ms", "0", "--hold-ms", "500"
    ) as us:
        code, report, _ = called(f"sip:x@127.0.0.1:{us.port}", "--hold-ms", "500", "--seconds", "5")
        us.finish()
    assert code == 0
    assert report["released_by"] == "us"
    assert us.calls()[0]["code"] == 200


def test_sipp_holds_us(tmp_path) -> None:
    with listening("--calls", "1") as us:
        assert caller(tmp_path, us.port, "calls_and_holds_by_invite") == 0
        us.finish()
    assert "renegotiated" in us.events()


def test_a_caller_without_an_offer_gets_ours(tmp_path) -> None:
    with listening("--calls", "1") as us:
        assert caller(tmp_path, us.port, "calls_without_offer") == 0
        us.finish()
    assert us.calls()[0]["answered"] is True


def test_play_and_record(tmp_path) -> None:
    said, heard = tmp_path / "said.wav", tmp_path / "heard.wav"
    with listening(
        "--play", "dialerd/prompts/en/thanks.wav", "--record", str(said), "--calls", "2"
    ) as us:
        for _ in range(2):
            called(f"sip:x@127.0.0.1:{us.port}", "--record", str(heard), "--seconds", "1")
        us.finish()
    assert (tmp_path / "said-2.wav").exists()
    with wave.open(str(heard)) as audio:
        right = memoryview(audio.readframes(audio.getnframes())).cast("h")[1::2].tolist()
    assert max(map(abs, right)) > 2_000
    assert [c["recording"] for c in us.calls()] == [str(said), str(tmp_path / "said-2.wav")]


def test_callers_must_say_who_they_are(tmp_path) -> None:
    with listening("--auth", "account:secret", "--calls", "1") as us:
        uri = f"sip:x@127.0.0.1:{us.port}"
        code, report, _ = called(uri, "--seconds", "0")
        assert (code, report["sip_code"]) == (1, 401)
        code, report, _ = called(uri, "--auth", "account:wrong", "--seconds", "0")
        assert (code, report["answer_ms"]) == (1, None)
        code, report, _ = called(uri, "--auth", "account:secret", "--seconds", "0")
        assert code == 0
        us.finish()
    assert len(us.calls()) == 1


def test_ctrl_c_hangs_up_and_sums_up(tmp_path) -> None:
    with listening() as us:
        process = subprocess.Popen(
            [*dialerd_program(), "call", f"sip:x@127.0.0.1:{us.port}", "--json"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        until(lambda: "established" in us.events())
        assert us.interrupt() == 0
        out, _ = process.communicate(timeout=200)
    report = json.loads(out)
    assert (report["outcome"], report["released_by"]) == ("answered", "them")
    assert us.events()[-2:] == ["hanging_up", "ended"]
    assert us.lines[-1]["kind"] == "summary"


def test_sigterm_does_the_same() -> None:
    with listening() as us:
        us.process.send_signal(signal.SIGTERM)
        assert us.finish() == 0
    assert us.lines[-1] == {"kind": "summary", "calls": 0, "answered": 0, "refused": 0}


def test_offers_that_fit_nothing_are_refused_and_the_next_call_is_taken(tmp_path) -> None:
    with listening("--calls", "2") as us:
        code, report, _ = called(f"sip:x@127.0.0.1:{us.port}", "--srtp", "required")
        assert (code, report["sip_code"]) == (1, 488)
        done, report = dialerd_call(f"sip:x@127.0.0.1:{us.port}", "--seconds", "0")
        assert done.returncode == 0
        us.finish()
    assert "not_answered" in us.events(1)
    assert names(report)[-1] == "released"


@pytest.mark.parametrize(
    "options",
    [("--bind", "x"), ("--script", "sing"), ("--transport", "tls"), ("--calls", "-1")],
)
def test_wrong_options_are_usage_errors(options) -> None:
    done = subprocess.run(
        [*dialerd_program(), "listen", *options],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_named_with_its_holder() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*dialerd_program(), "listen", "--bind", f"127.0.0.1:{port}"],
            capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "is in use by" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("theirs", "ours", "answered"),
    [
        ("required", "required", True),
        ("required", "offered", True),
        ("offered", "off", True),
        ("off", "offered", True),
        ("required", "off", False),
    ],
)
def test_srtp_between_two_of_us(theirs, ours, answered) -> None:
    with listening("--script", "echo", "--srtp", ours, "--calls", "1") as us:
        code, report, _ = called(
            f"sip:x@127.0.0.1:{us.port}", "--srtp", theirs, "--seconds", "1", "--digits", "5"
        )
        us.finish()
    assert code == (0 if answered else 1)
    assert [d["digit"] for d in report["digits"]] == (["5"] if answered else [])
    assert (report["rtp"]["received"] > 20) == answered


def test_an_attended_transfer_takes_over_our_call_and_nobody_elses(tmp_path) -> None:
    with listening("--calls", "2") as us:
        assert caller(tmp_path, us.port, "calls_and_takes_over") == 0
        assert us.finish() == 0
    assert [(c["call"], c["caller"], c["released_by"]) for c in us.calls()] == [
        (1, "first", "us"),
        (2, "second", "them"),
    ]


def kernel_tcp() -> str:
    """Every TCP socket of this machine; 0A is one that listens."""
    return "".join(Path(f"/proc/net/{table}").read_text() for table in ("tcp", "tcp6"))


def test_a_controller_joins_two_calls_to_us(tmp_path) -> None:
    """SIPp's own 3PCC (RFC 3725): one INVITE without an offer; its 200 offers to the other."""
    link = free_port()

    def controller(name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                sipp_program(), f"127.0.0.1:{us.port}", "-sn", name, "-i", "127.0.0.1",
                *("-p", str(free_port()), "-3pcc", f"127.0.0.1:{link}", "-m", "1", "-nostdin"),
            ],
            cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    with listening("--calls", "2") as us:
        second = controller("3pcc-C-B")
        until(lambda: re.search(rf":{link:04X} 0+:0000 0A", kernel_tcp()))
        first = controller("3pcc-C-A")
        try:
            assert (first.wait(100), second.wait(100)) == (0, 0)
        finally:
            first.kill()
            second.kill()
        assert us.finish() == 0
    assert [c["answered"] for c in us.calls()] == [True, True]
    assert all(int(str(c["rtp_received"])) > 20 for c in us.calls())  # each hears the other


@pytest.mark.parametrize("scenario", ["3pcc-A", "3pcc-B"])
def test_we_call_what_sipp_brings(tmp_path, scenario) -> None:
    with sipp(tmp_path, scenario) as peer:
        done, report = dialerd_call(f"sip:x@127.0.0.1:{peer.port}", "--seconds", "0.2")
        judged = peer.finish()
    assert (done.returncode, judged["successful"]) == (0, 1)
    assert report["answer_ms"] is not None


def test_sipps_own_eyes_find_what_they_look_for(tmp_path) -> None:
    """Its `regexp` reads an address, the Contact and a worded user of o= out of the 200."""
    with listening("--calls", "1") as us:
        assert caller(tmp_path, us.port, "regexp") == 0
        assert us.finish() == 0
