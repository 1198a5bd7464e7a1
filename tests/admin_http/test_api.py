"""The resources of the API, answered by a real daemon's side over a real socket."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from admin_http import tokens
from admin_http.routes import ROUTES
from admin_http.tokens import Scope
from dialerd.control.io_server import ControlServer
from dialerd.core.control import DaemonState
from tests.admin_http.site import site
from tests.control.desk import spec

NAMED = {
    "agent": "lan", "prompt": "x", "flow": "x", "script": "x",
    "user": "absent",
    "token": "absent",
    "campaign": "1", "name": "fpt", "bank": "a", "slot": "1", "file": "docs.js", "list": "1",
    "call": "1-1-1", "lead": "1-1", "number": "0912345678", "callback": "1-1", "job": "1",
}  # fmt: skip


async def test_health_needs_no_token(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        for name in ("live", "ready"):
            async with s.client.get(f"/v1/health/{name}") as answer:
                assert answer.status == 200
                assert (await answer.json())["ok"] is True


async def test_lines_and_their_ports(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        status, found = await s.ask("GET", "/v1/trunks")
        assert (status, [t["name"] for t in found["items"]]) == (200, ["fpt"])
        status, one = await s.ask("GET", "/v1/trunks/fpt")
        assert (status, one) == (200, found["items"][0])
        assert one["ports"][0]["use"]["minutes_left"] == 1.5
        status, problem = await s.ask("GET", "/v1/trunks/nobody")
        assert status == 404
        assert "trunk" in problem["detail"]


async def test_the_whole_life_of_a_campaign(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        made = await s.create()
        assert made["state"] == "draft"
        assert made["allowed"] == ["approve"]
        where = f"/v1/campaigns/{made['id']}"
        status, problem = await s.ask("POST", f"{where}/actions", {"action": "start"})
        assert status == 409
        assert problem["allowed"] == ["approve"]
        for action, state in (
            ("approve", "approved"),
            ("start", "running"),
            ("pause", "paused"),
            ("resume", "running"),
        ):
            status, moved = await s.ask("POST", f"{where}/actions", {"action": action})
            assert (status, moved["state"]) == (200, state)
        assert moved["why"] == "no trunk is up"
        assert (await s.ask("GET", where))[1] == moved
        assert (await s.ask("GET", "/v1/campaigns"))[1] == {"items": [moved], "next": None}
        books = (await s.ask("GET", f"{where}/progress"))[1]
        assert books["leads"]["ready"] == books["left"] == 3
        moves = (await s.ask("GET", f"{where}/moves"))[1]["items"]
        assert [m["after"] for m in moves][-2:] == ["paused", "running"]
        assert moves[-1]["who"] == "token all"
        status, stopped = await s.ask("POST", "/v1/emergency-stop", {})
        assert stopped["paused"] == [spec().name]
        assert s.booth.desk.state is DaemonState.HALTED
        assert (await s.ask("POST", f"{where}/actions", {"action": "finish"}))[0] == 200
        status, problem = await s.ask("POST", f"{where}/actions", {"action": "resume"})
        assert status == 409
        assert "allowed" not in problem


async def test_campaigns_are_found_by_name(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        made = await s.create(name="50% giảm / Tết?")
        from urllib.parse import quote

        status, found = await s.ask("GET", f"/v1/campaigns/{quote(made['name'], safe='')}")
        assert (status, found["id"]) == (200, made["id"])
        assert (await s.ask("GET", "/v1/campaigns/none"))[0] == 404
        assert (await s.ask("GET", "/v1/campaigns/99999999999999999999"))[0] == 404


async def test_created_answers_say_where(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        headers = {"Authorization": f"Bearer {s.secret}", "Content-Type": "application/json"}
        body = msgspec.json.encode(spec())
        async with s.client.post("/v1/campaigns", data=body, headers=headers) as answer:
            assert answer.status == 201
            assert answer.headers["Location"] == "/v1/campaigns/1"
        status, problem = await s.ask("POST", "/v1/campaigns", body)
        assert status == 409
        assert spec().name in problem["detail"]


async def test_pages_are_linked(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        for i in range(5):
            await s.create(name=f"c{i}")
        names, url = [], "/v1/campaigns?limit=2"
        while url:
            headers = {"Authorization": f"Bearer {s.secret}"}
            async with s.client.get(url, headers=headers) as answer:
                page = await answer.json()
                names += [item["name"] for item in page["items"]]
                url = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
        assert names == [f"c{i}" for i in range(5)]


async def test_times_are_rfc_3339(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        body = {
            **msgspec.to_builtins(spec()),
            "start_at": "2026-12-01T08:00:00+07:00",
            "end_at": "2026-12-02T08:00:00Z",
        }
        status, made = await s.ask("POST", "/v1/campaigns", body)
        assert status == 201, made
        assert made["spec"]["start_at"] == "2026-12-01T01:00:00Z"
        assert made["created_at"].endswith("Z")
        for wrong in ("2026-12-01", "2026-12-01T08:00:00", "soon", 5):
            status, problem = await s.ask("POST", "/v1/campaigns", {**body, "start_at": wrong})
            assert status == 422
            assert problem["errors"][0]["pointer"] == "/start_at"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"mode": "predictve"}, "/mode"),
        ({"name": 5}, "/name"),
        ({"surprise": 1}, ""),
        ({"steps": [{"prompt": "../x"}]}, "/steps/0/prompt"),
        ({"list": "nobody"}, "/list"),
        ({"steps": [{"prompt": "no-such"}]}, "/steps/0/prompt"),
        ({"regime": "vn-care"}, "/hours"),
        ({"steps": [{"prompt": "hello", "keys": {"1": "nowhere"}}]}, "/steps/0/keys/1"),
    ],
)
async def test_what_does_not_fit_is_pointed_at(
    tmp_path: Path, change: dict[str, object], pointer: str
) -> None:
    async with site(tmp_path) as s:
        body = {**msgspec.to_builtins(spec()), **change}
        status, problem = await s.ask("POST", "/v1/campaigns", body)
        assert status == 422
        assert [fault.get("pointer", "") for fault in problem["errors"]] == [pointer]
        assert (await s.ask("GET", "/v1/campaigns"))[1]["items"] == []


async def test_a_whole_number_with_a_point_is_one(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        body = {**msgspec.to_builtins(spec()), "attempts_max": 2.0, "retry_gap_s": 6e2}
        status, made = await s.ask("POST", "/v1/campaigns", body)
        assert status == 201, made
        assert (made["spec"]["attempts_max"], made["spec"]["retry_gap_s"]) == (2, 600)
        for wrong in (b"2.5", b"1e999", b"NaN", b'2.0, "name": "\\ud800"'):
            text = msgspec.json.encode({**body, "attempts_max": 77}).replace(b"77", wrong)
            headers = {"Content-Type": "application/json"}
            status, _ = await s.ask("POST", "/v1/campaigns", text, headers=headers)
            assert status in {400, 422}, wrong


async def test_lists_and_numbers(tmp_path: Path) -> None:
    async with site(tmp_path, people=7) as s:
        (found,) = (await s.ask("GET", "/v1/lists"))[1]["items"]
        assert (found["name"], found["size"]) == ("people", 7)
        body = {"numbers": ["0912 345 678", "01681234567", "113", "=cmd|calc", ""]}
        status, answer = await s.ask("POST", "/v1/numbers:analyze", body)
        assert status == 200
        items = answer["items"]
        assert [item["dialable"] for item in items] == [True, True, False, False, False]
        assert items[0]["e164"] == "+84912345678"
        assert items[1]["e164"] == "+84381234567"
        assert items[1]["converted"] is True
        assert [item["input"] for item in items] == body["numbers"]
        assert (await s.ask("POST", "/v1/numbers:analyze", {"numbers": []}))[0] == 422
        many = {"numbers": ["1"] * 1001}
        status, problem = await s.ask("POST", "/v1/numbers:analyze", many)
        assert (status, problem["errors"][0]["pointer"]) == (422, "/numbers")


async def test_a_daemon_that_dies_is_503_until_it_is_back(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await s.create()
        await s.booth.server.close()
        for method, path, body in (
            ("GET", "/v1/status", None),
            ("GET", "/v1/campaigns", None),
            ("POST", "/v1/campaigns/1/actions", {"action": "approve"}),
        ):
            status, problem = await s.ask(method, path, body)
            assert status == 503
            assert "no daemon is running" in problem["detail"]
        async with s.client.get("/v1/health/ready") as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "2"
            assert str(tmp_path) not in await answer.text()
        async with s.client.get("/v1/health/live") as answer:
            assert answer.status == 200
        s.booth.server = ControlServer(s.booth.control, s.booth.path)
        await s.booth.server.start()
        status, moved = await s.ask("POST", "/v1/campaigns/1/actions", {"action": "approve"})
        assert (status, moved["state"]) == (200, "approved")


async def test_every_route_is_guarded(tmp_path: Path) -> None:
    """Every route with no token, a wrong one, and a token of each single scope."""
    async with site(tmp_path) as s:
        await s.create()
        one = {scope: s.token(f"only-{scope}", scope) for scope in Scope}
        for route in ROUTES:
            path = route.path.format_map(NAMED)
            body = b"{}" if "body" in route.parts else None
            for wrong in ("", "nonsense", "dlr_" + "x" * 43):
                async with s.client.request(
                    route.method, path, headers={"Authorization": f"Bearer {wrong}"}
                ) as answer:
                    expected = answer.status != 401 if route.scope is None else answer.status == 401
                    assert expected, (route.path, wrong)
                    if route.scope is not None:
                        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            if route.scope is None or route.path in ("/v1/stream", "/v1/emergency-stop"):
                continue
            for scope, secret in one.items():
                if route.path.endswith("/report") and scope is Scope.REPORTS:
                    continue  # not a JSON document; see test_report
                status, _ = await s.ask(route.method, path, body, token=secret)
                assert (status == 403) == (scope is not route.scope), (route.path, scope)
                assert status != 401


async def test_ways_to_send_a_token(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        for header, expected in (
            (f"Bearer {s.secret}", 200),
            (f"bearer {s.secret}", 200),
            (f"Basic {s.secret}", 401),
            (s.secret, 401),
            ("", 401),
            ("Bearer", 401),
        ):
            async with s.client.get("/v1/lists", headers={"Authorization": header}) as answer:
                assert answer.status == expected
        async with s.client.get(f"/v1/lists?token={s.secret}") as answer:
            assert answer.status == 401
        s.services.admin.write(lambda txn: tokens.revoke(txn, "all"))
        assert (await s.ask("GET", "/v1/lists"))[0] == 401
