"""Idempotency-Key: the same request again, another under its key, two at once, keys of before."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from admin_http import once
from admin_http.people.store import AdminFullError, Txn
from admin_http.routes import ROUTES
from admin_http.tokens import Scope
from dialerd.core.lists_view import CreateList, ListInfo
from tests.admin_http.site import Site, site


async def made(s: Site, name: str, key: str, **more: Any) -> tuple[int, Any]:
    headers = {"Idempotency-Key": key}
    return await s.ask("POST", "/v1/lists", {"name": name}, headers=headers, **more)


def again(s: Site, key: str) -> Any:
    """The list "a" once more, as it was sent."""
    headers = {
        "Authorization": f"Bearer {s.secret}",
        "Idempotency-Key": key,
        "Content-Type": "application/json",
    }
    return s.client.post("/v1/lists", data=b'{"name":"a"}', headers=headers)


async def names(s: Site) -> list[str]:
    return [one["name"] for one in (await s.ask("GET", "/v1/lists"))[1]["items"]]


async def test_the_same_request_again(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        first = await made(s, "a", "k1")
        assert first[0] == 201
        assert await made(s, "a", "k1") == first
        assert (await made(s, "b", "k1"))[0] == 409
        assert (await made(s, "b", "k2"))[0] == 201
        assert (await made(s, "a", "k3"))[0] == 409  # another key is another request
        assert await names(s) == ["people", "a", "b"]
        async with again(s, "k1") as answer:
            assert answer.headers["Idempotency-Replayed"] == "true"
            assert answer.headers["Location"] == f"/v1/lists/{first[1]['id']}"


async def test_keys_are_of_whoever_asks_and_of_the_address(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        await made(s, "a", "k")
        other = s.token("other", *Scope)
        assert (await made(s, "a", "k", token=other))[0] == 409
        body = {"people": [{"number": "0912345678"}]}
        headers = {"Idempotency-Key": "k"}
        for _ in range(2):
            status, pushed = await s.ask("POST", "/v1/lists/a/leads", body, headers=headers)
            assert (status, pushed["added"]) == (200, 1)


@pytest.mark.parametrize("key", ["", "é", "a b", "x" * 201])
async def test_texts_that_are_no_keys(tmp_path: Path, key: str) -> None:
    async with site(tmp_path) as s:
        assert (await made(s, "a", key))[0] == 400
        assert await names(s) == ["people"]


async def test_a_refusal_is_not_kept(tmp_path: Path) -> None:
    async with site(tmp_path) as s:
        assert (await made(s, "people", "k"))[0] == 409
        assert (await made(s, "other", "k"))[0] == 201


async def test_two_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(tmp_path) as s:
        begun, go = asyncio.Event(), asyncio.Event()
        create = s.booth.control.create_list

        async def slowly(request: CreateList) -> ListInfo:
            begun.set()
            await go.wait()
            return await create(request)

        monkeypatch.setattr(s.booth.control, "create_list", slowly)
        first = asyncio.create_task(made(s, "a", "k"))
        await begun.wait()
        status, problem = await made(s, "a", "k")
        assert (status, "under way" in problem["detail"]) == (409, True)
        go.set()
        assert (await first)[0] == 201
        assert (await made(s, "a", "k"))[0] == 201
        assert await names(s) == ["people", "a"]


async def test_an_answer_that_was_lost(tmp_path: Path) -> None:
    """This process was killed between the deed and its answer."""
    async with site(tmp_path) as s:
        await made(s, "a", "k")

        def lose(txn: Txn) -> None:
            (kept,) = txn.scan(once.ANSWERS, 9)
            txn.put(once.ANSWERS, once.Answer(kept.key, kept.digest, kept.at_ms))

        await s.services.admin.change(lose)
        s.services.once = once.Once(s.services.admin)
        status, problem = await made(s, "a", "k")
        assert (status, "lost" in problem["detail"]) == (409, True)
        assert await names(s) == ["people", "a"]


async def test_they_outlive_the_process_and_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once, "ANSWERS_MAX", 3)
    monkeypatch.setattr(once, "_PAGE", 2)
    async with site(tmp_path) as s:
        for name in "abcde":
            await made(s, name, name)
        s.services.once = once.Once(s.services.admin)
        assert (await made(s, "e", "e"))[0] == 201
        assert (await made(s, "a", "a"))[0] == 409  # forgotten: the list is there already
        await made(s, "f", "f")
        with s.services.admin.read() as txn:
            assert txn.count(once.ANSWERS) == 3


async def test_their_bodies_are_bounded_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(tmp_path) as s:
        await made(s, "a", "a")
        with s.services.admin.read() as txn:
            (first,) = txn.scan(once.ANSWERS, 9)
        monkeypatch.setattr(once, "ANSWERS_BYTES_MAX", 2 * len(first.body) + 9)
        for name in "bcd":
            await made(s, name, name)
        s.services.once = once.Once(s.services.admin)
        await made(s, "e", "e")
        with s.services.admin.read() as txn:
            assert txn.count(once.ANSWERS) == 2
        assert (await made(s, "d", "d"))[0] == 201  # of the newest two


async def test_a_commit_that_fails_changes_no_books(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once, "ANSWERS_MAX", 1)
    async with site(tmp_path) as s:
        await made(s, "a", "a")

        async def full(work: Any) -> None:
            raise AdminFullError(f"no room for {work}")

        with monkeypatch.context() as patch:
            patch.setattr(s.services.admin, "change", full)
            assert (await made(s, "b", "b"))[0] >= 500
        assert (await made(s, "c", "c"))[0] == 201
        with s.services.admin.read() as txn:
            assert txn.count(once.ANSWERS) == 1


async def test_they_are_forgotten_after_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(tmp_path) as s:
        await made(s, "a", "k")
        monkeypatch.setattr(once, "ANSWER_S", 0)
        assert (await made(s, "b", "k"))[0] == 201
        with s.services.admin.read() as txn:
            assert txn.count(once.ANSWERS) == 1


async def test_a_long_answer_keeps_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once, "ANSWER_BYTES_MAX", 10)
    async with site(tmp_path) as s:
        await made(s, "a", "k")
        async with again(s, "k") as answer:
            assert (answer.status, await answer.read()) == (201, b"")
            assert answer.headers["Location"] == "/v1/lists/2"


async def test_no_secret_is_kept(tmp_path: Path) -> None:
    """A token is told once, and of a password not even a digest is left."""
    async with site(tmp_path) as s:
        headers = {"Idempotency-Key": "k"}
        token = {"name": "crm", "scopes": ["read"]}
        assert (await s.ask("POST", "/v1/tokens", token, headers=headers))[0] == 201
        assert (await s.ask("POST", "/v1/tokens", token, headers=headers))[0] == 409
        with s.services.admin.read() as txn:
            assert txn.count(once.ANSWERS) == 0
        named = {(route.path, route.takes_key) for route in ROUTES if route.method == "POST"}
        for path in ("/v1/users", "/v1/session", "/v1/webhooks"):
            assert (path, False) in named
        assert ("/v1/lists", True) in named
