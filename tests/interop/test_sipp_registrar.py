"""Accounts of ours at registrars that SIPp plays: it checks every number and proof itself."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from sip.accounts.auth import Credentials
from sip.events import Account, Registration
from tests.interop.desk import HOST, Desk
from tests.interop.sipp import sipp
from tests.ports import free_port

pytestmark = pytest.mark.interop
CLEAN = {"code": 0, "successful": 1, "failed": 0, "retransmissions": 0}


def account(*ports: int) -> Account:
    targets = tuple((HOST, port, 0) for port in ports)
    who = Credentials("1001", "secret")
    return Account("carrier", "sip:1001@carrier", "sip:carrier", targets, who, 60)


def run(main: Coroutine[Any, Any, list[Registration]]) -> list[Registration]:
    return uvloop.run(main)


async def registered(*ports: int) -> list[Registration]:
    with Desk(free_port()) as desk:
        desk.register(account(*ports))
        await desk.until(lambda: desk.state("carrier") == "registered")
        return [event for event in desk.events if isinstance(event, Registration)]


def test_challenged_too_brief_stale_refreshed_and_taken_back(tmp_path: Path):
    async def main(port: int) -> list[Registration]:
        with Desk(free_port()) as desk:
            desk.register(account(port))
            await desk.until(lambda: desk.state("carrier") == "registered")
            found = desk.endpoint.registration("carrier")
            assert found is not None
            assert (found.expires_s, found.service_route) == (2, ("<sip:s1.carrier;lr>",))

            def refreshed() -> bool:
                now = desk.endpoint.registration("carrier")
                return now is not None and now.expires_s == 100

            await desk.until(refreshed)
            desk.endpoint.unregister("carrier", desk.now_ns)
            desk.flush()
            await desk.until(lambda: desk.state("carrier") == "gone")
            return [event for event in desk.events if isinstance(event, Registration)]

    with sipp(tmp_path, "registrar") as peer:
        told = run(main(peer.port))
        assert peer.finish() == CLEAN
    assert [e.state for e in told] == ["trying", "registered", "registered", "off"]
    assert [e.service_route for e in told[1:3]] == [("<sip:s1.carrier;lr>",), ()]


def test_a_proxy_and_the_registrar_both_challenge(tmp_path: Path):
    with sipp(tmp_path, "registrar_behind_a_proxy") as peer:
        told = run(registered(peer.port))
        assert peer.finish() == CLEAN
    assert [(e.state, e.expires_s) for e in told] == [("trying", 0), ("registered", 100)]


def test_503_leads_to_the_next_registrar(tmp_path: Path):
    with sipp(tmp_path, "registrar_down") as down:
        with sipp(tmp_path, "registrar_behind_a_proxy") as peer:
            told = run(registered(down.port, peer.port))
            assert peer.finish() == CLEAN
        assert down.finish() == CLEAN
    assert (told[-1].state, told[-1].target) == ("registered", (HOST, peer.port, 0))
