"""Agents talk to customers on ports of a modem bank, and who answers there is found out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dialerd.core import control as api
from dialerd.core.agent_records import AgentState
from dialerd.core.agents_view import Dispose, HangUp, ListAgents, LogIn, LogOut, Ready
from dialerd.core.detection_spec import DetectionSpec
from dialerd.core.records import DialMode, Direction, EventKind, Outcome
from dialerd.core.return_records import ReturnAnswer
from dialerd.core.return_spec import ReturnSpec
from tests.daemon.test_agents import PHONES, USER, campaign, do, over, tries
from tests.daemon.test_banks import BANK, all_ready, attempts_of
from tests.daemon.test_daemon import broadcast, people, until_finished
from tests.interop.baresip import baresip
from tests.modem_bank import everybody, simulated_bank
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.interop

STAY = everybody("waits", "speed = 10.0\npatience_s = 600\n")


def modems(folder: Path, ports: int, town: str = STAY) -> Any:
    (folder / "people.toml").write_text(town)
    options = ("--people", str(folder / "people.toml"), "--hurry", "10")
    return simulated_bank(folder / "bank", "quectel,huawei", *options, ports=ports)


def test_an_agent_talks_to_customers_on_modems(tmp_path: Path, daemon: Any) -> None:
    port = free_port()
    with modems(tmp_path, 2) as bank:
        more = BANK.format(folder=bank.folder) + PHONES.format(port=port) + USER.format(name="1001")
        d = daemon(more=more).start()
        with d.ready() as client, baresip(tmp_path, "1001", "secret", port) as phone:
            all_ready(client, 2)
            until(lambda: client.call(api.GetStatus()).counters["sip_phones"] == 1, 60, 0.05)
            people(d.folder, 2)
            campaign(client, DialMode.PROGRESSIVE, record=True)
            do(client, "lan", LogIn(phone="1001", campaigns=("c",)))
            do(client, "lan", Ready())
            for _ in range(2):
                until(lambda: _state(client) is AgentState.TALKING, 60, 0.05)
                phone.press("5")  # an event in RTP: to the customer it is the modem that sends it
                until(lambda: "5" in _keys(bank), 60, 0.05)
                until(lambda: _recorded(d.folder) > 16_000, 60, 0.05)
                do(client, "lan", HangUp())
                until(lambda: _state(client) is AgentState.WRAP_UP, 60, 0.05)
                do(client, "lan", Dispose(disposition="sold"))
            until(lambda: over(client), 60, 0.05)
            do(client, "lan", LogOut())
        assert d.stop()[0] == 0
        ended = bank.ledger("ended")
    found = tries(d.folder, 2)
    assert [attempt.outcome for attempt, _ in found] == [Outcome.ANSWERED] * 2
    for attempt, events in found:
        assert (attempt.trunk, attempt.agent) == ("sims", "lan")
        assert 0 < attempt.answered_ms <= attempt.connected_ms <= attempt.ended_ms
        assert {EventKind.CONNECTED, EventKind.RECORDED} <= {event.kind for event in events}
    assert len(list((d.folder / "data" / "recordings").rglob("*.[wf]*"))) == 2
    assert [one["what"] for one in ended] == ["answered"] * 2
    assert all(one["rtp_received"] > 25 for one in ended)
    assert [one["keys"] for one in ended] == ["5", "5"]


def test_who_calls_a_port_back_reaches_the_group(tmp_path: Path, daemon: Any) -> None:
    port = free_port()
    busy = STAY.replace("answers = 100.0", "answers = 0.0").replace("busy = 0.0", "busy = 100.0")
    with modems(tmp_path, 1, busy) as bank:
        more = BANK.format(folder=bank.folder) + PHONES.format(port=port) + USER.format(name="1001")
        d = daemon(more=more).start()
        with d.ready() as client, baresip(tmp_path, "1001", "secret", port):
            all_ready(client, 1)
            until(lambda: client.call(api.GetStatus()).counters["sip_phones"] == 1, 60, 0.05)
            people(d.folder, 1)
            returns = ReturnSpec(answer=ReturnAnswer.AGENTS, queue="care", hold_prompt="en/thanks")
            broadcast(client, returns=returns, attempts_max=2, retry_gap_s=3_600)
            books = api.GetProgress(campaign="b")
            until(lambda: client.call(books).leads["retry"] == 1, 60, 0.05)
            do(client, "lan", LogIn(phone="1001", queues=("care",), nailed_up=True))
            do(client, "lan", Ready())
            until(lambda: _state(client) is AgentState.READY, 60, 0.05)
            all_ready(client, 1)
            bank.tell("call slot00 84912000000 120 -")
            until(lambda: _state(client) is AgentState.TALKING, 60, 0.05)
            do(client, "lan", HangUp())
            until(lambda: _state(client) is AgentState.WRAP_UP, 60, 0.05)
            do(client, "lan", Dispose(disposition="sold"))
            until(lambda: client.call(books).leads["done"] == 1, 60, 0.05)
            do(client, "lan", LogOut())
        assert d.stop()[0] == 0
    (back,) = (one for one in attempts_of(d.folder) if one.direction is Direction.IN)
    assert (back.phone, back.trunk, back.port) == (84912000000, "sims", "slot00")
    assert (back.agent, back.outcome, back.disposition) == ("lan", Outcome.ANSWERED, "sold")


def test_who_answers_on_a_modem_is_found_out(tmp_path: Path, daemon: Any) -> None:
    with modems(tmp_path, 2) as bank:
        d = daemon(more=BANK.format(folder=bank.folder)).start()
        with d.ready() as client:
            all_ready(client, 2)
            people(d.folder, 4)
            broadcast(client, attempts_max=1, detection=DetectionSpec(machines=True, verdict_s=3.0))
            until_finished(client)
        assert d.stop()[0] == 0
    attempts = attempts_of(d.folder)
    assert [one.outcome for one in attempts] == [Outcome.ANSWERED] * 4
    assert all(one.answerer is not None for one in attempts), "every call has its verdict"
    assert any(one.verdict_ms > 0 for one in attempts)


def _state(client: Any) -> AgentState:
    found: AgentState = client.call(ListAgents(name="lan")).items[0].state
    return found


def _keys(bank: Any) -> str:
    """What the modems in calls have sent."""
    return "".join(slot["keys"] for slot in bank.tell("status")["slots"])


def _recorded(folder: Path) -> int:
    """Bytes of all recordings: half a second of a call is 16,000, before it is FLAC."""
    return sum(one.stat().st_size for one in (folder / "data" / "recordings").rglob("*.wav*"))
