"""How many calls are admitted: learned from what the threads say, in no real time."""

from __future__ import annotations

import random

import pytest

from dialerd.shell.media_room import COST, LOAD_MAX, MediaRoom

S = 1_000_000_000


def told(room: MediaRoom, seconds: int, streams: int, cost: float, threads: int = 1) -> list[int]:
    """So many seconds of a machine on which a stream costs `cost` of a core; the bounds told."""
    found = []
    load = 0.01 + cost * streams / threads
    for second in range(1, seconds + 1):
        counters = {"frames": 50 * streams * second, "load": load, "streams": streams}
        if room.measure(counters, second * S):
            found.append(room.calls_max)
    return found


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("cost", [1 / 2000, 1 / 4000, 1 / 9000])
def test_the_bound_becomes_what_the_machine_can_do(cost: float, threads: int) -> None:
    room = MediaRoom(threads)
    assert room.calls_max == int(LOAD_MAX * threads / COST)
    told(room, 40, 1000, cost, threads)
    assert room.calls_max == pytest.approx(LOAD_MAX * threads / cost, rel=0.12 * threads)
    assert str(room.calls_max) in room.why
    assert "70%" in room.why


def test_a_few_streams_teach_nothing() -> None:
    room = MediaRoom(1)
    assert told(room, 100, 49, 0.01) == []


def test_at_the_limit_nothing_more_is_let_in() -> None:
    room = MediaRoom(1)
    told(room, 2, 1500, 1 / 1500)
    assert room.calls_max <= 1500
    assert "limit 70%" in room.why


def test_twice_the_offer_never_gets_past_the_limit() -> None:
    """Calls come at twice what fits; streams of admitted calls talk two seconds later."""
    for cost in (1 / 1000, 1 / 3000):
        room, rng = MediaRoom(1), random.Random(5)
        frames, ringing, talking, loads = 0, [0, 0], 0, []
        for second in range(1, 240):
            up = talking + sum(ringing)
            new = min(rng.randint(20, 60), max(0, room.calls_max - up))
            talking += ringing.pop(0)
            ringing.append(new)
            ended = int(talking * 0.005)
            talking -= ended
            frames += 50 * talking
            loads.append(talking * cost)
            room.measure(
                {"frames": frames, "load": talking * cost, "streams": talking + sum(ringing)},
                second * S,
            )
        # a core three times slower than the first guess may be passed before it is known
        assert max(loads) < LOAD_MAX * 1.1
        assert loads[-1] > LOAD_MAX * 0.9, "and the room is used"


def test_off_means_off() -> None:
    room = MediaRoom(1, 0.0)
    assert (room.calls_max, room.why) == (0, "")
    assert told(room, 5, 4000, 1 / 4000) == []
