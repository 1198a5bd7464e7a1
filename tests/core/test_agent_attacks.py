"""Agents who do anything at any moment: nobody is in two calls, and nothing is left over."""

import random

import pytest

import dialerd.core.events as ev
from dialerd.core.agent_records import AgentState
from dialerd.core.flow_records import TargetKind
from dialerd.core.limits import AGENT_NAME_CHARS_MAX, AGENTS_MAX
from dialerd.core.records import Answerer, CampaignState, DialMode, Outcome
from tests.acceptance.office import FIRST, Office
from tests.core.agents import judge_staff

NAMES = ("an", "binh", "chi")
MODES = [DialMode.MANUAL, DialMode.PREVIEW, DialMode.PROGRESSIVE, DialMode.PREDICTIVE]


def anything(rng, office, campaigns):
    """One thing that an agent, a page, a telephone, a customer or a listener does."""
    name, world = rng.choice(NAMES), office.world
    some = tuple(rng.sample(campaigns, rng.randrange(len(campaigns) + 1)))
    agent = world.dialer.desk.team.agents.get(name)
    events = [
        ev.AgentLoggedIn(name, rng.choice(("1", "2")), some, rng.random() < 0.5),
        ev.AgentJoined(name, some),
        ev.AgentReady(name), ev.AgentReady(name), ev.AgentReady(name), ev.AgentReady(name),
        ev.AgentPaused(name, rng.choice(("tea", "phone", "rest", ""))),
        ev.AgentLoggedOut(name),
        ev.AgentLost(name),
        ev.AgentBack(name),
        ev.AgentTake(name, rng.choice(campaigns)), ev.AgentTake(name, rng.choice(campaigns)),
        ev.AgentDial(name), ev.AgentDial(name),
        ev.AgentSkip(name),
        ev.AgentHangUp(name),
        ev.AgentTransferred(name, TargetKind.AGENT, rng.choice(NAMES), 5),
        ev.AgentKeyed(name, "1#"), ev.AgentPickedUp(name), ev.AgentPickedUp(name),
        ev.AgentDisposed(name, "sold"), ev.AgentDisposed(name, "sold", do_not_call=True),
        ev.AgentDisposed(name, callback_s=office.wall_s + 30, to_me=rng.random() < 0.5),
        ev.AgentNoted(name, "hi"),
    ]  # fmt: skip
    chance = rng.random()
    legs = list(world.staff.legs.values())
    people = [leg for leg in world.people.legs.values() if not leg.released]
    if chance < 0.1 and legs:
        how = rng.choice(((Outcome.ANSWERED, "them"), (Outcome.MEDIA_TIMEOUT, "timeout")))
        world.staff.gone(rng.choice(legs), *how)
    elif chance < 0.2 and people:
        world.people.gone(rng.choice(people), Outcome.ANSWERED, 200)
    elif chance < 0.25 and people:
        world.feed(ev.Verdict(rng.choice(people).leg, rng.choice(list(Answerer))))
    elif chance < 0.27 and agent is not None and agent.leg:
        world.feed(ev.MediaLost(agent.leg, "silent"))
    else:
        world.feed(rng.choice(events))


