"""Where recorded frames lie: an hour of a drifting, jittering, losing peer stays aligned."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastpath import g711
from fastpath.rtp import RECORD_DTYPE
from fastpath.rtp_record import RecordPlacing
from fastpath.rtp_tape import Tape
from tests.reference.rtp_tape import recording

ENTRY = np.dtype(RECORD_DTYPE)
Frame = tuple[int, int, int, bytes]  # position, side, payload type, payload


def entries(frames: list[Frame], begins: Sequence[bool] = ()) -> bytes:
    """As the engine hands them out; unless told otherwise, nothing was lost before any of them."""
    rows = np.zeros(len(frames), ENTRY)
    rows["begins"] = begins or 1
    for row, (position, side, coding, payload) in zip(rows, frames, strict=True):
        row["position"], row["side"], row["payload_type"] = position, side, coding
        row["size"] = len(payload)
        row["payload"][: min(160, len(payload))] = np.frombuffer(payload[:160], np.uint8)
    return rows.tobytes()


# ---- the mapping


@pytest.mark.parametrize("ppm", [0, 50, -50, 300, -300])
def test_an_hour_stays_aligned(ppm: int) -> None:
    """A peer whose clock is off, with jitter of up to 60 ms and 3 % loss: within 25 ms always."""
    chance = random.Random(ppm)
    placing = RecordPlacing()
    timestamp, worst = chance.getrandbits(32), 0.0
    for n in range(3600 * 50):
        said = n * 160 * (1 + ppm / 1e6)  # in samples of our clock
        if chance.random() < 0.03:
            continue
        late = chance.choice([0, 0, 0, 10, 40, 200, 480])
        position = placing.place(7, (timestamp + n * 160) & 0xFFFFFFFF, int(said) + 400 + late)
        if n > 250:
            worst = max(worst, abs(position - (said + 400)))
    assert worst <= 200
    assert placing.moves <= 2 + abs(ppm) * 3600 * 8 // 1000 // 80 * 2


def test_loss_leaves_its_place_empty() -> None:
    placing = RecordPlacing()
    positions = [placing.place(1, n * 160, n * 160) for n in (0, 1, 5, 6, 60, 61)]
    assert positions == [0, 160, 800, 960, 9600, 9760]


def test_a_first_packet_that_was_late_is_put_right() -> None:
    placing = RecordPlacing()
    first = placing.place(1, 0, 800)
    later = [placing.place(1, n * 160, n * 160) for n in range(1, 300)]
    assert first == 800
    assert later[0] == 160 + 800
    assert later[-1] == 299 * 160
    assert placing.moves == 1


def test_while_somebody_speaks_nothing_is_moved_but_far_ones() -> None:
    placing, far = RecordPlacing(), RecordPlacing()
    first = placing.place(1, 0, 700, quiet=False), far.place(1, 0, 900, quiet=False)
    assert first == (700, 900)
    for n in range(1, 250):
        assert placing.place(1, n * 160, n * 160, quiet=False) == n * 160 + 700
        late = far.place(1, n * 160, n * 160, quiet=False)
        assert late == n * 160 + (900 if n < 100 else 0)
    assert placing.place(1, 250 * 160, 250 * 160, quiet=True) == 250 * 160, "a pause"
    assert placing.place(1, 251 * 160, 251 * 160, quiet=False) == 251 * 160
    assert (placing.moves, far.moves) == (1, 1)


def test_a_move_waits_for_a_quiet_moment_and_not_for_ever() -> None:
    """Speech with a pause: in it. A line that is never quiet: within five seconds."""
    loud, soft = bytes([0x10]) * 160, b"\xf0" * 160
    for pause, moved_by in ((130, 131), (10_000, 300)):
        placing = RecordPlacing()
        assert placing.hear(0, 700, loud) == 700
        for n in range(1, 400):
            placing.hear(n * 160, n * 160, soft if n == pause else loud)
            assert placing.moves == 0 or n >= min(pause, 150)
            if placing.moves == 0:
                assert n < moved_by
        assert placing.moves == 1
        assert placing.hear(400 * 160, 400 * 160, loud) == 400 * 160
    assert RecordPlacing().hear(0, 5, b"") == 5


def test_a_way_that_becomes_longer_moves_what_is_heard() -> None:
    placing = RecordPlacing()
    for n in range(400):
        position = placing.place(1, n * 160, n * 160 + (400 if n > 100 else 0))
    assert position == 399 * 160 + 400


@pytest.mark.parametrize("jump", [1 << 31, 1 << 20, -(1 << 20), 0x7FFFFFFF])
def test_a_jump_of_timestamps_begins_anew_at_the_arrival(jump: int) -> None:
    placing = RecordPlacing()
    for n in range(50):
        placing.place(1, n * 160, n * 160)
    assert placing.place(1, (50 * 160 + jump) & 0xFFFFFFFF, 8000) == 8000
    assert placing.place(2, 5, 8160) == 8160


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(0, 2**32 - 1), st.integers(0, 5_000)), max_size=80
    )
)
def test_no_packet_lies_far_from_its_arrival(packets: list[tuple[int, int, int]]) -> None:
    placing, arrival = RecordPlacing(), 0
    for ssrc, timestamp, step in packets:
        arrival += step
        assert abs(placing.place(ssrc, timestamp, arrival) - arrival) <= 1600


# ---- the tape

frames = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 20_000), st.integers(-(2**62), 2**62)),
        st.integers(0, 3),
        st.sampled_from([0, 8, 13, 255]),
        st.binary(max_size=160),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=200)
@given(st.lists(frames, max_size=6), st.integers(0, 4_000))
def test_pieces_never_overlap_whatever_comes(batches: list[list[Frame]], hold: int) -> None:
    tape, end = Tape(hold), 0
    for i, batch in enumerate(batches):
        for position, data in tape.take(entries(batch), rest=i == len(batches) - 1):
            assert position >= end
            assert len(data) % 4 == 0
            assert data
            end = position + len(data) // 4
        assert tape.samples >= end


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 80), st.integers(0, 1), st.integers(1, 160))), st.data())
def test_what_came_in_time_is_what_is_written(
    script: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    """Against plain addition: any order within the hold, any cut into batches."""
    tape, expected = Tape(1600), np.zeros((90 * 160, 2), np.int16)
    written = bytearray(expected.nbytes)
    batch: list[Frame] = []
    end = laid = 0

    def take(*, rest: bool = False) -> None:
        for position, piece in tape.take(entries(batch), rest=rest):
            written[position * 4 : position * 4 + len(piece)] = piece
        batch.clear()

    for number, side, size in script:
        if number * 160 < end - 1600:
            continue
        payload = bytes([number]) * size
        expected[number * 160 : number * 160 + size, side] = g711.ulaw_decode(payload)
        batch.append((number * 160, side, 0, payload))
        end = max(end, number * 160 + size)
        laid += 1
        if data.draw(st.booleans()):
            take()
    take(rest=True)
    assert bytes(written) == expected.tobytes()
    assert tape.late == 0
    assert tape.samples == end


def test_losses_are_concealed_and_silence_is_silence() -> None:
    """A tone of which frames are missing: with RTP's marker behind them, nobody spoke."""
    samples = np.rint(8_000 * np.sin(np.arange(1_600) * 0.3)).astype(np.int16)
    audio = g711.ulaw_encode(samples)
    frames = [(at, 1, 0, audio[at : at + 160]) for at in range(0, 1_600, 160)]
    for lost, marker in (((4,), False), ((4,), True), ((3, 4, 5, 6), False)):
        kept = [frame for n, frame in enumerate(frames) if n not in lost]
        begins = [n == 0 or (marker and n == lost[-1] + 1) for n in range(10) if n not in lost]
        tape = Tape()
        [(_, data)] = tape.take(entries(kept, begins), rest=True)
        heard = np.frombuffer(data, np.int16)[1::2]
        gap = heard[lost[0] * 160 : (lost[-1] + 1) * 160]
        exact = g711.ulaw_decode(audio)
        assert np.array_equal(heard[: lost[0] * 160], exact[: lost[0] * 160])
        assert np.array_equal(heard[lost[-1] * 160 + 240 :], exact[lost[-1] * 160 + 240 :])
        assert tape.concealed == (0 if marker else len(gap))
        if marker:
            assert not gap.any()
        else:
            assert np.corrcoef(gap[:80], samples[lost[0] * 160 : lost[0] * 160 + 80])[0, 1] > 0.9
            assert not gap[480:].any(), "60 ms, then silence"


