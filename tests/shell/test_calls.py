"""What SIP tells of a leg, with the real endpoint and the real media engine."""

from __future__ import annotations

import asyncio
import random
import socket
import time

import pytest

from dialerd.core import events as ev
from dialerd.core.effects import Dial
from dialerd.core.numbering import load_numbering
from dialerd.core.records import Outcome
from dialerd.lines.phone_line import PhoneLines
from dialerd.lines.sip_line import SipLines, SipTrunk
from dialerd.shell.calls import Calls
from dialerd.shell.clock import Clock
from dialerd.shell.ears import Ears
from dialerd.shell.media import Media
from dialerd.shell.prompt_table import Prompts
from dialerd.shell.recordings import Recordings
from dialerd.shell.sip_stack import Bind, Stack, StackSettings
from fastpath.rtp import MediaEngine
from sip import sdp
from sip.events import Accepted, Digit, Ended, Provisional, Renegotiated
from tests.lines.test_sip_line import PLAN
from tests.ports import media_ports

HOST = "127.0.0.1"
NUMBER = load_numbering(PLAN).number("0912 345 678")
AUDIO = sdp.offer(HOST, 40_000, session_id=1)
SILENT_KEYS = AUDIO.replace(b"telephone-event", b"x-other")


def dialed(calls, effect):
    assert calls.prepare(effect)
    calls.dial(effect)


@pytest.fixture
def desk():
    """Calls with one leg dialed, and the events that the dialer hears of it."""
    engine = MediaEngine(streams_max=4)
    told: list[ev.AnyEvent] = []
    media = Media(engine, Prompts(engine, ()), HOST, HOST, media_ports(), told.append)
    rng = random.Random(1)
    lines = SipLines({"t": SipTrunk("t", HOST, 5070)}, HOST, rng)
    loop = asyncio.new_event_loop()  # it never runs: what the endpoint says is not looked at
    stack = Stack(StackSettings((Bind(HOST, 0),)), loop, rng, Clock())
    calls = Calls(stack, lines, PhoneLines(HOST, rng), media, told.append, Ears())
    calls.keeps = lambda attempt, keep: calls.kept(keep.leg, kept=True)
    dialed(calls, Dial(1, 1, "t", NUMBER, "a@b", ""))
    calls.media = media
    calls.told = told
    calls.stack = stack
    yield calls
    calls.on_sip(Ended(1, 200, "", 16, "them", True))
    assert isinstance(told[-1], ev.Released)
    engine.stop()
    stack.close()
    loop.close()


@pytest.mark.parametrize("host", [b"224.1.2.3", b"255.255.255.255", b"1.2.3.4.5"])
def test_an_answer_whose_audio_cannot_be_reached_is_hung_up(desk, host):
    """Whatever stands in it, nothing is raised into the socket's wake-up and nothing is played."""
    body = AUDIO.replace(b"c=IN IP4 127.0.0.1", b"c=IN IP4 " + host)
    assert host in body
    desk.on_sip(Provisional(1, 183, body))
    assert desk.told == [ev.Ringing(1, early_media=True)]
    desk.on_sip(Accepted(1, body))
    lost = ev.MediaLost(1, "no usable audio in the answer")
    assert desk.told == [ev.Ringing(1, early_media=True), lost]
    desk.on_sip(Ended(1, 200, "", 16, "us", True))
    assert desk.told[-1].outcome is Outcome.ANSWERED
    desk.told.append(ev.Released(1, Outcome.ANSWERED))


def test_a_key_by_info_counts_where_no_event_can_tell_it(desk):
    desk.on_sip(Accepted(1, SILENT_KEYS))
    desk.on_sip(Digit(1, "5", 100))
    assert desk.told == [ev.Answered(1), ev.Digit(1, "5", "info")]


def test_a_key_told_by_info_and_by_events_counts_once(desk):
    desk.on_sip(Accepted(1, AUDIO))
    told = [ev.Answered(1), ev.Digit(1, "5", "info")]
    desk.on_sip(Digit(1, "5", 100))
    desk.media.pressed(1, "5", "rfc4733", time.monotonic_ns())
    assert desk.told == told
    desk.media.pressed(1, "5", "inband", time.monotonic_ns())
    desk.media.pressed(1, "7", "inband", time.monotonic_ns())
    assert desk.told == told, "no voice is taken for a key where keys are told"
    desk.media.pressed(2, "5", "rfc4733", 0)
    assert desk.told == told, "no such leg"


