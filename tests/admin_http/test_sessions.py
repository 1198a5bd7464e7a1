"""Logging in: sessions, what browsers send with them, and who guesses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path

import pytest

from admin_http.limits import ASKERS_MAX, LOCK_S_MAX, SESSIONS_OF_USER_MAX
from admin_http.people import admission, passwords, sessions
from admin_http.people.passwords import PasswordError
from admin_http.people.roles import USERS, Role
from admin_http.people.sessions import SESSIONS, Policy
from admin_http.people.throttle import ADDRESS_FREE, USER_FREE, S, Throttle
from admin_http.tokens import Scope, utc_now
from tests.admin_http.site import PASSWORD, hashed, site

HALF = timedelta(minutes=30)


async def test_a_log_in_is_a_session_until_log_out(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        s.person("lan", Role.SUPERVISOR)
        status, made, cookie = await s.log_in("lan")
        assert (status, made["user"], made["role"]) == (201, "lan", "supervisor")
        status, found = await s.with_cookie("GET", "/v1/session", cookie)
        assert (status, found["csrf"]) == (200, made["csrf"])
        assert (await s.with_cookie("GET", "/v1/lists", cookie))[0] == 200
        assert (await s.with_cookie("GET", "/v1/users", cookie))[0] == 403
        made_campaign = await s.create()
        where = f"/v1/campaigns/{made_campaign['id']}/actions"
        done = await s.with_cookie("POST", where, cookie, made["csrf"], {"action": "approve"})
        assert done[0] == 200
        moves = (await s.ask("GET", f"/v1/campaigns/{made_campaign['id']}/moves"))[1]["items"]
        assert moves[-1]["who"] == "lan"
        assert (await s.with_cookie("DELETE", "/v1/session", cookie, made["csrf"]))[0] == 204
        assert (await s.with_cookie("GET", "/v1/session", cookie))[0] == 401


async def test_the_cookie_is_for_this_host_and_no_script(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        s.person("lan", Role.ADMIN)
        body = {"user": "lan", "password": PASSWORD}
        async with s.client.post("/v1/session", json=body) as answer:
            (header,) = answer.headers.getall("Set-Cookie")
        cookie = SimpleCookie(header)["dialerd_session"]
        assert cookie["httponly"] is True
        assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Strict", "/", "")
        secret = cookie.value.partition(":")[2]
        assert len(secret) == 43
        s.services.admin.close()
        for file in (tmp_path / "data" / "admin").iterdir():
            assert secret.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    ("user", "password"),
    [("lan", "wrong wrong wrong"), ("nobody", PASSWORD), ("off", PASSWORD), ("lan", "")],
)
async def test_a_refusal_does_not_say_what_was_wrong(
    tmp_path: Path, user: str, password: str
) -> None:
    async with site(tmp_path) as s:
        s.person("lan", Role.ADMIN)
        s.person("off", Role.ADMIN, disabled=True)
        status, problem, cookie = await s.log_in(user, password)
        assert (status, problem["detail"], cookie) == (401, admission.WRONG, "")


async def test_every_refusal_takes_the_same_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []
    verify = passwords._HASHER.verify

    class Counting:
        def verify(self, made: str, given: bytes) -> bool:
            looked_at.append(made.rsplit("$", 2)[0])
            return verify(made, given)

    async with site(tmp_path) as s:
        s.person("lan", Role.ADMIN)
        s.person("off", Role.ADMIN, disabled=True)
        passwords._decoy()
        monkeypatch.setattr(passwords, "_HASHER", Counting())
        for user in ("lan", "off", "nobody"):
            await s.log_in(user, "wrong wrong wrong")
    assert len(looked_at) == 3
    assert len(set(looked_at)) == 1  # the same parameters


async def test_a_session_says_what_its_role_may(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        said = {}
        for role in Role:
            s.person(f"u-{role}", role)
            _, made, cookie = await s.log_in(f"u-{role}")
            found = (await s.with_cookie("GET", "/v1/session", cookie))[1]
            assert found["scopes"] == made["scopes"]
            said[role] = set(found["scopes"])
        assert said[Role.ADMIN] == {scope.value for scope in Scope}
        assert "users" not in said[Role.VIEWER] | said[Role.AGENT] | said[Role.SUPERVISOR]
        assert "campaigns" in said[Role.SUPERVISOR]
        assert "campaigns" not in said[Role.VIEWER]
        assert all("read" in scopes for scopes in said.values())


async def test_a_change_needs_the_token_of_its_session(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        s.person("lan", Role.SUPERVISOR)
        _, made, cookie = await s.log_in("lan")
        _, other, _ = await s.log_in("lan")
        for csrf in ("", "x", other["csrf"], made["csrf"][:-1]):
            status, problem = await s.with_cookie("POST", "/v1/emergency-stop", cookie, csrf, {})
            assert (status, "X-CSRF-Token" in problem["detail"]) == (403, True)
        done = await s.with_cookie("POST", "/v1/emergency-stop", cookie, made["csrf"], {})
        assert done[0] == 200


async def test_other_sites_pages_are_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        s.person("lan", Role.SUPERVISOR)
        _, made, cookie = await s.log_in("lan")
        own = f"http://{s.client.host}:{s.client.port}"
        for headers, status in (
            ({"Origin": own}, 200),
            ({"Origin": own, "Sec-Fetch-Site": "same-origin"}, 200),
            ({"Origin": own.replace("http:", "https:")}, 200),  # a proxy ends TLS
            ({"Origin": own.replace("http:", "ftp:")}, 403),
            ({"Origin": "http://["}, 403),
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Origin": own + "0"}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "same-site"}, 403),
        ):
            stop = s.with_cookie("POST", "/v1/emergency-stop", cookie, made["csrf"], {}, **headers)
            assert (await stop)[0] == status, headers
            assert (await s.log_in("lan", **headers))[0] == (201 if status == 200 else 403)
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
        foreign = {**upgrade, "Origin": "https://evil.example"}
        assert (await s.with_cookie("GET", "/v1/session", cookie, **foreign))[0] == 403


async def test_a_log_in_is_never_the_session_of_before(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        s.person("lan", Role.ADMIN)
        s.person("mai", Role.VIEWER)
        _, _, planted = await s.log_in("mai")
        status, _, fresh = await s.log_in("lan", Cookie=f"dialerd_session={planted}")
        assert (status, fresh != planted) == (201, True)
        assert (await s.with_cookie("GET", "/v1/session", planted))[0] == 401
        assert (await s.with_cookie("GET", "/v1/session", fresh))[1]["user"] == "lan"
        chosen = "lan:" + "x" * 43
        assert (await s.with_cookie("GET", "/v1/session", chosen))[0] == 401
        _, _, given = await s.log_in("lan", Cookie=f"dialerd_session={chosen}")
        assert given != chosen


@pytest.mark.parametrize(
    "cookie",
    ["", "x", ":", "lan:", ":x", "lan:" + "y" * 9_000, "lan\x80:é", '"lan:x"', "a" * 65 + ":b"],
)
async def test_odd_cookies_are_nobody(tmp_path: Path, cookie: str) -> None:
    async with site(tmp_path) as s:
        s.person("lan", Role.ADMIN)
        status, _ = await s.with_cookie("GET", "/v1/session", cookie)
        assert status == (400 if len(cookie) > 8_190 else 401)
        assert (await s.ask("GET", "/v1/session"))[0] == 200


async def test_sessions_end_by_time(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        s.person("lan", Role.ADMIN)
        user = s.services.admin.write(lambda txn: txn.get(USERS, b"lan"))
        assert user is not None
        now, policy = utc_now(), Policy(idle=HALF, whole=2 * HALF)
        cookie, session = s.services.admin.write(
            lambda txn: sessions.begin(txn, user, "", now, policy)
        )
        key = SESSIONS.key(session)
        with s.services.admin.read() as txn:
            assert sessions.find(txn, cookie, now + HALF * 0.99, policy) is not None
            assert sessions.find(txn, cookie, now + HALF, policy) is None
        s.services.admin.write(lambda txn: sessions.seen(txn, key, now + HALF * 0.9))
        s.services.admin.write(lambda txn: sessions.seen(txn, key, now))  # is not taken back
        with s.services.admin.read() as txn:
            assert sessions.find(txn, cookie, now + HALF * 1.8, policy) is not None
        s.services.admin.write(lambda txn: sessions.seen(txn, key, now + HALF * 1.8))
        with s.services.admin.read() as txn:
            assert sessions.find(txn, cookie, now + HALF * 1.99, policy) is not None
            assert sessions.find(txn, cookie, now + HALF * 2, policy) is None


async def test_using_a_session_keeps_it_alive(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        s.person("lan", Role.ADMIN)
        policy = s.services.door.policy
        begun = utc_now() - timedelta(seconds=sessions.SEEN_S + 1)

        def begin(txn):
            user = txn.get(USERS, b"lan")
            return sessions.begin(txn, user, "", begun, policy)

        cookie, session = s.services.admin.write(begin)
        for _ in range(3):
            assert (await s.with_cookie("GET", "/v1/session", cookie))[0] == 200
        await asyncio.gather(*s.services.door._touched.values())
        with s.services.admin.read() as txn:
            kept = txn.get(SESSIONS, SESSIONS.key(session))
        assert kept is not None
        assert kept.seen_at > begun


async def test_a_user_has_so_many_sessions(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        s.person("lan", Role.ADMIN)
        s.person("lan2", Role.ADMIN)
        policy, now = s.services.door.policy, utc_now()

        def fill(txn):
            made = []
            for name in (b"lan2", b"lan"):
                for n in range(SESSIONS_OF_USER_MAX + 3):
                    at = now + timedelta(seconds=n)
                    made.append(sessions.begin(txn, txn.get(USERS, name), "", at, policy)[0])
            return made[SESSIONS_OF_USER_MAX + 3 :]

        cookies = s.services.admin.write(fill)
        with s.services.admin.read() as txn:
            assert len(sessions.of_user(txn, "lan")) == SESSIONS_OF_USER_MAX
            assert len(sessions.of_user(txn, "lan2")) == SESSIONS_OF_USER_MAX
            alive = [sessions.find(txn, one, now, policy) is not None for one in cookies]
        assert alive == [False] * 3 + [True] * SESSIONS_OF_USER_MAX


async def test_another_password_ends_the_other_sessions(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        s.person("lan", Role.SUPERVISOR)
        _, here, cookie = await s.log_in("lan")
        _, _, elsewhere = await s.log_in("lan")
        where, new = "/v1/session/password", "hoàn toàn khác hẳn"
        for body, status in (
            ({"old": "wrong", "new": new}, 403),
            ({"old": PASSWORD, "new": "short"}, 422),
            ({"old": PASSWORD, "new": "a" * 12}, 422),
            ({"old": PASSWORD, "new": new}, 204),
        ):
            done = await s.with_cookie("POST", where, cookie, here["csrf"], body)
            assert done[0] == status, body
        assert (await s.with_cookie("GET", "/v1/session", cookie))[0] == 200
        assert (await s.with_cookie("GET", "/v1/session", elsewhere))[0] == 401
        assert (await s.log_in("lan"))[0] == 401
        assert (await s.log_in("lan", new))[0] == 201
        status, problem = await s.ask("POST", where, {"old": new, "new": PASSWORD})
        assert (status, "session" in problem["detail"]) == (403, True)


async def test_who_guesses_waits(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        s.person("lan", Role.ADMIN)
        _, _, cookie = await s.log_in("lan")
        found = [(await s.log_in("lan", "wrong wrong wrong"))[0] for _ in range(USER_FREE + 1)]
        assert found == [401] * USER_FREE + [429]
        status, problem, _ = await s.log_in("lan")  # the right one, too
        assert (status, "wait" in problem["detail"]) == (429, True)
        assert (await s.with_cookie("GET", "/v1/session", cookie))[0] == 200  # who is in stays


async def test_a_password_that_nobody_looked_at_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(tmp_path) as s:
        s.person("lan", Role.ADMIN)
        with monkeypatch.context() as patch:
            patch.setattr(passwords, "HASHES_WAITING", 0)
            found = [(await s.log_in("lan"))[0] for _ in range(USER_FREE + 2)]
        assert found == [503] * (USER_FREE + 2)
        assert (await s.log_in("lan"))[0] == 201


async def test_guesses_at_the_same_moment_all_count(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        s.person("lan", Role.ADMIN)
        tries = [s.log_in("lan", f"wrong wrong {n}") for n in range(USER_FREE + 5)]
        found = sorted(status for status, _, _ in await asyncio.gather(*tries))
        assert found == [401] * USER_FREE + [429] * 5


def test_waits_grow_to_a_bound() -> None:
    throttle, now, waits = Throttle(), 0, []
    for _ in range(USER_FREE + 12):
        wait_s = throttle.begin("lan", "192.0.2.1", now)
        if wait_s:
            waits.append(wait_s)
            now += wait_s * S
            assert throttle.begin("lan", f"198.51.100.{len(waits)}", now) == 0
    assert waits[:4] == [1, 2, 4, 8]
    assert waits == sorted(waits)
    assert max(waits) <= LOCK_S_MAX
    throttle.succeed("lan", "192.0.2.1")
    assert throttle.begin("lan", "192.0.2.7", now) == 0


def test_an_address_waits_for_all_its_users() -> None:
    throttle = Throttle()
    for n in range(ADDRESS_FREE):
        assert throttle.begin(f"user{n}", f"2001:db8::{n}", 0) == 0
    assert throttle.begin("another", "2001:db8::ffff", 0) == 1  # the same /64
    assert throttle.begin("another", "2001:db8:0:1::1", 0) == 0
    assert throttle.begin("third", "2001:db8::1", 3_601 * S) == 0  # forgotten


def test_very_many_guessers_take_bounded_memory() -> None:
    throttle = Throttle()
    for n in range(ASKERS_MAX):
        throttle.begin(f"u{n}", "192.0.2.1" if n < ADDRESS_FREE else f"10.{n >> 8}.{n & 255}.1", 0)
    assert len(throttle) == ASKERS_MAX


@pytest.fixture
def desk() -> Iterator[passwords.Desk]:
    made = passwords.Desk()
    yield made
    made.close()


async def test_passwords(desk: passwords.Desk) -> None:
    made = hashed()
    assert made.startswith("$argon2id$")
    assert await desk.fits(made, PASSWORD)
    assert await desk.fits(made, "một mật khẩu dài")  # composed otherwise
    for hash_, given in ((made, PASSWORD + " "), ("", PASSWORD), ("", ""), ("nonsense", PASSWORD)):
        assert not await desk.fits(hash_, given)
    assert await desk.make(PASSWORD) != made
    for name, given in (("x", "short"), ("x", "abababababab"), ("lan.nguyen.a", "LAN.NGUYEN.A")):
        with pytest.raises(PasswordError):
            passwords.check_new(name, given)
    with pytest.raises(PasswordError, match="256"):
        passwords.check_new("x", "abcd" * 65)


async def test_so_many_passwords_wait(
    desk: passwords.Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from admin_http.problems import ProblemError

    monkeypatch.setattr(passwords, "HASHES_WAITING", 2)
    found = await asyncio.gather(
        *(desk.fits(hashed(), PASSWORD) for _ in range(4)), return_exceptions=True
    )
    assert found[:2] == [True, True]
    assert all(isinstance(one, ProblemError) and one.status == 503 for one in found[2:])


async def test_a_person_s_work_is_not_another_s(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        s.person("lan", Role.ADMIN)
        s.person("mai", Role.VIEWER)
        _, lan, of_lan = await s.log_in("lan")
        _, mai, of_mai = await s.log_in("mai")
        swapped = "mai:" + of_lan.partition(":")[2]
        assert (await s.with_cookie("GET", "/v1/session", swapped))[0] == 401
        assert lan["csrf"] != mai["csrf"]
        done = await s.with_cookie("DELETE", "/v1/session", of_mai, lan["csrf"])
        assert done[0] == 403
