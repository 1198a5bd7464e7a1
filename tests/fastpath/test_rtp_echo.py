"""What is heard is said back: the queue by itself, and a stream over real sockets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fastpath.rtp_echo import RtpEcho
from tests.fastpath.test_rtp_engine import (  # noqa: F401 - fixtures
    HERE,
    HIGH,
    LOW,
    SILENCE,
    stamping,
)
from tests.reference.rtp import parse, rtp
from tests.waiting import until

BYTES_MAX = 1600


@given(st.lists(st.one_of(st.none(), st.binary(max_size=2000)), max_size=60))
def test_bytes_come_back_in_order_and_in_frames(script) -> None:
    """None takes a frame. The twin is a byte string."""
    echo, twin = RtpEcho(), b""
    for audio in script:
        if audio is None:
            expected, twin = (twin[:160], twin[160:]) if len(twin) >= 160 else (b"", twin)
            assert echo.take() == expected
        else:
            echo.hear(audio)
            if len(twin) + len(audio) <= BYTES_MAX:
                twin += audio


def test_an_echo_never_gets_later_than_a_fifth_of_a_second() -> None:
    echo = RtpEcho()
    for n in range(100):
        echo.hear(bytes([n]) * 160)
    frames = [echo.take() for _ in range(20)]
    assert [frame[:1] for frame in frames] == [bytes([n]) for n in range(10)] + [b""] * 10


def talk(engine, stream: int, peer, count: int, payload_type: int = 0) -> list[bytes]:
    """Send packets of known audio, each when the one before is heard; what came back but silence.

    The pace is the engine's own, one packet a period, so nothing is asked of any clock.
    """
    at, before = (HERE, engine.port(stream)), engine.stats(stream)
    for n in range(count):
        peer.sendto(rtp(n, 160 * n, 7, payload_type, bytes([n + 1]) * 160), at)
        until(lambda n=n: engine.stats(stream).received == before.received + n + 1)
    enough = engine.stats(stream).sent + 10
    until(lambda: engine.stats(stream).sent >= enough)
    heard = [peer.recv(2000) for _ in range(enough - before.sent)]
    bodies = [parsed.payload for data in heard if (parsed := parse(data)) is not None]
    return [body for body in bodies if body != SILENCE]


def test_a_stream_says_back_what_it_hears(engine, peer) -> None:
    stream = engine.open(HERE, LOW, HIGH)
    engine.echo(stream)
    engine.connect(stream, *peer.getsockname(), 0, 101)
    back = talk(engine, stream, peer, 40)
    assert len(back) >= 30
    numbers = [body[0] for body in back]
    assert all(body == bytes([body[0]]) * 160 for body in back)
    assert numbers == sorted(set(numbers))


def test_only_the_agreed_codec_is_said_back_and_only_while_it_is_on(engine, peer) -> None:
    stream = engine.open(HERE, LOW, HIGH)
    engine.echo(stream)
    engine.connect(stream, *peer.getsockname(), 8, 101)
    assert [b for b in talk(engine, stream, peer, 10, 0) if b != b"\xd5" * 160] == []
    engine.echo(stream, on=False)
    assert [b for b in talk(engine, stream, peer, 10, 8) if b != b"\xd5" * 160] == []


def test_digits_and_prompts_go_before_the_echo(engine, peer) -> None:
    stream = engine.open(HERE, LOW, HIGH)
    engine.echo(stream)
    engine.connect(stream, *peer.getsockname(), 0, 101)
    prompt = engine.add_prompt(b"\x11" * 160 * 30, b"\x22" * 160 * 30)
    engine.play(stream, prompt, 1)
    back = talk(engine, stream, peer, 25)
    assert {body[:1] for body in back[:20]} == {b"\x11"}
