"""Calls of the SIP stack to and from SIPp, judged by both sides."""

from __future__ import annotations

from pathlib import Path

import pytest

from sip import sdp
from sip.accounts.auth import Credentials
from sip.events import Accepted, Ended, Provisional, Renegotiated, SipEvent, Trying
from sip.messages.causes import Reason
from tests.interop.agent import Agent, answer, place, take
from tests.interop.sipp import sipp
from tests.ports import free_port
from tests.waiting import Stalls

pytestmark = pytest.mark.interop
CLEAN = {"code": 0, "failed": 0, "retransmissions": 0}


def hang_up(agent: Agent, event: SipEvent) -> None:
    if isinstance(event, Accepted):
        agent.release(event.leg)


def hang_up_soon(agent: Agent, event: SipEvent) -> None:
    if isinstance(event, Accepted):
        agent.later(0.4, lambda: agent.release(event.leg))


def give_up(agent: Agent, event: SipEvent) -> None:
    if isinstance(event, Provisional):
        agent.release(event.leg)


def nothing(agent: Agent, event: SipEvent) -> None:
    """Let the peer act."""


def ended(agent: Agent) -> Ended:
    [one] = agent.ended()
    assert agent.events[-1] is one
    return one


def test_sipps_own_gateway_sees_three_hundred_clean_calls(tmp_path: Path):
    with sipp(tmp_path, "uas", 300) as peer, Stalls() as stalls:
        agent = place(free_port(), peer.port, hang_up, 300)
        assert peer.finish() == CLEAN | {"successful": 300}
    assert {(e.code, e.by, e.answered) for e in agent.ended()} == {(200, "us", True)}
    counts = agent.transport.statistics()
    assert stalls.least(counts["resent"]) == counts["malformed"] == counts["legs"] == 0
    assert stalls.least(counts["stray"]) == 0
    assert counts["datagrams_sent"] == 900 + counts["resent"]


def test_early_media_then_the_answer(tmp_path: Path):
    with sipp(tmp_path, "early_media") as peer:
        agent = place(free_port(), peer.port, hang_up)
        assert peer.finish() == CLEAN | {"successful": 1}
    kinds = [type(e) for e in agent.events]
    assert kinds == [Trying, Provisional, Accepted, Ended]
    early = agent.events[1]
    assert isinstance(early, Provisional)
    assert early.code == 183
    assert sdp.parse(early.sdp or b"").payload_type == 8


def test_busy_with_its_cause(tmp_path: Path):
    with sipp(tmp_path, "busy") as peer:
        agent = place(free_port(), peer.port, nothing)
        assert peer.finish() == CLEAN | {"successful": 1}
    busy = Ended(
        1, 486, "Busy Here", 17, "them", False, reasons=(Reason("Q.850", 17, "user busy"),)
    )
    assert ended(agent) == busy


def test_a_challenge_is_met(tmp_path: Path):
    with sipp(tmp_path, "challenges") as peer:
        secret = Credentials("account", "secret")
        agent = place(free_port(), peer.port, hang_up, credentials=secret)
        assert peer.finish() == CLEAN | {"successful": 1}
    assert (ended(agent).code, ended(agent).answered) == (200, True)


def test_a_wrong_password_is_refused(tmp_path: Path):
    with sipp(tmp_path, "challenges") as peer:
        wrong = Credentials("account", "wrong")
        agent = place(free_port(), peer.port, hang_up, credentials=wrong)
        peer.finish()
    assert ended(agent).code == 403


def test_a_200_sent_twice_gets_two_acks(tmp_path: Path):
    # Without -nr SIPp answers each ACK it has seen before with its 200, for ever.
    with sipp(tmp_path, "answers_twice", 1, "-nr") as peer, Stalls() as stalls:
        agent = place(free_port(), peer.port, hang_up_soon)
        assert peer.finish() == CLEAN | {"successful": 1}
    assert [type(e) for e in agent.events] == [Provisional, Accepted, Ended]
    resent = agent.transport.statistics()["resent"]
    assert resent >= 1
    assert stalls.least(resent - 1) == 0


def test_the_second_fork_is_hung_up(tmp_path: Path):
    with sipp(tmp_path, "forks") as peer:
        agent = place(free_port(), peer.port, hang_up_soon)
        assert peer.finish() == CLEAN | {"successful": 1}
    assert [type(e) for e in agent.events][-2:] == [Accepted, Ended]


def test_a_cancelled_call(tmp_path: Path):
    with sipp(tmp_path, "cancelled") as peer:
        agent = place(free_port(), peer.port, give_up)
        assert peer.finish() == CLEAN | {"successful": 1}
    assert (ended(agent).code, ended(agent).by) == (487, "us")


def test_an_answer_after_the_cancel_is_hung_up(tmp_path: Path):
    with sipp(tmp_path, "answers_the_cancelled") as peer:
        agent = place(free_port(), peer.port, give_up)
        assert peer.finish() == CLEAN | {"successful": 1}
    assert (ended(agent).code, ended(agent).by, ended(agent).answered) == (200, "us", False)


def test_the_gateway_hangs_up(tmp_path: Path):
    with sipp(tmp_path, "hangs_up") as peer:
        agent = place(free_port(), peer.port, nothing)
        assert peer.finish() == CLEAN | {"successful": 1}
    assert (ended(agent).by, ended(agent).q850, ended(agent).answered) == ("them", 16, True)


def test_the_gateway_holds(tmp_path: Path):
    with sipp(tmp_path, "holds") as peer:
        agent = place(free_port(), peer.port, hang_up_soon)
        assert peer.finish() == CLEAN | {"successful": 1}
    [held] = [e for e in agent.events if isinstance(e, Renegotiated)]
    assert sdp.parse(held.sdp).direction == "sendonly"


def test_nobody_there(tmp_path: Path):
    agent = place(free_port(), free_port(), nothing)
    end = ended(agent)
    assert (end.code, end.by) == (0, "timeout")
    assert end.phrase == "unreachable: Connection refused (ICMP)"


def test_sipps_own_caller_sees_two_hundred_clean_calls(tmp_path: Path):
    port = free_port()

    def caller() -> dict[str, int]:
        extra = ("-r", "200", "-d", "50", f"127.0.0.1:{port}")
        with sipp(tmp_path, "uac", 200, *extra) as peer:
            return peer.finish()

    with Stalls() as stalls:
        agent, result = take(port, caller, answer, 200)
    assert result == CLEAN | {"successful": 200}
    assert {(e.code, e.by, e.answered) for e in agent.ended()} == {(200, "them", True)}
    counts = agent.transport.statistics()
    assert stalls.least(counts["resent"]) == counts["malformed"] == counts["legs"] == 0
    assert stalls.least(counts["stray"]) == 0
