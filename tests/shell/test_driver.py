"""Record before ring, per-call order, and what a refusing disk does, over a scripted machine."""

from dialerd.core.effects import (
    MoveCampaign,
    Notify,
    Play,
    Release,
    WantLeads,
)
from dialerd.core.events import (
    ClaimFailed,
    ClockStepped,
    Dialed,
    DialRefused,
    Digit,
    StoreRecovered,
    WriteFailed,
)
from dialerd.core.ops import AppendEvents, KeepLine
from dialerd.core.ports import ConflictError
from dialerd.core.records import CampaignState
from dialerd.shell import driver as module
from sip.calls.journal import Keep
from tests.shell.driving import begun, dial, run, settle, until_written, write


def test_nothing_rings_before_it_is_recorded():
    async def test(b):
        b.feed(write(1), dial(1), write(2), dial(2))
        await settle()
        assert b.legs.did == []
        assert len(b.disk.waiting) == 1  # one transaction for the batch
        b.disk.commit()
        await settle()
        assert b.disk.applied == [begun(1), begun(2)]
        assert b.legs.prepared == [dial(1), dial(2)]
        assert b.legs.did == [dial(1), dial(2)]
        assert b.driver.settled

    run(test)


def test_later_effects_of_a_waiting_call_wait_behind_it_and_others_do_not():
    async def test(b):
        b.feed(write(1), dial(1))
        b.feed(Release(1, 1))
        b.feed(Play(2, 2, "p", 1))
        await settle()
        assert b.legs.did == [Play(2, 2, "p", 1)]
        b.disk.commit()
        await settle()
        assert b.legs.did == [Play(2, 2, "p", 1), dial(1), Release(1, 1)]

    run(test)


def test_a_second_batch_of_a_call_keeps_its_order():
    async def test(b):
        b.feed(write(1), dial(1))
        b.feed(write(1, AppendEvents(1, 0, ())), Play(1, 1, "p", 1))
        b.feed(Release(1, 1))
        await settle()
        b.disk.commit()
        await settle()
        assert b.legs.did == [dial(1)]
        b.disk.commit()
        await settle()
        assert b.legs.did == [dial(1), Play(1, 1, "p", 1), Release(1, 1)]

    run(test)


def test_a_dial_that_the_store_refuses_is_not_carried_out():
    async def test(b):
        b.disk.refuse = (1,)
        b.feed(write(1), dial(1), write(2), dial(2))
        await settle()
        b.disk.commit()
        await settle()
        assert b.legs.did == [dial(2)]
        assert b.legs.discarded == [dial(1)]
        assert DialRefused(1) in b.machine.told

    run(test)


def test_a_full_disk_drops_intentions_and_keeps_facts(monkeypatch):
    monkeypatch.setattr(module, "RETRY_S", 0.0)

    async def test(b):
        b.disk.failing = True
        ended = AppendEvents(9, 3, ())
        b.feed(write(1), dial(1), write(9, ended), Release(9, 9))
        await settle()
        b.disk.commit()
        await settle()
        assert b.legs.did == [Release(9, 9)]
        assert b.legs.discarded == [dial(1)]
        assert WriteFailed(1) in b.machine.told
        assert b.driver.degraded
        await until_written(b)
        b.disk.failing = False
        b.disk.commit()
        await settle()
        assert b.disk.applied == [ended]  # the fact arrived, the intention did not
        assert b.machine.told[-1] == StoreRecovered()
        assert not b.driver.degraded

    run(test)


def test_what_the_disk_refused_is_written_before_what_came_after_it(monkeypatch):
    """The end of a call before its interactions would make these come too late."""
    monkeypatch.setattr(module, "RETRY_S", 0.01)

    async def test(b):
        b.disk.failing = True
        pressed, ended = AppendEvents(9, 0, ()), AppendEvents(9, 3, ())
        b.feed(write(9, pressed))
        await settle()
        b.disk.commit()
        await settle()
        b.disk.failing = False  # for a moment it was full
        b.feed(write(9, ended), Release(9, 9), write(1), dial(1))
        await settle()
        assert not b.disk.waiting
        assert b.legs.did == [Release(9, 9)]
        assert b.legs.discarded == [dial(1)]
        assert WriteFailed(1) in b.machine.told
        await until_written(b)
        b.disk.commit()
        await settle()
        assert b.disk.applied == [pressed, ended]
        b.feed(write(2), dial(2))
        await settle()
        b.disk.commit()
        await settle()
        assert b.legs.did[-1] == dial(2)
        assert b.driver.settled

    run(test)