def sound(office):
    """What holds at every moment."""
    desk = office.world.dialer.desk
    calls = {}
    for agent in desk.team.agents.values():
        work = [one for one in (agent.card, agent.call) if one is not None]
        assert len(work) <= 1, f"{agent.name} has a card and a call"
        if agent.call is not None:
            assert calls.setdefault(agent.call.claim.attempt_id, agent) is agent
            assert agent.call.agent is agent
            assert not agent.call.over
        if agent.leg:
            assert desk.team.legs.get(agent.leg) is agent
        if agent.state in (AgentState.OFFLINE, AgentState.PAUSED, AgentState.READY):
            assert not work, f"{agent.name} is {agent.state}"
            assert agent.run is None or not agent.leg_up or agent.state is AgentState.READY
    listed = {number for line in desk.team._ready.values() for _, number in line}
    ready = {a.number for a in desk.team.agents.values() if a.state is AgentState.READY}
    assert listed <= ready


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(6))
def test_whatever_agents_do_nothing_is_left_over(seed, mode):
    rng = random.Random(f"{seed} {mode}")
    office = Office(answer_s=rng.choice((0.3, 3.0)))
    settings = {
        "wrap_up_s": rng.choice((0, 5)), "lost_s": rng.choice((0, 5)), "preview_s": 3,
        "hand_over": rng.random() < 0.5, "machines": rng.random() < 0.5, "may_skip": True,
        "rest_s": rng.choice((0, 2)),
    }  # fmt: skip
    if mode is DialMode.MANUAL:
        settings["may_skip"] = False
    campaigns = [office.campaign(mode, 60, first=FIRST + 1000 * n, **settings) for n in range(2)]
    for _ in range(400):
        anything(rng, office, campaigns)
        office.run(rng.choice((0.0, 0.05, 0.5, 2.0)))
        sound(office)
    if seed % 2:
        office.world.crash()
        sound(office)
    for campaign in campaigns:
        if office.store.campaign(campaign).state is CampaignState.RUNNING:
            office.world.move(campaign, CampaignState.PAUSED)
    for name in NAMES:
        office.world.feed(ev.AgentHangUp(name))
        office.world.feed(ev.AgentDisposed(name, "sold"))
        office.run(1)
        office.world.feed(ev.AgentLoggedOut(name))
    for leg in list(office.world.people.legs.values()):
        if not leg.released:
            office.world.people.gone(leg, Outcome.ANSWERED, 200)
    office.run(300)
    desk = office.world.dialer.desk
    states = {agent.state for agent in desk.team.agents.values()}
    assert states <= {AgentState.OFFLINE}, {n: str(a.state) for n, a in desk.team.agents.items()}
    assert not desk.team.legs
    assert not office.world.staff.legs
    assert not office.world.dialer.floor.calls
    assert not any(desk.team.waiting(campaign) for campaign in campaigns)
    assert office.store.attempts_open() == 0
    assert office.store.at_work() == []
    judge_staff(office.world, grace_s=2.0 + 3.0 * settings["machines"])


def test_five_hundred_log_in_within_a_second():
    office = Office()
    campaign = office.campaign(DialMode.PREDICTIVE, 50)
    begun_ns = office.world.now_ns
    for n in range(500):
        office.world.feed(ev.AgentLoggedIn(f"a{n}", f"p{n}", (campaign,), True))
        office.world.feed(ev.AgentReady(f"a{n}"))
    office.run(1)
    assert office.world.now_ns - begun_ns < 2 * 10**9
    office.run(3)
    agents = office.world.dialer.desk.team.agents.values()
    assert all(a.state in (AgentState.READY, AgentState.TALKING) for a in agents)
    assert len(office.store.at_work()) == 500
    office.world.crash()
    office.run(3)
    agents = office.world.dialer.desk.team.agents.values()
    assert len(agents) == 500
    assert sum(a.leg_up for a in agents) == 500
    sound(office)


@pytest.mark.parametrize(
    "name", ["", "a\r\nVia: x", "a\0b", "x" * (AGENT_NAME_CHARS_MAX + 1), "\x1b[31m", "a\u2028b"]
)
def test_a_hostile_name_is_refused(name):
    office = Office()
    campaign = office.campaign(DialMode.MANUAL)
    assert "printable" in office.do(ev.AgentLoggedIn, name, "1001", (campaign,), False)
    assert not office.world.dialer.desk.team.agents


@pytest.mark.parametrize(
    "name", ["sip:x@y;lr", "Ân 🙂", "../../etc/passwd", "'; DROP TABLE", "é" * 64]
)
def test_an_odd_name_is_a_name_like_any_other(name):
    office = Office()
    office.login(name, office.campaign(DialMode.PROGRESSIVE, 1))
    office.until(lambda: office.state(name) == "talking")
    office.run(0.1)  # what nobody waits for is written in a moment
    office.world.crash()
    office.run(1)
    assert office.state(name) == "wrap_up"
    assert office.do(ev.AgentDisposed, name, "sold", note="hi") == ""
    (move, *_) = office.store.agent_moves(0, office.world.wall_ms + 1, 1)
    assert move.agent == name


def test_more_agents_than_there_may_be_are_refused_and_nobody_else_suffers():
    office = Office()
    campaign = office.campaign(DialMode.MANUAL)
    for n in range(AGENTS_MAX):
        office.world.feed(ev.AgentLoggedIn(f"a{n}", "1", (campaign,)))
    assert "more than" in office.do(ev.AgentLoggedIn, "late", "1", (campaign,), False)
    assert office.do(ev.AgentReady, "a7") == ""
