"""Answers of hostile peers: nothing that an SDP can name raises, and no stream stays behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dialerd.core.events import AnyEvent, MediaLost
from dialerd.shell.media import Media
from dialerd.shell.media_room import MediaRules
from dialerd.shell.prompt_table import Prompts
from dialerd.shell.prompts import SAMPLES
from fastpath.rtp import MediaEngine
from sip import sdp
from tests.ports import media_ports
from tests.waiting import until

HOST = "127.0.0.1"
PORTS = media_ports()
OURS = sdp.offer(HOST, PORTS[0], session_id=1)


@pytest.fixture
def media() -> Iterator[Media]:
    engine = MediaEngine(priority=0, streams_max=8)
    engine.start()
    try:
        yield Media(engine, Prompts(engine, (SAMPLES,)), HOST, HOST, PORTS, lambda _event: None)
    finally:
        engine.stop()


def named(host: str, media: str = "9000 RTP/AVP 8 101", more: str = "") -> bytes:
    lines = ("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", f"c=IN IP4 {host}", "t=0 0")
    return "\r\n".join((*lines, f"m=audio {media}", more)).encode()


HOSTILE = {
    "multicast": named("224.0.0.1"),
    "the last multicast": named("239.255.255.255"),
    "reserved": named("240.0.0.1"),
    "broadcast": named("255.255.255.255"),
    "no name": named("evil?example"),
    "IPv6": named("2001:db8::1").replace(b"IP4 2", b"IP6 2"),
    "port 0": named(HOST, "0 RTP/AVP 8"),
    "no port": named(HOST, "99999 RTP/AVP 8"),
    "no codec": named(HOST, "9000 RTP/AVP 18"),
    "nothing": b"",
    "noise": bytes(range(256)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_answer_that_names_nothing_usable(media: Media, name: str) -> None:
    media.open(1)
    assert media.connect(1, OURS, HOSTILE[name]) is False
    media.close(1)
    assert media.engine.counters()["streams"] == 0


@pytest.mark.parametrize("how", ["a=inactive", "a=sendonly", "0.0.0.0"])
def test_who_answers_on_hold_and_stays_so_is_lost_at_last(how: str) -> None:
    """Its channel would be taken for ever. A peer that has talked may hold as long as it likes."""
    engine, told = MediaEngine(priority=0, streams_max=8), list[AnyEvent]()
    rules = MediaRules(silence_s_max=0.1)
    media = Media(engine, Prompts(engine, ()), HOST, HOST, PORTS, told.append, rules)
    engine.start()
    try:
        held = named("0.0.0.0") if how == "0.0.0.0" else named(HOST, more=how)
        for leg in (1, 2):
            media.open(leg)
        assert media.connect(1, OURS, held)
        assert media.connect(2, OURS, named(HOST))
        for leg in (1, 2):
            media.answered(leg)
        assert media.connect(2, OURS, named(HOST, more="a=inactive"))
        until(lambda: media._on_events() or told)
        assert told == [MediaLost(1)]
    finally:
        engine.stop()


def test_one_type_for_voice_and_keys(media: Media) -> None:
    """The event type may collide with the voice's: used or refused, never raised."""
    media.open(1)
    body = named(HOST, "9000 RTP/AVP 8", "a=rtpmap:8 telephone-event/8000\r\n")
    assert media.connect(1, OURS, body) in {True, False}
