"""Two legs whose peers hear each other, between telephones that we did not write."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import uvloop

from dialerd.shell.recorder import Recorder
from fastpath.g711 import alaw_to_ulaw, ulaw_to_alaw
from fastpath.rtp import DigitHeard, MediaEngine
from tests.interop.meeting import check_stream, meet, noise, pass_packets, talker, voices
from tests.interop.singing import singer
from tests.interop.switchboard import Switchboard
from tests.interop.tones import coded, decoded, found, loudness, read_wav, tone
from tests.interop.wire import wire
from tests.ports import media_ports

pytestmark = pytest.mark.interop
LOW, HIGH = media_ports()
ALL_PORTS = (LOW - 140, HIGH)  # of this process: SIPp's are among the single ones
TONES = (440, 700, 1_000, 1_500)


@pytest.mark.parametrize("laws", [(0, 0), (8, 8), (0, 8)])
def test_payloads_arrive_as_they_were_said(
    engine: MediaEngine, tmp_path: Path, laws: tuple[int, int]
) -> None:
    """The same law: bit for bit. Another one: by the table of G.711, and nothing else."""

    async def talk(board: Switchboard) -> None:
        engine.bridge(board.streams[1], board.streams[2])
        await pass_packets(board, 1, 60)
        await pass_packets(board, 2, 10)

    with (
        wire(tmp_path, ALL_PORTS) as seen,
        talker(tmp_path, noise(1, 8), laws[0]) as (one, said_one),
        talker(tmp_path, noise(2, 8), laws[1]) as (two, said_two),
    ):
        board = meet(engine, (one.port, two.port), talk)
        assert one.finish()["successful"] == two.finish()["successful"] == 1
    seen.ports = {board.port(1), board.port(2)}
    for leg, said, law in ((1, said_two, laws[1]), (2, said_one, laws[0])):
        wanted = said
        if laws[0] != laws[1]:
            turned = ulaw_to_alaw if law == 0 else alaw_to_ulaw
            wanted = [turned(body) for body in said]
        sent = seen.rtp(source=board.port(leg))
        passed = voices(sent)
        begun = wanted.index(passed[0].payload)
        assert [p.payload for p in passed] == wanted[begun : begun + len(passed)]
        assert len(passed) >= 50
        assert passed[0].marker
        for before, after in pairwise(passed):  # a marker: SIPp said nothing for 200 ms
            assert after.marker or (after.timestamp - before.timestamp) % 2**32 == 160
        assert {p.kind for p in sent} == {laws[leg - 1]}
        check_stream(sent)


def test_tones_of_two_baresips_cross_and_are_told_by_their_spectrum(
    engine: MediaEngine, tmp_path: Path
) -> None:
    """mu-law here, A-law there; a mute on our side, and music while one is parked."""
    heard: dict[str, tuple[int, int]] = {}
    sound = tone(1_500, 1.0)
    music = engine.add_prompt(coded(sound, 0), coded(sound, 8))

    with singer(tmp_path, 440) as one, singer(tmp_path, 1_000, codec="pcma") as two:

        def cut(name: str) -> None:
            heard[name] = len(one.heard()), len(two.heard())

        async def talk(board: Switchboard) -> None:
            a, b = board.streams[1], board.streams[2]

            async def hear_more(samples: int) -> None:
                want = len(one.heard()) + samples
                await board.until(lambda: len(one.heard()) > want)

            engine.bridge(a, b)
            for name, do in (
                ("bridged", lambda: None),
                ("muted", lambda: engine.mute(a)),
                ("parked", lambda: (engine.mute(a, on=False), engine.park(b),
                                    engine.play(b, music, 1, loop=True))),
                ("back", lambda: (engine.stop_play(b), engine.park(b, on=False))),
            ):  # fmt: skip
                do()
                await hear_more(2_000)  # what was on its way when it changed
                cut(name)
                await hear_more(8_000)
            cut("end")

        meet(engine, (one.port, two.port), talk)
        cuts = list(heard.values())
        spans = dict(zip(heard, pairwise(cuts), strict=False))
        got = {
            name: tuple(
                found(phone.heard()[begin[i] : end[i]], TONES, 2_000)
                for i, phone in enumerate((one, two))
            )
            for name, (begin, end) in spans.items()
        }
    assert got == {
        "bridged": ({1_000}, {440}),
        "muted": ({1_000}, set()),
        "parked": (set(), {1_500}),
        "back": ({1_000}, {440}),
    }


def test_a_peer_that_holds_hears_nothing_and_its_music_is_heard(
    engine: MediaEngine, tmp_path: Path
) -> None:
    """SIPp holds by re-INVITE and takes the call back; baresip is the other party."""
    with (
        wire(tmp_path, ALL_PORTS) as seen,
        singer(tmp_path, 1_000) as phone,
        talker(tmp_path, tone(440, 10), 0, scenario="talks_and_holds") as (holder, _),
    ):

        async def talk(board: Switchboard) -> None:
            engine.bridge(board.streams[1], board.streams[2])
            for count in (2, 3):  # it was answered; now it holds, then it takes the call back
                await board.until(lambda count=count: len(board.turns(1)) == count)  # type: ignore[misc]
                if count == 2:
                    await pass_packets(board, 2, 40)  # its music
            await pass_packets(board, 1, 30)
            assert board.turns(1) == [(True, True), (False, True), (True, True)]

        board = meet(engine, (holder.port, phone.port), talk)
        assert holder.finish()["successful"] == 1
        assert found(phone.heard()[8_000:], TONES, 3_000) == {440}
    seen.ports = {board.port(1), board.port(2)}
    sent = seen.rtp(source=board.port(1))
    check_stream(sent)
    pauses = [n for n, (a, b) in enumerate(pairwise(sent), 1) if b.at - a.at > 1]
    assert len(pauses) == 1, "held once, and in that time nothing was sent"
    back = sent[pauses[0]]
    assert back.marker
    assert back.seq == (sent[pauses[0] - 1].seq + 1) % 65_536, "no number was used up"
    told = b"".join(p.payload for p in sent[pauses[0] + 5 :])
    assert loudness(decoded(told, 0), 1_000) > 3_000


def test_keys_pass_a_bridge_and_tshark_reads_them(engine: MediaEngine, tmp_path: Path) -> None:
    """SIPp says a key by RFC 4733; it is told once, and passed on as one event."""
    keys = Path("/usr/share/sip-tester/dtmf_2833_5.pcap")
    assert keys.is_file(), f"{keys} is missing: apt-get install sip-tester"
    with (
        wire(tmp_path, ALL_PORTS) as seen,
        singer(tmp_path, 1_000) as phone,
        talker(tmp_path, noise(3, 1.2), 0,
               scenario="talks_and_presses", keys=keys) as (presser, _),
    ):  # fmt: skip
        heard: list[DigitHeard] = []

        async def talk(board: Switchboard) -> None:
            engine.bridge(board.streams[1], board.streams[2])

            def pressed() -> bool:
                heard.extend(e for e in engine.events() if isinstance(e, DigitHeard))
                return bool(heard)

            await board.until(pressed)
            await pass_packets(board, 1, 15)  # meanwhile no second key
            pressed()

        board = meet(engine, (presser.port, phone.port), talk)
        assert presser.finish()["successful"] == 1
    assert [(e.stream, e.digit, e.source) for e in heard] == [(board.streams[1], "5", "rfc4733")]
    seen.ports = {board.port(1), board.port(2)}
    fields = ("rtp.seq", "rtp.timestamp", "rtp.marker", "rtpevent.event_id",
              "rtpevent.end_of_event", "rtpevent.duration")  # fmt: skip
    events = {}
    for leg, way in ((1, "dstport"), (2, "srcport")):
        rows = seen.tshark(
            "-Y", f"rtpevent && udp.{way}=={board.port(leg)}", "-T", "fields",
            *(f for name in fields for f in ("-e", name)),
        )  # fmt: skip
        events[leg] = list(
            {row.split("\t")[0]: row.split("\t") for row in rows.splitlines()}.values()
        )
        copies = len(rows.splitlines()) - len(events[leg])
        assert copies == (2 if leg == 1 else 0), "SIPp's last packet has one number three times"
    assert len(events[2]) >= 4
    assert [row[3:] for row in events[2]] == [row[3:] for row in events[1]], "as they were said"
    assert {row[3] for row in events[2]} == {"5"}
    assert len({row[1] for row in events[2]}) == 1, "one event has one timestamp"
    check_stream(seen.rtp(source=board.port(2)))


def test_a_call_moved_to_other_peers_hears_one_stream(engine: MediaEngine, tmp_path: Path) -> None:
    """From one talker to a prompt, to another talker with other clocks, and back."""
    sound = coded(tone(1_500, 0.4), 0), coded(tone(1_500, 0.4), 8)
    prompt = engine.add_prompt(*sound)
    with (
        wire(tmp_path, ALL_PORTS) as seen,
        singer(tmp_path, 1_000) as phone,
        talker(tmp_path, noise(4, 12), 0) as (one, said_one),
        talker(tmp_path, noise(5, 12), 8) as (two, said_two),
    ):

        async def talk(board: Switchboard) -> None:
            customer = board.streams[1]
            engine.bridge(customer, board.streams[2])
            await pass_packets(board, 1, 25)
            engine.bridge(customer, board.streams[3])
            await pass_packets(board, 1, 25)
            engine.play(customer, prompt, 1)
            await board.until(lambda: any(e.stream == customer for e in engine.events()))
            engine.bridge(customer, board.streams[2])
            await pass_packets(board, 1, 25)
            engine.unbridge(customer)

        board = meet(engine, (phone.port, one.port, two.port), talk)
    seen.ports = {board.port(1)}
    sent = seen.rtp(source=board.port(1))
    check_stream(sent)
    first, second = set(said_one), {alaw_to_ulaw(body) for body in said_two}
    played = {sound[0][at : at + 160] for at in range(0, len(sound[0]), 160)}
    who = [
        "one" if p.payload in first else "two" if p.payload in second
        else "prompt" if p.payload in played else "silence"
        for p in sent
    ]  # fmt: skip
    turns = [name for n, name in enumerate(who) if n == 0 or name != who[n - 1]]
    assert [name for name in turns if name != "silence"] in (
        ["one", "two", "prompt", "one"], ["one", "two", "prompt", "two", "one"],
    )  # fmt: skip
    for n, (before, after) in enumerate(pairwise(sent), 1):
        if who[n] != who[n - 1] and who[n] != "silence":
            assert after.marker, (n, who[n - 1], who[n], before)


def test_a_leg_with_srtp_meets_one_without(engine: MediaEngine, tmp_path: Path) -> None:
    with (
        wire(tmp_path, ALL_PORTS) as seen,
        singer(tmp_path, 440, encryption=";mediaenc=srtp-mand") as secret,
        talker(tmp_path, tone(1_000, 8), 0) as (plain, said),
    ):

        async def talk(board: Switchboard) -> None:
            engine.bridge(board.streams[1], board.streams[2])
            await pass_packets(board, 1, 60)
            await pass_packets(board, 2, 10)

        async def run() -> Switchboard:
            board = Switchboard(engine)
            try:
                board.call(1, secret.port, srtp="required")
                board.call(2, plain.port)
                await board.answered()
                await talk(board)
                await board.hang_up()
            finally:
                board.close()
            return board

        board = uvloop.run(run())
        assert plain.finish()["successful"] == 1
        assert found(secret.heard()[8_000:], TONES, 2_000) == {1_000}
    seen.ports = {board.port(1), board.port(2)}
    to_plain = voices(seen.rtp(source=board.port(2)))
    assert loudness(decoded(b"".join(p.payload for p in to_plain), 0), 440) > 3_000
    sealed = seen.rtp(source=board.port(1)) + seen.rtp(target=board.port(1))
    assert {len(p.payload) for p in sealed} == {170}, "each has its tag of 80 bits"
    assert not {p.payload[:160] for p in sealed} & {*said, *(p.payload for p in to_plain)}
    stats = engine.stats(board.streams[1])
    assert (stats.srtp_replayed, stats.send_errors) == (0, 0)
    assert stats.srtp_failed <= 1  # baresip's first RTCP may leave before it has keys


def test_both_sides_of_a_bridge_are_recorded_as_long_as_the_call(
    engine: MediaEngine, tmp_path: Path
) -> None:
    with singer(tmp_path, 440) as one, singer(tmp_path, 1_000, codec="pcma") as two:
        sent: list[int] = []

        async def talk(board: Switchboard) -> None:
            a, b = board.streams[1], board.streams[2]
            engine.bridge(a, b)
            await pass_packets(board, 1, 5)
            recorder = Recorder(tmp_path / "both.wav", engine, a)
            sent.append(engine.stats(a).sent)
            for _ in range(4):
                await pass_packets(board, 1, 25)
                recorder.drain()
            sent.append(engine.stats(a).sent)
            recorder.close()

        meet(engine, (one.port, two.port), talk)
    ours, theirs = (read_wav(tmp_path / "both.wav", side) for side in (0, 1))
    assert abs(len(ours) - 160 * (sent[1] - sent[0])) <= 800, "as long as what was sent meanwhile"
    assert found(ours[800:-800], TONES, 3_000) == {1_000}
    assert found(theirs[800:-800], TONES, 3_000) == {440}
    # no holes: a tone without gaps is as loud in every tenth of a second
    for side, hertz in ((ours, 1_000), (theirs, 440)):
        for at in range(1_600, len(side) - 2_400, 800):
            assert loudness(side[at : at + 800], hertz) > 3_000, at
