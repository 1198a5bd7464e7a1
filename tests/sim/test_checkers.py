"""Every checker is shown a clean run, and then the same run with one fault planted in it."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import pytest

from dialerd.core.ports import ReportRow
from dialerd.core.records import (
    Attempt,
    CallEvent,
    CapCounts,
    Contact,
    EventKind,
    FrequencyCap,
    Lead,
    LeadState,
    Outcome,
)
from dialerd.sim.checkers import Kind, called_again, doubled, lost, mismatched
from dialerd.sim.ledger import Books, Ended, Entry, Seen, join

DAY_MS = 86_400_000
CAP = FrequencyCap(1, 30 * 86_400, CapCounts.ATTEMPTED)
GIVEN_UP = LeadState.EXHAUSTED
RELEASED = CallEvent(9, EventKind.RELEASED, "by them")


def attempt_of(call_id: str) -> int | None:
    """Stands for the Call-ID format: the number before the first dash."""
    head = call_id.partition("-")[0]
    return int(head) if head.isdigit() else None


@dataclass
class World:
    """A run told twice: by carriers and by a store."""

    entries: list[Entry] = field(default_factory=list)
    rows: list[ReportRow] = field(default_factory=list)

    def call(
        self,
        attempt_id: int,
        phone: int,
        *,
        at_ms: int = 1_000,
        what: str = "answered",
        code: int = 200,
        carrier: str = "viettel",
        outcome: Outcome | None = Outcome.ANSWERED,
        state: LeadState = LeadState.DONE,
        leg: str = "a",
        rang_ms: int = 300,
        rtp: int = 200,
        stored: bool = True,
        ended: bool = True,
    ) -> None:
        call_id = f"{attempt_id}-{leg}"
        user = str(phone)
        self.entries.append(Seen(at_ms, carrier, call_id, user))
        answered = at_ms + 500 if what == "answered" else 0
        if ended:
            self.entries.append(
                Ended(
                    at_ms + 900,
                    carrier,
                    call_id,
                    user,
                    what,  # type: ignore[arg-type]
                    "caller",
                    code,
                    rang_ms=rang_ms,
                    answered_ms=answered,
                    rtp_received=rtp if answered else 0,
                )
            )
        if stored:
            self.lead(attempt_id, phone, call_id, outcome, state, code, at_ms)

    def lead(
        self,
        attempt_id,
        phone,
        call_id,
        outcome,
        state,
        code=0,
        at_ms=1_000,
        *,
        events=(RELEASED,),
        keys="",
    ):
        attempt = Attempt(
            attempt_id,
            1,
            attempt_id,
            phone,
            1,
            at_ms - 10,
            "viettel",
            call_id,
            at_ms - 5,
            outcome=outcome,
            code=code,
            keys=keys,
        )
        lead = Lead(
            1, attempt_id, attempt_id, phone, state, 1, attempt_id=attempt_id, outcome=outcome
        )
        self.rows.append(ReportRow(lead, Contact(phone, str(phone)), ((attempt, events),)))

    @property
    def books(self) -> Books:
        return join(self.entries)

    def doubled(self, cap: FrequencyCap = CAP) -> list[Kind]:
        return [f.kind for f in doubled(self.books, cap, attempt_of)]

    def lost(self) -> list[Kind]:
        return [f.kind for f in lost(self.books, self.rows, attempt_of)]

    def mismatched(self) -> list[Kind]:
        return [f.kind for f in mismatched(self.books, self.rows)]


@pytest.fixture
def world() -> World:
    """A clean run of six calls, one for each kind of end, and a lead that was never dialed."""
    w = World()
    w.call(1, 84912000001)
    w.call(2, 84912000002, what="rejected", code=486, outcome=Outcome.BUSY, state=GIVEN_UP)
    w.call(3, 84912000003, what="cancelled", code=487, outcome=Outcome.NO_ANSWER)
    w.call(4, 84912000004, what="rejected", code=480, outcome=Outcome.UNREACHABLE, state=GIVEN_UP)
    w.call(5, 84912000005, what="rejected", code=503, outcome=Outcome.FAILED, state=GIVEN_UP)
    w.call(6, 84912000006, outcome=Outcome.INTERRUPTED, state=LeadState.INTERRUPTED)
    w.rows.append(ReportRow(Lead(1, 7, 7, 84912000007), Contact(84912000007, "x"), ()))
    return w


def test_a_clean_run_has_no_fault(world):
    assert (world.doubled(), world.lost(), world.mismatched()) == ([], [], [])


def test_the_fault_says_number_call_and_reason(world):
    world.call(11, 84912000001, at_ms=60_000)
    (fault,) = doubled(world.books, CAP, attempt_of)
    assert fault.phone == 84912000001
    assert fault.call_id == "11-a"
    assert "call 2 within" in fault.text


# doubled


def test_a_second_attempt_inside_the_cap_is_found(world):
    world.call(11, 84912000001, at_ms=29 * DAY_MS)
    assert world.doubled() == [Kind.INSIDE_CAP]


def test_a_retry_of_who_was_not_reached_is_no_second_attempt(world):
    attempted = FrequencyCap(1, 3_600, CapCounts.ATTEMPTED)
    world.call(2_000, 84912000002, at_ms=60_000)
    assert world.doubled(attempted) == [Kind.INSIDE_CAP]
    busy, again = world.rows[1], world.rows[-1]
    both = msgspec.structs.replace(busy, attempts=busy.attempts + again.attempts)
    assert called_again([both]) == {2_000}
    assert doubled(world.books, attempted, attempt_of, called_again([both])) == []
    reached = msgspec.structs.replace(busy, attempts=again.attempts + again.attempts)
    assert called_again([reached]) == set()


def test_it_is_found_at_another_carrier_and_in_another_spelling(world):
    world.entries.append(Seen(50_000, "mobifone", "11-a", "0912000001"))
    assert world.doubled() == [Kind.INSIDE_CAP]


def test_a_number_that_cannot_be_read_is_still_one_number(world):
    world.entries += [Seen(1, "v", "21-a", "alice"), Seen(2, "v", "22-a", "alice")]
    assert world.doubled() == [Kind.INSIDE_CAP]


def test_the_cap_ends_with_its_window(world):
    world.call(11, 84912000001, at_ms=1_000 + 30 * DAY_MS)
    assert world.doubled() == []


def test_the_window_slides(world):
    cap = FrequencyCap(2, 100, CapCounts.ATTEMPTED)
    for n, at_s in enumerate((10, 60, 111)):  # 10 and 111 are more than 100 s apart
        world.call(30 + n, 84912000030, at_ms=at_s * 1_000)
    assert world.doubled(cap) == []
    world.call(40, 84912000030, at_ms=112_000)
    assert world.doubled(cap) == [Kind.INSIDE_CAP]


def test_one_attempt_may_advance_to_another_trunk_before_ringing(world):
    world.call(20, 84912000020, what="rejected", code=503, rang_ms=0, stored=False)
    world.call(20, 84912000020, at_ms=1_100, carrier="other", leg="b", stored=False)
    assert world.doubled() == []


def test_an_advance_after_somebody_was_alerted_is_found(world):
    world.call(20, 84912000020, what="rejected", code=480, rang_ms=700, stored=False)
    world.call(20, 84912000020, at_ms=2_100, carrier="other", leg="b", stored=False)
    assert world.doubled() == [Kind.ADVANCED_AFTER_RINGING]


def test_an_advance_while_the_first_leg_is_up_is_found(world):
    world.call(20, 84912000020, ended=False, stored=False)
    world.call(20, 84912000020, at_ms=1_100, carrier="other", leg="b", stored=False)
    assert world.doubled() == [Kind.ADVANCED_AFTER_RINGING]


def test_an_advanced_attempt_uses_the_cap_once(world):
    world.call(20, 84912000020, what="rejected", code=503, rang_ms=0, stored=False)
    world.call(20, 84912000020, at_ms=1_100, carrier="other", leg="b", stored=False)
    world.call(21, 84912000020, at_ms=9_000, stored=False)
    assert world.doubled() == [Kind.INSIDE_CAP]
    assert world.doubled(FrequencyCap(2, 86_400, CapCounts.ATTEMPTED)) == []


def test_a_call_id_used_for_two_calls_is_found(world):
    world.entries.append(Seen(90_000, "viettel", "1-a", "84912000001"))
    assert world.doubled() == [Kind.REPEATED_CALL_ID]


def test_call_ids_of_no_attempt_do_not_hide_a_double(world):
    world.entries += [Seen(1, "v", "x", "84912000050"), Seen(2, "v", "y", "84912000050")]
    assert world.doubled() == [Kind.INSIDE_CAP]


@pytest.mark.parametrize(
    ("counts", "first", "found"),
    [
        (CapCounts.ATTEMPTED, {"what": "cancelled", "code": 487}, True),
        (CapCounts.ANSWERED, {"what": "cancelled", "code": 487}, False),
        (CapCounts.ANSWERED, {"rtp": 0}, True),
        (CapCounts.HEARD, {"rtp": 0}, False),
        (CapCounts.HEARD, {"rtp": 9}, True),
        (CapCounts.HEARD, {"ended": False}, True),
    ],
)
def test_only_calls_that_count_use_the_cap(counts, first, found):
    w = World()
    w.call(1, 84912000001, **first)
    w.call(2, 84912000001, at_ms=60_000)
    assert w.doubled(FrequencyCap(1, 86_400, counts)) == ([Kind.INSIDE_CAP] if found else [])


# lost


def test_a_call_that_never_ended_is_found(world):
    world.call(31, 84912000031, ended=False)
    assert world.lost() == [Kind.STILL_UP]


def test_a_call_the_store_never_heard_of_is_found(world):
    world.call(31, 84912000031, stored=False)
    assert world.lost() == [Kind.UNKNOWN_CALL]


def test_a_call_id_that_names_no_attempt_is_found(world):
    world.entries += [
        Seen(1, "v", "stray", "84912000031"),
        Ended(2, "v", "stray", "84912000031", "rejected", "called", 486),
    ]
    assert world.lost() == [Kind.UNKNOWN_CALL]


def test_a_dialed_attempt_without_outcome_is_found_and_so_is_its_lead(world):
    world.call(31, 84912000031, outcome=None, state=LeadState.DIALING)
    assert world.lost() == [Kind.NO_OUTCOME, Kind.NO_OUTCOME]


def test_an_attempt_begun_and_forgotten_is_found_even_if_no_carrier_saw_it(world):
    world.lead(31, 84912000031, "31-a", None, LeadState.DIALING)
    assert world.lost() == [Kind.NO_OUTCOME, Kind.NO_OUTCOME]


@pytest.mark.parametrize("state", [LeadState.READY, LeadState.CLAIMED, LeadState.DIALING])
def test_a_dialed_lead_that_looks_undialed_is_found(world, state):
    world.call(31, 84912000031, state=state)
    assert world.lost() == [Kind.NO_OUTCOME]


@pytest.mark.parametrize(
    ("outcome", "found"),
    [
        (Outcome.ANSWERED, True),
        (Outcome.NO_ANSWER, True),
        (Outcome.DECLINED, True),
        (Outcome.BUSY, True),
        (Outcome.UNREACHABLE, True),
        (Outcome.INVALID, True),
        (Outcome.FAILED, False),
        (Outcome.CANCELLED, False),
        (Outcome.INTERRUPTED, False),
    ],
)
def test_an_outcome_only_a_carrier_can_give_needs_a_carrier(world, outcome, found):
    world.lead(31, 84912000031, "31-a", outcome, LeadState.EXHAUSTED)
    assert world.lost() == ([Kind.NEVER_PLACED] if found else [])


def test_an_attempt_released_twice_is_found(world):
    world.call(31, 84912000031, stored=False)
    world.lead(
        31, 84912000031, "31-a", Outcome.ANSWERED, LeadState.DONE, events=(RELEASED, RELEASED)
    )
    assert world.lost() == [Kind.MANY_OUTCOMES]


def test_a_call_to_another_number_than_the_leads_is_found(world):
    world.call(31, 84912000099, stored=False)
    world.lead(31, 84912000031, "31-a", Outcome.ANSWERED, LeadState.DONE)
    assert world.lost() == [Kind.WRONG_NUMBER]


def test_a_lead_claimed_and_never_dialed_is_not_lost(world):
    attempt = Attempt(31, 1, 31, 84912000031, 1, 500)
    lead = Lead(1, 31, 31, 84912000031, LeadState.CLAIMED)
    world.rows.append(ReportRow(lead, Contact(84912000031, "x"), ((attempt, ()),)))
    assert world.lost() == []


def test_every_row_missing_from_the_store_is_one_lost_call(world):
    calls = len(world.books.calls)
    world.rows.clear()
    assert world.lost() == [Kind.UNKNOWN_CALL] * calls


# mismatched


@pytest.mark.parametrize(
    ("what", "code", "outcome", "stored_code", "found"),
    [
        ("answered", 200, Outcome.ANSWERED, 200, False),
        ("answered", 200, Outcome.NO_ANSWER, 0, False),  # our CANCEL crossed the answer
        ("answered", 200, Outcome.CANCELLED, 0, False),
        ("answered", 200, Outcome.BUSY, 486, True),
        ("answered", 200, Outcome.FAILED, 0, True),
        ("answered", 200, Outcome.INTERRUPTED, 0, False),
        ("cancelled", 487, Outcome.NO_ANSWER, 487, False),
        ("cancelled", 487, Outcome.ANSWERED, 200, True),
        ("cancelled", 487, Outcome.BUSY, 486, True),
        ("rejected", 486, Outcome.BUSY, 486, False),
        ("rejected", 486, Outcome.BUSY, 603, True),
        ("rejected", 486, Outcome.ANSWERED, 200, True),
    ],
)
def test_two_tales_of_one_call(what, code, outcome, stored_code, found):
    w = World()
    w.call(1, 84912000001, what=what, code=code, stored=False)
    w.lead(1, 84912000001, "1-a", outcome, LeadState.DONE, stored_code)
    assert w.mismatched() == ([Kind.MISMATCHED] if found else [])


@pytest.mark.parametrize(
    ("pressed", "heard", "found"),
    [("", "", False), ("1", "1", False), ("12", "1", False), ("1", "12", True), ("1", "2", True)],
)
def test_keys_the_store_has_and_nobody_pressed(pressed, heard, found):
    w = World()
    w.call(1, 84912000001, stored=False)
    seen, ended = w.entries
    w.entries = [seen, msgspec.structs.replace(ended, digits=pressed)]
    w.lead(1, 84912000001, "1-a", Outcome.ANSWERED, LeadState.DONE, 200, keys=heard)
    assert w.mismatched() == ([Kind.MISMATCHED] if found else [])


def test_a_call_without_a_counterpart_is_left_to_lost(world):
    world.call(31, 84912000031, stored=False)
    world.lead(32, 84912000032, "32-a", Outcome.BUSY, LeadState.EXHAUSTED)
    assert world.mismatched() == []


def test_faults_are_plain_data():
    (fault,) = lost(join([Seen(1, "v", "x", "84912000001")]), (), attempt_of)[:1]
    assert msgspec.json.decode(msgspec.json.encode(fault))["kind"] == "still_up"
