"""The called side, driven by hand in virtual time."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialerd.sim.callee import (
    TRANSITIONS,
    Alert,
    Answer,
    Callee,
    Close,
    Confirmed,
    Gone,
    HangUp,
    Invited,
    Press,
    Refuse,
    State,
    Step,
    Unable,
    Write,
)
from dialerd.sim.ledger import Ended, Seen, join
from dialerd.sim.people import Manner, Manners, Shares, Town, person

S = 1_000_000_000
WALL_NS = 1_700_000_000 * S
USER = "84912345678"


def town(share: str, manner: str = "", **settings_: float) -> Town:
    shares = dict.fromkeys(Shares.__struct_fields__, 0.0) | {share: 1.0}
    manners = Manners()
    if manner:
        manners = Manners(**(dict.fromkeys(Manners.__struct_fields__, 0.0) | {manner: 1.0}))
    return Town(shares=Shares(**shares), manners=manners, **settings_)


class Rig:
    """A carrier, a clock, and the far side's hands."""

    def __init__(self, the_town: Town, *, heard: int = 100, channels: int = 100, seed: int = 1):
        self.heard = heard
        self.callee = Callee(
            "viettel",
            the_town,
            seed,
            wall_offset_ns=WALL_NS,
            hears=lambda leg: self.heard,
            channels=channels,
        )
        self.now = 5 * S
        self.did: list[object] = []
        self.entries: list[Seen | Ended] = []

    def do(self, event: object) -> list[object]:
        self.callee.handle(event, self.now)
        return self.collect()

    def invite(self, leg: int = 1, user: str = USER) -> list[object]:
        return self.do(Invited(leg, f"{leg}-x", user, "127.0.0.1:5060"))

    def collect(self) -> list[object]:
        effects = self.callee.drain()
        self.entries += [e.entry for e in effects if isinstance(e, Write)]
        done = [e for e in effects if not isinstance(e, Write)]
        self.did += done
        return done

    def wait(self, seconds: float) -> list[object]:
        """Let time pass, step by step, as a driver does."""
        until = self.now + int(seconds * S)
        done: list[object] = []
        while (due := self.callee.deadline_ns()) is not None and due <= until:
            self.now = max(self.now, due)
            self.callee.tick(self.now)
            done += self.collect()
        self.now = until
        return done

    @property
    def ended(self) -> Ended:
        (entry,) = [e for e in self.entries if isinstance(e, Ended)]
        return entry


def test_a_new_call_is_in_the_ledger_before_anything_else_happens():
    rig = Rig(town("busy", setup_s_min=0.0, setup_s_max=0.0))
    rig.callee.handle(Invited(1, "1-x", USER, "127.0.0.1:5060"), rig.now)
    rig.callee.tick(rig.now)
    first, second = rig.callee.drain()
    assert first == Write(Seen(1_700_000_005_000, "viettel", "1-x", USER, "127.0.0.1:5060"))
    assert isinstance(second, Refuse)


def test_a_person_answers_presses_and_waits_for_the_other_side():
    rig = Rig(town("answers", "presses", second_key=1.0))
    who = person(town("answers", "presses", second_key=1.0), 1, USER)
    assert rig.invite() == []
    assert rig.wait(who.setup_s + 0.001) == [Alert(1, early_media=False)]
    assert rig.wait(who.final_s - who.setup_s) == [Answer(1)]
    rig.do(Confirmed(1))
    keys = [digit for _, digit in who.keys]
    assert rig.wait(20) == [Press(1, digit) for digit in keys]
    rig.do(Gone(1, "caller", 321, 400))
    ended = rig.ended
    assert (ended.what, ended.by, ended.code) == ("answered", "caller", 200)
    assert ended.digits == "".join(keys)
    assert (ended.rtp_received, ended.rtp_sent) == (321, 400)
    assert 0 < ended.rang_ms <= who.setup_s * 1000 + 2
    assert ended.answered_ms - 1_700_000_005_000 == pytest.approx(who.final_s * 1000, abs=3)
    assert rig.callee.deadline_ns() is None
    assert rig.callee.calls_up == 0


