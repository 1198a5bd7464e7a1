"""The size of our INVITE, and what happens above 1,300 bytes (RFC 3261 section 18.1.1)."""

from __future__ import annotations

import asyncio
import random
import time

from fastpath.sipscan import scan
from sip import sdp
from sip.accounts.auth import Credentials
from sip.endpoint import Endpoint
from sip.events import Ended, Failover, Invite, Send, SipEvent
from sip.limits import UDP_BYTES_MAX
from sip.transport.local import Local
from tests.ports import free_port
from tests.sip.net import OFFER, invite, reply
from tests.sip.stacks import HOST, Agent, answer, hang_up

UDP, TCP, UDP6 = ("192.0.2.2", 5060, 0), ("192.0.2.2", 5060, 1), ("2001:db8::2", 5060, 2)
LONG = (("Subject", "x" * 900),)


def endpoint(*more: Local) -> Endpoint:
    those = (Local("192.0.2.1", 5060), *more)
    return Endpoint(*those, rng=random.Random(1))


def both() -> Endpoint:
    return endpoint(Local("192.0.2.1", 5060, "tcp"), Local("2001:db8::1", 5060))


def sent(us: Endpoint) -> list[Send]:
    return [effect for effect in us.drain() if isinstance(effect, Send)]


NUMBER, DOMAIN = "+841234567890", "sip.carrier.example.vn"
IDENTITY = (("P-Asserted-Identity", f"<sip:{NUMBER}@{DOMAIN};user=phone>"),)
EVERYTHING = (
    *IDENTITY,
    ("P-Preferred-Identity", f"<sip:{NUMBER}@{DOMAIN};user=phone>"),
    ("Privacy", "id"),
    ("Diversion", f"<sip:{NUMBER}@{DOMAIN}>;reason=unconditional;counter=1"),
    ("P-Access-Network-Info", "IEEE-802.3"),
)


def usual(headers: tuple[tuple[str, str], ...]) -> tuple[Endpoint, bytes]:
    """Our INVITE to a trunk with two codecs, a session timer and 100rel."""
    us = Endpoint(Local("198.51.100.200", 50_600), rng=random.Random(1), user_agent="dialerd")
    us.invite(
        Invite(
            1, (UDP,), f"sip:{NUMBER}@{DOMAIN};user=phone", f"sip:{NUMBER}@{DOMAIN}",
            f"sip:{NUMBER}@{DOMAIN};user=phone", f"{'f' * 32}@198.51.100.200",
            sdp.offer("198.51.100.200", 30_000, session_id=2**31), display=NUMBER,
            headers=headers, session_s=1800, min_se_s=90, contact_user=NUMBER,
            credentials=Credentials("account-number-17", "password"),
        ),
        0,
    )  # fmt: skip
    return us, sent(us)[0].data


def test_our_invite_fits_with_everything_that_a_trunk_may_want() -> None:
    _, first = usual(EVERYTHING)
    assert 1_000 < len(first) <= UDP_BYTES_MAX


def test_with_credentials_it_still_fits_for_the_usual_trunk() -> None:
    us, first = usual(IDENTITY)
    challenge = f'WWW-Authenticate: Digest realm="{DOMAIN}", nonce="{"f" * 32}", qop="auth"\r\n'
    us.receive(reply(scan(first), 401, extra=challenge), UDP, 1)
    again = sent(us)[1].data
    assert b"\r\nAuthorization: Digest " in again
    assert len(first) < len(again) <= UDP_BYTES_MAX


def test_a_long_one_goes_by_udp_when_nobody_asked_for_anything_else() -> None:
    us = both()
    us.invite(invite(1, headers=LONG), 0)
    assert [s.target for s in sent(us)] == [UDP]


def test_a_long_one_goes_by_tcp_where_the_trunk_allows() -> None:
    us = both()
    us.invite(invite(1, headers=LONG, large_by_tcp=True), 0)
    (out,) = sent(us)
    assert out.target == TCP
    assert b"Via: SIP/2.0/TCP 192.0.2.1:5060" in out.data
    assert b"<sip:192.0.2.1:5060;transport=tcp>" in out.data


def test_a_short_one_does_not_and_neither_does_a_family_without_tcp() -> None:
    us = both()
    us.invite(invite(1, large_by_tcp=True), 0)
    assert [s.target for s in sent(us)] == [UDP]
    us.invite(invite(2, targets=(UDP6,), headers=LONG, large_by_tcp=True), 0)
    assert [s.target for s in sent(us)] == [UDP6]
    alone = endpoint()
    alone.invite(invite(3, headers=LONG, large_by_tcp=True), 0)
    assert [s.target for s in sent(alone)] == [UDP]


def test_tcp_refused_means_udp_after_all_and_then_the_next_target() -> None:
    us = both()
    third = ("192.0.2.3", 5060, 0)
    us.invite(invite(1, targets=(UDP, third), headers=LONG, large_by_tcp=True), 0)
    assert [s.target for s in sent(us)] == [TCP]
    us.unreachable(TCP, 1)
    out = us.drain()
    assert [type(e) for e in out] == [Failover, Send]
    assert [e.target for e in out if isinstance(e, Send)] == [UDP]
    us.unreachable(UDP, 2)
    assert [s.target for s in sent(us)] == [("192.0.2.3", 5060, 1)]
    us.unreachable(("192.0.2.3", 5060, 1), 3)
    assert [s.target for s in sent(us)] == [third]
    us.unreachable(third, 4)
    assert [type(e) for e in us.drain()] == [Ended]


def test_credentials_may_be_what_makes_it_long() -> None:
    us = both()
    room = (("Subject", "x" * 600),)
    request = invite(
        1, sdp=OFFER, headers=room, credentials=Credentials("1900", "pw"), large_by_tcp=True
    )
    us.invite(request, 0)
    (first,) = sent(us)
    assert first.target == UDP
    extra = 'WWW-Authenticate: Digest realm="r", nonce="' + "n" * 150 + '", qop="auth"\r\n'
    us.receive(reply(scan(first.data), 401, extra=extra), UDP, 1)
    ack, second = sent(us)
    assert (scan(ack.data).method, ack.target) == ("ACK", UDP)
    assert second.target == TCP
    assert b"Authorization: Digest " in second.data
    assert scan(second.data).cseq == 2


def test_between_stacks_with_and_without_a_listener() -> None:
    async def main() -> None:
        def large(agent: Agent, leg: int, port: int) -> None:
            uri = f"sip:1@{HOST}:{port}"
            request = Invite(
                leg, ((HOST, port, 0),), uri, uri, uri, f"{leg}-{port}@x", OFFER, headers=LONG,
                large_by_tcp=True,
            )  # fmt: skip
            agent.endpoint.invite(request, time.monotonic_ns())
            agent.stack.flush()

        def react(agent: Agent, event: SipEvent) -> None:
            hang_up(agent, event)

        here = Agent(Local(HOST, free_port()), Local(HOST, free_port(), "tcp"), react=react)
        port = free_port()
        modern = Agent(Local(HOST, port), Local(HOST, port, "tcp"), react=answer)
        old = Agent(Local(HOST, free_port()), react=answer)
        try:
            large(here, 1, port)
            large(here, 2, old.stack.local()[1])
            await here.until_ended(2)
        finally:
            for agent in (here, modern, old):
                agent.stack.close()
        assert {e.code for e in here.ended()} == {200}
        assert modern.stack.statistics()["stream_received"] == 3
        assert modern.stack.statistics()["datagrams_received"] == 0
        assert old.stack.statistics()["datagrams_received"] == 3

    asyncio.run(main())
