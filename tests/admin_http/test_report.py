"""A campaign's report over HTTP is the one that the store makes, and personal data is guarded."""

from __future__ import annotations

import asyncio
import csv
import io
from pathlib import Path

import msgspec

import admin_http.streams
from admin_http.app import SERVICES
from admin_http.tokens import Scope
from dialerd.core.ops import BeginDial, Finish
from dialerd.core.records import CallEvent, CampaignState, EventKind, LeadState, Outcome
from dialerd.store.report import csv_pieces
from tests.admin_http.site import Site, site
from tests.control.desk import NOW_MS


async def called(s: Site) -> int:
    """A campaign of which every lead was called."""
    made = await s.create()
    number = made["id"]
    for state in (CampaignState.APPROVED, CampaignState.RUNNING):
        await s.booth.store.move_campaign(number, state, "an", NOW_MS)
    batch = await s.booth.store.claim(number, 1000, NOW_MS, 60)
    ops: list[BeginDial | Finish] = []
    for claim in batch.claims:
        begin = BeginDial(claim.attempt_id, "trunk", f"call-{claim.attempt_id}", "any", NOW_MS)
        end = Finish(
            claim.attempt_id,
            Outcome.ANSWERED,
            LeadState.DONE,
            0,
            NOW_MS + 9000,
            answered_ms=NOW_MS + 4000,
            keys="1",
            heard=True,
            events=(
                CallEvent(NOW_MS, EventKind.DIALED, "trunk"),
                CallEvent(NOW_MS + 4000, EventKind.ANSWERED),
                CallEvent(NOW_MS + 8123, EventKind.DIGIT, "1"),
            ),
        )
        ops += [begin, end]
    await s.booth.store.apply(ops)
    return number


def fetch(s: Site, number: object, query: str = "", secret: str = ""):
    headers = {"Authorization": f"Bearer {secret or s.secret}"}
    return s.client.get(f"/v1/campaigns/{number}/report{query}", headers=headers)


async def test_csv(tmp_path: Path) -> None:
    async with site(tmp_path, people=500) as s:
        number = await called(s)
        async with fetch(s, number) as answer:
            assert answer.status == 200
            assert answer.content_type == "text/csv"
            assert answer.headers["Content-Disposition"] == (
                f'attachment; filename="campaign-{number}.csv"'
            )
            text = (await answer.read()).decode()
        zone = s.client.app[SERVICES].zone
        assert text == "".join(csv_pieces(s.booth.store, number, zone))
        rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
        assert len(rows) == 500
        assert {row["outcome"] for row in rows} == {"answered"}
        assert "digit 1" in rows[0]["interactions"]


async def test_json(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        number = await called(s)
        async with fetch(s, number, "?format=json") as answer:
            rows = msgspec.json.decode(await answer.read())
        assert [row["outcome"] for row in rows] == ["answered"] * 3
        assert rows[0]["number"].startswith("+84")
        assert [e["kind"] for e in rows[0]["attempts"][0]["events"]] == [
            "dialed",
            "answered",
            "digit",
        ]


async def test_without_leads(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        made = await s.create()
        async with fetch(s, made["id"], "?format=json") as answer:
            assert msgspec.json.decode(await answer.read()) == []
        async with fetch(s, made["name"]) as answer:
            assert (await answer.text()).count("\n") == 1


async def test_refusals(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        made = await s.create()
        assert (await s.ask("GET", "/v1/campaigns/77/report"))[0] == 404
        status, problem = await s.ask("GET", f"/v1/campaigns/{made['id']}/report?format=xml")
        assert (status, problem["errors"][0]["parameter"]) == (400, "format")
        reader = s.token("reader", Scope.READ, Scope.CAMPAIGNS, Scope.OPERATE)
        path = f"/v1/campaigns/{made['id']}/report"
        assert (await s.ask("GET", path, token=reader))[0] == 403


async def test_reports_are_bounded_and_given_back(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        number = await called(s)
        places = asyncio.Semaphore(0)
        s.client.app._state[admin_http.streams.REPORTS] = places
        status, problem = await s.ask("GET", f"/v1/campaigns/{number}/report")
        assert (status, problem["detail"]) == (503, "too many reports at once")
        places.release()
        for _ in range(3):
            async with fetch(s, number) as answer:
                assert answer.status == 200
                await answer.read()
        assert places._value == 1


async def test_the_report_needs_no_daemon(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        number = await called(s)
        await s.booth.server.close()
        async with fetch(s, number) as answer:
            assert answer.status == 200
            assert len((await answer.text()).splitlines()) == 4
