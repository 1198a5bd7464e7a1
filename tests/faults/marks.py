"""What the workload's marks promise: each kind of thing that the store has acknowledged is there.

A mark is a line of words, the kind first. What a later write may rightly have taken away again (the
journal's line of a call that has ended) counts as there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dialerd.core.records import Attempt, CampaignState
from dialerd.store import callbacks, ended, notes, people
from dialerd.store.campaigns import progress
from dialerd.store.schema import (
    ATTEMPT,
    CURSOR,
    attempt_key,
    open_key,
    phone_key,
    unseal,
    version_key,
)
from dialerd.store.unit import Unit

LINE = b"line of %d, number %d"
CRM = "crm"


def missing(unit: Unit, marks: Sequence[Sequence[str]]) -> list[str]:
    """What was acknowledged and is not there."""
    return [" ".join(mark) for mark in marks if not KEPT[mark[0]](unit, *mark[1:])]


def _attempt(unit: Unit, lead: str, attempt: str) -> Attempt | None:
    raw = unit.t.attempts.get(attempt_key(1, int(lead), int(attempt)))
    return None if raw is None else ATTEMPT.unpack(raw)


def _ended(unit: Unit, attempt: str, lead: str, outcome: str) -> bool:
    found = _attempt(unit, lead, attempt)
    return found is not None and found.outcome is not None and found.outcome.value == outcome


def _events(unit: Unit, attempt: str, lead: str, count: str) -> bool:
    return sum(1 for _ in ended.events_of(unit, 1, int(lead), int(attempt))) >= int(count)


def _line(unit: Unit, attempt: str, lead: str, number: str) -> bool:
    found, raw = _attempt(unit, lead, attempt), unit.t.dialogs.get(open_key(int(attempt)))
    over = found is not None and found.outcome is not None
    return over or (raw is not None and unseal(raw) >= LINE % (int(attempt), int(number)))


def _cursor(unit: Unit, seq: str) -> bool:
    raw = unit.t.cursors.get(CRM.encode())
    return raw is not None and CURSOR.unpack(raw).seq >= int(seq)


def _approved(unit: Unit, campaign: str, leads: str) -> bool:
    found = unit.campaign(int(campaign))
    counted = progress(unit, found.campaign_id).leads.values()
    return found.state is CampaignState.APPROVED and sum(counted) == int(leads)


def _erased(unit: Unit, phone: str, lines: str) -> bool:
    known = any(people.rows(unit, int(phone)))
    return not known and unit.t.audit.count() >= int(lines)


def _callback(unit: Unit, attempt: str, lead: str) -> bool:
    found = callbacks.of_lead(unit, 1, int(lead))
    return found is not None and found.attempt_id == int(attempt)


def _disposed(unit: Unit, attempt: str, lead: str, what: str) -> bool:
    found = _attempt(unit, lead, attempt)
    return found is not None and found.disposition == what


def _noted(unit: Unit, attempt: str, phone: str) -> bool:
    return any(note.attempt_id == int(attempt) for note in notes.of(unit, int(phone)))


def _answered(unit: Unit, attempt: str, lead: str, question: str) -> bool:
    key = attempt_key(1, int(lead), int(attempt)) + question.encode()
    return unit.t.answers.get(key) is not None


KEPT: dict[str, Callable[..., bool]] = {
    "claimed": lambda unit, last: unit.counter(b"next_attempt") >= int(last),
    "blocked": lambda unit, phone: unit.t.dnc.get(phone_key(int(phone))) is not None,
    "listed": lambda unit, count: unit.t.contacts.count() >= int(count),
    "begun": lambda unit, attempt, lead: _attempt(unit, lead, attempt) is not None,
    "events": _events,
    "ended": _ended,
    "line": _line,
    "cursor": _cursor,
    "trimmed": lambda unit, seq: unit.counter(ended.TRIMMED) >= int(seq),
    "approved": _approved,
    "erased": _erased,
    "callback": _callback,
    "disposed": _disposed,
    "noted": _noted,
    "logged": lambda unit, count: unit.t.agent_log.count() >= int(count),
    "script": lambda unit, number, version: (
        unit.t.scripts.get(version_key(int(number), int(version))) is not None
    ),
    "answered": _answered,
}
