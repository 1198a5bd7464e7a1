"""The tones of calls: how many are found behind bad lines, and what is false in speech and music.

python -m bench.tones [TIMES] [SEED]     TIMES lines of each tone (default 40); two minutes

A line is any of G.711 (both laws) and GSM full rate, -10 to -38 dBm0, twist +-6 dB, frequency
+-1.5 %, rhythm +-10 %, clean or 15 to 30 dB over white noise, 0 to 3 % of packets lost, an offset.
Speech and music are Debian's asterisk-core-sounds-* and asterisk-moh-opsound-wav, all of it but
the prompts that are tones themselves. We hear with all plans at once; spandsp has the one plan that
is right for each tone, and no beep.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.answer_audio import MUSIC, RATE, RECORDED, SOUNDS, read_wav
from bench.answer_lines import Samples, through
from bench.tone_audio import PLAN, made, some_line
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


class Row(NamedTuple):
    """One kind of tone behind `cases` lines: found as that, as something else too or instead."""

    kind: str
    cases: int
    found: int
    other: Counter[str]
    gsm_missed: int
    peer: int  # found by spandsp


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


def heard(samples: Samples) -> list[str]:
    """What is told, but for music, voices and silence."""
    told = tone_events(samples, load_book())
    return [f"sit {one.value}" if one.type == "sit" else
            "beep" if one.type == "beep" else one.value
            for one in told if one.type in ("tone", "sit", "fax", "beep")]  # fmt: skip


def rows(times: int, seed: int) -> list[Row]:
    """Every tone behind so many lines."""
    found: dict[str, list[tuple[bool, Counter[str], bool, bool]]] = {one: [] for one in KINDS}
    for number, (name, (_, _, steps)) in enumerate(PLAN.items()):
        kind = kind_of(name)
        for turn in range(times):
            rng = np.random.default_rng((seed, number, turn))
            line = some_line(rng)
            samples = made(steps, line, rng)
            said, gsm = heard(samples), line.codec == "gsm"
            peer = spandsp(samples, plan_of(name))
            if kind == "sit":
                right = any(one.startswith("sit") for one in said)
                others = Counter(one for one in said if not one.startswith("sit"))
                exact = name in said
                found["sit, right form"].append((exact, Counter(), gsm, name in peer))
                by_peer = any(one.startswith("sit") for one in peer)
            else:
                want = "beep" if kind.startswith("beep") else kind
                right, by_peer = want in said, want in peer
                others = Counter(one for one in said if one != want)
            found[kind].append((right, others, gsm, by_peer))
    return [
        Row(
            kind, len(all_of), sum(one[0] for one in all_of),
            sum((one[1] for one in all_of), Counter()),
            sum(one[2] and not one[0] for one in all_of), sum(one[3] for one in all_of),
        )
        for kind, all_of in found.items()
    ]  # fmt: skip


def talk(every: int = 1) -> Iterator[tuple[str, Samples]]:
    """Recorded speech and music, each behind a codec; every n-th prompt."""
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
            row.kind, str(row.cases), f"{row.found / row.cases:.1%}", str(row.gsm_missed), besides,
            "" if row.kind.startswith(("beep", "bell", "sit"))  # its cadences know no three tones
            else f"{row.peer / row.cases:.1%}",
        )  # fmt: skip
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
    given = [int(one) for one in sys.argv[1:3]]
    times, seed = (*given, *(TIMES, SEED)[len(given) :])
    console = Console(width=120)
    console.print(shown(rows(times, seed)))
    console.print(shown_quiet(quiet()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
