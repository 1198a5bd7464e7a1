"""A driver over a scripted machine, a disk whose commits wait for the test, and legs."""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from dialerd.core.effects import Dial, Write
from dialerd.core.events import Digit
from dialerd.core.ops import BeginDial
from dialerd.core.ports import StoreFailedError
from dialerd.shell.clock import Clock
from dialerd.shell.driver import Driver


class Machine:
    """Emits what the test put in, remembers what it was told."""

    def __init__(self):
        self.told = []
        self.next = deque()

    def handle(self, event, now_ns):
        self.told.append(event)

    def tick(self, now_ns):
        self.told.append("tick")

    def deadline_ns(self):
        return None

    def drain(self):
        return self.next.popleft() if self.next else []


class Disk:
    """A store whose commits wait for the test, and fail on demand."""

    def __init__(self):
        self.applied = []
        self.waiting = deque()
        self.failing = False
        self.refuse = ()

    async def apply(self, ops):
        done = asyncio.get_running_loop().create_future()
        self.waiting.append(done)
        await done
        if self.failing:
            raise StoreFailedError("no space left on device")
        self.applied.extend(ops)
        return self.refuse

    async def claim(self, campaign_id, n, now_ms, lease_s):
        raise StoreFailedError("no space left on device")

    async def move_campaign(self, *args):
        raise StoreFailedError("no space left on device")

    def commit(self):
        self.waiting.popleft().set_result(None)


class Legs:
    """Writes down what it is asked to do."""

    def __init__(self):
        self.did, self.prepared, self.discarded, self.went_on = [], [], [], []

    def dial(self, effect):
        self.did.append(effect)

    play = stop_play = tape = release = refuse = answer = ring = dial
    bridge = unbridge = hold = send_keys = listen_in = dial

    def prepare(self, effect):
        self.prepared.append(effect)
        return b"line of %d" % effect.leg

    def discard(self, effect):
        self.discarded.append(effect)

    def kept(self, leg, *, kept):
        self.went_on.append((leg, kept))


def begin(call):
    return BeginDial(attempt_id=call, trunk="t", call_id=f"{call}@x", rule="any", at_ms=1)


def begun(call):
    """What is written: with what a later process needs."""
    return msgspec.structs.replace(begin(call), line=b"line of %d" % call)


def dial(call):
    return Dial(call=call, leg=call, trunk="t", number=None, call_id=f"{call}@x", caller_id="")


def write(call, *ops):
    return Write(call, ops or (begin(call),))


async def until_written(b):
    """What comes by a timer."""
    for _ in range(500):
        if b.disk.waiting:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nothing was written")


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


class Bench:
    def __init__(self):
        self.machine, self.disk, self.legs, self.published = Machine(), Disk(), Legs(), []
        self.driver = Driver(
            asyncio.get_running_loop(),
            Clock(),
            self.machine,
            self.disk,
            self.legs,
            lambda topic, data: self.published.append((topic, data)),
        )

    def feed(self, *effects):
        self.machine.next.append([])  # _run drains once before the input
        self.machine.next.append(list(effects))
        self.driver.feed(Digit(1, "1"))


def run(test):
    async def main():
        bench = Bench()
        await test(bench)
        bench.driver.close()

    asyncio.run(main())
