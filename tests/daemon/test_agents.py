"""Agents with softphones (baresip) at the daemon as a process; SIPp is carrier and customers."""

from __future__ import annotations

import contextlib
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from admin_http.tokens import Scope
from dialerd.control.io_client import SyncClient
from dialerd.core import control as api
from dialerd.core.agent_phones import NO_ANSWER
from dialerd.core.agent_records import AgentState
from dialerd.core.agent_spec import AgentSpec
from dialerd.core.agents_view import (
    Act,
    AgentInfo,
    AsAgent,
    Card,
    Dial,
    Dispose,
    HangUp,
    ListAgents,
    LogIn,
    LogOut,
    Ready,
    Take,
)
from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.control import Conflict
from dialerd.core.records import (
    Attempt,
    CallEvent,
    CampaignState,
    DialMode,
    EventKind,
    LeadState,
    Outcome,
)
from dialerd.store import open_store
from tests.daemon.test_daemon import people
from tests.daemon.web import make_token
from tests.interop.baresip import baresip
from tests.interop.sipp import sipp
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.interop

PHONES = """
[[sip.listen]]
side = "phone"
port = {port}
[phones]
expires_min_s = 10
"""
USER = """
[[phones.user]]
name = "{name}"
password = "secret"
"""


@pytest.fixture
def office(daemon, tmp_path):
    """A daemon with telephones 1001 and 1002 that answer by themselves, and a carrier."""
    with contextlib.ExitStack() as ends:

        def make(
            carrier: int,
            names: tuple[str, ...] = ("1001", "1002"),
            users: tuple[str, ...] = (),
            port: int = 0,
            token: bool = False,
            trunk: str = "",
            **variables: str,
        ):
            """`users` may register at `port`, and do not do so by themselves; `trunk`: more keys.

            `token`: there is an HTTP API; a token for agents is `token` of the daemon.
            """
            port = port or free_port()
            known = "".join(USER.format(name=name) for name in (*names, *users))
            more = trunk + PHONES.format(port=port) + known
            d = daemon(gateway=carrier, more=more, admin=token)
            if token:  # before it runs, when nobody else makes the store
                d.token = make_token(d.folder / "data", Scope.AGENT)
            d.start(**variables)
            client = ends.enter_context(d.ready())
            for name in names:
                phone = ends.enter_context(baresip(tmp_path, name, "secret", port))
                ends.callback(phone.kill)  # whose registrar is gone by then
            until(lambda: client.call(api.GetStatus()).counters["sip_phones"] == len(names), 60.0)
            return d, client

        yield make


def campaign(
    client: SyncClient,
    mode: DialMode,
    *,
    record: bool = False,
    abandoned: str = "",
    **settings: object,
) -> None:
    agents = AgentSpec(**{"wrap_up_s": 0, **settings})
    spec = CampaignSpec(
        name="c", list="people", regime="loopback", mode=mode, agents=agents, record=record,
        abandoned_prompt=abandoned,
    )  # fmt: skip
    client.call(api.CreateCampaign(spec=spec, who="test"))
    for action in (api.CampaignAction.APPROVE, api.CampaignAction.START):
        client.call(api.ActOnCampaign(campaign="c", action=action, who="test"))


def do(client: SyncClient, agent: str, act: Act) -> AgentInfo:
    return client.call(AsAgent(agent=agent, act=act))


def state(client: SyncClient, agent: str) -> AgentState:
    (found,) = client.call(ListAgents(name=agent)).items
    return found.state


def card(client: SyncClient, agent: str) -> Card | None:
    (found,) = client.call(ListAgents(name=agent)).items
    return found.card


def over(client: SyncClient) -> bool:
    books = client.call(api.GetProgress(campaign="c"))
    return books.state is CampaignState.FINISHED


def tries(folder: Path, leads: int) -> list[tuple[Attempt, tuple[CallEvent, ...]]]:
    """What was written of each try."""
    store = open_store(folder / "data")
    try:
        campaign_id = store.find_campaign("c").campaign_id
        rows = [store.lead(campaign_id, lead) for lead in range(1, leads + 1)]
        return [tried for row in rows if row is not None for tried in row.attempts]
    finally:
        store.close()


