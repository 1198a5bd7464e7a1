"""Effects that speak of agents' legs, and what is written when there is time."""

from dialerd.core.effects import AgentAnswer, Bridge, Hold, Notify, RingAgent, Unbridge, WriteLater
from dialerd.core.ops import AppendEvents
from dialerd.shell import driver as module
from tests.shell.driving import dial, run, settle, until_written, write


def test_what_is_asked_of_an_agents_leg_waits_behind_its_call():
    async def test(b):
        b.feed(write(1), dial(1))
        asked = [RingAgent(1, 2, "a", "1001", "c@h"), Hold(1, 1, "m"), Bridge(1, 1, 2)]
        b.feed(*asked, Unbridge(1, 1))
        await settle()
        assert b.legs.did == []
        b.disk.commit()
        await settle()
        assert b.legs.did == [dial(1), *asked, Unbridge(1, 1)]

    run(test)


def test_what_agents_are_shown_goes_to_whoever_shows_it():
    async def test(b):
        shown = []
        answer = AgentAnswer(3, "a", "")
        b.feed(answer)  # nobody: nothing happens
        b.driver.doing[AgentAnswer] = shown.append
        b.feed(answer)
        assert shown == [answer]

    run(test)


def test_what_an_agents_page_shows_keeps_its_order_over_a_slow_disk():
    """A state that waited for a commit would come behind the one that followed it."""

    async def test(b):
        shown = []
        b.driver.doing[Notify] = lambda effect: shown.append(effect.data["state"])
        b.feed(write(1), dial(1), Notify("agent", {"state": "ready"}), Notify("call", {"state": 1}))
        b.feed(Notify("agent", {"state": "talking"}))
        await settle()
        assert shown == ["ready", "talking"]
        b.disk.commit()
        await settle()
        assert shown == ["ready", "talking", 1]

    run(test)


def test_facts_that_nobody_waits_for_outlive_a_full_disk(monkeypatch):
    monkeypatch.setattr(module, "RETRY_S", 0.0)

    async def test(b):
        b.disk.failing = True
        fact = AppendEvents(9, 3, ())
        b.feed(WriteLater((fact,)))
        assert not b.driver.settled
        await until_written(b)
        b.disk.commit()
        await settle()
        await until_written(b)
        b.disk.failing = False
        b.disk.commit()
        await settle()
        assert b.disk.applied == [fact]
        assert b.driver.settled

    run(test)
