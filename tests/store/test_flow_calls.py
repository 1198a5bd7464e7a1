"""What flows do, all the way into the store: a call is led by hand, its writes are applied."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import msgspec
import pytest

from dialerd.core import effects as fx
from dialerd.core import events as ev
from dialerd.core.call import Call
from dialerd.core.clock import WallClock
from dialerd.core.effects import AnyEffect
from dialerd.core.flow_plan import FlowPlan
from dialerd.core.flow_records import (
    Assign,
    Close,
    Flow,
    FlowStep,
    Forbid,
    Gather,
    Promise,
    Tape,
    TargetKind,
    Transfer,
)
from dialerd.core.ops import Finish
from dialerd.core.ports import ReportRow
from dialerd.core.records import (
    Attempt,
    CallEvent,
    CampaignState,
    Direction,
    EventKind,
    LeadState,
    Outcome,
)
from dialerd.store import MemoryStore, wait
from dialerd.store.base import BaseStore
from dialerd.store.ended import Ended
from dialerd.store.export_text import lines
from dialerd.store.recording_files import names_of
from dialerd.store.report import csv_pieces, json_pieces
from tests.core.world import NUMBERING
from tests.store.kit import FIRST, NOW, filled_list, people, running, take

MS, NS = 1_000_000, 1_000_000_000
LEG = 7


class Line:
    """One call of the first person of a list; each effect that writes is applied at once."""

    def __init__(self, store: BaseStore, *steps: FlowStep, answer: bool = True) -> None:
        self.store = store
        list_id = filled_list(store, "l", people(2))
        self.campaign = running(store, list_id)
        (self.claim,) = take(store, n=1)
        self.out: list[AnyEffect] = []
        self.seen: list[AnyEffect] = []
        self.now_ns = 0
        number = NUMBERING.from_value(self.claim.phone)
        settings, clock = self.campaign.settings, WallClock(NOW * MS)
        plan = FlowPlan(Flow(steps), "f@1")
        self.call = Call(self.claim, number, settings, plan, clock, self.out)
        self.call.dial("a", "any", LEG, 0)
        self.write()
        if answer:
            self.tell(ev.Answered(LEG))

    def tell(self, event: ev.LegEvent, after_s: int = 0) -> None:
        self.now_ns += after_s * NS
        self.call.handle(event, self.now_ns)
        self.write()

    def write(self) -> None:
        got, self.out[:] = list(self.out), []
        self.seen += got
        ops = [op for effect in got if isinstance(effect, fx.Write) for op in effect.ops]
        if ops:
            wait(self.store.apply(ops))

    def played(self) -> None:
        token = [e.token for e in self.seen if isinstance(e, fx.Play)][-1]
        self.tell(ev.PlayEnded(LEG, token))

    def keys(self, keys: str) -> None:
        for key in keys:
            self.tell(ev.Digit(LEG, key, "rfc4733"))

    def over(self, by: str = "them") -> ReportRow:
        self.tell(ev.Released(LEG, Outcome.ANSWERED, by=by), 1)
        row = self.store.lead(1, self.claim.lead_id)
        assert row is not None
        assert self.store.problems() == []
        return row

    def history(self) -> list[tuple[EventKind, str]]:
        row = self.store.lead(1, self.claim.lead_id)
        assert row is not None
        return [(event.kind, event.detail) for event in row.attempts[-1][1]]


@pytest.fixture
def store():
    made = MemoryStore()
    yield made
    made.close()


PIN = FlowStep("pin", "enter", does=Gather("pin", 4, 4, secret=True), then="sum")
SUM = FlowStep("sum", "", does=Gather("sum", 1, 6), then="set")
SET = FlowStep("set", "", does=Assign("told", "{name} {sum}"), then="bye")
BYE = FlowStep("bye", "thanks", does=Close("paid"))


def test_fields_and_the_result_are_kept_with_the_attempt(store: MemoryStore) -> None:
    line = Line(store, PIN, SUM, SET, BYE)
    line.keys("1234" + "500#")
    line.played()
    assert any(isinstance(effect, fx.Release) for effect in line.seen)
    attempt, _ = line.over().attempts[-1]
    assert attempt.fields == {"pin": "xxxx", "sum": "500", "told": "Nguyễn 0 500"}
    assert (attempt.disposition, attempt.outcome) == ("paid", Outcome.ANSWERED)
    assert attempt.keys == "xxxx500#"
    kept = str(store.lead(1, 1)) + str(line.seen)
    assert "1234" not in kept
    assert (EventKind.DIGIT, "x rfc4733") in line.history()


def test_what_was_typed_survives_a_crash_in_the_middle_of_the_call(store: MemoryStore) -> None:
    line = Line(store, SUM, SET, BYE)
    line.keys("77#")
    assert (EventKind.FIELD, "sum = 77") in line.history()  # of a call that is still up


def test_reports_and_exports_show_them(store: MemoryStore) -> None:
    line = Line(store, SUM, SET, BYE)
    line.keys("77#")
    line.played()
    row = line.over()
    (found,) = json.loads("".join(json_pieces(store, 1, UTC)))[0]["attempts"]
    assert found["flow_fields"] == {"sum": "77", "told": "Nguyễn 0 77"}
    assert found["disposition"] == "paid"
    text = "".join(csv_pieces(store, 1, UTC)).removeprefix("\ufeff")
    first = next(csv.DictReader(io.StringIO(text)))
    assert first["flow_fields"] == "sum = 77; told = Nguyễn 0 77"
    assert "field sum = 77" in first["interactions"]
    ended = Ended(1, *row.attempts[-1])
    assert json.loads(lines("jsonl", UTC)([ended]))["flow_fields"]["sum"] == "77"
    assert b"sum = 77" in lines("csv", UTC)([ended])


def test_an_attempt_stored_before_fields_is_read() -> None:
    old = msgspec.msgpack.decode(msgspec.msgpack.encode(Attempt(1, 1, 1, 1, 1, 1)))[:-1]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(old), type=Attempt).fields == {}


def test_erasing_a_number_erases_what_its_flows_set(store: MemoryStore) -> None:
    line = Line(store, SUM, SET, BYE)
    line.keys("77#")
    line.played()
    line.over()
    wait(store.erase(FIRST, "an", NOW))
    row = store.lead(1, 1)
    assert row is not None
    assert row.attempts[-1][0].fields == {}


# -- do not call -----------------------------------------------------------------------------------


def test_do_not_call_is_on_disk_at_the_key_and_blocks_the_lead(store: MemoryStore) -> None:
    menu = FlowStep("menu", "menu", {"9": "no"}, 1_000)
    line = Line(store, menu, FlowStep("no", "", does=Forbid(), then="bye"), BYE)
    line.keys("9")
    entry = store.dnc_find(FIRST)
    assert entry is not None
    assert (entry.source, entry.until_ms) == ("flow of spring", 0)
    assert line.over().lead.state is LeadState.BLOCKED
    assert (EventKind.FORBIDDEN, "in all campaigns, for good") in line.history()


def test_do_not_call_for_a_while_in_this_campaign(store: MemoryStore) -> None:
    line = Line(
        store, FlowStep("no", "", does=Forbid(campaign_only=True, days=30), then="bye"), BYE
    )
    line.played()
    row = line.over()
    (entry,) = store.bans(FIRST)
    assert entry.campaign_id == 1
    assert entry.until_ms == NOW + 30 * 86_400_000
    assert (row.lead.state, row.lead.due_s) == (LeadState.RESTING, NOW // 1000 + 30 * 86_400)
    assert store.dnc_find(FIRST) is None


# -- callbacks -------------------------------------------------------------------------------------


def test_a_callback_is_booked_and_claimed_at_its_time(store: MemoryStore) -> None:
    line = Line(store, FlowStep("book", "", does=Promise(90), then="bye"), BYE)
    line.played()
    row = line.over()
    due_s = NOW // 1000 + 5_400
    assert (row.lead.state, row.lead.due_s) == (LeadState.CALLBACK, due_s)
    (booked,) = next(iter(store.callbacks(1)))
    assert (booked.due_s, booked.agent, booked.booked_by) == (due_s, "", "flow")
    assert [claim.lead_id for claim in take(store, now_ms=NOW + 60_000)] == [2]
    again = take(store, now_ms=due_s * 1000)[0]
    assert again.lead_id == 1
    assert again.callback == booked


def test_a_callback_of_an_agent_is_anybodys_once_it_is_overdue(store: MemoryStore) -> None:
    line = Line(store, FlowStep("book", "", does=Promise(90, agent="lan")))
    row = line.over()
    assert row.lead.due_s == NOW // 1000 + 5_400 + 3_600
    (booked,) = next(iter(store.callbacks(1)))
    assert booked.agent == "lan"
    assert (EventKind.PROMISED, f"{booked.due_s} by lan") in line.history()


def test_a_callback_at_a_time_of_day_where_the_campaign_is(store: MemoryStore) -> None:
    ask = FlowStep("ask", "", does=Gather("when", 4, 4), then="book")
    line = Line(
        store, ask, FlowStep("book", "", does=Promise(at="{when}"), otherwise="ask", visits_max=3)
    )
    line.keys("9900")  # is no time: it is asked again
    line.keys("0630")
    at_s = line.over().lead.due_s
    assert NOW // 1000 < at_s <= NOW // 1000 + 86_400
    zone = line.call._zone()
    assert f"{datetime.fromtimestamp(at_s, zone):%H:%M}" == "06:30"


def test_who_asks_not_to_be_called_is_not_called_back(store: MemoryStore) -> None:
    book = FlowStep("book", "", does=Promise(90), then="no")
    line = Line(store, book, FlowStep("no", "", does=Forbid()))
    row = line.over()
    assert row.lead.state is LeadState.BLOCKED
    assert list(store.callbacks(1)) == []


# -- recordings, transfers -------------------------------------------------------------------------


def test_a_part_is_recorded(store: MemoryStore) -> None:
    line = Line(store, FlowStep("say", "speak", does=Tape(20)))
    line.played()
    line.keys("#")
    line.tell(ev.Recorded(LEG, "2026-09-21/x-say.wav", 3.0, 96_044, 2))
    tapes = [e.name for e in line.seen if isinstance(e, fx.Tape)]
    assert tapes == ["say", ""]
    row = line.over()
    assert names_of(*row.attempts[-1]) == ["2026-09-21/x-say.wav"]


def test_a_part_that_a_crash_cut_off_is_found_by_its_name() -> None:
    attempt = Attempt(1, 1, 1, 1, 1, 1, call_id="id", begun_ms=NOW, outcome=Outcome.INTERRUPTED)
    names = names_of(attempt, (CallEvent(NOW, EventKind.TAPING, "say"),))
    assert {name.partition("/")[2] for name in names} == {"id.wav", "id-say.wav"}


def test_parts_recorded_again_before_a_crash_are_found_too() -> None:
    attempt = Attempt(1, 1, 1, 1, 1, 1, call_id="id", begun_ms=NOW, outcome=Outcome.INTERRUPTED)
    said = CallEvent(NOW, EventKind.RECORDED, "2026-09-21/id-say.wav 1.0 s")
    tape = CallEvent(NOW, EventKind.TAPING, "say")
    names = names_of(attempt, (tape, said, tape))
    assert names[0] == "2026-09-21/id-say.wav"
    assert {n.partition("/")[2] for n in names} == {"id.wav", "id-say.wav", "id-say.2.wav"}


def test_a_transfer_that_finds_nobody_goes_on_with_the_flow(store: MemoryStore) -> None:
    deed = Transfer(TargetKind.QUEUE, "gone", "", 15)
    line = Line(store, FlowStep("move", "", does=deed, otherwise="bye"), BYE)
    line.now_ns += 15 * NS
    line.call.tick(line.now_ns)
    line.write()
    line.played()
    row = line.over()
    kinds = [event.kind for event in row.attempts[-1][1]]
    assert kinds.index(EventKind.TRANSFER) < kinds.index(EventKind.TRANSFER_FAILED)
    assert row.attempts[-1][0].disposition == "paid"


# -- ends ------------------------------------------------------------------------------------------


def test_a_call_without_any_of_that_ends_as_ever(store: MemoryStore) -> None:
    line = Line(store, FlowStep("only", "hello"))
    row = line.over()
    (end,) = [
        op for e in line.seen if isinstance(e, fx.Write) for op in e.ops if isinstance(op, Finish)
    ]
    assert not end.wraps
    assert row.lead.state is LeadState.DONE
    assert row.attempts[-1][0].disposed_ms == 0


def test_a_call_that_nobody_answered_has_no_fields(store: MemoryStore) -> None:
    line = Line(store, SUM, SET, BYE, answer=False)
    line.tell(ev.Released(LEG, Outcome.BUSY, 486, by="them"))
    row = store.lead(1, 1)
    assert row is not None
    assert row.attempts[-1][0].fields == {}
    assert store.campaign(1).state is CampaignState.RUNNING


def test_the_recording_of_a_call_to_us_is_not_named_by_its_caller() -> None:
    cut = {"outcome": Outcome.INTERRUPTED, "begun_ms": NOW, "direction": Direction.IN}
    one, two = (Attempt(n, 1, n, 84912000000 + n, 1, NOW, call_id="same@x", **cut) for n in (7, 8))
    names = [name for attempt in (one, two) for name in names_of(attempt, ())]
    assert len(set(names)) == len(names) == 6
    assert names[0].endswith("/in-7.wav")