def test_a_claim_that_fails_is_told():
    async def test(b):
        b.feed(WantLeads(4, 10), MoveCampaign(4, CampaignState.FINISHED, "list exhausted"))
        await settle()
        assert b.machine.told[-1] == ClaimFailed(4)

    run(test)


def test_a_claim_that_crosses_a_pause_is_no_failure_of_the_store():
    async def test(b):
        async def claim(*args):
            raise ConflictError("campaign 4 is paused")

        b.disk.claim = claim
        b.feed(WantLeads(4, 10))
        await settle()
        assert b.machine.told[-1] == ClaimFailed(4)
        assert not b.driver.degraded

    run(test)


def test_an_event_told_while_effects_are_carried_out_waits_its_turn():
    async def test(b):
        b.legs.dial = lambda effect: (b.driver.feed(Digit(5, "5")), b.legs.did.append(effect))
        b.feed(dial(1), Notify("t", {"a": 1}))
        assert b.legs.did == [dial(1)]
        assert b.published == [("t", {"a": 1})]
        assert b.machine.told[-2:] == [Digit(5, "5"), Dialed(1)]

    run(test)


def test_the_machine_learns_the_wall_clock_first():
    async def test(b):
        b.driver.start()
        assert isinstance(b.machine.told[0], ClockStepped)
        b.driver.close()
        b.driver.feed(Digit(1, "1"))
        assert len(b.machine.told) == 1

    run(test)


def test_a_call_goes_on_when_its_line_is_kept():
    async def test(b):
        b.driver.keep(7, Keep(70, b"answered"))
        await settle()
        assert b.legs.went_on == []
        assert not b.driver.settled
        b.disk.commit()
        await settle()
        assert b.disk.applied == [KeepLine(7, b"answered")]
        assert b.legs.went_on == [(70, True)]
        assert b.driver.settled

    run(test)


def test_a_call_whose_line_cannot_be_kept_is_given_up_and_dialing_stops(monkeypatch):
    monkeypatch.setattr(module, "RETRY_S", 0.0)

    async def test(b):
        b.disk.failing = True
        b.driver.keep(7, Keep(70, b"answered"))
        await settle()
        b.disk.commit()
        await settle()
        assert b.legs.went_on == [(70, False)]
        assert WriteFailed(0) in b.machine.told
        assert b.driver.degraded
        await until_written(b)
        b.disk.failing = False
        b.disk.commit()
        await settle()
        assert b.disk.applied == []  # an intention: what was given up is not written later
        assert b.machine.told[-1] == StoreRecovered()

    run(test)


def test_a_line_that_nobody_waits_for_goes_with_the_next_commit():
    async def test(b):
        b.driver.keep(7, Keep(70, b"rings", waits=False))
        await settle()
        assert not b.disk.waiting
        b.feed(write(1), dial(1))
        await settle()
        b.disk.commit()
        await settle()
        assert b.disk.applied == [KeepLine(7, b"rings"), begun(1)]
        assert b.legs.went_on == []

    run(test)


def test_its_answer_is_written_after_it():
    async def test(b):
        b.driver.keep(7, Keep(70, b"rings", waits=False))
        b.driver.keep(7, Keep(70, b"answered"))
        await settle()
        b.disk.commit()
        await settle()
        assert b.disk.applied == [KeepLine(7, b"rings"), KeepLine(7, b"answered")]

    run(test)


def test_without_another_commit_it_goes_alone(monkeypatch):
    monkeypatch.setattr(module, "IDLE_S", 0.0)

    async def test(b):
        b.driver.keep(7, Keep(70, b"rings", waits=False))
        b.driver.keep(8, Keep(80, b"rings", waits=False))
        await until_written(b)
        b.disk.commit()
        await settle()
        assert b.disk.applied == [KeepLine(7, b"rings"), KeepLine(8, b"rings")]
        assert b.driver.settled
        assert b.legs.went_on == []

    run(test)


def test_a_driver_that_is_closed_lets_nothing_go_on():
    async def test(b):
        b.driver.keep(7, Keep(70, b"answered"))
        await settle()
        b.driver.close()
        b.disk.commit()
        await settle()
        assert b.legs.went_on == []

    run(test)
