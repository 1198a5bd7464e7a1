"""One port in the world: its machine, its device, its timer.

Ports share nothing. What a machine raises ends that port's turn and is told as a `Crashed`; the
port is then opened anew with a fresh machine after `CRASH_S`, and no other port notices.

Opening and closing a device is done aside: the driver of one that is wedged may take seconds for
it, or for ever. One opening at a time: while it lasts the port says so, and one that comes late is
taken all the same. A modem that floods is read a little every second, then closed for a time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol, TypeVar

from gsm.effects import Close, Effect, Reopen, Tell, Write
from gsm.events import Fact
from gsm.flood import Flood
from gsm.io_aside import Aside
from gsm.io_serial import BAUD_USUAL, SerialLine, close_device, open_device
from gsm.port import Port

log = logging.getLogger("gsm.port")
T = TypeVar("T")

CRASH_S: Final = 15.0  # until a port whose machine failed is begun anew
NS: Final = 1_000_000_000
PAUSE_S: Final = 1.0  # between two readings of a modem that floods
FLOOD_LOG_NS: Final = 600 * NS  # a flood within so long after another is the same
STILL_OPENING: Final = "the device is still being opened"


class Crashed(Fact, frozen=True):
    """The machine itself failed; the port is out until it is begun anew."""

    why: str


class Opener(Protocol):
    """Finds and opens a port's device; OSError says why it cannot be."""

    def __call__(self) -> int:
        """A descriptor, as `open_device` gives it."""
        ...


