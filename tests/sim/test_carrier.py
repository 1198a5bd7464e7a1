"""The simulated carrier as a process: called by SIPp and by our own stack."""

from __future__ import annotations

import asyncio
import itertools
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from dialerd.sim.io_procs import Child, wait_until
from dialerd.sim.ledger import Books, read_ledgers
from dialerd.sim.people import Fate, Person, Shares, Town, person
from fastpath.rtp import DigitHeard, MediaEngine
from sip import sdp
from sip.endpoint import Endpoint
from sip.events import Accepted, Ended, Invite, Provisional, SipEvent
from sip.transport.io_udp import udp_stack
from sip.transport.local import Local
from tests.ports import free_port, media_ports

PORT, CALLER, SIPP, SIPP_RTP, NOBODY = (free_port() for _ in range(5))
RTP = media_ports()
SEED = 3
SPEED = 10.0
RINGS_S = 25.0  # before speed


INVITE = (
    f"INVITE sip:84912000001@127.0.0.1:{PORT} SIP/2.0\r\n"
    f"Via: SIP/2.0/UDP 127.0.0.1:{SIPP};branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
    "From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:84912000001@127.0.0.1>\r\nCall-ID: x\r\n"
    f"CSeq: 1 INVITE\r\nContact: <sip:a@127.0.0.1:{SIPP}>\r\nContent-Length: 0\r\n\r\n"
).encode()


def people(**shares: float) -> str:
    weights = dict.fromkeys(Shares.__struct_fields__, 0.0) | shares
    head = f"speed = {SPEED}\nnetwork_ring_s_max = {RINGS_S}\n[shares]\n"
    return head + "\n".join(f"{k} = {float(v)}" for k, v in weights.items())


