"""What agents and their supervisor see of a running daemon, by its control socket and commands."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from dialerd.core import control as api
from dialerd.core.agent_records import AgentState, Note
from dialerd.core.agent_spec import AgentSpec
from dialerd.core.agents_view import (
    Dispose,
    Join,
    ListAgents,
    ListCallbacks,
    ListWork,
    LogIn,
    Pause,
    Ready,
    Take,
)
from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.control import Conflict
from dialerd.core.ops import Dispose as Dispose_
from dialerd.core.ops import KeepNote
from dialerd.core.records import CampaignState, DialMode, LeadState
from dialerd.store import open_store, wait
from tests.command_line import dialerd
from tests.daemon.conftest import daemon
from tests.daemon.test_agents import card, do, state
from tests.daemon.test_daemon import people
from tests.store.kit import begin, finish
from tests.waiting import LONGEST_S, until

__all__ = ["daemon"]  # a fixture


@pytest.fixture
def shop(daemon):
    """A daemon with four people and manual campaigns; nobody needs a telephone to look at cards."""
    d = daemon().start()
    with d.ready() as client:
        people(d.folder, 4)
        yield d, client
    d.stop()


def open_campaign(client, name, *, start=msgspec.UNSET, **agents):
    spec = CampaignSpec(
        name=name, list="people", regime="loopback", mode=DialMode.MANUAL,
        agents=AgentSpec(**agents), start_at=start,
    )  # fmt: skip
    client.call(api.CreateCampaign(spec=spec, who="S"))
    for action in (api.CampaignAction.APPROVE, api.CampaignAction.START):
        client.call(api.ActOnCampaign(campaign=name, action=action, who="S"))


def command(d, *words):
    return dialerd(*words, "-c", d.config)


def works(client, name, *queues):
    return {one.campaign: one for one in client.call(ListWork(agent=name, queues=queues)).items}


def test_row_07_and_11_who_is_on_the_list_sees_the_campaign_and_joins(shop):
    _, client = shop
    later = datetime.now(UTC) + timedelta(hours=2)
    open_campaign(client, "spring", members=("an", "sales"))
    open_campaign(client, "summer", members=("binh",), start=later)
    assert list(works(client, "an")) == ["spring"]
    assert list(works(client, "chi")) == []
    assert list(works(client, "chi", "sales")) == ["spring"]
    assert works(client, "binh")["summer"].why.startswith("starts "), "early, and told when"
    do(client, "an", LogIn(phone="1001"))
    with pytest.raises(Conflict, match="not yours"):
        do(client, "an", Join(campaigns=("summer",)))
    assert not works(client, "an")["spring"].joined
    do(client, "an", Join(campaigns=("spring",)))
    assert works(client, "an")["spring"].joined


def test_row_10_and_26_an_agent_is_given_customers_and_sees_no_others(shop):
    _, client = shop
    open_campaign(client, "spring")
    seen = {}
    for name in ("an", "binh"):
        do(client, name, LogIn(phone=name, campaigns=("spring",)))
        do(client, name, Ready())
        do(client, name, Take(campaign="spring"))
        until(lambda n=name: card(client, n) is not None)
        seen[name] = card(client, name)
    assert seen["an"].number != seen["binh"].number
    assert seen["an"].carrier == "vinaphone", "no searching, no typing: the card has it all"
    (mine,) = client.call(ListAgents(name="an")).items
    assert mine.card.number == seen["an"].number
    with pytest.raises(Conflict, match="not called or disposed of"):
        do(client, "an", Take(campaign="spring"))


def test_row_13_a_pause_is_seen_as_it_begins(shop):
    """Of two seconds none passes: what is told of the topic next is the change, with its moment."""
    d, client = shop
    open_campaign(client, "spring")
    do(client, "an", LogIn(phone="1001", campaigns=("spring",)))
    do(client, "an", Ready())
    with d.ready() as watching:
        events = watching.events(api.Subscribe(topics=("agent",), after=0), LONGEST_S)
        assert any(one.data.get("state") == "ready" for one in events)
        info = do(client, "an", Pause(reason="lunch"))
        told = next(events).data
    assert (told["state"], told["reason"]) == ("paused", "lunch")
    assert told["at_ms"] == round(info.since.timestamp() * 1000), "not when somebody looked"
    (row,) = [line for line in command(d, "agent", "list").splitlines() if line.startswith("an ")]
    assert "paused (lunch)" in row


def test_row_21_the_supervisor_sees_what_is_due_and_overdue(shop):
    d, client = shop
    open_campaign(client, "spring", overdue_s=60)
    do(client, "an", LogIn(phone="1001", campaigns=("spring",)))
    do(client, "an", Ready())
    now = datetime.now(UTC).replace(microsecond=0)
    whens = (now + timedelta(seconds=2), now + timedelta(hours=1), now + timedelta(days=2))
    for at in reversed(whens):
        do(client, "an", Take(campaign="spring"))
        until(lambda: card(client, "an") is not None)
        do(client, "an", Dispose(callback_at=at, to_me=at is not whens[1], note="later"))
        until(lambda: state(client, "an") is AgentState.READY)
    asked = ListCallbacks(campaign="spring")
    until(lambda: client.call(asked).overdue == 1)
    found = client.call(asked)
    assert [one.due for one in found.items] == list(whens)
    assert [one.overdue for one in found.items] == [True, False, False]
    assert [one.agent for one in found.items] == ["an", "", "an"]
    assert found.items[0].anybody_at == whens[0] + timedelta(seconds=60)
    (late,) = client.call(ListCallbacks(campaign="spring", overdue=True)).items
    assert (late.booked_by, late.note) == ("an", "later")
    text = command(d, "agent", "callbacks", "spring")
    assert text.count("overdue") == 2, "one line, and the count"
    assert json.loads(command(d, "agent", "callbacks", "spring", "--json"))["total"] == 3
    do(client, "an", Take(campaign="spring"))
    until(lambda: card(client, "an") is not None)
    assert card(client, "an").promised == "later", "the next one served"
    assert card(client, "an").number == late.number


def test_row_24_the_supervisor_sees_teams_and_outcomes_live(shop):
    d, client = shop
    open_campaign(client, "spring")
    for name in ("an", "binh"):
        do(client, name, LogIn(phone=name, campaigns=("spring",)))
    do(client, "an", Ready())
    do(client, "an", Take(campaign="spring"))
    until(lambda: card(client, "an") is not None)
    do(client, "an", Dispose(do_not_call=True))
    (team,) = client.call(ListAgents()).teams
    assert (team.campaign, team.joined, team.ready, team.paused) == ("spring", 2, 1, 1)
    books = client.call(api.GetProgress(campaign="spring"))
    assert (books.audience, books.left) == (4, 3)
    assert books.leads["blocked"] == 1
    assert "spring" in command(d, "agent", "list").split("CAMPAIGN")[-1]
    assert "spring" in command(d, "agent", "work", "an")


def test_row_35_what_was_before_is_on_the_card(shop):
    """The number was called in another campaign, by another agent, with a note."""
    d, client = shop
    open_campaign(client, "spring")
    do(client, "an", LogIn(phone="1001", campaigns=("spring",)))
    do(client, "an", Ready())
    do(client, "an", Take(campaign="spring"))
    until(lambda: card(client, "an") is not None)
    assert card(client, "an").past == ()
    client.call(api.ActOnCampaign(campaign="spring", action=api.CampaignAction.PAUSE, who="S"))
    d.stop()
    store = open_store(d.folder / "data")
    try:
        wait(store.move_campaign(1, CampaignState.RUNNING, "S", 1))
        now = int(time.time() * 1000) + 1_000
        claims = wait(store.claim(1, 4, now, 60)).claims
        claim = next(one for one in claims if one.lead_id == 1)
        at = {"agent": "binh", "human_ms": 2, "connected_ms": 3, "wraps": True}
        wait(store.apply([
            begin(claim.attempt_id, now),
            finish(claim.attempt_id, at_ms=now, **at),
            Dispose_(claim.attempt_id, "binh", now, "no need", LeadState.DONE),
            KeepNote(Note(claim.phone, claim.attempt_id, 1, 1, "binh", 5, "asked for a price")),
        ]))  # fmt: skip
    finally:
        store.close()
    d.start()
    with d.ready() as client:
        open_campaign(client, "summer")
        do(client, "an", Join(campaigns=("summer",)))
        do(client, "an", Take(campaign="summer"))
        until(lambda: card(client, "an") is not None)
        (before,) = card(client, "an").past
        assert (before.campaign, before.outcome) == ("spring", "answered")
        assert (before.agent, before.disposition) == ("binh", "no need")
        assert before.note == "asked for a price"
        assert "no need, by binh, asked for a price" in command(d, "agent", "show", "an")
