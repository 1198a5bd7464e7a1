"""Reports in pages and as CSV, and exports by jobs: the same rows, never a formula."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import openpyxl
import pytest

from admin_http import children, ended_rows, streams
from admin_http.child_ends import Orphaned
from admin_http.children import pieces
from admin_http.report_child import Form, Order, What, made
from admin_http.resources import exports
from dialerd.core.agent_records import AgentMove, AgentState
from dialerd.core.ops import BeginDial, Finish, LogAgent
from dialerd.core.records import CallEvent, EventKind, LeadState, Outcome
from tests.admin_http.site import Site, site
from tests.admin_http.test_imports import ended, left, text_of
from tests.admin_http.test_lists import change, running
from tests.control.desk import NOW_MS

FORMULA = "=HYPERLINK(1)"


async def called(s: Site) -> None:
    """A running campaign whose three people were called, a second apart."""
    await running(s)
    claims = (await s.booth.store.claim(1, 3, NOW_MS, 60)).claims
    for at, (claim, outcome) in enumerate(
        zip(claims, (Outcome.ANSWERED, Outcome.BUSY, Outcome.ANSWERED), strict=True)
    ):
        ms = NOW_MS + at * 1_000
        events = (CallEvent(ms, EventKind.DIGIT, f"{at}"), CallEvent(ms, EventKind.RESULT, FORMULA))
        await s.booth.store.apply([
            BeginDial(claim.attempt_id, f"t{at}", f"c{at}", "weight", ms),
            Finish(
                claim.attempt_id, outcome, LeadState.DONE, 0, ms, keys=FORMULA, events=events,
                agent="lan" if at else "",
            ),
        ])  # fmt: skip


def rows_of(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))


async def test_calls_in_pages(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await called(s)
        where = "/v1/reports/calls"
        page = (await s.ask("GET", f"{where}?limit=2"))[1]
        assert [one["lead"] for one in page["items"]] == ["1-1", "1-2"]
        page = (await s.ask("GET", f"{where}?limit=2&after={page['next']}"))[1]
        assert ([one["lead"] for one in page["items"]], page["next"]) == (["1-3"], None)
        for question, expected in {
            "outcome=answered": ["1-1", "1-3"],
            "trunk=t1": ["1-2"],
            "agent=lan": ["1-2", "1-3"],
            "campaign=1&outcome=failed": [],
            f"since={at(1_000)}": ["1-2", "1-3"],
            f"until={at(1_000)}": ["1-1"],
            f"since={at(1_000)}&until={at(2_000)}": ["1-2"],
            f"since={at(60_000)}": [],
        }.items():
            items = (await s.ask("GET", f"{where}?{question}"))[1]["items"]
            assert [one["lead"] for one in items] == expected, question
        assert (await s.ask("GET", f"{where}?campaign=nobody"))[0] == 404
        assert (await s.ask("GET", f"{where}?since=yesterday"))[0] == 400


def at(later_ms: int) -> str:
    """A moment as a parameter."""
    found = datetime.fromtimestamp((NOW_MS + later_ms) / 1_000, UTC)
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def test_a_page_looks_at_so_many_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended_rows, "LOOKED_MAX", 1)
    monkeypatch.setattr(ended_rows, "READ_ROWS", 1)
    async with site(tmp_path) as s:
        await called(s)
        after, seen, pages = "", [], 0
        while after is not None:
            where = f"/v1/reports/calls?trunk=t2&after={after}"
            page = (await s.ask("GET", where))[1]
            seen += [one["lead"] for one in page["items"]]
            after, pages = page["next"], pages + 1
            assert pages < 9
        assert (seen, pages) == (["1-3"], 4)
        assert len(rows_of((await text_of(s, "/v1/reports/calls?format=csv"))[1])) == 3


async def test_interactions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(tmp_path) as s:
        await called(s)
        page = (await s.ask("GET", "/v1/reports/interactions?trunk=t0"))[1]
        assert [(one["kind"], one["detail"]) for one in page["items"]] == [
            ("digit", "0"), ("result", FORMULA),
        ]  # fmt: skip
        status, text, headers = await text_of(s, "/v1/reports/interactions?format=csv")
        assert (status, headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
        found = rows_of(text)
        assert len(found) == 6
        assert {one["detail"] for one in found} == {"0", "1", "2", f"'{FORMULA}"}
        # Many of them are written by a process of their own: the same text.
        monkeypatch.setattr(streams, "REPORT_HERE_LEADS", 2)
        where = "/v1/reports/interactions?format=csv"
        assert (await text_of(s, where))[:2] == (200, text)
        monkeypatch.setattr(children, "pieces", lambda module, told: pieces("no_such_child", told))
        assert (await text_of(s, where))[0] == 503


async def test_agents(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        moves = [
            ("lan", 0, AgentState.READY), ("lan", 0, AgentState.TALKING),
            ("lan", 5_000, AgentState.READY), ("an", 1_000, AgentState.PAUSED),
        ]  # fmt: skip
        await s.booth.store.apply([
            LogAgent(AgentMove(name, NOW_MS + ms, state, seq=seq))
            for seq, (name, ms, state) in enumerate(moves)
        ])  # fmt: skip
        where = f"/v1/reports/agents?since={at(0)}&until={at(10_000)}"
        items = (await s.ask("GET", where))[1]["items"]
        assert [one["agent"] for one in items] == ["an", "lan"]
        assert items[1]["seconds"] == {"ready": 5.0, "talking": 5.0}
        assert items[1]["times"] == {"ready": 2, "talking": 1}
        (first, second) = rows_of((await text_of(s, f"{where}&format=csv"))[1])
        assert (first["paused_s"], second["ready_times"]) == ("9.0", "2")
        assert (await s.ask("GET", "/v1/reports/agents?since=2020-01-01T00:00:00Z"))[0] == 400
        assert (await s.ask("GET", "/v1/reports/agents"))[0] == 200


async def test_agents_whose_lines_fill_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from admin_http.resources import reports

    monkeypatch.setattr(reports, "MOVES_READ", 2)
    async with site(tmp_path) as s:
        await s.booth.store.apply([
            LogAgent(AgentMove("lan", NOW_MS + n * 1_000, AgentState.READY, seq=n))
            for n in range(7)
        ])  # fmt: skip
        where = f"/v1/reports/agents?since={at(0)}&until={at(10_000)}"
        (lan,) = (await s.ask("GET", where))[1]["items"]
        assert (lan["times"], lan["seconds"]) == ({"ready": 7}, {"ready": 10.0})


async def test_campaigns(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await called(s)
        await s.create(name=f"{FORMULA} b")
        items = (await s.ask("GET", "/v1/reports/campaigns"))[1]["items"]
        assert (items[0]["leads"]["done"], items[0]["outcomes"]["answered"]) == (3, 2)
        found = rows_of((await text_of(s, "/v1/reports/campaigns?format=csv"))[1])
        assert (found[0]["tries_busy"], found[1]["name"]) == ("1", f"'{FORMULA} b")
        page = (await s.ask("GET", "/v1/reports/campaigns?limit=1"))[1]
        rest = (await s.ask("GET", f"/v1/reports/campaigns?after={page['next']}"))[1]
        assert ([one["id"] for one in rest["items"]], rest["next"]) == ([2], None)


async def exported(s: Site, **body: Any) -> tuple[bytes, dict[str, Any]]:
    status, job = await s.ask("POST", "/v1/exports", body)
    assert status == 202, job
    found = await ended(s, job)
    assert found["state"] == "done", found["error"]
    status, data, headers = await text_of(s, found["files"]["file"])
    assert status == 200
    name = f"export-{job['id']}-file.{body.get('format', 'csv')}"
    assert headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert found["result"]["bytes"] == len(data)
    return data, found


async def test_exports(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await called(s)
        await change(s, "PATCH", "/v1/leads/1-1", {"fields": {"@name": FORMULA}})
        found = rows_of((await exported(s, what="report", campaign="1"))[0])
        assert [one["'@name"] for one in found] == [f"'{FORMULA}", "", ""]
        data = (await exported(s, what="report", campaign="1", format="json"))[0]
        assert len(msgspec.json.decode(data)) == 3
        found = rows_of((await exported(s, what="calls"))[0])
        assert [one["keys"] for one in found] == [f"'{FORMULA}"] * 3
        data = (await exported(s, what="calls", format="jsonl", since=at(1_000)))[0]
        assert [msgspec.json.decode(line)["lead"] for line in data.splitlines()] == [2, 3]
        found = rows_of((await exported(s, what="interactions", campaign="1"))[0])
        assert len(found) == 6
        found = rows_of((await exported(s, what="people", list="people"))[0])
        assert [one["number"] for one in found] == [f"8491200000{n}" for n in range(3)]
        assert found[0]["'@name"] == f"'{FORMULA}"
        assert len((await s.ask("GET", "/v1/exports?limit=3"))[1]["items"]) == 3


async def test_answers_as_a_workbook(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await called(s)
        assert len(rows_of((await exported(s, what="answers", campaign="1"))[0])) == 3
        data = (await exported(s, what="answers", campaign="1", format="xlsx"))[0]
        sheet = openpyxl.load_workbook(io.BytesIO(data)).active
        assert sheet is not None
        assert sheet.max_row == 4


async def test_a_workbook_that_nobody_waits_for_is_not_finished(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await called(s)
        order = Order(tmp_path, "UTC", What.ANSWERS, Form.XLSX, 1, scratch=tmp_path, parent=1)
        table: Any = made(s.booth.store, order, UTC)  # a store in memory is as good here
        with pytest.raises(Orphaned):
            next(table)
        assert next(made(s.booth.store, msgspec.structs.replace(order, parent=0), UTC))


async def test_an_export_in_parts(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        data, found = await exported(s, what="people", list="people")
        where = found["files"]["file"]
        status, part, headers = await text_of(s, where, Range="bytes=3-8")
        assert (status, part) == (206, b"number")
        assert headers["Content-Range"] == f"bytes 3-8/{len(data)}"
        assert (await text_of(s, where, Range="bytes=99999-"))[0] == 416


REFUSED: dict[str, tuple[dict[str, Any], int]] = {
    "nothing": ({}, 422),
    "no campaign": ({"what": "report"}, 422),
    "no list": ({"what": "people"}, 422),
    "another form": ({"what": "people", "list": "people", "format": "xlsx"}, 422),
    "nobody's campaign": ({"what": "report", "campaign": "x"}, 404),
    "nobody's list": ({"what": "people", "list": "../../etc"}, 404),
    "a time without a zone": ({"what": "calls", "since": "2026-01-01T00:00:00"}, 422),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_exports_that_are_refused(tmp_path: Path, name: str) -> None:
    body, expected = REFUSED[name]
    async with site(tmp_path) as s:
        assert (await s.ask("POST", "/v1/exports", body))[0] == expected
        assert left(s) == []


async def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "ROOM_BYTES", 1 << 62)
    async with site(tmp_path) as s:
        await called(s)
        workbook = {"what": "answers", "campaign": "1", "format": "xlsx"}
        for asked in ({"what": "calls"}, workbook):
            status, job = await s.ask("POST", "/v1/exports", asked)
            assert status == 202, job
            found = await ended(s, job)
            assert (found["state"], "room" in found["error"]) == ("failed", True)
        assert left(s) == []