def test_who_has_heard_nothing_hangs_up_instead_of_pressing():
    rig = Rig(town("answers", "presses"), heard=0)
    who = person(town("answers", "presses"), 1, USER)
    rig.invite()
    rig.wait(who.final_s + 0.001)
    rig.do(Confirmed(1))
    assert rig.wait(who.keys[0][0]) == [HangUp(1)]
    rig.do(Gone(1, "called"))
    assert rig.ended.digits == ""


def test_no_key_is_sent_before_the_ack():
    rig = Rig(town("answers", "presses"))
    rig.invite()
    rig.wait(60)
    assert Press not in {type(e) for e in rig.did}


@pytest.mark.parametrize("manner", ["at_once", "during", "after", "waits"])
def test_each_manner_hangs_up_in_its_time(manner):
    rig = Rig(town("answers", manner))
    who = person(town("answers", manner), 1, USER)
    assert who.manner is Manner(manner)
    rig.invite()
    rig.wait(who.final_s + 0.001)
    rig.do(Confirmed(1))
    assert rig.wait(who.leaves_s - 0.01) == []
    assert rig.wait(0.02) == [HangUp(1)]
    rig.do(Gone(1, "called"))
    assert (rig.ended.what, rig.ended.by) == ("answered", "called")


@pytest.mark.parametrize(
    ("share", "code", "q850"),
    [("busy", 486, 17), ("declines", 603, 21), ("switched_off", 480, 20), ("invalid", 404, 1)],
)
def test_refusals(share, code, q850):
    rig = Rig(town(share))
    rig.invite()
    done = rig.wait(120)
    assert [type(e) for e in done if not isinstance(e, Alert)] == [Refuse]
    refused = done[-1]
    assert (refused.code, refused.q850) == (code, q850)
    rig.do(Gone(1, "called"))
    ended = rig.ended
    assert (ended.what, ended.code, ended.q850) == ("rejected", code, q850)
    assert ended.answered_ms == 0


def test_an_announced_phone_gets_early_media():
    rig = Rig(town("switched_off", announced=1.0))
    rig.invite()
    assert rig.wait(120)[0] == Alert(1, early_media=True)


def test_ringing_until_the_caller_cancels():
    rig = Rig(town("no_answer"))
    rig.invite()
    assert rig.wait(45) == [Alert(1, early_media=False)]
    rig.do(Gone(1, "caller"))
    assert (rig.ended.what, rig.ended.by, rig.ended.code) == ("cancelled", "caller", 487)
    assert rig.wait(600) == []


def test_the_network_ends_a_call_that_nobody_cancels():
    rig = Rig(town("no_answer", network_ring_s_max=30.0))
    rig.invite()
    assert rig.wait(31)[-1] == Refuse(1, 480, "Temporarily Unavailable", 19)


def test_a_cancel_that_crosses_a_refusal_is_a_refusal():
    rig = Rig(town("busy"))
    rig.invite()
    rig.wait(5)
    rig.do(Gone(1, "caller"))
    assert (rig.ended.what, rig.ended.code) == ("rejected", 486)


def test_no_channel_left_is_a_503():
    rig = Rig(town("no_answer"), channels=1)
    rig.invite(1)
    assert rig.invite(2, "84912345679") == [Refuse(2, 503, "Service Unavailable", 34)]
    assert rig.callee.calls_up == 2


@pytest.mark.parametrize("user", ["", "alice", "9" * 40])
def test_what_is_no_number_does_not_exist(user):
    rig = Rig(town("answers"))
    assert rig.invite(1, user) == [Refuse(1, 404, "Not Found", 1)]


