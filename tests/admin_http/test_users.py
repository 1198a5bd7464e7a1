"""Users, tokens and the audit log over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from admin_http.limits import USERS_MAX
from admin_http.people import audit
from admin_http.people.audit import AUDIT, HEAD
from admin_http.people.roles import Role
from admin_http.people.store import AdminFullError, AdminStore
from admin_http.tokens import Scope, utc_now
from dialerd.core.control import DaemonState
from tests.admin_http.site import PASSWORD, Site, site

NEW = {"name": "khach", "role": "viewer", "campaigns": [1], "password": PASSWORD}


async def tag_of(s: Site, path: str) -> str:
    headers = {"Authorization": f"Bearer {s.secret}"}
    async with s.client.get(path, headers=headers) as answer:
        return answer.headers["ETag"]


async def test_a_user_from_making_to_removing(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        status, made = await s.ask("POST", "/v1/users", NEW)
        assert (status, made["role"], made["campaigns"]) == (201, "viewer", [1])
        assert "password" not in made
        assert (await s.ask("POST", "/v1/users", NEW))[0] == 409
        assert (await s.ask("GET", "/v1/users/khach"))[1] == made
        _, _, cookie = await s.log_in("khach")
        spec = {"role": "viewer", "campaigns": [1, 2]}
        assert (await s.ask("PUT", "/v1/users/khach", spec))[0] == 428
        match = {"If-Match": await tag_of(s, "/v1/users/khach")}
        status, changed = await s.ask("PUT", "/v1/users/khach", spec, headers=match)
        assert (status, changed["campaigns"]) == (200, [1, 2])
        assert (await s.ask("PUT", "/v1/users/khach", spec, headers=match))[0] == 412
        assert (await s.with_cookie("GET", "/v1/session", cookie))[1]["campaigns"] == [1, 2]
        given = {"password": "mật khẩu thứ hai"}
        assert (await s.ask("POST", "/v1/users/khach/password", given))[0] == 204
        assert (await s.with_cookie("GET", "/v1/session", cookie))[0] == 401
        assert (await s.log_in("khach", given["password"]))[0] == 201
        assert (await s.ask("DELETE", "/v1/users/khach"))[0] == 204
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/password")):
            body = given if method == "POST" else None
            assert (await s.ask(method, f"/v1/users/khach{path}", body))[0] == 404
        assert (await s.log_in("khach", given["password"]))[0] == 401


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"name": "Khach"}, 422),
        ({"name": "a b"}, 422),
        ({"name": "x" * 65}, 422),
        ({"name": "a\r\nSet-Cookie: x"}, 422),
        ({"password": "short"}, 422),
        ({"password": "x" * 300}, 422),
        ({"password": "k" * 20}, 422),
        ({"role": "root"}, 422),
        ({"role": "agent"}, 409),
        ({"agent": "lan"}, 409),
        ({"phones": ["9001"]}, 409),
        ({"role": "supervisor", "campaigns": [], "phones": ["9\n"]}, 422),
        ({"role": "admin"}, 409),
        ({"campaigns": [0]}, 422),
        ({"campaigns": ["x"]}, 422),
        ({"surprise": 1}, 422),
    ],
)
async def test_users_that_are_not_taken(
    tmp_path: Path, change: dict[str, Any], status: int
) -> None:
    async with site(tmp_path) as s:
        found, problem = await s.ask("POST", "/v1/users", {**NEW, **change})
        assert found == status, problem
        assert (await s.ask("GET", "/v1/users"))[1]["items"] == []


async def test_disabled_is_out_at_once(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        bearer = s.person("lan", Role.SUPERVISOR)
        _, _, cookie = await s.log_in("lan")
        match = {"If-Match": await tag_of(s, "/v1/users/lan")}
        off = {"role": "supervisor", "disabled": True}
        assert (await s.ask("PUT", "/v1/users/lan", off, headers=match))[0] == 200
        assert (await s.with_cookie("GET", "/v1/session", cookie))[0] == 401
        assert (await s.ask("GET", "/v1/lists", token=bearer))[0] == 401
        assert (await s.log_in("lan"))[0] == 401


async def test_a_supervisor_listens_in_at_telephones_of_their_own(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        lan = s.person("lan", Role.SUPERVISOR, phones=("9001", "9002"))
        mai = s.person("mai", Role.ADMIN)
        assert (await s.ask("GET", "/v1/users/lan"))[1]["phones"] == ["9001", "9002"]
        for who, phone, expected in (
            (lan, "9002", 404), (lan, "lan", 404), (lan, "", 404), (lan, "9003", 403),
            (mai, "9003", 404), (s.secret, "9003", 404),
        ):  # fmt: skip
            order = {"action": "whisper", "phone": phone}
            status, problem = await s.ask("POST", "/v1/calls/1-1-1/actions", order, token=who)
            assert (status, "none of yours" in problem["detail"]) == (expected, expected == 403)


async def test_an_admin_is_left(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        s.person("lan", Role.ADMIN)
        s.person("off", Role.ADMIN, disabled=True)
        match = {"If-Match": await tag_of(s, "/v1/users/lan")}
        for body in ({"role": "supervisor"}, {"role": "admin", "disabled": True}):
            status, problem = await s.ask("PUT", "/v1/users/lan", body, headers=match)
            assert (status, "admin" in problem["detail"]) == (409, True)
        assert (await s.ask("DELETE", "/v1/users/lan"))[0] == 409
        s.person("mai", Role.ADMIN)
        assert (await s.ask("DELETE", "/v1/users/lan"))[0] == 204


async def test_users_and_tokens_come_in_pages(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        for n in range(4):
            s.person(f"u{n}", Role.SUPERVISOR)
        for path, names in (
            ("/v1/users", [f"u{n}" for n in range(4)]),
            ("/v1/tokens", ["all", *(f"of-u{n}" for n in range(4))]),
        ):
            found, after = [], ""
            while True:
                _, shown = await s.ask("GET", f"{path}?limit=2&after={after}")
                found += [one["name"] for one in shown["items"]]
                after = shown["next"]
                if after is None:
                    break
            assert found == names
        assert USERS_MAX > 4


async def test_tokens_are_made_shown_once_and_revoked(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        s.person("lan", Role.VIEWER)
        new = {"name": "crm", "scopes": ["read"], "user": "lan"}
        status, made = await s.ask("POST", "/v1/tokens", new)
        assert (status, made["valid"], made["user"]) == (201, True, "lan")
        _, shown = await s.ask("GET", "/v1/tokens/crm")
        assert shown == {key: value for key, value in made.items() if key != "secret"}
        assert (await s.ask("GET", "/v1/session", token=made["secret"]))[1]["role"] == "viewer"
        assert (await s.ask("POST", "/v1/tokens", new))[0] == 409
        for wrong, status in (
            ({"name": "a b"}, 422),
            ({"scopes": []}, 422),
            ({"user": "nobody", "name": "x"}, 422),
            ({"expires_at": "2020-01-01T00:00:00Z", "name": "x"}, 422),
            ({"expires_at": "2020-01-01T00:00:00", "name": "x"}, 422),
        ):
            assert (await s.ask("POST", "/v1/tokens", {**new, **wrong}))[0] == status, wrong
        assert (await s.ask("DELETE", "/v1/tokens/crm"))[0] == 204
        assert (await s.ask("GET", "/v1/session", token=made["secret"]))[0] == 401
        assert (await s.ask("DELETE", "/v1/tokens/crm"))[0] == 404
        assert (await s.ask("DELETE", "/v1/tokens/all"))[0] == 409  # that it asks with itself
        assert (await s.ask("GET", "/v1/tokens/all"))[0] == 200


async def test_every_change_is_in_the_audit_log(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await s.create()
        await s.ask("POST", "/v1/campaigns/1/actions", {"action": "start"})  # 409
        await s.ask("POST", "/v1/users", NEW)
        await s.log_in("khach")
        await s.log_in("khach", "wrong wrong wrong")
        await s.ask("GET", "/v1/campaigns")
        await s.ask("POST", "/v1/numbers:analyze", {"numbers": ["1"]})
        found = (await s.ask("GET", "/v1/audit"))[1]["items"]
        assert [(one["who"], one["what"], one["status"]) for one in reversed(found)] == [
            ("token all", "POST /v1/campaigns", 201),
            ("token all", "POST /v1/campaigns/1/actions", 409),
            ("token all", "POST /v1/users", 201),
            ("khach", "log in", 201),
            ("khach", "log in", 401),
        ]
        assert found[2]["detail"] == "khach as viewer"
        assert {one["address"] for one in found} == {"127.0.0.1"}
        assert PASSWORD not in str(found)
        checked = (await s.ask("GET", "/v1/audit/check"))[1]
        assert checked == {
            "ok": True, "entries": 5, "hash": found[0]["hash"], "broken": None, "why": "",
        }  # fmt: skip
        _, page = await s.ask("GET", "/v1/audit?limit=2")
        _, page = await s.ask("GET", f"/v1/audit?limit=2&after={page['next']}")
        assert [one["n"] for one in page["items"]] == [3, 2]


@pytest.fixture
def log(tmp_path: Path) -> Any:
    store = AdminStore(tmp_path)
    for n in range(1, 8):
        store.write(lambda txn, n=n: audit.note(txn, utc_now(), "lan", f"deed {n}"))
    yield store
    store.close()


def entry(log: AdminStore, n: int) -> audit.Entry:
    return next(one for one in audit.entries(log, 99) if one.n == n)


def test_a_changed_entry_is_found(log: AdminStore) -> None:
    assert audit.check(log).ok
    forged = msgspec.structs.replace(entry(log, 3), who="mai")
    log.write(lambda txn: txn.put(AUDIT, forged))
    found = audit.check(log)
    assert (found.ok, found.broken, found.why) == (False, 3, "it was changed")
    rehashed = msgspec.structs.replace(forged, hash=audit.digest(forged))
    log.write(lambda txn: txn.put(AUDIT, rehashed))
    found = audit.check(log)
    assert (found.ok, found.broken) == (False, 4)  # what follows does not follow


@pytest.mark.parametrize("n", [1, 4, 7])
def test_a_removed_entry_is_found(log: AdminStore, n: int) -> None:
    log.write(lambda txn: txn.delete(AUDIT, AUDIT.key(entry(log, n))))
    found = audit.check(log)
    assert (found.ok, found.broken) == (False, n)
    assert "missing" in found.why


def test_an_end_that_was_cut_off_and_written_anew_is_found(log: AdminStore) -> None:
    last = entry(log, 7)
    other = msgspec.structs.replace(last, what="nothing")
    other = msgspec.structs.replace(other, hash=audit.digest(other))
    log.write(lambda txn: txn.put(AUDIT, other))
    found = audit.check(log)
    assert (found.ok, found.broken, found.why) == (False, 7, "it is not the last one")


def test_the_oldest_go_and_the_chain_holds(
    log: AdminStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "AUDIT_ENTRIES_MAX", 8)
    monkeypatch.setattr(audit, "CHUNK", 3)
    for n in range(8, 30):
        log.write(lambda txn, n=n: audit.note(txn, utc_now(), "lan", f"deed {n}"))
    kept = [one.n for one in audit.entries(log, 99)]
    assert kept[0] == 29
    assert len(kept) <= 8
    assert audit.check(log).ok
    with log.read() as txn:
        head = txn.get(HEAD, b"head")
    assert head is not None
    assert head.first == kept[-1]


def test_a_check_goes_on_when_the_oldest_go_meanwhile(
    log: AdminStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "AUDIT_ENTRIES_MAX", 8)
    monkeypatch.setattr(audit, "CHUNK", 3)
    read, looks = log.read, 0

    def meanwhile() -> Any:
        nonlocal looks
        looks += 1
        if looks == 3:  # behind the head and the first three
            for _ in range(12):
                log.write(lambda txn: audit.note(txn, utc_now(), "lan", "deed"))
        return read()

    monkeypatch.setattr(log, "read", meanwhile)
    found = audit.check(log)
    assert (found.ok, found.why) == (True, "")
    assert looks > 3
    assert found.hash == audit.entries(log, 1)[0].hash


def test_texts_of_entries_are_bounded(log: AdminStore) -> None:
    made = log.write(
        lambda txn: audit.note(txn, utc_now(), "w" * 999, "x" * 9_999, detail="d" * 999)
    )
    assert {len(made.who), len(made.what), len(made.detail)} == {audit.AUDIT_TEXT_MAX}
    assert Scope.USERS


async def test_the_emergency_stop_needs_no_audit_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with site(tmp_path) as s:

        def full(*_: object, **__: object) -> None:
            raise AdminFullError("no room")

        monkeypatch.setattr(audit, "note", full)
        assert (await s.ask("POST", "/v1/emergency-stop", {}))[0] == 200
        assert s.booth.desk.state is DaemonState.HALTED
        assert "not in the audit log: POST /v1/emergency-stop by token all" in caplog.text