def test_progressive_connects_each_customer_with_a_ready_agent(office, tmp_path):
    with sipp(tmp_path, "uas", 6, "-rtp_echo") as carrier:
        d, client = office(carrier.port)
        people(d.folder, 6)
        campaign(client, DialMode.PROGRESSIVE, record=True, unrecorded=("minh",))
        for name, phone in (("lan", "1001"), ("minh", "1002")):
            nailed = name == "lan"
            told = do(client, name, LogIn(phone=phone, campaigns=("c",), nailed_up=nailed))
            assert told.state is AgentState.PAUSED
            do(client, name, Ready())
        spoke: dict[str, int] = {"lan": 0, "minh": 0}
        while sum(spoke.values()) < 6:
            until(lambda: AgentState.TALKING in [state(client, name) for name in spoke])
            for name in spoke:
                (info,) = client.call(ListAgents(name=name)).items
                if info.state is AgentState.TALKING:
                    assert info.card is not None
                    assert info.card.dialed
                    do(client, name, HangUp())
                    until(lambda n=name: state(client, n) is AgentState.WRAP_UP)
                    do(client, name, Dispose(disposition="sold", note="said yes"))
                    spoke[name] += 1
        until(lambda: over(client))
        for name in spoke:
            do(client, name, LogOut())
        judged = carrier.finish()
        code, text = d.stop()
    assert judged["successful"] == 6
    assert judged["failed"] == 0
    assert min(spoke.values()) >= 1, "both have worked"
    assert (code, "Traceback" in text) == (0, False)
    found = tries(d.folder, 6)
    assert [attempt.outcome for attempt, _ in found] == [Outcome.ANSWERED] * 6
    for attempt, events in found:
        assert attempt.agent in spoke
        assert attempt.disposition == "sold"
        assert 0 < attempt.answered_ms <= attempt.connected_ms <= attempt.ended_ms
        kinds = [event.kind for event in events]
        assert EventKind.CONNECTED in kinds
        assert (EventKind.RECORDED in kinds) == (attempt.agent == "lan"), "minh never is"
    made = list((d.folder / "data" / "recordings").rglob("*.[wf]*"))
    assert len(made) == spoke["lan"]


def test_manual_gives_one_customer_at_a_time_and_a_promise_is_kept(office, tmp_path):
    with sipp(tmp_path, "uas", 1, "-rtp_echo") as carrier:
        d, client = office(carrier.port, ("1001",))
        people(d.folder, 3)
        campaign(client, DialMode.MANUAL)
        do(client, "lan", LogIn(phone="1001", campaigns=("c",)))
        with pytest.raises(Conflict):
            do(client, "lan", Take(campaign="c"))  # paused still
        do(client, "lan", Ready())
        do(client, "lan", Take(campaign="c"))
        until(lambda: card(client, "lan") is not None)
        first = card(client, "lan")
        assert not first.dialed
        with pytest.raises(Conflict, match="not called or disposed of"):
            do(client, "lan", Take(campaign="c"))
        do(client, "lan", Dispose(callback_at=datetime.now(UTC) + timedelta(days=1), note="busy"))
        until(lambda: state(client, "lan") is AgentState.READY)
        do(client, "lan", Take(campaign="c"))
        until(lambda: card(client, "lan") is not None)
        second = card(client, "lan")
        assert second.lead != first.lead
        do(client, "lan", Dial())
        until(lambda: state(client, "lan") is AgentState.TALKING)
        do(client, "lan", HangUp())
        do(client, "lan", Dispose(do_not_call=True))
        until(lambda: state(client, "lan") is AgentState.READY)
        assert carrier.finish()["successful"] == 1
        d.stop()
    store = open_store(d.folder / "data")
    try:
        leads = {n: store.lead(1, n).lead.state for n in (first.lead, second.lead)}
        assert leads[first.lead] is LeadState.CALLBACK
        ((promise,),) = store.callbacks(1)
        assert (promise.lead_id, promise.agent, promise.booked_by) == (first.lead, "lan", "lan")
    finally:
        store.close()


def test_an_agent_whose_telephone_is_not_there_is_told_and_nobody_is_dialed(office, tmp_path):
    with sipp(tmp_path, "uas", 1) as carrier:
        d, client = office(carrier.port, ("1001",))
        people(d.folder, 1)
        campaign(client, DialMode.PROGRESSIVE)
        do(client, "lan", LogIn(phone="9999", campaigns=("c",)))
        do(client, "lan", Ready())
        until(lambda: client.call(ListAgents(name="lan")).items[0].reason == NO_ANSWER)
        assert client.call(api.GetStatus()).placed == 0
        code, text = d.stop()
    assert code == 0
    assert "telephone '9999' is not registered" in text


def test_killed_as_agent_and_customer_meet_the_next_daemon_hangs_up(office, tmp_path):
    with sipp(tmp_path, "uas", 1) as carrier:
        d, client = office(carrier.port, ("1001",), DIALERD_KILL_AT="bridge")
        people(d.folder, 1)
        campaign(client, DialMode.PROGRESSIVE)
        do(client, "lan", LogIn(phone="1001", campaigns=("c",)))
        with contextlib.suppress(OSError):  # it may die before it has answered
            do(client, "lan", Ready())
        d.process.communicate(timeout=200)
        assert d.process.returncode == -signal.SIGKILL
        d.start()
        with d.ready():
            assert carrier.finish()["successful"] == 1, "its BYE came"
            d.stop()
    store = open_store(d.folder / "data")
    try:
        assert store.problems() == []
        row = store.lead(1, 1)
        assert row.lead.state is LeadState.INTERRUPTED
        ((attempt, _),) = row.attempts
        assert attempt.outcome is Outcome.INTERRUPTED
    finally:
        store.close()
