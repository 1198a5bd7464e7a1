"""Predictive at the daemon as a process: baresip as softphones, SIPp as people, some are busy."""

from __future__ import annotations

import contextlib
from itertools import islice, pairwise

import pytest

from dialerd.core import control as api
from dialerd.core.agent_records import AgentState
from dialerd.core.agents_view import Dispose, HangUp, ListAgents, LogIn, LogOut, Ready
from dialerd.core.records import DialMode, EventKind, Outcome
from tests.daemon.gateway import Gateway
from tests.daemon.softphone import register
from tests.daemon.test_agents import campaign, do, office, over, tries
from tests.daemon.test_daemon import people
from tests.interop.sipp import sipp
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.interop
__all__ = ["office"]  # a fixture

PEOPLE = 30
NAMES = ("lan", "minh", "hoa")


def work(client, talks):
    """Each agent ends what it talks, at once, and says what came of it; how the campaign fares."""
    found = client.call(ListAgents())
    for one in found.items:
        if one.state is AgentState.TALKING:
            assert one.card is not None
            assert one.card.dialed
            talks.append((one.name, one.card.attempt))
            do(client, one.name, HangUp())
        elif one.state is AgentState.WRAP_UP:
            do(client, one.name, Dispose(disposition="sold"))
    return found.teams[0]


def test_a_predictive_campaign_at_real_telephones(office, tmp_path):
    with sipp(tmp_path, "people", PEOPLE) as carrier:
        d, client = office(carrier.port, ("1001", "1002", "1003"))
        people(d.folder, PEOPLE)
        campaign(client, DialMode.PREDICTIVE)
        events = api.Subscribe(topics=("pacing",), after=0)
        for name, phone in zip(NAMES, ("1001", "1002", "1003"), strict=True):
            do(client, name, LogIn(phone=phone, campaigns=("c",), nailed_up=True))
            do(client, name, Ready())
        ratios, talks = set(), []

        def done():
            ratios.add(work(client, talks).calls_per_agent)
            return over(client)

        until(done, 60, 0.03)
        team = client.call(ListAgents()).teams[0]
        with d.ready() as other:
            told = []
            for event in islice(other.events(events, 5.0), 100):
                told.append(event.data)
                if "answer chance" in event.data["sentence"]:
                    break
        for name in NAMES:
            do(client, name, LogOut())
        judged = carrier.finish()
        code, text = d.stop()
    assert (judged["successful"], judged["failed"]) == (PEOPLE, 0)
    assert (code, "Traceback" in text) == (0, False)
    assert len(ratios) > 1, "it moves: how much depends on when the agents came"
    assert max(ratios) <= 3.0, "lines per agent"
    for data in told:
        assert data["sentence"].startswith("dialing ")
        assert 0 <= data["lines"] <= 9
    assert "answer chance" in told[-1]["sentence"]
    found = tries(d.folder, PEOPLE)
    assert len(found) == PEOPLE
    outcomes = [attempt.outcome for attempt, _ in found]
    assert set(outcomes) <= {Outcome.ANSWERED, Outcome.BUSY, Outcome.ABANDONED}
    assert outcomes.count(Outcome.BUSY) >= 5
    assert team.conversations == outcomes.count(Outcome.ANSWERED)
    assert team.abandoned == outcomes.count(Outcome.ABANDONED)
    assert team.people == team.conversations + team.abandoned
    by_agent = {name: [] for name in NAMES}
    for attempt, _ in found:
        if attempt.outcome is Outcome.ANSWERED:
            assert 0 < attempt.answered_ms <= attempt.connected_ms <= attempt.ended_ms
            by_agent[attempt.agent].append((attempt.connected_ms, attempt.ended_ms))
        else:
            assert not attempt.connected_ms, "an agent only hears who answered"
    assert all(by_agent.values()), "all have worked"
    for calls in by_agent.values():
        calls.sort()
        assert all(end <= begin for (_, end), (begin, _) in pairwise(calls))


def test_whom_nobody_takes_hears_the_message(office, tmp_path):
    """The telephone of the only agent is not there: the person waits the grace, then is told."""
    with Gateway() as gateway:
        d, client = office(gateway.port, ())
        people(d.folder, 1)
        campaign(client, DialMode.PREDICTIVE, grace_s=0.5, abandoned="en/thanks")
        do(client, "lan", LogIn(phone="9999", campaigns=("c",)))
        do(client, "lan", Ready())
        until(lambda: over(client))
        team = client.call(ListAgents()).teams[0]
        until(lambda: all(call.ended for call in gateway.calls.values()))
        code, text = d.stop()
        heard = gateway.heard()
    assert (code, "Traceback" in text) == (0, False)
    ((attempt, events),) = tries(d.folder, 1)
    assert attempt.outcome is Outcome.ABANDONED
    assert (team.people, team.abandoned, team.abandonment_legal) == (1, 1, 1.0)
    kinds = {event.kind: event for event in events}
    assert kinds[EventKind.PROMPT_STARTED].detail == "en/thanks"
    assert EventKind.PROMPT_ENDED in kinds, "to its end"
    waited_ms = kinds[EventKind.PROMPT_STARTED].at_ms - attempt.human_ms
    assert waited_ms >= 450
    assert len(set(heard)) > 20, "speech, and no silence"


def test_progressive_with_sipp_softphones(office, tmp_path):
    """Telephones of another make: SIPp answers where one registered, rung for each call."""
    with contextlib.ExitStack() as ends:
        carrier = ends.enter_context(sipp(tmp_path, "uas", 4))
        server = free_port()
        d, client = office(carrier.port, (), ("1001", "1002"), server)
        for name in ("1001", "1002"):
            port = free_port()
            register(name, "secret", server, port)
            ends.enter_context(sipp(tmp_path, "uas", 100, port=port))
        people(d.folder, 4)
        campaign(client, DialMode.PROGRESSIVE)
        for name, phone in (("lan", "1001"), ("minh", "1002")):
            do(client, name, LogIn(phone=phone, campaigns=("c",)))
            do(client, name, Ready())
        talks = []

        def done():
            work(client, talks)
            return over(client)

        until(done, 60, 0.03)
        assert carrier.finish()["successful"] == 4
        code, text = d.stop()
    assert (code, "Traceback" in text, "did not end" in text) == (0, False, False)
    assert {name for name, _ in talks} == {"lan", "minh"}
    found = tries(d.folder, 4)
    assert [attempt.outcome for attempt, _ in found] == [Outcome.ANSWERED] * 4
    assert sorted(attempt.attempt_id for attempt, _ in found) == sorted(n for _, n in talks)
