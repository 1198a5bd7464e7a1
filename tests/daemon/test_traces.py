"""`dialerd trace` against a running daemon: what SIPp was told is what is drawn."""

from __future__ import annotations

import json

from dialerd.core import control as api
from dialerd.core.tracing import GetTrace, ListTraces
from tests.command_line import dialerd
from tests.daemon.test_daemon import broadcast, people, until_finished
from tests.interop.sipp import sipp


def test_a_campaigns_calls_are_traced_and_found_by_number(daemon, tmp_path) -> None:
    with sipp(tmp_path, "uas", 3) as gateway:
        d = daemon(gateway=gateway.port).start()
        with d.ready() as client:
            people(d.folder, 3)
            broadcast(client)
            until_finished(client)
            listed = client.call(ListTraces())
            found = client.call(GetTrace(call="0912000001"))
            counters = client.call(api.GetStatus()).counters
        drawn = dialerd("trace", "-c", d.config, "0912000001").splitlines()
        rows = json.loads(dialerd("trace", "-c", d.config, found.calls[0].call_id, "--json"))
        d.stop()
    assert {c.called for c in listed.items} == {f"+8491200000{n}" for n in range(3)}
    assert counters["sip_trace_calls"] == 3
    shown = [line.split("|")[1].strip("-<> ") for line in drawn[4:]]
    assert [line.split("  ")[0] for line in shown] == [
        "INVITE", "180 Ringing", "200 OK", "ACK", "BYE", "200 OK (BYE)",
    ]  # fmt: skip
    assert "PCMA,PCMU,events" in shown[0]
    assert [m["what"] for m in rows["messages"]][:2] == ["INVITE", "180 Ringing"]


def test_tracing_may_be_off(daemon) -> None:
    d = daemon()
    d.config.write_text(d.config.read_text() + "[trace]\nenabled = false\n")
    d.start()
    with d.ready():
        refused = dialerd("trace", "-c", d.config, "x", code=1)
    d.stop()
    assert "[trace] enabled" in refused
