"""Row 75: other systems push leads and read what came of them, by nothing but HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path

from admin_http.tokens import Scope
from dialerd.core.ops import BeginDial, Finish
from dialerd.core.records import CallEvent, EventKind, LeadState, Outcome
from tests.admin_http.site import site
from tests.control.desk import NOW_MS, spec


def test_row_75_a_crm_pushes_leads_and_reads_results(tmp_path: Path) -> None:
    assert asyncio.run(_a_crm(tmp_path)) == 1


async def _a_crm(tmp_path: Path) -> int:
    """Its day; how many people are left to be called."""
    async with site(tmp_path) as s:
        crm = s.token("crm", Scope.READ, Scope.CAMPAIGNS, Scope.REPORTS)
        made = await s.ask("POST", "/v1/lists", {"name": "crm"}, token=crm)
        assert made[0] == 201
        people = [
            {"number": "0912 345 678", "fields": {"name": "An", "crm_id": "A-1"}},
            {"number": "0912 345 679", "fields": {"name": "Bình", "crm_id": "A-2"}},
            {"number": "no number"},
        ]
        again = {"Idempotency-Key": "push-1"}
        for _ in range(2):  # its connection broke: it sends the same once more
            status, pushed = await s.ask(
                "POST", "/v1/lists/crm/leads", {"people": people}, token=crm, headers=again
            )
            assert (status, pushed["added"], pushed["refused"][0]["index"]) == (200, 2, 2)
        campaign = await s.ask("POST", "/v1/campaigns", spec("crm calls", list="crm"), token=crm)
        where = f"/v1/campaigns/{campaign[1]['id']}"
        for action in ("approve", "start"):
            moved = await s.ask("POST", f"{where}/actions", {"action": action}, token=crm)
            assert moved[0] == 200

        (claim, _) = (await s.booth.store.claim(1, 2, NOW_MS, 60)).claims
        heard = (CallEvent(NOW_MS + 5_000, EventKind.DIGIT, "1 rfc4733"),)
        await s.booth.store.apply([
            BeginDial(claim.attempt_id, "fpt", "c1", "weight", NOW_MS),
            Finish(
                claim.attempt_id, Outcome.ANSWERED, LeadState.DONE, 0, NOW_MS + 9_000,
                answered_ms=NOW_MS + 2_000, keys="1", events=heard,
            ),
        ])  # fmt: skip

        found = await s.ask("GET", "/v1/reports/calls?campaign=crm calls", token=crm)
        (call,) = found[1]["items"]
        assert (call["outcome"], call["keys"], call["talk_s"]) == ("answered", "1", 7.0)
        person = (await s.ask("GET", f"/v1/leads/{call['lead']}", token=crm))[1]
        assert (person["state"], person["fields"]["crm_id"]) == ("done", "A-1")
        left: int = (await s.ask("GET", f"{where}/progress", token=crm))[1]["left"]
        return left
