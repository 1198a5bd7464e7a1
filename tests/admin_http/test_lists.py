"""Lists and their people, people of campaigns, do-not-call lists and callbacks over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dialerd.core.agent_spec import AgentSpec, DispositionSpec
from dialerd.core.ops import BeginDial, Finish
from dialerd.core.records import CallEvent, DialMode, EventKind, LeadState, Outcome
from tests.admin_http.site import Site, site
from tests.control.desk import NOW_MS

DUE = "2026-12-01T09:00:00+07:00"


async def tag(s: Site, where: str) -> str:
    headers = {"Authorization": f"Bearer {s.secret}"}
    async with s.client.get(where, headers=headers) as answer:
        assert answer.status == 200
        return answer.headers["ETag"]


async def change(
    s: Site, method: str, where: str, body: dict[str, Any], match: str | None = None
) -> tuple[int, Any]:
    found = match or await tag(s, where)
    return await s.ask(method, where, body, headers={"If-Match": found})


async def running(s: Site, **changes: Any) -> str:
    """A campaign of three people; its id."""
    where = f"/v1/campaigns/{(await s.create(**changes))['id']}"
    for action in ("approve", "start"):
        assert (await s.ask("POST", f"{where}/actions", {"action": action}))[0] == 200
    return where


async def test_a_list_is_made_filled_and_looked_at(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        status, made = await s.ask("POST", "/v1/lists", {"name": "tháng 11"})
        assert (status, made["size"]) == (201, 0)
        assert (await s.ask("POST", "/v1/lists", {"name": "tháng 11"}))[0] == 409
        where = f"/v1/lists/{made['id']}"
        people = [
            {"number": "0912 345 678", "fields": {"name": "An", "city": " "}},
            {"number": "113"},
            {"number": "01681234567", "numbers": ["0912 345 679", "x"]},
            {"number": "+84912345678"},
        ]
        status, pushed = await s.ask("POST", f"{where}/leads", {"people": people})
        assert (status, pushed["added"], pushed["duplicates"]) == (200, 2, [3])
        assert [(one["index"], one["number"]) for one in pushed["refused"]] == [(1, "113")]
        status, page = await s.ask("GET", f"{where}/leads?limit=1")
        assert [one["number"] for one in page["items"]] == ["+84912345678"]
        assert page["items"][0]["fields"] == {"name": "An"}
        status, page = await s.ask("GET", f"{where}/leads?limit=1&after={page['next']}")
        assert page["items"][0]["numbers"] == ["+84912345679"]
        assert page["next"] is None
        assert (await s.ask("GET", "/v1/lists/tháng 11"))[1]["columns"] == ["name"]
        assert (await s.ask("GET", "/v1/lists/nobody"))[0] == 404


async def test_people_are_pushed_into_a_campaign_under_way(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        where = await running(s)
        before = (await s.ask("GET", where))[1]
        people = [{"number": "0912 345 678"}, {"number": "113"}, {"number": "+84912345678"}]
        status, told = await s.ask("POST", f"{where}/leads", {"people": people})
        assert (status, told["added"], told["duplicates"]) == (200, 1, [2])
        assert told["campaigns"] == [before["spec"]["name"]]
        assert [one["index"] for one in told["refused"]] == [1]
        page = (await s.ask("GET", f"{where}/leads"))[1]["items"]
        assert "+84912345678" in [one["number"] for one in page]
        assert (await s.ask("GET", where))[1]["audience"] == before["audience"] + 1
        assert (await s.ask("POST", f"{where}/actions", {"action": "finish"}))[0] == 200
        status, refused = await s.ask("POST", f"{where}/leads", {"people": people})
        assert (status, "is over" in refused["detail"]) == (409, True)


async def test_a_campaign_may_leave_newcomers_to_others(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        where = await running(s, newcomers="leave")
        body = {"people": [{"number": "0912 345 678"}]}
        status, refused = await s.ask("POST", f"{where}/leads", body)
        assert (status, "after its approval" in refused["detail"]) == (409, True)
        assert (await s.ask("POST", "/v1/lists/people/leads", body))[1]["campaigns"] == []


async def test_more_people_than_one_request_of_the_core_holds(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        people = [{"number": f"0912{n:06d}"} for n in range(450)] + [{"number": "0912000000"}]
        status, pushed = await s.ask("POST", "/v1/lists/people/leads", {"people": people})
        # three of them are there already
        assert (status, pushed["added"]) == (200, 447)
        assert pushed["duplicates"] == [0, 1, 2, 450]
        body = {"people": [{"number": f"0912{n:06d}"} for n in range(1_001)]}
        assert (await s.ask("POST", "/v1/lists/people/leads", body))[0] == 422


async def test_a_list_is_renamed_and_closed(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        old = await tag(s, "/v1/lists/people")
        status, found = await change(
            s, "PATCH", "/v1/lists/people", {"name": "khách", "closed": True}
        )
        assert (status, found["name"]) == (200, "khách")
        assert found["closed_at"] is not None
        assert (await change(s, "PATCH", "/v1/lists/1", {"closed": False}, old))[0] == 412
        body = {"people": [{"number": "0912345678"}]}
        assert (await s.ask("POST", "/v1/lists/1/leads", body))[0] == 409
        assert (await change(s, "PATCH", "/v1/lists/1", {"closed": False}))[0] == 200
        assert (await s.ask("POST", "/v1/lists/1/leads", body))[1]["added"] == 1


async def test_no_list_takes_the_place_of_an_id(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        assert (await s.ask("POST", "/v1/lists", {"name": "1"}))[0] == 422
        assert (await change(s, "PATCH", "/v1/lists/people", {"name": "2"}))[0] == 422


async def test_who_uses_a_list(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await running(s)
        await s.ask("POST", "/v1/lists", {"name": "empty"})
        status, found = await s.ask("GET", "/v1/lists/people/stats")
        assert (status, found["size"]) == (200, 3)
        assert [(one["state"], one["audience"]) for one in found["campaigns"]] == [("running", 3)]
        assert (await s.ask("GET", "/v1/lists/empty/stats"))[1]["campaigns"] == []


async def test_people_of_a_campaign(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        where = await running(s)
        status, page = await s.ask("GET", f"{where}/leads?limit=2")
        assert (status, [one["lead"] for one in page["items"]]) == (200, [1, 2])
        after = page["next"]
        status, page = await s.ask("GET", f"{where}/leads?limit=2&after={after}")
        assert ([one["lead"] for one in page["items"]], page["next"]) == ([3], None)
        assert (await s.ask("GET", f"{where}/leads?state=done"))[1]["items"] == []
        assert (await s.ask("GET", f"{where}/leads?state=nonsense"))[0] == 400
        assert (await s.ask("GET", f"/v1/lists?after={after}"))[0] == 404


async def test_one_person_with_what_happened(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await running(s)
        (claim,) = (await s.booth.store.claim(1, 1, NOW_MS, 60)).claims
        events = (CallEvent(NOW_MS, EventKind.DIGIT, "1 rfc4733"),)
        await s.booth.store.apply([
            BeginDial(claim.attempt_id, "fpt", "c1", "weight", NOW_MS),
            Finish(
                claim.attempt_id, Outcome.ANSWERED, LeadState.DONE, 0, NOW_MS + 9_000,
                answered_ms=NOW_MS + 2_000, keys="1", events=events,
            ),
        ])  # fmt: skip
        status, found = await s.ask("GET", "/v1/leads/1-1")
        assert (status, found["state"], found["attempts"]) == (200, "done", 1)
        (tried,) = found["tries"]
        assert (tried["outcome"], tried["talk_s"], tried["trunk"]) == ("answered", 7.0, "fpt")
        assert [one["detail"] for one in tried["interactions"]] == ["1 rfc4733"]
        assert (await s.ask("GET", "/v1/leads/1-9"))[0] == 404
        assert (await s.ask("GET", "/v1/leads/99999999999-1"))[0] == 400
        assert (await s.ask("GET", "/v1/leads/9999999999-1"))[0] == 404
        status, found = await change(s, "PATCH", "/v1/leads/1-1", {"fields": {"name": "=An"}})
        assert (status, found["fields"]) == (200, {"name": "=An"})
        assert (await s.ask("GET", "/v1/leads/1-1"))[1]["fields"] == {"name": "=An"}


@pytest.mark.parametrize(("deed", "campaign"), [("stop", 1), ("do-not-call", 0)])
async def test_a_person_is_not_called_any_more(tmp_path: Path, deed: str, campaign: int) -> None:
    async with site(tmp_path) as s:
        await running(s)
        status, found = await s.ask("POST", f"/v1/leads/1-2/{deed}", {"reason": "asked us"})
        assert (status, found["added"]) == (200, 1)
        (entry,) = s.booth.store.bans(84_912_000_001)
        assert (entry.campaign_id, entry.source) == (campaign, "asked us")
        claims = (await s.booth.store.claim(1, 9, NOW_MS, 60)).claims
        assert [claim.lead_id for claim in claims] == [1, 3]


@pytest.mark.parametrize("name", ["dnc", "blacklist"])
async def test_numbers_that_nobody_dials(tmp_path: Path, name: str) -> None:
    async with site(tmp_path) as s:
        where = f"/v1/{name}"
        body = {"numbers": ["0912 345 678", "x", "0912345679"], "source": "mail"}
        status, found = await s.ask("POST", where, body)
        assert (status, found["added"], found["refused"][0]["index"]) == (200, 2, 1)
        assert (await s.ask("POST", where, body))[1]["known"] == 2
        page = (await s.ask("GET", f"{where}?limit=1"))[1]
        assert [one["number"] for one in page["items"]] == ["+84912345678"]
        page = (await s.ask("GET", f"{where}?limit=1&after={page['next']}"))[1]
        assert ([one["source"] for one in page["items"]], page["next"]) == (["mail"], None)
        about = (await s.ask("GET", f"{where}/0912345678"))[1]
        assert (about["blocked"], about["entries"][0]["until"]) == (True, None)
        other = "blacklist" if name == "dnc" else "dnc"
        assert not (await s.ask("GET", f"/v1/{other}/0912345678"))[1]["blocked"]
        status, gone = await s.ask("DELETE", f"{where}/+84912345678?reason=asked")
        assert (status, gone["removed"]) == (200, True)
        assert not (await s.ask("GET", f"{where}/0912345678"))[1]["blocked"]
        assert (await s.ask("GET", f"{where}/nobody"))[0] == 404
        assert (await s.ask("POST", where, {**body, "campaign": "nobody"}))[0] == 404
        assert (await s.ask("POST", where, {**body, "until": "2020-01-01T00:00:00Z"}))[0] == 422


async def test_a_callback_is_booked_moved_and_cancelled(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await running(s)
        body = {"lead": "1-2", "due": DUE, "agent": "an", "note": "later"}
        status, made = await s.ask("POST", "/v1/callbacks", body)
        assert (status, made["number"], made["note"]) == (201, "+84912000001", "later")
        where = f"/v1/callbacks/{made['id']}"
        assert (await s.ask("GET", where))[1] == made
        page = (await s.ask("GET", "/v1/callbacks?campaign=1"))[1]
        assert page["items"] == [made]
        later = {"due": "2026-12-02T09:00:00+07:00"}
        status, moved = await change(s, "PUT", where, later)
        assert (status, moved["due"]) == (200, "2026-12-02T02:00:00Z")
        assert (await s.ask("DELETE", where))[1]["due"] == "2026-12-02T02:00:00Z"
        assert (await s.ask("DELETE", where))[0] == 404
        assert (await s.ask("GET", "/v1/callbacks"))[1]["items"] == []
        assert (await s.ask("POST", "/v1/callbacks", {**body, "lead": "1-9"}))[0] == 404
        assert (await s.ask("POST", "/v1/callbacks", {**body, "due": "2026-12-01"}))[0] == 422


async def test_dispositions_of_campaigns(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        agents = AgentSpec(dispositions=(DispositionSpec(name="sold"),))
        await s.create(mode=DialMode.PREVIEW, agents=agents, steps=())
        found = (await s.ask("GET", "/v1/dispositions"))[1]["items"]
        assert [(one["name"], one["meaning"]) for one in found] == [("sold", "done")]
        assert (await s.ask("GET", "/v1/dispositions?campaign=nobody"))[0] == 404


async def test_a_list_of_digits_gets_what_is_pushed_to_its_campaign(tmp_path: Path) -> None:
    """By commands a list may be called so; another one has that id."""
    async with site(tmp_path) as s:
        await s.booth.people("1")
        made = await s.create(list="1")
        body = {"people": [{"number": "0912 345 678"}]}
        status, told = await s.ask("POST", f"/v1/campaigns/{made['id']}/leads", body)
        assert (status, told["added"]) == (200, 1)
        sizes = {one["name"]: one["size"] for one in (await s.ask("GET", "/v1/lists"))[1]["items"]}
        assert sizes == {"people": 3, "1": 4}
