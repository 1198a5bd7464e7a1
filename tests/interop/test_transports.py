"""SIPp and Kamailio over TCP, TLS and IPv6; several SIPp of which one is out of order."""

from __future__ import annotations

import asyncio
import random
import socket
import subprocess
import time
from pathlib import Path

import pytest
import uvloop

from sip import sdp
from sip.events import Address, Ended, Failover, Invite, SipEvent
from sip.transport.io_dns import DnsResolver
from sip.transport.io_targets import Targets
from sip.transport.io_tls import TlsOptions
from sip.transport.local import Local, Transport, bracketed
from sip.transport.locate import Wanted
from tests.interop.kamailio import HOSTS, kamailio
from tests.interop.sipp import Sipp, sipp, sipp_program
from tests.ports import free_port
from tests.sip.authority import Authority
from tests.sip.nameserver import name_server
from tests.sip.stacks import HOST, Agent, answer, hang_up, local
from tests.waiting import Stalls

CALLS = 40
WINDOW = 10


async def place(agent: Agent, calls: int, *targets: Address, **wish: object) -> None:
    """So many calls, a few at a time, until each has ended."""
    host, port, flow = targets[0]
    kind = agent.endpoint.layer.identities[flow].local.transport
    begun = 0

    def call() -> None:
        nonlocal begun
        begun += 1
        uri = f"sip:{begun}@{bracketed(host)}:{port};transport={kind}"
        fields: dict[str, object] = {
            "leg": begun,
            "targets": targets,
            "request_uri": uri,
            "from_uri": f"sip:1@{HOST}",
            "to_uri": uri,
            "call_id": f"{begun}-{id(agent)}@x",
            "sdp": sdp.offer(HOST, 4_000, session_id=begun),
        }
        invite = Invite(**(fields | wish))  # type: ignore[arg-type]
        agent.endpoint.invite(invite, time.monotonic_ns())
        agent.stack.flush()

    react = agent.react

    def next_one(us: Agent, event: SipEvent) -> None:
        react(us, event)
        if isinstance(event, Ended) and begun < calls:
            call()

    agent.react = next_one
    for _ in range(min(calls, WINDOW)):
        call()
    await agent.until_ended(calls)


def run_calls(
    ours: Local, calls: int, peer: Sipp, *targets: Address, **wish: object
) -> tuple[Agent, dict[str, int]]:
    """Place them; SIPp's own judgement, made before we close a connection under it."""

    async def main() -> tuple[Agent, dict[str, int]]:
        agent = Agent(ours, react=hang_up)
        try:
            await place(agent, calls, *targets, **wish)
            return agent, await asyncio.to_thread(peer.finish)
        finally:
            agent.stack.close()

    return uvloop.run(main())


def all_answered(agent: Agent) -> bool:
    return {(e.code, e.by, e.answered) for e in agent.ended()} == {(200, "us", True)}


# ---- TCP and IPv6


@pytest.mark.parametrize(("kind", "host"), [("tcp", HOST), ("udp", "::1"), ("tcp", "::1")])
def test_we_call_sipp(tmp_path: Path, kind: Transport, host: str) -> None:
    where = {"host": host, "transport": kind}
    with sipp(tmp_path, "uas", CALLS, **where) as peer, Stalls() as stalls:
        agent, judged = run_calls(local(kind, host), CALLS, peer, (host, peer.port, 0))
    assert all_answered(agent)
    assert judged == {"code": 0, "successful": CALLS, "failed": 0, "retransmissions": 0}
    counts = agent.stack.statistics()
    assert stalls.least(counts["resent"]) == counts["malformed"] == 0
    if kind == "tcp":
        assert counts["connections_opened"] == 1


