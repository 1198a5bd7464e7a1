"""Descriptions as gateways send them, by SIPp: many streams, moves, other codecs, refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from sip import sdp
from sip.events import Ended, Established, Incoming, Renegotiated
from tests.interop.agent import HOST, answer, take
from tests.interop.sipp import sipp
from tests.ports import free_port

pytestmark = pytest.mark.interop


def test_many_streams_a_move_a_codec_that_nobody_speaks_and_a_delayed_offer(tmp_path: Path) -> None:
    """SIPp checks every place of our answers; here is what our side made of its offers."""
    port = free_port()

    def caller() -> dict[str, int]:
        with sipp(tmp_path, "calls_with_many_streams", 1, f"{HOST}:{port}") as peer:
            return peer.finish()

    agent, result = take(port, caller, answer, 1)
    assert isinstance(result, dict)
    assert (result["code"], result["successful"], result["failed"]) == (0, 1, 0)
    kinds = [type(e) for e in agent.events]
    assert kinds == [Incoming, Established, Renegotiated, Renegotiated, Ended]
    first, moved, last = (
        sdp.parse(e.sdp) for e in agent.events if isinstance(e, Incoming | Renegotiated)
    )
    assert (first.host, first.law, first.event_type) == ("127.0.0.9", "PCMA", 98)
    assert first.rtcp == ("127.0.0.9", 6_011)
    assert (moved.host, moved.port, moved.law) == (HOST, 6_020, "PCMU")
    assert last.host == "127.0.0.10"
