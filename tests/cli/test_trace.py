"""`dialerd trace` against a control socket: what is found, how it is shown, what is masked."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess

import pytest

from dialerd.core.ids import call_id_for
from dialerd.core.ops import BeginDial
from dialerd.core.records import CampaignState
from dialerd.core.spec_settings import to_settings
from tests.control.desk import NOW_MS, spec
from tests.sip.samples import message

PEER = ("192.0.2.2", 5060, 0)
OTHER = ("198.51.100.7", 5080, 0)
MS = 1_000_000


def of(attempt: int, leg: int) -> str:
    return call_id_for(attempt, leg, "ab12.192.0.2.1")


def talk(tracer, call_id: str, at_ms: int, peer=PEER, to="0912345678") -> None:
    """INVITE, challenge, INVITE with an answer, 486, ACK."""
    start = f"INVITE sip:{to}@gw SIP/2.0"
    same = {"Call_ID": call_id, "To": f"<sip:{to}@gw>", "From": "<sip:1900@us>;tag=a"}
    answer = 'Authorization: Digest username="u", response="s3cret"\r\n'
    said = [
        (True, message(start, CSeq="1 INVITE", **same)),
        (False, message("SIP/2.0 401 Unauthorized", **same)),
        (True, message(start, CSeq="2 INVITE", raw=answer, **same)),
        (True, message(start, CSeq="2 INVITE", raw=answer, **same)),
        (False, message("SIP/2.0 486 Busy Here", **same)),
        (True, message(f"ACK sip:{to}@gw SIP/2.0", **same)),
    ]
    for step, (sent, data) in enumerate(said):
        tracer.keep(sent, data, peer, (at_ms + 100 * step) * MS)


def test_a_number_draws_its_newest_call(command, daemon) -> None:
    talk(daemon.desk.tracer, of(1, 1), 1_000)
    talk(daemon.desk.tracer, of(2, 2), 9_000)
    done = command("trace", "+84 912 345 678")
    assert done.code == 0
    assert "1900 -> 0912345678, 6 messages" in done.out
    assert f"Call-ID {of(2, 2)}" in done.out
    assert of(1, 1) not in done.out
    assert done.out.splitlines()[-6:] == [
        "         192.0.2.1:5060                                      192.0.2.2:5060 UDP",
        "   0.000 |- INVITE ---------------------------------------------------------->|",
        "   0.100 |<- 401 Unauthorized ------------------------------------------------|",
        "   0.200 |- INVITE (Digest) x2 to 0.300 ------------------------------------->|",
        "   0.400 |<- 486 Busy Here ---------------------------------------------------|",
        "   0.500 |- ACK ------------------------------------------------------------->|",
    ]
    assert "1 older: dialerd trace --list" in done.err


def test_an_attempt_shows_all_its_legs(command, daemon) -> None:
    talk(daemon.desk.tracer, of(77, 1), 1_000)
    talk(daemon.desk.tracer, of(77, 2), 3_000, OTHER)
    talk(daemon.desk.tracer, of(78, 3), 5_000)
    done = command("trace", "77")
    assert (of(77, 1) in done.out, of(77, 2) in done.out) == (True, True)
    assert of(78, 3) not in done.out
    assert "198.51.100.7:5080 UDP" in done.out
    assert done.err == ""


def test_a_lead_is_found_by_its_last_attempt(command, daemon) -> None:
    store = daemon.store

    async def dial() -> int:
        settings = to_settings(spec("C"), {"people": store.find_list("people").list_id})
        made = await store.create_campaign(settings, "t", NOW_MS)
        for state in (CampaignState.APPROVED, CampaignState.RUNNING):
            await store.move_campaign(made.campaign_id, state, "t", NOW_MS)
        batch = await store.claim(made.campaign_id, 1, NOW_MS, 60)
        (claim,) = batch.claims
        attempt = claim.attempt_id
        await store.apply([BeginDial(attempt, "t", of(attempt, 1), "any", NOW_MS)])
        talk(daemon.desk.tracer, of(attempt, 1), 1_000)
        return claim.lead_id

    lead = asyncio.run(dial())
    assert "486 Busy Here" in command("trace", f"lead:C/{lead}").out
    assert command("trace", "lead:C/999").code == 1
    assert "no lead '999'" in command("trace", "lead:C/999").err
    assert command("trace", "lead:none/1").code == 1


def test_secrets_are_masked_unless_asked_for(command, daemon) -> None:
    talk(daemon.desk.tracer, of(1, 1), 1_000)
    masked, shown = (command("trace", "1", "--full", *more).out for more in ((), ("--secrets",)))
    assert "s3cret" not in masked
    assert "Authorization: ***" in masked
    assert 'response="s3cret"' in shown
    assert masked.count("\n--- ") == 6
    assert "INVITE sip:0912345678@gw SIP/2.0\n" in masked


def test_nothing_of_the_network_reaches_the_terminal_as_it_is(command, daemon) -> None:
    evil = message("SIP/2.0 200 \x1b]0;owned\x07", Call_ID="x-1")
    daemon.desk.tracer.keep(True, evil, PEER, 1)
    for options in (("trace", "x-1"), ("trace", "x-1", "--full"), ("trace",)):
        out = command(*options).out
        assert "owned" in out
        assert "\x1b" not in out
        assert "\x07" not in out


def test_json_is_for_programs(command, daemon) -> None:
    talk(daemon.desk.tracer, of(5, 1), 1_000)
    found = json.loads(command("trace", "5", "--json").out)
    said = [m["what"] for m in found["messages"]]
    assert said[:3] == ["INVITE", "401 Unauthorized", "INVITE (Digest)"]
    first = found["messages"][0]
    assert (first["ours"], first["peer"]) == (["192.0.2.1", 5060], ["192.0.2.2", 5060])
    assert (first["sent"], first["transport"]) == (True, "udp")
    assert first["text"].startswith("INVITE sip:0912345678@gw SIP/2.0\r\n")
    assert found["calls"][0]["call_id"] == of(5, 1)


def test_a_capture_file_is_written_and_read_by_wireshark(command, daemon, tmp_path) -> None:
    talk(daemon.desk.tracer, of(5, 1), 1_000)
    path = tmp_path / "call.pcap"
    done = command("trace", "5", "--pcap", str(path))
    assert (done.code, done.out) == (0, "")
    tshark = shutil.which("tshark")
    assert tshark, "tshark is missing: apt-get install tshark"
    read = subprocess.run(
        [tshark, "-r", str(path), "-T", "fields", "-e", "sip.Method", "-e", "sip.Status-Code"],
        capture_output=True, text=True, timeout=200, check=True,
    )  # fmt: skip
    rows = ["".join(line.split()) for line in read.stdout.splitlines()]
    assert rows == ["INVITE", "401", "INVITE", "INVITE", "486", "ACK"]
    assert b"s3cret" not in path.read_bytes()


def test_without_a_call_the_newest_are_listed(command, daemon) -> None:
    for n in range(3):
        talk(daemon.desk.tracer, of(n, n), 1_000 * n, to=f"091234567{n}")
    lines = command("trace").out.splitlines()
    assert [line.split()[3] for line in lines[1:]] == ["0912345672", "0912345671", "0912345670"]
    listed = command("trace", "--list", "0912345671").out.splitlines()
    assert len(listed) == 2
    found = json.loads(command("trace", "--list", "--json").out)
    assert [item["messages"] for item in found["items"]] == [6, 6, 6]


@pytest.mark.parametrize("call", ["nobody", "0999999999", "18446744073709551616", "\udc80"])
def test_what_is_not_kept_is_said(command, daemon, call) -> None:
    talk(daemon.desk.tracer, of(1, 1), 1_000)
    done = command("trace", call)
    assert done.code == (1 if call.isprintable() else 2)
    assert done.err.splitlines()[-1].count(repr(call) if done.code == 1 else "CALL") == 1


def test_without_a_daemon_it_says_so(command) -> None:
    assert command("trace", "1").code == 4


def test_a_capture_that_cannot_be_written_is_one_line(command, daemon, tmp_path) -> None:
    talk(daemon.desk.tracer, of(1, 1), 1_000)
    done = command("trace", "1", "--pcap", str(tmp_path / "none" / "x.pcap"))
    assert done.code == 1
    assert done.err.count("\n") == 1
