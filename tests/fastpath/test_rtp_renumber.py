"""One end of a bridge: what the peer hears of another source, by its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastpath.g711 import alaw_to_ulaw, ulaw_to_alaw
from fastpath.rtp_renumber import RtpRelay
from tests.reference.rtp import Parsed, event, parse
from tests.reference.rtp_relay import Relay

VOICE = bytes(range(160))
TELL = 101


def relay(
    seq: int = 1_000, timestamp: int = 2**31 - 800, law: int = 0, events: int = TELL
) -> RtpRelay:
    made = RtpRelay(7, seq, timestamp)
    made.connect(law, events)
    return made


def heard(
    made: RtpRelay, n: int, *, ssrc: int = 1, body: bytes = VOICE, **more: bool
) -> Parsed | None:
    """Pass a packet of a source that counts from 0."""
    data = made.pass_on(n % 65_536, 160 * n % 2**32, ssrc, 0, body, **more)
    return None if data is None else parse(data)


def run_of(made: RtpRelay, *numbers: int, ssrc: int = 1) -> list[tuple[int, int, bool] | None]:
    """Number, timestamp and marker of each packet that is passed on, from those of the first."""
    out = [heard(made, n, ssrc=ssrc) for n in numbers]
    first = next(p for p in out if p is not None)
    return [
        None if p is None
        else ((p.seq - first.seq) % 65_536, (p.timestamp - first.timestamp) // 160, p.marker)
        for p in out
    ]  # fmt: skip


def test_losses_and_late_packets_keep_their_places() -> None:
    made = relay(seq=5)
    made.frame(1)
    assert run_of(made, 0, 1, 3, 2, 7, 5) == [
        (0, 0, True), (1, 1, False), (3, 3, False), (2, 2, False), (7, 7, False), (5, 5, False),
    ]  # fmt: skip


def test_what_was_said_before_the_bridge_and_comes_late_is_left_out() -> None:
    made = relay(seq=5)
    made.frame(1)
    assert run_of(made, 6, 5, 7, 4, 8) == [
        (0, 0, True), None, (1, 1, False), None, (2, 2, False),
    ]  # fmt: skip


def test_another_source_goes_on_with_a_marker() -> None:
    made = relay()
    made.frame(1)
    first = run_of(made, 0, 1, 2)
    made.frame(2)
    made.frame(3)
    made.frame(4)
    last = heard(made, 3)
    other = heard(made, 30_000, ssrc=99)
    again = heard(made, 30_001, ssrc=99)
    assert first[0] == (0, 0, True)
    assert last is not None
    assert other is not None
    assert again is not None
    assert (other.ssrc, other.marker, again.marker) == (last.ssrc, True, False)
    assert (other.seq - last.seq) % 65_536 == 1
    assert 160 <= (other.timestamp - last.timestamp) % 2**32 <= 320


def test_after_silence_the_sender_goes_on_and_no_number_is_left_out() -> None:
    made = relay(seq=65_534)
    made.frame(1)
    passed = [heard(made, n) for n in range(4)]
    quiet = [made.frame(n)[0] for n in range(2, 20)]
    begun = next(n for n, packets in enumerate(quiet) if packets)
    assert begun == 10, "200 ms"
    [data] = quiet[begun]
    own, last = parse(data), passed[-1]
    assert own is not None
    assert last is not None
    assert own.marker
    assert (own.seq - last.seq) % 65_536 == 1
    assert 0 < (own.timestamp - last.timestamp) % 2**32 < 2**31


def test_keys_that_the_peer_does_not_know_leave_no_gap() -> None:
    made = relay(events=-1)
    made.frame(1)
    before = heard(made, 0)
    assert made.pass_on(1, 160, 1, TELL, event(5, 160), event=True) is None
    assert made.pass_on(2, 160, 1, TELL, event(5, 320, end=True), event=True) is None
    after = heard(made, 3)
    assert before is not None
    assert after is not None
    assert (after.seq - before.seq) % 65_536 == 1
    assert (after.timestamp - before.timestamp) % 2**32 == 480


def test_a_late_packet_before_keys_that_were_left_out_has_its_number() -> None:
    made = relay(events=-1)
    made.frame(1)
    first = heard(made, 10)
    assert made.pass_on(12, 320, 1, TELL, event(5, 160), event=True) is None
    late, after = heard(made, 11), heard(made, 13)
    assert first is not None
    assert late is not None
    assert after is not None
    assert [(p.seq - first.seq) % 65_536 for p in (first, late, after)] == [0, 1, 2]


def test_a_prompt_ends_the_passing_and_it_begins_anew_behind_it() -> None:
    made = relay()
    made.frame(1)
    heard(made, 0)
    made.play(VOICE, VOICE, 1)
    assert heard(made, 1) is None
    [data], _ = made.frame(2)
    prompt = parse(data)
    made.frame(3)
    back = heard(made, 2)
    assert prompt is not None
    assert back is not None
    assert prompt.marker
    assert back.marker
    assert 0 < (back.timestamp - prompt.timestamp) % 2**32 < 2_000


@pytest.mark.parametrize("law", [0, 8])
def test_laws_are_translated_by_table(law: int) -> None:
    made = relay(law=law)
    made.frame(1)
    same = heard(made, 0, body=VOICE)
    other = made.pass_on(1, 160, 1, 8, VOICE)
    assert same is not None
    assert same.payload == (VOICE if law == 0 else ulaw_to_alaw(VOICE))
    assert other is not None
    assert other[12:] == (VOICE if law == 8 else alaw_to_ulaw(VOICE))
    noise = made.pass_on(2, 320, 1, 13, b"\x40")
    assert noise is not None
    assert noise[12:] == b"\x40"
    assert noise[1] & 127 == 13


def test_what_no_packet_can_be_is_refused() -> None:
    made = relay()
    with pytest.raises(ValueError, match="481 octets"):
        made.pass_on(0, 0, 1, 0, bytes(481))
    with pytest.raises(ValueError, match="3 octets"):
        made.pass_on(0, 0, 1, TELL, bytes(3), event=True)


# ---- against plain Python


@dataclass
class Script:
    """Where the sources of a run are."""

    seq: list[int]
    timestamp: list[int]


steps = st.one_of(
    # a packet: of which source, how many numbers on, how many samples on, what
    st.tuples(
        st.just("pass"),
        st.integers(0, 1),
        st.one_of(st.just(1), st.integers(-5, 5), st.sampled_from([-80, 63, 64, 200, 30_000])),
        st.one_of(st.just(160), st.sampled_from([0, 80, 480, 8_000, -16_000, 15_999, 2**31])),
        st.sampled_from(["voice", "voice", "voice", "short", "alaw", "noise", "event", "end"]),
        st.booleans(),
    ),
    st.tuples(st.just("frame"), st.sampled_from([1, 1, 1, 2, 9, 10, 11, 40])),
    st.tuples(st.just("play"), st.integers(1, 300)),
    st.tuples(st.just("press"), st.sampled_from("0#A")),
    st.tuples(st.just("pause"), st.booleans()),
    st.tuples(st.just("stop")),
)
BODIES = {
    "voice": (0, VOICE), "short": (0, VOICE[:80]), "alaw": (8, VOICE[::-1]), "noise": (13, b"\x30"),
    "event": (TELL, event(3, 400)), "end": (TELL, event(3, 800, end=True)),
}  # fmt: skip


@settings(max_examples=400)
@given(
    st.lists(steps, max_size=80),
    st.sampled_from([0, 8]),
    st.sampled_from([-1, TELL]),
    st.booleans(),
    st.sampled_from([(0, 0), (65_530, 2**32 - 700), (30_000, 2**31 - 900)]),
)
def test_it_says_what_the_reference_says(
    script: list[tuple], law: int, tell: int, events: bool, begin: tuple[int, int]
) -> None:
    fast, slow = RtpRelay(7, *begin), Relay(7, *begin)
    fast.connect(law, tell)
    slow.connect(law, tell)
    at = Script([65_500, 200], [2**32 - 3_000, 10_000])
    number = 0
    for step in script:
        if step[0] == "pass":
            _, source, more, samples, kind, marker = step
            at.seq[source] += more
            at.timestamp[source] += samples
            payload_type, body = BODIES[kind]
            packet = (at.seq[source] % 65_536, at.timestamp[source] % 2**32, 40 + source,
                      payload_type, body)  # fmt: skip
            told = {"event": payload_type == TELL, "marker": marker, "events": events}
            ours, theirs = fast.pass_on(*packet, **told), slow.pass_on(*packet, **told)
            assert ours == theirs
        elif step[0] == "frame":
            number += step[1]
            assert fast.frame(number) == slow.frame(number)
        elif step[0] == "play":
            for each in (fast, slow):
                each.play(VOICE * step[1], VOICE * step[1], 1)
        elif step[0] == "press":
            for each in (fast, slow):
                if len(slow.presses) < 8:
                    each.send_digits(step[1], 2)
        elif step[0] == "pause":
            for each in (fast, slow):
                each.pause(step[1])
        else:
            for each in (fast, slow):
                each.stop_play()
