"""baresip at our registrar: registers, calls us, and is called where it registered."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from sip import sdp
from sip.accounts.digest_server import user
from sip.accounts.registrar import Phones
from sip.events import Accepted, Ended, Established, Incoming, Invite, Phone, SipEvent
from tests.interop.baresip import baresip
from tests.interop.desk import HOST, Desk, offer
from tests.ports import free_port

pytestmark = pytest.mark.interop
REALM = "office.vn"
SECRET = "telephone"
USERS = {name: user(name, REALM, SECRET) for name in ("1001", "1002")}


def run(main: Coroutine[Any, Any, None]) -> None:
    uvloop.run(main)


def answer(desk: Desk, event: SipEvent) -> None:
    if isinstance(event, Incoming):
        desk.endpoint.ring(event.leg, desk.now_ns)
        body = sdp.answer(event.sdp, HOST, 23_290, session_id=1)
        desk.endpoint.accept(event.leg, body, desk.now_ns)
    elif isinstance(event, Established | Accepted):
        desk.endpoint.release(event.leg, desk.now_ns)


def test_it_registers_and_is_called_and_takes_itself_back(tmp_path: Path):
    async def main() -> None:
        with Desk(free_port(), Phones(REALM, USERS, expires_s_min=10), answer) as desk:
            registrar = desk.endpoint.registrar
            assert registrar is not None
            with baresip(tmp_path, "1001", SECRET, desk.port) as phone:
                await desk.until(lambda: registrar.lookup("1001"))
                [found] = registrar.lookup("1001")
                assert found.target == (HOST, phone.port, 0)
                ours = f"sip:9@{REALM}"
                call = Invite(
                    7, (found.target,), found.request_uri, ours, "sip:1001@office.vn", "c7",
                    offer(7),
                )  # fmt: skip
                desk.invite(call)
                await desk.until(desk.ended)
                [end] = desk.ended()
                assert (end.leg, end.code, end.by, end.answered) == (7, 200, "us", True)
                await asyncio.to_thread(phone.stop)
                await desk.until(lambda: not registrar.lookup("1001"))
        seen = [(e.user, e.registered) for e in desk.events if isinstance(e, Phone)]
        assert seen == [("1001", True), ("1001", False)]

    run(main())


def test_it_calls_us_with_its_name_proved(tmp_path: Path):
    async def main() -> None:
        with Desk(free_port(), Phones(REALM, USERS, expires_s_min=10), answer) as desk:
            registrar = desk.endpoint.registrar
            assert registrar is not None
            dial = f"/dial sip:9@{HOST}:{desk.port}"
            with baresip(tmp_path, "1002", SECRET, desk.port, dial) as phone:
                await desk.until(desk.ended)
                await asyncio.to_thread(phone.stop)
            [call] = [e for e in desk.events if isinstance(e, Incoming)]
            assert (call.user, call.request_user) == ("1002", "9")
            [end] = desk.ended()
            assert isinstance(end, Ended)
            assert (end.code, end.by, end.answered) == (200, "us", True)

    run(main())


def test_with_a_wrong_password_it_is_not_let_in_and_then_not_answered(tmp_path: Path):
    async def main() -> None:
        with Desk(free_port(), Phones(REALM, USERS, expires_s_min=10), answer) as desk:
            registrar = desk.endpoint.registrar
            assert registrar is not None
            with baresip(tmp_path, "1001", "wrong", desk.port) as phone:
                await desk.until(lambda: desk.endpoint.statistics()["guesses"] >= 1)
                phone.kill()
            assert registrar.lookup("1001") == []

    run(main())
