"""Consent and its evidence: nothing without it where the law wants it, and who agreed to what."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from dialerd.core import control as api
from dialerd.core import people_view as view
from dialerd.core.campaign_spec import CapSpec
from dialerd.core.ops import BeginDial
from dialerd.core.ports import StoreError
from dialerd.core.records import CampaignState, Contact, LeadState
from dialerd.core.regime_data import REGIMES, VIETNAM, Consent
from tests.control.desk import NOW_MS, Booth, booth, spec

FIRST = 84_912_000_000
DAY_MS = 86_400_000
TODAY = datetime.fromtimestamp(NOW_MS / 1000, UTC).astimezone(VIETNAM)
ROWS = [
    {"agreed": "form 7", "since": "2025-03-01"},
    {"agreed": "", "since": "2025-03-01"},
    {"agreed": "web", "since": "soon"},
    {"agreed": "web", "since": f"{TODAY + timedelta(days=3):%d/%m/%Y}"},
    {"agreed": "web"},
    {"agreed": "web", "since": f"{TODAY:%d/%m/%Y}"},
]
BOTH = {"consent_column": "agreed", "consent_date_column": "since"}


def serve(tmp_path, work) -> None:
    async def whole() -> None:
        async with booth(tmp_path / "s") as b:
            made = await b.store.create_list("people", 1)
            rows = [Contact(FIRST + i, str(i), "", fields) for i, fields in enumerate(ROWS)]
            await b.store.add_contacts(made.list_id, rows)
            await work(b)

    asyncio.run(whole())


async def make(b: Booth, **changes) -> api.CampaignInfo:
    wanted = spec("c", **({"cap": CapSpec(window_s=0), "regime": "vn-advertising"} | changes))
    return await b.control.create_campaign(api.CreateCampaign(spec=wanted, who="an"))


async def act(b: Booth, action: str) -> api.CampaignInfo:
    wanted = api.CampaignAction(action)
    return await b.control.act(api.ActOnCampaign(campaign="c", action=wanted, who="binh"))


@pytest.mark.parametrize(
    "regime", [one.name for one in REGIMES.values() if one.consent is Consent.REQUIRED]
)
def test_no_evidence_no_approval(tmp_path, regime):
    async def work(b: Booth) -> None:
        made = await make(b, regime=regime, abandoned_prompt="hello")
        told = await b.control.check(view.CheckCampaign(campaign="c"))
        assert any("cannot be approved so: consent" in text for text in told.warnings)
        with pytest.raises(api.Invalid) as refusal:
            await act(b, "approve")
        assert [fault.pointer for fault in refusal.value.faults] == ["/spec/consent"]
        with pytest.raises(StoreError, match="consent"):  # nor past the control service
            await b.store.move_campaign(made.id, CampaignState.APPROVED, "x", NOW_MS)

    serve(tmp_path, work)


def test_vietnams_advertising_is_among_them():
    assert REGIMES["vn-advertising"].consent is Consent.REQUIRED


def test_each_person_is_judged_by_the_columns_and_the_evidence_is_kept(tmp_path):
    async def work(b: Booth) -> None:
        await make(b, **BOTH)
        told = await b.control.check(view.CheckCampaign(campaign="c"))
        assert {one.reason: one.people for one in told.skipped} == {"consent": 4}
        for action in ("approve", "start"):
            await act(b, action)
        at_ms = int(TODAY.replace(hour=9).timestamp() * 1000) + DAY_MS
        claims = (await b.store.claim(1, 9, at_ms, 60)).claims
        assert [one.phone for one in claims] == [FIRST, FIRST + 5]
        begins = [BeginDial(one.attempt_id, "t", "id", "any", at_ms) for one in claims]
        assert await b.store.apply(begins) == ()
        row = b.store.lead(1, 1)
        assert row is not None
        assert row.attempts[0][0].evidence.endswith("consent form 7 of 2025-03-01")
        for lead_id, words in (
            (2, "no consent: the column 'agreed' is empty"),
            (3, "no consent: the column 'since' holds no day"),
            (5, "no consent: the column 'since' holds no day"),
        ):
            judged = b.store.judged(1, FIRST + lead_id - 1, at_ms)
            assert judged.lead.state is LeadState.BLOCKED
            assert judged.verdict is not None
            assert judged.verdict.text == words

    serve(tmp_path, work)


def test_nobody_is_called_before_the_consent_begins(tmp_path):
    async def work(b: Booth) -> None:
        await make(b, **BOTH)
        for action in ("approve", "start"):
            await act(b, action)
        early = int(TODAY.replace(hour=9).timestamp() * 1000)
        late = early + 4 * DAY_MS
        assert FIRST + 3 not in [c.phone for c in (await b.store.claim(1, 9, early, 60)).claims]
        judged = b.store.judged(1, FIRST + 3, early)
        assert judged.lead.state is LeadState.READY
        assert judged.verdict is not None
        assert judged.verdict.text == "no consent yet"
        told = await b.control.why(view.GetWhy(campaign="c", number=f"+{FIRST + 3}"))
        assert told.why == f"no consent yet until {TODAY + timedelta(days=3):%Y-%m-%d} 00:00"
        assert FIRST + 3 in [c.phone for c in (await b.store.claim(1, 9, late, 60)).claims]

    serve(tmp_path, work)


def test_a_statement_for_all_is_evidence_too(tmp_path):
    async def work(b: Booth) -> None:
        await make(b, consent="signed forms, archive 12")
        for action in ("approve", "start"):
            await act(b, action)
        at_ms = int(TODAY.replace(hour=9).timestamp() * 1000) + DAY_MS
        assert len((await b.store.claim(1, 9, at_ms, 60)).claims) == len(ROWS)

    serve(tmp_path, work)
