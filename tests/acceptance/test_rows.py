"""Rows of the capabilities that have a core, control or line half and no file of their own."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest

import dialerd.core.events as ev
from dialerd.core import control as api
from dialerd.core import people_view as view
from dialerd.core.campaign_spec import CapSpec
from dialerd.core.line_spec import PortSpec
from dialerd.core.ops import BeginDial, Finish
from dialerd.core.records import (
    CampaignState,
    Contact,
    DialMode,
    LeadState,
    Outcome,
)
from dialerd.core.regime_data import VIETNAM
from dialerd.lines.outcome_map import OutcomeMap
from dialerd.store import open_store, wait
from dialerd.store.report import csv_pieces, json_pieces
from tests.acceptance.office import FIRST, Office
from tests.control.desk import NOW_MS, Booth, booth, spec
from tests.core.people import Faults
from tests.core.world import World, phones, settings


async def act(b: Booth, action: str) -> api.CampaignInfo:
    wanted = api.CampaignAction(action)
    return await b.control.act(api.ActOnCampaign(campaign="c", action=wanted, who="binh"))


def test_row_06_an_approved_campaign_runs_at_once_and_what_is_not_allowed_says_what_is(tmp_path):
    async def work() -> None:
        async with booth(tmp_path / "s") as b:
            await b.people()
            await b.control.create_campaign(api.CreateCampaign(spec=spec("c"), who="an"))
            allowed = {
                "draft": ("approve",),
                "approved": ("start", "finish"),
                "running": ("pause", "finish"),
                "paused": ("resume", "finish"),
            }
            for action, state in (
                ("approve", "approved"), ("start", "running"), ("pause", "paused"),
                ("resume", "running"), ("finish", "finished"),
            ):  # fmt: skip
                before = (await b.control.campaign(api.GetCampaign(campaign="c"))).state
                for wrong in {"start", "pause", "resume", "approve"} - set(allowed[before]):
                    with pytest.raises(api.Conflict) as refusal:
                        await act(b, wrong)
                    assert set(refusal.value.allowed) == set(allowed[before])
                moved = await act(b, action)
                assert moved.state == state
                assert b.desk.told[-1].state == state  # the dialer knows
            moves = (await b.control.moves(api.GetMoves(campaign="c"))).items
            assert {move.who for move in moves[1:]} == {"binh"}

    asyncio.run(work())


def test_row_10_customers_come_by_themselves_and_the_card_comes_with_them():
    office = Office()
    campaign = office.campaign(DialMode.PROGRESSIVE)
    office.login("an", campaign)
    office.until(lambda: office.state("an") == "talking")
    card = office.card("an")
    assert card is not None
    assert card.claim.phone == office.dials[-1].phone
    assert office.shown_s <= office.now_s  # before or at the connection
    assert office.talks[-1].agent == "an"


def test_row_11_only_who_is_on_the_list_of_a_campaign_joins_it():
    office = Office()
    mine = office.campaign(DialMode.PROGRESSIVE, members=("an",))
    office.do(ev.AgentLoggedIn, "binh", "phone-binh", (), True)
    assert "not yours" in office.do(ev.AgentJoined, "binh", (mine,))
    office.do(ev.AgentLoggedIn, "an", "phone-an", (), True)
    assert office.do(ev.AgentJoined, "an", (mine,)) == ""


def test_row_24_done_and_left_are_told_while_it_runs(tmp_path):
    async def work() -> None:
        async with booth(tmp_path / "s") as b:
            await b.people(n=5)
            await b.control.create_campaign(api.CreateCampaign(spec=spec("c"), who="an"))
            for action in ("approve", "start"):
                await act(b, action)
            claims = (await b.store.claim(1, 3, b.desk.ms, 60)).claims
            for one, outcome in zip(claims, (Outcome.ANSWERED, Outcome.BUSY), strict=False):
                state = LeadState.DONE if outcome is Outcome.ANSWERED else LeadState.EXHAUSTED
                begin = BeginDial(one.attempt_id, "t", "id", "any", b.desk.ms)
                await b.store.apply([begin, Finish(one.attempt_id, outcome, state, 0, NOW_MS)])
            before = await b.control.progress(api.GetProgress(campaign="c"))
            b.desk.ms += 600_000  # two of five in ten minutes: three more in fifteen
            books = await b.control.progress(api.GetProgress(campaign="c"))
            assert books.eta is not None
            assert abs(books.eta.timestamp() * 1000 - b.desk.ms - 900_000) < 100  # it ticks
            assert before.eta is None, "nothing is known in the first minute"
            await act(b, "pause")
            assert (await b.control.progress(api.GetProgress(campaign="c"))).eta is None
            b.desk.ms += 86_400_000
            await act(b, "resume")
            again = await b.control.progress(api.GetProgress(campaign="c"))
            assert again.eta is not None
            waits_ms = again.eta.timestamp() * 1000 - b.desk.ms
            assert abs(waits_ms - 900_000) < 100, "a pause is no pace"
            assert (books.audience, books.left, books.leads["done"]) == (5, 3, 1)
            assert {k: n for k, n in books.outcomes.items() if n} == {"answered": 1, "busy": 1}
            assert books.leads["claimed"] == 1

    asyncio.run(work())


def test_row_26_an_agent_has_own_customers_and_no_others():
    office = Office()
    campaign = office.campaign(DialMode.MANUAL)
    for name in ("an", "binh"):
        office.login(name, campaign)
        assert office.do(ev.AgentTake, name, campaign) == ""
    office.until(lambda: office.card("an") is not None and office.card("binh") is not None)
    first, second = office.card("an"), office.card("binh")
    assert first is not None
    assert second is not None
    assert first.claim.phone != second.claim.phone
    office.login("chi", campaign)
    assert office.do(ev.AgentDial, "chi") != ""  # nobody's customer is hers
    assert office.do(ev.AgentDisposed, "chi", "sold") != ""
    assert not office.dials
    assert office.do(ev.AgentDial, "binh") == ""
    office.until(lambda: bool(office.dials))
    assert [dial.phone for dial in office.dials] == [second.claim.phone]


BANK = (
    ev.TrunkSpec(
        "bank", 12, 20.0, loopback=True,
        ports=(
            *(PortSpec(f"{n:02}", carriers=("viettel",)) for n in range(1, 5)),
            *(PortSpec(f"{n:02}", prefixes=("8490",)) for n in range(5, 13)),
        ),
    ),
)  # fmt: skip


def test_row_66_a_prefix_has_its_ports_and_each_call_shows_port_and_rule():
    world = World(5, BANK, Faults(0, 0, 0, 0))
    world.boot()
    found = wait(world.store.create_list("c", world.wall_ms))
    mobi = [84_901_000_000 + i for i in range(30)]
    viettel = [84_981_000_000 + i for i in range(30)]
    rows = [Contact(phone, f"+{phone}", "mobifone") for phone in mobi]
    rows += [Contact(phone, f"+{phone}", "viettel") for phone in viettel]
    wait(world.store.add_contacts(found.list_id, rows))
    made = wait(world.store.create_campaign(settings("c", found.list_id), "me", 0))
    for state in ("approved", "running"):
        world.move(made.campaign_id, CampaignState(state))
    world.run(300)
    attempts = [
        attempt
        for chunk in world.store.report(made.campaign_id)
        for row in chunk
        for attempt, _ in row.attempts
    ]
    assert len(attempts) >= 60
    for attempt in attempts:
        fifth_on = str(attempt.phone).startswith("8490")
        assert (attempt.port >= "05") is fifth_on, attempt
        assert attempt.trunk == "bank"
        assert ("8490" if fifth_on else "viettel") in attempt.rule
    lines = "".join(csv_pieces(world.store, made.campaign_id, VIETNAM)).splitlines()
    titles = lines[0].lstrip("\ufeff").split(",")
    assert {"port", "rule", "trunk"} <= set(titles)


@pytest.mark.parametrize(
    ("code", "q850", "outcome"),
    [
        (480, 20, Outcome.UNREACHABLE),  # subscriber absent: off, or out of coverage
        (480, 0, Outcome.UNREACHABLE),
        (503, 27, Outcome.UNREACHABLE),
        (480, 18, Outcome.NO_ANSWER),
        (480, 19, Outcome.NO_ANSWER),
        (408, 0, Outcome.NO_ANSWER),
        (603, 21, Outcome.DECLINED),
        (486, 17, Outcome.BUSY),
        (404, 1, Outcome.INVALID),
    ],
)
def test_row_67_off_is_told_apart_from_no_answer_by_signalling(code, q850, outcome):
    assert (
        OutcomeMap().read(code, q850, "", alerted=True, early=False, by="them").outcome is outcome
    )


def test_row_67_a_number_known_to_be_off_is_held_back(tmp_path):
    async def work() -> None:
        async with booth(tmp_path / "s") as b:
            await b.people(n=1)
            wanted = spec("c", rechecks_max=1, recheck_gap_s=3_600)
            await b.control.create_campaign(api.CreateCampaign(spec=wanted, who="an"))
            for action in ("approve", "start"):
                await act(b, action)
            (one,) = (await b.store.claim(1, 9, NOW_MS, 60)).claims
            due_s = NOW_MS // 1000 + 3_600
            off = Finish(one.attempt_id, Outcome.UNREACHABLE, LeadState.RECHECK, due_s, NOW_MS)
            await b.store.apply([BeginDial(one.attempt_id, "t", "id", "any", NOW_MS), off])
            for later_s in (60, 1_800, 3_590):
                batch = await b.store.claim(1, 9, NOW_MS + later_s * 1000, 60)
                assert batch.claims == ()
            told = await b.control.why(view.GetWhy(campaign="c", number="0912000000"))
            assert "switched off" in told.why or "waiting list" in told.why
            assert len((await b.store.claim(1, 9, due_s * 1000 + 999, 60)).claims) == 1

    asyncio.run(work())


def test_row_65_the_day_from_which_a_number_may_be_called_again_in_words(tmp_path):
    async def work() -> None:
        async with booth(tmp_path / "s") as b:
            await b.people(n=1)
            cap = CapSpec(calls_max=1, window_s=30 * 86_400)
            for name in ("first", "c"):
                wanted = spec(name, cap=cap)
                await b.control.create_campaign(api.CreateCampaign(spec=wanted, who="an"))
                for action in ("approve", "start"):
                    doing = api.CampaignAction(action)
                    await b.control.act(api.ActOnCampaign(campaign=name, action=doing, who="binh"))
            (one,) = (await b.store.claim(1, 9, NOW_MS, 60)).claims
            heard = Finish(
                one.attempt_id, Outcome.ANSWERED, LeadState.DONE, 0, NOW_MS, NOW_MS, heard=True
            )
            await b.store.apply([BeginDial(one.attempt_id, "t", "id", "any", NOW_MS), heard])
            assert (await b.store.claim(2, 9, NOW_MS + 60_000, 60)).claims == ()
            again = datetime.fromtimestamp(NOW_MS / 1000 + 30 * 86_400, VIETNAM)
            told = await b.control.why(view.GetWhy(campaign="c", number="0912000000"))
            assert told.why == f"the campaign's cap until {again:%Y-%m-%d %H:%M}"
            assert told.rule == "campaign_cap"
            (shown,) = (await b.control.leads(view.ListLeads(campaign="c"))).items
            assert (shown.state, shown.due_at.date()) == ("capped", again.astimezone(UTC).date())

    asyncio.run(work())


def test_row_72_the_moment_of_the_answer_is_recorded():
    world = World(2, (ev.TrunkSpec("any", 20, 20.0, loopback=True),), Faults(0, 0, 0, 0))
    world.boot()
    campaign = world.campaign(phones(40), attempts_max=1)
    world.run(400)
    seen = {leg.attempt: leg for leg in world.dials if leg.answered}
    assert len(seen) > 10
    told = 0
    for chunk in world.store.report(campaign):
        for row in chunk:
            for attempt, events in row.attempts:
                leg = seen.get(attempt.attempt_id)
                if leg is None:
                    continue
                at_ms = (leg.answered_ns + world.offset_ns) // 1_000_000
                assert abs(attempt.answered_ms - at_ms) <= 1
                assert [e.at_ms for e in events if e.kind == "answered"] == [attempt.answered_ms]
                told += 1
    assert told == len(seen)
    rows = json.loads("".join(json_pieces(world.store, campaign, VIETNAM)))
    assert sum(bool(a["answered_at"]) for row in rows for a in row["attempts"]) == told


def test_row_75_leads_come_in_results_go_out_and_who_is_to_be_told_is_kept(tmp_path):
    """What outside systems need of the store; over HTTP it is the pages' half."""
    store = open_store(tmp_path / "data")
    wait(store.set_outbox(100))
    made = wait(store.create_list("crm", 1))
    pushed = [Contact(FIRST + i, str(i), "", {"crm_id": f"A{i}"}) for i in range(3)]
    assert wait(store.add_contacts(made.list_id, pushed)).added == 3
    assert wait(store.add_contacts(made.list_id, pushed)).duplicates == (0, 1, 2)

    async def work() -> None:
        async with booth(tmp_path / "s", store) as b:
            wanted = spec("c", list="crm")
            await b.control.create_campaign(api.CreateCampaign(spec=wanted, who="crm"))
            for action in ("approve", "start"):
                await act(b, action)
            for one in (await b.store.claim(1, 9, NOW_MS, 60)).claims:
                begin = BeginDial(one.attempt_id, "t", "id", "any", NOW_MS)
                end = Finish(one.attempt_id, Outcome.ANSWERED, LeadState.DONE, 0, NOW_MS)
                await b.store.apply([begin, end])
            results = json.loads("".join(json_pieces(store, 1, VIETNAM)))
            assert [row["fields"]["crm_id"] for row in results] == ["A0", "A1", "A2"]
            assert {row["outcome"] for row in results} == {"answered"}
            rows = store.outbox(10)
            assert [(number, row.kind, row.lead_id) for number, row in rows] == [
                (1, "ended", 1), (2, "ended", 2), (3, "ended", 3),
            ]  # fmt: skip
            await store.outbox_done(2)  # acknowledged: the others stay
            assert [number for number, _ in store.outbox(10)] == [3]

    asyncio.run(work())
