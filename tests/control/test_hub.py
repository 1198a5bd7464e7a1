"""Live events: numbering, topics, resuming, and what a slow reader is left with."""

from __future__ import annotations

from dialerd.control.hub import BoundedSink, EventHub
from dialerd.core.control import LiveEvent, Subscribe


def fill(hub: EventHub, n: int, topic: str = "call") -> None:
    for i in range(n):
        hub.publish(topic, {"i": i}, at_ms=1000 + i)


def test_topics() -> None:
    hub, calls, everything = EventHub(), [], []
    hub.subscribe(Subscribe(topics=("call",)), calls.append)
    hub.subscribe(Subscribe(), everything.append)
    hub.publish("call", {}, 1)
    hub.publish("trunk", {}, 2)
    assert [e.topic for e in calls] == ["call"]
    assert [(e.seq, e.topic) for e in everything] == [(1, "call"), (2, "trunk")]


def test_unsubscribe_twice_is_fine() -> None:
    hub, seen = EventHub(), []
    leave = hub.subscribe(Subscribe(), seen.append)
    leave()
    leave()
    fill(hub, 1)
    assert seen == []
    assert len(hub) == 0


def test_a_sink_may_unsubscribe_while_it_is_called() -> None:
    hub, seen = EventHub(), []

    def once(event: LiveEvent) -> None:
        seen.append(event.seq)
        leave()

    leave = hub.subscribe(Subscribe(), once)
    fill(hub, 3)
    assert seen == [1]


def test_resume_inside_the_ring() -> None:
    hub, seen = EventHub(ring_events_max=10), []
    fill(hub, 6)
    hub.subscribe(Subscribe(after=4), seen.append)
    fill(hub, 1)
    assert [e.seq for e in seen] == [5, 6, 7]


def test_resume_with_nothing_missed() -> None:
    hub, seen = EventHub(), []
    fill(hub, 3)
    hub.subscribe(Subscribe(after=3), seen.append)
    assert seen == []
    fresh: list[LiveEvent] = []
    EventHub().subscribe(Subscribe(after=0), fresh.append)
    assert fresh == []


def test_resume_of_some_topics() -> None:
    hub, seen = EventHub(), []
    hub.publish("a", {}, 1)
    hub.publish("b", {}, 2)
    hub.subscribe(Subscribe(after=0, topics=("b",)), seen.append)
    assert [e.seq for e in seen] == [2]


def test_resume_too_late_is_a_reset() -> None:
    hub, seen = EventHub(ring_events_max=3), []
    fill(hub, 10)
    hub.subscribe(Subscribe(after=6), seen.append)
    assert [(e.topic, e.seq) for e in seen] == [("reset", 10)]
    seen.clear()
    hub.subscribe(Subscribe(after=7), seen.append)
    assert [e.seq for e in seen] == [8, 9, 10]


def test_resume_from_another_life_is_a_reset() -> None:
    hub, seen = EventHub(), []
    fill(hub, 2)
    hub.subscribe(Subscribe(after=5000), seen.append)
    assert [e.topic for e in seen] == ["reset"]


def test_forwarded_events_keep_their_numbers() -> None:
    hub, seen = EventHub(), []
    hub.subscribe(Subscribe(topics=("x",)), seen.append)
    hub.forward(LiveEvent(seq=41, at_ms=1, topic="x", data={}))
    hub.forward(LiveEvent(seq=45, at_ms=1, topic="lost", data={"n": 3}))
    assert [(e.seq, e.topic) for e in seen] == [(41, "x"), (45, "lost")]


def drain(sink: BoundedSink) -> list[LiveEvent]:
    found = []
    while (event := sink.pop()) is not None:
        found.append(event)
    return found


def test_a_slow_reader_gets_one_marker_for_all_it_missed() -> None:
    woken: list[int] = []
    sink = BoundedSink(4, lambda: woken.append(1))
    hub = EventHub()
    hub.subscribe(Subscribe(), sink)
    fill(hub, 10)
    found = drain(sink)
    assert found[0].topic == "lost"
    assert found[0].data == {"n": 8}
    assert [e.seq for e in found[1:]] == [9, 10]
    assert found[0].seq == 8
    assert sum(1 if e.topic != "lost" else int(str(e.data["n"])) for e in found) == 10
    assert woken


def test_a_reader_that_keeps_up_misses_nothing() -> None:
    sink = BoundedSink(4, lambda: None)
    hub, seen = EventHub(), []
    hub.subscribe(Subscribe(), sink)
    for _ in range(25):
        fill(hub, 3)
        seen += drain(sink)
    assert [e.seq for e in seen] == list(range(1, 76))


def test_an_event_that_cannot_be_sent_is_counted() -> None:
    sink = BoundedSink(4, lambda: None)
    sink.lose(LiveEvent(seq=3, at_ms=1, topic="x", data={}))
    assert [e.data for e in drain(sink)] == [{"n": 1}]


def test_topics_made_on_demand_are_asked_for_beside_all_others() -> None:
    hub, seen, changes = EventHub(), [], []
    hub.sinks_changed = lambda: changes.append(hub.asked_for("call"))
    leave = hub.subscribe(Subscribe(also=("call",)), seen.append)
    assert hub.asked_for("call")
    assert not hub.asked_for("audio")
    hub.publish("trunk", {}, 1)
    assert [e.topic for e in seen] == ["trunk"]
    leave()
    assert changes == [True, False]
