"""Export to Homer over a real socket, and the bounds of what is answered."""

from __future__ import annotations

import asyncio
import socket

import pytest

from dialerd.core.control import NotFound
from dialerd.core.tracing import GetTrace, ListTraces
from dialerd.shell import tracing
from dialerd.shell.clock import Clock
from dialerd.shell.tracing import Homer, Traces, TraceSettings, make_tracer
from sip.transport.local import Local
from tests.control.desk import until
from tests.interop.test_captures import chunks
from tests.sip.samples import message

PEER = ("192.0.2.2", 5070, 0)
SECRET = message(raw='Authorization: Digest response="s3cret"\r\n')


@pytest.fixture
def collector():
    """A UDP socket on loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(100)
        yield sock


def made(**changes):
    return make_tracer(TraceSettings(**changes), [Local("192.0.2.1", 5060)])


async def exported(collector, count: int, settings: TraceSettings | None = None):
    """What arrives of `count` messages, and the exporter."""
    tracer, clock = made(), Clock()
    homer = Homer(
        collector.getsockname(),
        settings or TraceSettings(),
        tracer,
        clock,
        asyncio.get_running_loop(),
    )
    for n in range(count):
        tracer.keep(n % 2 == 0, SECRET, PEER, clock.now_ns())
    waiting = homer.statistics()["homer_waiting"]
    heard = [
        await asyncio.to_thread(collector.recv, 65_535)
        for _ in range(min(count, tracing.QUEUE_MAX))
    ]
    homer.close()
    return waiting, heard, homer


def test_every_message_reaches_the_collector_masked(collector) -> None:
    settings = TraceSettings(homer_agent=77, homer_key="k", node="north")
    _, heard, homer = asyncio.run(exported(collector, 3, settings))
    found = [chunks(data) for data in heard]
    assert all(b"s3cret" not in data for data in heard)
    assert all(b"Authorization: ***" in one[15] for one in found)
    assert [int.from_bytes(one[7], "big") for one in found] == [5060, 5070, 5060]
    assert [int.from_bytes(one[8], "big") for one in found] == [5070, 5060, 5070]
    assert {one[17] for one in found} == {b"c1@192.0.2.2"}
    assert {(int.from_bytes(one[12], "big"), one[14], one[19]) for one in found} == {
        (77, b"k", b"north")
    }
    assert (homer.exported, homer.lost) == (3, 0)


def test_more_than_the_queue_holds_is_lost_and_counted(collector, monkeypatch) -> None:
    monkeypatch.setattr(tracing, "QUEUE_MAX", 10)
    waiting, heard, homer = asyncio.run(exported(collector, 25))
    assert (waiting, len(heard)) == (10, 10)
    assert (homer.exported, homer.lost) == (10, 15)


def test_a_collector_that_is_not_there_costs_nothing(collector) -> None:
    address = collector.getsockname()
    collector.close()

    async def run() -> Homer:
        tracer, clock = made(), Clock()
        homer = Homer(address, TraceSettings(), tracer, clock, asyncio.get_running_loop())
        for _ in range(3):
            for _ in range(5):
                tracer.keep(True, SECRET, PEER, clock.now_ns())
            await until(lambda: not homer.statistics()["homer_waiting"])
        homer.close()
        return homer

    homer = asyncio.run(run())
    assert homer.exported + homer.lost == 15
    assert homer.lost > 0


def test_what_waits_at_the_end_is_sent(collector) -> None:
    async def run() -> None:
        tracer, clock = made(), Clock()
        settings = TraceSettings()
        loop = asyncio.get_running_loop()
        homer = Homer(collector.getsockname(), settings, tracer, clock, loop)
        for _ in range(tracing.SEND_MAX + 5):
            tracer.keep(True, SECRET, PEER, 1)
        homer.close()
        assert homer.exported == tracing.SEND_MAX + 5
        assert tracer.tap is None

    asyncio.run(run())


def test_an_answer_is_bounded_the_newest_legs_first() -> None:
    tracer, clock = made(), Clock()
    large = bytes(60_000)
    for leg in range(8):
        call_id = f"{7:016x}.{leg}@h"
        for n in range(16):
            tracer.keep(True, message(Call_ID=call_id) + large, PEER, leg * 100 + n)
    found = Traces(tracer, clock).get(GetTrace(call="7"))
    size = sum(len(m.data) for m in found.messages)
    assert size <= tracing.REPLY_BYTES_MAX
    assert found.calls[-1].call_id == f"{7:016x}.7@h"
    assert 1 < len(found.calls) < 8
    assert found.others == 0


def test_messages_of_several_legs_are_in_order_of_time() -> None:
    tracer, clock = made(), Clock()
    for at, leg in enumerate([1, 2, 1, 2, 1]):
        tracer.keep(True, message(Call_ID=f"{7:016x}.{leg}@h"), PEER, at)
    found = Traces(tracer, clock).get(GetTrace(call="7"))
    assert [m.now_ns for m in found.messages] == [0, 1, 2, 3, 4]
    assert [m.wall_ns - m.now_ns for m in found.messages] == [clock.offset_ns] * 5


def test_pages_and_what_is_not_there() -> None:
    tracer, clock = made(), Clock()
    for n in range(5):
        tracer.keep(True, message(Call_ID=f"c{n}"), PEER, n)
    traces = Traces(tracer, clock)
    page = traces.listed(ListTraces(limit=2))
    assert ([c.call_id for c in page.items], page.left) == (["c4", "c3"], 3)
    with pytest.raises(NotFound):
        traces.get(GetTrace(call="nobody"))
    assert traces.get(GetTrace(call="c")).others == 4