def test_long_names_are_cut_in_the_ledger():
    rig = Rig(town("answers"))
    rig.do(Invited(1, "i" * 5_000, "9" * 5_000))
    (seen,) = rig.entries
    assert isinstance(seen, Seen)
    assert len(seen.call_id) == 200
    assert len(seen.user) == 64


def test_an_answer_that_cannot_be_given_is_a_488():
    rig = Rig(town("answers", "waits"))
    rig.invite()
    assert rig.do(Unable(1)) == []  # only after an Answer
    rig.wait(30)
    assert rig.do(Unable(1)) == [Refuse(1, 488, "Not Acceptable Here", 88)]
    rig.do(Gone(1, "called"))
    assert (rig.ended.what, rig.ended.code, rig.ended.answered_ms) == ("rejected", 488, 0)


def test_closing_ends_every_call_and_takes_no_new_one():
    rig = Rig(town("answers", "waits"))
    rig.invite(1)
    who = person(town("answers", "waits"), 1, USER)
    rig.wait(who.final_s + 0.01)
    rig.do(Confirmed(1))
    rig.invite(2, "84912345679")
    assert rig.do(Close()) == [HangUp(1), Refuse(2, 503, "Service Unavailable", 41)]
    assert rig.do(Close()) == []
    assert rig.invite(3) == [Refuse(3, 503, "Service Unavailable", 34)]
    for leg in (1, 2, 3):
        rig.do(Gone(leg, "called"))
    assert {e.by for e in rig.entries if isinstance(e, Ended)} == {"shutdown"}
    assert rig.wait(600) == []


def test_events_of_unknown_legs_are_dropped():
    rig = Rig(town("answers"))
    assert rig.do(Confirmed(9)) == []
    assert rig.do(Gone(9, "caller")) == []
    assert rig.do(Unable(9)) == []
    assert rig.entries == []


def test_the_table_names_every_state_a_step_can_come_in():
    assert {state for state, _ in TRANSITIONS} == set(State) - {State.ENDING}
    assert {step for _, step in TRANSITIONS} == set(Step)


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 25))
def test_any_crowd_and_any_far_side_leave_two_lines_a_call_and_nothing_up(seed, n):
    """Acks, byes and cancels come at random moments, some never."""
    rng = random.Random(seed)
    rig = Rig(Town(network_ring_s_max=20.0), heard=rng.choice((0, 10)), seed=seed, channels=15)
    alive: set[int] = set()
    waiting = list(range(1, n + 1))
    for _ in range(400):
        if waiting and rng.random() < 0.5:
            leg = waiting.pop()
            alive.add(leg)
            rig.invite(leg, str(84_912_000_000 + leg))
        done = rig.wait(rng.random() * 3)
        for effect in [*done, *rig.did[-3:]]:
            leg = effect.leg
            if leg in alive and isinstance(effect, Answer) and rng.random() < 0.8:
                rig.do(Confirmed(leg))
            elif leg in alive and isinstance(effect, (Refuse, HangUp)):
                rig.do(Gone(leg, "called"))
                alive.discard(leg)
        if alive and rng.random() < 0.05:
            leg = rng.choice(sorted(alive))
            rig.do(Gone(leg, rng.choice(("caller", "timeout"))))
            alive.discard(leg)
    rig.do(Close())
    for leg in sorted(alive):
        rig.do(Gone(leg, "called"))
    books = join(rig.entries)
    assert rig.callee.calls_up == 0
    assert len(books.calls) == n
    assert not any(call.up for call in books.calls)
    assert books.orphans == 0
    assert all(c.ended.digits == "" for c in books.calls if c.ended and not c.ended.answered_ms)


def test_the_same_seed_replays_the_same_ledger():
    def run() -> bytes:
        rig = Rig(Town(), seed=4)
        for leg in range(1, 60):
            rig.invite(leg, str(84_912_000_000 + leg))
            rig.wait(0.5)
        return msgspec.json.encode(rig.entries) + repr(rig.did).encode()

    assert run() == run()
