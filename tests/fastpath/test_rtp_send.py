"""The sender against its twin, and what its packets look like to a peer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastpath import g711
from fastpath.dtmf import DtmfDetector
from fastpath.rtp_send import RtpSender
from tests.reference.rtp import Parsed, parse
from tests.reference.rtp_send import Sender

LAW = bytes(range(256)) * 4
OTHER_LAW = LAW[::-1]


def sender(**odd: int) -> RtpSender:
    made = RtpSender(**{"ssrc": 9, "seq": 0, "timestamp": 0} | odd)
    made.connect(0, 101)
    return made


def frames(made: RtpSender, count: int, first: int = 0) -> tuple[list[list[Parsed]], list[str]]:
    """Parsed packets of each frame, and what ended."""
    out, ended = [], []
    for number in range(first, first + count):
        packets, told = made.frame(number)
        ended += [f"{what}{token}@{number}" for what, token in told]
        parsed = [parse(p) for p in packets]
        out.append([p for p in parsed if p is not None])
        assert len(out[-1]) == len(packets)
    return out, ended


def markers(made: RtpSender, count: int, first: int = 0) -> list[int]:
    return [n for n in range(first, first + count) for p in made.frame(n)[0] if p[1] & 0x80]


def audio(law: bytes, size: int | list[int]) -> bytes | list[bytes]:
    """A prompt of a size, or a chain of prompts."""
    return law[:size] if isinstance(size, int) else [law[n:] + law[:n] for n in size]


commands = st.one_of(
    st.tuples(
        st.just("play"),
        st.one_of(st.integers(1, 1000), st.lists(st.integers(1, 500), min_size=1, max_size=5)),
        st.integers(0, 99),
        st.booleans(),
    ),
    st.tuples(st.just("stop_play")),
    st.tuples(
        st.just("send_digits"),
        st.text("059*#AD", min_size=1, max_size=3),
        st.integers(0, 99),
        st.integers(21, 90),
        st.integers(21, 90),
    ),
    st.tuples(st.just("connect"), st.sampled_from([0, 8]), st.sampled_from([96, 101])),
    st.tuples(st.just("quiet"), st.sampled_from([0, 8])),
    st.tuples(st.just("pause"), st.booleans()),
    st.tuples(st.just("frames"), st.integers(1, 12)),
    st.tuples(st.just("gone"), st.integers(1, 500)),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(commands, max_size=30), st.integers(0, 65535), st.integers(0, 2**32 - 1))
def test_sender_and_twin_send_the_same(script: list[tuple], seq: int, timestamp: int) -> None:
    ours, twin = sender(seq=seq, timestamp=timestamp), Sender(9, seq, timestamp)
    twin.connect(0, 101)
    number = waiting = 0
    for name, *arguments in script:
        if name == "play":
            size, token, loop = arguments
            for one in (ours, twin):
                one.play(audio(LAW, size), audio(OTHER_LAW, size), token, loop)
        elif name == "quiet":
            for one in (ours, twin):
                one.connect(arguments[0], 101, comfort=False)
        elif name == "gone":
            number += arguments[0]
        elif name == "frames":
            for _ in range(arguments[0]):
                mine, theirs = ours.frame(number), twin.frame(number)
                assert mine == theirs
                number += 1
        elif name != "send_digits" or len(twin.presses) + len(arguments[0]) <= 32:
            for one in (ours, twin):
                getattr(one, name)(*arguments)
    ours.pause(False)
    twin.pause(False)
    waiting = sum(len(p.frames) for p in twin.presses) + 10
    for _ in range(waiting):
        assert ours.frame(number) == twin.frame(number)
        number += 1
    assert not twin.presses


@settings(max_examples=60, deadline=None)
@given(
    st.lists(commands.filter(lambda c: c[0] not in ("connect", "quiet")), max_size=20),
    st.sampled_from([0, 8]),
    st.booleans(),
)
def test_keys_for_a_peer_without_events_are_tones(
    script: list[tuple], law: int, comfort: bool
) -> None:
    ours, twin = sender(), Sender(9, 0, 0)
    for one in (ours, twin):
        one.connect(law, -1, comfort=comfort)
    number = 0
    for name, *arguments in [*script, ("pause", False), ("frames", 60)]:
        if name == "gone":
            number += arguments[0]
        elif name == "frames":
            for _ in range(arguments[0]):
                assert ours.frame(number) == twin.frame(number)
                number += 1
        elif name == "play":
            for one in (ours, twin):
                one.play(audio(LAW, arguments[0]), audio(OTHER_LAW, arguments[0]), *arguments[1:])
        elif name != "send_digits" or len(twin.presses) + len(arguments[0]) <= 32:
            for one in (ours, twin):
                getattr(one, name)(*arguments)


@pytest.mark.parametrize("law", [0, 8])
def test_tones_that_we_send_are_the_keys(law: int) -> None:
    made = sender()
    made.connect(law, -1)
    made.send_digits("159D*0#", 7, on_ms=60, gap_ms=60)
    sent, ended = frames(made, 7 * 6 + 2)
    assert [len(packets) for packets in sent] == [1] * len(sent)
    decode = g711.alaw_decode if law else g711.ulaw_decode
    heard = DtmfDetector().hear(decode(b"".join(p[0].payload for p in sent)))
    assert [key for key, _ in heard] == list("159D*0#")
    assert ended == ["digits7@41"]
    assert markers(made, 3, 44) == [], "audio all the way"


@pytest.mark.parametrize("missing", [1, 5, 25])
@pytest.mark.parametrize("cut", range(6))
def test_frames_that_were_never_sent_make_no_two_keys_of_one(cut: int, missing: int) -> None:
    """Its peer hears nothing meanwhile, wherever in the tones that begins."""
    made = sender()
    made.connect(0, -1)
    made.send_digits("59", 7)
    before, _ = frames(made, cut)
    after, ended = frames(made, 30, cut + missing)
    nothing = [b"\xff" * 160] * missing
    said = [p[0].payload for p in before] + nothing + [p[0].payload for p in after]
    heard = DtmfDetector().hear(g711.ulaw_decode(b"".join(said)))
    assert [key for key, _ in heard] == list("59")
    assert len(ended) == 1


def test_a_peer_that_forgets_events_in_the_middle_of_one() -> None:
    made = sender()
    made.send_digits("5", 1)
    frames(made, 2)
    made.connect(0, -1)
    sent, ended = frames(made, 10, 2)
    assert {p.payload_type for packets in sent for p in packets} == {0}
    assert ended == ["digits1@9"]


def test_a_prompt_is_sent_whole_in_the_law_of_the_peer() -> None:
    for payload_type, law in ((0, LAW), (8, OTHER_LAW)):
        made = sender()
        made.connect(payload_type, 101)
        made.play(LAW, OTHER_LAW, 5)
        sent, ended = frames(made, 8)
        assert [len(packets) for packets in sent] == [1] * 8
        audio = b"".join(packets[0].payload for packets in sent[:7])
        silence = b"\xff" if payload_type == 0 else b"\xd5"
        assert audio == law + silence * (7 * 160 - len(law))
        assert {p.payload_type for packets in sent for p in packets} == {payload_type}
        assert ended == ["play5@7"]


def test_a_law_may_have_a_number_of_the_sdps_own() -> None:
    made = sender()
    made.connect(107, 101, law=8)
    made.play(LAW, OTHER_LAW, 5)
    sent, _ = frames(made, 9)
    assert {p.payload_type for packets in sent for p in packets} == {107}
    assert sent[0][0].payload == OTHER_LAW[:160]
    assert sent[8][0].payload == b"\xd5" * 160
    for payload_type, event_type, law in ((107, 107, 8), (95, 101, 8), (128, 101, 8), (107, 1, 9)):
        with pytest.raises(ValueError, match="not a payload type"):
            made.connect(payload_type, event_type, law=law)


def test_a_paused_sender_is_silent_and_its_prompt_waits() -> None:
    made = sender()
    made.play(LAW, LAW, 3)
    first, _ = frames(made, 3)
    made.pause()
    assert frames(made, 50, first=3) == ([[]] * 50, [])
    made.pause(False)
    rest, ended = frames(made, 6, first=53)
    assert b"".join(p[0].payload for p in first + rest)[: len(LAW)] == LAW
    assert rest[0][0].marker
    assert rest[0][0].seq == first[-1][0].seq + 1
    assert rest[0][0].timestamp == first[-1][0].timestamp + 51 * 160
    assert ended == ["play3@57"]


def test_a_digit_cut_by_a_pause_is_not_pressed_again() -> None:
    made = sender()
    made.send_digits("5", 1)
    frames(made, 2)
    made.pause()
    made.pause(False)
    rest, ended = frames(made, 10, first=60)
    assert {p.payload_type for packets in rest for p in packets} == {0}
    assert ended == ["digits1@62"]


def test_seq_counts_packets_and_timestamp_counts_time() -> None:
    made = sender(seq=65534, timestamp=2**32 - 200, ssrc=0xDEADBEEF)
    made.connect(0, 101, comfort=False)
    made.play(LAW[:320], LAW[:320], 1)
    first, _ = frames(made, 10)
    made.play(LAW[:320], LAW[:320], 2)
    second, _ = frames(made, 3, first=10)
    sent = [p for packets in first + second for p in packets]
    assert [p.seq for p in sent] == [65534, 65535, 0, 1]
    start = 2**32 - 200
    assert [p.timestamp for p in sent] == [(start + 160 * n) % 2**32 for n in (0, 1, 10, 11)]
    assert {p.ssrc for p in sent} == {0xDEADBEEF}


def test_the_marker_begins_each_talk_spurt() -> None:
    made = sender()
    assert markers(made, 5) == [0], "the stream begins"
    made.play(LAW[:320], LAW[:320], 1)
    assert markers(made, 5, 5) == [5], "the prompt begins; the silence after it does not"
    made.connect(0, 101, comfort=False)
    assert markers(made, 5, 10) == []
    made.connect(0, 101)
    assert markers(made, 5, 15) == [15], "sound after nothing"


def test_silence_is_sent_when_nothing_plays_unless_it_is_unwanted() -> None:
    made = sender()
    sent, _ = frames(made, 3)
    assert [p.payload for packets in sent for p in packets] == [b"\xff" * 160] * 3
    made.connect(8)
    assert frames(made, 1, 3)[0][0][0].payload == b"\xd5" * 160
    made.connect(0, 101, comfort=False)
    assert frames(made, 3, 4) == ([[], [], []], [])


def test_a_loop_plays_until_it_is_stopped() -> None:
    made = sender()
    made.play(LAW[:480], LAW[:480], 1, loop=True)
    sent, ended = frames(made, 100)
    assert b"".join(packets[0].payload for packets in sent[:99]) == LAW[:480] * 33
    assert ended == []
    made.stop_play()
    sent, ended = frames(made, 1, 100)
    assert (sent[0][0].payload, ended) == (b"\xff" * 160, [])


def test_a_chain_is_one_flow_without_a_gap_and_ends_once() -> None:
    made = sender()
    parts = [bytes([n]) * size for n, size in ((1, 320), (2, 100), (3, 160))]
    made.play(parts, [b"\xaa" * len(p) for p in parts], 6)
    sent, ended = frames(made, 6)
    assert [p.payload for packets in sent[:4] for p in packets] == [
        b"\1" * 160, b"\1" * 160, b"\2" * 100 + b"\xff" * 60, b"\3" * 160,
    ]  # fmt: skip
    assert [p.seq for packets in sent for p in packets] == list(range(6))
    assert [p.timestamp for packets in sent for p in packets] == [160 * n for n in range(6)]
    assert [p.marker for packets in sent for p in packets] == [True] + [False] * 5
    assert ended == ["play6@4"]


def test_a_chain_loops_as_a_whole_and_is_cut_as_a_whole() -> None:
    made = sender()
    parts = [bytes([n]) * 160 for n in (1, 2)]
    made.play(parts, parts, 6, loop=True)
    sent, ended = frames(made, 7)
    assert [packets[0].payload[0] for packets in sent] == [1, 2, 1, 2, 1, 2, 1]
    made.play(LAW[:160], LAW[:160], 7)
    sent, ended = frames(made, 3, 7)
    assert [packets[0].payload[0] for packets in sent] == [0, 255, 255]
    assert ended == ["play7@8"]


def test_a_chain_has_a_bound() -> None:
    made = sender()
    made.play([b"a"] * 128, [b"b"] * 128, 1)
    assert frames(made, 129)[1] == ["play1@128"]
    for count in (0, 129):
        with pytest.raises(ValueError, match=f"one to 128 prompts at a time, not {count}"):
            made.play([b"a"] * count, [b"b"] * count, 1)


def test_a_prompt_in_place_of_another_ends_only_once() -> None:
    made = sender()
    made.play(LAW, LAW, 1)
    frames(made, 3)
    made.play(LAW[:160], LAW[:160], 2)
    assert frames(made, 5, 3)[1] == ["play2@4"]


def test_a_digit_is_what_rfc_4733_asks_for() -> None:
    made = sender(timestamp=5000)
    made.play(LAW, LAW, 1)
    made.send_digits("#", 7, on_ms=100, gap_ms=60)
    sent, ended = frames(made, 8, first=10)
    events = [p for packets in sent for p in packets if p.payload_type == 101]
    assert [len(packets) for packets in sent] == [3, 1, 1, 1, 1, 1, 1, 1]
    assert {p.timestamp for p in events} == {5000 + 10 * 160}, "it never changes inside an event"
    assert [p.seq for p in events] == list(range(9))
    assert {p.payload[0] for p in events} == {11}
    durations = [int.from_bytes(p.payload[2:], "big") for p in events]
    assert durations == [160, 160, 160, 320, 480, 640, 800, 800, 800]
    assert [p.payload[1] for p in events] == [10] * 6 + [0x8A] * 3
    assert sent[7][0].payload == b"\xff" * 160, "the gap is silent and the prompt waits"
    assert ended == ["digits7@17"]
    after, _ = frames(made, 1, 18)
    assert after[0][0].payload == LAW[:160]


def test_the_marker_is_on_the_copies_of_the_first_event_packet() -> None:
    made = sender()
    made.send_digits("12", 7, on_ms=80, gap_ms=80)
    assert markers(made, 16) == [0, 0, 0, 6, 8, 8, 8, 14]


@pytest.mark.parametrize(
    ("digits", "on_ms", "gap_ms", "says"),
    [
        ("", 100, 100, "one to 32 digits"),
        ("1" * 33, 100, 100, "one to 32 digits"),
        ("1x", 100, 100, "not digits"),
        ("1\r\n", 100, 100, "not digits"),
        ("٣", 100, 100, "not digits"),
        ("1", 20, 100, "on_ms must be between 40 and 4000"),
        ("1", -5, 100, "on_ms"),
        ("1", 100, 4001, "gap_ms"),
        ("1", 100, 0, "gap_ms"),
    ],
)
def test_nonsense_is_not_sent(digits: str, on_ms: int, gap_ms: int, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        sender().send_digits(digits, 1, on_ms, gap_ms)


def test_the_queue_of_digits_is_bounded() -> None:
    made = sender()
    made.send_digits("1" * 20, 1)
    with pytest.raises(BufferError, match="32"):
        made.send_digits("2" * 13, 2)
    made.send_digits("3" * 12, 3)
    assert frames(made, 32 * 10)[1] == ["digits1@199", "digits3@319"]


@pytest.mark.parametrize(
    ("pcmu", "pcma"), [(b"", b""), (b"a", b""), (b"ab", b"a"), (bytes(160 * 30001),) * 2]
)
def test_what_is_no_prompt_is_refused(pcmu: bytes, pcma: bytes) -> None:
    made = sender()
    with pytest.raises(ValueError, match="prompt has"):
        made.play(pcmu, pcma, 1)
    assert frames(made, 1)[1] == []
