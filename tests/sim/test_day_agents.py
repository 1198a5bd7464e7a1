"""Days with agents, and the checkers of what happens to them."""

import msgspec
import pytest

from dialerd.core.records import LeadState, Outcome
from dialerd.sim.checkers import Kind
from dialerd.sim.day_ledger import Never
from dialerd.store import callbacks
from dialerd.store.callbacks import book
from tests.sim.days import simulation, small

TEAM = """
[answers]
{answers}
[[list]]
name = "theirs"
people = 250
[people.manners]
at_once = 0
during = 0
after = 0
presses = 0
waits = 1
[[campaign]]
name = "talks"
list = "theirs"
regime = "loopback"
mode = "{mode}"
ring_s_max = 20
steps = []
agents = {{ dispositions = [{{ name = "done" }}], preview_s = 3{rules} }}
[[agents]]
name = "team"
count = 4
campaigns = ["talks"]
talk_s = 30
wrap_s = 5
breaks_every_s = 900
break_s = 120
{habits}
"""


def team(folder, mode="progressive", extra="", *, answers="", habits="", rules=""):
    text = TEAM.format(mode=mode, answers=answers, habits=habits, rules=rules)
    return small(folder, text + extra, calls_day=1000)


def day_of(made, seed=1):
    day = made.day(seed)
    day.run()
    assert not made.examine(day)
    return day


def books(day):
    number = next(c.campaign_id for c in day.store.campaigns() if c.settings.name == "talks")
    return day.store.progress(number)


@pytest.mark.parametrize("mode", ["progressive", "predictive", "preview", "manual"])
def test_a_team_works_a_list_off(tmp_path, mode):
    day = day_of(team(tmp_path, mode))
    talked = {talk.call for talk in day.staff.talks}
    assert len(talked) > 30
    told = books(day).outcomes
    assert told[Outcome.ANSWERED] + told[Outcome.TOO_LONG] == len(talked)
    assert {talk.agent for talk in day.staff.talks} == {f"team-{n}" for n in range(1, 5)}
    assert any(agent.break_s for agent in day.staff.agents.values())


def test_agents_are_there_again_after_a_crash(tmp_path):
    crash = '[[fault]]\nkind = "crash"\nat = "08:05"\nfor_s = 3\n'
    day = day_of(team(tmp_path, extra=crash))
    assert [talk for talk in day.staff.talks if talk.begun_ns > day.crashes[0]]


def test_talks_end_in_every_way_in_which_they_do(tmp_path):
    """Who is left without an agent is told so, handed over, or waited for."""
    habits = (
        "vanishes = 0.2\nreloads = 0.2\ngone = 0.1\nsilent = 0.2\ndeaf = 0.1\nnailed_up = false"
    )
    rules = ", hand_over = true, lost_s = 15"
    day = day_of(team(tmp_path, habits=habits, rules=rules))
    fell = {talk.call for talk in day.staff.talks if talk.fell}
    again = {talk.call for talk in day.staff.talks if talk.call in fell and not talk.fell}
    assert again
    left = books(day).outcomes[Outcome.AGENT_LEFT]
    assert 0 < left < len(fell)


def test_machines_are_told_from_people_late_and_wrong(tmp_path):
    answers = "machines = 0.4\nverdict_sigma = 1.0\nverdict_wrong = 0.1\nverdict_none = 0.1"
    day = day_of(team(tmp_path, answers=answers, rules=", machines = true, verdict_s = 2.0"))
    legs = {leg.leg: leg for leg in day.carriers.ledger}
    with_machines = [talk for talk in day.staff.talks if legs[talk.customer].machine]
    assert with_machines  # the verdict was wrong, late, or never came
    assert books(day).outcomes[Outcome.MACHINE] > 5
    late = [leg for leg in legs.values() if leg.verdict == "machine" and leg.bridged]
    assert late


@pytest.mark.parametrize("mode", ["progressive", "manual"])
def test_callbacks_are_made_by_whom_they_were_promised(tmp_path, mode):
    habits = "callbacks = 0.5\ncallback_s = 300\nnever = 0.1\ncallback_anybody = 0.2"
    day = day_of(team(tmp_path, mode, habits=habits))
    ledger = day.staff.ledger
    assert len(ledger.promises) > 10
    assert len(ledger.nevers) > 2
    mine = [one for one in ledger.promises if one.to_me]
    shown = {(agent, attempt) for _, agent, attempt in ledger.cards}
    kept = 0
    for one in mine:
        later = [x for x in day.carriers.ledger if x.phone == one.phone and x.at_ns > one.said_ns]
        kept += any((one.agent, leg.attempt) in shown for leg in later)
    assert kept > len(mine) / 2


def test_predictive_beats_the_clock_and_keeps_its_promise():
    made = simulation("agents")
    figures = made.run(2)
    assert not figures.faults
    assert figures.utilisation > 0.8
    assert figures.abandoned_share < 0.035
    assert figures.wait_s_mean < 1


def kinds_of(made, day):
    return {fault.kind for fault in made.examine(day)}


def test_the_checkers_of_agents_can_fail(tmp_path):
    made = team(tmp_path)
    day = day_of(made)
    talks = day.staff.talks
    mine = [talk for talk in talks if talk.agent == talks[0].agent]
    was, mine[0].ended_ns = mine[0].ended_ns, mine[1].begun_ns + 1
    assert kinds_of(made, day) == {Kind.AGENT_TWICE}
    mine[0].ended_ns = was
    day.staff.ledger.wrong.append("somebody is rung in the middle of a talk")
    assert kinds_of(made, day) == {Kind.AGENT_TWICE}
    day.staff.ledger.wrong.clear()
    kept = talks[:]
    talks.clear()
    assert kinds_of(made, day) >= {Kind.ABANDONED, Kind.MISMATCHED}
    talks[:] = kept


def test_a_dialer_that_gives_a_callback_to_anybody(tmp_path, monkeypatch):
    monkeypatch.setattr(
        callbacks, "book", lambda unit, one: book(unit, msgspec.structs.replace(one, agent=""))
    )
    made = team(tmp_path, habits="callbacks = 0.5\ncallback_s = 300\ncallback_anybody = 0.0")
    day = made.day(1)
    day.run()
    assert Kind.CALLBACK in kinds_of(made, day)


def test_promises_that_nobody_kept(tmp_path):
    made = team(tmp_path, habits="callbacks = 0.3\ncallback_s = 300")
    day = day_of(made)
    ledger = day.staff.ledger
    first = ledger.promises[0]
    for changed in (
        {"due_s": first.due_s + 50_000},  # made before its time
        {"lead": somebody_done(day), "said_ns": day.closed_ns - 1},  # forgotten
    ):
        ledger.promises[0] = msgspec.structs.replace(first, **changed)
        assert Kind.CALLBACK in kinds_of(made, day), changed
    ledger.promises[0] = first
    called = day.carriers.ledger[-1]
    ledger.nevers.append(Never("team-1", called.phone, called.at_ns - 2_000_000))
    assert kinds_of(made, day) == {Kind.DO_NOT_CALL}


def somebody_done(day):
    """A lead that nobody was promised anything about."""
    number = next(c.campaign_id for c in day.store.campaigns() if c.settings.name == "talks")
    promised = {one.lead for one in day.staff.ledger.promises}
    rows = (row.lead for rows in day.store.report(number) for row in rows)
    return next(
        lead.lead_id
        for lead in rows
        if lead.state is LeadState.DONE and lead.lead_id not in promised
    )
