"""Every checker can fail: dialers that break one rule each, and books that somebody cooked."""

import msgspec
import pytest

from dialerd.core import frequency, gateway_port, metering, rules, running, selection, trunk
from dialerd.core.clock import NEVER
from dialerd.core.ops import Finish
from dialerd.core.records import LeadState, Outcome
from dialerd.sim.checkers import Kind
from dialerd.sim.day_check_hours import is_open
from dialerd.sim.day_scenario import LineTable
from dialerd.store import attempts, ended
from dialerd.store.schema import LEAD, lead_key
from dialerd.store.ticket import wait
from tests.sim.days import small


def found(simulation, seed=1):
    day = simulation.day(seed)
    day.run()
    return day, {fault.kind for fault in simulation.examine(day)}


def test_a_small_day_is_well(tmp_path):
    day, kinds = found(small(tmp_path))
    assert not kinds
    assert len(day.carriers.ledger) > 150
    assert any(leg.port for leg in day.carriers.ledger)


def test_a_dialer_that_ignores_caps(tmp_path, monkeypatch):
    monkeypatch.setattr(rules, "eligible_ms", lambda calls, caps, now_ms: now_ms)
    assert Kind.INSIDE_CAP in found(small(tmp_path))[1]


def test_a_dialer_that_calls_a_number_that_is_being_called(tmp_path, monkeypatch):
    monkeypatch.setattr(rules, "in_flight", lambda calls: False)
    monkeypatch.setattr(rules, "eligible_ms", lambda calls, caps, now_ms: now_ms)
    kinds = {kind for seed in range(1, 4) for kind in found(small(tmp_path), seed)[1]}
    assert Kind.TWICE_AT_ONCE in kinds


def test_a_cap_that_is_one_call_too_wide(tmp_path, monkeypatch):
    def wide(calls, caps, now_ms):
        more = [msgspec.structs.replace(cap, calls_max=cap.calls_max + 1) for cap in caps]
        return frequency.eligible_ms(calls, more, now_ms)

    monkeypatch.setattr(rules, "eligible_ms", wide)
    assert Kind.INSIDE_CAP in found(small(tmp_path))[1]


def test_a_dialer_that_ignores_hours(tmp_path, monkeypatch):
    monkeypatch.setattr(running.Run, "open_at", lambda self, wall_ns: True)
    monkeypatch.setattr(running.Run, "changes_ns", lambda self, wall_ns: NEVER)
    order = tuple(one for one in rules._ORDER if one[0] is not rules.Rule.HOURS)
    monkeypatch.setattr(rules, "_ORDER", order)
    assert Kind.OUTSIDE_HOURS in found(small(tmp_path))[1]


def test_a_store_that_forgets_who_asked_not_to_be_called(tmp_path, monkeypatch):
    monkeypatch.setattr(rules.Rules, "heeds", lambda self, ban: False)
    assert Kind.DO_NOT_CALL in found(small(tmp_path))[1]


def test_a_dialer_that_ignores_channels(tmp_path, monkeypatch):
    monkeypatch.setattr(trunk.Trunk, "ready_ns", lambda self: self.pace.limit.ready_ns)
    assert Kind.OVER_CHANNELS in found(small(tmp_path))[1]


def test_a_port_that_takes_a_second_call(tmp_path, monkeypatch):
    monkeypatch.setattr(gateway_port.Port, "take", lambda self, now_ns: self.meter.begin())
    assert Kind.OVER_CHANNELS in found(small(tmp_path))[1]


def test_a_dialer_that_is_too_fast(tmp_path, monkeypatch):
    told = LineTable.spec

    def more(self):
        return msgspec.structs.replace(told(self), cps_max=self.calls_per_s_max + 1)

    monkeypatch.setattr(LineTable, "spec", more)
    assert Kind.TOO_FAST in found(small(tmp_path))[1]


def test_a_port_that_does_not_pause(tmp_path, monkeypatch):
    def at_once(self, now_ns):
        self.busy = False
        self.ready_ns = now_ns
        self.meter.end()

    monkeypatch.setattr(gateway_port.Port, "give_back", at_once)
    assert Kind.TOO_FAST in found(small(tmp_path))[1]


