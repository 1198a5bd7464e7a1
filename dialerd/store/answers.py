"""What customers answered: one record for each question of each attempt, the last one wins.

An attempt's answers belong to the version of the script that its campaign had when it was dialed:
its sheet, written in the same transaction, says which. Later versions change nothing for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from dialerd.core.ops import SaveAnswer
from dialerd.core.records import Lead
from dialerd.core.script_records import Answer, AnswerSheet, KeptAnswer
from dialerd.store.limits import ANSWER_BYTES_MAX, QUESTION_BYTES_MAX
from dialerd.store.reading import scan_all
from dialerd.store.schema import (
    ANSWER,
    SHEET,
    attempt_key,
    split_attempt,
)
from dialerd.store.scripts import SCRIPTS
from dialerd.store.unit import Unit

ATTEMPT_BYTES: Final = len(attempt_key(0, 0, 0))
_END: Final = b"\xff" * 32


class Answered(NamedTuple):
    """One attempt's answers by the ids of its questions, cut-off ones too."""

    attempt_id: int
    sheet: AnswerSheet
    answers: dict[str, KeptAnswer]

    @property
    def values(self) -> dict[str, Answer]:
        """The answers alone."""
        return {question: kept.value for question, kept in self.answers.items()}


def begin(unit: Unit, campaign_id: int, lead_id: int, attempt_id: int, at_ms: int) -> None:
    """An attempt is dialed for the first time: its script's version is that of its campaign."""
    settings = unit.campaign(campaign_id).settings
    if settings.script and settings.script_version:
        found = SCRIPTS.find(unit, settings.script, settings.script_version)
        sheet = AnswerSheet(found.script_id, found.version, at_ms)
        unit.t.sheets.put(attempt_key(campaign_id, lead_id, attempt_id), SHEET.pack(sheet))


def save(unit: Unit, op: SaveAnswer) -> None:
    """Keep one answer; what has no sheet, and what is older than the one kept, changes nothing."""
    of = attempt_key(op.campaign_id, op.lead_id, op.attempt_id)
    question = op.question.encode("utf-8", "replace")
    if unit.t.sheets.get(of) is None or not 0 < len(question) <= QUESTION_BYTES_MAX:
        return
    key = of + question
    raw = unit.t.answers.get(key)
    if raw is None or ANSWER.unpack(raw).at_ms <= op.at_ms:
        value = ANSWER.pack(KeptAnswer(op.value, op.at_ms, op.agent))
        if len(value) <= ANSWER_BYTES_MAX:
            unit.t.answers.put(key, value)


def of_lead(unit: Unit, campaign_id: int, lead_id: int) -> list[Answered]:
    """The sheets of a lead with what is on them, oldest attempt first."""
    return list(of_leads(unit, campaign_id, lead_id, lead_id).get(lead_id, []))


def of_leads(unit: Unit, campaign_id: int, first: int, last: int) -> dict[int, list[Answered]]:
    """The same of a range of leads."""
    start, stop = attempt_key(campaign_id, first, 0), attempt_key(campaign_id, last, (1 << 64) - 1)
    found: dict[bytes, Answered] = {}
    by_lead: dict[int, list[Answered]] = {}
    for key, raw in scan_all(unit.t.sheets, start, stop):
        _, lead_id, attempt_id = split_attempt(key)
        found[key] = Answered(attempt_id, SHEET.unpack(raw), {})
        by_lead.setdefault(lead_id, []).append(found[key])
    for key, raw in scan_all(unit.t.answers, start, stop):
        question = key[ATTEMPT_BYTES:].decode("utf-8", "replace")
        found[key[:ATTEMPT_BYTES]].answers[question] = ANSWER.unpack(raw)
    return by_lead


def drop(unit: Unit, lead: Lead) -> int:
    """Remove a lead's sheets and answers; how many answers."""
    start = attempt_key(lead.campaign_id, lead.lead_id, 0)
    stop = attempt_key(lead.campaign_id, lead.lead_id, (1 << 64) - 1)
    counts = []
    for table in (unit.t.sheets, unit.t.answers):
        keys = [key for key, _ in scan_all(table, start, stop)]
        for key in keys:
            table.delete(key)
        counts.append(len(keys))
    return counts[1]


def problems(unit: Unit) -> Iterator[str]:
    """Every answer lies on a sheet, every sheet belongs to an attempt and a script's version."""
    known = b""
    for key, raw in scan_all(unit.t.answers, b"", _END):
        ANSWER.unpack(raw)
        of = key[:ATTEMPT_BYTES]
        if of != known and unit.t.sheets.get(of) is None:
            yield f"attempt {split_attempt(of)[2]}: answers without a sheet"
        known = of
    for key, raw in scan_all(unit.t.sheets, b"", _END):
        sheet = SHEET.unpack(raw)
        attempt_id = split_attempt(key)[2]
        if unit.t.attempts.get(key) is None:
            yield f"attempt {attempt_id} has answers and is not there"
        if SCRIPTS.by_id(unit, sheet.script_id, sheet.version) is None:
            yield f"attempt {attempt_id}: its script {sheet.script_id}@{sheet.version} is not there"
