"""How verdicts of who answered fared: beside what agents said, and what people did."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import sqrt
from typing import Final, Literal

import msgspec

from dialerd.core.records import Answerer, Attempt

TALKED_MS: Final = 20_000  # with an agent: no machine is talked to for longer
LEFT_MS: Final = 2_000
SOME: Final = 30  # fewer known answers tell nothing
MACHINE: Final = re.compile(r"machine|voice ?mail|mailbox|hộp thư|trả lời tự động", re.IGNORECASE)
Z: Final = 1.96


class Figures(msgspec.Struct):
    """One trunk in one campaign. `wrong_*`: the verdict was that, and it was the other.

    Of two verdicts the later one counts; `waits_ms` are of the first.
    """

    campaign: str
    trunk: str
    human: int = 0
    machine: int = 0
    unknown: int = 0
    known_humans: int = 0
    known_machines: int = 0
    wrong_machine: int = 0  # a person, taken for a machine
    wrong_human: int = 0  # a machine, taken for a person
    left_at_once: int = 0  # within 2 s of being connected
    revised: int = 0  # another verdict came later
    waits_ms: list[int] = []


def truth(attempt: Attempt) -> Literal["human", "machine"] | None:
    """Who it was by what happened later; None: nothing tells."""
    if MACHINE.search(attempt.disposition):
        return "machine"
    talked = attempt.ended_ms - attempt.connected_ms if attempt.connected_ms else 0
    return "human" if attempt.keys or talked >= TALKED_MS else None


def count(campaign: str, attempts: Iterable[Attempt], since_ms: int = 0) -> list[Figures]:
    """Figures by trunk."""
    found: dict[str, Figures] = {}
    for one in attempts:
        if one.answerer is None or one.answered_ms < since_ms:
            continue
        row = found.setdefault(one.trunk, Figures(campaign, one.trunk))
        said = one.revised or one.answerer
        row.human += said is Answerer.HUMAN
        row.machine += said is Answerer.MACHINE
        row.unknown += said is Answerer.UNKNOWN
        row.revised += one.revised is not None
        row.waits_ms.append(one.verdict_ms)
        was = truth(one)
        row.known_humans += was == "human"
        row.known_machines += was == "machine"
        row.wrong_machine += was == "human" and said is Answerer.MACHINE
        row.wrong_human += was == "machine" and said is Answerer.HUMAN
        row.left_at_once += one.connected_ms > 0 and one.ended_ms - one.connected_ms < LEFT_MS
    return [found[trunk] for trunk in sorted(found)]


def interval(part: int, whole: int) -> tuple[float, float]:
    """Between which rates it is with 95 % confidence (Wilson's score); 0 to 1 of nothing."""
    if whole == 0:
        return 0.0, 1.0
    rate, square = part / whole, Z * Z / whole
    middle = (rate + square / 2) / (1 + square)
    half = Z / (1 + square) * sqrt(rate * (1 - rate) / whole + square / whole / 4)
    return max(0.0, middle - half), min(1.0, middle + half)


def quantile_ms(waits_ms: list[int], part: float) -> int:
    """The wait that so many are below; 0 of none."""
    return sorted(waits_ms)[min(len(waits_ms) - 1, int(part * len(waits_ms)))] if waits_ms else 0


def advice(row: Figures) -> str:
    """What to change, in plain words."""
    known = row.known_humans + row.known_machines
    if known < SOME:
        return f"{known} answers are known for sure: too few to judge; dispose machines as such"
    if interval(row.wrong_machine, row.known_humans)[0] > 0.005:
        return "people are taken for machines: raise machine_above, or connect machines as well"
    if interval(row.wrong_human, row.known_machines)[0] > 0.02:
        return "machines reach agents: lower machine_above, or human_below"
    if row.left_at_once > 0.1 * row.known_humans:
        return "people hang up at once: look whether the verdict or the agent comes late"
    return "no reason to change anything"
