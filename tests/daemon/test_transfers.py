"""Flows of the daemon that put people through: baresip is the agent, SIPp customers and others."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialerd.core import control as api
from dialerd.core.agent_records import AgentState
from dialerd.core.agent_spec import AgentSpec
from dialerd.core.agents_view import Digits, Dispose, HangUp, Join, LogIn, PutThrough, Ready
from dialerd.core.campaign_spec import CampaignSpec, StepSpec
from dialerd.core.deed_spec import TransferSpec
from dialerd.core.flow_records import TargetKind
from dialerd.core.records import CampaignState, DialMode, Direction, EventKind, Outcome
from dialerd.core.return_records import ReturnAnswer
from dialerd.core.return_spec import ReturnSpec
from dialerd.store import open_store
from tests.daemon.gateway import Gateway
from tests.daemon.test_agents import card, do, office, state
from tests.daemon.test_daemon import people
from tests.daemon.test_returns import dialed_once
from tests.interop.sipp import sipp
from tests.waiting import until

__all__ = ["office"]
pytestmark = pytest.mark.interop
KEY_4 = "4"  # what the scenario presses_keys presses first
SECOND = """
prefixes = ["8491"]
[[trunk]]
name = "second"
host = "127.0.0.1"
port = {port}
channels = 9
calls_per_s_max = 50
loopback = true
prefixes = ["8498"]
"""


def steps(**transfer: object) -> tuple[StepSpec, ...]:
    deed = TransferSpec(hold_prompt="en/thanks", ring_s_max=20, **transfer)
    return (
        StepSpec(prompt="en/thanks", keys={KEY_4: "to"}, wait_ms=5_000),
        StepSpec(id="to", transfer=deed, then="end", otherwise="sorry"),
        StepSpec(id="sorry", prompt="en/thanks"),
    )


def broadcast(client, name="c", **settings) -> None:
    spec = CampaignSpec(name=name, list="people", regime="loopback", **settings)
    client.call(api.CreateCampaign(spec=spec, who="test"))
    for action in (api.CampaignAction.APPROVE, api.CampaignAction.START):
        client.call(api.ActOnCampaign(campaign=name, action=action, who="test"))


def over(client) -> bool:
    return client.call(api.GetProgress(campaign="c")).state is CampaignState.FINISHED


def tries(folder: Path):
    store = open_store(folder / "data")
    try:
        assert store.problems() == []
        return store.lead(1, 1).attempts
    finally:
        store.close()


def test_a_key_puts_the_customer_through_to_an_agent_of_the_queue(office, tmp_path):
    with sipp(tmp_path, "presses_keys", 1) as carrier:
        d, client = office(carrier.port, ("1001",))
        people(d.folder, 1)
        do(client, "lan", LogIn(phone="1001", queues=("care",), nailed_up=True))
        do(client, "lan", Ready())
        until(lambda: state(client, "lan") is AgentState.READY)
        broadcast(client, steps=steps(queue="care"), record=True)
        until(lambda: state(client, "lan") is AgentState.TALKING)
        until(lambda: card(client, "lan") is not None)
        until(lambda: state(client, "lan") is AgentState.WRAP_UP)
        do(client, "lan", Dispose(disposition="sold"))
        until(lambda: over(client))
        judged = carrier.finish()
        code, text = d.stop()
    assert (judged["successful"], code, "Traceback" in text) == (1, 0, False)
    ((attempt, events),) = tries(d.folder)
    assert (attempt.agent, attempt.disposition) == ("lan", "sold")
    assert attempt.outcome is Outcome.ANSWERED
    kinds = [event.kind for event in events]
    for kind in (EventKind.TRANSFER, EventKind.CONNECTED, EventKind.TRANSFERRED):
        assert kind in kinds
    assert EventKind.RECORDED in kinds


def test_a_key_puts_the_customer_through_to_a_number(daemon, tmp_path):
    """One SIPp is the carrier of both legs: the customer, and whom the number belongs to."""
    with sipp(tmp_path, "presses_keys", 1) as customer, sipp(tmp_path, "uas", 1) as other:
        d = daemon(gateway=customer.port, more=SECOND.format(port=other.port))
        people(d.folder, 1)
        d.start()
        with d.ready() as client:
            broadcast(client, steps=steps(number="0987 654 321"))
            until(lambda: over(client), 30)
        judged = customer.finish(), other.finish()
        code, text = d.stop()
    assert [one["successful"] for one in judged] == [1, 1]
    assert (code, "Traceback" in text) == (0, False)
    (_, events), (over_, _) = tries(d.folder)
    assert (over_.direction, over_.phone, over_.of) == (Direction.OVER, 84987654321, 1)
    assert (over_.trunk, over_.outcome) == ("second", Outcome.ANSWERED)
    assert EventKind.TRANSFERRED in [event.kind for event in events]


def test_an_agent_presses_keys_and_puts_the_customer_through_to_an_agent_and_a_queue(office):
    """The carrier hears keys by INFO; the queue's one agent is who had the customer first."""
    with Gateway(talks=lambda _: True) as carrier:
        d, client = office(carrier.port, trunk='dtmf = "info"\n')
        people(d.folder, 1)
        do(client, "hoa", LogIn(phone="1002", nailed_up=True))
        do(client, "lan", LogIn(phone="1001", queues=("care",), campaigns=(), nailed_up=True))
        for name in ("lan", "hoa"):
            do(client, name, Ready())
            until(lambda name=name: state(client, name) is AgentState.READY)
        agents = AgentSpec(members=("lan",), wrap_up_s=0)
        broadcast(client, mode=DialMode.PROGRESSIVE, agents=agents)
        do(client, "lan", Join(campaigns=("c",)))
        until(lambda: state(client, "lan") is AgentState.TALKING)
        do(client, "lan", Digits(digits="7#"))
        until(lambda: carrier.other.count("INFO") == 2)
        do(client, "lan", PutThrough(kind=TargetKind.AGENT, target="hoa"))
        until(lambda: state(client, "hoa") is AgentState.TALKING)
        until(lambda: state(client, "lan") is AgentState.WRAP_UP)
        do(client, "lan", Dispose(disposition="asks for hoa"))
        do(client, "lan", Join(campaigns=()))
        do(client, "hoa", PutThrough(kind=TargetKind.QUEUE, target="care"))
        until(lambda: state(client, "lan") is AgentState.TALKING)
        until(lambda: state(client, "hoa") is AgentState.WRAP_UP)
        do(client, "hoa", Dispose(disposition="asks for care"))
        do(client, "lan", HangUp())
        until(lambda: state(client, "lan") is AgentState.WRAP_UP)
        do(client, "lan", Dispose(disposition="sold"))
        until(lambda: over(client))
        code, text = d.stop()
    assert (code, "Traceback" in text) == (0, False)
    assert [call.ended for call in carrier.calls.values()] == [True]
    ((attempt, events),) = tries(d.folder)
    assert (attempt.agent, attempt.disposition) == ("lan", "sold")
    assert [e.detail for e in events if e.kind is EventKind.SENT_KEYS] == ["lan 2"]
    kinds = [event.kind for event in events]
    assert (kinds.count(EventKind.TRANSFER), kinds.count(EventKind.CONNECTED)) == (2, 3)


def test_a_customer_who_calls_back_reaches_the_group(office, tmp_path):
    with sipp(tmp_path, "busy") as carrier:
        d, client = office(carrier.port, ("1001",))
        people(d.folder, 1)
        wanted = ReturnSpec(answer=ReturnAnswer.AGENTS, queue="care", hold_prompt="en/thanks")
        dialed_once(client, returns=wanted)
        do(client, "lan", LogIn(phone="1001", queues=("care",), nailed_up=True))
        do(client, "lan", Ready())
        until(lambda: state(client, "lan") is AgentState.READY)
        keys = ("-key", "caller", "84912000000", "-s", "02873001234", f"127.0.0.1:{d.sip}")
        with sipp(tmp_path, "calls_back_and_listens", 1, *keys) as customer:
            until(lambda: state(client, "lan") is AgentState.TALKING)
            do(client, "lan", HangUp())
            assert customer.finish()["successful"] == 1
        until(lambda: state(client, "lan") is AgentState.WRAP_UP)
        do(client, "lan", Dispose(disposition="sold"))
        d.stop()
    (_, (back, _)) = tries(d.folder)
    assert (back.direction, back.agent, back.disposition) == (Direction.IN, "lan", "sold")
