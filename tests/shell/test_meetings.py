"""Who is bridged, has a seat in a room or is overheard, on an engine whose threads do not run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from dialerd.core.supervise_records import SuperviseMode
from dialerd.shell.meetings import Meetings
from fastpath.rtp import MediaEngine
from tests.ports import media_ports

LISTEN, WHISPER, BARGE = SuperviseMode
HOST = "127.0.0.1"
CUSTOMER, AGENT, BOSS, OTHER = 1, 2, 3, 4


class Hall:
    """Meetings with four legs."""

    def __init__(self, device: int = -1) -> None:
        self.engine = MediaEngine(streams_max=16)
        self.streams = {leg: self.open() for leg in (CUSTOMER, AGENT, BOSS, OTHER)}
        self.devices: set[int] = set()
        if device >= 0:
            self.engine.close(self.streams[CUSTOMER])
            self.streams[CUSTOMER] = self.engine.open_device(device)
            self.devices.add(CUSTOMER)
        self.meetings = Meetings(self.engine, self.streams, self.devices)

    def open(self) -> int:
        return self.engine.open(HOST, *media_ports())

    def bridged(self, leg: int) -> int:
        """The leg at the other end of its bridge."""
        found = self.engine.bridged(self.streams[leg])
        by_stream = {stream: leg for leg, stream in self.streams.items()}
        return 0 if found is None else by_stream[found[0]]

    def room(self, leg: int) -> set[int]:
        """Who has a seat where a leg has one."""
        for number in range(1, 20):
            try:
                parties = self.engine.parties(number)
            except KeyError:
                continue
            if self.streams[leg] in parties:
                return {one for one, stream in self.streams.items() if stream in parties}
        return set()

    def overheard(self, leg: int) -> bool:
        """Whether some room overhears it, without a seat or with one."""
        probe = self.engine.room()
        try:
            self.engine.overhear(probe, self.streams[leg])
        except ValueError:
            return True
        finally:
            self.engine.close_room(probe)
        return False

    def close(self, leg: int) -> None:
        self.meetings.gone(leg)
        self.engine.close(self.streams.pop(leg))


@pytest.fixture
def hall() -> Iterator[Hall]:
    made = Hall()
    yield made
    made.engine.stop()


def test_who_listens_leaves_the_bridge_alone(hall):
    assert hall.meetings.bridge(CUSTOMER, AGENT, agent=True)
    assert hall.meetings.listen_in(BOSS, CUSTOMER, LISTEN)
    assert (hall.bridged(CUSTOMER), hall.room(BOSS)) == (AGENT, {BOSS})
    assert hall.overheard(CUSTOMER)
    assert hall.overheard(AGENT)
    hall.close(BOSS)
    assert hall.bridged(CUSTOMER) == AGENT
    assert not hall.overheard(CUSTOMER)
    assert not hall.overheard(AGENT)


def test_who_speaks_brings_both_into_the_room_and_the_last_to_go_gives_them_back(hall):
    hall.meetings.bridge(CUSTOMER, AGENT, agent=True)
    hall.meetings.listen_in(BOSS, CUSTOMER, WHISPER)
    hall.meetings.listen_in(OTHER, CUSTOMER, LISTEN)
    assert hall.room(BOSS) == {CUSTOMER, AGENT, BOSS, OTHER}
    assert hall.bridged(CUSTOMER) == 0
    hall.meetings.listen_in(BOSS, CUSTOMER, LISTEN)
    assert hall.room(BOSS) == {CUSTOMER, AGENT, BOSS, OTHER}, "no second gap"
    hall.close(BOSS)
    assert hall.room(OTHER) == {CUSTOMER, AGENT, OTHER}
    hall.close(OTHER)
    assert hall.bridged(CUSTOMER) == AGENT
    assert hall.room(CUSTOMER) == set()


def test_the_call_changes_while_somebody_listens(hall):
    hall.meetings.listen_in(BOSS, CUSTOMER, LISTEN)
    assert hall.overheard(CUSTOMER)
    assert hall.room(BOSS) == {BOSS}
    hall.meetings.bridge(CUSTOMER, AGENT, agent=True)
    assert hall.bridged(CUSTOMER) == AGENT
    assert hall.overheard(AGENT)
    hall.meetings.unbridge(CUSTOMER)
    assert not hall.overheard(AGENT)
    assert hall.overheard(CUSTOMER)
    hall.meetings.listen_in(BOSS, CUSTOMER, BARGE)
    assert hall.room(BOSS) == {BOSS, CUSTOMER}
    hall.meetings.bridge(CUSTOMER, OTHER, agent=False)
    assert hall.room(BOSS) == {BOSS, CUSTOMER, OTHER}
    hall.close(OTHER)
    assert hall.room(BOSS) == {BOSS, CUSTOMER}
    hall.close(CUSTOMER)
    assert hall.room(BOSS) == set()
    hall.close(BOSS)


def test_another_agent_takes_the_seat_of_one_who_put_the_customer_through(hall):
    hall.meetings.bridge(CUSTOMER, AGENT, agent=True)
    hall.meetings.listen_in(BOSS, CUSTOMER, WHISPER)
    hall.meetings.unbridge(CUSTOMER)
    assert hall.room(BOSS) == {BOSS, CUSTOMER}
    assert not hall.overheard(AGENT)
    hall.meetings.bridge(CUSTOMER, OTHER, agent=True)
    assert hall.room(BOSS) == {BOSS, CUSTOMER, OTHER}
    assert hall.meetings.bridge(CUSTOMER, AGENT, agent=True), "back, without a word of an end"
    assert hall.room(BOSS) == {BOSS, CUSTOMER, AGENT}
    assert not hall.overheard(OTHER)
    hall.close(AGENT)
    hall.close(BOSS)
    assert hall.room(CUSTOMER) == set()
    assert not hall.overheard(CUSTOMER)


def test_an_agent_whose_customer_waits_may_be_bridged_with_another_one(hall):
    """And who listens in on the first one hears no word of the second."""
    hall.meetings.bridge(CUSTOMER, AGENT, agent=True)
    hall.meetings.listen_in(BOSS, CUSTOMER, LISTEN)
    hall.meetings.bridge(OTHER, AGENT, agent=True)
    assert hall.bridged(AGENT) == OTHER
    assert not hall.overheard(AGENT)
    assert hall.overheard(CUSTOMER)


def test_a_modem_is_overheard_in_its_room_and_taken_out_of_it():
    ours, theirs = os.pipe()
    made = Hall(device=ours)
    try:
        made.meetings.bridge(CUSTOMER, AGENT, agent=True)
        assert made.room(CUSTOMER) == {CUSTOMER, AGENT}
        made.meetings.listen_in(BOSS, CUSTOMER, LISTEN)
        assert made.room(CUSTOMER) == {CUSTOMER, AGENT}
        assert made.room(BOSS) == {BOSS}
        made.meetings.listen_in(BOSS, CUSTOMER, BARGE)
        assert made.room(CUSTOMER) == {CUSTOMER, AGENT, BOSS}
        made.close(BOSS)
        assert made.room(CUSTOMER) == {CUSTOMER, AGENT}
        made.close(CUSTOMER)
        assert made.room(AGENT) == set()
    finally:
        made.engine.stop()
        os.close(ours)
        os.close(theirs)


def test_legs_that_are_gone_are_not_listened_to(hall):
    hall.close(CUSTOMER)
    assert not hall.meetings.listen_in(BOSS, CUSTOMER, LISTEN)
    assert not hall.meetings.listen_in(99, AGENT, LISTEN)
    hall.meetings.gone(99)
    hall.meetings.unbridge(99)
    assert hall.room(BOSS) == set()
