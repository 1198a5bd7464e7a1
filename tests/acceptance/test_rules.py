"""The capabilities of the dialing rules, by number, through the control service and the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import pytest

from dialerd.core import control as api
from dialerd.core import people_view as view
from dialerd.core.campaign_spec import CapSpec, HoursSpec, RetrySpec
from dialerd.core.ops import BeginDial, Claim, Finish
from dialerd.core.records import (
    BanList,
    CapCounts,
    DoNotCall,
    LeadState,
    Outcome,
)
from dialerd.core.regime_data import VIETNAM
from tests.control.desk import NOW_MS, Booth, booth, spec

FIRST = 84_912_000_000
DAY_MS = 86_400_000
NO_CAP = CapSpec(window_s=0)


def vn(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=VIETNAM).timestamp() * 1000)


@pytest.fixture
def desk(tmp_path: Path) -> Callable[[Callable[[Booth], Awaitable[None]]], None]:
    def run(work: Callable[[Booth], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with booth(tmp_path / "s") as b:
                await b.people(n=5)
                await work(b)

        asyncio.run(whole())

    return run


async def make(b: Booth, **changes: object) -> api.CampaignInfo:
    made = spec(**({"name": "c", "cap": NO_CAP} | changes))  # type: ignore[arg-type]
    return await b.control.create_campaign(api.CreateCampaign(spec=made, who="an"))


async def act(b: Booth, action: str, name: str = "c") -> api.CampaignInfo:
    wanted = api.CampaignAction(action)
    return await b.control.act(api.ActOnCampaign(campaign=name, action=wanted, who="binh"))


async def started(b: Booth, **changes: object) -> int:
    made = await make(b, **changes)
    for action in ("approve", "start"):
        await act(b, action, made.name)
    return made.id


async def take(b: Booth, now_ms: int, campaign_id: int = 1, n: int = 100) -> list[Claim]:
    return list((await b.store.claim(campaign_id, n, now_ms, 60)).claims)


async def dial(
    b: Booth, one: Claim, at_ms: int, outcome: Outcome, state: LeadState, **more
) -> None:
    begin = BeginDial(one.attempt_id, "t", f"id-{one.attempt_id}", "any", at_ms)
    finish = Finish(one.attempt_id, outcome, state, more.pop("due_s", 0), at_ms, **more)
    assert await b.store.apply([begin, finish]) == ()


async def people(b: Booth, *states: str, name: str = "c") -> list[view.LeadInfo]:
    words = tuple(view.LeadList(state) for state in states)
    return list((await b.control.leads(view.ListLeads(campaign=name, states=words))).items)


async def why(b: Booth, phone: int, name: str = "c") -> view.WhyInfo:
    return await b.control.why(view.GetWhy(campaign=name, number=f"+{phone}"))


def test_row_05_nothing_starts_unapproved_and_nothing_is_approved_without_a_regime(desk):
    async def work(b: Booth) -> None:
        await make(b)
        with pytest.raises(api.Conflict) as refusal:
            await act(b, "start")
        assert refusal.value.allowed == ("approve",)
        for regime in ("", "none"):
            with pytest.raises((api.Invalid, ValueError)):
                await make(b, name="d", regime=regime)
        await act(b, "approve")
        moves = (await b.control.moves(api.GetMoves(campaign="c"))).items
        assert (moves[-1].who, moves[-1].after) == ("binh", "approved")

    desk(work)


def test_row_03_impossible_settings_are_refused_with_their_field(desk):
    async def work(b: Booth) -> None:
        later, soon = datetime.fromtimestamp(NOW_MS / 1000 + 9, VIETNAM), NOW_MS / 1000
        ended = {"start_at": later, "end_at": datetime.fromtimestamp(soon, VIETNAM)}
        night = (HoursSpec(start="20:00", end="22:00"),)
        for changes, pointer in (
            (ended, "/spec/end_at"),
            ({"regime": "vn-advertising", "hours": night}, "/spec/hours"),
            ({"regime": "vn-care"}, "/spec/hours"),
            ({"regime": "uk-ofcom", "ring_s_max": 10}, "/spec/ring_s_max"),
            ({"zone_column": "zone"}, "/spec/zone_column"),
            ({"after": "nobody"}, "/spec/after"),
        ):
            with pytest.raises(api.Invalid) as refusal:
                await make(b, **changes)
            assert [fault.pointer for fault in refusal.value.faults] == [pointer]
        await make(b, name="uk", regime="uk-ofcom")
        with pytest.raises(api.Invalid) as refusal:
            await act(b, "approve", "uk")
        assert [fault.pointer for fault in refusal.value.faults] == ["/spec/consent"]

    desk(work)


def test_row_23_somebody_who_wants_no_call_for_a_while_is_served_again_after_it(desk):
    async def work(b: Booth) -> None:
        await started(b)
        until_ms = NOW_MS + 3 * DAY_MS
        await b.store.dnc_add([DoNotCall(FIRST, NOW_MS, "asked", campaign_id=1, until_ms=until_ms)])
        for one in await take(b, NOW_MS):
            await dial(b, one, NOW_MS, Outcome.ANSWERED, LeadState.DONE)
        (resting,) = await people(b, "resting")
        assert resting.number == f"+{FIRST}"
        told = await why(b, FIRST)
        assert told.why.startswith("on the do-not-call list of this campaign since")
        assert told.until is not None
        assert told.until.timestamp() * 1000 == until_ms
        assert (await take(b, until_ms - 1_000)) == []
        assert [one.phone for one in (await take(b, until_ms + 1_000))] == [FIRST]

    desk(work)


def test_row_42_the_blacklist_counts_what_it_stopped(desk):
    async def work(b: Booth) -> None:
        await started(b)
        await b.store.dnc_add([DoNotCall(FIRST, NOW_MS, kind=BanList.BLACKLIST)])
        assert len(await take(b, NOW_MS)) == 4
        (entry,) = b.store.bans(FIRST)
        assert entry.hits == 1
        assert "on the blacklist since" in (await why(b, FIRST)).why

    desk(work)


@pytest.mark.parametrize("counts", list(CapCounts))
def test_row_65_one_message_in_thirty_days_counted_as_set_and_eligible_again_at(desk, counts):
    async def work(b: Booth) -> None:
        cap = CapSpec(calls_max=1, window_s=30 * 86_400, counts=counts)
        await started(b, name="first")
        ends = [
            {"outcome": Outcome.ANSWERED, "state": LeadState.DONE, "heard": True, "answered_ms": 1},
            {"outcome": Outcome.ANSWERED, "state": LeadState.DONE, "answered_ms": NOW_MS},
            {"outcome": Outcome.BUSY, "state": LeadState.EXHAUSTED},
        ]
        for one, end in zip((await take(b, NOW_MS, n=3)), ends, strict=True):
            await dial(b, one, NOW_MS, **end)
        second = await started(b, name="c", cap=cap)
        stopped = {CapCounts.HEARD: 1, CapCounts.ANSWERED: 2, CapCounts.ATTEMPTED: 3}[counts]
        found = await b.control.check(view.CheckCampaign(campaign="c"))
        assert (found.skipped_people, found.callable) == (stopped, 5 - stopped)
        assert len(await take(b, NOW_MS + 60_000, second)) == 5 - stopped
        capped = await people(b, "capped")
        assert len(capped) == stopped
        assert {one.due_at.timestamp() * 1000 for one in capped} <= {
            NOW_MS + 30 * DAY_MS, NOW_MS + 30 * DAY_MS + 877,  # the second is rounded up
        }  # fmt: skip
        assert (await why(b, FIRST)).rule == "campaign_cap"

    desk(work)


def test_row_65_retries_are_exempt_from_the_cap_unless_so_set(desk):
    async def work(b: Booth) -> None:
        cap = CapSpec(calls_max=1, window_s=86_400, counts=CapCounts.ATTEMPTED)
        for name, binds in (("free", False), ("bound", True)):
            made = await started(b, name=name, cap=cap, attempts_max=2, cap_binds_retries=binds)
            one = (await take(b, NOW_MS, made, 1))[0]
            await dial(b, one, NOW_MS, Outcome.NO_ANSWER, LeadState.RETRY, due_s=0)
            again = [x.phone for x in (await take(b, NOW_MS + 9_000, made, 1))]
            assert (one.phone in again) is not binds

    desk(work)


def test_row_68_and_69_switched_off_numbers_wait_and_then_leave_the_dialing_list(desk):
    async def work(b: Booth) -> None:
        await started(b, rechecks_max=1, recheck_gap_s=3_600)
        one = (await take(b, NOW_MS, n=1))[0]
        due_s = NOW_MS // 1000 + 3_600
        await dial(b, one, NOW_MS, Outcome.UNREACHABLE, LeadState.RECHECK, due_s=due_s)
        (waiting,) = await people(b, "waiting")
        assert waiting.due_at is not None
        assert waiting.due_at.timestamp() == due_s
        assert "waiting list until" in (await why(b, one.phone)).why
        again = next(x for x in (await take(b, due_s * 1000)) if x.phone == one.phone)
        await dial(b, again, due_s * 1000, Outcome.UNREACHABLE, LeadState.UNREACHABLE)
        assert await people(b, "waiting") == []
        assert [x.number for x in await people(b, "unreachable")] == [f"+{one.phone}"]
        assert "unreachable list" in (await why(b, one.phone)).why

    desk(work)


def test_row_70_each_outcome_has_its_own_gap_and_tries(desk):
    async def work(b: Booth) -> None:
        made = await make(b, attempts_max=3, retries={"busy": RetrySpec(gap_s=60, tries_max=2)})
        assert made.spec.retries["busy"] == RetrySpec(gap_s=60, tries_max=2)
        kept = b.store.campaign(made.id).settings.retries[Outcome.BUSY]
        assert (kept.gap_s, kept.tries_max) == (60, 2)

    desk(work)


def test_row_79_both_sets_of_a_sequence_are_shown_before_it_starts(desk):
    async def work(b: Booth) -> None:
        await started(b, name="first")
        heard, _, busy, *_ = await take(b, NOW_MS)
        await dial(
            b, heard, NOW_MS, Outcome.ANSWERED, LeadState.DONE, heard=True, answered_ms=NOW_MS
        )
        await dial(b, busy, NOW_MS, Outcome.BUSY, LeadState.EXHAUSTED)
        made = await make(b, name="c", after="first", after_s=0)
        assert b.store.campaign(made.id).settings.after_campaign == 1
        found = await b.control.check(view.CheckCampaign(campaign="c"))
        reasons = {one.reason: one.people for one in found.skipped}
        assert (found.callable, reasons["sequence"] + reasons.get("regime_cap", 0)) == (1, 4)
        for action in ("approve", "start"):
            await act(b, action)
        assert [one.phone for one in (await take(b, NOW_MS + 9_000, made.id))] == [heard.phone]

    desk(work)


def test_the_check_says_x_of_y_will_be_skipped_by_reason(desk):
    async def work(b: Booth) -> None:
        await make(b, regime="vn-advertising")
        b.desk.ms = vn("2026-11-23 20:00")  # closed: judged at the next opening
        await b.store.dnc_add([DoNotCall(FIRST, 1), DoNotCall(FIRST + 1, 1, kind=BanList.REGISTER)])
        b.desk.unrouted.add(FIRST + 2)
        b.desk.emergency.add(FIRST + 3)
        found = await b.control.check(view.CheckCampaign(campaign="c"))
        assert (found.people, found.skipped_people, found.callable) == (5, 4, 1)
        assert {one.reason: one.people for one in found.skipped} == {
            "do_not_call": 2, "no_route": 1, "number": 1,
        }  # fmt: skip
        assert found.at is not None
        assert found.at.timestamp() * 1000 == vn("2026-11-24 08:00")
        assert any("consent" in text for text in found.warnings)
        assert any("brand" in text for text in found.warnings)

    desk(work)


def test_every_lead_has_one_sentence(desk):
    async def work(b: Booth) -> None:
        await make(b)
        assert (await why(b, FIRST)).why == "the campaign is draft"
        for action in ("approve", "start"):
            await act(b, action)
        assert (await why(b, FIRST)).why == "the whole campaign waits: no trunk is up"
        b.desk.why = lambda _: ""  # type: ignore[method-assign, assignment]
        b.desk.lines_say = "no line for viettel: none that is up carries it"
        assert (await why(b, FIRST)).why == "no line for viettel: none that is up carries it"
        b.desk.lines_say = ""
        assert "nothing is against it" in (await why(b, FIRST)).why
        one = (await take(b, NOW_MS, n=1))[0]
        assert "in hand" in (await why(b, one.phone)).why
        await b.store.apply([BeginDial(one.attempt_id, "t", "id", "any", NOW_MS)])
        assert "being called" in (await why(b, one.phone)).why
        b.desk.emergency.add(FIRST + 3)
        assert (await why(b, FIRST + 3)).rule == "number"
        with pytest.raises(api.NotFound, match="not in the list"):
            await why(b, FIRST + 99)
        with pytest.raises(api.Invalid, match="no number"):
            await b.control.why(view.GetWhy(campaign="c", number="abc"))

    desk(work)


def test_pages_of_people_go_on_where_the_last_one_ended(desk):
    async def work(b: Booth) -> None:
        await started(b)
        seen: list[str] = []
        after = ""
        while True:
            page = await b.control.leads(view.ListLeads(campaign="c", limit=2, after=after))
            seen += [one.number for one in page.items]
            if not page.next:
                break
            after = page.next
        assert seen == [f"+{FIRST + i}" for i in range(5)]

    desk(work)
