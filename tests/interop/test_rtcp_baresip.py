"""RTCP with baresip, over a way that loses: both ends, their reports and tshark count the same."""

from __future__ import annotations

import asyncio
import random
import re
import time
from pathlib import Path

import pytest
import uvloop
from msgspec.structs import replace

from dialerd.shell.following import follow
from fastpath.rtp import MediaEngine, StreamStats
from sip import sdp
from sip.calls.negotiation import Capabilities, Negotiation
from sip.events import Accepted, Invite, SipEvent
from sip.tracing.pcap import Packet
from tests.interop.agent import HOST, Agent
from tests.interop.echoing import echoing_phone
from tests.interop.relaying import Relay, flows, is_rtcp, reports, tshark, written
from tests.ports import free_port, media_ports

pytestmark = pytest.mark.interop
SECONDS = 6.2  # baresip says its first report after five
LATE = 12  # packets that a busy machine lets overtake
MORE = "rtp_stats yes\nrtcp_mux {mux}\n"


class Call:
    """One call of ours to a baresip, its audio by way of a relay; we offer RTCP on one port."""

    def __init__(self, engine: MediaEngine, folder: Path, *, mux: bool) -> None:
        self.engine, self.folder, self.mux = engine, folder, mux
        folder.mkdir()
        self.relay = Relay(lose=10, delay_s=0.012)
        self.stream = engine.open(HOST, *media_ports())
        can = Capabilities(HOST, self.relay.port, rtcp_mux=True)
        self.machine = Negotiation(can, 1, random.SystemRandom())
        self.media: sdp.Media | None = None
        self.stats: StreamStats | None = None
        self.ready: asyncio.Task[None] | None = None
        self.port = free_port()
        self.rtp = engine.port(self.stream)

    async def run(self) -> None:
        agent = Agent(free_port(), self.react)
        try:
            target, ours = f"sip:tel@{HOST}:{self.port}", f"sip:1900@{HOST}"
            text = self.machine.offer()
            call = Invite(1, ((HOST, self.port, 0),), target, ours, target, "rtcp@x", text)
            agent.endpoint.invite(call, time.monotonic_ns())
            agent.transport.flush()
            await agent.until_ended(1)
        finally:
            agent.transport.close()
            self.relay.close()

    def react(self, agent: Agent, event: SipEvent) -> None:
        if isinstance(event, Accepted):
            self.media = sdp.settle(agent.endpoint.description(event.leg), event.sdp)
            self.ready = asyncio.get_running_loop().create_task(self.begin(self.media))
            agent.later(SECONDS, lambda: self.finish(agent, event.leg))

    async def begin(self, media: sdp.Media) -> None:
        await self.relay.open(self.engine.port(self.stream), media.port)
        follow(self.engine, self.stream, replace(media, port=self.relay.port), None)

    def finish(self, agent: Agent, leg: int) -> None:
        """No audio passes any more; when all of it is read, goodbye with a last report."""
        self.relay.open_for_rtp = False
        agent.later(0.3, lambda: self.part(agent, leg))

    def part(self, agent: Agent, leg: int) -> None:
        self.stats = self.engine.close(self.stream)
        agent.later(0.1, lambda: agent.release(leg))

    def log(self) -> dict[str, tuple[float, float]]:
        """What baresip prints at the end: what it sent and what it received."""
        text = (self.folder / "log").read_text()
        rows = re.findall(r"^(packets|lost|jitter|errors): +([\d.]+) +([\d.]+)", text, re.MULTILINE)
        return {name: (float(sent), float(received)) for name, sent, received in rows}


def sequence(packet: Packet, after: int) -> int:
    """How many numbers of RTP it comes after another one."""
    return (int.from_bytes(packet.data[2:4], "big") - after) & 0xFFFF


def audio(call: Call) -> tuple[list[Packet], list[Packet]]:
    """The RTP of both, ours first; without those that came before there was anybody to hear."""
    assert call.stats is not None
    every = [p for p in call.relay.packets if not is_rtcp(p.data)]
    theirs = [p for p in every if p.source[1] != call.rtp]
    early = len(theirs) - call.stats.received
    assert 0 <= early <= call.stats.early
    return [p for p in every if p.source[1] == call.rtp], theirs[early:]


def check(call: Call, path: Path) -> None:
    stats, said = call.stats, call.log()
    assert stats is not None
    said_by_us, said_by_them = audio(call)
    told_all = [p for p in call.relay.packets if is_rtcp(p.data)]
    written(path, sorted((*said_by_us, *said_by_them, *told_all), key=lambda p: p.wall_ns))
    assert tshark(path, "-Y", "_ws.malformed or _ws.expert.severity == error") == ""
    by_ssrc = flows(path)
    [(ours, sent)] = [(ssrc, f) for ssrc, f in by_ssrc.items() if f.source == call.rtp]
    [(theirs, heard)] = [(ssrc, f) for ssrc, f in by_ssrc.items() if f.source != call.rtp]
    # what we heard: our statistics, tshark's, and what our last report made baresip print
    assert (stats.received, stats.lost) == (heard.packets, heard.lost)
    assert stats.lost == said["lost"][0] > 20
    assert (stats.loss_runs, stats.loss_run_max) == (stats.lost, 1)
    for theirs_ms in (heard.jitter_ms, said["jitter"][0]):
        assert 0.6 * theirs_ms < stats.jitter_ms < 1.6 * theirs_ms
    # what baresip heard: its last report as tshark reads it is what our statistics tell
    told = [r for r in reports(path) if (r.sender, r.about) == (theirs, ours)][-1]
    assert (stats.peer_lost, stats.peer_jitter_ms) == (told.lost, told.jitter / 8)
    first = sequence(said_by_us[0], 0)
    due = ((told.highest - first) & 0xFFFF) + 1
    came = sum(sequence(p, first) < due for p in said_by_us)
    # what the relay delays, baresip may read after its report
    assert 15 < due - came <= told.lost <= due - came + LATE
    assert said["lost"][1] in {call.relay.lost[call.rtp] - 1, call.relay.lost[call.rtp]}
    assert sent.lost >= told.lost
    assert stats.rtt_ms is not None
    # and where the reports went
    ports = {p.target[1] % 2 for p in told_all}
    assert ports == ({0} if call.mux else {1})
    assert stats.rtcp_dropped <= 1, "baresip begins with an APP, which is no report (RFC 3550 6.1)"


def test_both_ends_and_tshark_count_the_same(tmp_path: Path, engine: MediaEngine) -> None:
    """At once over one port (RFC 5761) and, with a peer that does not take it, over two."""
    muxed = Call(engine, tmp_path / "mux", mux=True)
    beside = Call(engine, tmp_path / "beside", mux=False)

    async def main() -> None:
        await asyncio.gather(muxed.run(), beside.run())

    with (
        echoing_phone(muxed.folder, muxed.port, "", more=MORE.format(mux="yes")),
        echoing_phone(beside.folder, beside.port, "", more=MORE.format(mux="no")),
    ):
        uvloop.run(main())
    for call in (muxed, beside):
        check(call, call.folder / "heard.pcap")
        assert call.media is not None
        assert call.media.rtcp_mux == call.mux
