"""Legs to the telephones of agents, with the real endpoint, registrar and media engine."""

from __future__ import annotations

import asyncio
import random
import socket
import time

import pytest
from msgspec import structs

from dialerd.core import events as ev
from dialerd.core.effects import Bridge, Hold, Release, RingAgent, SendKeys, Unbridge
from dialerd.core.ops import PHONE_LEGS
from dialerd.core.records import Outcome
from dialerd.lines.phone_line import PhoneLines
from dialerd.lines.sip_line import SipLines
from dialerd.shell.calls import Calls
from dialerd.shell.clock import Clock
from dialerd.shell.ears import Ears
from dialerd.shell.media import Media
from dialerd.shell.prompt_table import Prompts
from dialerd.shell.sip_stack import Bind, Stack, StackSettings
from fastpath.rtp import MediaEngine
from sip import sdp
from sip.accounts.digest_server import user
from sip.accounts.registrar import Phones
from sip.accounts.saved import Saved
from sip.events import Accepted, Ended, Provisional
from tests.ports import media_ports
from tests.waiting import until

HOST = "127.0.0.1"
RING = RingAgent(0, 7, "lan", "1001", "shift-7@h")


class Office:
    """Calls, a telephone's socket, and what the dialer hears."""

    def __init__(self, folder):
        self.engine = MediaEngine(streams_max=8)
        self.told = []
        prompts = Prompts(self.engine, (folder,))
        self.media = Media(self.engine, prompts, HOST, HOST, media_ports(), self.told.append)
        self.loop = asyncio.new_event_loop()  # it never runs: datagrams are looked at by hand
        rng = random.Random(1)
        phones = Phones(realm="r", users={"1001": user("1001", "r", "secret")})
        self.stack = Stack(
            StackSettings((Bind(HOST, 0, side="phone"),), phones=phones), self.loop, rng, Clock()
        )
        self.lines = PhoneLines(HOST, rng)
        self.calls = Calls(
            self.stack, SipLines({}, HOST, rng), self.lines, self.media, self.told.append, Ears()
        )
        self.calls.keeps = self.keep
        self.kept = {}  # lines of telephones, by their numbers
        self.phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.phone.bind((HOST, 0))
        self.phone.setblocking(False)

    def keep(self, number, keep):
        assert number >= PHONE_LEGS
        self.kept[number] = keep.line
        if keep.waits:
            self.calls.kept(keep.leg, kept=True)

    def register(self):
        port = self.phone.getsockname()[1]
        saved = Saved("1001", f"sip:1001@{HOST}:{port}", (HOST, port, 0), 60, "reg", 1)
        registrar = self.stack.endpoint.registrar
        assert registrar.restore([saved], time.monotonic_ns()) == 1

    def heard(self):
        """What the telephone was sent."""
        found = []
        while True:
            try:
                found.append(self.phone.recv(4096))
            except BlockingIOError:
                return found

    def close(self):
        self.phone.close()
        self.engine.stop()
        self.stack.close()
        self.loop.close()


@pytest.fixture
def office(tmp_path):
    one = Office(tmp_path)
    yield one
    one.close()


def answer(port):
    return sdp.offer(HOST, port, session_id=1)


def test_a_registered_telephone_is_rung_where_it_is(office):
    office.register()
    office.calls.ring(RING)
    (invite,) = office.heard()
    assert invite.startswith(b"INVITE sip:1001@127.0.0.1:")
    assert b"Call-ID: shift-7@h\r\n" in invite
    assert b"From: <sip:dialerd@127.0.0.1>" in invite
    assert b"Session-Expires: 1800" in invite, "a leg of a daemon that died ends by itself"
    assert b"telephone-event" in invite
    assert len(office.lines) == 1
    office.calls.on_sip(Provisional(7, 180, None))
    office.calls.on_sip(Accepted(7, answer(40_000)))
    office.calls.on_sip(Ended(7, 200, "", 16, "them", True))
    assert office.told == [
        ev.Ringing(7), ev.Answered(7), ev.Released(7, Outcome.ANSWERED, 200, 16, "them")
    ]  # fmt: skip
    assert len(office.lines) == 0


def test_a_telephone_is_asked_to_answer_by_itself_where_an_agent_answers_elsewhere(office):
    office.register()
    office.calls.ring(RING)
    office.calls.ring(structs.replace(RING, leg=8, call_id="again-8@h", answers=True))
    first, again = office.heard()
    assert b"answer-after" not in first
    assert b"alert-autoanswer" not in first
    assert b"Call-Info: <sip:127.0.0.1>;answer-after=0\r\n" in again
    assert b"Alert-Info: <http://127.0.0.1>;info=alert-autoanswer;delay=0\r\n" in again