@settings(deadline=None, max_examples=120)
@given(
    st.lists(
        st.tuples(st.integers(1, 6), st.sampled_from([80, 120, 160]), st.booleans(),
                  st.sampled_from([0, 8]), st.integers(0, 2**32 - 1)),
        min_size=1, max_size=25,
    ),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_a_tape_says_what_the_reference_says(
    script: list[tuple[int, int, bool, int, int]], chance: random.Random
) -> None:
    """Gaps of up to 125 ms, laws, marks, any order within the hold, any cut into batches."""
    tape, at = Tape(2_000), 0
    frames: list[tuple[int, int, int, bytes, bool]] = []
    for step, size, begins, law, seed in script:
        at += 160 * step if step < 3 else 160 * step + 40
        payload = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8).tobytes()
        frames.append((at, 1, law, payload, begins))
        if seed % 3 == 0:
            frames.append((at + 7, 0, law, payload, True))
    order = sorted(frames, key=lambda frame: frame[0] + chance.randrange(800))
    pieces: list[tuple[int, bytes]] = []
    while order:
        count = chance.randrange(1, 5)
        batch, order = order[:count], order[count:]
        pieces += tape.take(entries([f[:4] for f in batch], [f[4] for f in batch]))
    pieces += tape.take(b"", rest=True)
    wanted = recording(frames)
    assert tape.samples == len(wanted)
    heard = np.zeros((len(wanted), 2), np.int16)
    for position, data in pieces:
        part = np.frombuffer(data, np.int16).reshape(-1, 2)
        heard[position : position + len(part)] = part
    assert heard.tolist() == [list(pair) for pair in wanted]


def test_long_silence_costs_no_memory() -> None:
    tape = Tape()
    [(start, data)] = tape.take(entries([(0, 0, 0, b"\x20" * 160)]), rest=True)
    assert (start, len(data)) == (0, 640)
    hour = 3600 * 8000
    [(start, data)] = tape.take(entries([(hour, 1, 0, b"\x20" * 160)]), rest=True)
    assert start == hour - 2000
    assert len(data) == 2160 * 4


def test_bad_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="whole entries"):
        Tape().take(bytes(ENTRY.itemsize + 1))
    with pytest.raises(ValueError, match="hold"):
        Tape(-1)
    with pytest.raises(ValueError, match="hold"):
        Tape(1 << 20)
    assert Tape().take(b"") == []
