"""SIPp telephones that say what a test wrote, and what the wire must look like between two legs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import uvloop

from fastpath.rtp import MediaEngine
from tests.interop.sipp import Sipp, sipp
from tests.interop.switchboard import Switchboard
from tests.interop.tones import Samples, coded, write_capture
from tests.interop.wire import Seen

SILENT = {b"\xff" * 160, b"\xd5" * 160}


def noise(seed: int, seconds: float) -> Samples:
    """Audio of which no two frames are alike."""
    chance = np.random.default_rng(seed)
    return chance.integers(-8_000, 8_000, int(seconds * 8_000), dtype=np.int16)


@contextlib.contextmanager
def talker(
    folder: Path,
    samples: Samples,
    law: int = 0,
    *extra: str,
    scenario: str = "talks",
    calls: int = 1,
    keys: Path | None = None,
) -> Iterator[tuple[Sipp, list[bytes]]]:
    """A SIPp that answers and plays audio: itself, and the payloads it will send.

    `keys` is a capture of keys, for the scenario that presses them.
    """
    home = folder / f"talker-{len(list(folder.glob('talker-*')))}"
    home.mkdir()
    if keys is not None:
        (home / "keys.pcap").write_bytes(keys.read_bytes())
    said = write_capture(home / "said.pcap", coded(samples, law), law)
    with sipp(home, scenario, calls, "-key", "law", str(law), *extra) as peer:
        yield peer, said


def meet(
    engine: MediaEngine,
    ports: Sequence[int],
    what: Callable[[Switchboard], Awaitable[None]],
    **can: object,
) -> Switchboard:
    """Call these ports as legs 1, 2, ...; when all have answered and talk, do something."""

    async def run() -> Switchboard:
        board = Switchboard(engine)
        try:
            for leg, port in enumerate(ports, 1):
                board.call(leg, port, **can)
            await board.answered()
            await what(board)
            await board.hang_up()
        finally:
            board.close()
        return board

    return uvloop.run(run())


async def pass_packets(board: Switchboard, leg: int, count: int) -> None:
    """Until so many packets more were passed on to a leg's peer."""
    before = board.engine.bridged(board.streams[leg])
    assert before is not None

    def passed() -> bool:
        now = board.engine.bridged(board.streams[leg])
        assert now is not None
        return now[1] >= before[1] + count

    await board.until(passed)
    await asyncio.sleep(0)


def voices(packets: list[Seen]) -> list[Seen]:
    """The audio that is not our silence."""
    return [p for p in packets if p.kind in {0, 8} and p.payload not in SILENT]


def check_stream(packets: list[Seen], *, lost: int = 0) -> None:
    """RFC 3550 of one stream we sent: an SSRC, no number twice, time that only goes on."""
    assert len({p.ssrc for p in packets}) == 1
    first = packets[0].seq
    order = sorted(packets, key=lambda p: (p.seq - first + 32_768) % 65_536)
    numbers = [(p.seq - first + 32_768) % 65_536 for p in order]
    assert len(set(numbers)) == len(numbers)
    assert numbers[-1] - numbers[0] + 1 - len(numbers) == lost
    times = [(p.timestamp - packets[0].timestamp + 2**31) % 2**32 for p in order]
    assert times == sorted(times)
    # our time goes on with that of the wire, whatever source the audio has
    spent = (packets[-1].at - packets[0].at) * 8_000
    told = (packets[-1].timestamp - packets[0].timestamp) % 2**32
    assert abs(told - spent) < 8_000, "a second: telephones stutter on a busy machine"
