"""The life of a call against SIPp: PRACK, UPDATE, re-INVITE, glare, session timers, both ways."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sip import sdp
from sip.events import (
    Accepted,
    Digit,
    Ended,
    Established,
    Incoming,
    Modified,
    ModifyFailed,
    Offered,
    Provisional,
    Redirected,
    Renegotiated,
    SipEvent,
)
from tests.interop.agent import HOST, Agent, React, answer, description, place, take
from tests.interop.sipp import sipp
from tests.ports import free_port

pytestmark = pytest.mark.interop
CLEAN = {"code": 0, "successful": 1, "failed": 0}


def placed(folder: Path, scenario: str, react: React, *extra: str, **wish: object) -> Agent:
    """A call of ours that SIPp takes; it must find all it looked for."""
    with sipp(folder, scenario, 1, *extra) as peer:
        agent = place(free_port(), peer.port, react, **wish)
        result = peer.finish()
    assert result.items() >= CLEAN.items()
    return agent


def called(folder: Path, scenario: str, react: React) -> Agent:
    """A call of SIPp that we take; SIPp must find all it looked for."""
    port = free_port()

    def caller() -> dict[str, int]:
        with sipp(folder, scenario, 1, f"{HOST}:{port}") as peer:
            return peer.finish()

    agent, result = take(port, caller, react, 1)
    assert isinstance(result, dict)
    assert result.items() >= CLEAN.items()
    return agent


def kinds(agent: Agent) -> list[type[SipEvent]]:
    return [type(e) for e in agent.events]


def last(agent: Agent) -> Ended:
    [end] = agent.ended()
    assert agent.events[-1] is end
    return end


def hang_up(agent: Agent, event: SipEvent) -> None:
    if isinstance(event, Accepted):
        agent.release(event.leg)


def hang_up_later(agent: Agent, event: SipEvent) -> None:
    if isinstance(event, Accepted):
        agent.later(0.9, lambda: agent.release(event.leg))


def nothing(agent: Agent, event: SipEvent) -> None:
    """Let the peer act."""


# we call


@pytest.mark.parametrize("scenario", ["reliable", "reliable_repeated"])
def test_reliable_responses_are_acknowledged(tmp_path: Path, scenario: str):
    agent = placed(tmp_path, scenario, hang_up)
    accepted = next(e for e in agent.events if isinstance(e, Accepted))
    assert sdp.parse(accepted.sdp).direction == "sendrecv"
    assert [e.code for e in agent.events if isinstance(e, Provisional)] in ([180, 183], [183, 180])


@pytest.mark.parametrize("scenario", ["delayed_offer", "reliable_offer"])
def test_the_peers_offer_is_answered(tmp_path: Path, scenario: str):
    def react(agent: Agent, event: SipEvent) -> None:
        if isinstance(event, Offered):
            agent.endpoint.acknowledge(event.leg, description(event.sdp), time.monotonic_ns())
        hang_up(agent, event)

    agent = placed(tmp_path, scenario, react, sdp=b"")
    assert [e.early for e in agent.events if isinstance(e, Offered)] == [
        scenario != "delayed_offer"
    ]
    assert (last(agent).code, last(agent).answered) == (200, True)


def test_a_session_that_is_too_short(tmp_path: Path):
    agent = placed(tmp_path, "too_short", hang_up, session_s=100)
    assert last(agent).answered


def test_a_refresh_by_update(tmp_path: Path):
    def react(agent: Agent, event: SipEvent) -> None:
        if isinstance(event, Accepted):
            agent.later(2.5, lambda: agent.release(event.leg))

    agent = placed(tmp_path, "refreshed_by_update", react, session_s=90)
    assert last(agent).by == "us"


def test_a_refresh_by_reinvite(tmp_path: Path):
    def react(agent: Agent, event: SipEvent) -> None:
        if isinstance(event, Renegotiated):
            agent.release(event.leg)

    assert last(placed(tmp_path, "refreshed_by_invite", react, session_s=90)).by == "us"


def test_the_peer_refreshes(tmp_path: Path):
    assert last(placed(tmp_path, "refreshes", hang_up_later)).by == "us"


def test_a_peer_that_never_refreshes_is_hung_up(tmp_path: Path):
    assert last(placed(tmp_path, "refreshes_never", nothing, session_s=90)).by == "timeout"


def test_the_tag_changes(tmp_path: Path):
    agent = placed(tmp_path, "tag_changes", hang_up)
    assert last(agent).answered


def test_a_lost_200_and_a_lost_ack(tmp_path: Path):
    # Without -nr SIPp answers each ACK it has seen before with its 200, for ever.
    agent = placed(tmp_path, "drops_the_200", hang_up_later, "-nr")
    assert kinds(agent).count(Accepted) == 1
    assert agent.transport.statistics()["resent"] >= 1


@pytest.mark.parametrize("update", [False, True])
def test_we_hold_and_resume(tmp_path: Path, *, update: bool):
    def react(agent: Agent, event: SipEvent) -> None:
        if isinstance(event, Accepted):
            agent.modify(event.leg, "sendonly", update=update)
        elif isinstance(event, Modified):
            if sdp.parse(event.sdp).direction == "recvonly":
                agent.modify(event.leg, "sendrecv", update=update)
            else:
                agent.release(event.leg)

    agent = placed(tmp_path, "held_by_update" if update else "held", react)
    assert kinds(agent).count(Modified) == 2
    assert last(agent).by == "us"


def test_the_peer_holds_by_update(tmp_path: Path):
    agent = placed(tmp_path, "holds_by_update", hang_up_later)
    held = [sdp.parse(e.sdp).direction for e in agent.events if isinstance(e, Renegotiated)]
    assert held == ["sendonly", "sendrecv"]


@pytest.mark.parametrize("scenario", ["glare", "pending"])
def test_after_a_glare_we_ask_again(tmp_path: Path, scenario: str):
    def react(agent: Agent, event: SipEvent) -> None:
        if isinstance(event, Accepted):
            agent.modify(event.leg, "sendonly")
        elif isinstance(event, Modified):
            agent.release(event.leg)

    agent = placed(tmp_path, scenario, react)
    assert kinds(agent).count(Modified) == 1
    assert last(agent).by == "us"


def test_a_redirect_is_followed(tmp_path: Path):
    agent = placed(tmp_path, "redirects", hang_up, redirects=1)
    [moved] = [e for e in agent.events if isinstance(e, Redirected)]
    assert moved.uri.startswith("sip:other@")
    assert last(agent).answered


def test_a_dialog_that_the_peer_forgot_ends(tmp_path: Path):
    def react(agent: Agent, event: SipEvent) -> None:
        if isinstance(event, Accepted):
            agent.modify(event.leg, "sendonly")

    agent = placed(tmp_path, "forgets", react)
    assert kinds(agent)[-2:] == [ModifyFailed, Ended]
    assert last(agent).by == "timeout"


def test_keys_arrive_in_order(tmp_path: Path):
    def react(agent: Agent, event: SipEvent) -> None:
        if isinstance(event, Accepted):
            for key in "12#":
                agent.endpoint.digit(event.leg, key, 160, time.monotonic_ns())
            agent.later(0.5, lambda: agent.release(event.leg))

    assert last(placed(tmp_path, "reads_keys", react)).by == "us"


# we are called


def early(agent: Agent, event: SipEvent) -> None:
    """Describe ourselves reliably, and answer after a while."""
    if isinstance(event, Incoming):
        body = description(event.sdp)
        agent.endpoint.ring(event.leg, time.monotonic_ns(), 183, body, reliable=True)

        def accept() -> None:
            agent.endpoint.accept(event.leg, body, time.monotonic_ns())
            agent.transport.flush()

        agent.later(0.3, accept)


@pytest.mark.parametrize(
    "scenario", ["calls_requiring_100rel", "calls_without_prack", "calls_and_updates_early"]
)
def test_callers_that_acknowledge_reliable_responses(tmp_path: Path, scenario: str):
    agent = called(tmp_path, scenario, early)
    assert Established in kinds(agent)
    assert last(agent).by == "them"


def test_a_caller_without_an_offer(tmp_path: Path):
    agent = called(tmp_path, "calls_without_offer", answer)
    [up] = [e for e in agent.events if isinstance(e, Established)]
    assert sdp.parse(up.sdp).payload_type == 8


@pytest.mark.parametrize(
    "scenario",
    [
        "calls_too_short",
        "calls_and_refreshes_by_invite",
        "calls_and_refreshes_by_update",
        "calls_and_cancels_late",
    ],
)
def test_callers_whose_calls_stand_until_they_hang_up(tmp_path: Path, scenario: str):
    agent = called(tmp_path, scenario, answer)
    assert kinds(agent).count(Established) == 1
    assert (last(agent).by, last(agent).answered) == ("them", True)


def test_a_caller_who_cannot_refresh_is_refreshed(tmp_path: Path):
    def soon(agent: Agent, event: SipEvent) -> None:
        agent.endpoint.min_se_s = 4  # what it asks for; we are who decides, for it reads no 422
        answer(agent, event)

    agent = called(tmp_path, "calls_and_is_refreshed", soon)
    assert kinds(agent).count(Established) == 1
    assert (last(agent).by, last(agent).answered) == ("them", True)


def test_a_caller_whose_ack_is_late_hears_the_200_again(tmp_path: Path):
    agent = called(tmp_path, "calls_and_loses_the_ack", answer)
    assert kinds(agent).count(Established) == 1
    assert agent.transport.statistics()["resent"] >= 1


@pytest.mark.parametrize("way", ["invite", "update"])
def test_the_caller_holds_and_resumes(tmp_path: Path, way: str):
    agent = called(tmp_path, f"calls_and_holds_by_{way}", answer)
    held = [sdp.parse(e.sdp).direction for e in agent.events if isinstance(e, Renegotiated)]
    assert held == ["sendonly", "sendrecv"]


def test_we_hold_the_caller(tmp_path: Path):
    def react(agent: Agent, event: SipEvent) -> None:
        answer(agent, event)
        if isinstance(event, Established):
            agent.modify(event.leg, "sendonly")
        elif isinstance(event, Modified) and sdp.parse(event.sdp).direction == "recvonly":
            agent.modify(event.leg, "sendrecv")

    agent = called(tmp_path, "calls_and_is_held", react)
    assert kinds(agent).count(Modified) == 2


def test_a_glare_with_the_caller(tmp_path: Path):
    def react(agent: Agent, event: SipEvent) -> None:
        answer(agent, event)
        if isinstance(event, Established):
            agent.modify(event.leg, "sendonly")

    agent = called(tmp_path, "calls_and_collides", react)
    assert kinds(agent).count(Modified) == 1
    assert Digit not in kinds(agent)