@pytest.mark.parametrize(
    ("how", "host"), [("t1", HOST), ("tn", HOST), ("u1", "::1"), ("un", "::1"), ("t1", "::1")]
)
def test_sipp_calls_us(tmp_path: Path, how: str, host: str) -> None:
    kind: Transport = "tcp" if how[0] == "t" else "udp"

    async def main() -> tuple[int, Agent]:
        agent = Agent(local(kind, host), react=answer)
        try:
            command = [
                sipp_program(), "-sn", "uac", f"{bracketed(host)}:{agent.stack.local()[1]}",
                "-i", host, "-t", how, "-m", str(CALLS), "-r", "200", "-nostdin",
                "-mp", str(free_port()), "-d", "10", "-timeout", "20",
                "-max_socket", "1000",
            ]  # fmt: skip
            run = await asyncio.to_thread(
                subprocess.run, command, cwd=tmp_path, capture_output=True, check=False, timeout=200
            )
            await agent.until_ended(CALLS)
        finally:
            agent.stack.close()
        return run.returncode, agent

    with Stalls() as stalls:
        code, agent = uvloop.run(main())
    assert code == 0
    assert {(e.code, e.by) for e in agent.ended()} == {(200, "them")}
    assert stalls.least(agent.stack.statistics()["resent"]) == 0
    if how == "tn":
        assert agent.stack.statistics()["connections_accepted"] == CALLS


# ---- failover


def silent_port() -> tuple[socket.socket, int]:
    mute = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    mute.bind((HOST, 0))
    return mute, int(mute.getsockname()[1])


@pytest.mark.parametrize("fault", ["gone", "silent", "503"])
def test_calls_move_on_from_a_gateway_that_is_out_of_order(tmp_path: Path, fault: str) -> None:
    """Each call moves; SIPp, the second gateway, sees every one of them whole."""
    mute, port = silent_port()
    first: Sipp | None = None
    calls = 5
    if fault == "gone":
        mute.close()
    elif fault == "503":
        mute.close()
        first = Sipp(tmp_path, "overloaded", calls, ())
        port = first.port
    try:
        with sipp(tmp_path, "uas", calls) as second:
            bad, good = (HOST, port, 0), (HOST, second.port, 0)
            agent, judged = run_calls(local("udp"), calls, second, bad, good, silence_s=1)
        if first is not None:
            assert first.finish()["failed"] == 0
    finally:
        mute.close()
        if first is not None:
            first.stop()
    assert all_answered(agent)
    code = 503 if fault == "503" else 0
    moves = [(e.target, e.code) for e in agent.events if isinstance(e, Failover)]
    assert moves == [(bad, code)] * calls
    assert (judged["successful"], judged["failed"]) == (calls, 0)


def test_a_503_with_retry_after_turns_later_calls_to_the_other_gateway(tmp_path: Path) -> None:
    async def main(port: int, bad: int, good: int) -> list[tuple[Address, ...]]:
        agent = Agent(local("udp"), react=hang_up)
        resolver = DnsResolver([HOST], port=port, hosts=Path("nowhere"))
        those = Targets(agent.stack, resolver, random.Random(1))
        orders: list[tuple[Address, ...]] = []
        try:
            for n in range(2):
                those.find(Wanted("pair.example.com", 0, "udp"), 0, orders.append)
                await agent.until(lambda n=n: len(orders) > n)  # type: ignore[misc]
                agent.call(n, *orders[n])
                await agent.until_ended(n + 1)
        finally:
            agent.stack.close()
        assert all_answered(agent)
        assert orders[0] == ((HOST, bad, 0), (HOST, good, 0))
        return orders

    with sipp(tmp_path, "overloaded", 1) as first, sipp(tmp_path, "uas", 2) as second:
        zone = [
            f"--srv-host=_sip._udp.pair.example.com,one.example.com,{first.port},10",
            f"--srv-host=_sip._udp.pair.example.com,one.example.com,{second.port},20",
            "--host-record=one.example.com,127.0.0.1",
        ]
        with name_server(*zone) as port:
            orders = uvloop.run(main(port, first.port, second.port))
        assert orders[1] == orders[0][::-1]
        assert second.finish()["successful"] == 2


# ---- a proxy that records its route by name


