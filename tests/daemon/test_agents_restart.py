"""kill -9 and a planned stop with agents at real telephones: the next daemon has them all again."""

from __future__ import annotations

import signal

import pytest

from dialerd.core import control as api
from dialerd.core.agent_records import AgentState
from dialerd.core.agents_view import Dispose, ListAgents, LogIn, Pause, Ready, WriteNote
from dialerd.core.records import DialMode, LeadState, Outcome
from dialerd.store import open_store
from tests.daemon.test_agents import campaign, card, do, office, state, tries
from tests.daemon.test_daemon import people
from tests.interop.sipp import sipp
from tests.waiting import until

pytestmark = pytest.mark.interop
__all__ = ["office"]  # a fixture


def info(client, name):
    return client.call(ListAgents(name=name)).items[0]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_next_daemon_has_the_agents_of_the_last(office, tmp_path, number):
    with sipp(tmp_path, "uas", 2, "-rtp_echo") as carrier:
        d, client = office(carrier.port, ("1001", "1002", "1003"))
        people(d.folder, 1)
        campaign(client, DialMode.PROGRESSIVE)
        for name, phone in (("lan", "1001"), ("minh", "1002"), ("hoa", "1003")):
            act = LogIn(phone=phone, campaigns=("c",), nailed_up=True, queues=("sales",))
            do(client, name, act)
        do(client, "minh", Pause(reason="lunch"))
        do(client, "lan", Ready())
        until(lambda: state(client, "lan") is AgentState.TALKING)
        do(client, "lan", WriteNote(text="has a dog"))
        do(client, "hoa", Ready())
        until(lambda: state(client, "hoa") is AgentState.READY)
        until(lambda: all(info(client, n).on_phone for n in ("lan", "minh", "hoa")))
        kept = d.folder / "data" / "registrations.json"
        until(lambda: kept.exists() and b"1003" in kept.read_bytes())
        attempt = card(client, "lan").attempt
        client.close()
        d.stop(number)
        d.start()
        with d.ready() as client:
            until(lambda: client.call(api.GetStatus()).counters["old_calls_left"] == 0)
            found = client.call(api.GetStatus()).counters["old_calls_found"]
            assert found == (4 if number == signal.SIGKILL else 0), "three telephones, a customer"
            until(lambda: all(info(client, n).on_phone for n in ("lan", "minh", "hoa")))
            assert state(client, "lan") is AgentState.WRAP_UP
            assert info(client, "lan").card.attempt == attempt
            assert (info(client, "minh").state, info(client, "minh").reason) == ("paused", "lunch")
            assert state(client, "hoa") is AgentState.READY
            assert info(client, "lan").campaigns == ("c",)
            assert info(client, "lan").queues == ("sales",)
            do(client, "lan", Dispose(do_not_call=True))
            until(lambda: state(client, "lan") is AgentState.READY)
            code, text = d.stop()
    assert (code, "Traceback" in text, "did not end" in text) == (0, False, False)
    ((ended, _),) = tries(d.folder, 1)
    assert ended.agent == "lan"
    assert ended.disposed_ms
    killed = number == signal.SIGKILL
    assert ended.outcome is (Outcome.INTERRUPTED if killed else Outcome.ANSWERED)
    store = open_store(d.folder / "data")
    try:
        assert store.problems() == []
        assert [one.standing.agent for one in store.at_work()] == ["hoa", "lan", "minh"]
        assert store.lead(1, 1).lead.state is LeadState.BLOCKED
        assert [note.text for note in store.notes(ended.phone)] == ["has a dog"]
    finally:
        store.close()
