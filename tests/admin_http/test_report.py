"""A campaign's report over HTTP is the one that the store makes, and personal data is guarded."""

from __future__ import annotations

import asyncio
import csv
import io
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

import admin_http.streams
from admin_http import children
from admin_http.app import SERVICES
from admin_http.tokens import Scope
from dialerd.core.ops import BeginDial, Finish
from dialerd.core.records import CallEvent, CampaignState, EventKind, LeadState, Outcome
from dialerd.store.report import csv_pieces
from tests.admin_http.site import Site, site
from tests.control.desk import NOW_MS

ENDLESS = """
import os, sys
sys.stdin.read()
while True:
    os.write(1, b"%d says something for ever \\n" % os.getpid())
"""


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


async def test_a_large_campaigns_is_made_by_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[str] = []
    pieces = children.pieces

    def noted(module: str, told: dict[str, Any]) -> AsyncGenerator[bytes]:
        began.append(module)
        return pieces(module, told)

    monkeypatch.setattr(children, "pieces", noted)
    async with site(tmp_path, people=500) as s:
        number = await called(s)
        async with fetch(s, number) as answer:
            here = await answer.read()
        assert not began
        monkeypatch.setattr(admin_http.streams, "REPORT_HERE_LEADS", 499)
        async with fetch(s, number) as answer:
            assert answer.headers["Content-Disposition"].endswith(f'"campaign-{number}.csv"')
            assert await answer.read() == here
        assert began == ["admin_http.report_child"]
        # One that fails before it has said anything is an error, later a body that is cut off.
        monkeypatch.setattr(children, "pieces", lambda module, told: pieces("no_such_child", told))
        async with fetch(s, number) as answer:
            assert answer.status == 503

        async def cut(module: str, told: dict[str, Any]) -> AsyncGenerator[bytes]:
            yield b"half"
            raise children.JobError("it ended with status 1")

        monkeypatch.setattr(children, "pieces", cut)
        with pytest.raises(aiohttp.ClientPayloadError):
            async with fetch(s, number) as answer:
                await answer.read()


async def test_who_leaves_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "endless_child.py").write_text(ENDLESS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = children.pieces("endless_child", {})
    pid = int((await anext(found)).split()[0])
    await found.aclose()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


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
