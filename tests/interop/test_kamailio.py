"""Accounts of ours at Kamailio: registered, refreshed, refused, taken back, called through it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvloop

from sip import sdp
from sip.accounts.auth import Credentials
from sip.events import (
    Accepted,
    Account,
    Ask,
    Ended,
    Incoming,
    Invite,
    Registration,
    SipEvent,
    Told,
)
from tests.interop.desk import HOST, Desk, offer
from tests.interop.kamailio_registrar import PASSWORD, kamailio
from tests.ports import free_port
from tests.waiting import Stalls

pytestmark = pytest.mark.interop
REALM = HOST


def account(port: int, user: str = "1001", password: str = PASSWORD, **how: Any) -> Account:
    fields: dict[str, Any] = {"expires_s": 60, **how}
    return Account(
        f"kamailio-{user}",
        f"sip:{user}@{REALM}",
        f"sip:{REALM}:{port}",
        ((HOST, port, 0),),
        Credentials(user, password),
        **fields,
    )


def run(main: Coroutine[Any, Any, None]) -> None:
    uvloop.run(main)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_registered_refreshed_and_taken_back(tmp_path: Path, algorithm: str):
    async def main(port: int) -> None:
        with Desk(free_port()) as desk:
            codes: list[bytes] = []
            desk.stack.tap = lambda ours, data, *_: ours or codes.append(data[8:11])
            desk.register(account(port, expires_s=2))
            await desk.until(lambda: desk.state("kamailio-1001") == "registered")
            assert desk.endpoint.statistics()["sent"] == 2, "challenged once"
            # Two refreshes, each with the nonce of the first challenge counted on.
            await desk.until(lambda: desk.endpoint.statistics()["sent"] >= 4)
            await desk.until(lambda: codes.count(b"200") >= 3)
            assert desk.state("kamailio-1001") == "registered"
            resent = desk.endpoint.statistics()["resent"]
            assert 1 <= codes.count(b"401") <= 1 + resent, "not challenged again"
            desk.endpoint.unregister("kamailio-1001", desk.now_ns)
            desk.flush()
            await desk.until(lambda: desk.state("kamailio-1001") == "gone")
        states = [(e.state, e.code) for e in desk.events if isinstance(e, Registration)]
        assert states == [("trying", 0), ("registered", 200), ("off", 200)]

    with kamailio(tmp_path, algorithm=algorithm, expires_s=2) as port:
        run(main(port))


def test_an_expired_nonce_is_replaced(tmp_path: Path):
    async def main(port: int) -> None:
        with Desk(free_port()) as desk:
            desk.register(account(port, expires_s=6))
            await desk.until(lambda: desk.state("kamailio-1001") == "registered")
            await desk.until(lambda: desk.endpoint.statistics()["sent"] >= 4)
            await asyncio.sleep(0.3)
            assert desk.state("kamailio-1001") == "registered"
            assert desk.endpoint.statistics()["sent"] == 4, "stale, and once more"

    with kamailio(tmp_path, expires_s=6, nonce_s=1) as port:
        run(main(port))


def test_a_wrong_password_is_a_state_to_be_seen(tmp_path: Path):
    async def main(port: int) -> None:
        with Desk(free_port()) as desk:
            desk.register(account(port, password="wrong"))
            await desk.until(lambda: desk.state("kamailio-1001") == "refused")
            found = desk.endpoint.registration("kamailio-1001")
            assert found is not None
            assert found.code == 401
            assert found.retry_s >= 30
            assert desk.endpoint.statistics()["sent"] == 2

    with kamailio(tmp_path) as port:
        run(main(port))


def taker(desk: Desk, event: SipEvent) -> None:
    """The called side: answers; the caller hangs up."""
    if isinstance(event, Incoming):
        desk.endpoint.ring(event.leg, desk.now_ns)
        body = sdp.answer(event.sdp, HOST, 40_000, session_id=1)
        desk.endpoint.accept(event.leg, body, desk.now_ns)


def caller(desk: Desk, event: SipEvent) -> None:
    if isinstance(event, Accepted):
        desk.endpoint.release(event.leg, desk.now_ns)


def call(desk: Desk, leg: int, target: str, port: int) -> Invite:
    return Invite(
        leg,
        ((HOST, port, 0),),
        target,
        f"sip:1001@{REALM}",
        target,
        f"{leg}-{desk.port}@{HOST}",
        offer(leg),
        credentials=Credentials("1001", PASSWORD),
    )


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_calls_through_a_proxy_that_challenges_and_stays_in_the_path(
    tmp_path: Path, algorithm: str
):
    """Each is challenged once; BYE says the nonce again, and passes by the recorded route."""
    calls = 20

    async def main(port: int) -> None:
        with Desk(free_port(), react=caller) as ours, Desk(free_port(), react=taker) as theirs:
            theirs.register(account(port, "1002"))
            await theirs.until(lambda: theirs.state("kamailio-1002") == "registered")
            target = f"sip:1002@{REALM}:{port}"
            for leg in range(1, calls + 1):
                ours.invite(call(ours, leg, target, port))
            await ours.until(lambda: len(ours.ended()) == calls)
            await theirs.until(lambda: len(theirs.ended()) == calls)
            told = {(e.code, e.by, e.answered) for e in ours.ended()}
            assert told == {(200, "us", True)}
            assert {(e.code, e.by) for e in theirs.ended()} == {(200, "them")}
            counts = ours.endpoint.statistics()
            # INVITE, ACK of 407, INVITE, ACK, BYE
            assert counts["sent"] >= 5 * calls
            assert stalls.least(counts["sent"] - 5 * calls + counts["resent"]) == 0

    with kamailio(tmp_path, algorithm=algorithm) as port, Stalls() as stalls:
        run(main(port))


def test_a_call_to_nobody_and_a_question(tmp_path: Path):
    async def main(port: int) -> None:
        with Desk(free_port()) as desk:
            target = f"sip:7777@{REALM}:{port}"
            desk.invite(call(desk, 1, target, port))
            await desk.until(desk.ended)
            [end] = desk.ended()
            assert isinstance(end, Ended)
            assert (end.code, end.phrase) == (404, "Not Found")
            ask = Ask(
                3, "OPTIONS", ((HOST, port, 0),), target, f"sip:1001@{REALM}", target, f"o-{port}"
            )
            desk.endpoint.ask(ask, desk.now_ns)
            desk.flush()
            await desk.until(lambda: isinstance(desk.events[-1], Told))
            told = desk.events[-1]
            assert isinstance(told, Told)
            assert (told.number, told.code, told.target) == (3, 404, (HOST, port, 0))

    with kamailio(tmp_path) as port:
        run(main(port))


def test_a_registrar_that_is_not_there_is_left_for_the_next(tmp_path: Path):
    async def main(port: int) -> None:
        nobody = free_port()
        with Desk(free_port()) as desk:
            desk.register(account(nobody))
            await desk.until(lambda: desk.state("kamailio-1001") == "waiting")
            found = desk.endpoint.registration("kamailio-1001")
            assert found is not None
            assert (found.code, found.reason) == (0, "unreachable")
            targets = ((HOST, nobody, 0), (HOST, port, 0))
            desk.register(msgspec.structs.replace(account(nobody), targets=targets))
            await desk.until(lambda: desk.state("kamailio-1001") == "registered")
            found = desk.endpoint.registration("kamailio-1001")
            assert found is not None
            assert found.target == (HOST, port, 0)

    with kamailio(tmp_path) as port:
        run(main(port))
