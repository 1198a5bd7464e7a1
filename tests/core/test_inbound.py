"""Calls to us: each refused once, counted where it came from, told without what was withheld."""

from __future__ import annotations

import pytest

from dialerd.core.dialer import Dialer
from dialerd.core.effects import Notify, Refuse
from dialerd.core.events import ClockStepped, Incoming, LinesChanged, MediaRoom, TrunkSpec
from dialerd.core.numbering import load_numbering
from tests.lines.test_sip_line import PLAN

SPECS = (TrunkSpec("a", 10, 5.0), TrunkSpec("b", 10, 5.0))


def dialer(**options: int) -> Dialer:
    made = Dialer(load_numbering(PLAN), **options)
    made.handle(ClockStepped(1_795_000_000_000_000_000), 0)
    made.handle(LinesChanged(SPECS), 0)
    made.drain()
    return made


def incoming(**changes: object) -> Incoming:
    fields: dict[str, object] = {"leg": -1, "trunk": "a", "called": "842873001234"}
    return Incoming(**{**fields, "caller": "84912345678", **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [480, 404, 603])
def test_each_call_is_refused_once_with_the_configured_status(status: int) -> None:
    made = dialer(inbound_status=status)
    made.handle(incoming(leg=-7), 1)
    out = made.drain()
    assert [e for e in out if isinstance(e, Refuse)] == [Refuse(-7, status)]


def test_calls_are_counted_by_trunk() -> None:
    made = dialer()
    for trunk in ("a", "b", "a", "gone"):
        made.handle(incoming(trunk=trunk), 1)
    made.handle(incoming(trunk="", phone="101"), 1)
    found = {t.name: t.incoming for t in made.statistics(1).trunks}
    assert found == {"a": 2, "b": 1}
    assert (made.inbound.strays, made.inbound.phones) == (1, 1)


def test_a_withheld_number_is_not_told() -> None:
    made = dialer()
    made.handle(incoming(withheld=True, diverted=("84901111111",)), 1)
    (told,) = [e for e in made.drain() if isinstance(e, Notify)]
    assert (told.topic, told.data["caller"]) == ("incoming", "")
    assert told.data["diverted"] == ("84901111111",)
    made.handle(incoming(), 1)
    (told,) = [e for e in made.drain() if isinstance(e, Notify)]
    assert told.data["caller"] == "84912345678"


def test_refusals_do_not_disturb_dialing() -> None:
    made = dialer()
    before = made.deadline_ns()
    made.handle(incoming(), 1)
    assert made.deadline_ns() == before
    assert made.idle


def test_no_call_to_us_is_taken_when_the_media_threads_carry_all_they_can() -> None:
    made = dialer()
    made.floor.calls[1] = None  # type: ignore[assignment]
    made.handle(MediaRoom(1, "enough"), 1)
    made.handle(incoming(leg=-3), 1)
    assert [e for e in made.drain() if isinstance(e, Refuse)] == [Refuse(-3, 503)]
    assert made.inbound.full == 1
    made.handle(MediaRoom(2, "room"), 2)
    made.handle(incoming(leg=-4), 2)
    assert [e for e in made.drain() if isinstance(e, Refuse)] == [Refuse(-4, 480)]
