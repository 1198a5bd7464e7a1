"""aiosip as a peer that breaks the rules of transactions: its calls end, ours do not suffer."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
import uvloop

from sip import sdp
from sip.events import Ended, Incoming, SipEvent
from tests.interop.desk import HOST, Desk
from tests.ports import free_port

pytestmark = pytest.mark.interop
PROGRAM = Path(__file__).with_name("aiosip_caller.py")
CALLS = 20
OURS = sdp.offer(HOST, 23_282, session_id=1)


def answer(desk: Desk, event: SipEvent) -> None:
    if isinstance(event, Incoming):
        desk.endpoint.ring(event.leg, desk.now_ns)
        desk.endpoint.accept(event.leg, OURS, desk.now_ns)


def test_its_calls_are_set_up_and_end_once(tmp_path: Path):
    async def main() -> tuple[list[SipEvent], dict[str, int]]:
        with Desk(free_port(), react=answer) as desk:
            ports = str(free_port()), str(desk.port)
            command = [sys.executable, str(PROGRAM), *ports, str(CALLS), "0.02"]
            done = await asyncio.to_thread(
                subprocess.run, command, cwd=tmp_path, capture_output=True, text=True, timeout=200
            )
            assert done.returncode == 0, done.stderr
            await desk.until(lambda: len(desk.ended()) == CALLS)
            return desk.events, desk.stack.statistics()

    told, counts = uvloop.run(main())
    per_leg: dict[int, list[type[SipEvent]]] = {}
    for event in told:
        per_leg.setdefault(event.leg, []).append(type(event))
    assert len(per_leg) == CALLS
    # No Established: the CSeq of its ACK names INVITE, so it is no ACK of ours.
    assert {tuple(kinds) for kinds in per_leg.values()} == {(Incoming, Ended)}
    ends = {(e.code, e.by, e.answered) for e in told if isinstance(e, Ended)}
    assert ends == {(200, "them", True)}
    assert counts["legs"] == 0
    assert counts["malformed"] == 2 * CALLS  # that ACK, and the one to the answer to its BYE
    assert counts["received"] == 4 * CALLS
    assert counts["sent"] == 3 * CALLS  # 180, 200 and the BYE's 200
