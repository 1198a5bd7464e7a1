"""A whole bank in virtual time: bad ports harm nobody, and a day of faults leaves no port stuck."""

from __future__ import annotations

import pytest

from tests.gsm.bank_day import MAKES, BankDay

BAD = ("garbage", "garbage", "silence", "silence", "half-dead", "half-dead", "echo", "flap")
CALLING_S = 360.0


def called(*, bad: bool) -> BankDay:
    """64 ports that call for some minutes, every eighth of them bad from the start."""
    day = BankDay(64, seed=5)
    for number, kind in enumerate(BAD if bad else ()):
        day.fault(8 * number + number % 8, kind)
    assert day.run(CALLING_S)
    return day


def test_eight_bad_ports_among_64_leave_the_other_56_their_rate():
    well, ill = called(bad=False), called(bad=True)
    bad = {8 * number + number % 8 for number in range(len(BAD))}

    def completed(day: BankDay) -> int:
        return sum(one.completed for one in day.callers if one.slot not in bad)

    usual = completed(well)
    assert usual > 56 * 5, well.story()
    assert abs(completed(ill) - usual) <= usual * 0.02, (completed(ill), usual, ill.story())
    for one in ill.callers:
        assert one.steps < 40 * CALLING_S, f"it spins\n{ill.story()}"
        if one.slot in bad and one.slot > 9:  # through garbage calls are made all the same
            assert not one.calls, ill.story()


def test_the_loop_of_this_test_notices_a_port_that_spins():
    day = BankDay(8, seed=5)
    spinning = day.callers[3]

    def spin() -> None:
        spinning.step(lambda: spinning.port.tick(day.now))
        day.later(0, spin)

    day.later(60, spin)
    day.run(70)
    assert spinning.steps > 40 * 70


def test_twelve_hours_with_faults_end_with_no_port_stuck():
    day = BankDay(5, seed=1, idle_s=600.0, makes=MAKES[::2])
    day.trouble(every_s=400.0)
    day.run(12 * 3_600)
    assert sum(day.faults.values()) > 80
    assert all(one.completed > 20 for one in day.callers), day.story()
    day.cure()
    assert day.run(1_200, lambda: not day.stuck()), "\n".join([*day.stuck(), day.story()])


@pytest.mark.parametrize(
    ("kind", "state"),
    [("no-sim", "sim fault"), ("unplug", "absent"), ("no-signal", "register"), ("silence", "dead")],
)
def test_a_port_whose_fault_stays_says_why_and_comes_back_without_it(kind, state):
    day = BankDay(3, seed=4)
    day.quiet = True
    assert day.run(200, lambda: all(one.port.ready for one in day.callers)), day.story()
    (_, one, _) = day.callers
    day.fault(1, kind)
    assert day.run(900, lambda: one.port.state == state), day.story()
    assert one.port.why
    day.run(3_600)
    assert not one.port.ready
    assert one.port.why
    day.cure()
    assert day.run(600, lambda: not day.stuck()), "\n".join([*day.stuck(), day.story()])