def test_a_telephone_that_is_not_registered_is_told_as_away(office):
    office.calls.ring(RING)
    assert office.told == [ev.Released(7, Outcome.UNREACHABLE, 480, by="us")]
    assert not office.heard()
    assert len(office.lines) == 0


def test_a_telephone_that_refuses_is_no_fault_of_a_trunk(office):
    office.register()
    office.calls.ring(RING)
    office.calls.on_sip(Ended(7, 486, "Busy Here", 17, "them", False))
    (told,) = office.told
    assert (told.outcome, told.code, told.advance) == (Outcome.BUSY, 486, False)


def test_no_stream_left_is_a_failure_that_is_told(office):
    office.register()
    for leg in range(10, 18):
        office.media.open(leg)
    office.calls.ring(RING)
    assert office.told == [ev.Released(7, Outcome.FAILED, by="us")]
    assert not office.heard()


def test_a_telephone_that_rings_is_hung_up_by_a_cancel(office):
    office.register()
    office.calls.ring(RING)
    office.heard()
    office.calls.on_sip(Provisional(7, 180, None))
    office.calls.release(Release(0, 7))
    assert len(office.lines) == 1, "until its end is told"


def talk(office, legs):
    """Two sockets that stand for customer and agent, each answered."""
    sockets = []
    for leg in legs:
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.bind((HOST, 0))
        peer.settimeout(100)
        ours = office.media.open(leg)
        offered = sdp.offer(HOST, ours, session_id=leg)
        assert office.media.connect(leg, offered, answer(peer.getsockname()[1]))
        sockets.append((peer, ours))
    return sockets


def packet(number, payload):
    """One of PCMU."""
    order = number.to_bytes(2, "big") + (number * 160).to_bytes(4, "big")
    return b"\x80\x00" + order + b"SSRC" + payload


def received(office, leg):
    """How many packets of a peer the engine has read."""
    return office.engine.stats(office.media._streams[leg]).received


def said(peer, payload):
    """Whether the peer hears this payload among what it is sent."""
    return any(peer.recv(2048)[12:] == payload for _ in range(20))


def test_a_bridge_carries_both_ways_and_ends_what_plays(office):
    office.engine.start()
    (customer, his), (agent, hers) = talk(office, (1, 2))
    with customer, agent:
        office.calls.bridge(Bridge(1, 1, 2))
        for number in range(1, 25):
            customer.sendto(packet(number, b"\x11" * 160), (HOST, his))
            agent.sendto(packet(number, b"\x22" * 160), (HOST, hers))
            for leg in (1, 2):  # a burst is more than a bridge holds
                until(lambda leg=leg, n=number: received(office, leg) >= n)
        assert said(agent, b"\x11" * 160)
        assert said(customer, b"\x22" * 160)
        office.calls.unbridge(Unbridge(1, 1))
        until(lambda: office.engine.bridged(office.media._streams[1]) is None, 5)
        office.media.close(1)
        office.media.close(2)


def test_keys_of_an_agent_leave_as_events_and_only_to_the_customer(office):
    office.engine.start()
    (customer, his), (agent, _) = talk(office, (1, 2))
    with customer, agent:
        office.calls.bridge(Bridge(1, 1, 2))
        customer.sendto(packet(1, b"\x11" * 160), (HOST, his))
        assert said(agent, b"\x11" * 160)
        office.calls.send_keys(SendKeys(1, 1, "7#"))
        keys = []
        while keys[-1:] != [11]:
            got = customer.recv(2048)
            if got[1] & 0x7F == 101:
                keys.append(got[12])
        assert sorted(set(keys)) == [7, 11]
        office.calls.send_keys(SendKeys(1, 9, "1"))  # a leg that is gone
        for leg in (1, 2):
            office.media.close(leg)


def test_a_leg_that_is_gone_is_neither_bridged_nor_held(office):
    (pair,) = talk(office, (1,))
    with pair[0]:
        assert not office.media.bridge(1, 2)
        assert not office.media.hold(2, "music")
        assert not office.media.hold(1, "no-such-prompt")
        office.media.unbridge(2)
        office.calls.hold(Hold(1, 1, "no-such-prompt"))
        office.media.close(1)
    assert office.told == []