@pytest.fixture
def carrier(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Starts carriers; all are ended."""
    children: list[Child] = []

    def start(*more: str, ledger: Path = tmp_path / "ledger", **shares: float) -> Child:
        file = tmp_path / "people.toml"
        file.write_text(people(**shares))
        arguments = {
            "name": "viettel", "port": PORT, "seed": SEED, "ledger": ledger, "people": file,
            "rtp-low": RTP[0], "rtp-high": RTP[1],
        }  # fmt: skip
        options = [text for k, v in arguments.items() for text in (f"--{k}", str(v))]
        command = [sys.executable, "-m", "dialerd.sim.io_carrier", *options, *more]
        child = Child("carrier", command, tmp_path / "carrier.log")
        children.append(child)
        return child

    yield start
    for child in children:
        child.stop()


def ready(child: Child) -> Child:
    wait_until(lambda: b'"ready": true' in child.log.read_bytes(), [child], 20, "the carrier")
    return child


class Caller:
    """Our own stack as the dialer at the far end: calls, plays silence, hears keys, hangs up."""

    legs = itertools.count(1)  # so that no two calls of a run have one Call-ID

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.endpoint = Endpoint(Local("127.0.0.1", CALLER), rng=random.Random(next(Caller.legs)))
        self.udp = udp_stack(self.endpoint, "127.0.0.1", CALLER, loop, self.on_event)
        self.engine = MediaEngine(priority=0, streams_max=64)
        self.engine.start()
        loop.add_reader(self.engine.fileno(), self.on_media)
        self.loop = loop
        self.streams: dict[int, int] = {}
        self.said: dict[int, list[SipEvent]] = {}
        self.heard: dict[int, str] = {}
        self.received: dict[int, int] = {}
        self.live = 0
        self.news = asyncio.Event()

    def close(self) -> None:
        self.loop.remove_reader(self.engine.fileno())
        self.engine.stop()
        self.udp.close()

    def call(self, user: str, *, patience_s: float = 30.0, body: bytes | None = None) -> int:
        leg = next(Caller.legs)
        stream = self.engine.open("127.0.0.1", *RTP)
        self.streams[leg] = stream
        self.said[leg] = []
        self.heard[leg] = ""
        self.live += 1
        if body is None:
            body = sdp.offer("127.0.0.1", self.engine.port(stream), session_id=leg)
        uri = f"sip:{user}@127.0.0.1:{PORT}"
        request = Invite(
            leg,
            (("127.0.0.1", PORT, 0),),
            uri,
            "sip:t@127.0.0.1",
            uri,
            f"{leg:016x}.{leg}@test",
            body,
        )
        self.endpoint.invite(request, self.now())
        self.udp.flush()
        self.loop.call_later(patience_s, self.release, leg)
        return leg

    @staticmethod
    def now() -> int:
        import time

        return time.monotonic_ns()

    def release(self, leg: int) -> None:
        self.endpoint.release(leg, self.now())
        self.udp.flush()

    def on_media(self) -> None:
        legs = {stream: leg for leg, stream in self.streams.items()}
        for event in self.engine.events():
            if isinstance(event, DigitHeard) and event.stream in legs:
                self.heard[legs[event.stream]] += event.digit

    def on_event(self, event: SipEvent) -> None:
        self.said[event.leg].append(event)
        self.news.set()
        body = getattr(event, "sdp", None)
        if isinstance(event, Accepted | Provisional) and body:
            there = sdp.parse(body)
            events = -1 if there.event_type is None else there.event_type
            stream = self.streams[event.leg]
            self.engine.connect(stream, there.host, there.port, there.payload_type, events)
        elif isinstance(event, Ended):
            self.on_media()
            self.received[event.leg] = self.engine.close(self.streams.pop(event.leg)).received
            self.live -= 1

    @property
    def ends(self) -> list[Ended]:
        """How each call ended, in the order they were placed."""
        return [self.end(leg) for leg in sorted(self.said)]

    def end(self, leg: int) -> Ended:
        (last,) = [e for e in self.said[leg] if isinstance(e, Ended)]
        return last

    async def all_done(self) -> None:
        await self.until(lambda: self.live == 0)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for something that the events of the endpoint bring about."""
        async with asyncio.timeout(100):
            while not true():
                self.news.clear()
                await self.news.wait()

    def rang(self) -> int:
        """Calls that were alerted or answered provisionally."""
        return sum(any(isinstance(e, Provisional) for e in said) for said in self.said.values())


def place(users: list[str], **options: object) -> Caller:
    """Call every user at once and wait for the last end."""

    async def run() -> Caller:
        caller = Caller()
        try:
            for user in users:
                caller.call(user, **options)  # type: ignore[arg-type]
                await asyncio.sleep(0.01)
            await caller.all_done()
        finally:
            caller.close()
        return caller

    return asyncio.run(run())


def books(tmp_path: Path) -> Books:
    return read_ledgers([tmp_path / "ledger"])


def numbers(n: int) -> list[str]:
    return [str(84_912_000_000 + i) for i in range(n)]


def expected(number: str, **shares: float) -> Person:
    weights = dict.fromkeys(Shares.__struct_fields__, 0.0) | shares
    town = Town(shares=Shares(**weights), speed=SPEED, network_ring_s_max=RINGS_S)
    return person(town, SEED, number, "viettel")


@pytest.mark.interop
def test_sipp_calls_it_with_its_own_scenario(carrier, tmp_path):
    if not shutil.which("sipp"):
        pytest.fail("needs SIPp: apt-get install sip-tester")
    it = ready(carrier(answers=1))
    command = [
        "sipp", "-sn", "uac", f"127.0.0.1:{PORT}", "-i", "127.0.0.1", "-p", str(SIPP),
        # a person who waits: one who presses would hang up on SIPp, which plays nothing
        "-mp", str(SIPP_RTP), "-s", "84912345684", "-m", "5", "-r", "20", "-d", "100",
        "-nostdin", "-timeout", "30",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout[-2_000:]
    assert it.stop() == 0
    calls = books(tmp_path).calls
    assert len(calls) == 5
    assert all(c.ended and (c.ended.what, c.ended.by) == ("answered", "caller") for c in calls)


@pytest.mark.parametrize(
    ("share", "code", "q850"),
    [("busy", 486, 17), ("declines", 603, 21), ("switched_off", 480, 20), ("invalid", 404, 1),
     ("congested", 503, 34)],
)  # fmt: skip
def test_refusals_arrive_with_status_and_cause(carrier, tmp_path, share, code, q850):
    it = ready(carrier(**{share: 1}))
    caller = place(numbers(8))
    for leg, number in zip(sorted(caller.said), numbers(8), strict=True):
        end = caller.end(leg)
        assert (end.code, end.q850, end.by, end.answered) == (code, q850, "them", False)
        who = expected(number, **{share: 1})
        rang = [e.code for e in caller.said[leg] if isinstance(e, Provisional)]
        assert rang == ([183] if who.early_media else [180] if who.alerts else [])
        if who.early_media:
            assert caller.received[leg] > 5, "the announcement is played"
    assert it.stop() == 0
    ends = [c.ended for c in books(tmp_path).calls]
    assert [(e.what, e.by, e.code, e.q850) for e in ends if e] == [
        ("rejected", "called", code, q850)
    ] * 8


def test_people_answer_hear_and_press_what_was_decided_for_them(carrier, tmp_path):
    it = ready(carrier(answers=1))
    users = numbers(24)
    caller = place(users, patience_s=3.5)
    assert it.stop() == 0
    by_user = {c.seen.user: c for c in books(tmp_path).calls}
    pressed = 0
    for leg, user in zip(sorted(caller.said), users, strict=True):
        who, call = expected(user, answers=1), by_user[user]
        assert who.fate is Fate.ANSWERS
        assert call.ended is not None
        assert call.ended.what == "answered"
        assert call.ended.rang_ms > 0
        assert caller.end(leg).answered
        assert call.ended.rtp_received > 0
        keys = "".join(key for _, key in who.keys)
        assert call.ended.digits == keys
        assert caller.heard[leg] == keys
        pressed += len(keys)
        assert 0 < caller.received[leg] <= call.ended.rtp_sent
    assert pressed >= 5


def test_a_cancelled_call_and_one_that_rings_out(carrier, tmp_path):
    it = ready(carrier(no_answer=1))
    caller = place(["84912000001"], patience_s=0.5)
    assert caller.ends[0].by == "us"
    caller = place(["84912000002"])
    assert (caller.ends[0].code, caller.ends[0].q850) == (480, 19)
    assert it.stop() == 0
    ends = [c.ended for c in books(tmp_path).calls]
    assert [(e.what, e.by, e.code) for e in ends if e] == [
        ("cancelled", "caller", 487),
        ("rejected", "called", 480),
    ]


def test_an_offer_without_audio_we_know_is_refused(carrier, tmp_path):
    it = ready(carrier(answers=1))
    body = sdp.offer("127.0.0.1", NOBODY, session_id=1).replace(b"RTP/AVP 0 8", b"RTP/AVP 18 4")
    caller = place(["84912000001"], body=body)
    assert caller.ends[0].code == 488
    assert it.stop() == 0
    (call,) = books(tmp_path).calls
    assert call.ended is not None
    assert (call.ended.what, call.ended.code) == ("rejected", 488)


def test_a_user_that_is_no_number_does_not_exist(carrier):
    ready(carrier(answers=1))
    assert place(["alice"]).ends[0].code == 404


def test_sigterm_hangs_up_and_writes_the_last_lines(carrier, tmp_path):
    it = ready(carrier(no_answer=1))

    async def run() -> Caller:
        caller = Caller()
        try:
            for user in numbers(6):
                caller.call(user)
            await caller.until(lambda: caller.rang() == 6)
            it.signal(signal.SIGTERM)
            await caller.all_done()
        finally:
            caller.close()
        return caller

    caller = asyncio.run(run())
    assert {end.code for end in caller.ends} == {503}
    assert it.wait(100) == 0
    assert {c.ended.by for c in books(tmp_path).calls if c.ended} == {"shutdown"}
    assert not any(c.up for c in books(tmp_path).calls)


def test_what_it_saw_survives_its_own_kill(carrier, tmp_path):
    it = ready(carrier(no_answer=1))
    place(numbers(3), patience_s=0.3)
    it.kill()
    assert len(books(tmp_path).calls) == 3


def test_garbage_on_its_port_does_not_stop_it(carrier):
    ready(carrier(busy=1))
    rng = random.Random(5)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _ in range(200):
            sock.sendto(rng.randbytes(rng.randrange(1, 1_200)), ("127.0.0.1", PORT))
        sock.sendto(b"INVITE sip:x@y SIP/2.0\r\n\r\n", ("127.0.0.1", PORT))
    assert place(["84912000001"]).ends[0].code == 486


def test_a_busy_port_a_full_disk_and_a_wrong_setting_are_told(carrier, tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", PORT))
        it = carrier(answers=1)
        assert it.wait(100) == 1
        assert "use" in it.last_words()
    assert carrier("--speed", "0", answers=1).wait(100) == 2
    assert carrier("--host", "192.0.2.1", answers=1).wait(100) == 2
    full = ready(carrier(ledger=Path("/dev/full"), busy=1))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(INVITE, ("127.0.0.1", PORT))
    assert full.wait(100) == 1
    assert "space" in full.last_words()


def test_its_ready_line_is_json(carrier):
    it = ready(carrier(answers=1))
    said = msgspec.json.decode(it.log.read_text().splitlines()[0])
    assert (said["name"], said["port"], said["pid"]) == ("viettel", PORT, it.pid)
