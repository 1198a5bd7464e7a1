"""Whether a call sounded bad, and why; and its figures for whoever looks on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastpath.rtp import StreamStats

PACKETS_MIN: Final = 50  # a second of audio: of less nothing is said
LOSS_MAX: Final = 0.03
JITTER_MS_MAX: Final = 40.0
RTT_MS_MAX: Final = 400.0
MOS_MIN: Final = 3.5
LATE_MAX: Final = 0.005  # of our own frames
STRANGERS_MAX: Final = 100  # packets


def trouble(stats: StreamStats, silent_ms: int = 0) -> str:
    """What was wrong with a call's audio, in words; empty when nothing was.

    `silent_ms`: after so long without any it was given up; 0: it was not.
    """
    found = []
    if silent_ms and stats.received:
        found.append(f"no audio came any more, for {silent_ms} ms")
    elif not stats.received and (silent_ms or (stats.sent >= PACKETS_MIN and not stats.paused)):
        found.append("no audio came")
    if stats.expected >= PACKETS_MIN:
        loss = stats.lost / stats.expected
        if loss > LOSS_MAX:
            found.append(f"{loss:.1%} lost, {stats.loss_run_max} in a row at most")
        if stats.jitter_ms > JITTER_MS_MAX:
            found.append(f"jitter {stats.jitter_ms:.0f} ms")
        if not found and stats.mos < MOS_MIN:
            found.append(f"MOS {stats.mos:.1f}")
    return ", ".join((*found, *_told(stats), *_against(stats)))


def device_trouble(counts: Mapping[str, int]) -> str:
    """The same of a modem's audio device, by the counts of `MediaEngine.device`."""
    found = []
    if counts["frames_out"] >= PACKETS_MIN and not counts["frames_in"]:
        found.append("no audio came")
    if counts["underruns"] > LATE_MAX * max(counts["frames_out"], PACKETS_MIN):
        found.append(f"ran dry {counts['underruns']} times")
    if counts["dropped"] > LOSS_MAX * max(counts["frames_out"], PACKETS_MIN):
        found.append(f"{counts['dropped']} frames of ours not taken")
    return ", ".join(found)


def _told(stats: StreamStats) -> list[str]:
    """By the far end's reports."""
    found = []
    if stats.peer_lost is not None and stats.sent >= PACKETS_MIN:
        loss = stats.peer_lost / stats.sent
        if loss > LOSS_MAX:
            found.append(f"{loss:.1%} of ours lost on the way")
    if stats.rtt_ms is not None and stats.rtt_ms > RTT_MS_MAX:
        found.append(f"{stats.rtt_ms:.0f} ms there and back")
    return found


def _against(stats: StreamStats) -> list[str]:
    """Our own lateness, and who does what nobody asked for."""
    found = []
    if stats.late > LATE_MAX * max(stats.sent, PACKETS_MIN):
        found.append(f"{stats.late} frames of ours late")
    if stats.flooded:
        found.append("the peer sent faster than is heard")
    if stats.foreign > STRANGERS_MAX:
        found.append(f"{stats.foreign} packets of strangers dropped")
    if stats.srtp_failed > STRANGERS_MAX:
        found.append(f"{stats.srtp_failed} packets not authentic")
    return found


def shown(stats: StreamStats) -> dict[str, object]:
    """The figures of one stream as events and reports show them."""
    return {
        "sent": stats.sent,
        "received": stats.received,
        "expected": stats.expected,
        "lost": stats.lost,
        "reordered": stats.reordered,
        "duplicates": stats.duplicates,
        "loss_runs": stats.loss_runs,
        "loss_run_max": stats.loss_run_max,
        "jitter_ms": round(stats.jitter_ms, 2),
        "mos": round(stats.mos, 2),
        "late": stats.late,
        "foreign": stats.foreign,
        "rtt_ms": None if stats.rtt_ms is None else round(stats.rtt_ms, 1),
        "peer_lost": stats.peer_lost,
        "peer_jitter_ms": stats.peer_jitter_ms,
        "peer_mos": round(stats.peer_mos, 2),
    }
