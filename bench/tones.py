"""The tones of calls: how many are found behind bad lines, and what is false in speech and music.

python -m bench.tones [TIMES] [SEED] [--no-voices]     TIMES lines of each tone (default 40)

A line is any of G.711 (both laws) and GSM full rate, -10 to -38 dBm0, twist +-6 dB, frequency
+-1.5 %, rhythm +-10 %, clean or 8 to 30 dB over white noise
of 4 kHz, 0 to 3 % of packets lost, an offset.
Speech and music are Debian's asterisk-core-sounds-* and asterisk-moh-opsound-wav, all of it but
the prompts that are tones themselves, and the other voices that keys are judged on
(`bench.dtmf_tapes`); of tuxpaint's only what is said, no crows and horns. We hear with all plans at
once; spandsp has the one plan that is right for each tone, and no beep.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.answer_audio import MUSIC, RATE, RECORDED, SOUNDS, read_wav
from bench.answer_lines import Samples, through
from bench.dtmf_tapes import TAPES, decoded, files
from bench.tone_audio import PLAN, Line, made, some_line
from bench.tone_peers import spandsp
from dialerd.detect.tone_events import tone_events
from dialerd.detect.tone_plan import load_book

TIMES, SEED = 40, 5
TONES_IN_NAME: Final = ("beep", "tone", "monkeys")
CODECS: Final = ("ulaw", "gsm")
KINDS: Final = (
    "ringback", "busy", "congestion", "dial", "sit", "sit, right form", "cng", "ced", "bell",
    "beep", "beep over 1,900 Hz",
)  # fmt: skip


SNRS: Final = ((8.0, 10.0), (10.0, 12.0), (12.0, 15.0), (15.0, 31.0))


class Case(NamedTuple):
    """One tone behind one line."""

    right: bool
    other: Counter[str]  # what was told besides, or instead
    line: Line
    peer: bool  # found by spandsp


class Row(NamedTuple):
    """One kind of tone behind lines."""

    kind: str
    all_of: list[Case]

    @property
    def cases(self) -> int:
        """Lines."""
        return len(self.all_of)

    @property
    def found(self) -> int:
        """Told as what they are."""
        return sum(one.right for one in self.all_of)

    @property
    def other(self) -> Counter[str]:
        """Told besides, or instead."""
        return sum((one.other for one in self.all_of), Counter())

    def among(self, codecs: tuple[str, ...], least: float, most: float) -> list[Case]:
        """Those through codecs with noise of so many dB below."""
        return [one for one in self.all_of if one.line.codec in codecs
                and least <= (99 if one.line.snr is None else one.line.snr) < most]  # fmt: skip


def kind_of(name: str) -> str:
    """What a tone of the plan is, as the rows have it."""
    sort, value, _ = PLAN[name]
    if sort == "beep":
        return "beep" if float(name.split()[1]) < 1900 else "beep over 1,900 Hz"
    return value if sort != "sit" else "sit"


def plan_of(name: str) -> str:
    """The plan that spandsp is given for a tone."""
    if PLAN[name][0] in ("sit", "fax"):
        return PLAN[name][0]
    plans = {"us": "us", "uk": "uk", "cn": "asia", "jp": "asia"}
    return next((plans[word] for word in name.split() if word in plans), "eu")


def progress(text: str) -> None:
    """What is being done: a line on standard error."""
    print(text, file=sys.stderr, flush=True)


def heard(samples: Samples) -> list[str]:
    """What is told, but for music, voices and silence."""
    told = tone_events(samples, load_book())
    return [f"sit {one.value}" if one.type == "sit" else
            "beep" if one.type == "beep" else one.value
            for one in told if one.type in ("tone", "sit", "fax", "beep")]  # fmt: skip


def rows(times: int, seed: int) -> list[Row]:
    """Every tone behind so many lines."""
    found: dict[str, list[Case]] = {one: [] for one in KINDS}
    for number, (name, (_, _, steps)) in enumerate(PLAN.items()):
        kind = kind_of(name)
        progress(f"{number + 1} of {len(PLAN)} tones")
        for turn in range(times):
            rng = np.random.default_rng((seed, number, turn))
            line = some_line(rng)
            samples = made(steps, line, rng)
            said = heard(samples)
            peer = spandsp(samples, plan_of(name))
            if kind == "sit":
                right = any(one.startswith("sit") for one in said)
                others = Counter(one for one in said if not one.startswith("sit"))
                exact = name in said
                wrong = Counter(one for one in said if one not in (name, "sit itu"))
                found["sit, right form"].append(Case(exact, wrong, line, name in peer))
                by_peer = any(one.startswith("sit") for one in peer)
            else:
                want = "beep" if kind.startswith("beep") else kind
                right, by_peer = want in said, want in peer
                others = Counter(one for one in said if one != want)
            found[kind].append(Case(right, others, line, by_peer))
    return [Row(kind, all_of) for kind, all_of in found.items()]


def said(path: Path) -> bool:
    """Whether a recording of `bench.dtmf_tapes` is a voice, and none that is heard as WAV."""
    if path.is_relative_to(SOUNDS):
        return path.suffix == ".gsm" and not any(word in path.name for word in TONES_IN_NAME)
    return "stamps" not in path.parts or "_desc" in path.name


def tapes(every: int = 1) -> Iterator[tuple[str, Samples]]:
    """What keys are judged on besides, of packages that are installed; every n-th recording."""
    for tape in TAPES:
        if tape == "music on hold":
            continue
        for number, path in enumerate([one for one in files(tape) if said(one)][::every]):
            audio = np.clip(np.rint(decoded(path)), -32_768, 32_767)
            if len(audio) >= 160:
                yield f"speech, {tape}", through(CODECS[number % 2], audio)


def talk(every: int = 1) -> Iterator[tuple[str, Samples]]:
    """Recorded speech and music, each behind a codec; every n-th prompt."""
    yield from tapes(every)
    for voice in sum(RECORDED.values(), ()):
        paths = [path for path in sorted((SOUNDS / voice).rglob("*.wav"))
                 if not any(word in path.name for word in TONES_IN_NAME)]  # fmt: skip
        for number, path in enumerate(paths[::every]):
            audio = np.rint(read_wav(path) * 32768)
            if len(audio) >= 160:
                yield f"speech, {voice}", through(CODECS[number % 2], audio)
    for path in sorted(MUSIC.glob("*.wav")):
        audio = np.rint(read_wav(path) * 32768)
        for codec in CODECS:
            yield f"music, {path.stem}", through(codec, audio[: len(audio) // every])


class Quiet(NamedTuple):
    """What was told of speech or music, and for how long it was heard."""

    what: str
    hours: float
    false: Counter[str]
    peer: Counter[str]


def quiet(every: int = 1) -> list[Quiet]:
    """False tones by source."""
    hours: Counter[str] = Counter()
    false: dict[str, Counter[str]] = {}
    peer: dict[str, Counter[str]] = {}
    for what, samples in talk(every):
        if what not in hours:
            progress(what)
        hours[what] += len(samples)
        false.setdefault(what, Counter()).update(heard(samples))
        peer.setdefault(what, Counter()).update(
            spandsp(samples, "us") | spandsp(samples, "sit") | spandsp(samples, "fax")
        )
    return [Quiet(one, hours[one] / RATE / 3600, false[one], peer[one]) for one in hours]


def shown(found: Iterable[Row]) -> Table:
    """As people read it."""
    table = Table(title="Tones behind bad lines", title_justify="left")
    for name in ("tone", "lines", "found", "missed through GSM", "told besides", "spandsp"):
        table.add_column(name, justify="left" if name in ("tone", "told besides") else "right")
    for row in found:
        besides = ", ".join(f"{name} {count}" for name, count in row.other.most_common(4))
        table.add_row(
            row.kind, str(row.cases), f"{row.found / row.cases:.1%}",
            str(sum(not one.right for one in row.among(("gsm",), 0, 100))), besides,
            "" if row.kind.startswith(("beep", "bell", "sit"))  # its cadences know no three tones
            else f"{sum(one.peer for one in row.all_of) / row.cases:.1%}",
        )  # fmt: skip
    return table


def shown_noise(found: Iterable[Row]) -> Table:
    """The same by how far noise is below, G.711 and GSM apart."""
    table = Table(title="Found, by dB over noise: G.711, GSM", title_justify="left")
    table.add_column("tone")
    for least, most in (*SNRS, (99, 100)):
        table.add_column("no noise" if least == 99 else f"{least:.0f} to {min(most, 30):.0f} dB")
    for row in found:
        cells = []
        for least, most in (*SNRS, (99, 100)):
            parts = [row.among(codecs, least, most) for codecs in (("ulaw", "alaw"), ("gsm",))]
            cells.append(", ".join(f"{sum(one.right for one in part)}/{len(part)}"
                                   for part in parts))  # fmt: skip
        table.add_row(row.kind, *cells)
    return table


def shown_quiet(found: Iterable[Quiet]) -> Table:
    """As people read it."""
    table = Table(title="False tones in recorded speech and music", title_justify="left")
    for name in ("what", "hours", "false", "spandsp"):
        table.add_column(name, justify="right" if name == "hours" else "left")
    for one in found:
        false, peer = (
            ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
            for counts in (one.false, one.peer)
        )
        table.add_row(one.what, f"{one.hours:.2f}", false, peer)
    return table


def main() -> int:
    """Print it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("times", nargs="?", type=int, default=TIMES, help="lines of each tone")
    parser.add_argument("seed", nargs="?", type=int, default=SEED)
    parser.add_argument("--no-voices", action="store_true", help="no recorded speech and music")
    given = parser.parse_args()
    console, found = Console(width=120), rows(given.times, given.seed)
    console.print(shown(found))
    console.print(shown_noise(found))
    if not given.no_voices:
        console.print(shown_quiet(quiet()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
