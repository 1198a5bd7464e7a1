"""A modem bank's calls held against a store: its network knows no Call-ID."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from dialerd.core import ids
from dialerd.core.ports import ReportRow
from dialerd.core.records import Attempt, Contact, Lead, LeadState, Outcome
from dialerd.sim.checkers import Kind, doubled, lost, mismatched, of_attempts
from dialerd.sim.ledger import Books, Ended, Entry, Seen, join
from tests.sim.test_checkers import CAP, RELEASED

PHONE = 84920000001


@dataclass
class Modems:
    """Calls as a mobile network writes them, and attempts on ports."""

    entries: list[Entry] = field(default_factory=list)
    rows: list[ReportRow] = field(default_factory=list)

    def call(self, n, user=str(PHONE), *, at_ms=1_000, slot="slot00", rings="", code=200) -> None:
        what = "answered" if code == 200 else "cancelled" if code == 487 else "rejected"
        self.entries.append(Seen(at_ms, "vietnamobile", f"1-{n}", user, slot, rings))
        self.entries.append(
            Ended(at_ms + 900, "vietnamobile", f"1-{n}", user, what, "called", code,
                  answered_ms=at_ms + 500 if code == 200 else 0)
        )  # fmt: skip

    def attempt(
        self, attempt_id, *, at_ms=900, port="slot00", trunk="sims", outcome=Outcome.ANSWERED
    ) -> None:
        attempt = Attempt(
            attempt_id, 1, 1, PHONE, 1, at_ms, trunk, ids.call_id_for(attempt_id, 7), at_ms + 5,
            outcome=outcome, port=port,
        )  # fmt: skip
        lead = Lead(1, 1, 1, PHONE, LeadState.DONE, 1, attempt_id=attempt_id, outcome=outcome)
        self.rows.append(ReportRow(lead, Contact(PHONE, "x"), ((attempt, (RELEASED,)),)))

    def books(self) -> Books:
        return of_attempts(join(self.entries), self.rows, "sims")

    def faults(self) -> list[Kind]:
        books = self.books()
        found = doubled(books, CAP, ids.attempt_of) + lost(books, self.rows, ids.attempt_of)
        return [fault.kind for fault in found + mismatched(books, self.rows)]


@pytest.fixture
def modems() -> Modems:
    """One call by one attempt."""
    made = Modems()
    made.call(1)
    made.attempt(5)
    return made


def test_a_call_of_a_modem_is_found_by_number_time_and_port(modems):
    assert [call.seen.call_id for call in modems.books().calls] == [ids.call_id_for(5, 7)]
    assert modems.faults() == []


def test_a_call_from_outside_is_nobody_s_attempt(modems):
    modems.call(2, "84920009999", at_ms=500, slot="84912345678", rings="slot01")
    assert modems.faults() == []


def test_a_call_that_a_port_handed_on_belongs_to_the_same_attempt(modems):
    modems.entries.clear()
    modems.call(1, at_ms=1_000, slot="slot03", code=503)
    modems.call(2, at_ms=1_200)
    assert modems.faults() == []
    assert {ids.attempt_of(call.seen.call_id) for call in modems.books().calls} == {5}


def test_one_that_went_on_to_a_trunk_keeps_its_call_on_the_bank(modems):
    modems.entries.clear()
    modems.rows.clear()
    modems.call(1, code=503)
    modems.attempt(5, trunk="reserve", port="", outcome=Outcome.FAILED)
    assert modems.faults() == []


def test_a_second_call_of_a_modem_to_the_same_number_is_found(modems):
    modems.call(2, at_ms=60_000)
    assert Kind.ADVANCED_AFTER_RINGING in modems.faults()
    modems.attempt(6, at_ms=59_000)
    assert Kind.INSIDE_CAP in modems.faults()


def test_a_call_that_no_attempt_had_begun_is_found(modems):
    modems.call(2, "+84920000002")
    assert modems.faults() == [Kind.UNKNOWN_CALL]


def test_a_call_before_any_claim_is_found(modems):
    modems.rows.clear()
    modems.attempt(5, at_ms=5_000)
    assert sorted(modems.faults()) == [Kind.NEVER_PLACED, Kind.UNKNOWN_CALL]


def test_a_call_on_another_port_than_the_store_says_is_found(modems):
    modems.rows.clear()
    modems.attempt(5, port="slot09")
    assert Kind.UNKNOWN_CALL in modems.faults()


def test_an_end_that_store_and_mobile_network_tell_differently_is_found(modems):
    modems.rows.clear()
    modems.attempt(5, outcome=Outcome.BUSY)
    assert modems.faults() == [Kind.MISMATCHED]


def test_damage_of_the_bank_s_ledger_is_not_forgotten():
    assert of_attempts(join([None]), [], "sims").damaged == 1
