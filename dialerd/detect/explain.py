"""A recording as a picture: waveform, levels and voice, spectrum, and everything heard in bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dialerd.detect.audio import FRAME_S, RATE, Event, Findings, Samples
from fastpath.vad import VoiceDetector

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SECONDS_MAX: Final = 120.0  # of a longer recording the begin is drawn
COLUMNS: Final = 3_000  # of the waveform: lowest and highest sample of each
LABELS_MAX: Final = 200
LABEL_CHARS_MAX: Final = 40
COLOURS: Final = {
    "speech": "tab:blue", "dtmf": "tab:red", "tone": "tab:orange", "sit": "tab:brown",
    "beep": "tab:purple", "fax": "tab:pink", "announcement": "tab:green", "music": "tab:olive",
}  # fmt: skip
VERDICTS: Final = {"human": "green", "machine": "firebrick", "unknown": "dimgrey"}


def draw(name: str, samples: Samples, found: Findings, target: IO[bytes]) -> None:
    """Write a PNG of what was found in samples at 8 kHz."""
    samples = samples[: int(SECONDS_MAX * RATE)]
    seconds = max(len(samples) / RATE, FRAME_S)
    figure = Figure(figsize=(min(max(10.0, seconds * 1.2), 40.0), 9), layout="constrained")
    FigureCanvasAgg(figure)
    events = [one for one in found.events if one.at_s < seconds]
    kinds = list(dict.fromkeys(one.type for one in events))
    waveform, levels, spectrum, lanes = figure.subplots(
        4, 1, sharex=True, height_ratios=[3, 2, 3, max(len(kinds), 1)]
    )
    _waveform(waveform, samples)
    _levels(levels, samples)
    _spectrum(spectrum, samples)
    _lanes(lanes, events, kinds, seconds)
    _verdict((waveform, levels, spectrum), found, seconds)
    waveform.set_title(_title(name, found), loc="left", fontsize=10, parse_math=False)
    lanes.set_xlabel("seconds")
    waveform.set_xlim(0, _until(found, seconds))
    figure.savefig(target, format="png", dpi=80)


def _until(found: Findings, seconds: float) -> float:
    """The end of the axis: the verdict on a recording that ended with a word lies behind it."""
    behind = found.verdict_at_s or 0.0
    return max(seconds, behind + 0.1) if seconds < SECONDS_MAX else seconds


def _title(name: str, found: Findings) -> str:
    """What was found in a line."""
    shown = "".join(one if one.isprintable() else "?" for one in name)[-100:]
    if found.verdict is None or found.verdict_at_s is None:
        return f"{shown}: {found.reason}"
    sure = f", confidence {found.confidence:.0%}" if found.confidence else ""
    return f"{shown}: {found.verdict} at {found.verdict_at_s:.2f} s{sure} ({found.reason})"


def _waveform(axes: Axes, samples: Samples) -> None:
    step = max(1, len(samples) // COLUMNS)
    rows = samples[: len(samples) // step * step].reshape(-1, step)
    at = np.arange(len(rows)) * step / RATE
    if len(rows):
        axes.fill_between(
            at, rows.min(axis=1), rows.max(axis=1) + 1, linewidth=0.4, color="0.35", step="post"
        )
    axes.set_ylabel("samples")
    axes.set_ylim(-33_500, 33_500)


def _levels(axes: Axes, samples: Samples) -> None:
    """Each frame's level, the noise under it, and where a voice was heard at the time."""
    frames = VoiceDetector().hear(samples.data)
    at = np.arange(len(frames)) * FRAME_S
    axes.step(at, [one.level_db for one in frames], where="post", color="0.35", label="level")
    axes.step(at, [one.floor_db for one in frames], where="post", color="tab:orange", label="noise")
    voice = np.array([one.speech for one in frames], bool)
    tonal = np.array([one.tonal for one in frames], bool)
    for mask, colour, label in ((voice, "tab:blue", "voice"), (tonal, "tab:red", "tonal")):
        axes.fill_between(
            at, 0, 1, where=list(mask), transform=axes.get_xaxis_transform(), step="post",
            color=colour, alpha=0.2, linewidth=0, label=label,
        )  # fmt: skip
    axes.set_ylabel("dB of full scale")
    axes.set_ylim(-100, 3)
    axes.legend(loc="lower right", fontsize=7, ncols=4)


def _spectrum(axes: Axes, samples: Samples) -> None:
    """Power by time and frequency, 60 dB of it."""
    size, hop = 256, 80 if len(samples) < 30 * RATE else 320
    if len(samples) >= size:
        frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float32), size)[::hop]
        power = np.square(np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)))
        loud = 10 * np.log10(power.T + 1.0)
        axes.imshow(
            loud, origin="lower", aspect="auto", cmap="magma", interpolation="nearest",
            extent=(size / 2 / RATE, (len(frames) * hop + size / 2) / RATE, 0, RATE / 2),
            vmin=max(float(loud.max()) - 60, 0), vmax=max(float(loud.max()), 1),
        )  # fmt: skip
    axes.set_ylim(0, RATE / 2)
    axes.set_ylabel("Hz")


def _lanes(axes: Axes, events: Sequence[Event], kinds: Sequence[str], seconds: float) -> None:
    """A row for each type, a labelled band for each event."""
    for number, one in enumerate(events):
        row = kinds.index(one.type)
        long = max(min(one.until_s, seconds) - one.at_s, 0.01)
        axes.barh(
            row, long, left=one.at_s, height=0.8, color=COLOURS[one.type],
            alpha=0.35 + 0.5 * one.confidence, edgecolor="black", linewidth=0.3,
        )  # fmt: skip
        if number < LABELS_MAX:
            text = f"{one.value} {one.confidence:.0%}"[:LABEL_CHARS_MAX]
            axes.text(one.at_s, row, text, fontsize=7, va="center", clip_on=True, parse_math=False)
    axes.set_yticks(range(len(kinds)), kinds)
    axes.set_ylim(-0.6, max(len(kinds), 1) - 0.4)
    axes.invert_yaxis()


def _verdict(axes: Sequence[Axes], found: Findings, seconds: float) -> None:
    """A line where it was known."""
    if found.verdict is None or found.verdict_at_s is None:
        return
    if found.verdict_at_s > _until(found, seconds):
        return
    for one in axes:
        one.axvline(found.verdict_at_s, color=VERDICTS[found.verdict], linewidth=1.5)
    axes[0].text(
        found.verdict_at_s, 30_000, f" {found.verdict}", color=VERDICTS[found.verdict],
        fontsize=11, va="top", weight="bold", clip_on=True,
    )  # fmt: skip
