"""Webhooks: signed, in order, at least once, patient, bounded, and nowhere that is not public."""

from __future__ import annotations

import asyncio
import base64
import hmac
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from admin_http.hooks import reaching, sending, signing
from admin_http.hooks.records import DELIVERIES_KEPT, WEBHOOKS, WEBHOOKS_MAX
from admin_http.hooks.sending import GIVE_UP_S, WAIT_S_MAX, WAIT_S_MIN, wait_s
from admin_http.hooks.signing import new_secret, shown
from admin_http.people.roles import Role
from admin_http.resources.webhooks import SENDER
from tests.admin_http.receiver import end_calls, make, told
from tests.admin_http.site import Site

ROOT = Path(__file__).resolve().parents[2]


def signed(secret: str, sent: Any, body: bytes) -> bool:
    """As a receiver verifies it, by the specification and not by our code."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, text, sha256).digest()).decode()
    return bool(sent["webhook-signature"] == f"v1,{wanted}")


async def look(s: Site, name: str = "crm") -> Any:
    status, found = await s.ask("GET", f"/v1/webhooks/{name}")
    assert status == 200
    return found


async def becomes(s: Site, field: str, value: object) -> Any:
    for _ in range(10_000):
        found = await look(s)
        if found[field] == value:
            return found
        await asyncio.sleep(0.005)
    raise AssertionError(f"{field} never is {value!r}")


async def test_calls_that_end_are_told_signed_and_once(tmp_path: Path) -> None:
    async with told(tmp_path) as (s, receiver):
        await asyncio.to_thread(end_calls, s.booth.store, 2, "before")
        secret = await make(s, receiver)
        campaign = await asyncio.to_thread(end_calls, s.booth.store, 40)
        found = await becomes(s, "told", 40)
        assert (found["waiting"], found["paused"], found["tries"]) == (0, "", 0)
        assert sorted(receiver.ids) == sorted(f"ended-{n}" for n in range(3, 43))
        sent, event, body = receiver.got[0]
        assert signed(secret, sent, body)
        assert not signed(secret, sent, body + b" ")
        assert not signed("whsec_" + base64.b64encode(b"x" * 32).decode(), sent, body)
        assert sent["Content-Type"] == "application/json"
        assert event["type"] == "call.ended"
        assert event["id"] == sent["webhook-id"]
        assert (event["data"]["campaign"], event["data"]["keys"]) == (campaign, "1")
        assert event["data"]["outcome"] == "answered"
        assert secret not in str(await s.ask("GET", "/v1/webhooks"))


def test_the_receiver_of_the_how_to_knows_what_is_ours() -> None:
    text = (ROOT / "docs/howto/webhooks.md").read_text()
    found: dict[str, Any] = {}
    exec(text.partition("```python\n")[2].partition("```")[0], found)  # noqa: S102 - our own page
    is_ours = found["is_ours"]
    secret, now_s, body = new_secret(), 1_795_000_000, b'{"id": "ended-1"}'
    given = signing.headers(secret, "ended-1", now_s, body)
    assert is_ours(shown(secret), given, body, now_s + 60)
    assert not is_ours(shown(secret), given, body, now_s + 301)
    assert not is_ours(shown(secret), given, body + b" ", now_s)
    assert not is_ours(shown(new_secret()), given, body, now_s)
    assert not is_ours(shown(secret), {**given, "webhook-id": "ended-2"}, body, now_s)


async def test_only_the_campaigns_that_were_asked_for(tmp_path: Path) -> None:
    async with told(tmp_path) as (s, receiver):
        wanted = await s.create(name="wanted")
        await make(s, receiver, campaigns=["wanted"])
        await asyncio.to_thread(end_calls, s.booth.store, 3)
        found = await becomes(s, "waiting", 0)
        assert (found["campaigns"], found["told"]) == ([wanted["id"]], 0)
        assert receiver.asked == []


async def test_what_fails_is_told_again_under_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "WAIT_S_MIN", 0.001)
    async with told(tmp_path) as (s, receiver):
        receiver.status = lambda n: 500 if n <= 3 else 204
        await make(s, receiver)
        await asyncio.to_thread(end_calls, s.booth.store, 1)
        await becomes(s, "told", 1)
        assert receiver.ids == ["ended-1"]
        status, found = await s.ask("GET", "/v1/webhooks/crm/deliveries")
        assert status == 200
        assert [one["status"] for one in found["items"]] == [500, 500, 500, 204]
        assert {one["event"] for one in found["items"]} == {"ended-1"}
        status, first = await s.ask("GET", "/v1/webhooks/crm/deliveries?limit=3")
        _, rest = await s.ask("GET", f"/v1/webhooks/crm/deliveries?after={first['next']}")
        assert first["items"] + rest["items"] == found["items"]


async def test_the_cursor_does_not_pass_what_was_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "WAIT_S_MIN", 60.0)
    async with told(tmp_path) as (s, receiver):
        receiver.status = lambda n: 500 if n == 2 else 204
        await make(s, receiver)
        await s.ask("PUT", "/v1/webhooks/crm", {"url": receiver.url, "active": False})
        await asyncio.to_thread(end_calls, s.booth.store, 5)  # one by one: all before it looks
        await s.ask("PUT", "/v1/webhooks/crm", {"url": receiver.url, "active": True})
        found = await becomes(s, "tries", 1)
        assert found["waiting"] == 5
        with s.services.admin.read() as txn:
            hook = txn.get(WEBHOOKS, b"crm")
        assert hook is not None
        assert hook.seq == 0


async def test_one_that_fails_for_long_is_paused_told_and_goes_on_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "GIVE_UP_S", 0.0)
    async with told(tmp_path) as (s, receiver):
        alerts: list[Any] = []
        s.services.relay.hub.subscribe(_alerts(), lambda event: alerts.append(event.data))
        receiver.status = lambda _n: 503
        await make(s, receiver)
        await asyncio.to_thread(end_calls, s.booth.store, 3)
        for _ in range(2_000):
            found = await look(s)
            if found["paused"]:
                break
            await asyncio.sleep(0.005)
        assert "503" in found["paused"]
        assert [one["webhook"] for one in alerts if "webhook" in one] == ["crm"]
        receiver.status = lambda _n: 204
        asked = len(receiver.asked)
        status, found = await s.ask("PUT", "/v1/webhooks/crm", {"url": receiver.url})
        assert (status, found["paused"]) == (200, "")
        await becomes(s, "told", 3)
        assert len(receiver.asked) == asked + 3


def _alerts() -> Any:
    from dialerd.core.control import Subscribe

    return Subscribe(topics=("alert",))


async def test_a_pause_and_another_place(tmp_path: Path) -> None:
    async with told(tmp_path) as (s, receiver):
        await make(s, receiver)
        change = {"url": receiver.url + "/new", "active": False}
        assert (await s.ask("PUT", "/v1/webhooks/crm", change))[1]["paused"] == "by a person"
        await asyncio.to_thread(end_calls, s.booth.store, 2)
        found = await becomes(s, "waiting", 2)
        assert found["told"] == 0
        await s.ask("PUT", "/v1/webhooks/crm", {**change, "active": True})
        await becomes(s, "told", 2)
        assert set(receiver.asked) == {"/calls/new"}


async def test_what_is_served_is_a_webhook_as_it_is_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with told(tmp_path) as (s, receiver):
        await make(s, receiver)
        sender = s.client.app[SENDER]
        last, looks = sender.last, asyncio.Event()

        async def changed_meanwhile() -> int:
            if not looks.is_set():
                with s.services.admin.read() as txn:
                    hook = txn.get(WEBHOOKS, b"crm")
                assert hook is not None
                there = msgspec.structs.replace(hook, url=receiver.url + "/new")
                await s.services.admin.change(lambda txn: txn.put(WEBHOOKS, there))
                await asyncio.to_thread(end_calls, s.booth.store, 1)
                looks.set()
            return await last()

        monkeypatch.setattr(sender, "last", changed_meanwhile)
        await asyncio.wait_for(looks.wait(), 100)
        await becomes(s, "told", 1)
        assert receiver.asked == ["/calls/new"]


async def test_a_fault_in_a_look_is_told_and_the_next_one_sends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with told(tmp_path) as (s, receiver):
        await make(s, receiver)
        sender = s.client.app[SENDER]
        failed = asyncio.Event()

        async def broken() -> int:
            failed.set()
            raise RuntimeError("a fault")

        with monkeypatch.context() as patch:
            patch.setattr(sender, "last", broken)
            await asyncio.wait_for(failed.wait(), 100)
        await asyncio.to_thread(end_calls, s.booth.store, 1)
        await becomes(s, "told", 1)
    assert "webhooks wait" in caplog.text


async def test_there_is_a_place_for_every_request(tmp_path: Path) -> None:
    async with told(tmp_path) as (s, receiver):
        await make(s, receiver)
        assert (await s.ask("POST", "/v1/webhooks/crm/test"))[1]["ok"] is True
        connector = s.client.app[SENDER]._sessions[True].connector
        assert connector is not None
        assert connector.limit >= WEBHOOKS_MAX * sending.AT_ONCE


async def test_redirects_are_not_followed(tmp_path: Path) -> None:
    async with told(tmp_path) as (s, receiver):
        receiver.status = lambda _n: 302
        await make(s, receiver)
        status, found = await s.ask("POST", "/v1/webhooks/crm/test")
        assert (status, found["ok"], found["status"]) == (200, False, 302)
        assert receiver.asked == ["/calls"]


async def test_a_test_event_says_how_it_went(tmp_path: Path) -> None:
    async with told(tmp_path) as (s, receiver):
        secret = await make(s, receiver)
        status, found = await s.ask("POST", "/v1/webhooks/crm/test")
        assert (status, found["ok"], found["status"]) == (200, True, 204)
        headers, event, body = receiver.got[0]
        assert (event["type"], event["data"]) == ("test", {"webhook": "crm"})
        assert signed(secret, headers, body)
        await receiver.server.close()
        status, found = await s.ask("POST", "/v1/webhooks/crm/test")
        assert (status, found["ok"], found["status"]) == (200, False, 0)
        assert found["detail"]


async def test_who_does_not_answer_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaching, "TOTAL_S", 0.2)
    async with told(tmp_path) as (s, receiver):
        receiver.hold.clear()
        await make(s, receiver)
        status, found = await s.ask("POST", "/v1/webhooks/crm/test")
        assert (status, found["ok"], found["detail"]) == (200, False, "no answer in time")


async def test_an_answer_without_end_is_not_read(tmp_path: Path) -> None:
    async with told(tmp_path) as (s, receiver):
        gone = asyncio.Event()

        async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            try:
                while True:
                    writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                    await writer.drain()
            except ConnectionError:
                gone.set()
            finally:
                writer.close()

        server = await asyncio.start_server(pour, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        await make(s, receiver, url=f"http://127.0.0.1:{port}/")
        status, found = await s.ask("POST", "/v1/webhooks/crm/test")
        assert (status, found["ok"], found["status"]) == (200, True, 200)
        await asyncio.wait_for(gone.wait(), 100)
        server.close()
        await server.wait_closed()


async def test_deliveries_are_bounded_and_go_with_their_webhook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with told(tmp_path) as (s, receiver):
        await make(s, receiver)
        await asyncio.to_thread(end_calls, s.booth.store, DELIVERIES_KEPT + 40)
        await becomes(s, "told", DELIVERIES_KEPT + 40)
        status, found = await s.ask("GET", "/v1/webhooks/crm/deliveries?limit=500")
        assert len(found["items"]) == DELIVERIES_KEPT
        status, gone = await s.ask("DELETE", "/v1/webhooks/crm")
        assert (status, gone["name"]) == (200, "crm")
        assert (await s.ask("GET", "/v1/webhooks/crm"))[0] == 404
        assert (await s.ask("DELETE", "/v1/webhooks/crm"))[0] == 404
        await make(s, receiver)
        assert (await s.ask("GET", "/v1/webhooks/crm/deliveries"))[1]["items"] == []


async def test_who_may_and_what_is_refused(tmp_path: Path) -> None:
    async with told(tmp_path) as (s, receiver):
        for role in (Role.SUPERVISOR, Role.VIEWER, Role.AGENT):
            secret = s.person(f"a-{role}", role)
            assert (await s.ask("GET", "/v1/webhooks", token=secret))[0] == 403
        await make(s, receiver)
        again = {"name": "crm", "url": receiver.url}
        assert (await s.ask("POST", "/v1/webhooks", again))[0] == 409
        for url in (
            "ftp://crm.example.com/", "https://user@crm.example.com/", "https://a b/",
            "https://crm.example.com/\r\nX: y", "https://crm.example.com\\@evil.example/", "crm",
        ):  # fmt: skip
            body = {"name": "other", "url": url}
            assert (await s.ask("POST", "/v1/webhooks", body))[0] == 422, url
        body = {"name": "other", "url": receiver.url, "campaigns": ["nosuch"]}
        status, problem = await s.ask("POST", "/v1/webhooks", body)
        assert (status, problem["errors"][0]["pointer"]) == (422, "/campaigns/0")
        assert (await s.ask("PUT", "/v1/webhooks/none", {"url": receiver.url}))[0] == 404


def test_waits_grow_are_spread_and_end() -> None:
    waits = [wait_s(n, 0.5) for n in range(1, 40)]
    assert waits[:4] == [WAIT_S_MIN, 2 * WAIT_S_MIN, 4 * WAIT_S_MIN, 8 * WAIT_S_MIN]
    assert waits == sorted(waits)
    assert waits[-1] == WAIT_S_MAX < GIVE_UP_S
    assert wait_s(1, 0.0) < wait_s(1, 0.9)


async def test_records_that_retention_took_away_are_counted(tmp_path: Path) -> None:
    async with told(tmp_path) as (s, receiver):
        await make(s, receiver)
        await s.ask("PUT", "/v1/webhooks/crm", {"url": receiver.url, "active": False})
        await asyncio.to_thread(end_calls, s.booth.store, 5)
        store: Any = s.booth.store

        def take_away() -> None:
            from dialerd.store import ended, wait

            assert wait(store._submit(lambda unit: ended.trim(unit, 1 << 50, (), 3), 3)) == 3

        await asyncio.to_thread(take_away)
        await s.ask("PUT", "/v1/webhooks/crm", {"url": receiver.url})
        found = await becomes(s, "told", 2)
        assert (found["missed"], found["waiting"]) == (3, 0)