class PortRunner:
    """Drives one port. `do` gives its machine an input; all facts go to `on_fact`."""

    def __init__(
        self,
        name: str,
        make: Callable[[], Port],
        opener: Opener,
        on_fact: Callable[[Fact], None],
        *,
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """`make` makes its machine, anew after a crash. Nothing happens before `start`."""
        self.name = name
        self._make = make
        self._opener = opener
        self._on_fact = on_fact
        self._loop = loop
        self._clock = clock
        self._aside = Aside(f"modem {name}", loop)
        self.machine = make()
        self.crashes = 0
        self._line: SerialLine | None = None
        self._opening: asyncio.Future[int] | None = None  # under way, of use or not
        self._stale = False  # it is of no use: the device is another now
        self._closing: asyncio.Future[None] | None = None
        self._flood = Flood()
        self._flooded_ns = -FLOOD_LOG_NS
        self._pause: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due_ns: int | None = None
        self._wake: asyncio.TimerHandle | None = None  # for a Reopen, or the end of a crash
        self._draining = False
        self._ended = False
        self._busy = False
        self._inputs: list[Callable[[Port, int], object]] = []
        self.closed = asyncio.Event()  # nothing is open and nothing will be

    @property
    def is_open(self) -> bool:
        """Whether its device is open."""
        return self._line is not None

    def start(self) -> None:
        """Begin."""
        self.do(lambda port, now_ns: port.start(now_ns))

    def do(self, what: Callable[[Port, int], object]) -> object:
        """Give the machine an input and carry out all it asks for; what the machine answers.

        Asked from within a fact it is done after that one, and None is the answer.
        """
        if self._ended:
            return None
        if self._busy:
            self._inputs.append(what)
            return None
        self._busy = True
        try:
            answer = self._turn(what)
            while self._inputs:
                self._turn(self._inputs.pop(0))
        finally:
            self._busy = False
        return answer

    def present(self) -> None:
        """Its device may have come back: do not wait for the next try."""
        fresh = self.machine.state == "closed"  # it failed: it is begun anew at its own time
        if self._line is None and self._opening is None and self._wake is not None and not fresh:
            self._open_now()

    def absent(self, why: str) -> None:
        """Its device went away, or is another one now."""
        self._stale = True
        if self._line is not None:
            self._gone(why)

    def drain(self) -> None:
        """Hang up, switch audio off, close; `closed` is set when that is done."""
        self._draining = True
        if self._line is None:
            self.end()
        else:
            self.do(lambda port, now_ns: port.drain_port(now_ns))

    def end(self) -> None:
        """Close at once. No fact comes any more; `closed` is set when nothing is open."""
        self._ended = self._stale = True
        self._drop()
        if self._timer is not None:
            self._timer.cancel()
        if self._opening is not None:
            return  # `_opened` comes back here
        if self._closing is None or self._closing.done():
            self.closed.set()
        else:
            self._closing.add_done_callback(lambda _closing: self.closed.set())

    def aside(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Do what may block with a device of this port, after all that was begun before."""
        return self._aside.do(work)

    # -- the machine -----------------------------------------------------------------------------

    def _turn(self, what: Callable[[Port, int], object]) -> object:
        try:
            answer = what(self.machine, self._clock())
            effects = self.machine.drain()
        except Exception as error:  # whatever it is, it is this port's alone
            self._crash(error)
            return None
        for effect in effects:
            if self._ended:
                break
            self._carry_out(effect)
        if self._draining and self._line is None:
            self.end()
        if not self._ended:
            self._arm()
        return answer

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Write(data=data):
                if self._line is not None:
                    self._line.write(data)
            case Tell(fact=fact):
                self._tell(fact)
            case Reopen(after_ns=after_ns):
                self._drop()
                self._wake = self._loop.call_later(after_ns / NS, self._open_now)
            case Close():
                self._stale = True
                self._drop()
            case _:
                raise AssertionError(effect)

    def _tell(self, fact: Fact) -> None:
        try:
            self._on_fact(fact)
        except Exception:  # who listens to one port must not end another
            log.exception("port %s: nobody could take %r", self.name, fact)

    def _crash(self, error: Exception) -> None:
        self.crashes += 1
        log.critical("port %s: internal error, it begins anew", self.name, exc_info=error)
        self._stale = True
        self._drop()
        self._inputs.clear()
        self.machine = self._make()
        self._tell(Crashed(f"{type(error).__name__}: {error}"))
        self._wake = self._loop.call_later(CRASH_S, self._again)

    def _again(self) -> None:
        self._wake = None
        self.start()

    def _arm(self) -> None:
        due_ns = self.machine.deadline_ns()
        if due_ns == self._due_ns and self._timer is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._due_ns = due_ns
        if due_ns is not None:
            delay = max(0, due_ns - self._clock()) / NS
            self._timer = self._loop.call_later(delay, self._tick)

    def _tick(self) -> None:
        self._timer = self._due_ns = None
        self.do(lambda port, now_ns: port.tick(now_ns))

    # -- the device ------------------------------------------------------------------------------

    def _open_now(self) -> None:
        self._drop()
        if self._opening is not None:
            self.do(lambda port, now_ns: port.lost(STILL_OPENING, now_ns))
            return
        self._stale = False
        self._opening = self._aside.do(self._opener)
        self._opening.add_done_callback(self._opened)

    def _opened(self, opening: asyncio.Future[int]) -> None:
        self._opening = None
        if opening.cancelled():  # the loop ends
            return
        error = opening.exception()
        if self._stale or self._line is not None:
            if error is None:
                self._shut(opening.result())
            if self._ended:
                self.end()
            elif self._line is None and self.machine.state == "opening":
                self._open_now()
        elif error is not None:
            why = getattr(error, "strerror", None) or str(error)
            self.do(lambda port, now_ns: port.lost(why, now_ns))
        else:  # perhaps late: then the port waited for its next try
            self._drop()
            self._line = SerialLine(
                self._loop, opening.result(), self._received, self._gone, self._shut
            )
            self.do(lambda port, now_ns: port.opened(now_ns))

    def _received(self, data: bytes) -> None:
        if not self.machine.bulk and self._flood.heard(len(data), self._clock()):
            self._flooded()
        self.do(lambda port, now_ns: port.received(data, now_ns))

    def _flooded(self) -> None:
        """It says more than is listened to."""
        now_ns = self._clock()
        if now_ns - self._flooded_ns >= FLOOD_LOG_NS:
            log.warning("port %s: its modem floods, it is read a little every second", self.name)
        self._flooded_ns = now_ns
        if self._flood.hopeless:
            self._flood.turns = 0
            self.do(lambda port, now_ns: port.flooded(now_ns))
        elif self._line is not None:
            self._line.pause()
            self._pause = self._loop.call_later(PAUSE_S, self._line.resume)

    def _gone(self, why: str) -> None:
        self._drop()
        self.do(lambda port, now_ns: port.lost(why, now_ns))

    def _drop(self) -> None:
        """Close what is open, and wait for nothing."""
        for timer in (self._wake, self._pause):
            if timer is not None:
                timer.cancel()
        self._wake = self._pause = None
        if self._line is not None:
            line, self._line = self._line, None
            line.close()

    def _shut(self, fd: int) -> None:
        self._closing = self._aside.do(partial(close_device, fd))


def device_opener(path: str, baud: int = BAUD_USUAL) -> Opener:
    """Opens always the same path."""
    return lambda: open_device(path, baud)
