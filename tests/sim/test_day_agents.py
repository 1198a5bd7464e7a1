"""Days with agents, and the checkers of what happens to them."""

import pytest

from dialerd.core.records import Outcome
from dialerd.sim.checkers import Kind
from tests.sim.days import simulation, small

TEAM = """
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
agents = {{ dispositions = [{{ name = "done" }}], preview_s = 3 }}
[[agents]]
name = "team"
count = 4
campaigns = ["talks"]
talk_s = 30
wrap_s = 5
breaks_every_s = 900
break_s = 120
"""


@pytest.mark.parametrize("mode", ["progressive", "predictive", "preview"])
def test_a_team_works_a_list_off(tmp_path, mode):
    made = small(tmp_path, TEAM.format(mode=mode))
    day = made.day(1)
    day.run()
    assert not made.examine(day)
    number = next(c.campaign_id for c in day.store.campaigns() if c.settings.name == "talks")
    books = day.store.progress(number).outcomes
    talked = {talk.call for talk in day.staff.talks}
    assert len(talked) > 30
    assert books[Outcome.ANSWERED] >= 0.9 * len(talked)
    assert {talk.agent for talk in day.staff.talks} == {f"team-{n}" for n in range(1, 5)}
    assert any(agent.break_s for agent in day.staff.agents.values())


def test_agents_are_there_again_after_a_crash(tmp_path):
    crash = '[[fault]]\nkind = "crash"\nat = "08:05"\nfor_s = 3\n'
    made = small(tmp_path, TEAM.format(mode="progressive") + crash)
    day = made.day(1)
    day.run()
    assert not made.examine(day)
    assert [talk for talk in day.staff.talks if talk.begun_ns > day.crashes[0]]


def test_predictive_beats_the_clock_and_keeps_its_promise():
    made = simulation("agents")
    figures = made.run(2)
    assert not figures.faults
    assert figures.utilisation > 0.8
    assert figures.abandoned_share < 0.035
    assert figures.wait_s_mean < 1


def test_the_checkers_of_agents_can_fail(tmp_path):
    made = small(tmp_path, TEAM.format(mode="progressive"))
    day = made.day(1)
    day.run()
    talks = day.staff.talks
    mine = [talk for talk in talks if talk.agent == talks[0].agent]
    was, mine[0].ended_ns = mine[0].ended_ns, mine[1].begun_ns + 1
    assert {fault.kind for fault in made.examine(day)} == {Kind.AGENT_TWICE}
    mine[0].ended_ns = was
    day.staff.talks.clear()
    assert Kind.ABANDONED in {fault.kind for fault in made.examine(day)}
