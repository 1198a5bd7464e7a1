"""For whom each route is: every role at every route, and objects that are not theirs."""

from __future__ import annotations

from pathlib import Path

import msgspec

from admin_http.app import MODULES
from admin_http.people.roles import USERS, Role
from admin_http.people.store import Txn
from admin_http.routes import ROUTES
from admin_http.tokens import Scope
from tests.admin_http.site import site


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
