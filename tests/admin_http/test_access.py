"""For whom each route is: every role at every route, and objects that are not theirs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import admin_http.live.sse
from admin_http import tokens
from admin_http.app import MODULES
from admin_http.people.access import everyone
from admin_http.people.roles import USERS, Role
from admin_http.people.store import Txn
from admin_http.rates import Buckets, Rate
from admin_http.routes import ROUTES, Route
from admin_http.tokens import Scope
from tests.admin_http.site import site
from tests.admin_http.test_api import NAMED
from tests.admin_http.test_streams import linked

ENDS = {"/v1/emergency-stop", "/v1/config:reload"}  # tried elsewhere: they stop what is tried here


def test_every_route_says_for_whom_it_is() -> None:
    assert MODULES
    silent = [f"{route.method} {route.path}" for route in ROUTES if route.access is None]
    assert not silent, f"say access=..., see admin_http/people/access.py: {silent}"
    for route in ROUTES:
        assert route.access is not None
        open_to_all = not route.access.roles
        assert open_to_all == (route.scope is None), f"{route.path}: scope and access disagree"
        if route.access.guard is not None:
            assert "path" in route.parts, f"{route.path}: its guard needs the path"


async def test_a_viewer_sees_its_campaigns_alone(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        own, other = await s.create(name="own"), await s.create(name="other")
        viewer = s.person("khach", Role.VIEWER, campaigns=(own["id"],))
        status, found = await s.ask("GET", "/v1/campaigns", token=viewer)
        assert (status, [one["name"] for one in found["items"]]) == (200, ["own"])
        for name in ("own", own["id"]):
            assert (await s.ask("GET", f"/v1/campaigns/{name}", token=viewer))[0] == 200
        for path in ("", "/progress", "/report"):
            theirs = await s.ask("GET", f"/v1/campaigns/other{path}", token=viewer)
            nobodys = await s.ask("GET", f"/v1/campaigns/absent{path}", token=viewer)
            assert theirs[0] == nobodys[0] == 404
            assert theirs[1]["detail"] == nobodys[1]["detail"].replace("absent", "other")
            by_id = await s.ask("GET", f"/v1/campaigns/{other['id']}{path}", token=viewer)
            assert by_id[0] == 404
        assert (await s.ask("GET", "/v1/lists", token=viewer))[0] == 403
        action = await s.ask(
            "POST", "/v1/campaigns/own/actions", {"action": "approve"}, token=viewer
        )
        assert action[0] == 403


async def test_a_token_has_the_bounds_of_its_owner(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        boss = s.person("lan", Role.SUPERVISOR)
        reader = s.token("narrow", Scope.READ, user="lan")
        orphan = s.token("orphan", *Scope, user="nobody")
        assert (await s.ask("GET", "/v1/lists", token=boss))[0] == 200
        assert (await s.ask("GET", "/v1/lists", token=reader))[0] == 200
        assert (await s.ask("POST", "/v1/emergency-stop", {}, token=reader))[0] == 403
        assert (await s.ask("POST", "/v1/config:reload", token=boss))[0] == 403
        assert (await s.ask("GET", "/v1/lists", token=orphan))[0] == 401
        made = await s.create()
        await s.ask(
            "POST", f"/v1/campaigns/{made['id']}/actions", {"action": "approve"}, token=boss
        )
        moves = (await s.ask("GET", f"/v1/campaigns/{made['id']}/moves"))[1]["items"]
        assert moves[-1]["who"] == "lan (token of-lan)"

        def disable(txn: Txn) -> None:
            user = txn.get(USERS, b"lan")
            assert user is not None
            txn.put(USERS, msgspec.structs.replace(user, disabled=True))

        s.services.admin.write(disable)
        assert (await s.ask("GET", "/v1/lists", token=boss))[0] == 401


async def heard(answer: Any) -> list[tuple[str, Any]]:
    """The events of a stream up to the `stop` that every role hears."""
    found: list[tuple[str, Any]] = []
    name = ""
    while True:
        line = (await answer.content.readline()).decode()
        assert line, "the stream ended"
        if line.startswith("event: "):
            name = line[7:-1]
        elif line.startswith("data: "):
            found.append((name, msgspec.json.decode(line[6:])))
            if name == "core":
                return found


async def test_a_stream_tells_what_its_reader_may_see(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await s.create(name="own")
        await s.create(name="other")
        viewer = s.person("khach", Role.VIEWER, campaigns=(1,))
        agent = s.person("hoa", Role.AGENT, agent="hoa")
        await linked(s)
        hub = s.booth.hub
        for secret, names, state in (
            (viewer, ["campaign", "pacing", "call"], {"campaigns": ["own"]}),
            (agent, ["agent", "card"], {"agents": []}),
        ):
            headers = {"Authorization": f"Bearer {secret}"}
            topics = "campaign,pacing,call,agent,card,trunk,port,alert,core"
            async with s.client.get(f"/v1/stream?topics={topics}", headers=headers) as answer:
                await answer.content.readuntil(b"event: snapshot\n")
                shown = msgspec.json.decode((await answer.content.readline())[6:])
                assert {
                    part: [one["name"] for one in found["items"]] for part, found in shown.items()
                } == state
                for topic, data in (
                    ("campaign", {"id": 2, "who": "lan"}),
                    ("campaign", {"id": 1, "who": "lan"}),
                    ("pacing", {"campaign_id": 2}),
                    ("pacing", {"campaign_id": 1}),
                    ("call", {"campaign_id": 2, "phone": "x"}),
                    ("call", {"campaign_id": 1, "phone": "y"}),
                    ("agent", {"agent": "ban", "campaign_id": 1}),
                    ("agent", {"agent": "hoa", "campaign_id": 1}),
                    ("card", {"agent": "ban"}),
                    ("card", {"agent": "hoa"}),
                    ("card", {}),
                    ("trunk", {"trunk": "fpt", "campaign_id": 1}),
                    ("port", {"name": "hoa"}),
                    ("alert", {"id": 1}),
                    ("core", {"up": True}),
                ):
                    hub.publish(topic, data, 1)
                told = await heard(answer)
                assert [name for name, _ in told] == [*names, "core"]
                for _, data in told[:-1]:
                    assert data.get("campaign_id", data.get("id", 1)) == 1
                    assert data.get("agent", "hoa") == "hoa"
                    assert "who" not in data


async def test_a_stream_ends_with_its_reader_s_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_http.live.sse, "LOOK_S", 0.0)
    async with site(tmp_path) as s:
        await linked(s)
        secret = s.person("lan", Role.SUPERVISOR)
        headers = {"Authorization": f"Bearer {secret}"}
        async with s.client.get("/v1/stream?topics=alert", headers=headers) as answer:
            await answer.content.readuntil(b"event: snapshot\n")
            s.services.admin.write(lambda txn: tokens.revoke(txn, "of-lan"))
            s.booth.hub.publish("alert", {"n": 1}, 1)
            rest = await answer.content.read()
            assert b"alert" not in rest


def path_of(route: Route) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: NAMED.get(name[1], "absent"), route.path)


async def test_every_role_at_every_route(tmp_path: Path) -> None:
    """403 for whom it is not; for whom it is, anything but 401 and 403."""
    async with site(tmp_path) as s:
        await s.create()
        s.services.known = Buckets(Rate(1e6, 1e6), 10)
        people = {
            Role.ADMIN: s.person("admin", Role.ADMIN),
            Role.SUPERVISOR: s.person("boss", Role.SUPERVISOR),
            Role.VIEWER: s.person("khach", Role.VIEWER, campaigns=(1,)),
            Role.AGENT: s.person("hoa", Role.AGENT, agent="hoa"),
        }
        tried = 0
        for route in ROUTES:
            assert route.access is not None
            if not route.access.roles or route.streams:
                continue
            for role, secret in people.items():
                allowed = role in route.access.roles
                if allowed and route.path in ENDS:
                    continue
                headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
                async with s.client.request(
                    route.method, path_of(route), headers=headers, data=b"[]"
                ) as answer:
                    await answer.read()
                    assert (answer.status == 403) == (not allowed), (route.path, role)
                    assert answer.status not in {401, 500}, (route.path, role)
                tried += 1
        assert tried > 100


async def test_what_is_others_is_404_for_every_object_in_a_path(tmp_path: Path) -> None:
    """A viewer of nothing and an agent without customers find no object by any path."""
    async with site(tmp_path) as s:
        await s.create()
        s.services.known = Buckets(Rate(1e6, 1e6), 10)
        strangers = {
            Role.VIEWER: s.person("khach", Role.VIEWER, campaigns=(2,)),
            Role.AGENT: s.person("ban", Role.AGENT, agent="ban"),
        }
        tried = set()
        for route in ROUTES:
            assert route.access is not None
            if "path" not in route.parts or route.access is everyone or route.streams:
                continue
            for role in route.access.roles & strangers.keys():
                status, problem = await s.ask(route.method, path_of(route), token=strangers[role])
                assert status == 404, (route.path, role, problem)
                tried.add(route.path)
        assert {"/v1/campaigns/{campaign}", "/v1/campaigns/{campaign}/progress"} <= tried
