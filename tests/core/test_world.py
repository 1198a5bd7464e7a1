"""Whole days of dialing in virtual time, judged by the carriers' own books."""

import dialerd.core.events as ev
from dialerd.core.records import LeadState, Outcome
from tests.core.judge import judge
from tests.core.people import Faults
from tests.core.world import World, phones

TWO = (
    ev.TrunkSpec("any", 120, 30, loopback=True),
    ev.TrunkSpec("viettel", 60, 20, carriers=("viettel",), loopback=True),
)


def test_a_list_is_dialed_to_its_end():
    world = World(1, TWO)
    world.boot()
    campaign = world.campaign(phones(1500))
    world.run(12 * 3600, until=world.finished)
    assert world.finished()
    judge(world)
    books = world.store.progress(campaign)
    assert books.leads[LeadState.DONE] + books.leads[LeadState.EXHAUSTED] == 1500
    assert books.outcomes[Outcome.ANSWERED] == books.leads[LeadState.DONE]
    assert world.store.moves(campaign)[-1].who == "dialerd"


def test_same_seed_same_trace():
    traces = []
    for seed in (7, 7, 8):
        world = World(seed, TWO, Faults(commit=0.01, claim=0.02), crash_every_s=60)
        world.boot()
        world.campaign(phones(300))
        world.run(900)
        traces.append(world.trace.hexdigest())
    assert traces[0] == traces[1] != traces[2]