def test_a_new_address_in_the_call_is_followed_and_a_refresh_changes_nothing(desk):
    engine, connected = desk.media.engine, []

    class Watched:
        def __getattr__(self, name):
            return getattr(engine, name)

        def connect(self, stream, host, port, *rest, **law):
            connected.append((host, port))
            engine.connect(stream, host, port, *rest, **law)

    desk.media.engine = Watched()
    desk.on_sip(Accepted(1, AUDIO))
    moved = sdp.offer(HOST, 40_002, session_id=1)
    for body in (AUDIO, moved, moved, b"nonsense"):
        desk.on_sip(Renegotiated(1, body))
    assert connected == [(HOST, 40_000), (HOST, 40_002)]
    assert desk.told == [ev.Answered(1)]


def test_a_peer_that_holds_us_hears_nothing_until_it_resumes(desk):
    paused = []
    for body in (AUDIO, AUDIO.replace(b"sendrecv", b"sendonly"), AUDIO):
        desk.on_sip(Renegotiated(1, body) if paused else Accepted(1, body))
        paused.append(desk.media.engine.stats(desk.media._streams[1]).paused)
    assert paused == [False, True, False]


@pytest.fixture
def recorded(desk):
    """The same, with a peer that takes INVITEs, and a call to be recorded."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((HOST, 0))
        desk._lines.configure([SipTrunk("t", HOST, peer.getsockname()[1])])
        dialed(desk, Dial(2, 2, "t", NUMBER, "c@d", "", record=True))
        desk.peer = peer
        yield desk


@pytest.mark.parametrize(
    ("first", "means"),
    [
        (Provisional(2, 183, AUDIO), ev.Ringing(2, early_media=True)),
        (Accepted(2, AUDIO), ev.Answered(2)),
    ],
)
def test_what_was_read_together_with_the_end_of_its_call_is_told(recorded, first, means, caplog):
    """The endpoint reads many messages before any is told: here its leg is gone by then."""
    invite = recorded.peer.recv(4_096).decode().split("\r\n")
    kept = [
        line for line in invite if line.startswith(("Via:", "From:", "To:", "Call-ID:", "CSeq:"))
    ]
    refusal = "\r\n".join(["SIP/2.0 480 Gone", *kept, "Content-Length: 0", "", ""]).encode()
    endpoint = recorded.stack.endpoint
    endpoint.drain()
    endpoint.receive(refusal, (*recorded.peer.getsockname(), 0), time.monotonic_ns())
    (ended,) = (out for out in endpoint.drain() if isinstance(out, Ended))
    assert endpoint.description(2) == b""
    recorded.on_sip(first)
    recorded.on_sip(ended)
    told, released = recorded.told[-2:]
    assert told == means
    assert isinstance(released, ev.Released)
    assert not caplog.records, "nothing was wrong with its audio"


def test_an_answered_call_is_recorded_and_told_before_its_end(recorded, tmp_path):
    media = recorded.media
    kept = Recordings(tmp_path, media.engine, free_bytes_min=0, day=lambda: "2026-11-22")
    media.recordings = kept
    media.engine.start()
    recorded.on_sip(Accepted(2, AUDIO))
    assert kept.figures()["running"] == 1
    recorded.on_sip(Ended(2, 200, "", 16, "them", True))
    told, released = recorded.told[-2:]
    assert isinstance(released, ev.Released)
    assert (told.leg, told.path, told.channels) == (2, "2026-11-22/c@d.wav", 2)
    assert told.size == 44 + round(told.seconds * 32_000)
    kept.close()
    assert (tmp_path / told.path).stat().st_size == told.size
    recorded.dial(Dial(3, 3, "t", NUMBER, "e@f", "", record=True))
    recorded.on_sip(Ended(3, 486, "Busy", 17, "them", False))
    assert not list(tmp_path.rglob("e@f*")), "nobody answered"


def test_nothing_is_kept_where_no_recordings_are(recorded):
    recorded.on_sip(Accepted(2, AUDIO))
    recorded.on_sip(Ended(2, 200, "", 16, "them", True))
    assert not any(isinstance(event, ev.Recorded) for event in recorded.told)


class Collects:
    """What is to be kept of calls that nobody answers."""

    def __init__(self):
        self.told = []

    def begin(self, stream, trunk, name):
        self.told.append((trunk, name))

    def end(self, stream, *, answered=False):
        self.told.append(answered)


def test_early_media_of_a_trunk_is_collected_once_until_the_answer(desk):
    kept = desk.media.collector = Collects()
    for _ in range(2):
        desk.on_sip(Provisional(1, 183, AUDIO))
    assert kept.told == [("t", "a@b")]
    desk.on_sip(Accepted(1, AUDIO))
    assert kept.told == [("t", "a@b"), True]


def test_what_is_recorded_from_its_first_sound_on_is_not_collected_as_well(desk):
    desk._early.add(1)
    kept = desk.media.collector = Collects()
    desk.on_sip(Provisional(1, 183, AUDIO))
    assert kept.told == []
