"""A campaign's brand name as the carrier sees it; and a daemon that dials with no HTTP process."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialerd.core.records import Outcome
from dialerd.core.tracing import GetTrace
from sip.messages.address import parse
from tests.daemon.test_daemon import broadcast, people, until_finished
from tests.interop.sipp import sipp

BRAND = 'Ngân hàng "ACME" \\ Co'


def children(pid: int) -> list[str]:
    """What the processes that a process started are called by."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            line = Path(f"/proc/{child}/cmdline").read_bytes()
            found.append(line.replace(b"\0", b" ").decode())
    return found


@pytest.mark.interop
def test_row_74_a_daemon_without_http_dials_and_shows_its_brand(daemon, tmp_path) -> None:
    """SIPp takes the escaped name; who reads it back has the brand, sign by sign."""
    with sipp(tmp_path, "uas", 2) as gateway:
        d = daemon(gateway=gateway.port).start()
        with d.ready() as client:
            people(d.folder, 2)
            broadcast(client, caller_name=BRAND, caller_id="+842871000000")
            assert not any("admin_http" in one for one in children(d.process.pid))
            books = until_finished(client)
            found = client.call(GetTrace(call="0912000001"))
        judged = gateway.finish()
        d.stop()
    assert books.outcomes[Outcome.ANSWERED] == 2
    assert judged["failed"] == 0
    invite = found.messages[0].data.decode()
    (line,) = [line for line in invite.split("\r\n") if line.startswith("From: ")]
    shown = parse(line.removeprefix("From: "))
    assert shown.display == BRAND
    assert "842871000000" in str(shown.uri)
