"""An emergency stop that the disk could not record holds over a restart."""

from __future__ import annotations

import asyncio

import pytest

from dialerd.core.events import AgentsKnown, CampaignChanged
from dialerd.core.records import CampaignSettings, CampaignState, Contact, Flow, FlowStep
from dialerd.shell.beginning import NAME, StopMark, tell_campaigns
from dialerd.shell.prompt_table import Prompts
from dialerd.store import MemoryStore
from fastpath.rtp import MediaEngine

STATES = ("draft", "approved", "running", "paused")
NOW_MS = 1_795_000_000_000


async def store_with(states):
    store = MemoryStore()
    made = await store.create_list("people", 1)
    await store.add_contacts(made.list_id, [Contact(84912000000, "0912000000")])
    for name in states:
        settings = CampaignSettings(
            name, made.list_id, Flow((FlowStep("start", "none"),)), "loopback"
        )
        campaign = await store.create_campaign(settings, "t", NOW_MS)
        for state in ("approved", "running", "paused"):
            if name == "draft" or campaign.state.value == name:
                break
            campaign = await store.move_campaign(
                campaign.campaign_id, CampaignState(state), "t", NOW_MS
            )
    return store


def told(folder, mark):
    """What the dialer is told at a start, and how the store stands then."""

    async def main():
        store = await store_with(STATES)
        heard: list[CampaignChanged | AgentsKnown] = []
        engine = MediaEngine(streams_max=1)
        await tell_campaigns(store, Prompts(engine, (folder,)), mark, heard.append, NOW_MS)
        kept = {c.settings.name: c.state.value for c in store.campaigns()}
        kept["halted"] = store.halted()
        engine.stop()
        *campaigns, agents = heard
        assert agents == AgentsKnown(()), "the last that is told"
        return {e.campaign.settings.name: e.campaign.state.value for e in campaigns}, kept

    return asyncio.run(main())


def test_without_a_mark_campaigns_go_on_as_they_were(tmp_path):
    heard, kept = told(tmp_path, StopMark(tmp_path))
    assert kept == {name: name for name in STATES} | {"halted": False}
    assert heard == {name: name for name in STATES[1:]}, "a draft is nothing to dial"


def test_a_mark_pauses_what_runs_before_anything_is_told(tmp_path):
    mark = StopMark(tmp_path)
    mark.make()
    heard, kept = told(tmp_path, mark)
    assert heard["running"] == kept["running"] == "paused"
    assert heard["approved"] == "approved"
    assert kept["halted"], "nothing starts by itself either"
    assert not mark.there, "what was to be kept is in the store now"


def test_the_mark_takes_no_room(tmp_path):
    mark = StopMark(tmp_path)
    mark.remove()
    mark.make()
    assert (tmp_path / NAME).stat().st_size == 0, "a full disk has room for it"
    mark.remove()
    assert not mark.there


@pytest.mark.parametrize("what", ["make", "remove"])
def test_a_folder_that_is_gone_is_logged(tmp_path, caplog, what):
    mark = StopMark(tmp_path / "none" if what == "make" else tmp_path)
    if what == "remove":
        (tmp_path / NAME).mkdir()
    getattr(mark, what)()
    assert len(caplog.records) == 1
