"""What runs SIPp for tests: one that finds a port taken is begun anew on others."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.interop import sipp
from tests.ports import HOST


def test_a_port_for_video_that_somebody_took_is_no_failure(tmp_path: Path, monkeypatch) -> None:
    given: list[int] = []
    choose = sipp._media_port

    def once_too_late(host: str) -> int:
        given.append(choose(host))
        if len(given) == 1:
            other.bind((HOST, given[0] + sipp.VIDEO))
        return given[-1]

    monkeypatch.setattr(sipp, "_media_port", once_too_late)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        sipp.sipp(tmp_path, "uas") as peer,
    ):
        assert peer.process.poll() is None
        assert (len(given), peer.media_port) == (2, given[1])
