"""RFC 4733 digits: one press is one digit, whatever the network does to its packets."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastpath.rtp_receive import RtpReceiver
from fastpath.rtp_send import RtpSender
from tests.reference.rtp import event, parse, rtp

MS = 1_000_000
PEER = ("10.0.0.1", 4000)
Arrival = tuple[int, bytes]  # ns, packet


def connected() -> RtpReceiver:
    receiver = RtpReceiver()
    receiver.connect(*PEER, 101)
    return receiver


def listen(arrivals: list[Arrival], receiver: RtpReceiver | None = None) -> str:
    """What is heard of packets in the order they arrive, with the engine's tick every 20 ms."""
    receiver = receiver or connected()
    heard: list[tuple[str, int]] = []
    end = max((at for at, _ in arrivals), default=0) + 200 * MS
    queue = sorted(arrivals, key=lambda a: a[0])
    for now in range(0, end, 20 * MS):
        while queue and queue[0][0] <= now:
            at, packet = queue.pop(0)
            receiver.packet(packet, PEER, at)
        receiver.tick(now)
        heard += receiver.digits()
    return "".join(digit for digit, _ in heard)


def press(keys: str, on_ms: int = 100, gap_ms: int = 100, start: int = 0) -> list[Arrival]:
    """What a phone sends that presses `keys`, with audio around them, as it leaves."""
    sender = RtpSender(ssrc=99, seq=start, timestamp=start * 160)
    sender.connect(0, 101)
    frames = 10
    if keys:
        sender.send_digits(keys, 1, on_ms, gap_ms)
        frames += len(keys) * (-(-on_ms // 20) - (-gap_ms // 20))
    out: list[Arrival] = []
    for frame in range(frames):
        out += [(frame * 20 * MS, packet) for packet in sender.frame(frame)[0]]
    return out


def is_event(packet: bytes) -> bool:
    found = parse(packet)
    return found is not None and found.payload_type == 101


def is_end(packet: bytes) -> bool:
    found = parse(packet)
    return is_event(packet) and found is not None and bool(found.payload[1] & 0x80)


keys = st.text("0123456789*#ABCD", min_size=1, max_size=12)


@given(keys, st.integers(40, 200), st.integers(40, 200), st.integers(0, 65535))
@settings(deadline=None)
def test_what_is_pressed_is_heard(pressed: str, on_ms: int, gap_ms: int, start: int) -> None:
    assert listen(press(pressed, on_ms, gap_ms, start)) == pressed


@given(keys, st.randoms(use_true_random=False), st.floats(0, 0.95))
@settings(deadline=None, max_examples=200)
def test_a_digit_is_heard_once_while_one_of_its_packets_comes(
    pressed: str, chance: random.Random, loss: float
) -> None:
    """Lost, repeated and reordered packets, one of each event spared: in order, each once."""
    events: dict[int, list[Arrival]] = {}
    others: list[Arrival] = []
    for at, packet in press(pressed):
        found = parse(packet)
        assert found is not None
        if is_event(packet):
            events.setdefault(found.timestamp, []).append((at, packet))
        else:
            others.append((at, packet))
    assert len(events) == len(pressed)
    kept = [a for a in others if chance.random() > loss]
    for packets in events.values():
        spared = chance.choice(packets)
        kept += [a for a in packets if a is spared or chance.random() > loss]
    kept += [chance.choice(kept) for _ in range(len(kept) // 4)]
    delayed = [(at + chance.randrange(0, 45) * MS, packet) for at, packet in kept]
    assert listen(delayed) == pressed


@given(keys, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_even_a_network_that_shuffles_for_long_makes_no_digit_of_its_own(
    pressed: str, chance: random.Random
) -> None:
    delayed = [(at + chance.randrange(0, 250) * MS, packet) for at, packet in press(pressed)]
    assert sorted(listen(delayed)) == sorted(pressed)


def test_every_order_of_every_part_of_an_event_is_one_digit() -> None:
    """All 1956 ways in which some of its six packets arrive; the same again afterwards is none."""
    bodies = [event(7, 160 * min(n, 4), end=n > 3) for n in range(1, 7)]
    packets = [
        rtp(n, 4_000, payload_type=101, payload=b, marker=not n) for n, b in enumerate(bodies)
    ]
    ways = [way for size in range(1, 7) for way in itertools.permutations(packets, size)]
    assert len(ways) == 1_956
    for way in ways:
        receiver = connected()
        for now, packet in enumerate((*way, *way)):
            receiver.packet(packet, PEER, now * MS)
        receiver.tick(200 * MS)
        heard = "".join(digit for digit, _ in receiver.digits())
        assert heard == "7", [packets.index(packet) for packet in way]


def test_only_end_packets_arrive() -> None:
    assert listen([a for a in press("1#7") if not is_event(a[1]) or is_end(a[1])]) == "1#7"


def test_every_end_packet_is_lost() -> None:
    assert listen([a for a in press("1#7") if not is_end(a[1])]) == "1#7"
    assert listen([a for a in press("1#7", gap_ms=40) if not is_end(a[1])]) == "1#7"


def test_an_end_that_was_lost_is_told_after_three_missing_periods() -> None:
    receiver = connected()
    receiver.packet(rtp(1, 800, payload_type=101, payload=event(4, 160)), PEER, 0)
    receiver.packet(rtp(2, 800, payload_type=101, payload=event(4, 320)), PEER, 20 * MS)
    receiver.tick(80 * MS)
    assert receiver.digits() == []
    receiver.tick(80 * MS + 1)
    assert receiver.digits() == [("4", 0)]
    for seq in (3, 4):
        receiver.packet(rtp(seq, 800, payload_type=101, payload=event(4, 480, end=True)), PEER, 0)
    receiver.tick(10_000 * MS)
    assert receiver.digits() == []


def test_a_slow_sender_of_events_is_heard_once() -> None:
    """RFC 4733 allows an update every 50 ms, and some gateways send one every 100 ms."""
    packets = [(i * 100 * MS, event(9, 800 * i + 160)) for i in range(5)]
    packets.append((500 * MS, event(9, 4000, end=True)))
    arrivals = [
        (at, rtp(i, 777, payload_type=101, payload=body)) for i, (at, body) in enumerate(packets)
    ]
    assert listen(arrivals) == "9"


def test_an_event_longer_than_its_duration_field_is_one_digit() -> None:
    """RFC 4733 section 2.5.1.3: after 0xFFFF units the event goes on as a segment of its own."""
    arrivals: list[Arrival] = []
    start, seq = 1 << 31, 0
    for segment in range(3):
        for frame in range(1, 411):
            duration = min(frame * 160, 0xFFFF)
            timestamp = start + segment * 0xFFFF
            body = event(5, duration, end=segment == 2 and frame == 410)
            at = (segment * 410 + frame) * 20 * MS
            arrivals.append((at, rtp(seq, timestamp, payload_type=101, payload=body)))
            seq += 1
    assert listen(arrivals) == "5"


def test_the_same_key_twice_is_two_digits_even_without_a_gap() -> None:
    packets = [event(1, 160), event(1, 320), event(1, 160), event(1, 320)]
    arrivals = [
        (i * 20 * MS, rtp(i, 1000 + i // 2 * 320, payload_type=101, payload=body))
        for i, body in enumerate(packets)
    ]
    assert listen(arrivals) == "11"


def test_a_digit_that_overtook_another_does_not_change_their_order() -> None:
    first, second = event(1, 800, end=True), event(2, 160)
    arrivals = [
        (0, rtp(20, 8000, payload_type=101, payload=second)),
        (10 * MS, rtp(10, 4000, payload_type=101, payload=first)),
        (20 * MS, rtp(21, 8000, payload_type=101, payload=event(2, 320, end=True))),
    ]
    assert listen(arrivals) == "12"


def capture(first: int, timestamp: int, code: int, at_ms: int, step_ms: int = 20) -> list[Arrival]:
    """A recorded digit as SIPp plays it: always with the numbers it was recorded with."""
    bodies = [event(code, 160 * n, end=n > 5) for n in range(1, 9)]
    packets = [
        rtp(first + i, timestamp, payload_type=101, payload=body, marker=not i)
        for i, body in enumerate(bodies)
    ]
    return [((at_ms + i * step_ms) * MS, packet) for i, packet in enumerate(packets)]


def test_captures_are_played_one_after_the_other_in_any_order() -> None:
    """Their numbers and timestamps go back by anything, here by 86 and by 13920."""
    for pause_ms in (200, 700, 1200):
        arrivals = capture(8121, 37120, 4, 0)
        arrivals += capture(8042, 23200, 2, pause_ms)
        arrivals += capture(8100, 30000, 11, 2 * pause_ms)
        arrivals += capture(30000, 50000, 9, 3 * pause_ms)
        assert listen(arrivals) == "42#9"


@pytest.mark.parametrize("step_ms", [20, 0])
def test_the_same_capture_twice_is_two_digits_after_a_pause(step_ms: int) -> None:
    once = capture(8121, 37120, 4, 0, step_ms)
    for pause_ms, heard in ((1100, "44"), (400, "44"), (260, "44"), (200, "4"), (0, "4")):
        again = capture(8121, 37120, 4, 9 * step_ms + pause_ms, step_ms)
        assert listen(once + again) == heard, pause_ms
        late = [a for a in again if is_end(a[1])]  # copies of the end begin nothing
        if pause_ms < 900:
            assert listen(once + late) == "4"


def test_the_same_timestamp_of_another_source_is_another_digit() -> None:
    body = event(3, 800, end=True)
    arrivals = [
        (i * MS, rtp(5, 4000, ssrc=ssrc, payload_type=101, payload=body))
        for i, ssrc in enumerate((1, 2, 1, 2))
    ]
    assert listen(arrivals) == "33"


@pytest.mark.parametrize("code", [16, 32, 41, 144, 255])
def test_flash_and_tones_are_no_digits(code: int) -> None:
    packets = [(0, rtp(1, 1, payload_type=101, payload=event(code, 160, end=True)))]
    assert listen(packets) == ""


def test_events_count_only_as_the_payload_type_agreed_on() -> None:
    body = event(3, 800, end=True)
    packet = rtp(1, 1, payload_type=101, payload=body)
    receiver = RtpReceiver()
    receiver.connect(*PEER)
    assert receiver.packet(packet, PEER, 0) == "other_payload"
    receiver.connect(*PEER, 96)
    assert receiver.packet(rtp(2, 1, payload_type=96, payload=body), PEER, 0) == "event"
    assert receiver.digits() == [("3", 0)]


def test_the_time_of_a_digit_is_that_of_its_first_packet() -> None:
    receiver = connected()
    for at, packet in press("5", on_ms=400):
        receiver.packet(packet, PEER, at + 77)
    assert receiver.digits() == [("5", 77)]
