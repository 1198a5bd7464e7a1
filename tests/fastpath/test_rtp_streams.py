"""Streams of the media engine: ports, limits, and everything it refuses."""

from __future__ import annotations

import errno
import socket

import pytest

from fastpath.rtp import MediaEngine
from tests.ports import media_ports

LOW, HIGH = media_ports()
HERE = "127.0.0.1"
PCMU = bytes(range(256)) * 5  # 8 frames
PCMA = bytes(255 - b for b in PCMU)


def test_ports_are_even_in_the_range_and_random(engine: MediaEngine) -> None:
    streams = [engine.open(HERE, LOW + 1, LOW + 199) for _ in range(60)]
    ports = [engine.port(s) for s in streams]
    assert set(ports) <= set(range(LOW + 2, LOW + 200, 2))
    assert len(set(ports)) == len(set(streams)) == 60
    assert ports != sorted(ports)


def test_a_full_range_a_busy_port_and_a_full_engine_are_told_apart() -> None:
    engine = MediaEngine(streams_max=3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as busy:
        busy.bind((HERE, LOW))
        first = engine.open(HERE, LOW, LOW + 3)
        assert engine.port(first) == LOW + 2
        with pytest.raises(OSError, match=f"no free even port in {LOW}-{LOW + 3}") as full:
            engine.open(HERE, LOW, LOW + 3)
        assert full.value.errno == errno.EADDRINUSE
    engine.open(HERE, LOW, HIGH)
    engine.open(HERE, LOW, HIGH)
    with pytest.raises(OSError, match="carries its 3 streams") as full:
        engine.open(HERE, LOW, HIGH)
    assert full.value.errno == errno.ENOBUFS
    engine.close(first)
    again = engine.open(HERE, LOW + 2, LOW + 3)
    assert engine.port(again) == LOW + 2, "a closed port is free at once"
    with pytest.raises(OSError, match=r"cannot open RTP port 192\.0\.2\.1"):
        MediaEngine().open("192.0.2.1", LOW, HIGH)


@pytest.mark.parametrize(
    ("host", "low", "high"),
    [("localhost", 23000, 23998), ("fe80::1%lo", 23000, 23998), (HERE, 0, 10), (HERE, 23001, 23001),
     (HERE, 100, 50), (HERE, 60000, 65536), (HERE, -4, 4)],
)  # fmt: skip
def test_nonsense_for_a_port_is_refused(
    engine: MediaEngine, host: str, low: int, high: int
) -> None:
    with pytest.raises(ValueError, match=r"not an IP address|no even port"):
        engine.open(host, low, high)
    assert engine.counters()["streams"] == 0


@pytest.mark.parametrize(
    ("host", "port", "payload_type", "event_type"),
    [("sip.example", 4000, 0, 101), (HERE, 0, 0, 101), (HERE, 65536, 0, 101), (HERE, 4000, 3, 101),
     (HERE, 4000, -1, 101), (HERE, 4000, 0, 8), (HERE, 4000, 0, 13), (HERE, 4000, 0, 128),
     (HERE, 4000, 0, -2), ("224.0.0.5", 4000, 0, 101), ("255.255.255.255", 4000, 0, 101)],
)  # fmt: skip
def test_nonsense_from_an_sdp_is_refused(
    engine: MediaEngine, host: str, port: int, payload_type: int, event_type: int
) -> None:
    stream = engine.open(HERE, LOW, HIGH)
    with pytest.raises(ValueError, match="not a"):
        engine.connect(stream, host, port, payload_type, event_type)
    assert engine.close(stream).sent == 0


def test_a_stream_that_is_not_open_is_named(engine: MediaEngine) -> None:
    prompt = engine.add_prompt(PCMU, PCMA)
    stream = engine.open(HERE, LOW, HIGH)
    engine.close(stream)
    other = engine.open(HERE, LOW, HIGH)
    for gone in (stream, -1, 0, 5, 2**62, other + 1):
        for use in (
            engine.port, engine.close, engine.stats, engine.stop_play, engine.recorded,
            engine.record,
            lambda s: engine.connect(s, HERE, 4000, 0), lambda s: engine.play(s, prompt, 1),
            lambda s: engine.send_digits(s, "1", 1),
        ):  # fmt: skip
            with pytest.raises(KeyError, match="no such stream"):
                use(gone)
    assert engine.close(other).sent == 0


def test_streams_that_will_meet_are_served_by_one_thread() -> None:
    engine = MediaEngine(threads=3, streams_max=120)
    first = engine.open(HERE, LOW, HIGH)
    others = [engine.open(HERE, LOW, HIGH) for _ in range(5)]
    assert {engine.thread(s) for s in (first, *others)} == {0, 1, 2}, "strangers are spread"
    met = [engine.open(HERE, LOW, HIGH, near=first) for _ in range(38)]
    assert {engine.thread(s) for s in met} == {engine.thread(first)}
    with pytest.raises(OSError, match="carries all streams that it can") as full:
        engine.open(HERE, LOW, HIGH, near=first)  # 40 streams on each of three threads
    assert full.value.errno == errno.ENOBUFS
    spread = [engine.open(HERE, LOW, HIGH) for _ in range(76)]
    assert engine.thread(first) not in {engine.thread(s) for s in spread}
    engine.close(first)
    with pytest.raises(KeyError, match="no such stream"):
        engine.open(HERE, LOW, HIGH, near=first)


def test_a_stream_is_recorded_and_echoed_at_once_in_any_order(engine: MediaEngine) -> None:
    stream = engine.open(HERE, LOW, HIGH)
    for _ in range(3):
        engine.echo(stream)
        engine.record(stream)
        engine.record(stream)
        engine.echo(stream, on=False)
        engine.record(stream, on=False)
    assert engine.recorded(stream) == b""
    engine.close(stream)