def test_a_meter_that_never_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(metering.Meter, "_judge", lambda self: None)
    assert Kind.OVER_QUOTA in found(small(tmp_path, calls_day=20))[1]


def test_a_number_on_a_line_of_another_carrier(tmp_path, monkeypatch):
    monkeypatch.setattr(
        selection._Table, "route", lambda self, digits, carrier: self.by_carrier["viettel"]
    )
    assert Kind.WRONG_LINE in found(small(tmp_path))[1]


def test_a_record_too_few_and_one_too_many(tmp_path, monkeypatch):
    record = ended.record
    monkeypatch.setattr(ended, "record", lambda *a: a[3] % 7 and record(*a))
    assert Kind.NO_RECORD in found(small(tmp_path))[1]
    monkeypatch.setattr(ended, "record", lambda *a: (record(*a), record(*a)))
    assert Kind.NO_RECORD in found(small(tmp_path))[1]


def test_an_answer_that_is_recorded_as_busy(tmp_path, monkeypatch):
    finish = attempts._finish

    def lies(unit, op, held):
        if op.outcome is Outcome.ANSWERED and not op.attempt_id % 5:
            op = msgspec.structs.replace(op, outcome=Outcome.BUSY)
        finish(unit, op, held)

    monkeypatch.setitem(attempts._OF_CALLS, Finish, lies)
    assert {Kind.NO_RECORD, Kind.MISMATCHED} <= found(small(tmp_path))[1]


def test_talk_that_is_not_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("dialerd.store.usage.add", lambda unit, used: None)
    assert Kind.BOOKS in found(small(tmp_path))[1]


def test_a_lead_that_stays_in_hand(tmp_path):
    simulation = small(tmp_path)
    day = simulation.day(1)
    day.run()

    def stays(unit):
        key = lead_key(1, 3)
        lead = LEAD.unpack(unit.t.leads.get(key))
        changed = msgspec.structs.replace(lead, state=LeadState.DIALING)
        unit.t.leads.put(key, LEAD.pack(changed))

    wait(day.store._submit(stays))
    kinds = {fault.kind for fault in simulation.examine(day)}
    assert {Kind.LEAD_STATE, Kind.BOOKS} <= kinds


def test_what_only_a_carrier_knows(tmp_path):
    """A ledger that tells another day than the store."""
    simulation = small(tmp_path)
    day = simulation.day(1)
    day.run()
    ledger = day.carriers.ledger
    answered = next(leg for leg in ledger if leg.answered_ns and leg.keys)
    for name, value, kind in (
        ("phone", 84_113, Kind.FORBIDDEN),
        ("phone", 841_900_123_456, Kind.FORBIDDEN),
        ("phone", 8_613_800_138_000, Kind.FORBIDDEN),
        ("call_id", "0000000000ffffff.1@dialerd", Kind.UNKNOWN_CALL),
        ("call_id", ledger[0].call_id, Kind.REPEATED_CALL_ID),
        ("ended_ns", 0, Kind.STILL_UP),
        ("keys", "", Kind.MISMATCHED),
    ):
        was = getattr(answered, name)
        setattr(answered, name, value)
        kinds = {fault.kind for fault in simulation.examine(day)}
        assert kind in kinds, name
        setattr(answered, name, was)
    assert not simulation.examine(day)


@pytest.mark.parametrize(
    ("clock", "opens"),
    [("08:09:59", False), ("08:10:00", True), ("08:49:59", True), ("08:50:00", False),
     ("08:59:59", False), ("09:00:00", True), ("09:20:00", False)],
)  # fmt: skip
def test_the_checker_reads_hours_by_itself(tmp_path, clock, opens):
    spec = small(tmp_path).scenario.campaign[0]
    hour, minute, second = map(int, clock.split(":"))
    midnight_s = 1_795_366_800  # 2026-11-23 in Vietnam
    at_s = midnight_s + hour * 3600 + minute * 60 + second
    assert is_open(spec, at_s * 1_000_000_000) == opens
