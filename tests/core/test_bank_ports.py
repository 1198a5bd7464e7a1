"""Ports of a modem bank: away until their modem is ready, books that go with the SIM."""

from dialerd.core import events as ev
from dialerd.core.line_spec import PlanSpec, PortSpec, Trouble
from dialerd.core.records import Outcome, Usage
from tests.core.build import Desk, finishes, trunk

SIM = "sim:8984010000000000001"
OTHER = "sim:8984010000000000002"


FREE = PlanSpec()


def bank(*names, name="bank", plan=FREE):
    ports = tuple(PortSpec(one, plan=plan, watched=True) for one in names)
    return trunk(name, len(names), 100, kind="gsm", ports=ports)


def health(port, *, ready=True, why="", account="", of="bank"):
    return ev.LineHealth(of, alive=ready, why=why, port=port, account=account)


def ports(desk):
    (one,) = desk.dialer.statistics(desk.now_ns).trunks
    return {port.name: port for port in one.ports}


def test_no_call_before_a_modem_is_ready_and_none_while_it_is_away():
    desk = Desk(bank("1", "2"))
    desk.claims(4)
    desk.run(5)
    assert desk.dials() == []
    assert desk.why() == "ports of bank: nothing is known of it yet"
    desk.tell(health("2"))
    assert [dial.port for dial in desk.dials()] == ["2"]
    desk.tell(health("1", ready=False, why="no signal"))
    assert ports(desk)["1"].why == "no signal"
    desk.run(5)
    assert len(desk.dials()) == 1
    desk.tell(health("1"))
    assert [dial.port for dial in desk.dials()] == ["2", "1"]


def test_a_port_that_loses_signal_is_routed_round():
    desk = Desk(bank("1", "2", "3"))
    for port in "123":
        desk.tell(health(port))
    desk.tell(health("2", ready=False, why="no signal"))
    desk.claims(9)
    for _ in range(3):
        for dial in desk.dials()[-2:]:
            desk.tell(ev.Released(dial.leg, Outcome.BUSY), after_s=1)
    assert {dial.port for dial in desk.dials()} == {"1", "3"}
    assert len(desk.dials()) > 4


def test_a_port_that_fails_hands_its_call_to_another_port_of_the_bank():
    desk = Desk(bank("1", "2"))
    desk.tell(health("1"))
    desk.tell(health("2"))
    desk.claims(1)
    (first,) = desk.dials()
    fault = ev.Released(first.leg, Outcome.FAILED, by="us", advance=True, trouble=Trouble.FULL)
    desk.tell(fault)
    desk.run(1)
    second = desk.dials()[-1]
    assert (second.call, second.trunk) == (first.call, "bank")
    assert second.port != first.port
    assert ports(desk)[first.port].why == "rests after a failed call"
    (one,) = desk.dialer.statistics(desk.now_ns).trunks
    assert one.breaker == "closed"  # one port says nothing of the others


def test_a_fault_is_the_port_s_own_and_never_the_bank_s():
    desk = Desk(bank("1", "2"), attempts_max=1)
    desk.tell(health("1"))
    desk.claims(6)
    for _ in range(5):
        desk.tell(ev.Released(desk.dials()[-1].leg, Outcome.FAILED, advance=True), after_s=0.1)
    (one,) = desk.dialer.statistics(desk.now_ns).trunks
    assert one.breaker == "closed"
    assert ports(desk)["1"].why == "rests after a failed call"
    desk.tell(health("2"))
    assert desk.dials()[-1].port == "2"


def test_the_minutes_of_a_sim_go_with_it_to_another_slot():
    desk = Desk(bank("1", "2", plan=PlanSpec(seconds_day=100)))
    desk.tell(health("1", account=SIM))
    desk.claims(1)
    (dial,) = desk.dials()
    desk.tell(ev.Answered(dial.leg))
    desk.tell(ev.Released(dial.leg, Outcome.ANSWERED), after_s=95)
    (done,) = finishes(desk.seen)
    assert done.used == Usage("bank", SIM, done.used.day, 1, 95, 0)
    assert ports(desk)["1"].why == "its minutes of the day are used up"
    desk.tell(health("1", ready=False, why="no SIM"))
    desk.tell(health("2", account=SIM))
    assert ports(desk)["2"].why == "its minutes of the day are used up"
    assert ports(desk)["2"].use.seconds_day == 95
    desk.tell(health("1", account=OTHER))  # a fresh card in the old slot
    assert ports(desk)["1"].why == ""
    assert ports(desk)["1"].use.seconds_day == 0


def test_a_sim_that_comes_back_brings_what_it_used_elsewhere():
    desk = Desk(bank("1", "2", plan=PlanSpec(seconds_period=100, period_days=30)))
    desk.tell(health("1", account=SIM))
    desk.tell(health("1", ready=False, why="no SIM", account=SIM))
    desk.tell(health("2", account=SIM))
    desk.claims(1)
    (dial,) = desk.dials()
    desk.tell(ev.Answered(dial.leg))
    desk.tell(ev.Released(dial.leg, Outcome.ANSWERED), after_s=99)
    desk.tell(health("2", ready=False, why="no SIM", account=SIM))
    desk.tell(health("1", account=SIM))
    assert ports(desk)["1"].use.seconds_period == 99


def test_and_to_another_bank_and_over_a_restart():
    desk = Desk(bank("1", name="second", plan=PlanSpec(seconds_day=100)))
    day = desk.dialer.floor.trunks.day
    desk.tell(ev.UsageKnown((Usage("bank", SIM, day, 1, 95, 0),)))
    desk.tell(health("1", account=SIM, of="second"))
    assert ports(desk)["1"].why == "its minutes of the day are used up"


def test_a_reload_forgets_neither_readiness_nor_account():
    desk = Desk(bank("1", "2", plan=PlanSpec(seconds_day=100)))
    desk.tell(health("1", account=SIM))
    desk.claims(1)
    (dial,) = desk.dials()
    desk.tell(ev.Answered(dial.leg))
    desk.tell(ev.Released(dial.leg, Outcome.ANSWERED), after_s=50)
    desk.tell(ev.LinesChanged((bank("1", "2", "3", plan=PlanSpec(seconds_day=60)),)))
    found = ports(desk)
    assert found["1"].why == "its minutes of the day are used up"
    assert found["3"].why == "nothing is known of it yet"


def test_what_is_told_of_ports_that_are_not_there():
    desk = Desk(bank("1"))
    desk.tell(health("9"))
    desk.tell(health("1", of="nobody"))
    assert ports(desk)["1"].why == "nothing is known of it yet"