@pytest.mark.parametrize("kind", ["udp", "tcp", "tls"])
def test_through_kamailio_that_names_itself_in_record_route(
    tmp_path: Path, kind: Transport
) -> None:
    """The INVITE goes to one of its addresses, the name leads to the other: ACK and BYE go there.

    With TLS both must show the certificate of the domain that was called, or of the name.
    """
    certificate, options = None, None
    if kind == "tls":
        authority = Authority(tmp_path)
        certificate = authority.issue("proxy.example.com", "DNS:proxy.example.com")
        own = authority.issue("us", "DNS:us.example.com")
        options = TlsOptions(*own, authority.file)
    calls = 10

    async def main(name_port: int, port: int) -> tuple[Agent, set[tuple[bytes, str]]]:
        agent = Agent(local(kind), tls=options, react=hang_up)
        resolver = DnsResolver([HOST], port=name_port, hosts=Path("nowhere"))
        Targets(agent.stack, resolver, random.Random(1))
        sent: set[tuple[bytes, str]] = set()
        agent.stack.tap = lambda ours, data, peer, _now_ns, _near: (
            sent.add((data.split(b" ", 1)[0], peer[0])) if ours else None
        )
        if kind == "tls":
            agent.stream().expect(HOSTS[0], port, "proxy.example.com")
        try:
            await place(agent, calls, (HOSTS[0], port, 0))
        finally:
            agent.stack.close()
        return agent, sent

    proxy_port = free_port()
    with (
        sipp(tmp_path, "routed", calls) as peer,
        kamailio(tmp_path, kind, proxy_port, peer.port, certificate),
        name_server(f"--host-record=proxy.example.com,{HOSTS[1]}") as name_port,
    ):
        agent, sent = uvloop.run(main(name_port, proxy_port))
        judged = peer.finish()
    assert all_answered(agent)
    assert (judged["successful"], judged["failed"]) == (calls, 0)
    assert sent == {(b"INVITE", HOSTS[0]), (b"ACK", HOSTS[1]), (b"BYE", HOSTS[1])}
    if kind != "udp":
        assert agent.stack.statistics()["connections_opened"] == 2


# ---- junk


def test_junk_does_not_delay_a_call(tmp_path: Path) -> None:
    """Five thousand packets a second of nothing while calls go on: none is repeated."""
    junk = [b"", b"\r\n", b"x" * 1_400, bytes(range(256)), b"INVITE sip:a SIP/2.0\r\n\r\n"]
    junk += [b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nCSeq: 1 INVITE\r\n\r\n"]

    async def flood(agent: Agent, stop: asyncio.Event) -> int:
        sent = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
            source.setblocking(False)
            source.bind((HOST, 0))
            began = time.monotonic()
            while not stop.is_set():
                while sent < (time.monotonic() - began) * 5_000:
                    source.sendto(junk[sent % len(junk)], agent.stack.local()[:2])
                    sent += 1
                await asyncio.sleep(0.001)
        return sent

    async def main(port: int) -> tuple[Agent, int]:
        agent, stop = Agent(local("udp"), react=hang_up), asyncio.Event()
        try:
            flooding = asyncio.create_task(flood(agent, stop))
            for batch in range(10):
                agent.events.clear()
                for n in range(20):
                    agent.call(20 * batch + n, (HOST, port, 0))
                await agent.until_ended(20)
                assert all_answered(agent)
                await asyncio.sleep(0.1)
            stop.set()
            return agent, await flooding
        finally:
            agent.stack.close()

    with sipp(tmp_path, "uas", 200) as peer, Stalls() as stalls:
        agent, sent = uvloop.run(main(peer.port))
        judged = peer.finish()
    counts = agent.stack.statistics()
    assert sent > 1_000
    assert counts["malformed"] + counts["stray"] + counts["keepalives"] > sent * 0.9
    assert stalls.least(counts["resent"]) == counts["legs"] == 0
    assert judged == {"code": 0, "successful": 200, "failed": 0, "retransmissions": 0}
